import * as pulumi from '@pulumi/pulumi'
import type { ClusterAccess } from '../../engine/model/cluster-access.ts'
import type { WorkerAccess } from '../../engine/model/wiring.ts'

export interface LocalMirrorWorkerArgs {
  readonly fleet: string
  /** The cluster that the worker stands beside and copies into. */
  readonly target: pulumi.Input<ClusterAccess>
  readonly source: pulumi.Input<ClusterAccess>
}

/** The Kafka Connect worker beside a colour as a process of this machine (provider `kbg`). */
export class LocalMirrorWorker extends pulumi.CustomResource {
  declare readonly access: pulumi.Output<WorkerAccess>
  declare readonly alive: pulumi.Output<boolean>

  constructor(name: string, args: LocalMirrorWorkerArgs, opts?: pulumi.CustomResourceOptions) {
    super('kbg:index:LocalMirrorWorker', name, { ...args, access: undefined, alive: undefined }, opts)
  }
}
