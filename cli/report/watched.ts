import type { JournalEntry } from '../../engine/model/journal.ts'
import { lateRecords } from '../../engine/model/late-records.ts'
import type { JournaledSwitchover } from './journaled.ts'

type WatchEntry = Extract<JournalEntry, { kind: 'watch' }>

/**
 * The watch behind a switchover, and the records that came late in it (pure).
 *
 * @param entries from its `opened` entry on, up to the next switchover's: a watch ends behind the `closed` one
 */
export function watched(entries: readonly JournalEntry[]): Pick<JournaledSwitchover, 'watch' | 'late' | 'automatic' | 'sick'> {
  const [opened] = entries
  const late = lateRecords(entries).map(({ partition, records, sourceOffset, targetOffset }) => ({ partition, records, sourceOffset, targetOffset }))
  const { automatic = null, sick = null } = opened?.kind === 'opened' ? opened : {}
  return { automatic, sick, late, watch: watchOf(entries) }
}

function watchOf(entries: readonly JournalEntry[]): JournaledSwitchover['watch'] {
  const said = entries.filter((entry): entry is WatchEntry => entry.kind === 'watch' && entry.what !== 'baseline')
  const newest = said.at(-1)
  const skipped = entries.find((entry) => entry.kind === 'step' && entry.step === 'watch')
  if (newest === undefined) return skipped?.kind === 'step' ? { colour: null, outcome: 'skipped', reason: skipped.detail, measures: [] } : null
  const measures = said.findLast((entry) => entry.measures.length > 0)?.measures ?? []
  return { colour: newest.colour, outcome: outcomeOf(newest), reason: newest.reason, measures }
}

function outcomeOf({ what }: WatchEntry): NonNullable<JournaledSwitchover['watch']>['outcome'] {
  return what === 'begun' || what === 'baseline' ? 'open' : what
}
