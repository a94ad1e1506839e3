import { z } from 'zod'
import { Colour } from '../../engine/model/colour.ts'
import { KbgError, messageOf } from '../../engine/model/error.ts'
import { Limits } from '../../engine/model/limits.ts'
import { Intent, Wiring } from '../../engine/model/wiring.ts'
import type { Actual } from '../../engine/run/execution.ts'
import { actualDifference, inputDifference, joinDifferences } from '../difference.ts'
import { unknownValue } from '../properties.ts'
import { type Call, type Difference, EndStateReached, type Known, type ResourceDefinition, type Stored } from '../resource-definition.ts'
import type { SwitchoverEngine, Wanted } from './switchover-engine.ts'

/** The gate's answer: only the one of the route's present epoch opens it. */
const GateAnswer = z.strictObject({ verdict: z.enum(['pass', 'not needed']), epoch: z.int().nonnegative() })

const SwitchoverInputs = z.strictObject({
  wiring: Wiring,
  /** The colour that is wanted live. */
  live: Colour,
  /** Counted up to move again after a latch. */
  attempt: z.int().nonnegative(),
  /** Waves that are wanted elsewhere than on the live colour. */
  consumers: Intent.shape.consumers,
  /** Records of the live colour that may stay behind at most when it is left. */
  acceptLoss: Intent.shape.acceptLoss,
  /** The live colour is gone: what is known to be lost, repeated. */
  failover: Intent.shape.failover,
  limits: Limits,
  gate: GateAnswer,
  /** Names the fleet when its last live colour may end; null otherwise. */
  decommission: z.string().nullable(),
})
export type SwitchoverInputs = z.infer<typeof SwitchoverInputs>

/** A failover's word in an old form is void: a state that holds one is read as if it held none. */
const StoredSwitchoverInputs = SwitchoverInputs.extend({ failover: Intent.shape.failover.catch(undefined) })

const SwitchoverOutputs = z.object({
  /** The colour that *is* live. */
  live: Colour,
  epoch: z.int().nonnegative(),
  state: z.enum(['open', 'held', 'aborting', 'deciding']),
  /** Where each wave *reads*. Absent in states from before there were waves. */
  consumers: z.record(z.string(), z.enum(['blue', 'green', 'held', 'mixed'])).default({}),
  /** Why nothing moves before a new attempt; null: no latch. */
  latch: z.string().nullable(),
  /** A switch was opened and not closed: the next update finishes it or takes it back. */
  unfinished: z.boolean(),
  /** A broker answers otherwise than the route says: the next update puts that right. */
  fencesDiffer: z.boolean(),
})
export type SwitchoverOutputs = z.infer<typeof SwitchoverOutputs>

type StoredSwitchover = Stored<SwitchoverInputs, SwitchoverOutputs>

/**
 * `kbg:index:Switchover`: who is live. Creating it publishes the first route and opens the live colour; changing `live` moves the traffic.
 * It is compared with what *is*, not with what was asked for: the route is read before every update.
 */
export function switchover(engine: SwitchoverEngine): ResourceDefinition<SwitchoverInputs, SwitchoverOutputs> {
  return {
    type: 'kbg:index:Switchover',
    description: 'Which colour is live. Changing `live` moves all traffic, when the gate passes.',
    inputs: SwitchoverInputs,
    storedInputs: StoredSwitchoverInputs,
    outputs: SwitchoverOutputs,
    refreshBeforeUpdate: true,
    refuseChange: (old, wanted) =>
      wanted.wiring !== unknownValue && wanted.wiring.fleet !== old.wiring.fleet
        ? [{ property: 'wiring.fleet', reason: `A route belongs to its fleet (${old.wiring.fleet}). Another fleet has stacks of its own.` }]
        : [],
    diff: (old, wanted) =>
      joinDifferences(
        // the gate's answer is evidence for a move and no wish of its own
        inputDifference({ ...old.inputs, live: old.outputs.live }, wanted, ['gate']),
        waveDifference(old, wanted),
        old.outputs.unfinished ? actualDifference('unfinished') : new Map(),
        old.outputs.fencesDiffer ? actualDifference('fencesDiffer') : new Map(),
      ),
    previewCreate: async (wanted, call) => {
      call.inform(await planText(engine, wanted, call))
      return { live: wanted.live, epoch: unknownValue, state: 'open', consumers: unknownValue, latch: null, unfinished: false, fencesDiffer: false }
    },
    previewUpdate: async (old, wanted, call) => {
      const fences = old.outputs.fencesDiffer ? ["A fence doesn't follow the route (kbg status says which): the update puts that right first."] : []
      call.inform([await planText(engine, wanted, call), ...fences].join('\n'))
      const stays = old.outputs.live === wanted.live && old.outputs.state === 'open' && waveDifference(old, wanted).size === 0
      const epoch = stays ? old.outputs.epoch : unknownValue
      const consumers = stays ? old.outputs.consumers : unknownValue
      return { live: wanted.live, epoch, state: 'open', consumers, latch: unknownValue, unfinished: false, fencesDiffer: false }
    },
    create: async (inputs, call) => {
      const id = inputs.wiring.fleet
      return { id, outputs: await orEndState(id, () => engine.createRoute(wantedOf(inputs), call)) }
    },
    update: (old, inputs, call) => orEndState(old.id, () => move(engine, inputs, call)),
    read: (old, call) => read(engine, old, call),
    delete: async (old, call) => {
      const reasons = await engine.reasonsAgainstEnd(old.inputs.wiring, old.inputs.decommission, call)
      if (reasons.length > 0) throw refusedEnd(old.inputs.wiring.fleet, reasons)
    },
  }
}

function wantedOf(inputs: SwitchoverInputs): Wanted {
  const { wiring, live, attempt, consumers, acceptLoss, failover, limits } = inputs
  return { wiring, intent: { live, attempt, consumers, acceptLoss, failover }, limits }
}

/** What was left open is finished whatever the gate said since; a new move needs a gate that passed, in this very epoch. */
async function move(engine: SwitchoverEngine, inputs: SwitchoverInputs, call: Call): Promise<Actual> {
  const actual = await engine.observe(inputs.wiring, call)
  const isMove = actual.live !== inputs.live || wavesElsewhere(actual, inputs).some(([, wanted]) => wanted !== actual.live)
  if (actual.state === 'open' && !actual.unfinished && isMove && inputs.gate.verdict !== 'pass') {
    throw new KbgError('gate-not-passed', 'The switchover has no gate that passed.', {
      facts: { observed: `gate "${inputs.gate.verdict}" at epoch ${inputs.gate.epoch}`, required: `gate "pass" at epoch ${actual.epoch}` },
      remedy: 'Run `pulumi up` without --target, so that the gate observes again.',
    })
  }
  return engine.moveLive(wantedOf(inputs), inputs.gate.epoch, call)
}

/** Waves of which not every group reads where it is wanted, and where that is. */
function wavesElsewhere(
  actual: Pick<SwitchoverOutputs, 'consumers'>,
  { consumers, live }: Pick<SwitchoverInputs, 'consumers' | 'live'>,
): readonly (readonly [string, Colour])[] {
  return Object.entries(actual.consumers).flatMap(([wave, colour]) => {
    const wanted = consumers[wave] ?? live
    return colour === wanted ? [] : [[wave, wanted] as const]
  })
}

/** A wave that reads elsewhere than it is wanted, whatever the inputs were. A change of `live` moves the waves that follow it, and is a difference of its own. */
function waveDifference(old: StoredSwitchover, wanted: Known<SwitchoverInputs>): Difference {
  const { live, consumers } = wanted
  if (live === unknownValue || consumers === unknownValue || live !== old.outputs.live) return new Map()
  return wavesElsewhere(old.outputs, { live, consumers }).length > 0 ? actualDifference('consumers') : new Map()
}

/** The engine's "ended in a known state" as Pulumi's: what is there now is recorded together with the error. */
async function orEndState(id: string, work: () => Promise<Actual>): Promise<SwitchoverOutputs> {
  try {
    return SwitchoverOutputs.parse(await work())
  } catch (error) {
    const reached = error instanceof Error && 'actual' in error ? SwitchoverOutputs.safeParse(error.actual) : undefined
    if (error instanceof Error && reached?.success) throw new EndStateReached(id, reached.data, error)
    throw error
  }
}

async function read(engine: SwitchoverEngine, old: StoredSwitchover, call: Call): Promise<{ inputs: SwitchoverInputs; outputs: SwitchoverOutputs }> {
  try {
    const actual = SwitchoverOutputs.parse(await engine.observe(old.inputs.wiring, call))
    return { inputs: { ...old.inputs, live: actual.live, consumers: consumersNow(old.inputs, actual) }, outputs: actual }
  } catch (error) {
    call.warn(`The route can't be read, so the state keeps what was known (live ${old.outputs.live}, epoch ${old.outputs.epoch}): ${messageOf(error)}`)
    return { inputs: old.inputs, outputs: old.outputs }
  }
}

/** The intent that fits what is: as it was where the waves follow it, and else where they read. */
function consumersNow({ consumers }: SwitchoverInputs, actual: SwitchoverOutputs): SwitchoverInputs['consumers'] {
  if (wavesElsewhere(actual, { consumers, live: actual.live }).length === 0) return consumers
  return Object.fromEntries(
    Object.entries(actual.consumers).flatMap(([wave, colour]) => (colour === 'held' || colour === 'mixed' || colour === actual.live ? [] : [[wave, colour]])),
  )
}

async function planText(engine: SwitchoverEngine, wanted: Known<SwitchoverInputs>, call: Call): Promise<string> {
  const { wiring, live, attempt, consumers, acceptLoss, failover, limits } = wanted
  if (acceptLoss === unknownValue || failover === unknownValue) return 'The plan can be shown once acceptLoss and failover are known.'
  if (wiring === unknownValue || live === unknownValue || attempt === unknownValue || consumers === unknownValue || limits === unknownValue) {
    return 'The plan can be shown once mirror and route store are there: their addresses are not known yet.'
  }
  try {
    return await engine.describePlan({ wiring, intent: { live, attempt, consumers, acceptLoss, failover }, limits }, call)
  } catch (error) {
    return `The plan can't be shown now: ${messageOf(error)}`
  }
}

function refusedEnd(fleet: string, reasons: readonly string[]): KbgError {
  return new KbgError('route-in-use', `The route of ${fleet} can't end: ${reasons.join('; ')}.`, {
    remedy: `Finish or abort what is open and stop the clients. Only \`pulumi config set decommission ${fleet}\`, then \`pulumi up\`, lets the last live colour end.`,
  })
}
