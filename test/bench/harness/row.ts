import { z } from 'zod'
import { maximum, median, ratioInterval } from './statistics.ts'

/** What a number is: its meaning in words, the statistic, and over how many measurements. */
const Figure = z.strictObject({
  what: z.string().min(1),
  statistic: z.enum(['median', 'maximum', 'single value']),
  n: z.int().positive(),
  /** The largest of the n measurements. */
  maximum: z.number(),
})

/** What a row has to keep: at most so much, either its own number or its ratio to the baseline or to the limit. */
const Goal = z.discriminatedUnion('of', [
  z.strictObject({ of: z.literal('ours'), atMost: z.number() }),
  z.strictObject({ of: z.literal('ratio'), to: z.enum(['baseline', 'limit']), atMost: z.number() }),
])
export type Goal = z.infer<typeof Goal>

const rowShape = z.strictObject({
  measure: z.string().min(1),
  unit: z.string().min(1),
  ours: z.number(),
  /** What users have without this project, or the plain thing beside ours, measured in the same run. */
  baseline: z.number().nullable(),
  /** The floor that nothing built of these parts can go below, measured in the same run. */
  limit: z.number().nullable(),
  /** `ours` / `baseline` or `ours` / `limit`: `ratioTo` says which; null without either. */
  ratio: z.number().nullable(),
  ratioTo: z.enum(['baseline', 'limit']).nullable(),
  /** 95 % bootstrap interval of the ratio of the medians; null where a side isn't a median of at least three. */
  ratioInterval: z.tuple([z.number(), z.number()]).nullable(),
  goal: Goal.nullable(),
  /** Whether the goal holds; null without a goal, and in a refused run. */
  holds: z.boolean().nullable(),
  figures: z.strictObject({ ours: Figure, baseline: Figure.nullable(), limit: Figure.nullable() }),
})

/** One row of a bench's result. `ratio` and `holds` follow from the numbers: a row in which they don't is refused. */
export const Row = rowShape.superRefine((row, context) => {
  const refuse = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message })
  const below = row.ratioTo === null ? null : row[row.ratioTo]
  if ((row.ratioTo === null) !== (row.ratio === null)) refuse('ratioTo', 'says what the ratio is to, if there is one')
  if (row.ratio !== null && (below === null || below === 0 || !isClose(row.ratio, row.ours / below))) refuse('ratio', 'is not ours divided by what it is to')
  if (row.holds !== null && row.holds !== holdsIn(row)) refuse('holds', 'does not follow from the goal and the numbers')
  for (const side of ['baseline', 'limit'] as const)
    if ((row[side] === null) !== (row.figures[side] === null)) refuse(side, 'has a number and its meaning, or neither')
})
export type Row = z.infer<typeof Row>

function isClose(a: number, b: number): boolean {
  return Math.abs(a - b) <= 1e-9 * Math.max(1, Math.abs(b))
}

function holdsIn({ goal, ours, ratio, ratioTo }: Pick<Row, 'goal' | 'ours' | 'ratio' | 'ratioTo'>): boolean | null {
  if (goal === null) return null
  if (goal.of === 'ours') return ours <= goal.atMost
  return ratio === null || ratioTo !== goal.to ? null : ratio <= goal.atMost
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
}

/** Calculates ratio, interval and `holds`. The ratio is to what the goal names; without such a goal to the baseline, else to the limit. */
export function rowOf({ measure, unit, ours, baseline, limit, goal }: RowInput): Row {
  const named = goal?.of === 'ratio' ? goal.to : undefined
  const candidates = { baseline, limit }
  const to = named ?? (baseline ? 'baseline' : limit ? 'limit' : undefined)
  const other = to === undefined ? undefined : candidates[to]
  const hasRatio = to !== undefined && other !== undefined && other.value !== 0
  const medians = ours.statistic === 'median' && other?.statistic === 'median'
  const interval = hasRatio && medians ? ratioInterval(ours.values, other.values) : undefined
  const row = {
    ...{ measure, unit, ours: ours.value, baseline: baseline?.value ?? null, limit: limit?.value ?? null },
    ratio: hasRatio ? ours.value / other.value : null,
    ratioTo: hasRatio ? to : null,
    ratioInterval: interval ? ([interval[0], interval[1]] as [number, number]) : null,
    goal: goal ?? null,
    figures: { ours: figureOf(ours), baseline: baseline ? figureOf(baseline) : null, limit: limit ? figureOf(limit) : null },
  }
  return { ...row, holds: holdsIn(row) }
}

function figureOf({ what, statistic, values }: Measured): z.infer<typeof Figure> {
  return { what, statistic, n: values.length, maximum: maximum(values) }
}
