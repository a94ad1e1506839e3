import { z } from 'zod'
import { ToldDifference } from '../../engine/model/audit-facts.ts'

const Count = z.int().nonnegative()
const LengthMs = z.number().nonnegative()

/** What the audit said of itself, look by look; all arrays are equally long. */
export const AuditSamples = z
  .strictObject({
    /** When it was asked, in milliseconds since the load began; ascending. */
    atMs: z.array(z.number()),
    /** How long ago the oldest watermark of all partitions was the end of both logs; null: one of them never was, or a worker didn't answer. */
    watermarkAgeMs: z.array(LengthMs.nullable()),
    /** Records that stood on both sides in the same place, over all partitions. */
    alignedRecords: z.array(Count),
    partitions: z.array(Count),
    /** Of these, those whose state was not `equal`. */
    notEqual: z.array(Count),
    /** Runs of the offset map, over all partitions. */
    runs: z.array(Count),
  })
  .refine((samples) => new Set(Object.values(samples).map((column) => column.length)).size === 1, 'every column must be equally long')
export type AuditSamples = z.infer<typeof AuditSamples>

/** What stood below a cut, by the audit's proof, and what the audit had last said before the hold. */
export const CutAuditReport = z.strictObject({
  /** Partitions that were proven equal: the decision stands on all of them. */
  partitions: Count,
  /** Records that stand on both sides below the cut, as decimal text. */
  comparedRecords: z.string().regex(/^\d+$/),
  /** The oldest watermark at the last look before the hold, and the runs of the map then; null: nobody looked. */
  watermarkAgeMs: LengthMs.nullable(),
  runs: Count.nullable(),
})
export type CutAuditReport = z.infer<typeof CutAuditReport>

/** One partition at the end of the run. */
export const PartitionAudit = z.strictObject({
  partition: z.string(),
  verdict: z.enum(['equal', 'differs', 'undecided']),
  /** Why it isn't equal, or isn't read; empty when there is nothing to say. */
  reason: z.string(),
  alignedRecords: Count,
  runs: Count,
  watermarkAgeMs: LengthMs.nullable(),
  differences: Count,
  /** The first ones. */
  shown: z.array(ToldDifference),
})
export type PartitionAudit = z.infer<typeof PartitionAudit>

/** The audit over the run, and where it had come to when nobody wrote any more. */
export const AuditReport = z.strictObject({
  samples: AuditSamples,
  /** Looks that had no answer. */
  unanswered: Count,
  atEnd: z.array(PartitionAudit),
})
export type AuditReport = z.infer<typeof AuditReport>
