import type { JournalEntry } from '../../engine/model/journal.ts'

/** The part of a journal that belongs to one switchover that switched: what stands behind the one before it, up to its end. */
export interface Chapter {
  readonly closed: Extract<JournalEntry, { kind: 'closed' }>
  readonly entries: readonly JournalEntry[]
}

/** A run's switchovers that switched, in order (pure). */
export function switchedChapters(journal: readonly JournalEntry[]): readonly Chapter[] {
  let begins = 0
  return journal.flatMap((entry, index) => {
    if (entry.kind !== 'closed') return []
    const entries = journal.slice(begins, index + 1)
    begins = index + 1
    return entry.outcome === 'switched' ? [{ closed: entry, entries }] : []
  })
}
