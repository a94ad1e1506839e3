import type { GroupPace } from '../model/journal.ts'

/** How a group reads now, since its wave was moved. */
export interface GroupProgress extends GroupPace {
  /** Visible records that it has still to read; null: not known. */
  readonly lagRecords: number | null
}

/** A moved group must reach this part of its former pace: two commits apart measure it coarsely. */
const requiredPart = 0.5

/**
 * Why a moved group doesn't read on as before; null when it does (pure). One that had no members needs none, one that has read everything has nothing to
 * hurry for, and what could not be seen is no progress.
 */
export function notReadingOn(before: GroupPace, now: GroupProgress): string | null {
  if (before.members === 0) return null
  if (now.members === 0) return `none of its ${before.members} members has joined`
  if (now.lagRecords === 0) return null
  if (now.offsetsPerSecond === null) return 'its position could not be seen'
  const required = (before.offsetsPerSecond ?? 0) * requiredPart
  if (now.offsetsPerSecond >= required) return null
  return `it reads ${Math.round(now.offsetsPerSecond)} offsets per second, before ${Math.round(before.offsetsPerSecond ?? 0)}`
}
