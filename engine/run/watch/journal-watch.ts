import { KbgError } from '../../model/error.ts'
import type { JournalEntry } from '../../model/journal.ts'
import type { WatchMeasure } from '../../model/watch.ts'
import { Deadline } from '../../ports/clock.ts'
import { openSwitch } from '../../switchover/journal-reading.ts'
import { isWatching, newestWatch, type Watch } from '../../switchover/watch-reading.ts'
import type { Ports } from '../ports.ts'
import { lockOnce, withLock } from '../under-lock.ts'
import type { WatchRequest } from './keep-watch.ts'

/** Somebody else's short write is over within this; a whole switchover isn't, and then a later round writes. */
const patienceMs = 3_000
const retryPauseMs = 200

/** What is said of a watch. */
export interface WatchFact {
  readonly what: 'passed' | 'failed' | 'inconclusive' | 'halted'
  readonly measures: readonly WatchMeasure[]
  readonly reason: string
}

/** What became of a write: `over`: another one has ended this watch, or a newer switchover has; `later`: nothing was written, somebody else holds the lock or the store is away. */
export type Written = 'written' | 'over' | 'later'

/**
 * Says something of a watch, if it is still the one that runs: the lock is held for this write alone, the journal read under it, and the write compares both. So of two watchers one writes.
 */
export async function writeWatch(ports: Ports, request: WatchRequest, watch: Watch, fact: WatchFact): Promise<Written> {
  const patience = new Deadline(ports.clock, patienceMs, 'the lock, for one entry', request.cancelled)
  for (;;) {
    try {
      return await writeOnce(ports, request, watch, fact)
    } catch (thrown) {
      if (!isForLater(thrown)) throw thrown
      if (patience.remainingMs() <= retryPauseMs) return 'later'
      await ports.clock.sleep(retryPauseMs, request.cancelled)
    }
  }
}

async function writeOnce(ports: Ports, request: WatchRequest, watch: Watch, { what, measures, reason }: WatchFact): Promise<Written> {
  const intent = { live: watch.colour, attempt: watch.attempt, consumers: {} } // nothing moves under this lock
  return await withLock(ports, await lockOnce(ports, request), { ...request, intent }, async (run) => {
    if (!isStillOpen(run.journal, watch) && !(what === 'halted' && isOwnWayBack(run.journal, watch))) return 'over'
    await run.record({ kind: 'watch', what, colour: watch.colour, untilWallClock: null, baseline: null, measures: [...measures], reason })
    return 'written'
  })
}

function isStillOpen(journal: readonly JournalEntry[], watch: Watch): boolean {
  const now = newestWatch(journal)
  return isWatching(now) && now.number === watch.number
}

/** The way back of this very watch was opened and taken back, and nothing was said since: that it halted stands in the entries of that way back. */
function isOwnWayBack(journal: readonly JournalEntry[], { colour, attempt }: Watch): boolean {
  const opened = journal.findLast((entry) => entry.kind === 'opened')
  const isOwn = opened?.automatic !== undefined && opened.source === colour && opened.attempt === attempt
  // One that isn't closed is somebody's to finish, and may yet have moved traffic.
  return isOwn && openSwitch(journal) === null && newestWatch(journal) === null
}

/** What may go well a moment later: somebody else holds the lock or has moved the route, or the store is away. */
export function isForLater(thrown: unknown): boolean {
  return (
    thrown instanceof KbgError && (thrown.retriable || ['lock-lost', 'lost-race', 'stale-verdict', 'finished-earlier', 'outcome-unknown'].includes(thrown.code))
  )
}
