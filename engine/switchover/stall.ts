import type { Limits } from '../model/limits.ts'
import { polledLagMs } from '../model/route-publication.ts'

/** How often a guardian looks when nothing calls it. */
export const guardianLookMs = 1_000
/** How long the fences of both colours are looked at, side by side, at most: a colour that doesn't answer must not make a guardian blind for the store, nor hold an update up. */
export const fencesLookMs = 2_000
/** An orchestrator whose window is over takes back by itself: it gets this long before a guardian does it in its place. */
const takeBackMs = 3_000
/** etcd ends a lease up to a second after its time. */
const leaseGraceMs = 2_000
/** From seeing that it is a guardian's turn to its decision in the store: a handful of calls, each of milliseconds. */
const takeOverMs = 5_000

/**
 * How long a fleet's producers are held at most, in milliseconds, while the route store, the brokers of both colours and one guardian live: whether
 * the orchestrator ends or hangs, at any moment, and whether the other guardian ends while it finishes what the orchestrator left.
 *
 * A guardian sees the hold; gives its orchestrator the window and a moment to take back, and the same again when it has decided meanwhile; waits for the lease of whoever has taken the lock since and ended; and opens the colour
 * within the window's deadline again.
 */
export function longestStallMs(limits: Limits): number {
  return guardianLookMs + fencesLookMs + 2 * overdueMs(limits) + leaseMs(limits) + finishMs(limits)
}

/**
 * {@link longestStallMs} of a producer that polls a publication: it learns later that it may go on. While the publication can be reached too, and by the client as well.
 */
export function longestPolledStallMs(limits: Limits, pollIntervalMs: number): number {
  return longestStallMs(limits) + polledLagMs(pollIntervalMs)
}

/** For how long a guardian sees producers held under one lock, without a decision in between, before it takes that away, in milliseconds. */
export function overdueMs(limits: Limits): number {
  return limits.windowDeadlineMs + takeBackMs
}

/** How long producers are held at most once the lock is free, in milliseconds: a guardian takes it and opens the colour. */
export function stallWithoutHolderMs(limits: Limits): number {
  return guardianLookMs + fencesLookMs + finishMs(limits)
}

/** Until a lock whose holder ended is free, in milliseconds. */
export function leaseMs(limits: Limits): number {
  return limits.lockLeaseSeconds * 1_000 + leaseGraceMs
}

/** The source may have to be fenced again, and be proven so, before the target opens. */
function finishMs(limits: Limits): number {
  return takeOverMs + 2 * limits.fenceDeadlineMs + limits.windowDeadlineMs
}
