import { z } from 'zod'
import type { SavedPartition } from '../../adapters/audit/partition-store.ts'
import { AlignmentCheckpoint } from '../../audit/checkpoint.ts'
import { KbgError } from '../../model/error.ts'
import { OffsetText } from '../../model/offset-json.ts'
import { MapStateJson, mapStateFromJson } from '../../offsets/map-json.ts'
import { scanBlocks } from '../../offsets/map-scan.ts'
import { type MapState, openMap } from '../../offsets/offset-map.ts'

/** Which topic of that name each side had: a re-made one is another. */
const TopicIds = z.strictObject({ blue: z.string().min(1), green: z.string().min(1) })
export type TopicIds = z.infer<typeof TopicIds>

/** How a partition is compared. */
const PartitionModes = z.strictObject({
  /** Either side compacts: keys are looked at, and records may be missing. */
  compacted: z.boolean(),
  /** The timestamp is part of what is compared. */
  timestamps: z.boolean(),
})
export type PartitionModes = z.infer<typeof PartitionModes>

/** Leader epochs of the last records before the offsets that reading goes on from; -1: not known. They show whether a log still is the one that was read. */
const ReadEpochs = z.strictObject({ blue: z.int().min(-1), green: z.int().min(-1) })
export type ReadEpochs = z.infer<typeof ReadEpochs>

/** Below these, timestamps were left out, because a side stamped records itself then; null: nowhere. */
const UntimedBelow = z.strictObject({ blue: OffsetText, green: OffsetText }).nullable()
export type UntimedBelow = z.infer<typeof UntimedBelow>

/** What is saved of one partition beside the map's blocks. */
export const PartitionState = z.strictObject({
  version: z.literal(2),
  topicIds: TopicIds,
  epochs: ReadEpochs,
  modes: PartitionModes,
  untimedBelow: UntimedBelow,
  alignment: AlignmentCheckpoint,
  map: MapStateJson,
})
export type PartitionState = z.infer<typeof PartitionState>

/** A state that can be gone on from. */
export interface RestoredPartition {
  readonly topicIds: TopicIds
  readonly epochs: ReadEpochs
  readonly modes: PartitionModes
  readonly untimedBelow: UntimedBelow
  readonly alignment: AlignmentCheckpoint
  readonly map: MapState
}

/**
 * Checks what was saved, the blocks included.
 *
 * @throws ZodError, KbgError `offset-map-damaged`, `offset-map-incomplete` when it isn't what {@link PartitionState} says: the partition has to be compared from its beginning
 */
export function restorePartition(saved: SavedPartition): RestoredPartition {
  const { topicIds, epochs, modes, untimedBelow, alignment, map } = PartitionState.parse(saved.state)
  const { anchors, end } = scanBlocks(saved.map)
  if (end.kind !== 'complete') {
    const observed = end.kind === 'damaged' ? end.reason : `it ends ${end.ignoredBytes} bytes inside a block`
    throw new KbgError('offset-map-damaged', "The stored blocks of an offset map can't be used.", { facts: { observed } })
  }
  const state = mapStateFromJson(map, anchors)
  openMap(state, { read: () => saved.map }) // nothing is looked up: it checks that the parts are all of the map
  return { topicIds, epochs, modes, untimedBelow, alignment, map: state }
}
