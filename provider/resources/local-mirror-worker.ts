import { z } from 'zod'
import { ClusterAccess } from '../../engine/model/cluster-access.ts'
import { KbgError } from '../../engine/model/error.ts'
import { FleetName } from '../../engine/model/fleet.ts'
import { WorkerAccess } from '../../engine/model/wiring.ts'
import { actualDifference, inputDifference, joinDifferences } from '../difference.ts'
import { unknownValue } from '../properties.ts'
import type { Call, ResourceDefinition } from '../resource-definition.ts'
import { refuseOtherOwner } from './same-owner.ts'

const LocalMirrorWorkerInputs = z.strictObject({
  fleet: FleetName,
  /** The cluster that it stands beside and copies into. */
  target: ClusterAccess,
  /** The cluster that it copies from. */
  source: ClusterAccess,
})
export type LocalMirrorWorkerInputs = z.infer<typeof LocalMirrorWorkerInputs>

const LocalMirrorWorkerOutputs = z.object({ access: WorkerAccess, alive: z.boolean() })
export type LocalMirrorWorkerOutputs = z.infer<typeof LocalMirrorWorkerOutputs>

/** What runs a Connect worker's process on this machine. */
export interface LocalMirrorWorkerPlatform {
  /** Starts it, or makes sure that it runs. Connectors aren't its affair: they belong to the switchover. */
  provision(worker: LocalMirrorWorkerInputs, call: Call): Promise<WorkerAccess>
  isAlive(worker: LocalMirrorWorkerInputs): boolean
  destroy(worker: LocalMirrorWorkerInputs, call: Call): Promise<void>
}

/** `kbg:index:LocalMirrorWorker`: the Kafka Connect worker beside a colour as a process of this machine. */
export function localMirrorWorker(platform: LocalMirrorWorkerPlatform): ResourceDefinition<LocalMirrorWorkerInputs, LocalMirrorWorkerOutputs> {
  return {
    type: 'kbg:index:LocalMirrorWorker',
    description:
      'A Kafka Connect worker that copies into one colour. It owns no connector: those belong to the switchover, so that no `up` revives a direction.',
    inputs: LocalMirrorWorkerInputs,
    outputs: LocalMirrorWorkerOutputs,
    refreshBeforeUpdate: true,
    refuseChange: (old, wanted) => [
      ...refuseOtherOwner(old, wanted, ['fleet']),
      ...(wanted.target !== unknownValue && wanted.target.colour !== old.target.colour
        ? [{ property: 'target.colour', reason: `This worker stands beside ${old.target.colour} and stays there.` }]
        : []),
    ],
    diff: (old, wanted) => joinDifferences(inputDifference(old.inputs, wanted), old.outputs.alive ? new Map() : actualDifference('alive')),
    previewCreate: async () => ({ access: unknownValue, alive: true }),
    previewUpdate: async (old) => ({ access: old.outputs.access, alive: true }),
    create: async (worker, call) => {
      refuseSameColour(worker)
      return { id: `${worker.fleet}/worker-${worker.target.colour}`, outputs: { access: await platform.provision(worker, call), alive: true } }
    },
    update: async (_old, worker, call) => {
      refuseSameColour(worker)
      return { access: await platform.provision(worker, call), alive: true }
    },
    read: async (old, call) => {
      const alive = platform.isAlive(old.inputs)
      if (!alive)
        call.warn(`The mirror's worker beside ${old.inputs.target.colour} doesn't run. \`pulumi up\` starts it; its connectors go on where they were.`)
      return { inputs: old.inputs, outputs: { access: old.outputs.access, alive } }
    },
    delete: (old, call) => platform.destroy(old.inputs, call),
  }
}

function refuseSameColour(worker: LocalMirrorWorkerInputs): void {
  if (worker.source.clusterId !== worker.target.clusterId) return
  throw new KbgError('same-cluster', 'A mirror copies from one cluster into another one.', { facts: { observed: `both are ${worker.target.clusterId}` } })
}
