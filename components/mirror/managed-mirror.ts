import * as pulumi from '@pulumi/pulumi'
import type { ClusterAccess } from '../../engine/model/cluster-access.ts'
import type { MskConnectWorker } from '../../engine/model/msk-connect-worker.ts'

export interface ManagedMirrorArgs {
  readonly fleet: string
  /** The cluster that is copied into. */
  readonly target: pulumi.Input<ClusterAccess>
  readonly source: pulumi.Input<ClusterAccess>
  readonly worker: pulumi.Input<MskConnectWorker>
  /** The fleet's name when it ends for good; null otherwise. */
  readonly decommission: string | null
}

/** The connectors into a colour on MSK Connect as a whole (provider `kbg`): the switchover makes them, and they end with this. */
export class ManagedMirror extends pulumi.CustomResource {
  declare readonly access: pulumi.Output<MskConnectWorker>

  constructor(name: string, args: ManagedMirrorArgs, opts?: pulumi.CustomResourceOptions) {
    super('kbg:index:ManagedMirror', name, { ...args, access: undefined }, opts)
  }
}
