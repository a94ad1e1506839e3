import type { OffsetSync } from './offset-sync-store.ts'

/** MirrorMaker's default of `offset.lag.max`. */
export const defaultOffsetLagMax = 100n

/**
 * The offset syncs that a MirrorMaker source task writes while it copies these records: a model of `MirrorSourceTask.PartitionState` (Kafka 4.3.1), each sync arriving at once.
 * It writes one for the first record of its life, behind each gap in the source's offsets, where the target begins anew, and where the target's offset has grown by `offsetLagMax` beyond the last one.
 *
 * @param copied where each record stood on the source and on the target, in order
 */
export function* emittedSyncs(copied: Iterable<OffsetSync>, offsetLagMax: bigint = defaultOffsetLagMax): Generator<OffsetSync> {
  let previous: OffsetSync = { upstreamOffset: -1n, downstreamOffset: -1n }
  let lastSync: bigint | null = null
  for (const pair of copied) {
    const isTooFar = lastSync === null || pair.downstreamOffset - (lastSync + 1n) >= offsetLagMax
    const isBehindGap = pair.upstreamOffset - previous.upstreamOffset !== 1n
    const isBegunAnew = pair.downstreamOffset < previous.downstreamOffset
    if (isTooFar || isBehindGap || isBegunAnew) {
      lastSync = pair.downstreamOffset
      yield pair
    }
    previous = pair
  }
}
