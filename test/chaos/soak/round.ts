/** One round: one switchover with one fault, watched until everything is at rest again. */
import { type Colour, otherColour } from '../../../engine/model/colour.ts'
import { messageOf } from '../../../engine/model/error.ts'
import type { JournalEntry } from '../../../engine/model/journal.ts'
import type { Intent } from '../../../engine/model/wiring.ts'
import { systemClock } from '../../../engine/ports/clock.ts'
import { describeStatus } from '../../../engine/run/status.ts'
import { longestStallMs } from '../../../engine/switchover/stall.ts'
import { momentText } from '../../support/moments.ts'
import { Orchestrator } from '../../support/orchestrator.ts'
import { type Field, type Injection, inject } from './inject.ts'
import { within } from './parts.ts'
import type { FaultKind, PlannedFault } from './plan.ts'
import { type Rest, startWhoDied, unrestText } from './rest.ts'

/** What a switchover came to. `untouched`: its run ended or was ended before it opened one. */
export type Outcome = 'finished' | 'taken back' | 'untouched'

export interface RoundResult {
  readonly number: number
  readonly kind: FaultKind
  readonly moment: string
  /** What was met. */
  readonly met: string
  /** What came of the fault itself, and who died of it. */
  readonly notes: readonly string[]
  readonly from: Colour
  readonly to: Colour
  readonly outcome: Outcome
  /** How the orchestrator ended: `moved`, the code of its refusal, or a signal. */
  readonly ended: string
  /** From the fault until one colour is writable, nothing is open, and it is mirrored, in milliseconds. */
  readonly recoveryMs: number
  /** When the fault was put in, and when all was at rest. */
  readonly injectedAtMs: number
  readonly restAtMs: number
}

/** A round that isn't at rest in time: the run ends here, and says what `kbg status` does. */
export class StuckError extends Error {}

/** What a fault may keep away for so long is no stall of the product's: a JVM that starts again, a wait for replicas, a few retries of a busy machine. */
export const allowanceMs = 90_000
const lookEveryMs = 150
/** A switchover is tried again for so long until it comes to its moment. */
const comesSeconds = 90

/** Everything that rounds have in common. */
export interface Ground extends Omit<Field, 'target' | 'orchestrator' | 'second'> {
  readonly rest: Rest
  /** All orchestrators, so that whoever ends a run early can end them. */
  readonly started: Orchestrator[]
}

/** @throws StuckError; whatever a fault can't be put in for */
export async function playRound(number: number, fault: PlannedFault, ground: Ground): Promise<RoundResult> {
  const { pair } = ground
  const { orchestrator, second, from, target, journalHead, refusals } = await atItsMoment(fault, ground)
  const injectedAtMs = systemClock.monotonicMs()
  const injection = await inject(fault, { ...ground, target, orchestrator, second })
  orchestrator.goOn()
  const { restAtMs, trafficAtMs, notes } = await untilRest(ground, orchestrator, injection, injectedAtMs)
  const after = await pair.ports.store.read(within(10))
  const opened = after.journal.some((entry) => entry.kind === 'opened' && entry.number > journalHead)
  return {
    ...{ number, kind: fault.kind, moment: momentText(fault.at), met: injection.text, notes: [...refusals, ...notes], from, to: target },
    outcome: outcomeOf(opened, after.journal),
    ended: await endOf(orchestrator),
    recoveryMs: Math.round(trafficAtMs - injectedAtMs),
    ...{ injectedAtMs, restAtMs },
  }
}

/** A switchover that stands at its moment. */
interface Standing {
  readonly orchestrator: Orchestrator
  /** Starts another one that wants the same. */
  readonly second: () => Orchestrator
  readonly from: Colour
  readonly target: Colour
  readonly journalHead: number
  /** What others were refused or taken back for before. */
  readonly refusals: readonly string[]
}

/** A busy machine is behind: what a gate refuses for that has touched nothing, what is taken back is latched, and both are tried again, from what there is then. */
async function atItsMoment(fault: PlannedFault, ground: Ground): Promise<Standing> {
  const refusals: string[] = []
  const deadline = within(comesSeconds)
  while (!deadline.over) {
    const { route, journalHead, lock } = await ground.pair.ports.store.read(within(10))
    if (route === null) throw new Error('there is no route')
    if (route.state !== 'open' || lock !== null) {
      await systemClock.sleep(lookEveryMs)
      continue
    }
    const target = otherColour(route.live)
    const intent = { live: target, attempt: route.latch === null ? route.attempt : route.latch.attempt + 1, consumers: {} }
    const orchestrator = started(ground, intent, fault.at)
    const second = () => started(ground, intent, null)
    if (await orchestrator.paused()) return { orchestrator, second, from: route.live, target, journalHead, refusals }
    const last = orchestrator.lines.at(-1)
    refusals.push(
      last?.kind === 'failed' ? `before: ${last.code}: ${last.message.replaceAll(/\s+/g, ' ').slice(0, 300)}` : `before: ${last?.kind ?? 'nothing said'}`,
    )
  }
  throw new StuckError(`no switchover came to its moment within ${comesSeconds} s: ${refusals.join('; ')}`)
}

function started({ pair, limits, started: all }: Ground, intent: Intent, pauseAt: PlannedFault['at'] | null): Orchestrator {
  const orchestrator = new Orchestrator({ wiring: pair.wiring, intent, limits, signalAt: null, pauseAt })
  all.push(orchestrator)
  return orchestrator
}

/** Waits until the fault is over, the orchestrator has ended, and everything is at rest. @throws StuckError with what `kbg status` says */
async function untilRest(ground: Ground, orchestrator: Orchestrator, injection: Injection, injectedAtMs: number) {
  const { limits, rest, pair, parts } = ground
  const deadline = within((longestStallMs(limits) + allowanceMs) / 1_000)
  let isOver = false
  const notes: string[] = []
  const over = injection.over.then((note) => {
    if (note !== '') notes.push(note)
    isOver = true
  })
  over.catch(() => undefined) // it is awaited below, once somebody looks
  let trafficAtMs: number | null = null
  for (;;) {
    const unrest = await rest.look()
    const nowMs = systemClock.monotonicMs()
    // It counts from the last time on that traffic wasn't at rest; while the fault is in, what is at rest may not have met it yet.
    if (unrest.traffic.length > 0 || !orchestrator.hasEnded) trafficAtMs = null
    else trafficAtMs ??= nowMs
    if (isOver && trafficAtMs !== null && unrest.parts.length === 0) {
      await over
      return { trafficAtMs, restAtMs: nowMs, notes }
    }
    if (isOver) notes.push(...(await startWhoDied(parts, () => false)).map((part) => `${part} had ended, and was started again`))
    if (deadline.over) {
      const status = await describeStatus(pair.ports, pair.wiring, limits).catch(messageOf)
      const waitedMs = Math.round(nowMs - injectedAtMs)
      throw new StuckError(
        `not at rest ${waitedMs} ms after the fault (${injection.text}): ${unrestText(unrest)}\nthe orchestrator ${orchestrator.hasEnded ? 'ended' : 'lives'}; it said last: ${orchestrator.lines
          .slice(-4)
          .map((line) => JSON.stringify(line))
          .join(' ')}\n${status}`,
      )
    }
    await Promise.race([over.then(() => systemClock.sleep(lookEveryMs)), systemClock.sleep(lookEveryMs)])
  }
}

function outcomeOf(isOpened: boolean, journal: readonly JournalEntry[]): Outcome {
  if (!isOpened) return 'untouched'
  const closed = journal.findLast((entry) => entry.kind === 'closed')
  return closed?.kind === 'closed' && closed.outcome === 'switched' ? 'finished' : 'taken back'
}

async function endOf(orchestrator: Orchestrator): Promise<string> {
  const how = await orchestrator.ended
  const last = orchestrator.lines.at(-1)
  if (last?.kind === 'failed') return last.code
  return last?.kind === 'moved' ? 'moved' : String(how)
}
