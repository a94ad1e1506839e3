import type { GroupPosition } from '../model/journal.ts'
import type { PartitionOffsets, TopicPartition } from '../model/partition.ts'
import { type BeyondReading, translateBeyond } from './beyond-cut.ts'
import { countFrom, equalTail, offsetFromEnd, type RecordRun } from './record-run.ts'
import { type CutEnds, exact, type Finding, type GroupOffsets, notProvable, positionsOf, refusal, type Strategy } from './strategy.ts'

export type { CutEnds, GroupOffsets } from './strategy.ts'

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
 */
export function countBack(
  ends: CutEnds,
  readings: ReadonlyMap<TopicPartition, PartitionReading>,
  beyond: ReadonlyMap<TopicPartition, BeyondReading> = new Map(),
): Strategy {
  const tails = new Map([...readings].map(([partition, reading]) => [partition, { ...reading, equalRecords: equalTail(reading.source, reading.target) }]))
  return {
    method: 'count-back',
    find: ({ partition, committed }) => translate(committed, cutOf(partition, ends), tails.get(partition), beyond.get(partition)),
  }
}

/** Every group's positions by {@link countBack}, in the form and order of {@link positionsOf}. */
export function translateAll(
  groups: readonly GroupOffsets[],
  ends: CutEnds,
  readings: ReadonlyMap<TopicPartition, PartitionReading>,
  beyond: ReadonlyMap<TopicPartition, BeyondReading> = new Map(),
): readonly GroupPosition[] {
  return positionsOf(countBack(ends, readings, beyond), groups, ends)
}

interface ComparedTail extends PartitionReading {
  readonly equalRecords: number
}

interface PartitionCut {
  readonly sourceEnd: bigint
  readonly targetEnd: bigint
}

function cutOf(partition: TopicPartition, ends: CutEnds): PartitionCut {
  return { sourceEnd: ends.sourceEnds.get(partition) ?? 0n, targetEnd: ends.targetEnds.get(partition) ?? 0n }
}

function translate(committed: bigint, cut: PartitionCut, tail: ComparedTail | undefined, beyond: BeyondReading | undefined): Finding {
  if (committed === cut.sourceEnd) return equalSinceThen(cut.targetEnd, 0)
  if (committed > cut.sourceEnd) return behindCut(committed, cut.targetEnd, beyond)
  if (tail === undefined || tail.from > committed) return notProvable(`offset ${committed} was not read`)
  const lagRecords = countFrom(tail.source, committed)
  if (lagRecords === 0) return equalSinceThen(cut.targetEnd, 0)
  const targetOffset = offsetFromEnd(tail.target, lagRecords)
  if (targetOffset !== undefined && tail.equalRecords >= lagRecords) return equalSinceThen(targetOffset, lagRecords)
  return notProvable(difference(tail), lagRecords)
}

function behindCut(committed: bigint, targetEnd: bigint, reading: BeyondReading | undefined): Finding {
  if (reading === undefined) return notProvable(`committed offset ${committed} lies beyond the cut, and what lies there was not read`)
  const found = translateBeyond(committed, targetEnd, reading)
  if ('reason' in found) return notProvable(found.reason)
  return exact(found.targetOffset, 0, 'all records between the cut and this position are equal on both sides')
}

function equalSinceThen(targetOffset: bigint, lagRecords: number): Finding {
  const reason = lagRecords === 0 ? 'nothing left to read before the cut' : `the last ${lagRecords} records before the cut are equal on both sides`
  return exact(targetOffset, lagRecords, reason)
}

/** Where the two sides part, counted from the cut. */
function difference(tail: ComparedTail): string {
  const nth = tail.equalRecords + 1
  const [source, target] = [offsetFromEnd(tail.source, nth), offsetFromEnd(tail.target, nth)]
  if (target === undefined) return `the target has only ${tail.target.offsets.length} records before the cut, the source has one more at offset ${source}`
  return `record ${nth} before the cut differs: source offset ${source}, target offset ${target}`
}
