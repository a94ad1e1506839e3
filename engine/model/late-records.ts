import type { Colour } from './colour.ts'
import type { JournalEntry } from './journal.ts'

type LateEntry = Extract<JournalEntry, { kind: 'late' }>

/** Records of one partition that came behind a cut, and where they stand on the other colour. */
export interface LateRecords {
  /** The colour on which they came late, and where they still stand. */
  readonly colour: Colour
  readonly partition: string
  readonly topicId: string
  readonly records: number
  /** Of the first one. */
  readonly sourceOffset: string
  /** Of the first one; null: that it was appended isn't known yet. */
  readonly targetOffset: string | null
}

/** All late records that the journal tells of, by colour and partition (pure). */
export function lateRecords(journal: readonly JournalEntry[]): readonly LateRecords[] {
  const entries = journal.filter((entry): entry is LateEntry => entry.kind === 'late')
  const stretches = Map.groupBy(entries, ({ colour, partition, topicId, sourceOffset }) => `${colour} ${topicId} ${partition} ${sourceOffset}`)
  const newest = [...stretches.values()].flatMap((own) => own.at(-1) ?? [])
  const partitions = Map.groupBy(newest, ({ colour, partition, topicId }) => `${colour} ${topicId} ${partition}`)
  return [...partitions.values()].flatMap((own) => {
    const [first] = own
    if (first === undefined) return []
    const { colour, partition, topicId, sourceOffset } = first
    const appended = own.every(({ what }) => what === 'appended')
    const records = own.reduce((sum, entry) => sum + entry.records, 0)
    return [{ colour, partition, topicId, sourceOffset, records, targetOffset: appended ? first.targetOffset : null }]
  })
}
