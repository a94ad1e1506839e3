/** One round: traffic moves to green, something goes wrong there, and it is seen when it is back. */
import type { Colour } from '../../../engine/model/colour.ts'
import type { JournalEntry } from '../../../engine/model/journal.ts'
import type { Limits } from '../../../engine/model/limits.ts'
import { Deadline, systemClock } from '../../../engine/ports/clock.ts'
import type { Pair } from '../../support/pair.ts'
import { cleaningUp, interrupted } from '../harness/index.ts'
import { movePastGate } from '../past-gate.ts'
import type { Regression, RegressionKind } from './regressions.ts'

/** How the watch behind one switchover ended, as the journal tells it. Times are monotonic milliseconds. */
export interface WatchEnd {
  readonly outcome: 'moved back' | 'halted' | 'passed' | 'inconclusive' | 'nothing in time'
  readonly reason: string
  /** When the failure was journaled, when the way back was opened, and when producers were held; null: never. */
  readonly failedAtMs: number | null
  readonly openedAtMs: number | null
  readonly heldAtMs: number | null
}

export interface Round extends WatchEnd {
  readonly kind: RegressionKind
  readonly injectedAtMs: number
  readonly gateRefusals: number
}

export interface RoundSpec {
  readonly kind: RegressionKind
  readonly regression: Regression
  readonly attempt: number
  readonly limits: Limits
  /** How long green is watched in good health before anything goes wrong. */
  readonly soundMs: number
  /** How long writes flow on blue before the next round. */
  readonly restMs: number
}

const roundMs = 150_000
const pollMs = 100
/** The gate looks about once in two seconds: what was sick has to come into sync again first. */
const mostRefusals = 60

/** The forward way is nothing that is measured: its gate takes two quick samples of the mirror's lag. */
const quickly = (limits: Limits): Limits => ({ ...limits, lagSamples: 2, lagSampleIntervalMs: 200 })

/** One round; it begins and ends with blue live, whatever the watch has done. */
export async function oneRound(pair: Pair, spec: RoundSpec): Promise<Round> {
  const { kind, regression, attempt, limits, soundMs, restMs } = spec
  const gateRefusals = await movePastGate(pair, 'green', { attempt, limits: quickly(limits) }, mostRefusals)
  await systemClock.sleep(soundMs, interrupted)
  const injectedAtMs = systemClock.monotonicMs()
  const back = await cleaningUp(
    async () => {
      await regression.inject()
      return await until(pair, 'writes to flow on blue again', (history) => wayBack(history, attempt) ?? watchEnd(history, attempt))
    },
    () => regression.mend(), // what is measured has happened; turning the mirror round onto a sick colour would only take long
  )
  const end = back === null ? nothingInTime : ((await until(pair, 'the watch to end', (history) => watchEnd(history, attempt))) ?? nothingInTime)
  if (end.outcome !== 'moved back') await movePastGate(pair, 'blue', { attempt: attempt + 1, limits: quickly(limits) }, mostRefusals)
  await systemClock.sleep(restMs, interrupted)
  return { ...end, kind, injectedAtMs, gateRefusals }
}

const nothingInTime: WatchEnd = { outcome: 'nothing in time', reason: `${roundMs / 1_000} s went by`, failedAtMs: null, openedAtMs: null, heldAtMs: null }

/** Polled, because the journal has nobody who tells of it; a round's times are the journal's own. @returns null: not in time */
async function until<T>(pair: Pair, what: string, found: (history: readonly JournalEntry[]) => T | null): Promise<T | null> {
  const deadline = new Deadline(systemClock, roundMs, what, interrupted)
  let head = 0
  while (deadline.remainingMs() > pollMs) {
    const { journalHead } = await pair.ports.store.glance(deadline)
    if (journalHead !== head) {
      head = journalHead
      const seen = found(await pair.ports.store.history(deadline))
      if (seen !== null) return seen
    }
    await systemClock.sleep(pollMs, interrupted)
  }
  return null
}

/** What is journaled from the switchover to green under this attempt on. */
function sinceForward(history: readonly JournalEntry[], attempt: number): readonly JournalEntry[] {
  const forward = history.findIndex((entry) => entry.kind === 'opened' && entry.attempt === attempt && entry.target === ('green' satisfies Colour))
  return forward < 0 ? [] : history.slice(forward)
}

/** The automatic way back under this attempt, once blue is live (pure); null: it isn't. */
export function wayBack(history: readonly JournalEntry[], attempt: number): 'blue is live' | null {
  const entries = sinceForward(history, attempt)
  const opened = entries.findIndex((entry) => entry.kind === 'opened' && entry.automatic !== undefined)
  const isLive = opened >= 0 && entries.slice(opened).some((entry) => entry.kind === 'step' && entry.step === 'release' && entry.what === 'done')
  return isLive ? 'blue is live' : null
}

/** How the watch of the switchover to green under this attempt has ended (pure); null: it hasn't. A way back that was tried and taken back is told by what the watch says of it then. */
export function watchEnd(history: readonly JournalEntry[], attempt: number): WatchEnd | null {
  const entries = sinceForward(history, attempt)
  const failed = entries.find((entry) => entry.kind === 'watch' && entry.what === 'failed')
  const back = entries.find((entry) => entry.kind === 'opened' && entry.automatic !== undefined)
  const closed = back && entries.find((entry) => entry.kind === 'closed' && entry.number > back.number)
  const times = { failedAtMs: failed?.atMonotonicMs ?? null, openedAtMs: back?.atMonotonicMs ?? null }
  if (closed?.kind === 'closed' && closed.outcome === 'switched') {
    // Written with the route that holds: whoever closes the switchover, this is when producers were told.
    const held = entries.find((entry) => entry.kind === 'step' && entry.step === 'hold' && entry.number > (back?.number ?? 0))
    const heldAtMs = held?.atMonotonicMs ?? null
    return { outcome: 'moved back', reason: closed.reason, ...times, heldAtMs }
  }
  const last = entries.findLast((entry) => entry.kind === 'watch')
  if (last?.kind !== 'watch' || last.what === 'baseline' || last.what === 'begun' || last.what === 'failed') return null
  return { outcome: last.what, reason: last.reason, ...times, heldAtMs: null }
}
