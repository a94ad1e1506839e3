import { z } from 'zod'
import { ClusterAccess } from '../../engine/model/cluster-access.ts'
import { firstFive } from '../../engine/model/error.ts'
import { MskBirthSpec, mskAccess } from '../../engine/model/msk-access.ts'
import { inputDifference } from '../difference.ts'
import { unknownValue } from '../properties.ts'
import type { Call, ResourceDefinition } from '../resource-definition.ts'
import { requireSameCluster, warnOfMissingBrokers } from './reached-cluster.ts'
import { refuseOtherOwner } from './same-owner.ts'

const MskBirthOutputs = z.object({
  /** How this project's own processes reach the colour. */
  access: ClusterAccess,
})
export type MskBirthOutputs = z.infer<typeof MskBirthOutputs>

/** What a colour's cluster came to. */
export interface Born {
  readonly access: ClusterAccess
  readonly birth: { readonly became: 'fenced' | 'born before' } | { readonly became: 'left open'; readonly because: readonly string[] }
  /** What this project sends and a broker there doesn't know. */
  readonly unspoken: readonly string[]
}

/** Who reaches the brokers. */
export interface MskBirthPlatform {
  bear(spec: MskBirthSpec, call: Call): Promise<Born>
  /** Changes nothing there. */
  identify(spec: MskBirthSpec, call: Call): Promise<ClusterAccess>
  brokersRegistered(spec: MskBirthSpec, call: Call): Promise<number>
  /** Ends every connector into it, and waits until they are gone. @throws KbgError when one may still run */
  endMirrors(spec: MskBirthSpec, access: ClusterAccess, call: Call): Promise<void>
}

/**
 * `kbg:index:MskBirth`: a cluster on MSK becomes a colour, born fenced before any application has rights there. It acts once, when it is created; a change asks who answers, and a preview
 * connects to nobody. Its end, behind the guard's and before that of brokers and network, is the end of the mirror into it: connectors are no resources, and hold that network.
 */
export function mskBirth(platform: MskBirthPlatform): ResourceDefinition<MskBirthSpec, MskBirthOutputs> {
  return {
    type: 'kbg:index:MskBirth',
    description:
      'A cluster on MSK as a colour: born fenced, with canary topics and the bindings of the probe. One that was born before, or is in use, is never fenced by it.',
    inputs: MskBirthSpec,
    outputs: MskBirthOutputs,
    refreshBeforeUpdate: false,
    refuseChange: (old, wanted) => refuseOtherOwner(old, wanted, ['fleet', 'colour', 'environment'], 'it was born as that, and stays it'),
    // The route is asked once, at the birth: another store is no change of the colour.
    diff: (old, wanted) => inputDifference(old.inputs, wanted, ['routeStore']),
    previewCreate: async () => ({ access: unknownValue }),
    previewUpdate: async (old, wanted) => {
      const known = MskBirthSpec.safeParse(wanted)
      return { access: known.success ? mskAccess(known.data, old.outputs.access.clusterId) : unknownValue }
    },
    create: async (spec, call) => {
      const { access, birth, unspoken } = await platform.bear(spec, call)
      const { colour } = spec
      call.tell({ step: 'birth', text: birth.became === 'fenced' ? `${colour} is fenced on all ${spec.brokers} brokers` : `${colour}: ${birth.became}` })
      if (birth.became === 'left open')
        call.warn(
          `${colour} was not fenced, for it is in use: ${firstFive(birth.because)}. A first route has to have it live; where a route has the other colour live, the next update of the traffic stack fences it. Until then its applications write.`,
        )
      if (unspoken.length > 0)
        call.warn(
          `Brokers of ${colour} don't take requests that a switchover sends: ${firstFive(unspoken)}. The gate will refuse for want of what they would say.`,
        )
      return { id: `${spec.fleet}/${colour}`, outputs: { access } }
    },
    update: async (old, spec, call) => {
      const access = await platform.identify(spec, call)
      requireSameCluster(spec.colour, access.clusterId, old.outputs.access.clusterId, 'Retire it, destroy its stack, and make it anew.')
      return { access }
    },
    read: async (old, call) => {
      const { colour, brokers } = old.inputs
      await warnOfMissingBrokers(colour, brokers, call, () => platform.brokersRegistered(old.inputs, call))
      return { inputs: old.inputs, outputs: old.outputs }
    },
    // What it made goes with the cluster; what copies into that doesn't.
    delete: (old, call) => platform.endMirrors(old.inputs, old.outputs.access, call),
  }
}
