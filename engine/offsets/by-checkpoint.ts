import type { TopicPartition } from '../model/partition.ts'
import type { OffsetSync, OffsetSyncStore } from './offset-sync-store.ts'
import { exact, type Finding, notProvable, type Strategy } from './strategy.ts'

/** A position that MirrorMaker's checkpoint task emitted for a group's partition. */
export type Checkpoint = OffsetSync

/** What MirrorMaker makes of a committed offset. */
export type CheckpointTranslation =
  | {
      readonly kind: 'translated'
      readonly downstreamOffset: bigint
      readonly sync: OffsetSync
      /** Visible source records that the group would read again: between none, if all those offsets are gaps, and one for each of them. */
      readonly redelivered: { readonly least: bigint; readonly most: bigint }
    }
  /** It emits no checkpoint: no sync of the partition is known, or all that are lie behind the offset. */
  | { readonly kind: 'none'; readonly reason: string }

/**
 * MirrorMaker's translation (`OffsetSyncStore.translateDownstream`, Kafka 4.3.1): the sync's own target offset if it stands exactly at the committed
 * one; the offset behind it if it stands before, however far; nothing if it stands behind.
 */
export function translateDownstream(store: OffsetSyncStore, committed: bigint): CheckpointTranslation {
  const sync = store.syncFor(committed)
  if (sync === null) return { kind: 'none', reason: 'MirrorMaker has no offset sync of this partition' }
  if (sync.upstreamOffset > committed) {
    return { kind: 'none', reason: `the oldest offset sync that MirrorMaker keeps is at ${sync.upstreamOffset}, behind the committed offset ${committed}` }
  }
  if (sync.upstreamOffset === committed) return { kind: 'translated', downstreamOffset: sync.downstreamOffset, sync, redelivered: { least: 0n, most: 0n } }
  const most = committed - sync.upstreamOffset - 1n
  return { kind: 'translated', downstreamOffset: sync.downstreamOffset + 1n, sync, redelivered: { least: 0n, most } }
}

/** Whether MirrorMaker's checkpoint task emits a checkpoint after the last one: for a group that was set back, or when its target offset grows (`checkpointIsMoreRecent`). */
export function isMoreRecent(last: Checkpoint | undefined, next: Checkpoint): boolean {
  return last === undefined || next.upstreamOffset < last.upstreamOffset || next.downstreamOffset > last.downstreamOffset
}

/** What MirrorMaker knows. */
export interface CheckpointEvidence {
  readonly stores: ReadonlyMap<TopicPartition, OffsetSyncStore>
  /** The checkpoints that it has already emitted, by group. */
  readonly emitted: ReadonlyMap<string, ReadonlyMap<TopicPartition, Checkpoint>>
}

/**
 * Translation as MirrorMaker does it, for when nothing better is there and to show what it would have done. `exact` only where a sync stands exactly at the
 * committed offset, and then by MirrorMaker's word: no content is compared.
 */
export function byCheckpoint({ stores, emitted }: CheckpointEvidence): Strategy {
  return {
    method: 'checkpoint',
    find: ({ groupId, partition, committed }) => {
      const store = stores.get(partition)
      const last = emitted.get(groupId)?.get(partition)
      if (store === undefined) return notProvable('MirrorMaker has no offset sync of this partition', null, last?.downstreamOffset ?? null)
      return findingOf(committed, translateDownstream(store, committed), last)
    },
  }
}

function findingOf(committed: bigint, found: CheckpointTranslation, last: Checkpoint | undefined): Finding {
  if (found.kind === 'none') return notProvable(found.reason, null, last?.downstreamOffset ?? null)
  const { downstreamOffset, sync, redelivered } = found
  if (last !== undefined && last.downstreamOffset !== downstreamOffset && !isMoreRecent(last, { upstreamOffset: committed, downstreamOffset })) {
    return notProvable(`MirrorMaker keeps its earlier checkpoint, source offset ${last.upstreamOffset}`, null, last.downstreamOffset)
  }
  if (sync.upstreamOffset === committed) return exact(downstreamOffset, null, "an offset sync stands here, by MirrorMaker's word: no content was compared")
  const again = `${redelivered.least} to ${redelivered.most} records would be delivered again`
  return notProvable(`the nearest offset sync is at source offset ${sync.upstreamOffset}: ${again}`, null, downstreamOffset)
}
