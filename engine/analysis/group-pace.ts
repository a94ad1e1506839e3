import type { GroupPace } from '../model/watch.ts'

/** One look at a group on a colour. */
export interface GroupLook {
  readonly atMs: number
  readonly members: number
  /** Its committed offsets, all partitions together. */
  readonly committed: bigint
  /** Visible records that it has still to read; null: not known. */
  readonly lagRecords: number | null
}

/** A moved group must reach this part of its former pace: commits measure it coarsely. */
const requiredPart = 0.5

/**
 * How fast a group reads, from commit to commit (pure): a consumer that commits every five seconds shows nothing in between, and five seconds of work at once.
 * `offsetsPerSecond` is null after a single commit, and 0 when none was seen.
 */
export function paceOf(looks: readonly GroupLook[]): GroupPace {
  const members = looks.at(-1)?.members ?? 0
  const commits = looks.filter((look, index) => index > 0 && look.committed !== looks[index - 1]?.committed)
  const [first, last] = [commits[0], commits.at(-1)]
  if (first === undefined || last === undefined) return { members, offsetsPerSecond: 0 }
  const seconds = (last.atMs - first.atMs) / 1_000
  return { members, offsetsPerSecond: seconds > 0 ? Math.max(0, Number(last.committed - first.committed)) / seconds : null }
}

/** Whether a pace can be told: the group has no members, or two commits were seen. */
export function isPaceSeen(looks: readonly GroupLook[]): boolean {
  const { members, offsetsPerSecond } = paceOf(looks)
  return members === 0 || (offsetsPerSecond !== null && offsetsPerSecond > 0)
}

/**
 * Why a moved group doesn't read on as before; null when it does (pure). One that had no members needs none, one that has read everything has nothing to
 * hurry for, one whose pace wasn't seen before must commit, and what could not be seen is no progress.
 *
 * @param looks since its release, with members or without
 */
export function notReadingOn(before: GroupPace, looks: readonly GroupLook[]): string | null {
  if (before.members === 0) return null
  const now = looks.at(-1)
  if (now === undefined) return 'it was not seen yet'
  if (now.members === 0) return `none of its ${before.members} members has joined`
  if (now.lagRecords === 0 || before.offsetsPerSecond === 0) return null
  const { offsetsPerSecond } = paceOf(looks)
  if (before.offsetsPerSecond === null) return offsetsPerSecond === 0 ? 'it has committed nothing' : null
  if (offsetsPerSecond === null) return 'it has committed once: its pace is not seen yet'
  if (offsetsPerSecond >= before.offsetsPerSecond * requiredPart) return null
  return `it reads ${Math.round(offsetsPerSecond)} offsets per second, before ${Math.round(before.offsetsPerSecond)}`
}
