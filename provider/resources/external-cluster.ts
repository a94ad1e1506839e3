import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import { ClusterAccess } from '../../engine/model/cluster-access.ts'
import { ExternalClusterSpec } from '../../engine/model/external-cluster.ts'
import { inputDifference } from '../difference.ts'
import { unknownValue } from '../properties.ts'
import type { Call, Known, Refusal, ResourceDefinition } from '../resource-definition.ts'
import { requireSameCluster, warnOfMissingBrokers } from './reached-cluster.ts'

const ExternalClusterOutputs = z.object({
  /** How this project's own processes reach the colour. */
  access: ClusterAccess,
})
export type ExternalClusterOutputs = z.infer<typeof ExternalClusterOutputs>

/** What asks and adopts a cluster. */
export interface ExternalClusterPlatform {
  /** Makes a colour of it, or finds that it is one still; with a trial it is seen whether a fence works there. */
  adopt(spec: ExternalClusterSpec, trial: 'fence' | 'none', call: Call): Promise<ClusterAccess>
  /** The cluster stays as it is. */
  release(spec: ExternalClusterSpec): void | Promise<void>
  /** @throws what connecting throws */
  brokersRegistered(access: ClusterAccess, call: Call): Promise<number>
}

/** `kbg:index:ExternalCluster`: a cluster that was there before, as a colour. Its brokers, topics and users are never made, changed nor ended here. */
export function externalCluster(platform: ExternalClusterPlatform): ResourceDefinition<ExternalClusterSpec, ExternalClusterOutputs> {
  return {
    type: 'kbg:index:ExternalCluster',
    description:
      'A colour that was there before: compared with the catalog, and tried whether a fence works; nothing that applications use is made or changed.',
    inputs: ExternalClusterSpec,
    outputs: ExternalClusterOutputs,
    refreshBeforeUpdate: false,
    refuseChange,
    diff: (old, wanted) => inputDifference(old.inputs, wanted),
    previewCreate: async () => ({ access: unknownValue }),
    previewUpdate: async (old) => ({ access: old.outputs.access }),
    create: async (spec, call) => ({ id: `${spec.fleet}/${spec.colour}`, outputs: { access: await platform.adopt(spec, 'fence', call) } }),
    update: async (old, spec, call) => {
      const access = await platform.adopt(spec, isDeepStrictEqual(old.inputs.external, spec.external) ? 'none' : 'fence', call)
      requireSameCluster(spec.colour, access.clusterId, old.outputs.access.clusterId, 'Retire it, and adopt the other one.')
      return { access }
    },
    read: async (old, call) => {
      const { colour, nodes } = old.inputs
      await warnOfMissingBrokers(colour, nodes, call, () => platform.brokersRegistered(old.outputs.access, call))
      return { inputs: old.inputs, outputs: old.outputs }
    },
    delete: async (old, call) => {
      const { colour, external } = old.inputs
      await platform.release(old.inputs)
      call.warn(
        `${colour} is a colour no more; its cluster stays as it is. This project's topics (kbg.*) and the bindings of ${external.users.probe.username} are still there, and, where it was the standby, its fence (DENY for User:*).`,
      )
    },
  }
}

/** Another fleet's or colour's: that would be another resource. */
function refuseChange(old: ExternalClusterSpec, wanted: Known<ExternalClusterSpec>): readonly Refusal[] {
  return (['fleet', 'colour'] as const)
    .filter((name) => wanted[name] !== unknownValue && wanted[name] !== old[name])
    .map((name) => ({ property: name, reason: `${old.colour} of ${old.fleet} is adopted, and stays what it is.` }))
}
