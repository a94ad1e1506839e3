import { type Check, type CheckVerdict, judged } from '../gate/check.ts'
import { firstFive } from '../model/error.ts'
import type { TopicPartition } from '../model/partition.ts'
import type { PartitionFacts } from './facts.ts'
import type { Difference } from './record.ts'

const remedy = 'Copy the topic to the standby anew; what stands at the offsets can be read on both sides.'

/** First phase: does each side hold as many visible records below the watermark as the other, what retention and compaction took from one of them aside? */
export function countsPhase(partition: TopicPartition, facts: PartitionFacts): Check {
  const { blue, green } = facts
  const excused = [
    ...(blue.retention + green.retention === 0 ? [] : [`retention left ${blue.retention} on blue only, ${green.retention} on green only`]),
    ...(blue.compacted + green.compacted === 0 ? [] : [`compaction left ${blue.compacted} on blue only, ${green.compacted} on green only`]),
    ...(facts.alignedRecords > 0 ? [] : ['no record in common']),
  ]
  const observed = [`blue ${blue.visible}, green ${green.visible} visible records`, ...excused].join('; ')
  return judged(`counts of ${partition}`, verdictOf(facts, blue.visible === green.visible), observed, 'as many on both sides', remedy)
}

/** Second phase: is the order-sensitive digest over those records the same? */
export function checksumsPhase(partition: TopicPartition, facts: PartitionFacts): Check {
  const { blue, green, watermark } = facts
  const observed = `blue ${blue.digest} below ${watermark.blue}, green ${green.digest} below ${watermark.green}`
  return judged(`checksums of ${partition}`, verdictOf(facts, blue.digest === green.digest), observed, 'the same digest', remedy)
}

/** Third phase: does every record stand in its place, none twice, none left out? A record that was changed in its place is the second phase's. */
export function sequencePhase(partition: TopicPartition, facts: PartitionFacts): Check {
  const { total, byKind, shown } = facts.differences
  const outOfPlace = total - byKind.changed
  const kinds = Object.entries(byKind).flatMap(([kind, count]) => (count === 0 ? [] : [`${count} ${kind}`]))
  const more = total > shown.length ? ` and ${total - shown.length} more` : ''
  const told = total === 0 ? `${facts.alignedRecords} records in their places` : `${kinds.join(', ')}: ${firstFive(shown.map(differenceLine))}${more}`
  const isOpen = total === 0 && facts.state.kind === 'differs'
  const observed = facts.state.kind === 'equal' || total > 0 ? told : `${told}; ${facts.state.reason}`
  const verdict = isOpen ? 'fail' : verdictOf(facts, outOfPlace === 0)
  return judged(`sequence of ${partition}`, verdict, observed, 'every record in its place on both sides, once', remedy)
}

/** All three, in order. */
export function auditPhases(partition: TopicPartition, facts: PartitionFacts): readonly Check[] {
  return [countsPhase(partition, facts), checksumsPhase(partition, facts), sequencePhase(partition, facts)]
}

/** One difference as it is shown: what, on which side, and where on both. */
export function differenceLine({ kind, on, blue, green }: Difference): string {
  return `${kind}${on === null ? '' : ` on ${on}`} at blue ${blue ?? 'end'}, green ${green ?? 'end'}`
}

function verdictOf(facts: PartitionFacts, isKept: boolean): CheckVerdict {
  if (!isKept) return 'fail'
  return facts.state.kind === 'undecided' ? 'inconclusive' : 'pass'
}
