import type { DifferenceCounts } from './findings.ts'
import type { Difference, OffsetPair } from './record.ts'
import type { SideCounts } from './side.ts'

/** Whether both sides hold the same below the watermark. `undecided`: nothing speaks against it, but it isn't shown. */
export type AuditState =
  | { readonly kind: 'equal' }
  | { readonly kind: 'differs'; readonly reason: string }
  | { readonly kind: 'undecided'; readonly reason: string }

/** What the comparison of one side has come to: records, and `digest`, the order-sensitive one over all visible records below the watermark (16 hexadecimal digits). */
export type SideFacts = Readonly<SideCounts> & { readonly digest: string }

/** Everything that is known of one partition. */
export interface PartitionFacts {
  /** Records that stand on both sides in the same place. */
  readonly alignedRecords: number
  readonly blue: SideFacts
  readonly green: SideFacts
  /** Below these offsets both sides agree, but for the differences. */
  readonly watermark: OffsetPair
  /** The last end that was asked for and reached: everything below it on both sides is in these facts. */
  readonly reachedEnd: OffsetPair | null
  readonly differences: {
    readonly total: number
    readonly byKind: DifferenceCounts
    /** The first ones in order. */
    readonly shown: readonly Difference[]
  }
  readonly ambiguousRanges: number
  /** Keys of a compacted topic that have records on one side only and wait for a newer one. */
  readonly waitingKeys: number
  /** What neither the differences nor the offset map tell of, whatever else was found: nothing may be concluded from what stands below the watermark. null: nothing such. */
  readonly doubt: string | null
  readonly state: AuditState
}
