import * as pulumi from '@pulumi/pulumi'
import type { ColourInventory } from '../../engine/model/inventory.ts'

export interface ParityArgs {
  /** What the checkout declares for blue; undefined while it has no stack file. */
  readonly blue: ColourInventory | undefined
  readonly green: ColourInventory | undefined
}

/**
 * Both colours' inventories as outputs, for policies: a policy sees one stack's resources only, so each colour's program registers both sides.
 * It makes nothing, and its values are known in the first preview.
 */
export class Parity extends pulumi.ComponentResource {
  static readonly type = 'kbg:catalog:Parity'
  readonly blue: pulumi.Output<ColourInventory | undefined>
  readonly green: pulumi.Output<ColourInventory | undefined>

  constructor(name: string, args: ParityArgs, options?: pulumi.ComponentResourceOptions) {
    // As inputs too: policies see a component's inputs in `validateResource` and its outputs in `validateStack`.
    super(Parity.type, name, { blue: args.blue, green: args.green }, options)
    this.blue = pulumi.output(args.blue)
    this.green = pulumi.output(args.green)
    this.registerOutputs({ blue: this.blue, green: this.green })
  }
}
