import { z } from 'zod'
import { changeOf, LocalClusterSpec, wayToChange } from '../../engine/adapters/local/cluster-spec.ts'
import { ClusterAccess } from '../../engine/model/cluster-access.ts'
import { KbgError } from '../../engine/model/error.ts'
import { actualDifference, inputDifference, joinDifferences } from '../difference.ts'
import { unknownValue } from '../properties.ts'
import type { Call, Known, Refusal, ResourceDefinition } from '../resource-definition.ts'

const LocalClusterOutputs = z.object({
  /** How this project's own processes reach the colour. */
  access: ClusterAccess,
  /** Brokers whose process lives. */
  brokersAlive: z.int().nonnegative(),
})
export type LocalClusterOutputs = z.infer<typeof LocalClusterOutputs>

/** What runs the processes of a colour on this machine. */
export interface LocalClusterPlatform {
  /** Makes the colour, or brings up what is missing of a provisioned one: dead brokers with their data, new users. */
  provision(spec: LocalClusterSpec, call: Call): Promise<ClusterAccess>
  brokersAlive(spec: LocalClusterSpec): number | Promise<number>
  /** Ends exactly what was started and removes its data. */
  destroy(spec: LocalClusterSpec, call: Call): Promise<void>
}

/** `kbg:index:LocalCluster`: one colour's brokers as processes of this machine. They outlive `pulumi up`. */
export function localCluster(platform: LocalClusterPlatform): ResourceDefinition<LocalClusterSpec, LocalClusterOutputs> {
  return {
    type: 'kbg:index:LocalCluster',
    description: 'A colour: three Kafka brokers (KRaft, SASL, authorizer) as processes of this machine, born fenced for applications.',
    inputs: LocalClusterSpec,
    outputs: LocalClusterOutputs,
    // a broker that died is seen, and started again, by a plain `pulumi up`
    refreshBeforeUpdate: true,
    refuseChange,
    diff: (old, wanted) =>
      joinDifferences(inputDifference(old.inputs, wanted), old.outputs.brokersAlive < old.inputs.nodes ? actualDifference('brokersAlive') : new Map()),
    previewCreate: async (wanted) => ({ access: unknownValue, brokersAlive: wanted.nodes }),
    previewUpdate: async (old, wanted) => ({ access: old.outputs.access, brokersAlive: wanted.nodes }),
    create: async (spec, call) => {
      const access = await platform.provision(spec, call)
      return { id: `${spec.fleet}/${spec.colour}`, outputs: { access, brokersAlive: await platform.brokersAlive(spec) } }
    },
    update: async (old, spec, call) => {
      const refused = refuseChange(old.inputs, spec)
      if (refused.length > 0) throw new KbgError('cluster-change', refused.map(({ reason }) => reason).join(' '))
      const access = await platform.provision(spec, call)
      return { access, brokersAlive: await platform.brokersAlive(spec) }
    },
    read: async (old, call) => {
      const brokersAlive = await platform.brokersAlive(old.inputs)
      if (brokersAlive < old.inputs.nodes) {
        call.warn(`${brokersAlive} of ${old.inputs.nodes} brokers of ${old.inputs.colour} run. \`pulumi up\` starts the others with their data.`)
      }
      return { inputs: old.inputs, outputs: { access: old.outputs.access, brokersAlive } }
    },
    delete: (old, call) => platform.destroy(old.inputs, call),
  }
}

/** A running colour never becomes another one: that is what the other colour is for. */
function refuseChange(old: LocalClusterSpec, wanted: Known<LocalClusterSpec>): readonly Refusal[] {
  const known = LocalClusterSpec.safeParse(wanted)
  if (!known.success) return [] // unknown or wrong elsewhere: the update itself asks again
  return changeOf(old, known.data).map(({ field, provisioned, wanted: asked }) => ({
    property: field.startsWith('brokerConfig.') ? `brokerConfig[${JSON.stringify(field.slice('brokerConfig.'.length))}]` : field,
    reason: `${old.colour} is provisioned with ${field} ${provisioned} and doesn't change under its clients (wanted: ${asked}). ${wayToChange(field, old.colour)}`,
  }))
}
