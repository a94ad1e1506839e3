/** What each strategy makes of the same committed offsets at the same cut. */

import { firstFive, KbgError } from '../../../engine/model/error.ts'
import type { Cut, GroupPosition, JournalEntry } from '../../../engine/model/journal.ts'
import { offsetsFromJson } from '../../../engine/model/offset-json.ts'
import { type PartitionOffsets, type TopicPartition, topicPartition } from '../../../engine/model/partition.ts'
import { bySnapshot, type NotedPlace } from '../../../engine/offsets/by-snapshot.ts'
import { byTimestamp, type RecordWindow, type TimestampReading } from '../../../engine/offsets/by-timestamp.ts'
import { type CutEnds, positionsOf, type Strategy } from '../../../engine/offsets/strategy.ts'
import type { Deadline } from '../../../engine/ports/clock.ts'
import type { VisibleRecord } from '../../../engine/ports/cluster.ts'
import { translateGroups } from '../../../engine/run/translate-groups.ts'
import { batchPositions } from '../../../engine/switchover/group-positions.ts'
import type { Pair } from '../../support/pair.ts'
import { firstFrom } from '../translate-scale/true-positions.ts'

/** Committed offsets by group. */
export type Committed = ReadonlyMap<string, PartitionOffsets>

/** One switchover's cut, and what became of the groups in it. */
export interface Moved {
  readonly cut: Cut
  readonly positions: readonly GroupPosition[]
  readonly moved: ReadonlySet<string>
  /** What the groups had committed on the source when they were moved. */
  readonly committed: Committed
}

/** Reads a switchover out of the journal (pure). @throws KbgError `bench` when it has no cut or moved nobody */
export function movedIn(journal: readonly JournalEntry[]): Moved {
  const decided = journal.findLast((entry) => entry.kind === 'decided')
  const cut = decided?.kind === 'decided' ? decided.cut : null
  const batches = journal.filter((entry) => entry.kind === 'groups')
  if (cut === null || batches.length === 0) throw new KbgError('bench', 'The switchover has no cut or moved no groups.', { facts: { batches: batches.length } })
  const positions = batches.flatMap((batch) => batchPositions(journal, batch))
  const byGroup = Map.groupBy(positions, ({ groupId }) => groupId)
  const committed = [...byGroup].map(([groupId, own]) => [groupId, new Map(own.map((one) => [partitionOf(one), BigInt(one.sourceOffset)]))] as const)
  return { cut, positions, moved: new Set(batches.flatMap((batch) => batch.moved)), committed: new Map(committed) }
}

export function partitionOf({ topic, partition }: Pick<GroupPosition, 'topic' | 'partition'>): TopicPartition {
  return topicPartition(topic, partition)
}

/**
 * Where a group stands on the target, from what is committed there (pure): nobody's account of what was written.
 *
 * @throws KbgError `bench` when that isn't what the journal says was written
 */
export function standing({ positions }: Moved, groupId: string, onTarget: PartitionOffsets): readonly GroupPosition[] {
  const own = positions.filter((position) => position.groupId === groupId)
  const told = new Map(own.flatMap((one) => (one.targetOffset === null ? [] : [[partitionOf(one), BigInt(one.targetOffset)] as const])))
  const differing = [...new Set([...told.keys(), ...onTarget.keys()])].filter((partition) => told.get(partition) !== onTarget.get(partition))
  if (differing.length > 0)
    throw new KbgError('bench', `${groupId} stands elsewhere than the journal says.`, {
      facts: {
        observed: firstFive(differing.map((partition) => `${partition} at ${onTarget.get(partition) ?? 'none'}`)),
        required: firstFive(differing.map((partition) => `${partition} at ${told.get(partition) ?? 'none'}`)),
      },
    })
  return own.map((position) => ({ ...position, targetOffset: onTarget.get(partitionOf(position))?.toString() ?? null }))
}

/** Counting back from the cut, as the switchover does it without an audit. */
export async function countedBack(pair: Pair, { cut, committed }: Moved, deadline: Deadline): Promise<readonly GroupPosition[]> {
  const { blue, green } = pair.ports.clusters
  return await translateGroups({ source: blue, target: green, cut, committed }, deadline)
}

/** Snapshot and restore from places that were noted earlier. */
export function restored(noted: ReadonlyMap<TopicPartition, readonly NotedPlace[]>, moved: Moved): readonly GroupPosition[] {
  return positions(bySnapshot(noted), moved)
}

/** Records of one partition on both sides, below the cut. */
export interface BothSides {
  readonly source: readonly VisibleRecord[]
  readonly target: readonly VisibleRecord[]
}

/** Timestamp correlation with content match, over windows of so many records around the place that ListOffsets would find. */
export function correlated(sides: ReadonlyMap<TopicPartition, BothSides>, windowRecords: number, moved: Moved): readonly GroupPosition[] {
  const readings = new Map<TopicPartition, Map<bigint, TimestampReading>>()
  for (const [partition, { source, target }] of sides) {
    const offsets = [...moved.committed.values()].flatMap((own) => own.get(partition) ?? [])
    readings.set(partition, new Map(offsets.map((offset) => [offset, readingAt(source, target, offset, windowRecords)])))
  }
  return positions(byTimestamp(endsOf(moved.cut), readings), moved)
}

function readingAt(source: readonly VisibleRecord[], target: readonly VisibleRecord[], offset: bigint, windowRecords: number): TimestampReading {
  const at = firstFrom(source, offset)
  const timestamp = source[at]?.timestamp ?? 0n
  // ListOffsets by timestamp: the first record that is as late.
  const found = target.findIndex((record) => record.timestamp >= timestamp)
  return { source: windowAround(source, at, windowRecords), target: windowAround(target, found === -1 ? target.length : found, windowRecords) }
}

function windowAround(records: readonly VisibleRecord[], at: number, size: number): RecordWindow {
  const [from, to] = [Math.max(0, at - size), at + size]
  return { records: records.slice(from, to), fromStart: from === 0, toEnd: to >= records.length }
}

function positions(strategy: Strategy, { cut, committed }: Moved): readonly GroupPosition[] {
  const groups = [...committed].map(([groupId, own]) => ({ groupId, committed: own }))
  return positionsOf(strategy, groups, endsOf(cut))
}

function endsOf({ sourceEnds, targetEnds }: Cut): CutEnds {
  return { sourceStarts: new Map(), sourceEnds: offsetsFromJson(sourceEnds), targetEnds: offsetsFromJson(targetEnds) }
}
