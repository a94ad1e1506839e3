import type { PartitionOffsets, TopicPartition } from '../model/partition.ts'
import { countFrom, type RecordRun } from './record-run.ts'
import type { CutEnds, GroupOffsets } from './strategy.ts'

/** What was read of one partition behind the cut: records native to the target, and their copies on the source, brought there by the reverse mirror. */
export interface BeyondReading {
  /** The source's visible records from its end at the cut on, up to the highest committed offset. */
  readonly source: RecordRun
  /** The target's first visible records from its end at the cut on: as many as `source` has, or all there are. */
  readonly target: RecordRun
}

/** Partitions in which a group has committed past the cut, with the highest such offset. */
export function planBeyond(groups: readonly GroupOffsets[], ends: CutEnds): PartitionOffsets {
  const plan = new Map<TopicPartition, bigint>()
  for (const { committed } of groups) {
    for (const [partition, offset] of committed) {
      const end = ends.sourceEnds.get(partition)
      if (end !== undefined && ends.targetEnds.has(partition) && offset > end && offset > (plan.get(partition) ?? end)) plan.set(partition, offset)
    }
  }
  return plan
}

/** Where a position behind the cut lies on the target, or why that can't be shown. */
export type BeyondFinding = { readonly targetOffset: bigint } | { readonly reason: string }

/**
 * Translates a position behind the cut by counting forward from it: the n-th record that the reverse mirror appended to the source is the n-th record
 * that is native to the target, provided that all n are pairwise equal.
 *
 * @param targetEnd the target's end at the cut
 */
export function translateBeyond(committed: bigint, targetEnd: bigint, reading: BeyondReading): BeyondFinding {
  const count = reading.source.offsets.length - countFrom(reading.source, committed)
  if (reading.target.offsets.length < count) {
    return { reason: `the source holds ${count} records between the cut and ${committed}, the target only ${reading.target.offsets.length}` }
  }
  const differing = reading.source.digests.slice(0, count).findIndex((digest, index) => digest !== reading.target.digests[index])
  if (differing >= 0) {
    return {
      reason: `record ${differing + 1} behind the cut differs: source offset ${reading.source.offsets[differing]}, target offset ${reading.target.offsets[differing]}`,
    }
  }
  const last = reading.target.offsets[count - 1]
  return { targetOffset: last === undefined ? targetEnd : last + 1n }
}
