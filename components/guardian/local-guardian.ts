import * as pulumi from '@pulumi/pulumi'
import type { Colour } from '../../engine/model/colour.ts'
import type { Limits } from '../../engine/model/limits.ts'
import type { Wiring } from '../../engine/model/wiring.ts'

export interface LocalGuardianArgs {
  readonly wiring: pulumi.Input<Wiring>
  readonly limits: pulumi.Input<Limits>
  /** The colour that it stands beside. */
  readonly colour: Colour
}

/** Finishes or takes back what an orchestrator leaves open, as a process of this machine beside a colour (provider `kbg`). */
export class LocalGuardian extends pulumi.CustomResource {
  declare readonly alive: pulumi.Output<boolean>

  constructor(name: string, args: LocalGuardianArgs, opts?: pulumi.CustomResourceOptions) {
    super('kbg:index:LocalGuardian', name, { ...args, alive: undefined }, opts)
  }
}
