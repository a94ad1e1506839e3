import { describe, expect, it } from 'vitest'
import { committedBatches, recordsOf, wholeBatches } from '../../engine/adapters/kafka/record-batches.ts'
import type { JournalEntry, TimelineMark } from '../../engine/model/journal.ts'
import { consumerRunOf } from '../bench/audit/consumer-performance.ts'
import { findings as auditFindings } from '../bench/audit/findings.ts'
import { ReadyBatches } from '../bench/audit/ready-batches.ts'
import { type SizeTimes, switchTimes, findings as verifyFindings } from '../bench/verify-at-switch/findings.ts'
import { verifyAtSwitchOptions } from '../bench/verify-at-switch.ts'

const noWarmUp = { kind: 'rounds', rounds: 0 } as const

describe('a ready batch', () => {
  const batches = new ReadyBatches(3, 40)

  it('holds records that differ, and is another one each time', () => {
    const read = [batches.next(), batches.next()].flatMap((bytes) =>
      [...committedBatches(wholeBatches(bytes), [])].flatMap((batch) => [...recordsOf(batch, 0n, 3n)]),
    )
    expect(read).toHaveLength(6)
    expect(new Set(read.map(({ digest }) => digest)).size).toBe(6)
  })
})

describe('what ConsumerPerformance says', () => {
  const line = '2026-11-26 13:00:00:001, 2026-11-26 13:00:05:001, 95.3674, 19.0735, 1000000, 200000.0000, 3100, 1900, 50.1934, 526315.7895'

  it('is its records and the time in which it fetched', () => {
    expect(consumerRunOf(`WARN something\n${line}\n`)).toEqual({ records: 1_000_000, fetchMs: 1_900 })
  })

  it('is refused when it read nothing', () => {
    expect(() => consumerRunOf('WARNING: Exiting before consuming the expected number of records')).toThrow(/read nothing/)
    expect(() => consumerRunOf(line.replace('1000000', '0'))).toThrow(/read nothing/)
  })
})

describe("the audit's rows", () => {
  const read = [{ topic: 'read-100', recordBytes: 100, records: 10, audit: [600, 700, 800], consumers: [1_000, 1_000, 1_000] }]
  const memory = { few: { records: 10, peakMiB: 50 }, many: { records: 100, peakMiB: 100 }, tenfold: { records: 1_000, peakMiB: 160 } }
  const steady = { wantedPerSecond: 10_000, comparedPerSecond: 9_950.7, leastOfWanted: 0.98, cores: [0.2, 0.4, 0.3], agesMs: [5, 6, 7] }
  const row = (measure: string) => auditFindings({ read, memory, steady }, noWarmUp).rows.find((each) => each.measure === measure)

  it('compare rates, memory over sizes that fill the buffers, and a core', () => {
    expect(row('both sides, 100 B')).toMatchObject({ ours: 700, baseline: 1_000, ratio: 0.7, holds: true, open: false })
    expect(row('memory, 1000 records')).toMatchObject({ ours: 160, baseline: 100, holds: false })
    expect(row('memory, 10 records (too few to fill the buffers)')).toMatchObject({ ours: 50, baseline: null, goal: null })
    expect(row('processor, at 10000 records/s')).toMatchObject({ ours: 0.3, holds: true })
  })

  it('are refused when the load was lower than the wanted one', () => {
    const under = (comparedPerSecond: number) => () => auditFindings({ read, memory, steady: { ...steady, comparedPerSecond } }, noWarmUp)
    expect(under(9_800)).not.toThrow()
    expect(under(9_799)).toThrow(/not the wanted one/)
    expect(under(Number.NaN)).toThrow(/not the wanted one/)
  })
})

describe('verify-at-switch', () => {
  const timeline: TimelineMark[] = (['fenced', 'drained', 'cut'] as const).map((mark, index) => ({ mark, atMonotonicMs: 1_000 + 30 * index }))
  const head = { number: 1, term: '1', atWallClock: '2026-11-26T13:00:00.000Z', atMonotonicMs: 0 }
  const closed = { ...head, kind: 'closed', outcome: 'switched', live: 'green', epoch: 2, graceful: true, reason: '', timeline } as const
  const cut = { source: 'blue', target: 'green', sourceEnds: {}, targetEnds: {} } as const
  const decided: JournalEntry = {
    ...head,
    kind: 'decided',
    outcome: 'switch',
    cut: { ...cut, audit: { partitions: 0, alignedRecords: '0', emptied: [] } },
    reason: '',
    graceful: true,
  }

  it('takes the time between the marks of each switchover', () => {
    expect(switchTimes([decided, closed])).toEqual([{ verifyMs: 60, cutMs: 30 }])
  })

  it('is refused when one was taken back, lacks a mark, or was decided without the audit', () => {
    expect(() => switchTimes([decided, { ...closed, outcome: 'aborted' }])).toThrow(/taken back/)
    expect(() => switchTimes([decided, { ...closed, timeline: timeline.slice(1) }])).toThrow(/when it was where/)
    expect(() => switchTimes([{ ...decided, cut }, closed])).toThrow(/without the audit/)
  })

  it('compares every size with the smallest, and tells the slope', () => {
    const size = (records: number, verifyMs: number): SizeTimes => ({
      records,
      held: records,
      copiedPerSecond: null,
      times: [0, 1, 2].map((add) => ({ verifyMs: verifyMs + add, cutMs: 1 })),
    })
    const { rows } = verifyFindings([size(100, 50), size(1_000, 60), size(10_000, 70)], noWarmUp)
    const row = (measure: string) => rows.find((each) => each.measure === measure)
    expect(row('fence to proven cut, 100 records')).toMatchObject({ ours: 51, baseline: null, goal: null })
    expect(row('fence to proven cut, 10000 records')).toMatchObject({ ours: 71, baseline: 51, holds: true })
    expect(row('added by ten times the records')?.ours).toBeCloseTo(10)
  })

  it('takes other sizes, and no nonsense', () => {
    expect(verifyAtSwitchOptions(['--records', '10,200']).records).toEqual([10, 200])
    expect(verifyAtSwitchOptions([]).records).toEqual([10_000, 100_000, 1_000_000, 10_000_000])
    expect(verifyAtSwitchOptions(['--records', '10'])).toMatchObject({ moves: 12, warmUpMoves: 6 })
    expect(() => verifyAtSwitchOptions(['--records', '200,10'])).toThrow(/no list of sizes/)
    expect(() => verifyAtSwitchOptions(['--sizes', '1'])).toThrow()
  })
})
