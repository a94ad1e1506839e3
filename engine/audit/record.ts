import type { Colour } from '../model/colour.ts'

/** One record that a read_committed consumer sees, as the audit compares it: about a hundred bytes, whatever the record's size. */
export interface AuditRecord {
  readonly offset: bigint
  /**
   * xxHash64 over timestamp, key, value and headers in the order and encoding of the record format (lengths and nulls included); the timestamp is left
   * out where one side has LogAppendTime. Against accident, not against an adversary.
   */
  readonly digest: bigint
  /** xxHash64 of the key; null for a record without one. Asked for only on compacted topics. */
  readonly key: bigint | null
  /** Whether its value is null. Asked for only on compacted topics; absent means that it has a value. */
  readonly tombstone?: boolean
}

/** An offset of each side. */
export interface OffsetPair {
  readonly blue: bigint
  readonly green: bigint
}

/**
 * Consecutive aligned records of both sides between which no offset is missing on either: record i stands at `blue + i` and at `green + i`. A commit marker,
 * an aborted record or a compaction hole ends a run.
 */
export interface AlignedRun extends OffsetPair {
  readonly records: number
}

/** Where equal neighbours, of which one side holds more than the other, leave open which record is whose copy: from (inclusive) to (exclusive), on both sides. */
export interface AmbiguousRange {
  readonly from: OffsetPair
  readonly to: OffsetPair
}

/**
 * What a difference is. `missing`: on one side only, and no copy of it is near; `duplicate`: an extra copy of a record that both hold; `foreign`: on the side that is copied to only;
 * `changed`: each side holds another record in the same place; `swapped`: both hold the record, but not in the same place.
 */
export type DifferenceKind = 'missing' | 'duplicate' | 'foreign' | 'changed' | 'swapped'

/**
 * A place where the two sides don't hold the same. Offsets of both sides: of the record where it stands, and on a side that lacks it, of the record before
 * which it should stand (null: at that side's end). Of equal neighbours the last ones count as the extra ones.
 */
export interface Difference {
  readonly kind: DifferenceKind
  /** The side that is wrong if the other is right: lacks the record, or has the extra one; for one that was moved the side where it stands here; null where both hold another one. */
  readonly on: Colour | null
  readonly blue: bigint | null
  readonly green: bigint | null
}
