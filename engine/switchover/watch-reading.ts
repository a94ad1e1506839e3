import type { Colour } from '../model/colour.ts'
import type { JournalEntry } from '../model/journal.ts'
import { lateRecords } from '../model/late-records.ts'
import type { WatchBaseline, WatchEvent, WatchMeasure } from '../model/watch.ts'

type WatchEntry = Extract<JournalEntry, { kind: 'watch' }>

/** The watch behind the newest switchover, as the journal tells it. */
export interface Watch {
  /** Number of the entry that began it: what tells one watch from another. */
  readonly number: number
  readonly colour: Colour
  readonly attempt: number
  /** The newest thing that was said of it. */
  readonly what: Exclude<WatchEvent, 'baseline'>
  readonly reason: string
  readonly measures: readonly WatchMeasure[]
  readonly baseline: WatchBaseline | null
  readonly untilWallClock: string | null
}

/**
 * The watch of the newest switchover; null: there is none, or a newer switchover has been opened since, which ends every watch (pure).
 *
 * A way back that a watch itself has begun isn't watched: what fails there too is a person's to judge. Only `halted` may stand in its entries, when it came to nothing.
 */
export function newestWatch(journal: readonly JournalEntry[]): Watch | null {
  const start = journal.findLastIndex(({ kind }) => kind === 'opened')
  const opened = journal[start]
  if (opened?.kind !== 'opened') return null
  const entries = journal.slice(start).filter((entry): entry is WatchEntry => entry.kind === 'watch')
  const newest = entries.findLast(({ what }) => what !== 'baseline')
  if (newest === undefined || newest.what === 'baseline') return null
  const begun = entries.find(({ what }) => what === 'begun')
  return {
    ...{ number: begun?.number ?? newest.number, colour: newest.colour, attempt: opened.attempt, what: newest.what, reason: newest.reason },
    measures: newest.measures,
    baseline: entries.findLast(({ what }) => what === 'baseline')?.baseline ?? null,
    untilWallClock: begun?.untilWallClock ?? null,
  }
}

/** Whether a watch still looks, or still has to move traffic back (pure). */
export function isWatching(watch: Watch | null): watch is Watch {
  return watch?.what === 'begun' || watch?.what === 'failed'
}

/**
 * How the live colour has failed its watch, in words; null: it hasn't, as far as the newest switchover's watch has come (pure). `failed` and `halted` stay true until traffic moves: nobody watches any more, so
 * nothing would say that it is well again.
 */
export function failedWatch(journal: readonly JournalEntry[], live: Colour): string | null {
  const watch = newestWatch(journal)
  if (watch === null || watch.colour !== live || (watch.what !== 'failed' && watch.what !== 'halted')) return null
  const failed = watch.measures.filter(({ verdict }) => verdict === 'fail').map(({ name, observed }) => `${name}: ${observed}`)
  return failed.length === 0 ? watch.reason : failed.join('; ')
}

/** What the status says of the watch (pure); nothing when there is none. */
export function watchLines(journal: readonly JournalEntry[]): readonly string[] {
  const watch = newestWatch(journal)
  if (watch === null) return []
  const { colour, what, reason, untilWallClock } = watch
  switch (what) {
    case 'begun':
      return [
        `watch     guardians watch ${colour} until ${untilWallClock ?? 'its window is over'}; when it does worse than the other colour before, they say so, and move traffic back where limits.maxAutomaticRollbacks lets them`,
      ]
    case 'passed':
      return [`watch     ${colour} did as well as the other colour before it`]
    case 'failed':
      return [`watch     ${colour} failed (${reason}): guardians move traffic back while it fails, or say here why they don't`]
    case 'inconclusive':
      return [`watch     ${colour} was watched, and nothing can be said: ${reason}`, '          nothing was moved; look at it yourself']
    case 'halted':
      return [
        `watch     HALTED: ${colour} failed, and traffic can't go back by itself: ${reason}`,
        `          nothing was moved. Your own way back off ${colour} asks it only what a fence, a drain and a copy need; see "It halted" in the runbook`,
      ]
  }
}

/** What the status says of late records (pure). */
export function lateLines(journal: readonly JournalEntry[]): readonly string[] {
  return lateRecords(journal).map(({ colour, partition, records, sourceOffset, targetOffset }, index) => {
    const where = targetOffset === null ? "it isn't known yet whether they stand on the other colour" : `appended to the other colour at ${targetOffset}`
    const text = `${records} of ${partition} came on ${colour} at ${sourceOffset}, behind the cut; ${where}. ${colour} can't be live again with this topic as it is`
    return `${index === 0 ? 'late      ' : '          '}${text}`
  })
}
