import { z } from 'zod'
import { NamedHistogram } from './histogram.ts'
import { Machine } from './machine.ts'
import { MachineNoise, NoiseRule } from './noise.ts'
import { Row } from './row.ts'
import { bootstrap } from './statistics.ts'
import { type Counted, type WarmUpRule, warmUpText } from './warm-up.ts'

/** Everything that one arm measured, in the order in which it was measured. */
export const ArmSamples = z.strictObject({
  arm: z.string().min(1),
  /** What was done, and from when to when it was timed. */
  what: z.string().min(1),
  unit: z.string().min(1),
  values: z.array(z.number()),
  /** So many of the first values weren't counted. */
  dropped: z.int().nonnegative(),
  /** Only in older results, whose warm-up could have looked for a steady stretch and not found it. */
  steady: z.boolean().optional(),
})
export type ArmSamples = z.infer<typeof ArmSamples>

/** `out/bench/NAME.json`: a contract for other tools. A change that breaks a reader gets another `version`. */
export const BenchResult = z.strictObject({
  version: z.literal(1),
  bench: z.string().regex(/^[a-z][a-z0-9-]*$/),
  /** What the bench answers, in a sentence. */
  question: z.string().min(1),
  /** When it ended, ISO 8601 in UTC. */
  date: z.iso.datetime(),
  durationSeconds: z.number().nonnegative(),
  machine: Machine,
  /** What was set for this run: sizes, rounds, rates. */
  settings: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
  /** How the arms were ordered, what wasn't counted, how the interval was made. */
  method: z.strictObject({ order: z.string(), warmUp: z.string(), interval: z.string() }),
  noise: z.strictObject({ rule: NoiseRule, observed: MachineNoise }),
  /** Why nothing can be told from this run; empty: it can. In a refused run no row says that its goal holds or doesn't. */
  refused: z.array(z.string()),
  /** How many runs were refused one after the other before this one: a run that was told at the fifth try is another one than one at the first. */
  refusedBefore: z.int().nonnegative().default(0),
  rows: z.array(Row).min(1),
  samples: z.array(ArmSamples),
  histograms: z.array(NamedHistogram),
  /** What limits these numbers, and what wasn't observed, in words. */
  notes: z.array(z.string()),
})
export type BenchResult = z.infer<typeof BenchResult>

/** The method's part that is the same in every bench. */
export function methodOf(order: string, warmUp: WarmUpRule): BenchResult['method'] {
  return {
    order,
    warmUp: warmUpText(warmUp),
    interval:
      `${bootstrap.confidence * 100} % bootstrap percentile interval, ${bootstrap.resamples} resamples, seed ${bootstrap.seed}: ` +
      "of the median of the rounds' own ratios where both sides were measured in every round (rounds drawn as pairs), " +
      'else of the ratio of the medians (sides drawn independently)',
  }
}

/** An arm's raw values together with what its warm-up took away. */
export function armSamples(arm: string, what: string, unit: string, values: readonly number[], { dropped }: Counted): ArmSamples {
  return { arm, what, unit, values: [...values], dropped }
}
