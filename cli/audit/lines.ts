import type { AuditedPartition, AuditFacts, ToldDifference } from '../../engine/model/audit-facts.ts'
import { colours, otherColour } from '../../engine/model/colour.ts'
import { firstFive } from '../../engine/model/error.ts'
import { parseTopicPartition } from '../../engine/model/partition.ts'

/** What a look at the audit comes to: `equal` only when every partition is, and was at both ends since the look began. */
export type AuditOutcome = 'equal' | 'differs' | 'open'

/**
 * The outcome of one look (pure).
 *
 * @param topics which must all be covered
 * @param sinceMs how long ago the look began: an older watermark says nothing of the records that came since
 */
export function outcomeOf({ partitions, unreachable }: AuditFacts, topics: readonly string[], sinceMs: number): AuditOutcome {
  if (partitions.some(({ state }) => state.kind === 'differs')) return 'differs'
  const isDone = ({ state, watermarkAgeMs, trouble }: AuditedPartition) =>
    state.kind === 'equal' && trouble === '' && watermarkAgeMs !== null && watermarkAgeMs <= sinceMs
  const covered = new Set(partitions.map(({ partition }) => parseTopicPartition(partition).topic))
  const isWhole = partitions.length > 0 && unreachable.length === 0 && topics.every((topic) => covered.has(topic))
  return isWhole && partitions.every(isDone) ? 'equal' : 'open'
}

/** One line of progress. */
export function progressLine({ partitions, unreachable }: AuditFacts): string {
  const aligned = partitions.reduce((sum, { alignedRecords }) => sum + alignedRecords, 0)
  const ages = partitions.map(({ watermarkAgeMs }) => watermarkAgeMs)
  const never = ages.filter((age) => age === null).length
  const oldest = ages.reduce<number>((age, one) => Math.max(age, one ?? 0), 0)
  const age = never > 0 ? `${never} of ${partitions.length} partitions not at their ends yet` : `at both ends ${Math.round(oldest)} ms ago`
  const away = unreachable.length > 0 ? `; unreachable: ${firstFive(unreachable)}` : ''
  return `${aligned} records equal in ${partitions.length} partitions, ${age}${away}`
}

/** The answer for people: the verdict, then every partition that isn't equal. */
export function auditLines(facts: AuditFacts, outcome: AuditOutcome): readonly string[] {
  const verdict = { equal: 'EQUAL', differs: 'DIFFERS', open: 'NOT SHOWN' }[outcome]
  return [`${verdict}  ${progressLine(facts)}`, ...facts.partitions.flatMap(partitionLines)]
}

function partitionLines({ partition, state, trouble, blue, green, differences, lost, notes = [] }: AuditedPartition): readonly string[] {
  const told = [...(state.kind === 'equal' ? [] : [state.reason]), ...(trouble === '' ? [] : [trouble]), ...notes]
  const excused = blue.retention + green.retention + blue.compacted + green.compacted
  if (excused > 0) told.push(`excused: retention ${blue.retention + green.retention}, compaction ${blue.compacted + green.compacted} records on one side only`)
  for (const colour of colours)
    if ((lost?.[colour] ?? 0) > 0) told.push(`${colour} has deleted up to ${lost?.[colour]} records that ${otherColour(colour)} still holds`)
  if (told.length === 0) return []
  const more = differences.total - differences.shown.length
  return [
    `  ${partition}: ${told.join('; ')}`,
    ...differences.shown.map((difference) => `    ${differenceText(difference)}`),
    ...(more > 0 ? [`    and ${more} more`] : []),
  ]
}

function differenceText({ kind, on, blue, green, what }: ToldDifference): string {
  const parts = what.length > 0 ? ` (${what.join(', ')})` : ''
  return `${kind}${parts}${on === null ? '' : ` on ${on}`} at blue ${blue ?? 'end'}, green ${green ?? 'end'}`
}
