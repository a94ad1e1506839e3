import { z } from 'zod'
import { Colour } from '../../engine/model/colour.ts'
import { OffsetText } from '../../engine/model/offset-json.ts'
import { WatchMeasure } from '../../engine/model/watch.ts'
import { GateReport, switchoverEvidence } from './evidence.ts'
import { GroupReport, RolloutReport, StayedGroup, WindowParts } from './report.ts'

const LengthMs = z.number().nonnegative()
const At = z.iso.datetime()

/** The parts of the orchestrator's window, in the order in which they pass; they sum to it. Milliseconds. */
export const OrchestratorParts = WindowParts.omit({ beforeHoldMs: true, firstAckMs: true }).extend({
  /** Only when it was taken back: from the last thing that was reached until the source was published again. */
  takeBackMs: LengthMs,
})
export type OrchestratorParts = z.infer<typeof OrchestratorParts>

/** How long the route said `held`: the orchestrator's view, never that of a client. */
export const OrchestratorWindow = z.strictObject({
  heldMs: LengthMs,
  /** `one`: by the monotonic clock of the one run that held and released. `several`: another run released, so wall clocks, perhaps of two machines. */
  runs: z.enum(['one', 'several']),
  /** null: the marks ended with a run that didn't close the switchover. */
  parts: OrchestratorParts.nullable(),
})
export type OrchestratorWindow = z.infer<typeof OrchestratorWindow>

/** A side of the cut in one topic: its lowest and highest end. */
const Ends = z.strictObject({ lowest: OffsetText, highest: OffsetText })

/** The cut, topic by topic. */
export const CutSummary = z.array(
  z.strictObject({
    topic: z.string(),
    partitions: z.int().positive(),
    /** null: the cut has no end of this side. */
    sourceEnds: Ends.nullable(),
    targetEnds: Ends.nullable(),
    /** Partitions whose two ends are the same number; the others hold the same records at other offsets. */
    equalEnds: z.int().nonnegative(),
  }),
)
export type CutSummary = z.infer<typeof CutSummary>

/**
 * `out/<fleet>/switchover-<epoch>.json`: one switchover as the fleet's journal tells it. A contract for other tools, like the rollout's report: a change that
 * breaks a reader gets another `version`. What clients saw isn't in it, because no journal holds it.
 */
export const JournaledSwitchover = z.strictObject({
  version: z.literal(1),
  /** What tells it from a rollout's report, which has no such field. */
  kind: z.literal('switchover'),
  fleet: z.string(),
  source: Colour,
  target: Colour,
  attempt: z.int().nonnegative(),
  outcome: z.enum(['switched', 'aborted', 'unfinished']),
  /** Why it was taken back, or how far an unfinished one has come; empty when it switched. */
  reason: z.string(),
  /** The epoch at which it was opened: the one that its gate judged. */
  openedEpoch: z.int().nonnegative(),
  /** The epoch at its end; null: it isn't closed. */
  closedEpoch: z.int().nonnegative().nullable(),
  openedAt: At,
  closedAt: At.nullable(),
  /** When the journal was read. */
  readAt: At,
  /** Runs of the orchestrator that wrote to it: more than one when another one had to finish it. */
  runs: z.int().positive(),
  /** Every routed producer acknowledged the hold in time; null: it was not decided to switch. */
  graceful: z.boolean().nullable(),
  /** When the route said `held`; null: it never did, and traffic was not touched. */
  heldAt: At.nullable(),
  /** When a colour was published as open again; null: not held, or still held. */
  releasedAt: At.nullable(),
  window: OrchestratorWindow.nullable(),
  /** The marks of the run that closed it, in milliseconds since the first of them. */
  marks: switchoverEvidence.marks,
  /** Every position of every group; of a group that was tried twice those of the second time. */
  groups: z.array(GroupReport),
  batches: z.int().nonnegative(),
  moved: z.array(z.string()),
  /** Groups that still read on the source. */
  stayed: z.array(StayedGroup),
  /** null: it was not decided to switch. */
  cut: CutSummary.nullable(),
  /** Records that the audit had compared and found on both sides below the cut, as decimal text; null: no audit ran. */
  auditedRecords: z.string().regex(/^\d+$/).nullable().default(null),
  /** Partitions of the cut that retention had emptied on the source: nothing of them was compared. */
  emptiedPartitions: z.array(z.string()).default([]),
  /** Why a guardian moved traffic back by itself; null: the operator wanted it. */
  automatic: z.string().nullable().default(null),
  /** How the source had failed its watch, where the operator left it for that; null: it counted as sound. */
  sick: z.string().nullable().default(null),
  /** The watch behind the release; null: the journal tells of none. */
  watch: z
    .strictObject({
      /** null: skipped. */
      colour: Colour.nullable(),
      outcome: z.enum(['skipped', 'open', 'passed', 'failed', 'inconclusive', 'halted']),
      reason: z.string(),
      measures: z.array(WatchMeasure),
    })
    .nullable()
    .default(null),
  /** Records that came on the source behind the cut, by partition, with the offsets of the first one on both sides; null: that it was appended isn't known. */
  late: z
    .array(z.strictObject({ partition: z.string(), records: z.int().positive(), sourceOffset: OffsetText, targetOffset: OffsetText.nullable() }))
    .default([]),
  /** What was done to connectors, in order. */
  mirror: z.array(z.strictObject({ at: At, connector: z.string(), source: Colour, target: Colour, what: z.string() })),
  /** Fences that were about to be raised or lifted, in order: the journal says so before the effect. */
  fences: z.array(z.strictObject({ at: At, colour: Colour, what: z.string(), bindings: z.int().nonnegative() })),
  /** null: Pulumi's state doesn't hold the gate of this switchover (any more). */
  gate: GateReport.nullable(),
  /** The limits that the gate judged by; empty when its evidence isn't there. */
  limits: z.record(z.string(), z.union([z.number(), z.string()])),
  /** What nobody looked at, in words. */
  notObserved: z.array(z.string()),
})
export type JournaledSwitchover = z.infer<typeof JournaledSwitchover>

/** What `kbg report` makes a page from. */
export type Report = RolloutReport | JournaledSwitchover

/** Whether a report is that of one switchover. */
export function isJournaled(report: Report): report is JournaledSwitchover {
  return 'kind' in report
}

/** Reads either kind of report: the one that calls itself a switchover's, or else a rollout's (pure). */
export function parseReport(content: unknown): z.ZodSafeParseResult<Report> {
  const isSwitchover = z.looseObject({ kind: z.literal('switchover') }).safeParse(content).success
  return isSwitchover ? JournaledSwitchover.safeParse(content) : RolloutReport.safeParse(content)
}
