import { z } from 'zod'
import { JournalEntry } from './journal.ts'

/** So many switchovers before the open one keep their entries; older ones are removed. */
export const keptSwitchovers = 50

/**
 * Where reading the journal begins. It moves with each `opened` entry, in that entry's own transaction: what a decision needs is the newest switchover and,
 * of everything before it, which connectors there are and which partitions hold late records. So a read costs what one switchover wrote, however long the fleet has been switching.
 */
export const JournalBase = z.strictObject({
  /** Number of the newest `opened` entry: a reading of the store begins here. */
  first: z.int().positive(),
  /** Number of the oldest entry that is kept: the history begins here. */
  oldest: z.int().positive(),
  /** Numbers of the kept `opened` entries, in order. */
  opened: z.array(z.int().positive()),
  /** Entries before `first` that still say something: the newest of each mirror direction that has a connector, those of late records, what left records behind, and the newest drill. */
  carried: z.array(JournalEntry),
})
export type JournalBase = z.infer<typeof JournalBase>

/** The base of a journal in which no switchover was opened yet, and of one that was written before there was a base. */
export const firstBase: JournalBase = { first: 1, oldest: 1, opened: [], carried: [] }

/**
 * The base that goes with a new `opened` entry (pure).
 *
 * @param journal what a reading from `base` showed: the carried entries, then all from `base.first` on
 * @param opened number of the new entry
 */
export function nextBase(base: JournalBase, journal: readonly JournalEntry[], opened: number): JournalBase {
  const before = journal.filter((entry) => entry.number < opened)
  const known = before.filter((entry) => entry.kind === 'opened' && entry.number > (base.opened.at(-1) ?? 0)).map((entry) => entry.number)
  const all = [...base.opened, ...known, opened]
  const kept = all.slice(-(keptSwitchovers + 1))
  const oldest = kept.length < all.length ? (kept[0] ?? opened) : base.oldest
  return {
    first: opened,
    oldest,
    opened: kept,
    carried: [
      ...(['blue', 'green'] as const).flatMap((source) => newestMirror(before, source)),
      ...newestLate(before),
      ...newestLosses(before),
      ...before.filter(({ kind }) => kind === 'drill').slice(-1),
    ],
  }
}

/** The newest entry of each partition: a colour keeps its late records until the topic is made anew there, which a gate sees by its id. */
function newestLate(journal: readonly JournalEntry[]): readonly JournalEntry[] {
  const late = journal.flatMap((entry) => (entry.kind === 'late' ? [entry] : []))
  return [...new Map(late.map((entry) => [`${entry.colour} ${entry.partition}`, entry])).values()]
}

/** A colour stays diverged until it is another cluster. Its cut has nothing to say any more, and may be large. */
function newestLosses(journal: readonly JournalEntry[]): readonly JournalEntry[] {
  const losses = journal.flatMap((entry) => (entry.kind === 'decided' && entry.loss !== undefined ? [{ ...entry, cut: null }] : []))
  return [...new Map(losses.map((entry) => [entry.loss?.colour, entry])).values()]
}

function newestMirror(journal: readonly JournalEntry[], source: 'blue' | 'green'): readonly JournalEntry[] {
  const newest = journal.findLast((entry) => entry.kind === 'mirror' && entry.source === source)
  return newest?.kind === 'mirror' && newest.what !== 'deleted' ? [newest] : []
}
