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
}

/**
 * Consecutive aligned records of both sides between which no offset is missing on either: record i stands at `blue + i` and at `green + i`. A commit marker,
 * an aborted record or a compaction hole ends a run.
 */
export interface AlignedRun {
  readonly blue: bigint
  readonly green: bigint
  readonly records: number
}

/** What a difference is. `missing`: on one side only, and no copy of it is near; `duplicate`: an extra copy of a record that both hold; `foreign`: extra, never seen on the other side. */
export type DifferenceKind = 'missing' | 'duplicate' | 'foreign' | 'changed' | 'swapped'

/**
 * A place where the two sides don't hold the same. Offsets of both sides: of the record where it stands, and on a side that lacks it, of the record before
 * which it should stand (null: at that side's end).
 */
export interface Difference {
  readonly kind: DifferenceKind
  /** The side that is wrong if the other is right: lacks the record, or has the extra one; null for `changed` and `swapped`. */
  readonly on: Colour | null
  readonly blue: bigint | null
  readonly green: bigint | null
}
