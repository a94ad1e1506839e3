import * as pulumi from '@pulumi/pulumi'
import type { Wiring } from '../../engine/model/wiring.ts'

export interface LocalWriteBackArgs {
  readonly wiring: pulumi.Input<Wiring>
}

/** Keeps the live side's copy of positions that groups commit on the standby, as a process of this machine (provider `kbg`). */
export class LocalWriteBack extends pulumi.CustomResource {
  declare readonly alive: pulumi.Output<boolean>

  constructor(name: string, args: LocalWriteBackArgs, opts?: pulumi.CustomResourceOptions) {
    super('kbg:index:LocalWriteBack', name, { ...args, alive: undefined }, opts)
  }
}
