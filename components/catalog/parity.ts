import * as pulumi from '@pulumi/pulumi'
import type { Colour } from '../../engine/model/colour.ts'
import type { ColourInventory } from '../../engine/model/inventory.ts'

export interface ParityArgs {
  /** Whose colours they are; left out: there is one pair in the stack. */
  readonly fleet?: string
  /** What the checkout declares for blue; undefined while it has no stack file. */
  readonly blue: ColourInventory | undefined
  readonly green: ColourInventory | undefined
  /** The colour whose stack this is; left out: the traffic stack, or one that holds both colours. */
  readonly own?: Colour | null
  /** What the colours' own stacks say of themselves, where the traffic stack reads them; left out elsewhere. */
  readonly deployed?: Readonly<Record<Colour, pulumi.Input<ColourInventory | null>>> | null
}

/**
 * Both colours' inventories as outputs, for policies: a policy sees one stack's resources only, so each program registers both sides.
 * It makes nothing, and its values are known in the first preview.
 *
 * Each inventory is one text (JSON): Pulumi unpacks all values of all resources for every policy anew, and an inventory of a thousand topics has ten thousand of them.
 */
export class Parity extends pulumi.ComponentResource {
  static readonly type = 'kbg:catalog:Parity'
  constructor(name: string, { fleet, blue, green, own = null, deployed = null }: ParityArgs, options?: pulumi.ComponentResourceOptions) {
    const stands = deployed && { blue: pulumi.output(deployed.blue).apply(textOf), green: pulumi.output(deployed.green).apply(textOf) }
    const registered = { ...(fleet === undefined ? {} : { fleet }), blue: textOf(blue), green: textOf(green), own, deployed: stands }
    // As inputs too: policies see a component's inputs in `validateResource` and its outputs in `validateStack`.
    super(Parity.type, name, registered, options)
    this.registerOutputs(registered)
  }
}

function textOf(inventory: ColourInventory | null | undefined): string | null {
  return inventory === null || inventory === undefined ? null : JSON.stringify(inventory)
}
