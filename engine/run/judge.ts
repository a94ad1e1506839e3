import { assess, boundsOf, isFailover, isWayBack, type Purpose, purposeOf, type Verdict } from '../gate/assess.ts'
import { type Check, refusals } from '../gate/check.ts'
import { groupsCompared } from '../gate/groups-translatable.ts'
import { producerIds } from '../gate/producer-ids.ts'
import { leftBehind } from '../gate/unmirrored.ts'
import type { JournalEntry } from '../model/journal.ts'
import type { Limits } from '../model/limits.ts'
import type { RouteDocument } from '../model/route.ts'
import type { Snapshot } from '../model/snapshot.ts'
import type { Intent, Wiring } from '../model/wiring.ts'
import type { Deadline } from '../ports/clock.ts'
import { failedWatch } from '../switchover/watch-reading.ts'
import { type ObservedMove, observe } from './observe.ts'
import type { Ports } from './ports.ts'

/** Checks whose refusal a moment can lift: on a busy machine the mirror and the audit fall behind now and then, and catch up by themselves, and a guardian that lost its registration comes back. */
const momentary: ReadonlySet<string> = new Set(['mirror lag', 'audit watermark', 'guardians', groupsCompared, leftBehind])

/** A colour that is gone is asked for so long at most: it doesn't answer later either. */
const goneLookMs = 5_000

/** What a move to the intent's live colour is judged by, before it is opened; with nothing but waves to move it is an ordinary one. */
export function purposeOfIntent(route: RouteDocument, journal: readonly JournalEntry[], intent: Intent): Purpose {
  if (route.live === intent.live) return 'move'
  return purposeOf(intent, failedWatch(journal, route.live) === null ? null : 'way back by hand')
}

/** What is judged, and for whom. */
export interface Judgement {
  readonly wiring: Wiring
  readonly limits: Limits
  readonly move: ObservedMove
  readonly attempt: number
  readonly purpose: Purpose
  /** Consecutive lag samples of one observation. */
  readonly lagSamples: number
}

/** A verdict with what it was given for. */
export interface Judged extends Verdict {
  readonly snapshot: Snapshot
}

/**
 * Observes and assesses. While nothing but a momentary check refuses, everything is observed afresh: a verdict is never put together from two
 * observations. The last one counts when there is no time for another.
 */
export async function judge(ports: Ports, { wiring, limits, move, attempt, purpose, lagSamples }: Judgement, deadline: Deadline): Promise<Judged> {
  const bounds = boundsOf(limits, purpose)
  // A sick colour's brokers answer one time and not the next. What they say is believed, that they say nothing isn't: the fence step asks them again as well.
  const isSilence = ({ name, verdict }: Check) =>
    isWayBack(purpose) && verdict === 'inconclusive' && (name === `fence of ${move.source}` || name === producerIds)
  for (;;) {
    const startedMs = ports.clock.monotonicMs()
    const look = isFailover(purpose) ? deadline.within(Math.min(goneLookMs, deadline.remainingMs()), 'the colours to be observed') : deadline
    const snapshot = await observe(ports, wiring, bounds, move, lagSamples, look, purpose)
    const verdict = assess(snapshot, bounds, attempt, lagSamples, purpose)
    const tookMs = ports.clock.monotonicMs() - startedMs
    const isMomentary = refusals(verdict.checks).every((check) => momentary.has(check.name) || isSilence(check))
    if (verdict.verdict === 'pass' || !isMomentary || isFailover(purpose) || deadline.remainingMs() < tookMs + limits.lagSampleIntervalMs)
      return { ...verdict, snapshot }
    await ports.clock.sleep(limits.lagSampleIntervalMs, deadline.cancelled)
  }
}
