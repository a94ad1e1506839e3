import { describe, expect, it } from 'vitest'
import { AuditReport } from '../../cli/report/audit-evidence.ts'
import { auditReport, cutAudit, notedPlaces } from '../../cli/rollout/measure/audit-report.ts'
import { type AuditLook, AuditWatch } from '../../cli/rollout/measure/audit-watch.ts'
import type { GroupMove } from '../../cli/rollout/measure/group-moves.ts'
import { readTraces } from '../../cli/rollout/measure/traces.ts'
import { broughtByWaves, journaledWaves, waveGroupMoves, waveReports } from '../../cli/rollout/waves.ts'
import type { AuditedPartition, AuditFacts } from '../../engine/model/audit-facts.ts'
import type { GroupPosition, JournalEntry } from '../../engine/model/journal.ts'
import type { Audit } from '../../engine/ports/audit.ts'
import type { Clock } from '../../engine/ports/clock.ts'
import type { History, HistoryEvent } from '../support/history/index.ts'
import { sampleReport } from '../support/report-sample.ts'

const side = { visible: 10, extra: 0, retention: 0, compacted: 0, digest: '00' }

function partition(name: string, more: Partial<AuditedPartition> = {}): AuditedPartition {
  return {
    ...{ partition: name, state: { kind: 'equal' }, alignedRecords: 10, blue: side, green: side, watermark: { blue: '10', green: '13' } },
    ...{ watermarkAgeMs: 40, differences: { total: 0, shown: [] }, runs: 3, trouble: '', lost: { blue: 0, green: 0 }, emptied: null, ...more },
  }
}

const facts = (...partitions: AuditedPartition[]): AuditFacts => ({ partitions, unreachable: [] })
const lookAt = (atMonotonicMs: number, ...partitions: AuditedPartition[]): AuditLook => ({ atMonotonicMs, facts: facts(...partitions) })

function firstOf<T>([first]: readonly T[]): T {
  if (first === undefined) throw new Error('there is none')
  return first
}

describe('watching the audit', () => {
  /** Each sleep passes at once; the watch is ended after the third. */
  function watched(answers: readonly (AuditFacts | Error)[]) {
    let [nowMs, asked, closed] = [0, 0, 0]
    const ended: { watch?: AuditWatch; done?: Promise<void> } = {}
    const clock: Clock = {
      monotonicMs: () => nowMs,
      wallClock: () => new Date(0),
      sleep: async (ms, signal) => {
        if (signal !== undefined) return await new Promise(() => undefined)
        nowMs += ms
        if (asked === 3) ended.done = ended.watch?.end(1_000) ?? Promise.resolve()
      },
    }
    const unused = () => Promise.reject(new Error('not asked here'))
    const next = async () => {
      const answer = answers[asked++] ?? facts()
      if (answer instanceof Error) throw answer
      return answer
    }
    const countClosed = async () => {
      closed += 1
    }
    const audit: Audit = { facts: next, hurry: unused, prove: unused, translate: unused, close: countClosed }
    ended.watch = new AuditWatch(audit, ['a'], clock)
    return { watch: ended.watch, ended, closed: () => closed }
  }

  it('looks once a second, goes on after an answer that failed, and at its end until everything that stands there by now is compared', async () => {
    const settled = facts(partition('a-0'), partition('a-1', { watermarkAgeMs: 150 }))
    const { watch, ended, closed } = watched([facts(partition('a-0')), new Error('refused'), facts(), settled, settled])
    await new Promise((resolve) => setImmediate(resolve))
    await ended.done
    await watch.end(1_000)
    expect(watch.seen.looks.map((look) => [look.atMonotonicMs, look.facts.partitions.length])).toEqual([
      [0, 1],
      [2_000, 0],
      [3_000, 2],
      [3_200, 2],
    ])
    expect(watch.seen).toMatchObject({ unanswered: 1, lastTrouble: 'refused' })
    expect(closed()).toBe(1)
  })

  it('doesn’t wait at its end for longer than it may', async () => {
    const { watch, ended } = watched([])
    await new Promise((resolve) => setImmediate(resolve))
    await ended.done
    expect(watch.seen.looks.at(-1)?.atMonotonicMs).toBe(4_000)
  })
})

describe('the audit in a report', () => {
  const looks = [
    lookAt(900, partition('orders-0', { watermarkAgeMs: null })),
    lookAt(1_000, partition('orders-0', { watermarkAgeMs: null, state: { kind: 'undecided', reason: 'not at the ends yet' } }), partition('orders-1')),
    lookAt(2_000.04, partition('orders-0', { watermarkAgeMs: 90.06 }), partition('orders-1')),
  ]

  it('begins with the load, has the oldest watermark of all partitions, and none while one is unknown', () => {
    const report = auditReport({ looks, unanswered: 2, lastTrouble: 'x' }, 1_000e6)
    expect(AuditReport.parse(report)).toEqual(report)
    expect(report).toMatchObject({
      unanswered: 2,
      samples: { atMs: [0, 1_000], watermarkAgeMs: [null, 90.1], alignedRecords: [20, 20], partitions: [2, 2], notEqual: [1, 0], runs: [6, 6] },
    })
    const away = auditReport(
      { looks: [{ ...looks[2], facts: { ...facts(partition('orders-0')), unreachable: ['http://a: refused'] } } as AuditLook], unanswered: 0, lastTrouble: '' },
      0,
    )
    expect(away?.samples.watermarkAgeMs).toEqual([null])
    expect(auditReport({ looks: [], unanswered: 1, lastTrouble: 'x' }, 0)).toBeNull()
  })

  it('tells of each partition at the end what is equal, what differs and where, what is undecided and why', () => {
    const shown = [{ kind: 'changed' as const, on: null, blue: '3', green: '4', what: ['value' as const] }]
    const last = lookAt(
      5_000,
      partition('a-0', { state: { kind: 'differs', reason: '7 differences' }, differences: { total: 7, shown } }),
      partition('a-1', { state: { kind: 'undecided', reason: 'no leader' }, trouble: 'no leader' }),
      partition('a-2', { trouble: 'topic made again' }),
    )
    expect(auditReport({ looks: [last], unanswered: 0, lastTrouble: '' }, 0)?.atEnd).toEqual([
      { partition: 'a-0', verdict: 'differs', reason: '7 differences', alignedRecords: 10, runs: 3, watermarkAgeMs: 40, differences: 7, shown },
      { partition: 'a-1', verdict: 'undecided', reason: 'no leader', alignedRecords: 10, runs: 3, watermarkAgeMs: 40, differences: 0, shown: [] },
      { partition: 'a-2', verdict: 'equal', reason: 'topic made again', alignedRecords: 10, runs: 3, watermarkAgeMs: 40, differences: 0, shown: [] },
    ])
  })

  it('has for each cut what the journal says was proven, and the last look before the hold', () => {
    const head = { term: '7', atWallClock: '2026-11-22T20:39:02.000Z' }
    const cut = {
      source: 'blue' as const,
      target: 'green' as const,
      sourceEnds: {},
      targetEnds: {},
      audit: { partitions: 2, alignedRecords: '12345', emptied: [] },
    }
    const entries: readonly JournalEntry[] = [
      { ...head, number: 1, atMonotonicMs: 1_500, kind: 'step', step: 'hold', what: 'begin', detail: '' },
      { ...head, number: 2, atMonotonicMs: 2_500, kind: 'decided', outcome: 'switch', cut, reason: '', graceful: true },
    ]
    expect(cutAudit(entries, looks)).toEqual({ partitions: 2, comparedRecords: '12345', watermarkAgeMs: null, runs: 6 })
    expect(cutAudit(entries.slice(1), looks)).toEqual({ partitions: 2, comparedRecords: '12345', watermarkAgeMs: 90.1, runs: 6 })
    expect(cutAudit(entries, [])).toEqual({ partitions: 2, comparedRecords: '12345', watermarkAgeMs: null, runs: null })
    const { audit: _, ...unaudited } = cut
    expect(
      cutAudit([{ ...head, number: 2, atMonotonicMs: 1, kind: 'decided', outcome: 'switch', cut: unaudited, reason: '', graceful: true }], looks),
    ).toBeNull()
  })

  it('notes places for snapshots as often as asked, of both sides by direction, and none behind the move', () => {
    const at = (ms: number, blue: string, green: string) => lookAt(ms, partition('a-0', { watermark: { blue, green } }))
    const all = [at(0, '0', '0'), at(30_000, '5', '6'), at(61_000, '10', '13'), at(90_000, '20', '26'), at(200_000, '99', '99')]
    const move = { source: 'green', target: 'blue', openedAtMonotonicMs: 95_000 } as GroupMove
    expect(notedPlaces(all, move, 60)?.get('a-0')).toEqual([
      { sourceOffset: 0n, targetOffset: 0n },
      { sourceOffset: 13n, targetOffset: 10n },
    ])
    expect(notedPlaces(all, { ...move, openedAtMonotonicMs: -1 }, 60)).toBeNull()
  })
})

describe('waves in a report', () => {
  const position: GroupPosition = {
    ...{ groupId: 'billing', topic: 'orders', partition: 0, sourceOffset: '3', targetOffset: '4', lagRecords: 0 },
    ...{ method: 'map', verdict: 'exact', reason: '' },
  }
  const head = { term: '7', atWallClock: '2026-11-22T20:39:02.000Z' }
  const at = (atMonotonicMs: number) => ({ ...head, number: atMonotonicMs, atMonotonicMs })
  const told = (
    what: 'moving' | 'moved' | 'settled' | 'returning' | 'returned',
    atMs: number,
    groups: string[],
    name = 'wave-1',
    reason = '',
  ): JournalEntry => ({
    ...{ ...at(atMs), kind: 'wave', wave: name, source: 'blue', target: 'green', what, groups, pace: {}, reason },
  })
  const batch = (atMs: number, positions: GroupPosition[], name = 'wave-1'): JournalEntry => ({
    ...{
      ...at(atMs),
      kind: 'groups',
      wave: name,
      positions,
      positionEntriesBefore: 0,
      moved: ['billing', 'archive'],
      stayed: ['ledger: its members did not leave'],
    },
  })
  const journal: readonly JournalEntry[] = [
    told('moving', 52_000, ['billing', 'archive', 'ledger']),
    batch(52_700, [position, { ...position, groupId: 'ledger' }]),
    told('moved', 53_000, ['billing', 'archive']),
    told('settled', 54_000, ['billing', 'archive']),
  ]
  const wave = firstOf(journaledWaves(journal))
  const origin = 50e9
  const poll = (atSeconds: number, colour: 'blue' | 'green', seq: number): HistoryEvent => ({
    ...{ type: 'poll', group: 'billing', colour, topic: 'orders', partition: 0, firstOffset: String(seq), offsetDeltas: [0], values: [`web:${seq}`] },
    atNs: origin + atSeconds * 1e9,
  })
  const history = (instance: string, role: Extract<HistoryEvent, { type: 'start' }>['role'], events: readonly HistoryEvent[]): History => ({
    instance,
    events: [{ type: 'start', version: 1, instance, atNs: origin, role }, ...events, { type: 'end', events: events.length + 1, atNs: origin }],
  })
  const send: HistoryEvent = {
    ...{
      type: 'send',
      producer: 'web',
      call: 0,
      topic: 'orders',
      transaction: null,
      seqs: [0],
      keys: [null],
      partitions: [0],
      intendedAtNs: [origin],
      sentAtNs: origin,
    },
  }
  const traces = readTraces([
    history('web', { kind: 'producer', producer: 'web' }, [send]),
    history('billing-0', { kind: 'consumer', group: 'billing', topics: ['orders'] }, [
      poll(1, 'blue', 1),
      poll(1.9, 'blue', 2),
      poll(3.5, 'green', 3),
      poll(9, 'green', 4),
    ]),
  ])

  it('are told by the journal: what moved, what stayed and why, and that one went back', () => {
    expect(wave).toMatchObject({ moved: ['billing', 'archive'], stayed: [{ group: 'ledger', reason: 'its members did not leave' }], returned: false })
    expect([wave.startedMs, wave.movedMs, wave.endedMs, wave.lastCut]).toEqual([52_000, 53_000, 54_000, null])
    const back = [
      ...journal.slice(0, 3),
      told('returning', 55_000, ['billing'], 'wave-1', 'billing: it reads 3 offsets per second, before 90'),
      batch(55_500, [{ ...position, sourceOffset: '9' }]),
      told('returned', 56_000, ['billing'], 'wave-1', 'billing: it reads 3 offsets per second, before 90'),
    ]
    const two = journaledWaves([...back, told('moving', 60_000, ['other'], 'wave-2'), batch(60_100, [], 'wave-2')])
    expect(two.map(({ wave, returned, reason, endedMs }) => [wave, returned, reason, endedMs])).toEqual([
      ['wave-1', true, 'billing: it reads 3 offsets per second, before 90', 56_000],
      ['wave-2', false, '', 60_100],
    ])
    expect(two[0]?.positions.map(({ group, sourceOffset }) => [group, sourceOffset])).toEqual([
      ['billing', '3'],
      ['ledger', '3'],
    ])
  })

  it('know the cut before them: from there on the mirror that they follow has copied', () => {
    const cut = { source: 'green', target: 'blue', sourceEnds: { 'orders-0': '7' }, targetEnds: { 'orders-0': '8' } } as const
    const decided: JournalEntry = { ...at(1), kind: 'decided', outcome: 'switch', cut, reason: '', graceful: true }
    const [move] = waveGroupMoves(journaledWaves([decided, ...journal]), [lookAt(53_500, partition('orders-0'))])
    expect(move?.mirroredFrom).toEqual(new Map([['orders-0', 8n]]))
  })

  it('say how long each moved group that keeps up got nothing, until the next wave or the first switchover', () => {
    const [one] = waveReports([wave], [30_000], traces, ['archive'])
    expect(one).toMatchObject({ wave: 'wave-1', stayed: wave.stayed, startedAtMs: 2_000, endedAtMs: 4_000 })
    expect(one?.groupPauses).toEqual([{ group: 'billing', longestWithoutDeliveryMs: 1_600 }])
    const next = { ...wave, wave: 'wave-2', startedMs: 53_000, endedMs: 53_500 }
    expect(waveReports([wave, next], [30_000], traces, [])[0]?.groupPauses).toEqual([{ group: 'billing', longestWithoutDeliveryMs: null }])
  })

  it('have the positions of their groups by their name, and are judged like switchovers over what the audit had come to behind them', () => {
    expect(wave.positions[0]).toMatchObject({ group: 'billing', wave: 'wave-1', switchover: null, sourceOffset: '3' })
    const looks = [lookAt(52_900, partition('orders-0')), lookAt(53_500, partition('orders-0', { watermark: { blue: '20', green: '26' } }))]
    const [move] = waveGroupMoves([wave], looks)
    expect(move?.ends).toEqual({ source: new Map([['orders-0', 20n]]), target: new Map([['orders-0', 26n]]) })
    expect(move?.positions.map(({ group }) => group)).toEqual(['billing'])
    expect(waveGroupMoves([wave], looks.slice(0, 1))).toEqual([])
  })

  it('leave the switchover behind them nothing to move of their groups; one that went back, or that another switchover parts from it, does', () => {
    const [first, second] = sampleReport().switchovers
    const [brought] = waveReports([wave], [30_000], traces, [])
    if (first === undefined || second === undefined || brought === undefined) throw new Error('no sample')
    const third = { ...second, to: 'green' as const }
    expect(broughtByWaves([brought], first, undefined)).toEqual(['billing', 'archive'])
    expect(broughtByWaves([{ ...brought, returned: true }], first, undefined)).toEqual([])
    expect(broughtByWaves([brought], second, undefined)).toEqual([])
    expect(broughtByWaves([brought], third, first)).toEqual([])
  })
})
