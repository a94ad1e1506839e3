/** What a watch makes of its samples. F31: flapping needs N in a row; F38: too few, ties, constant, NaN are inconclusive; F69: a noisy series moves nothing. */
import { describe, expect, it } from 'vitest'
import { baselineOf, worseWayBack } from '../../engine/analysis/baseline.ts'
import type { GroupLook } from '../../engine/analysis/group-pace.ts'
import { latencyLimitMs, lookAtLatency } from '../../engine/analysis/latency.ts'
import { failingNow, judgeLooks, type Measured, medianOf, type WatchSample } from '../../engine/analysis/samples.ts'
import { judgeWatch } from '../../engine/analysis/watch.ts'
import { Limits } from '../../engine/model/limits.ts'
import { WatchBaseline } from '../../engine/model/watch.ts'

const limits = Limits.parse({ watchWindowMs: 60_000 })
const refused: Measured = { refused: 'NOT_ENOUGH_REPLICAS' }
const baseline: WatchBaseline = {
  ...{ colour: 'blue', samples: 5, appendMs: 20, endToEndMs: 30, reason: '' },
  ...{ flows: { orders: 100 }, groups: { billing: { members: 2, offsetsPerSecond: 100 } } },
}
const look = (atMs: number, over: Partial<GroupLook> = {}): GroupLook => ({ atMs, members: 2, committed: BigInt(atMs / 10), lagRecords: 10, ...over })

/** One sample a second, sound unless said otherwise. */
const series = (count: number, over: (index: number) => Partial<WatchSample> = () => ({})): readonly WatchSample[] =>
  Array.from({ length: count }, (_, index) => ({
    ...{ atMs: index * 1_000, append: 20, endToEnd: 30, flows: new Map([['orders', 100]]), producers: 1, groups: new Map([['billing', look(index * 1_000)]]) },
    consumers: new Map([['billing', 2]]),
    ...over(index),
  }))
const judge = (samples: readonly WatchSample[], base: WatchBaseline | null = baseline, moved = ['billing']) => judgeWatch(base, new Set(moved), samples, limits)
const measure = (name: string, samples: readonly WatchSample[], base: WatchBaseline | null = baseline) =>
  judge(samples, base).measures.find((one) => one.name === name)
const appends = (...measured: readonly Measured[]) =>
  measure(
    'canary accepted',
    series(measured.length, (index) => ({ append: measured[index] ?? 20 })),
  )
const times = <T>(count: number, value: T): readonly T[] => Array.from({ length: count }, () => value)

describe('a sound series', () => {
  it('passes, measure by measure', () => {
    const { verdict, measures, failing } = judge(series(60))
    expect(measures.map(({ name, verdict: own }) => `${name} ${own}`)).toEqual(['canary accepted pass', 'canary visible pass', 'writes pass', 'groups pass'])
    expect([verdict, failing]).toEqual(['pass', 0])
  })

  it('is told with what was observed and what is required', () => {
    expect(appends(...times(9, 20))).toEqual({
      ...{ name: 'canary accepted', verdict: 'pass', observed: '9 samples', required: 'at most 1000 ms (before the switchover 20 ms)' },
    })
  })
})

describe('refused or slow canaries', () => {
  it.each<[string, readonly Measured[], string]>([
    ['five refusals in a row', [...times(6, 20), ...times(5, refused)], 'fail'],
    ['four refusals in a row at the end: not yet', [...times(6, 20), ...times(4, refused)], 'inconclusive'],
    ['four refusals, then good again', [...times(6, 20), ...times(4, refused), ...times(6, 20)], 'pass'],
    ['refusals from the first sample on', times(5, refused), 'fail'],
    ['five in a row that are slower than factor and floor', [...times(5, 20), ...times(5, 1_001)], 'fail'],
    ['a tie with the limit is good', times(9, 1_000), 'pass'],
    ['slow and refused in turn are one run', [...times(5, 20), refused, 2_000, refused, 2_000, refused], 'fail'],
    ['flapping: every other one refused', Array.from({ length: 30 }, (_, index) => (index % 2 === 0 ? refused : 20)), 'inconclusive'],
    ['flapping with more failed than good', Array.from({ length: 31 }, (_, index) => (index % 3 === 0 ? 20 : refused)).concat(20), 'inconclusive'],
    ['a noisy series: failures spread over it', Array.from({ length: 40 }, (_, index) => (index % 5 === 4 ? 5_000 : 20)).concat(20), 'pass'],
    ['too few samples', times(4, 20), 'inconclusive'],
    ['no sample at all', [], 'inconclusive'],
    ['no numbers', times(20, Number.NaN), 'inconclusive'],
    ['a time that is no time', times(20, -1), 'inconclusive'],
    ['a NaN between failures ends their run', [...times(20, 20), ...times(4, refused), Number.NaN, ...times(4, refused), ...times(6, 20)], 'pass'],
    ['infinity is no measured time', [...times(6, 20), ...times(9, Number.POSITIVE_INFINITY)], 'inconclusive'],
  ])('%s', (_, measured, verdict) => {
    expect(appends(...measured)?.verdict).toBe(verdict)
  })

  it('says how many failed and what the last one was', () => {
    expect(appends(...times(6, 20), ...times(5, refused))?.observed).toBe('5 failed samples in a row, the last one: NOT_ENOUGH_REPLICAS')
    expect(appends(...times(6, 20), ...times(3, 4_000))?.observed).toBe('3 of 5 failed samples in a row at the end; the last one: 4000 ms')
    expect(judge(series(10, (index) => ({ append: index > 6 ? refused : 20 }))).failing).toBe(3)
  })

  it.each<[string, number | null]>([
    ['missing', null],
    ['constant zero', 0],
    ['no number', Number.NaN],
  ])('never fail against a baseline that is %s', (_, appendMs) => {
    const judged = (append: Measured) =>
      measure(
        'canary accepted',
        series(20, () => ({ append })),
        { ...baseline, appendMs },
      )?.verdict
    expect([judged(refused), judged(60_000), judged(20)]).toEqual(['inconclusive', 'inconclusive', 'inconclusive'])
  })

  it('have the factor where it is above the floor', () => {
    expect(latencyLimitMs(300, limits)).toBe(1_500)
    expect(latencyLimitMs(20, limits)).toBe(1_000)
    expect(lookAtLatency(1_500, 1_500).is).toBe('good')
  })
})

describe('writes', () => {
  const still = new Map([['orders', 0]])
  const writes = (count: number, over: (index: number) => Partial<WatchSample>, base = baseline) => measure('writes', series(count, over), base)

  it('that stop while they flowed before, and producers are there, are a failure', () => {
    expect(writes(12, (index) => (index > 6 ? { flows: still } : {}))).toMatchObject({
      verdict: 'fail',
      observed: expect.stringContaining('nothing came into orders, though 1 routed producers are there'),
    })
  })

  it.each<[string, (index: number) => Partial<WatchSample>, string]>([
    ['no producer is registered', () => ({ flows: still, producers: 0 }), 'inconclusive'],
    ['nobody knows whether a producer is', () => ({ flows: still, producers: null }), 'inconclusive'],
    ['the ends are not read', () => ({ flows: null }), 'inconclusive'],
    ['rates are no numbers', () => ({ flows: new Map([['orders', Number.NaN]]) }), 'inconclusive'],
    ['a lull of four samples is over', (index) => (index > 4 && index < 9 ? { flows: still } : {}), 'pass'],
    ['producers that also consume begin late, within the grace', (index) => (index < 5 ? { flows: still } : {}), 'pass'],
    ['they come in bursts, with a lull in every fifth sample', (index) => (index % 5 === 1 ? { flows: still } : {}), 'pass'],
    ['they stand still in every other sample', (index) => (index % 2 === 0 ? { flows: still } : {}), 'inconclusive'],
    ['another topic grows that was not asked for', () => ({ flows: new Map([...still, ['audit', 9]]) }), 'fail'],
  ])('where %s', (_, over, verdict) => {
    expect(writes(25, over)?.verdict).toBe(verdict)
  })

  it('are not judged where nothing flowed before', () => {
    expect(writes(20, () => ({ flows: still }), { ...baseline, flows: {} })).toMatchObject({
      verdict: 'inconclusive',
      observed: 'no topic grew steadily before the switchover',
    })
  })

  it('of one topic among several that stand still are told, and no failure', () => {
    const base = { ...baseline, flows: { orders: 100, payments: 5 } }
    const flows = new Map([
      ['orders', 90],
      ['payments', 0],
    ])
    expect(writes(20, () => ({ flows }), base)).toMatchObject({
      verdict: 'inconclusive',
      observed: expect.stringContaining('nothing came into payments, while others grew'),
    })
    expect(writes(20, () => ({ flows: new Map([...still, ['payments', 0]]) }), base)?.verdict).toBe('fail')
  })

  it('of the first sample have nothing before them', () => {
    expect(writes(10, (index) => (index === 0 ? { flows: null } : {}))?.verdict).toBe('pass')
    expect(writes(9, (index) => (index === 0 ? { flows: null } : {}))?.verdict).toBe('inconclusive')
  })
})

describe('groups that were moved', () => {
  const groups = (over: (index: number) => Partial<GroupLook> | null, base = baseline) =>
    measure(
      'groups',
      series(60, (index) => {
        const own = over(index)
        return { groups: own === null ? null : new Map([['billing', look(index * 1_000, own)]]) }
      }),
      base,
    )

  it.each<[string, (index: number) => Partial<GroupLook> | null, string]>([
    ['read on', () => ({}), 'pass'],
    ['have read everything', () => ({ committed: 7n, lagRecords: 0 }), 'pass'],
    ['have no members', () => ({ members: 0 }), 'inconclusive'],
    ['commit nothing, with records left to read', () => ({ committed: 7n }), 'inconclusive'],
    ['joined late, within the time that a wave has', (index) => ({ members: index < 25 ? 0 : 2 }), 'pass'],
    ['can not be seen', () => null, 'inconclusive'],
    ['commit nothing, and nobody knows whether anything is left', () => ({ committed: 7n, lagRecords: null }), 'inconclusive'],
  ])('%s', (_, over, verdict) => {
    expect(groups(over)?.verdict).toBe(verdict)
  })

  it('are judged after the time that a wave has, and not before', () => {
    expect(
      measure(
        'groups',
        series(30, () => ({ groups: new Map([['billing', look(0, { members: 0 })]]) })),
      )?.verdict,
    ).toBe('inconclusive')
  })

  it.each([
    ['no consumer of them is registered any more', new Map()],
    ['nobody knows whether one is', null],
  ])('that have no members are no failure when %s', (_, consumers) => {
    const gone = series(60, () => ({ groups: new Map([['billing', look(0, { members: 0 })]]), consumers }))
    expect(measure('groups', gone)).toMatchObject({ verdict: 'inconclusive', observed: expect.stringContaining('and none is registered') })
  })

  it('of which one of two stands still are told, and no failure', () => {
    const base = { ...baseline, groups: { ...baseline.groups, archive: { members: 1, offsetsPerSecond: null } } }
    const samples = series(60, (index) => ({
      groups: new Map([
        ['billing', look(index * 1_000)],
        ['archive', look(index * 1_000, { members: 0 })],
      ]),
    }))
    const verdict = judge(samples, base, ['billing', 'archive']).measures.find(({ name }) => name === 'groups')
    expect(verdict).toMatchObject({
      verdict: 'inconclusive',
      observed: expect.stringContaining('archive: none of its 1 members has joined, and none is registered; others read on'),
    })
  })

  it('are no measure when none moved that had members', () => {
    expect(judge(series(60), baseline, []).measures.map(({ name }) => name)).toEqual(['canary accepted', 'canary visible', 'writes'])
  })
})

describe('the whole', () => {
  it('fails when one measure does, else is inconclusive when one is', () => {
    expect(judge(series(60, (index) => ({ append: index > 50 ? refused : 20, flows: null }))).verdict).toBe('fail')
    expect(judge(series(60, () => ({ flows: null }))).verdict).toBe('inconclusive')
  })

  it('never fails without a baseline', () => {
    const sick = series(60, () => ({
      append: refused,
      endToEnd: refused,
      flows: new Map([['orders', 0]]),
      groups: new Map([['billing', look(0, { members: 0 })]]),
    }))
    expect(judge(sick, null).verdict).toBe('inconclusive')
    expect(judge(sick).verdict).toBe('fail')
  })
})

describe('a baseline', () => {
  it('is medians, the slowest look of each topic that always grew, and the groups with members', () => {
    const rates = [null, 100, 80, 120, 90]
    const made = baselineOf(
      'blue',
      series(5, (index) => ({
        append: [10, 90, 20, 30, 40][index] ?? 0,
        flows:
          rates[index] === null
            ? null
            : new Map([
                ['orders', rates[index] ?? 0],
                ['idle', index === 3 ? 0 : 5],
              ]),
        groups: new Map([
          ['billing', look(index * 250, { committed: 5n })],
          ['gone', look(index * 250, { members: 0 })],
        ]),
      })),
    )
    expect(WatchBaseline.parse(made)).toEqual({
      ...{ colour: 'blue', samples: 5, appendMs: 30, endToEndMs: 30, flows: { orders: 80 }, reason: '' },
      groups: { billing: { members: 2, offsetsPerSecond: null } },
    })
  })

  it('says what could not be measured', () => {
    const made = baselineOf(
      'blue',
      series(5, () => ({ append: refused, endToEnd: Number.NaN, flows: null, groups: null })),
    )
    expect(WatchBaseline.parse(made)).toMatchObject({
      appendMs: null,
      endToEndMs: null,
      flows: {},
      groups: {},
      reason: 'not measured: canary accepted, canary visible (NOT_ENOUGH_REPLICAS)',
    })
  })

  it('of fewer than three numbers has no median', () => {
    expect([medianOf([1, 2], 3), medianOf([1, Number.NaN, 3, refused, 2], 3), medianOf([], 0)]).toEqual([null, 2, null])
  })
})

describe('the colour to go back to', () => {
  it.each<[string, readonly Measured[], RegExp | null]>([
    ['takes canaries as before', [30, 40, 35], null],
    ['refuses one', [30, refused, 35], /its canary failed: NOT_ENOUGH_REPLICAS/],
    ['is slow itself', [3_000, 2_000, 40], /takes 2000 ms, at most 1000 ms/],
    ['was asked too little', [30], /1 samples, required 3/],
    ['gives no numbers', times(3, Number.NaN), /required 3/],
  ])('%s', (_, measured, reason) => {
    const worse = worseWayBack(measured, baseline, limits)
    if (reason === null) expect(worse).toBeNull()
    else expect(worse).toMatch(reason)
  })
})

describe('runs of failed samples', () => {
  const looks = (text: string) =>
    [...text].map((is) => ({ is: is === 'g' ? ('good' as const) : is === 'f' ? ('failed' as const) : ('unknown' as const), what: is }))

  it('are counted at the end, and ended by what is not known', () => {
    expect(['', 'ggff', 'ffg', 'ff?', 'fff'].map((text) => failingNow(looks(text)))).toEqual([0, 2, 0, 0, 3])
  })

  it('fail wherever they stand', () => {
    expect(judgeLooks('x', looks('gggggfffffggggg'), 5, '').verdict).toBe('fail')
    expect(judgeLooks('x', looks('ggggg????????'), 5, '').verdict).toBe('inconclusive')
  })
})
