import { z } from 'zod'
import { Colour } from './colour.ts'

/** How a group read before it was moved. */
export const GroupPace = z.strictObject({
  members: z.int().nonnegative(),
  /** By how much its committed offsets grew from commit to commit, all partitions together; 0: none was seen; null: a single one was. */
  offsetsPerSecond: z.number().nonnegative().nullable(),
})
export type GroupPace = z.infer<typeof GroupPace>

/** What the colour that was live before a switchover did, seen just before the hold: what the other one is compared with afterwards. */
export const WatchBaseline = z.strictObject({
  colour: Colour,
  /** Looks that it was made from. */
  samples: z.int().nonnegative(),
  /** Median time until a canary record was acknowledged; null: too few were. */
  appendMs: z.number().nonnegative().nullable(),
  /** Median time until a canary record was visible to a committed reader on the same colour; null: too few were. */
  endToEndMs: z.number().nonnegative().nullable(),
  /** Records per second into each topic that grew in every look: of the slowest look. */
  flows: z.record(z.string(), z.number().positive()),
  /** Groups that had members. */
  groups: z.record(z.string(), GroupPace),
  /** Why a part of it is missing; empty: nothing is. */
  reason: z.string(),
})
export type WatchBaseline = z.infer<typeof WatchBaseline>

/** One measure of a watch with its evidence. Only `fail` moves traffic back; `inconclusive` never does. */
export const WatchMeasure = z.strictObject({
  name: z.string(),
  verdict: z.enum(['pass', 'fail', 'inconclusive']),
  observed: z.string(),
  required: z.string(),
})
export type WatchMeasure = z.infer<typeof WatchMeasure>

/**
 * What is said of a watch. `baseline`: the colour that is live, before the hold; `begun`: the target is live and is watched; `passed`, `inconclusive`: the window is over; `failed`: it is decided
 * that traffic goes back; `halted`: it would have to go back and can't, so nothing moves before a person has looked.
 */
export const WatchEvent = z.enum(['baseline', 'begun', 'passed', 'failed', 'inconclusive', 'halted'])
export type WatchEvent = z.infer<typeof WatchEvent>
