import { describe, expect, it } from 'vitest'
import { windowParts } from '../../cli/report/window-parts.ts'
import { KbgError } from '../../engine/model/error.ts'
import type { JournalEntry, TimelineMark } from '../../engine/model/journal.ts'
import { findings, type Ours } from '../bench/window/findings.ts'
import { measuredWindows } from '../bench/window/windows.ts'
import type { WriteWindow } from '../support/history/index.ts'

const measured = (totalMs: number) => ({ totalMs, parts: windowParts(0, totalMs, []), flushMs: 20, graceful: true, dueThroughout: true })
/** 100 ms together, with the flush above. */
const alone = { fenceMs: 20, mirrorHopMs: 20, liftMs: 20, watchMs: 10, ackMs: 10 }
const statistics = { acked: 500, lost: 0, duplicated: 0, redelivered: 3, reordered: 0, errors: 1 }
const ours: Ours = {
  windows: [900, 450, 200, 150, 120].map(measured),
  partsAlone: [alone, alone, { ...alone, fenceMs: 70 }, alone, { ...alone, fenceMs: 120 }],
  spans: [1, 2, 3, 4, 5].map((second) => ({ fromMs: second * 1_000, toMs: second * 1_000 + 500 })),
  gateRefusals: [0, 2, 0, 1, 0],
  verdict: {
    statistics,
    lines: ['FAIL: 500', 'redelivered: 3', '  g:1', 'errors of sends: 1', '  refused (1)'],
    traces: { producers: [], groups: [], originNs: 0 },
  },
  problems: ['1', '2', '3', '4', '5', '6'],
}
const baselines = { runs: { careful: [], hasty: [], restart: [] }, failed: 0, notes: [] }
const { rows, samples, notes = [] } = findings(ours, baselines, { kind: 'rounds', rounds: 2 })
const row = (measure: string) => rows.find((one) => one.measure === measure)

describe('what a window bench says', () => {
  it('sets the window beside the sum of its parts of the same round', () => {
    expect(row('write window, median')).toMatchObject({ ours: 150, limit: 150, ratioTo: 'limit', ratio: 200 / 150, pairedRatios: [200 / 150, 1.5, 0.6] })
    expect(row('write window, median')?.figures.limit?.what).toMatch(/^sum of its parts, each alone under the load/)
    expect(samples.find(({ arm }) => arm === 'parts alone')?.values).toEqual([100, 100, 150, 100, 200])
  })

  it('takes the maximum over all, and shows what no median has', () => {
    expect(row('write window, maximum')).toMatchObject({ ours: 900, figures: { ours: { n: 5 } } })
    expect(row('write window, maximum')?.figures.ours.what).toContain('of all 5, those of the warm-up included')
    expect(notes).toContain('write windows of the warm-up, in no median: 900 ms and 450 ms')
  })

  it('counts refusals of the gate, each fault in its unit, and cuts no list silently', () => {
    expect(row('gate refusals')).toMatchObject({ ours: 3, unit: 'refusals', goal: null })
    expect(samples.find(({ arm }) => arm === 'gate refusals')?.values).toEqual([0, 2, 0, 1, 0])
    expect(row('redelivered')).toMatchObject({ ours: 3, unit: 'records', holds: false })
    expect(row('errors')).toMatchObject({ ours: 1, unit: 'calls', holds: false })
    expect(notes.slice(-9)).toEqual(['redelivered: 3', 'errors of sends: 1', 'refused (1)', '1', '2', '3', '4', '5', 'and 1 more'])
  })
})

describe('windows and the journal', () => {
  const producer = { producer: 'p', lastAckAtNs: 1_030e6, firstAckAtNs: 1_400e6, windowMs: 370, dueInside: 9, longestWithoutDueMs: 5 }
  const window: WriteWindow = { from: 'blue', to: 'green', producers: [producer], maximumMs: 370, untilAllMs: 370, dueThroughout: true }
  const closed = (timeline: readonly TimelineMark[]): JournalEntry => ({
    ...{ number: 1, term: '5', atWallClock: '2026-01-01T00:00:00Z', atMonotonicMs: 1_500, kind: 'closed', outcome: 'switched' },
    ...{ live: 'green', epoch: 2, graceful: true, reason: 'blue -> green', timeline: [...timeline] },
  })
  const held = { mark: 'held-published', atMonotonicMs: 1_000 } as const

  it('tell how long the last requests were under way when the hold came', () => {
    expect(measuredWindows([window], [closed([held])])).toMatchObject([{ totalMs: 370, flushMs: 30, graceful: true }])
  })

  it('refuse a switchover that does not say when it held, and another number of them', () => {
    expect(() => measuredWindows([window], [closed([{ mark: 'held', atMonotonicMs: 1_010 }])])).toThrow(KbgError)
    expect(() => measuredWindows([window], [])).toThrow(KbgError)
  })
})
