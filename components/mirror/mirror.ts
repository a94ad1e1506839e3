import * as pulumi from '@pulumi/pulumi'
import type { ClusterAccess } from '../../engine/model/cluster-access.ts'
import { type Colour, otherColour } from '../../engine/model/colour.ts'
import { connectorPromises, workerPromises } from '../../engine/model/mirror-template.ts'
import type { WorkerAccess } from '../../engine/model/wiring.ts'
import { LocalMirrorWorker } from './local-mirror-worker.ts'

export interface LocalMirrorArgs {
  readonly fleet: string
  readonly clusters: Readonly<Record<Colour, pulumi.Input<ClusterAccess>>>
  /** The version of Kafka whose Connect and MirrorMaker the workers run. */
  readonly version: string
}

/**
 * The mirror's workers, one beside each colour. Connectors aren't resources: which direction runs is the switchover's decision, and no
 * `up` may revive one. Their template is `engine/model/mirror-template.ts`.
 */
export class LocalMirror extends pulumi.ComponentResource {
  /** By the colour that the worker stands beside and copies into. */
  readonly workers: Readonly<Record<Colour, pulumi.Output<WorkerAccess>>>

  constructor(name: string, args: LocalMirrorArgs, opts?: pulumi.ComponentResourceOptions) {
    super('kbg:mirror:LocalMirror', name, {}, opts)
    const beside = (target: Colour): pulumi.Output<WorkerAccess> => {
      const { fleet, clusters } = args
      return new LocalMirrorWorker(`${name}-into-${target}`, { fleet, target: clusters[target], source: clusters[otherColour(target)] }, { parent: this })
        .access
    }
    this.workers = { blue: beside('blue'), green: beside('green') }
    // For policies: connectors aren't resources, so what they are made with is said here.
    this.registerOutputs({ workers: this.workers, promises: { version: args.version, connector: connectorPromises(), worker: workerPromises } })
  }
}
