import { type PartitionOffsets, type TopicPartition, topicPartition } from '../../../engine/model/partition.ts'
import { planBeyond } from '../../../engine/offsets/beyond-cut.ts'
import { byCheckpoint } from '../../../engine/offsets/by-checkpoint.ts'
import { bySnapshot, type NotedPlace } from '../../../engine/offsets/by-snapshot.ts'
import { byTimestamp } from '../../../engine/offsets/by-timestamp.ts'
import { countBack, planReads } from '../../../engine/offsets/count-back.ts'
import { defaultOffsetLagMax } from '../../../engine/offsets/emitted-syncs.ts'
import type { CutEnds, GroupOffsets, Strategy } from '../../../engine/offsets/strategy.ts'
import type { GroupReport } from '../../report/report.ts'
import type { GroupStrategies, StrategiesReport, StrategyName, StrategyOutcome } from '../../report/strategy-evidence.ts'
import type { GroupMove } from './group-moves.ts'
import { beyondReading, hasTimestamps, placeOfCopy, syncStore, tailReading, timestampReadings } from './strategy-readings.ts'
import { recordsBefore, type WholeLogs } from './whole-logs.ts'

/** How far apart the places lie that a snapshot would have noted. */
export const snapshotSeconds = 60

/** Places of both sides that were proven equal, noted before a move; null: none was noted in this run. */
export type NotedBefore = (move: GroupMove) => ReadonlyMap<TopicPartition, readonly NotedPlace[]> | null

/**
 * What each strategy would have re-delivered to every moved group, and what it would have skipped (pure).
 *
 * What is right is taken from the whole reads of both colours, in which every record has an id of its own: the place on the target of the first record that the group had not
 * read on the source. The tool's own translation is judged by it like all others.
 */
export function strategiesReport(moves: readonly GroupMove[], logs: WholeLogs, notedBefore: NotedBefore): StrategiesReport {
  const timestamps = hasTimestamps(logs)
  const groups = moves.flatMap((move) => groupsOf(move, logs, strategiesOf(move, logs, timestamps, notedBefore(move))))
  const noted = moves.some((move) => notedBefore(move) !== null)
  return {
    groups: [...groups],
    notLookedAt: [
      ...(timestamps ? [] : [{ strategy: 'timestamp' as const, reason: 'the whole reads kept no timestamps' }]),
      ...(noted ? [] : [{ strategy: 'snapshot' as const, reason: 'no place of both sides was noted during the run' }]),
    ],
    offsetLagMax: Number(defaultOffsetLagMax),
    snapshotSeconds,
  }
}

/** A group's committed offset on one partition that is judged, and what it really became. */
interface JudgedPosition {
  readonly group: string
  readonly partition: TopicPartition
  readonly committed: bigint
  readonly moved: bigint | null
  /** How many visible records of the target the group has behind it; null: the whole reads don't tell. */
  readonly truth: number | null
}

/** Where a strategy would have put a group; null: nowhere. */
type Propose = (position: JudgedPosition) => bigint | null

function strategiesOf(move: GroupMove, logs: WholeLogs, timestamps: boolean, noted: ReturnType<NotedBefore>): ReadonlyMap<StrategyName, Propose> {
  const ends: CutEnds = { sourceStarts: new Map(), sourceEnds: move.ends.source, targetEnds: move.ends.target }
  const groups = offsetsOf(move.positions)
  const found = (strategy: Strategy): Propose => {
    return ({ group, partition, committed }) => {
      const { targetOffset } = strategy.find({ groupId: group, partition, committed })
      return targetOffset === null ? null : BigInt(targetOffset)
    }
  }
  const tails = mapOf(planReads(groups, ends), (partition, from) => tailReading(logs, move, partition, from))
  const beyond = mapOf(planBeyond(groups, ends), (partition, to) => beyondReading(logs, move, partition, to))
  const stores = mapOf(move.ends.source, (partition) => syncStore(logs, move, partition))
  return new Map<StrategyName, Propose>([
    ['moved', ({ moved }) => moved],
    ['count-back', found(countBack(ends, tails, beyond))],
    ...(timestamps ? [['timestamp', found(byTimestamp(ends, timestampReadings(logs, move, groups)))] as const] : []),
    ...(noted === null ? [] : [['snapshot', found(bySnapshot(noted))] as const]),
    ['checkpoint', found(byCheckpoint({ stores, emitted: new Map() }))],
  ])
}

function mapOf<T>(partitions: PartitionOffsets, of: (partition: TopicPartition, offset: bigint) => T): ReadonlyMap<TopicPartition, T> {
  return new Map([...partitions].map(([partition, offset]) => [partition, of(partition, offset)]))
}

/** A group that moved without any commit has no position on a source. */
function committedOf({ sourceOffset }: GroupReport): bigint | null {
  return sourceOffset !== null && /^\d+$/.test(sourceOffset) ? BigInt(sourceOffset) : null
}

function offsetsOf(positions: readonly GroupReport[]): readonly GroupOffsets[] {
  return [...Map.groupBy(positions, ({ group }) => group)].map(([groupId, own]) => ({
    groupId,
    committed: new Map(
      own.flatMap((position) => {
        const committed = committedOf(position)
        return committed === null ? [] : [[topicPartition(position.topic, position.partition), committed] as const]
      }),
    ),
  }))
}

function groupsOf(move: GroupMove, logs: WholeLogs, strategies: ReadonlyMap<StrategyName, Propose>): readonly GroupStrategies[] {
  return [...Map.groupBy(move.positions, ({ group }) => group)].map(([group, own]) => {
    const positions = own.flatMap((position) => judgedPosition(move, logs, position))
    const known = positions.filter(({ truth }) => truth !== null)
    return {
      group,
      switchover: move.switchover,
      wave: move.wave,
      positions: positions.length,
      unknownPositions: positions.length - known.length,
      outcomes: [...strategies].map(([strategy, propose]) => outcomeOf(strategy, propose, known, move, logs)),
    }
  })
}

function judgedPosition(move: GroupMove, logs: WholeLogs, position: GroupReport): readonly JudgedPosition[] {
  const committed = committedOf(position)
  if (committed === null) return []
  const partition = topicPartition(position.topic, position.partition)
  const moved = position.targetOffset === null ? null : BigInt(position.targetOffset)
  return [{ group: position.group, partition, committed, moved, truth: placeOfCopy(logs, move, partition, committed) }]
}

function outcomeOf(strategy: StrategyName, propose: Propose, known: readonly JudgedPosition[], { target }: GroupMove, logs: WholeLogs): StrategyOutcome {
  let [redeliveredRecords, skippedRecords, unansweredPositions] = [0, 0, 0]
  for (const position of known) {
    const proposed = propose(position)
    const log = logs[target].get(position.partition)
    if (proposed === null) unansweredPositions += 1
    else if (log !== undefined) {
      const ahead = recordsBefore(log, proposed) - (position.truth ?? 0)
      redeliveredRecords += Math.max(0, -ahead)
      skippedRecords += Math.max(0, ahead)
    }
  }
  return { strategy, redeliveredRecords, skippedRecords, unansweredPositions }
}
