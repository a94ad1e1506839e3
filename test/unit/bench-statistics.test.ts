import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { interleaved, roundOrder } from '../bench/harness/interleave.ts'
import { leastSquares, maximum, median, medianInterval, pairedRatios, quantile, ratioInterval, seededRandom } from '../bench/harness/statistics.ts'
import { afterWarmUp } from '../bench/harness/warm-up.ts'

const values = fc.array(fc.double({ min: 0.001, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 40 })

describe('order statistics', () => {
  it('know the middle, the largest and a rank', () => {
    expect(median([9, 1, 5])).toBe(5)
    expect(median([4, 1, 3, 2])).toBe(2.5)
    expect(maximum([3, 7, 5])).toBe(7)
    expect(quantile([10, 20, 30, 40], 0.5)).toBe(20)
    expect(quantile([10, 20, 30, 40], 0.99)).toBe(40)
  })

  it('refuse to speak of nothing', () => {
    expect(() => median([])).toThrow(RangeError)
    expect(() => maximum([])).toThrow(RangeError)
  })

  it('leave half of the values on each side of the median, and change nothing of the input', () => {
    fc.assert(
      fc.property(values, (list) => {
        const before = [...list]
        const middle = median(list)
        expect(list.filter((value) => value <= middle).length).toBeGreaterThanOrEqual(list.length / 2)
        expect(list.filter((value) => value >= middle).length).toBeGreaterThanOrEqual(list.length / 2)
        expect(list).toEqual(before)
      }),
    )
  })
})

describe('the bootstrap interval of a ratio of medians', () => {
  it('is the same every time, and holds the ratio of the medians', () => {
    const ours = [10, 11, 12, 13, 14, 15, 16]
    const other = [5, 5.5, 6, 6.5, 7]
    const interval = ratioInterval(ours, other)
    expect(interval).toEqual(ratioInterval(ours, other))
    expect(interval?.[0]).toBeLessThan(13 / 6)
    expect(interval?.[1]).toBeGreaterThan(13 / 6)
  })

  it('is a point where nothing varies, and none where an arm has too few values or is zero', () => {
    expect(ratioInterval([6, 6, 6], [3, 3, 3])).toEqual([2, 2])
    expect(ratioInterval([6, 6], [3, 3, 3])).toBeUndefined()
    expect(ratioInterval([6, 6, 6], [0, 0, 0])).toBeUndefined()
  })

  it('holds the true ratio about as often as it says', () => {
    const random = seededRandom(7)
    const draw = (scale: number) => Array.from({ length: 15 }, () => scale * (0.5 + random()))
    const covered = Array.from({ length: 60 }, () => ratioInterval(draw(2), draw(1))).filter((interval) => interval && interval[0] <= 2 && 2 <= interval[1])
    expect(covered.length).toBeGreaterThanOrEqual(52)
  }, 60_000)
})

describe('rounds as pairs', () => {
  it('keep what a round did to both sides out of the ratio', () => {
    const load = [1, 9, 2, 30, 4]
    const ours = load.map((slow) => 3 * slow)
    expect(pairedRatios(ours, load)).toEqual([3, 3, 3, 3, 3])
    expect(medianInterval(pairedRatios(ours, load))).toEqual([3, 3])
    expect(ratioInterval(ours, load)?.[0]).toBeLessThan(1)
  })

  it('need one value of each side for every round, and something to divide by', () => {
    expect(() => pairedRatios([1, 2], [1])).toThrow(RangeError)
    expect(() => pairedRatios([1], [0])).toThrow(RangeError)
    expect(medianInterval([1, 2])).toBeUndefined()
  })

  it('have an interval that holds the true median about as often as it says', () => {
    const random = seededRandom(11)
    const draw = () => Array.from({ length: 15 }, () => 2 * (0.5 + random()))
    const covered = Array.from({ length: 60 }, () => medianInterval(draw())).filter((interval) => interval && interval[0] <= 2 && 2 <= interval[1])
    expect(covered.length).toBeGreaterThanOrEqual(52)
  }, 60_000)
})

it('a line is found through points that lie on it', () => {
  const line = leastSquares([10, 100, 1_000].map((x) => ({ x, y: 2.5 + 0.004 * x })))
  expect(line.slope).toBeCloseTo(0.004, 9)
  expect(line.intercept).toBeCloseTo(2.5, 9)
  expect(() => leastSquares([{ x: 1, y: 1 }])).toThrow(RangeError)
})

describe('warm-up', () => {
  it('drops first rounds, but never all', () => {
    expect(afterWarmUp([5, 1, 2], { kind: 'rounds', rounds: 1 })).toEqual({ counted: [1, 2], dropped: 1 })
    expect(afterWarmUp([5], { kind: 'rounds', rounds: 1 })).toEqual({ counted: [5], dropped: 0 })
  })
})

it('arms are interleaved, every second round the other way round', async () => {
  const order: string[] = []
  const found = await interleaved(['a', 'b', 'c'] as const, 3, async (arm, round) => {
    order.push(`${arm}${round}`)
    return round
  })
  expect(order).toEqual(['a0', 'b0', 'c0', 'c1', 'b1', 'a1', 'a2', 'b2', 'c2'])
  expect(found).toEqual({ a: [0, 1, 2], b: [0, 1, 2], c: [0, 1, 2] })
  expect(roundOrder(['a', 'b'], 1)).toEqual(['b', 'a'])
})
