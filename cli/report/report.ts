import { z } from 'zod'
import { Colour } from '../../engine/model/colour.ts'
import { AuditReport } from './audit-evidence.ts'
import { Configuration, GroupPause, PerSecond, switchoverEvidence } from './evidence.ts'
import { StrategiesReport } from './strategy-evidence.ts'

/** The parts of a write window, in the order in which they pass; they sum to it. Milliseconds. */
export const WindowParts = z.strictObject({
  /**
   * From the last acknowledgement on the source until the hold was published: nothing held the producer yet. 0 when that acknowledgement came later,
   * and in reports of earlier versions, whose `holdMs` contains it.
   */
  beforeHoldMs: z.number().nonnegative().default(0),
  /** Until every routed producer had flushed and acknowledged the hold. */
  holdMs: z.number().nonnegative(),
  /** Until every broker of the source refused the probe. */
  fenceMs: z.number().nonnegative(),
  /** Until the target held all that the source held, and the mirror was fenced off. */
  drainMs: z.number().nonnegative(),
  /** Until both sides' ends were re-read and equal to the proof. */
  cutMs: z.number().nonnegative(),
  /** Until the decision stood in the route store. */
  decideMs: z.number().nonnegative(),
  /** Until every broker of the target accepted writes. */
  liftMs: z.number().nonnegative(),
  /** Until the target stood in the route. */
  publishMs: z.number().nonnegative(),
  /** Until the slowest producer had its first acknowledgement from the target. */
  firstAckMs: z.number().nonnegative(),
})
export type WindowParts = z.infer<typeof WindowParts>

/** A group that stayed on the source of a switchover, with the reason; empty where the journal doesn't keep it. */
export const StayedGroup = z.strictObject({ group: z.string(), reason: z.string() })
export type StayedGroup = z.infer<typeof StayedGroup>

/** One switchover as its clients saw it. */
export const SwitchoverReport = z.strictObject({
  from: Colour,
  to: Colour,
  epoch: z.int().positive(),
  /** Every routed producer acknowledged the hold in time. */
  graceful: z.boolean(),
  /** At the clients: last acknowledgement on the source to first on the target, the maximum over producers. */
  writeWindowMs: z.number().nonnegative(),
  parts: WindowParts,
  /** Sends were due all through the window: the load did not wait for it. */
  dueThroughout: z.boolean(),
  /** Groups that the orchestrator moved, by its journal; null: not recorded. */
  moved: z.array(z.string()).nullable().default(null),
  stayed: z.array(StayedGroup).default([]),
  ...switchoverEvidence,
})
export type SwitchoverReport = z.infer<typeof SwitchoverReport>

/** Consumer groups that moved together while the producers stayed. Times are in milliseconds since the load began. */
export const WaveReport = z.strictObject({
  wave: z.string(),
  source: Colour,
  target: Colour,
  /** All that the wave has, in the catalog's order. */
  groups: z.array(z.string()),
  moved: z.array(z.string()),
  stayed: z.array(StayedGroup),
  /** It went back by itself: its groups read on the source again. */
  returned: z.boolean(),
  /** Why it went back; empty when it didn't. */
  reason: z.string().default(''),
  groupPauses: z.array(GroupPause).default([]),
  startedAtMs: z.number(),
  endedAtMs: z.number(),
})
export type WaveReport = z.infer<typeof WaveReport>

/** One partition of one group as it was moved. */
export const GroupReport = z.strictObject({
  group: z.string(),
  topic: z.string(),
  partition: z.int().nonnegative(),
  method: z.string(),
  verdict: z.string(),
  /** Records that the group still had to read when it moved; null: not known. */
  lagRecords: z.int().nonnegative().nullable(),
  /** With which switchover, counted from 1; null: not recorded. */
  switchover: z.int().positive().nullable().default(null),
  /** With which wave; null: with a switchover. */
  wave: z.string().nullable().default(null),
  /** The group's committed offset on the source, and what it became on the target; null: none. Decimal, because offsets have 64 bits. */
  sourceOffset: z.string().nullable().default(null),
  targetOffset: z.string().nullable().default(null),
  /** Why the verdict is what it is. */
  reason: z.string().default(''),
})
export type GroupReport = z.infer<typeof GroupReport>

/**
 * `out/rollout/report.json`: a contract for other tools. A change that breaks a reader gets another `version`; what was added later has a default, so that
 * reports of earlier runs can be read too.
 */
export const RolloutReport = z.strictObject({
  version: z.literal(1),
  verdict: z.enum(['pass', 'fail']),
  /** Why it failed; empty when it passed. */
  reasons: z.array(z.string()),
  /** From client-side histories, never from the tool's own verifier. */
  client: z.strictObject({
    acked: z.int().nonnegative(),
    lost: z.int().nonnegative(),
    duplicated: z.int().nonnegative(),
    redelivered: z.int().nonnegative(),
    reordered: z.int().nonnegative(),
    errors: z.int().nonnegative(),
  }),
  switchovers: z.array(SwitchoverReport),
  /** What moved before the producers, in order. */
  waves: z.array(WaveReport).default([]),
  groups: z.array(GroupReport),
  versions: z.strictObject({ blue: z.string(), green: z.string() }),
  /** The load that ran meanwhile. */
  load: z.strictObject({ recordsPerSecond: z.number().nonnegative(), seconds: z.number().nonnegative(), lagOfLaggingGroupRecords: z.int().nonnegative() }),
  phases: z.array(z.strictObject({ phase: z.string(), seconds: z.number().nonnegative() })),
  durationSeconds: z.number().nonnegative(),
  /** When the run began, by the machine's clock; null: not recorded. */
  startedAt: z.iso.datetime().nullable().default(null),
  /** False when the run ended before the histories were judged: the numbers of `client` then prove nothing. */
  clientJudged: z.boolean().default(true),
  perSecond: PerSecond.nullable().default(null),
  /** null: nobody looked at the audit. */
  audit: AuditReport.nullable().default(null),
  strategies: StrategiesReport.nullable().default(null),
  configuration: Configuration.nullable().default(null),
  /** What nobody looked at, in words: no number here says anything about it. */
  notObserved: z.array(z.string()).default([]),
})
export type RolloutReport = z.infer<typeof RolloutReport>
