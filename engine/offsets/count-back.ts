import type { GroupPosition } from '../model/journal.ts'
import { type PartitionOffsets, parseTopicPartition, type TopicPartition } from '../model/partition.ts'
import { type BeyondReading, translateBeyond } from './beyond-cut.ts'
import { countFrom, equalTail, offsetFromEnd, type RecordRun } from './record-run.ts'

/** What a group has committed on the source; a negative offset means none (OffsetFetch's -1). */
export interface GroupOffsets {
  readonly groupId: string
  readonly committed: PartitionOffsets
}

/** The cut, and where the source's logs begin. */
export interface CutEnds {
  readonly sourceStarts: PartitionOffsets
  readonly sourceEnds: PartitionOffsets
  readonly targetEnds: PartitionOffsets
}

/** What was read of one partition for all groups. */
export interface PartitionReading {
  /** All visible records of the source from here to its end at the cut. */
  readonly from: bigint
  readonly source: RecordRun
  /** The last visible records of the target before its end at the cut: as many as `source` has, or all there are. */
  readonly target: RecordRun
}

/**
 * From which source offset each partition has to be read, so that one read serves every group. Partitions that no group
 * still has to read anything of are absent, as are positions that can't be translated anyway.
 */
export function planReads(groups: readonly GroupOffsets[], ends: CutEnds): PartitionOffsets {
  const plan = new Map<TopicPartition, bigint>()
  for (const { committed } of groups) {
    for (const [partition, offset] of committed) {
      if (refusal(partition, offset, ends) !== null || offset < 0n || offset >= (ends.sourceEnds.get(partition) ?? 0n)) continue
      const planned = plan.get(partition)
      if (planned === undefined || offset < planned) plan.set(partition, offset)
    }
  }
  return plan
}

/**
 * Translates committed offsets by counting back from the cut: a group that still has n visible records to read on the source
 * has the same n to read on the target, so it goes on at the n-th last record before the target's end.
 *
 * `exact` only if those n records are pairwise equal on both sides. Offsets that point into a gap (markers, aborted
 * records) mean the next visible record. A group that went on past the cut, on what the reverse mirror brought, is translated by counting forward
 * from it. Nothing is ever clamped: what can't be shown is `not provable`, with the reason.
 *
 * @param beyond readings behind the cut, for partitions in which a group committed past it
 * @returns one position for each committed partition, and for each partition without a commit of a topic that the group has commits in;
 *   a group without any commit has a single one, of topic `*`. In order of group, topic, partition.
 */
export function translateAll(
  groups: readonly GroupOffsets[],
  ends: CutEnds,
  readings: ReadonlyMap<TopicPartition, PartitionReading>,
  beyond: ReadonlyMap<TopicPartition, BeyondReading> = new Map(),
): readonly GroupPosition[] {
  const tails = new Map([...readings].map(([partition, reading]) => [partition, { ...reading, equalRecords: equalTail(reading.source, reading.target) }]))
  return groups.flatMap((group) => translateGroup(group, ends, tails, beyond)).sort(byName)
}

interface ComparedTail extends PartitionReading {
  readonly equalRecords: number
}

function translateGroup(
  group: GroupOffsets,
  ends: CutEnds,
  tails: ReadonlyMap<TopicPartition, ComparedTail>,
  beyond: ReadonlyMap<TopicPartition, BeyondReading>,
): readonly GroupPosition[] {
  const committed = [...group.committed].filter(([, offset]) => offset >= 0n)
  if (committed.length === 0) {
    return [{ ...blank, groupId: group.groupId, topic: '*', partition: 0, verdict: 'without offsets', reason: 'the group has committed nothing' }]
  }
  const topics = new Set(committed.map(([partition]) => parseTopicPartition(partition).topic))
  const known = new Set(committed.map(([partition]) => partition))
  const uncommitted = [...ends.sourceEnds.keys()].filter((partition) => !known.has(partition) && topics.has(parseTopicPartition(partition).topic))
  return [
    ...committed.map(([partition, offset]) => ({
      ...blank,
      groupId: group.groupId,
      ...parseTopicPartition(partition),
      sourceOffset: offset.toString(),
      ...translate(partition, offset, ends, tails.get(partition), beyond.get(partition)),
    })),
    ...uncommitted.map((partition) => ({ ...blank, groupId: group.groupId, ...parseTopicPartition(partition), ...withoutCommit(partition, ends) })),
  ]
}

const blank = { sourceOffset: '-1', targetOffset: null, lagRecords: null, method: 'count-back' } as const

type Finding = Pick<GroupPosition, 'targetOffset' | 'lagRecords' | 'verdict' | 'reason'>

function translate(partition: TopicPartition, committed: bigint, ends: CutEnds, tail: ComparedTail | undefined, beyond: BeyondReading | undefined): Finding {
  const refused = refusal(partition, committed, ends)
  if (refused !== null) return notProvable(refused, null)
  const targetEnd = ends.targetEnds.get(partition) ?? 0n
  if (committed === ends.sourceEnds.get(partition)) return exact(targetEnd, 0)
  if (committed > (ends.sourceEnds.get(partition) ?? 0n)) return behindCut(committed, targetEnd, beyond)
  if (tail === undefined || tail.from > committed) return notProvable(`offset ${committed} was not read`, null)
  const lagRecords = countFrom(tail.source, committed)
  if (lagRecords === 0) return exact(targetEnd, 0)
  const targetOffset = offsetFromEnd(tail.target, lagRecords)
  if (targetOffset !== undefined && tail.equalRecords >= lagRecords) return exact(targetOffset, lagRecords)
  return notProvable(difference(tail), lagRecords)
}

/** Why an offset can't be translated whatever the logs hold; null when it can be tried. */
function refusal(partition: TopicPartition, committed: bigint, ends: CutEnds): string | null {
  const [start, end, targetEnd] = [ends.sourceStarts.get(partition) ?? 0n, ends.sourceEnds.get(partition), ends.targetEnds.get(partition)]
  if (end === undefined || targetEnd === undefined) return 'the cut does not cover this partition'
  if (committed < start) return `committed offset ${committed} lies below the log start ${start}: retention passed it`
  return null
}

/**
 * A group that reads the whole topic starts such a partition by its `auto.offset.reset`, which nobody but the group knows. Where there never
 * was a record both settings mean the same, and an explicit offset keeps `latest` from jumping over the first ones on the target.
 */
function withoutCommit(partition: TopicPartition, ends: CutEnds): Finding {
  if (ends.sourceEnds.get(partition) === 0n) {
    return { ...exact(ends.targetEnds.get(partition) ?? 0n, 0), reason: 'the partition never held a record: from its beginning' }
  }
  return notProvable('the group has committed other partitions of this topic but not this one, which has held records', null)
}

function behindCut(committed: bigint, targetEnd: bigint, reading: BeyondReading | undefined): Finding {
  if (reading === undefined) return notProvable(`committed offset ${committed} lies beyond the cut, and what lies there was not read`, null)
  const found = translateBeyond(committed, targetEnd, reading)
  if ('reason' in found) return notProvable(found.reason, null)
  return {
    targetOffset: found.targetOffset.toString(),
    lagRecords: 0,
    verdict: 'exact',
    reason: 'all records between the cut and this position are equal on both sides',
  }
}

function exact(targetOffset: bigint, lagRecords: number): Finding {
  const reason = lagRecords === 0 ? 'nothing left to read before the cut' : `the last ${lagRecords} records before the cut are equal on both sides`
  return { targetOffset: targetOffset.toString(), lagRecords, verdict: 'exact', reason }
}

function notProvable(reason: string, lagRecords: number | null): Finding {
  return { targetOffset: null, lagRecords, verdict: 'not provable', reason }
}

/** Where the two sides part, counted from the cut. */
function difference(tail: ComparedTail): string {
  const nth = tail.equalRecords + 1
  const [source, target] = [offsetFromEnd(tail.source, nth), offsetFromEnd(tail.target, nth)]
  if (target === undefined) return `the target has only ${tail.target.offsets.length} records before the cut, the source has one more at offset ${source}`
  return `record ${nth} before the cut differs: source offset ${source}, target offset ${target}`
}

function byName(a: GroupPosition, b: GroupPosition): number {
  return compareText(a.groupId, b.groupId) || compareText(a.topic, b.topic) || a.partition - b.partition
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
