import { z } from 'zod'
import { Check } from '../../engine/gate/check.ts'
import { TimelineMark } from '../../engine/model/journal.ts'
import { CutAuditReport } from './audit-evidence.ts'

/**
 * What the pictures of a report need, beside its numbers. Every time is in milliseconds since the load began (the moment when its first record was due),
 * unless a name says otherwise. What an older report lacks is `null` or empty: not observed, never zero.
 */

const Count = z.int().nonnegative()
const AtMs = z.number()
const LengthMs = z.number().nonnegative()

/** Quantiles of a latency, for each second; null where no record was due in it. */
const LatencySeries = z.strictObject({ p50Ms: z.array(LengthMs.nullable()), p99Ms: z.array(LengthMs.nullable()), maximumMs: z.array(LengthMs.nullable()) })
export type LatencySeries = z.infer<typeof LatencySeries>

/** The load second by second; entry 0 is its first second. All arrays are equally long. */
export const PerSecond = z
  .strictObject({
    /** Records that each colour acknowledged in that second. */
    acked: z.strictObject({ blue: z.array(Count), green: z.array(Count) }),
    /** From the moment that a record was due until it was acknowledged; by the second in which it was due. */
    acknowledgement: LatencySeries,
    /** From the moment that a record was due until a group first got it; by the second in which it was due. Groups that stay behind on purpose are left out. */
    endToEnd: LatencySeries,
    /** By group: acknowledged records that it had not got by the end of that second. */
    groupLagRecords: z.record(z.string(), z.array(Count)),
  })
  .refine((series) => new Set(lengthsOf(series)).size === 1, 'every series must be equally long')
export type PerSecond = z.infer<typeof PerSecond>

function lengthsOf(series: { acked: object; acknowledgement: object; endToEnd: object; groupLagRecords: object }): readonly number[] {
  return [series.acked, series.acknowledgement, series.endToEnd, series.groupLagRecords].flatMap((part) =>
    Object.values(part).map((array: readonly unknown[]) => array.length),
  )
}

/** One producer's pause over a switchover: last acknowledgement on the source to first on the target. */
export const ProducerWindowReport = z.strictObject({
  producer: z.string(),
  fromMs: AtMs,
  windowMs: LengthMs,
  /** Sends that were due inside it: the load did not wait. */
  dueInsideRecords: Count,
})
export type ProducerWindowReport = z.infer<typeof ProducerWindowReport>

/** Acknowledgements of all producers around a write window, counted in bins of equal length. */
export const AroundWindow = z
  .strictObject({ fromMs: AtMs, binMs: z.number().positive(), blue: z.array(Count), green: z.array(Count) })
  .refine((around) => around.blue.length === around.green.length, 'both colours must have equally many bins')
export type AroundWindow = z.infer<typeof AroundWindow>

/** Latency of the records that were due in one stretch of time beside a switchover. */
export const StageLatency = z.strictObject({
  measure: z.enum(['acknowledgement', 'end-to-end']),
  stage: z.enum(['before', 'during', 'after']),
  fromMs: AtMs,
  untilMs: AtMs,
  records: Count,
  p50Ms: LengthMs.nullable(),
  p99Ms: LengthMs.nullable(),
  maximumMs: LengthMs.nullable(),
})
export type StageLatency = z.infer<typeof StageLatency>

/** How long one group got nothing around a switchover. Groups that stay behind on purpose have no such entry. */
export const GroupPause = z.strictObject({
  group: z.string(),
  /**
   * From one delivery of records that it had not had yet to the next: the longest of those that reach into the switchover, in its whole length. null: it was
   * never seen to read on from the new colour.
   */
  longestWithoutDeliveryMs: LengthMs.nullable(),
})
export type GroupPause = z.infer<typeof GroupPause>

/** The gate that let a switchover begin. */
export const GateReport = z.strictObject({
  /** The epoch that was judged. */
  epoch: Count,
  /** How many updates were asked for until one passed: a refused one moves nothing. */
  updates: z.int().positive(),
  checks: z.array(Check),
})
export type GateReport = z.infer<typeof GateReport>

/** What a switchover has beside its window; each part is null or empty where it was not observed. */
export const switchoverEvidence = {
  /** When the write window of the slowest producer began. */
  fromMs: AtMs.nullable().default(null),
  producers: z.array(ProducerWindowReport).default([]),
  around: AroundWindow.nullable().default(null),
  /** The orchestrator's marks. */
  marks: z.array(z.strictObject({ mark: TimelineMark.shape.mark, atMs: AtMs })).default([]),
  /** Without `during` and `after` end to end where a group has no end of its pause. */
  latency: z.array(StageLatency).default([]),
  groupPauses: z.array(GroupPause).default([]),
  gate: GateReport.nullable().default(null),
  /** null: it was decided without an audit, or an earlier version didn't tell. */
  audit: CutAuditReport.nullable().default(null),
} as const

/** What ran, and under which limits. */
export const Configuration = z.strictObject({
  /** Versions of what ran beside the brokers, by name. */
  software: z.record(z.string(), z.string()),
  machine: z.strictObject({ cores: Count, memoryMiB: Count, system: z.string() }),
  /** The limits of gate and switchover, by the names that the configuration has. */
  limits: z.record(z.string(), z.union([z.number(), z.string()])),
  load: z.strictObject({
    recordBytes: Count,
    tickMs: z.number().nonnegative(),
    topics: z.array(z.strictObject({ topic: z.string(), partitions: Count, keys: Count })),
    producers: z.array(z.strictObject({ producer: z.string(), topics: z.array(z.string()), recordsPerSecond: z.number(), transactional: z.boolean() })),
    groups: z.array(z.strictObject({ group: z.string(), topics: z.array(z.string()), members: Count, staysBehind: z.boolean() })),
  }),
})
export type Configuration = z.infer<typeof Configuration>
