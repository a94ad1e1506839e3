import type { GroupPosition } from '../model/journal.ts'
import { type PartitionOffsets, parseTopicPartition, type TopicPartition } from '../model/partition.ts'

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

/** One committed offset of one group, inside the cut and not below the source's log start. */
export interface CommittedOffset {
  readonly groupId: string
  readonly partition: TopicPartition
  readonly committed: bigint
}

/**
 * Where a committed offset lies on the target. With `not provable` a target offset is what the method would have written all the same (null: nothing):
 * it moves no group, it shows what that method is worth.
 */
export type Finding = Pick<GroupPosition, 'targetOffset' | 'lagRecords' | 'verdict' | 'reason'>

/** One way of finding positions, pure over the evidence that it was made from. */
export interface Strategy {
  readonly method: GroupPosition['method']
  /** @throws nothing: what the evidence doesn't show is `not provable`, with the reason */
  find(position: CommittedOffset): Finding
}

/** A proven position. */
export function exact(targetOffset: bigint, lagRecords: number | null, reason: string): Finding {
  return { targetOffset: targetOffset.toString(), lagRecords, verdict: 'exact', reason }
}

/** What can't be shown; `proposed` is what the method would have written. */
export function notProvable(reason: string, lagRecords: number | null = null, proposed: bigint | null = null): Finding {
  return { targetOffset: proposed === null ? null : proposed.toString(), lagRecords, verdict: 'not provable', reason }
}

/** Why an offset can't be translated whatever the logs hold; null when it can be tried. */
export function refusal(partition: TopicPartition, committed: bigint, ends: CutEnds): string | null {
  const [start, end, targetEnd] = [ends.sourceStarts.get(partition) ?? 0n, ends.sourceEnds.get(partition), ends.targetEnds.get(partition)]
  if (end === undefined || targetEnd === undefined) return 'the cut does not cover this partition'
  if (committed < start) return `committed offset ${committed} lies below the log start ${start}: retention passed it`
  return null
}

/**
 * Every group's positions by one strategy. None is dropped: a group without any commit has a single position, of topic `*`.
 *
 * @returns one position for each committed partition, and for each partition without a commit of a topic that the group has commits in, in order of
 *   group, topic, partition
 */
export function positionsOf(strategy: Strategy, groups: readonly GroupOffsets[], ends: CutEnds): readonly GroupPosition[] {
  const byTopic = Map.groupBy(ends.sourceEnds.keys(), (partition) => parseTopicPartition(partition).topic)
  return groups.flatMap((group) => positionsOfGroup(strategy, group, ends, byTopic)).sort(byName)
}

function positionsOfGroup(
  strategy: Strategy,
  group: GroupOffsets,
  ends: CutEnds,
  byTopic: ReadonlyMap<string, readonly TopicPartition[]>,
): readonly GroupPosition[] {
  const { groupId } = group
  const blank = { groupId, sourceOffset: '-1', targetOffset: null, lagRecords: null, method: strategy.method } as const
  const committed = [...group.committed].filter(([, offset]) => offset >= 0n)
  if (committed.length === 0) {
    return [{ ...blank, topic: '*', partition: 0, verdict: 'without offsets', reason: 'the group has committed nothing' }]
  }
  const known = new Set(committed.map(([partition]) => partition))
  const topics = new Set(committed.map(([partition]) => parseTopicPartition(partition).topic))
  const uncommitted = [...topics].flatMap((topic) => byTopic.get(topic) ?? []).filter((partition) => !known.has(partition))
  return [
    ...committed.map(([partition, offset]) => ({
      ...blank,
      ...parseTopicPartition(partition),
      sourceOffset: offset.toString(),
      ...found(strategy, { groupId, partition, committed: offset }, ends),
    })),
    ...uncommitted.map((partition) => ({ ...blank, ...parseTopicPartition(partition), ...withoutCommit(partition, ends) })),
  ]
}

function found(strategy: Strategy, position: CommittedOffset, ends: CutEnds): Finding {
  const refused = refusal(position.partition, position.committed, ends)
  return refused === null ? strategy.find(position) : notProvable(refused)
}

/**
 * A group that reads the whole topic starts such a partition by its `auto.offset.reset`, which nobody but the group knows. Where there never
 * was a record both settings mean the same, and an explicit offset keeps `latest` from jumping over the first ones on the target.
 */
function withoutCommit(partition: TopicPartition, ends: CutEnds): Finding {
  if (ends.sourceEnds.get(partition) === 0n) {
    return exact(ends.targetEnds.get(partition) ?? 0n, 0, 'the partition never held a record: from its beginning')
  }
  return notProvable('the group has committed other partitions of this topic but not this one, which has held records')
}

function byName(a: GroupPosition, b: GroupPosition): number {
  return compareText(a.groupId, b.groupId) || compareText(a.topic, b.topic) || a.partition - b.partition
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
