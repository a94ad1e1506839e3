import { z } from 'zod'
import type { PartitionOffsets } from './partition.ts'

/** An offset as JSON: decimal text, because a double loses int64. */
export const OffsetText = z.string().regex(/^\d+$/, 'an offset is a decimal number as text')

/** Offsets by `<topic>-<partition>`, as they stand in the journal and in the route. */
export const OffsetsJson = z.record(z.string(), OffsetText)
export type OffsetsJson = z.infer<typeof OffsetsJson>

export function offsetsToJson(offsets: PartitionOffsets): OffsetsJson {
  return Object.fromEntries([...offsets].map(([partition, offset]) => [partition, offset.toString()]))
}

export function offsetsFromJson(json: OffsetsJson): PartitionOffsets {
  return new Map(Object.entries(json).map(([partition, offset]) => [partition, BigInt(offset)]))
}
