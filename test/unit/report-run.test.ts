import { describe, expect, it } from 'vitest'
import { reportHtml } from '../../cli/report/page.ts'
import { RolloutReport } from '../../cli/report/report.ts'
import type { ClientVerdict } from '../../cli/rollout/demo-load.ts'
import { afterTearDown, interruptedReport, makeReport, type RunFacts } from '../../cli/rollout/make-report.ts'
import { readTraces } from '../../cli/rollout/measure/traces.ts'
import { readWholeLogs } from '../../cli/rollout/measure/whole-logs.ts'
import { summaryLines } from '../../cli/rollout/summary.ts'
import type { AuditedPartition } from '../../engine/model/audit-facts.ts'
import type { GroupPosition, JournalEntry } from '../../engine/model/journal.ts'
import { parseTopicPartition } from '../../engine/model/partition.ts'
import { generateHistories } from '../support/history/generate.ts'
import { check, clientStatistics, writeWindows } from '../support/history/index.ts'

const histories = generateHistories({ seed: 3, producers: 3, keys: 6, partitions: 2, groups: 2, calls: 400, maxBatch: 5 })
const windows = writeWindows(histories).switchovers
const judged = check(histories, { wholeColours: ['green', 'blue'] })
const verdict: ClientVerdict = {
  ok: true,
  statistics: clientStatistics(judged),
  checked: { ...judged.checked, aborted: 12, unknown: 0, denied: 0 },
  lines: [],
  windows,
  traces: readTraces(histories),
  logs: readWholeLogs(histories),
}

const head = { term: '7', atWallClock: '2026-11-22T20:39:02.000Z', atMonotonicMs: 0 }
const position: GroupPosition = {
  ...{ groupId: 'billing', topic: 'orders', partition: 0, sourceOffset: '41', targetOffset: '44', lagRecords: 2 },
  ...{ method: 'count-back', verdict: 'exact', reason: 'equal neighbours' },
}
const worst = windows[0]?.producers.reduce((a, b) => (b.windowMs > a.windowMs ? b : a))
const publishedMs = ((worst?.lastAckAtNs ?? 0) + (worst?.firstAckAtNs ?? 0)) / 2e6

function closed(number: number, outcome: 'switched' | 'aborted', epoch: number): JournalEntry {
  const timeline = [{ mark: 'published', atMonotonicMs: publishedMs } as const, { mark: 'groups-released', atMonotonicMs: publishedMs + 500 } as const]
  return { ...head, number, kind: 'closed', outcome, live: 'green', epoch, graceful: true, reason: '', timeline }
}

const everyGroup = ['orders-dashboard', 'archive', 'billing', 'ledger']

/** An aborted switchover, then one that moved every group of the load. */
const journal: readonly JournalEntry[] = [
  closed(1, 'aborted', 4),
  { ...head, number: 2, kind: 'groups', positions: [position], positionEntriesBefore: 0, moved: everyGroup, stayed: [] },
  closed(3, 'switched', 9),
]

const facts: RunFacts = {
  versions: { blue: '3.9.2', green: '4.3.1' },
  load: { ratePerSecond: 100, preloadRecords: 0 },
  wanted: { switchovers: 1, ackedRecords: 10, lagRecords: 100, laggingGroup: 'archive' },
  startedAt: new Date('2026-11-22T20:39:02Z'),
  durationSeconds: 30,
  phases: [{ phase: 'switch', seconds: 30 }],
  loadSeconds: 10,
  lagRecords: 100,
  audit: null,
  gates: [
    {
      gate: { epoch: 8, updates: 2, checks: [{ name: 'mirror lag', verdict: 'pass', observed: 'at most 41 ms', required: 'at most 1000 ms', remedy: '' }] },
      limits: { maxMirrorLagMs: 1_000 },
    },
  ],
}

const sideFacts = { visible: 5, extra: 0, retention: 0, compacted: 0, digest: '00' }
const audited = (state: AuditedPartition['state']): AuditedPartition => ({
  ...{ partition: 'orders-0', state, alignedRecords: 5, blue: sideFacts, green: sideFacts, watermark: { blue: '5', green: '5' }, watermarkAgeMs: 3 },
  ...{ differences: { total: 0, shown: [] }, runs: 1, trouble: '', lost: { blue: 0, green: 0 }, emptied: null },
})

describe('the report of a run', () => {
  const report = makeReport(facts, verdict, journal)
  const [one] = report.switchovers

  it('joins what clients measured with what was journaled, aborted switchovers left out', () => {
    expect(RolloutReport.parse(report)).toEqual(report)
    expect(report.switchovers).toHaveLength(1)
    expect(one).toMatchObject({ from: 'blue', to: 'green', epoch: 9, writeWindowMs: worst?.windowMs, moved: everyGroup, stayed: [] })
    expect(one?.producers.map(({ windowMs }) => windowMs)).toContain(Math.round((worst?.windowMs ?? 0) * 10) / 10)
    expect(one?.parts.publishMs).toBeCloseTo((worst?.windowMs ?? 0) / 2, 3)
    expect(one?.marks.map(({ mark }) => mark)).toEqual(['published', 'groups-released'])
    expect(one?.latency.map(({ measure, stage }) => `${measure} ${stage}`)).toEqual([
      ...['acknowledgement before', 'acknowledgement during', 'acknowledgement after'],
      ...['end-to-end before', 'end-to-end during', 'end-to-end after'],
    ])
  })

  it('holds the gate that let it begin, and the limits that it judged by', () => {
    expect(one?.gate).toEqual(facts.gates[0]?.gate)
    expect(report.configuration?.limits).toEqual({ maxMirrorLagMs: 1_000 })
  })

  it('says of every position with which switchover it moved', () => {
    expect(report.groups).toEqual([
      {
        ...{ group: 'billing', topic: 'orders', partition: 0, method: 'count-back', verdict: 'exact', lagRecords: 2 },
        ...{ switchover: 1, wave: null, sourceOffset: '41', targetOffset: '44', reason: 'equal neighbours' },
      },
    ])
  })

  it('says of every group how long it got nothing', () => {
    expect(one?.groupPauses.map(({ group }) => group)).toEqual(verdict.traces.groups.map(({ group }) => group))
    for (const { longestWithoutDeliveryMs } of one?.groupPauses ?? []) expect(longestWithoutDeliveryMs).toBeGreaterThan(0)
    expect(summaryLines(report).join('\n')).toMatch(/longest time without a delivery: \S+ \d+ ms, /)
  })

  it('has no end-to-end latency during and after a switchover from which a group never read on, and says which', () => {
    const [first, ...others] = verdict.traces.groups
    const groups = first ? [{ ...first, readings: first.readings.filter(({ colour }) => colour !== 'green') }, ...others] : []
    const unread = makeReport(facts, { ...verdict, traces: { ...verdict.traces, groups } }, journal)
    expect(unread.switchovers[0]?.groupPauses[0]).toEqual({ group: first?.group, longestWithoutDeliveryMs: null })
    expect(unread.switchovers[0]?.latency.filter(({ measure }) => measure === 'end-to-end').map(({ stage }) => stage)).toEqual(['before'])
    expect(unread.notObserved.join()).toContain(`How long the group ${first?.group} got nothing in switchover 1`)
  })

  it('fails when a group of the load was not moved, with the reason that the journal has', () => {
    expect(report.reasons.join()).not.toContain('was not moved')
    const stayed = journal.map((entry) => (entry.kind === 'groups' ? { ...entry, moved: ['billing', 'archive'], stayed: ['ledger: still Stable'] } : entry))
    const failed = makeReport(facts, verdict, stayed)
    expect(failed.verdict).toBe('fail')
    expect(failed.reasons).toContain('ledger was not moved blue -> green: still Stable')
    expect(failed.reasons).toContain('orders-dashboard was not moved blue -> green: the journal gives no reason')
    expect(failed.switchovers[0]?.stayed).toEqual([{ group: 'ledger', reason: 'still Stable' }])
  })

  it('fails when the audit ends with a difference, and says what it left open and where it had no answer', () => {
    const looked = (state: AuditedPartition['state']): RunFacts['audit'] => ({
      looks: [{ atMonotonicMs: verdict.traces.originNs / 1e6, facts: { partitions: [audited(state)], unreachable: [] } }],
      unanswered: 1,
      lastTrouble: 'refused',
    })
    const differing = makeReport({ ...facts, audit: looked({ kind: 'differs', reason: '2 differences' }) }, verdict, journal)
    expect(RolloutReport.parse(differing)).toEqual(differing)
    expect(differing.reasons).toContain('the audit found differences at the end: orders-0 (2 differences)')
    expect(differing.notObserved).toContain("What the audit had come to in 1 of 2 looks: it didn't answer (refused).")
    const open = makeReport({ ...facts, audit: looked({ kind: 'undecided', reason: 'no leader' }) }, verdict, journal)
    expect(open.reasons.join()).not.toContain('audit')
    expect(open.notObserved.join()).toContain('whether both colours were equal at the end in orders-0: it was undecided')
    expect(summaryLines(open).join('\n')).toContain(
      'audit: every record below 0 of 1 cuts compared; at the end 0 of 1 partitions equal, 5 records on both sides',
    )
    expect(report.notObserved.join()).toContain('this fleet has none')
  })

  it('fails when a group was moved to a place that the whole reads contradict', () => {
    const [[name = '', log] = []] = [...verdict.logs.blue]
    const { topic, partition } = parseTopicPartition(name)
    const there = verdict.logs.green.get(name)?.ids.indexOf(log?.ids[5] ?? '') ?? -1
    const moved = (place: number): readonly JournalEntry[] => {
      const ends = { [name]: '1000' }
      const offsets = { sourceOffset: String(log?.offsets[5]), targetOffset: String(verdict.logs.green.get(name)?.offsets[place]) }
      const cut = { source: 'blue', target: 'green', sourceEnds: ends, targetEnds: ends } as const
      return [
        { ...head, number: 1, kind: 'decided', outcome: 'switch', cut, reason: '', graceful: true },
        {
          ...head,
          number: 2,
          kind: 'groups',
          positions: [{ ...position, ...offsets, topic, partition }],
          positionEntriesBefore: 0,
          moved: everyGroup,
          stayed: [],
        },
        closed(3, 'switched', 9),
      ]
    }
    const wrong = makeReport(facts, verdict, moved(there + 2))
    expect(wrong.reasons).toContain('billing was moved to a wrong place in switchover 1: 0 records would be delivered again, 2 skipped')
    expect(makeReport(facts, verdict, moved(there)).reasons.join()).not.toContain('wrong place')
    expect(summaryLines(wrong).join('\n')).toMatch(/with plain MirrorMaker \(simulated\): \d+ records again, 0 positions without a checkpoint/)
  })

  it('leaves to a switchover only the groups that no wave had moved before', () => {
    const at = { ...head, number: 1, atMonotonicMs: verdict.traces.originNs / 1e6 }
    const wave = { kind: 'wave', wave: 'wave-1', source: 'blue', target: 'green', pace: {}, reason: '' } as const
    const positions = [{ ...position, groupId: 'archive' }]
    const waves: readonly JournalEntry[] = [
      { ...at, ...wave, what: 'moving', groups: ['archive'] },
      { ...at, number: 2, kind: 'groups', wave: 'wave-1', positions, positionEntriesBefore: 0, moved: ['archive'], stayed: [] },
      { ...at, number: 3, atMonotonicMs: at.atMonotonicMs + 1, ...wave, what: 'moved', groups: ['archive'] },
    ]
    const others = journal.map((entry) => (entry.kind === 'groups' ? { ...entry, moved: everyGroup.filter((group) => group !== 'archive') } : entry))
    expect(makeReport(facts, verdict, others).reasons.join()).toContain('archive was not moved')
    const waved = makeReport(facts, verdict, [...waves, ...others])
    expect(RolloutReport.parse(waved)).toEqual(waved)
    expect(waved.reasons.join()).not.toContain('archive was not moved')
    expect(waved.groups[0]).toMatchObject({ group: 'archive', wave: 'wave-1', switchover: null })
    expect(summaryLines(waved).join('\n')).toContain('wave-1: archive blue -> green in 1 ms')
  })

  it('fails when something could not be ended', () => {
    const passed = { ...report, verdict: 'pass' as const, reasons: [] }
    expect(afterTearDown(passed, [])).toBe(passed)
    expect(afterTearDown(passed, ['blue: still locked'])).toMatchObject({ verdict: 'fail', reasons: ['end: blue: still locked'] })
  })

  it('says what was not observed, records without a latency among it', () => {
    expect(report.notObserved).toContain('The latency of 12 records of aborted transactions: they were never acknowledged.')
    expect(report.notObserved.join()).not.toContain('refused: they')
    const one = verdict.traces.groups[0]
    const [producer, polled] = [...(one?.firstPollAtNs ?? [])][0] ?? ['', []]
    const lost = polled.findIndex(
      (at, seq) => at !== undefined && !Number.isNaN(verdict.traces.producers.find((own) => own.producer === producer)?.ackedAtNs[seq]),
    )
    const firstPollAtNs = new Map(one?.firstPollAtNs).set(producer, polled.toSpliced(lost, 1, undefined as never))
    const traces = { ...verdict.traces, groups: one ? [{ ...one, firstPollAtNs }] : [] }
    const unread = makeReport(facts, { ...verdict, traces }, journal)
    expect(unread.notObserved).toContain(`The end-to-end latency of 1 acknowledged records to the group ${one?.group}: they were never delivered to it.`)
  })

  it('says what was not observed, a gate whose evidence is missing among it', () => {
    expect(report.notObserved.join(' ')).not.toContain('switchover 1')
    expect(makeReport({ ...facts, gates: [null] }, verdict, journal).notObserved).toContain(
      "The evidence of the gate before switchover 1: Pulumi's state held none that passed.",
    )
  })

  it('fails with every reason at once', () => {
    const wanted = { switchovers: 3, ackedRecords: 1e9, lagRecords: 1e9, laggingGroup: 'archive' }
    const failed = makeReport({ ...facts, wanted }, { ...verdict, ok: false }, journal)
    expect(failed.verdict).toBe('fail')
    expect(failed.reasons[0]).toBe('the history checker found faults')
    expect(failed.reasons.join('\n')).toMatch(/1 switchovers were seen by the clients, 3 wanted[\s\S]*archive was only 100[\s\S]*were acknowledged/)
  })
})

describe('the report of a run that broke off', () => {
  const status = { ackedRecords: { blue: 40, green: 2 }, errors: 1 } as never
  const report = interruptedReport(facts, 'switch', 'pulumi up of demo-traffic failed:\ngate: refused', status)

  it('says where and why, and that its zeros prove nothing', () => {
    expect(RolloutReport.parse(report)).toEqual(report)
    expect(report).toMatchObject({ verdict: 'fail', clientJudged: false, client: { acked: 42, errors: 1 } })
    expect(report.notObserved).toContain('The write windows of the switchovers that were completed before (1).')
    expect(reportHtml(report)).toContain('Switchovers that it may have completed were not measured')
    expect(report.reasons).toEqual(['switch: pulumi up of demo-traffic failed:\ngate: refused'])
    expect(reportHtml(report)).toContain('This rollout failed: switch: pulumi up of demo-traffic failed: gate: refused.')
    expect(summaryLines(report).join('\n')).not.toContain('lost 0')
  })

  it('is made also when nothing had begun', () => {
    const early = interruptedReport({ ...facts, loadSeconds: 0, gates: [], phases: [] }, 'validate', 'no Java', null)
    expect(RolloutReport.parse(early).load.recordsPerSecond).toBe(0)
    expect(reportHtml(early)).toContain('No phase was begun.')
  })
})
