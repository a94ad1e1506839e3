import { z } from 'zod'
import { ClusterAccess } from '../../engine/model/cluster-access.ts'
import { KbgError } from '../../engine/model/error.ts'
import { FleetName } from '../../engine/model/fleet.ts'
import { RouteStoreAccess } from '../../engine/model/wiring.ts'
import { inputDifference } from '../difference.ts'
import { unknownValue } from '../properties.ts'
import type { Call, ResourceDefinition } from '../resource-definition.ts'

/** Everything that the question "may this colour go?" needs. It stands in the guard's own state, because `destroy` doesn't run the program. */
const RetirementGuardInputs = z.strictObject({
  fleet: FleetName,
  cluster: ClusterAccess,
  /** null: where the local platform puts the fleet's store; an address that follows from the fleet's name, whether or not the store stands. */
  routeStore: RouteStoreAccess.nullable(),
  /** The operator's wish to destroy this colour. */
  retire: z.boolean(),
  /** Names the fleet when its last live colour may go; null otherwise. */
  decommission: z.string().nullable(),
  /** How long nothing may have moved on the brokers, when the route can't be read. */
  quietSeconds: z.int().min(1).max(3_600),
})
export type RetirementGuardInputs = z.infer<typeof RetirementGuardInputs>

const RetirementGuardOutputs = z.object({ routeStore: RouteStoreAccess })
export type RetirementGuardOutputs = z.infer<typeof RetirementGuardOutputs>

/** What the guard asks of the engine. */
export interface RetirementEngine {
  /** The local platform's route store of a fleet; whom its colours are trusted by, it is too. */
  routeStoreOf(fleet: string, caFile: string | undefined): RouteStoreAccess | Promise<RouteStoreAccess>
  /** Reasons against destroying the colour; none: it may go. */
  reasonsAgainst(question: RetirementGuardInputs & RetirementGuardOutputs, call: Call): Promise<readonly string[]>
}

/**
 * `kbg:index:RetirementGuard`: nothing but a refusal. It depends on everything of its colour, so Pulumi deletes it first,
 * and while it refuses nothing else is deleted.
 */
export function retirementGuard(engine: RetirementEngine): ResourceDefinition<RetirementGuardInputs, RetirementGuardOutputs> {
  const outputsOf = async ({ fleet, routeStore, cluster }: RetirementGuardInputs): Promise<RetirementGuardOutputs> => ({
    routeStore: routeStore ?? (await engine.routeStoreOf(fleet, cluster.caFile)),
  })
  return {
    type: 'kbg:index:RetirementGuard',
    description: 'Refuses to be deleted while its colour is needed; everything else of the colour is deleted after it.',
    inputs: RetirementGuardInputs,
    outputs: RetirementGuardOutputs,
    refreshBeforeUpdate: false,
    diff: (old, wanted) => inputDifference(old.inputs, wanted),
    previewCreate: async () => ({ routeStore: unknownValue }),
    previewUpdate: async (old) => old.outputs,
    create: async (inputs) => ({ id: `${inputs.fleet}/${inputs.cluster.colour}`, outputs: await outputsOf(inputs) }),
    update: async (_old, inputs) => outputsOf(inputs),
    read: async (old) => ({ inputs: old.inputs, outputs: old.outputs }),
    delete: async (old, call) => {
      const reasons = await engine.reasonsAgainst({ ...old.inputs, ...old.outputs }, call)
      if (reasons.length === 0) return
      throw new KbgError('colour-in-use', `${old.inputs.cluster.colour} of ${old.inputs.fleet} can't be destroyed: ${reasons.join('; ')}.`, {
        remedy: 'Nothing was deleted. Move the traffic away first; `retire` alone proves nothing.',
      })
    },
  }
}
