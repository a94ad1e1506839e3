import { describe, expect, it } from 'vitest'
import type { Colour } from '../../engine/model/colour.ts'
import { baselineNotes, baselineRows } from '../bench/window/baseline-rows.ts'
import type { BaselineRun } from '../bench/window/baselines.ts'
import { longestPauseMs } from '../bench/window/pauses.ts'
import { outOfSync } from '../bench/window/whole-cluster.ts'

/** A producer whose records were acknowledged at these milliseconds; null: never. */
function producer(...acksMs: readonly (number | null)[]) {
  const ackedAtNs = acksMs.map((at) => (at === null ? Number.NaN : at * 1e6))
  return { producer: 'p', topics: [], intendedAtNs: [], ackedAtNs, ackedBy: ackedAtNs.map((): Colour => 'blue') }
}

describe('the longest time without an acknowledged send', () => {
  const span = { fromMs: 1_000, toMs: 2_000 }

  it('is the slowest producer, and only what reaches into the span', () => {
    const steady = producer(900, 1_000, 1_100, 1_200, 2_100)
    expect(longestPauseMs([steady], span, 2_100)).toBe(900)
    expect(longestPauseMs([steady, producer(0, 950, 1_950, 2_050)], span, 2_100)).toBe(1_000)
    expect(longestPauseMs([producer(0, 900, 1_000, 2_000, 2_001, 9_000)], span, 9_000)).toBe(1_000)
  })

  it('counts a pause that began before in its whole length, and knows no order of sequence numbers', () => {
    expect(longestPauseMs([producer(1_900, 400, 1_800)], span, 2_000)).toBe(1_400)
  })

  it('does not forget a producer that never came back, nor one that never had an acknowledgement', () => {
    expect(longestPauseMs([producer(900, 1_050, null, null)], span, 30_000)).toBe(28_950)
    expect(longestPauseMs([producer(null)], span, 30_000)).toBe(29_000)
  })

  it('is nothing without producers', () => {
    expect(longestPauseMs([], span, 2_000)).toBe(0)
  })
})

describe('the rows of the baselines', () => {
  const run = (pauseMs: number, lost: number): BaselineRun => ({
    pauseMs,
    statistics: { acked: 100, lost, duplicated: 0, redelivered: 7, reordered: 0, errors: 1 },
    lines: [],
  })
  const ours = { pausesMs: [900, 100, 120, 110], statistics: { acked: 100, lost: 0, duplicated: 0, redelivered: 8, reordered: 0, errors: 0 }, moves: 4 }
  const firstNot = { kind: 'rounds', rounds: 1 } as const
  const runs = { careful: [run(2_000, 0), run(1_000, 0), run(1_100, 1)], hasty: [run(900, 1)], restart: [] }
  const rows = baselineRows(ours, { runs, failed: 2 }, firstNot)
  const row = (measure: string) => rows.find((one) => one.measure === measure)

  it('hold the pause to a tenth of what MirrorMaker alone takes, by median; only of ours the first move is not counted', () => {
    expect(row('no acknowledged send, MirrorMaker with care')).toMatchObject({ ours: 110, baseline: 1_100, ratio: 0.1, holds: true })
    expect(row('no acknowledged send, MirrorMaker in haste')).toMatchObject({ baseline: 900, holds: false })
  })

  it('set faults of one move beside those of one move, whatever the number of either, and no goal', () => {
    expect(row('lost, MirrorMaker with care')).toMatchObject({ ours: 0, baseline: 1 / 3, unit: 'records per move', goal: null })
    expect(row('redelivered, MirrorMaker with care')).toMatchObject({ ours: 2, baseline: 7, ratio: 2 / 7 })
    expect(row('redelivered, MirrorMaker with care')?.figures.baseline?.what).toContain('21 redelivered in 3 repetitions')
    expect(row('errors, MirrorMaker in haste')).toMatchObject({ baseline: 1, unit: 'calls per move' })
  })

  it('come with a note of what the checker found first, and why sends failed', () => {
    const lines = ['FAIL: 3 acknowledged', 'lost: 1', '  p:7 of orders', 'errors of sends: 9', '  unknown: out of order (8)', '  unknown: other (1)']
    const failed = { ...run(900, 1), lines }
    expect(baselineNotes({ runs: { careful: [], hasty: [], restart: [failed] }, failed: 0, notes: ['a note'] })).toEqual([
      'rolling restart: 100 records acknowledged; the first with faults: FAIL: 3 acknowledged; lost: 1; errors of sends: 9; unknown: out of order (8)',
      'a note',
    ])
    const many = { runs: { careful: [], hasty: [], restart: [] }, failed: 7, notes: ['1', '2', '3', '4', '5', '6', '7'] }
    expect(baselineNotes(many)).toEqual(['1', '2', '3', '4', '5', 'and 2 more'])
  })

  it('say nothing of an arm that did not run', () => {
    expect(rows.some(({ measure }) => measure.includes('rolling restart'))).toBe(false)
    expect(rows).toHaveLength(13)
    expect(baselineRows(ours, { runs: { careful: [], hasty: [], restart: [] }, failed: 0 }, firstNot)).toEqual([])
  })

  it('do not hold when a repetition had no verdict', () => {
    expect(row('baselines without a verdict')).toMatchObject({ ours: 2, holds: false })
  })
})

describe('a whole cluster', () => {
  it('has every replica of every partition in sync', () => {
    const partition = (number: number, isr: number[]) => ({ partition: number, leader: isr[0] ?? -1, leaderEpoch: 0, replicas: [0, 1, 2], isr })
    const whole = { topic: 'orders', partitions: [partition(0, [0, 1, 2]), partition(1, [2, 0, 1])] }
    expect(outOfSync([whole])).toEqual([])
    expect(outOfSync([whole, { topic: 'payments', partitions: [partition(0, [0, 1, 2]), partition(1, [0, 2]), partition(2, [])] }])).toEqual([
      'payments-1',
      'payments-2',
    ])
  })
})
