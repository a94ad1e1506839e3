import { z } from 'zod'

const Count = z.int().nonnegative()

/**
 * A way to find a group's positions: `moved` is how it was really moved, `checkpoint` what MirrorMaker's checkpoints would have come to.
 */
export const StrategyName = z.enum(['moved', 'count-back', 'timestamp', 'snapshot', 'checkpoint'])
export type StrategyName = z.infer<typeof StrategyName>

/** What one strategy would have done to one group in one move, or did. */
export const StrategyOutcome = z.strictObject({
  strategy: StrategyName,
  /** Visible records of the target that the group had read already and would have got again. */
  redeliveredRecords: Count,
  /** Visible records of the target that the group had not read and would never have got. */
  skippedRecords: Count,
  /** Positions for which it has no offset at all: the group begins there by its own `auto.offset.reset`. They are in neither sum. */
  unansweredPositions: Count,
})
export type StrategyOutcome = z.infer<typeof StrategyOutcome>

/** One group in one move. */
export const GroupStrategies = z.strictObject({
  group: z.string(),
  /** With which switchover it moved, counted from 1; null: with a wave. */
  switchover: z.int().positive().nullable(),
  /** With which wave; null: with a switchover. */
  wave: z.string().nullable(),
  /** Positions that were judged; those without a commit on the source aren't. */
  positions: Count,
  /** Positions whose true place on the target could not be told from the whole reads: no strategy was judged by them. */
  unknownPositions: Count,
  /** A strategy that is missing here was not looked at. */
  outcomes: z.array(StrategyOutcome),
})
export type GroupStrategies = z.infer<typeof GroupStrategies>

/** What each strategy would have re-delivered and skipped: judged by whole reads of both colours, never by the tool's own translation. */
export const StrategiesReport = z.strictObject({
  groups: z.array(GroupStrategies),
  /** Strategies without evidence, and why. */
  notLookedAt: z.array(z.strictObject({ strategy: StrategyName, reason: z.string() })),
  /** MirrorMaker's `offset.lag.max` of the simulation. */
  offsetLagMax: Count,
  /** How far apart the noted places of the snapshots lie. */
  snapshotSeconds: z.number().positive(),
})
export type StrategiesReport = z.infer<typeof StrategiesReport>
