import { z } from 'zod'
import { Colour } from './colour.ts'

const Count = z.int().nonnegative()
const OffsetText = z.string().regex(/^\d+$/, 'an offset as decimal text')
const OffsetPair = z.strictObject({ blue: OffsetText, green: OffsetText })

/** A place where the two sides don't hold the same, as it is told: offsets of both sides, null at a side's end. */
export const ToldDifference = z.strictObject({
  kind: z.enum(['missing', 'duplicate', 'foreign', 'changed', 'swapped']),
  on: Colour.nullable(),
  blue: OffsetText.nullable(),
  green: OffsetText.nullable(),
  /** What of a changed record differs: key, value, headers, timestamp; empty when that wasn't looked at. */
  what: z.array(z.enum(['key', 'value', 'headers', 'timestamp'])).default([]),
})
export type ToldDifference = z.infer<typeof ToldDifference>

const AuditedSide = z.strictObject({
  /** Visible records below the watermark. */
  visible: Count,
  /** Of these, those without a counterpart that aren't excused. */
  extra: Count,
  /** Excused: the other side lost its own to retention. */
  retention: Count,
  /** Excused: the other side's was compacted away. */
  compacted: Count,
  /** Order-sensitive, over all of them. */
  digest: z.string(),
})

/** What the audit knows of one partition now. */
export const AuditedPartition = z.strictObject({
  /** `<topic>-<partition>`. */
  partition: z.string().min(1),
  state: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('equal') }),
    z.strictObject({ kind: z.literal('differs'), reason: z.string() }),
    z.strictObject({ kind: z.literal('undecided'), reason: z.string() }),
  ]),
  /** Records that stand on both sides in the same place. */
  alignedRecords: Count,
  blue: AuditedSide,
  green: AuditedSide,
  /** Below these offsets both sides agree, but for the differences. */
  watermark: OffsetPair,
  /**
   * How long ago the watermark was the end of both logs, in the worker's monotonic milliseconds; null while it never was. Never derived from records' timestamps.
   */
  watermarkAgeMs: z.number().nonnegative().nullable(),
  differences: z.strictObject({ total: Count, shown: z.array(ToldDifference) }),
  /** Visible records of each side that were read and not yet found on the other one; absent: not told. */
  unmatched: z.strictObject({ blue: Count, green: Count }).optional(),
  /** Runs of the offset map. */
  runs: Count,
  /** Records that this side's log doesn't hold any more and the other one's still does, at most: retention took them here first. null: where both logs begin isn't known yet. */
  lost: z.strictObject({ blue: Count, green: Count }).nullable(),
  /** The side that retention emptied before anything could be compared; null: neither. Then the watermark's age is how long ago its leader said so. */
  emptied: Colour.nullable(),
  /** Why this partition isn't read at the moment (leaders gone, topic made again); empty when it is. */
  trouble: z.string(),
  /** What the comparison leaves out, for example timestamps where one side stamps records itself. It is no trouble. */
  notes: z.array(z.string()).optional(),
})
export type AuditedPartition = z.infer<typeof AuditedPartition>

/** One look at all workers together. */
export interface AuditFacts {
  readonly partitions: readonly AuditedPartition[]
  /** Workers that didn't answer, with the reason: their partitions are unknown. */
  readonly unreachable: readonly string[]
}
