import { z } from 'zod'
import { ClusterAccess } from '../../engine/model/cluster-access.ts'
import { KbgError } from '../../engine/model/error.ts'
import { FleetName } from '../../engine/model/fleet.ts'
import { MskConnectWorker } from '../../engine/model/msk-connect-worker.ts'
import { inputDifference } from '../difference.ts'
import { unknownValue } from '../properties.ts'
import type { Call, Known, Refusal, ResourceDefinition } from '../resource-definition.ts'

const ManagedMirrorInputs = z.strictObject({
  fleet: FleetName,
  /** The cluster that is copied into. */
  target: ClusterAccess,
  source: ClusterAccess,
  /** How connectors into it are asked for. */
  worker: MskConnectWorker,
  /** The fleet's name when it ends for good; null otherwise: then no connector is ended by a change of the program. */
  decommission: z.string().nullable(),
})
export type ManagedMirrorInputs = z.infer<typeof ManagedMirrorInputs>

const ManagedMirrorOutputs = z.object({ access: MskConnectWorker })
export type ManagedMirrorOutputs = z.infer<typeof ManagedMirrorOutputs>

/** What ends connectors on MSK Connect. */
export interface ManagedMirrors {
  /** Ends all of them, and waits until they are gone. @throws KbgError when one may still run */
  end(mirror: ManagedMirrorInputs, call: Call): Promise<void>
}

/**
 * `kbg:index:ManagedMirror`: the connectors into one colour on MSK Connect, as a whole. Which of them there are is the switchover's decision; here they only end, with the fleet: what is left would run on, and hold the
 * colour's network. While nobody has said that the fleet ends (another name in the program is a new resource, and the old one's end), it refuses: one of them copies what the way back needs.
 */
export function managedMirror(mirrors: ManagedMirrors): ResourceDefinition<ManagedMirrorInputs, ManagedMirrorOutputs> {
  return {
    type: 'kbg:index:ManagedMirror',
    description:
      'How connectors into one colour are asked for on MSK Connect. It makes none: those belong to the switchover, so that no `up` revives a direction. Deleting it ends them.',
    inputs: ManagedMirrorInputs,
    outputs: ManagedMirrorOutputs,
    refreshBeforeUpdate: false,
    refuseChange,
    diff: (old, wanted) => inputDifference(old.inputs, wanted),
    previewCreate: async ({ worker }) => ({ access: worker }),
    previewUpdate: async (_old, { worker }) => ({ access: worker }),
    create: async ({ worker }) => ({ id: worker.namePrefix, outputs: { access: worker } }),
    update: async (old, wanted) => {
      const refused = refuseChange(old.inputs, wanted) // what a preview could not know
      if (refused.length > 0) throw new KbgError('mirror-names', refused.map(({ reason }) => reason).join(' '))
      return { access: wanted.worker }
    },
    read: async (old) => ({ inputs: old.inputs, outputs: old.outputs }),
    delete: async ({ inputs }, call) => {
      if (inputs.decommission !== inputs.fleet) throw needed(inputs)
      await mirrors.end(inputs, call)
    },
  }
}

function needed({ fleet, target }: ManagedMirrorInputs): KbgError {
  return new KbgError('mirror-needed', `The connectors into ${target.colour} end only with the fleet.`, {
    remedy: `To end it: \`pulumi config set decommission ${fleet}\`, then \`pulumi up\`, then \`pulumi destroy\`. Where the program only calls it otherwise now: take that back, or give it an alias.`,
  })
}

/** Connectors are found by their names, and go on at the offsets that Connect holds for those. */
function refuseChange(old: ManagedMirrorInputs, wanted: Known<ManagedMirrorInputs>): readonly Refusal[] {
  const { worker } = wanted
  if (worker === unknownValue) return []
  return (['namePrefix', 'region', 'colour'] as const)
    .filter((name) => worker[name] !== old.worker[name])
    .map((name) => ({
      property: `worker.${name}`,
      reason: `Connectors into ${old.worker.colour} are known by ${name} ${old.worker[name]} and can't be found by ${worker[name]}: take the change back.`,
    }))
}
