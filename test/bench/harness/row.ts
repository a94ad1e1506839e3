import { z } from 'zod'
import { type Interval, maximum, median, medianInterval, pairedRatios, ratioInterval } from './statistics.ts'

/** What a number is: its meaning in words, the statistic, and over how many measurements. */
const Figure = z.strictObject({
  what: z.string().min(1),
  statistic: z.enum(['median', 'maximum', 'single value']),
  n: z.int().positive(),
  /** The largest of the n measurements. */
  maximum: z.number(),
})

/** What a row has to keep: at most so much, its own number or its ratio to the baseline or to the limit; or at least such a share of either, where more is better. */
const Goal = z.discriminatedUnion('of', [
  z.strictObject({ of: z.literal('ours'), atMost: z.number() }),
  z.strictObject({ of: z.literal('ratio'), to: z.enum(['baseline', 'limit']), atMost: z.number() }),
  z.strictObject({ of: z.literal('share'), to: z.enum(['baseline', 'limit']), atLeast: z.number() }),
])
export type Goal = z.infer<typeof Goal>

const rowShape = z.strictObject({
  measure: z.string().min(1),
  unit: z.string().min(1),
  ours: z.number(),
  /** What users have without this project, or the plain thing beside ours, measured in the same run. */
  baseline: z.number().nullable(),
  /** A yardstick from the same run: what its parts come to alone, or the least of its kind. `what` says which; nothing keeps ours from being below it. */
  limit: z.number().nullable(),
  /** `ours` / `baseline` or `ours` / `limit`: `ratioTo` says which; the median of `pairedRatios` where there are any; null without either side. */
  ratio: z.number().nullable(),
  ratioTo: z.enum(['baseline', 'limit']).nullable(),
  /** Each round's own ratio, where both sides were measured in every round; null where they weren't, and in older results. */
  pairedRatios: z.array(z.number()).min(1).nullable().default(null),
  /** 95 % bootstrap interval of the ratio: rounds drawn as pairs, or else both sides by themselves; null where a side isn't a median of at least three. */
  ratioInterval: z.tuple([z.number(), z.number()]).nullable(),
  goal: Goal.nullable(),
  /** Whether the goal holds; null without a goal, in a refused run, and where there is nothing to compare with. */
  holds: z.boolean().nullable(),
  /** Whether the interval has the goal inside it: another run might say the opposite. Null where no interval belongs to the goal, in a refused run, and in older results. */
  open: z.boolean().nullable().default(null),
  figures: z.strictObject({ ours: Figure, baseline: Figure.nullable(), limit: Figure.nullable() }),
})

/** One row of a bench's result. `ratio` and `holds` follow from the numbers: a row in which they don't is refused. */
export const Row = rowShape.superRefine((row, context) => {
  const refuse = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message })
  const expected = ratioIn(row)
  if ((row.ratioTo === null) !== (row.ratio === null)) refuse('ratioTo', 'says what the ratio is to, if there is one')
  if (row.ratio !== null && (expected === undefined || !isClose(row.ratio, expected))) refuse('ratio', 'is not ours divided by what it is to')
  if (row.ratio === null && row.pairedRatios !== null) refuse('pairedRatios', 'belong to a ratio')
  if (row.holds !== null && row.holds !== holdsIn(row)) refuse('holds', 'does not follow from the goal and the numbers')
  if (row.open !== null && row.open !== openIn(row)) refuse('open', 'does not follow from the goal and the interval')
  for (const side of ['baseline', 'limit'] as const)
    if ((row[side] === null) !== (row.figures[side] === null)) refuse(side, 'has a number and its meaning, or neither')
})
export type Row = z.infer<typeof Row>

/** Undefined where there is nothing to divide by. */
function ratioIn({ ours, ratioTo, pairedRatios: pairs, ...row }: Row): number | undefined {
  const below = ratioTo === null ? null : row[ratioTo]
  if (below === null) return undefined
  if (pairs !== null) return median(pairs)
  return below === 0 ? undefined : ours / below
}

function isClose(a: number, b: number): boolean {
  return Math.abs(a - b) <= 1e-9 * Math.max(1, Math.abs(b))
}

function holdsIn({ goal, ours, ratio, ratioTo }: Pick<Row, 'goal' | 'ours' | 'ratio' | 'ratioTo'>): boolean | null {
  if (goal === null) return null
  if (goal.of === 'ours') return ours <= goal.atMost
  if (ratio === null || ratioTo !== goal.to) return null
  return goal.of === 'share' ? ratio >= goal.atLeast : ratio <= goal.atMost
}

function openIn({ goal, ratioTo, ratioInterval: interval }: Pick<Row, 'goal' | 'ratioTo' | 'ratioInterval'>): boolean | null {
  if (goal === null || goal.of === 'ours' || goal.to !== ratioTo || interval === null) return null
  return goal.of === 'share' ? interval[0] < goal.atLeast && goal.atLeast <= interval[1] : interval[0] <= goal.atMost && goal.atMost < interval[1]
}

/** A number to compare, with the measurements that it comes from. */
export interface Measured {
  readonly what: string
  readonly value: number
  readonly statistic: z.infer<typeof Figure>['statistic']
  readonly values: readonly number[]
}

/** The median of an arm's counted values. */
export function medianOf(what: string, values: readonly number[]): Measured {
  return { what, value: median(values), statistic: 'median', values }
}

/** The largest of an arm's counted values. */
export function maximumOf(what: string, values: readonly number[]): Measured {
  return { what, value: maximum(values), statistic: 'maximum', values }
}

/** A number that was counted or calculated once, for example a slope or the records that were lost. */
export function single(what: string, value: number): Measured {
  return { what, value, statistic: 'single value', values: [value] }
}

/** What a bench says of one measure. */
export interface RowInput {
  readonly measure: string
  readonly unit: string
  readonly ours: Measured
  readonly baseline?: Measured
  readonly limit?: Measured
  readonly goal?: Goal
  /** Both sides of the ratio are medians over the same rounds, in their order: the ratio is then the median of the rounds' own ratios. */
  readonly paired?: boolean
}

/**
 * Calculates ratio, interval, `holds` and `open`. The ratio is to what the goal names; without such a goal to the baseline, else to the limit.
 *
 * @throws RangeError when a paired row's sides don't have one value each for every round
 */
export function rowOf({ measure, unit, ours, baseline, limit, goal, paired = false }: RowInput): Row {
  const named = goal === undefined || goal.of === 'ours' ? undefined : goal.to
  const to = named ?? (baseline ? 'baseline' : limit ? 'limit' : undefined)
  const other = to === undefined ? undefined : { baseline, limit }[to]
  const compared = other === undefined || other.value === 0 ? undefined : compare(ours, other, paired)
  const row = {
    ...{ measure, unit, ours: ours.value, baseline: baseline?.value ?? null, limit: limit?.value ?? null },
    ratio: compared?.ratio ?? null,
    ratioTo: compared && to ? to : null,
    pairedRatios: compared?.pairs ?? null,
    ratioInterval: compared?.interval ? ([...compared.interval] as [number, number]) : null,
    goal: goal ?? null,
    figures: { ours: figureOf(ours), baseline: baseline ? figureOf(baseline) : null, limit: limit ? figureOf(limit) : null },
  }
  return { ...row, holds: holdsIn(row), open: openIn(row) }
}

interface Comparison {
  readonly ratio: number
  readonly pairs?: number[]
  readonly interval?: Interval | undefined
}

function compare(ours: Measured, other: Measured, paired: boolean): Comparison {
  const ratio = ours.value / other.value
  if (ours.statistic !== 'median' || other.statistic !== 'median') return { ratio }
  if (!paired) return { ratio, interval: ratioInterval(ours.values, other.values) }
  const pairs = [...pairedRatios(ours.values, other.values)]
  return { ratio: median(pairs), pairs, interval: medianInterval(pairs) }
}

function figureOf({ what, statistic, values }: Measured): z.infer<typeof Figure> {
  return { what, statistic, n: values.length, maximum: maximum(values) }
}
