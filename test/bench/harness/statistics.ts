/** The statistics of the benches: order statistics, a seeded bootstrap, and a line through points. Pure. */

/** The value below which half of the values lie: the middle one, or the mean of the two in the middle. @throws RangeError for no values */
export function median(values: readonly number[]): number {
  const sorted = sortedOf(values)
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle] as number
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] as number) + upper) / 2
}

/** @throws RangeError for no values */
export function maximum(values: readonly number[]): number {
  return sortedOf(values).at(-1) as number
}

/** The smallest value that at least the share `q` (0 to 1) of the values doesn't exceed (nearest rank: it is always a value that was measured). */
export function quantile(values: readonly number[], q: number): number {
  const sorted = sortedOf(values)
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(q * sorted.length) - 1))] as number
}

function sortedOf(values: readonly number[]): readonly number[] {
  if (values.length === 0) throw new RangeError('No values: a run without measurements has no statistic.')
  return [...values].sort((a, b) => a - b)
}

/** Lower and upper end. */
export type Interval = readonly [low: number, high: number]

/** How many resamples a bootstrap takes, and how sure its interval is. The seed is fixed, so that the same samples always give the same interval. */
export const bootstrap = { resamples: 10_000, confidence: 0.95, seed: 20_260_101 } as const

/**
 * The bootstrap percentile interval of `median(ours) / median(other)`: both arms are drawn anew with replacement, independently of each other. Only for arms
 * that have nothing in common: where both were measured in every round, see {@link pairedRatios}.
 *
 * With fewer than three values in an arm its median has no spread that could be resampled: undefined.
 */
export function ratioInterval(ours: readonly number[], other: readonly number[]): Interval | undefined {
  if (ours.length < 3 || other.length < 3) return undefined
  return bootstrapped((random) => {
    const below = median(resampled(other, random))
    return below === 0 ? undefined : median(resampled(ours, random)) / below
  })
}

/**
 * Each round's own `ours / other`: what made a round slow for both arms cancels in it.
 *
 * @throws RangeError when the arms don't have one value each for every round, or a round's divisor is 0
 */
export function pairedRatios(ours: readonly number[], other: readonly number[]): readonly number[] {
  if (ours.length !== other.length) throw new RangeError(`Pairs need one value of each side for every round: ${ours.length} and ${other.length}.`)
  return ours.map((value, round) => {
    const below = other[round] as number
    if (below === 0) throw new RangeError('A round without anything to divide by has no ratio.')
    return value / below
  })
}

/** The bootstrap percentile interval of the median: with {@link pairedRatios}, rounds are drawn as pairs. Undefined with fewer than three values. */
export function medianInterval(values: readonly number[]): Interval | undefined {
  if (values.length < 3) return undefined
  return bootstrapped((random) => median(resampled(values, random)))
}

/** @param statistic of one resample; where it is undefined for one, there is no interval */
function bootstrapped(statistic: (random: () => number) => number | undefined): Interval | undefined {
  const random = seededRandom(bootstrap.seed)
  const found: number[] = []
  for (let draw = 0; draw < bootstrap.resamples; draw += 1) {
    const value = statistic(random)
    if (value === undefined) return undefined
    found.push(value)
  }
  const tail = (1 - bootstrap.confidence) / 2
  return [quantile(found, tail), quantile(found, 1 - tail)]
}

function resampled(values: readonly number[], random: () => number): number[] {
  return values.map(() => values[Math.floor(random() * values.length)] as number)
}

/** mulberry32: 32 bits of state, evenly distributed in [0, 1), the same on every machine. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** The line through points with the least squared vertical distances. @throws RangeError with fewer than two different x */
export function leastSquares(points: readonly { readonly x: number; readonly y: number }[]): { readonly slope: number; readonly intercept: number } {
  const mean = (pick: (point: { x: number; y: number }) => number) => points.reduce((sum, point) => sum + pick(point), 0) / points.length
  const meanX = mean((point) => point.x)
  const meanY = mean((point) => point.y)
  const varianceX = points.reduce((sum, { x }) => sum + (x - meanX) ** 2, 0)
  if (!(varianceX > 0)) throw new RangeError('A line needs at least two different x.')
  const slope = points.reduce((sum, { x, y }) => sum + (x - meanX) * (y - meanY), 0) / varianceX
  return { slope, intercept: meanY - slope * meanX }
}
