import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { GroupReport } from '../../cli/report/report.ts'
import { StrategiesReport, type StrategyName } from '../../cli/report/strategy-evidence.ts'
import { type GroupMove, switchoverMoves } from '../../cli/rollout/measure/group-moves.ts'
import { strategiesReport } from '../../cli/rollout/measure/strategies.ts'
import { readTraces } from '../../cli/rollout/measure/traces.ts'
import { readWholeLogs, recordsBefore, type WholeLog, type WholeLogs } from '../../cli/rollout/measure/whole-logs.ts'
import type { JournalEntry } from '../../engine/model/journal.ts'
import { translateDownstream } from '../../engine/offsets/by-checkpoint.ts'
import type { NotedPlace } from '../../engine/offsets/by-snapshot.ts'
import { emittedSyncs } from '../../engine/offsets/emitted-syncs.ts'
import { type OffsetSync, OffsetSyncStore } from '../../engine/offsets/offset-sync-store.ts'
import { generateHistories } from '../support/history/generate.ts'

/** Records `p:0`, `p:1` and so on; `gap`: a marker behind every so many. */
function log(records: number, gap: number, startsAt = 0): WholeLog {
  const offsets = Array.from({ length: records }, (_, index) => BigInt(startsAt + index + Math.floor(index / gap)))
  return { offsets, ids: offsets.map((_, index) => `p:${index}`), timestampsMs: offsets.map((_, index) => 1_000 + 10 * index) }
}

const never = Number.POSITIVE_INFINITY
/** 1,000 records: on blue without a gap, on green with a marker behind every tenth. */
const logs: WholeLogs = { blue: new Map([['orders-0', log(1_000, never)]]), green: new Map([['orders-0', log(1_000, 10)]]) }
const greenAt = (record: number) => BigInt(record + Math.floor(record / 10))

function position(group: string, sourceOffset: string | null, targetOffset: string | null): GroupReport {
  const found = { method: 'map', verdict: 'exact', lagRecords: 0, switchover: 1, wave: null, reason: '' }
  return { group, topic: 'orders', partition: 0, ...found, sourceOffset, targetOffset }
}

function moveOf(positions: readonly GroupReport[], end = 900): GroupMove {
  const ends = { source: new Map([['orders-0', BigInt(end)]]), target: new Map([['orders-0', greenAt(end)]]) }
  return { switchover: 1, wave: null, source: 'blue', target: 'green', ends, mirroredFrom: new Map(), openedAtMonotonicMs: 0, positions }
}

function outcome(report: ReturnType<typeof strategiesReport>, strategy: StrategyName, group = 0) {
  const found = report.groups[group]?.outcomes.find((one) => one.strategy === strategy)
  return found && [found.redeliveredRecords, found.skippedRecords, found.unansweredPositions]
}

const noted = new Map<string, readonly NotedPlace[]>([['orders-0', [{ sourceOffset: 300n, targetOffset: greenAt(300) }]]])

describe('what strategies would have done', () => {
  it('is nothing for a position that is right, and counted in visible records of the target for one that is not', () => {
    const right = strategiesReport([moveOf([position('billing', '505', greenAt(505).toString())])], logs, () => noted)
    expect(StrategiesReport.parse(right)).toEqual(right)
    expect(outcome(right, 'moved')).toEqual([0, 0, 0])
    expect(outcome(right, 'count-back')).toEqual([0, 0, 0])
    expect(outcome(right, 'timestamp')).toEqual([0, 0, 0])
    expect(outcome(right, 'snapshot')).toEqual([205, 0, 0])
    const wrong = strategiesReport([moveOf([position('a', '505', greenAt(480).toString()), position('b', '505', greenAt(509).toString())])], logs, () => noted)
    expect([outcome(wrong, 'moved', 0), outcome(wrong, 'moved', 1)]).toEqual([
      [25, 0, 0],
      [0, 4, 0],
    ])
  })

  it('judges a raw offset that was carried over, which on a log with markers lies before the copy', () => {
    const carried = strategiesReport([moveOf([position('billing', '505', '505')])], logs, () => noted)
    expect(outcome(carried, 'moved')).toEqual([505 - recordsBefore(logs.green.get('orders-0') ?? log(0, 1), 505n), 0, 0])
  })

  it('simulates the checkpoints of MirrorMaker: a sync each hundred offsets of the target, thinned with the distance from the newest', () => {
    const near = strategiesReport([moveOf([position('live', '900', greenAt(900).toString())])], logs, () => null)
    expect(outcome(near, 'checkpoint')?.[0]).toBeGreaterThan(0)
    expect(outcome(near, 'checkpoint')?.[0]).toBeLessThanOrEqual(100)
    const far = strategiesReport([moveOf([position('archive', '120', greenAt(120).toString())])], logs, () => null)
    expect(outcome(far, 'checkpoint')?.slice(1)).toEqual([0, 0])
    expect(outcome(far, 'checkpoint')?.[0]).toBeGreaterThan(0)
  })

  it('has no checkpoint for a group behind all that this direction of the mirror has copied', () => {
    const move = { ...moveOf([position('archive', '120', greenAt(120).toString())]), mirroredFrom: new Map([['orders-0', 400n]]) }
    expect(
      outcome(
        strategiesReport([move], logs, () => null),
        'checkpoint',
      ),
    ).toEqual([0, 0, 1])
  })

  it('says which ones nobody could look at', () => {
    const bare = (whole: WholeLogs['blue']) => new Map([...whole].map(([partition, one]) => [partition, { ...one, timestampsMs: null }]))
    const report = strategiesReport([moveOf([position('billing', '505', '555')])], { blue: bare(logs.blue), green: bare(logs.green) }, () => null)
    expect(report.notLookedAt.map(({ strategy }) => strategy)).toEqual(['timestamp', 'snapshot'])
    expect(report.groups[0]?.outcomes.map(({ strategy }) => strategy)).toEqual(['moved', 'count-back', 'checkpoint'])
  })

  it('leaves out positions without a commit, and those whose next record the target lacks', () => {
    const green = log(1_000, 10)
    const torn = { blue: logs.blue, green: new Map([['orders-0', { ...green, ids: green.ids.with(505, 'p:lost') }]]) }
    const report = strategiesReport([moveOf([position('billing', '505', '555'), position('ledger', '-1', null)])], torn, () => null)
    expect(report.groups.map(({ positions, unknownPositions }) => [positions, unknownPositions])).toEqual([
      [1, 1],
      [0, 0],
    ])
    expect(outcome(report, 'moved')).toEqual([0, 0, 0])
  })

  it('finds the place behind the cut, too: by what the reverse mirror had brought', () => {
    const report = strategiesReport([moveOf([position('billing', '950', greenAt(950).toString())])], logs, () => null)
    expect(outcome(report, 'moved')).toEqual([0, 0, 0])
    expect(outcome(report, 'count-back')).toEqual([0, 0, 0])
    expect(outcome(report, 'timestamp')).toEqual([0, 0, 1])
  })

  it('counting back and timestamps are right wherever a group stands', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 900 }), fc.integer({ min: 1, max: 40 }), (committed, gap) => {
        const green = log(1_000, gap, 7)
        const at = (record: number) => green.offsets[record] ?? 0n
        const move = {
          ...moveOf([position('g', String(committed), at(committed).toString())]),
          ends: { source: new Map([['orders-0', 900n]]), target: new Map([['orders-0', at(900)]]) },
        }
        const report = strategiesReport([move], { blue: logs.blue, green: new Map([['orders-0', green]]) }, () => null)
        for (const strategy of ['moved', 'count-back', 'timestamp'] as const) expect(outcome(report, strategy)).toEqual([0, 0, 0])
      }),
    )
  })
})

describe('offset syncs as a MirrorMaker task writes them', () => {
  const pair = (upstream: number, downstream: number): OffsetSync => ({ upstreamOffset: BigInt(upstream), downstreamOffset: BigInt(downstream) })
  const upstreamOf = (pairs: readonly OffsetSync[]) => [...emittedSyncs(pairs)].map(({ upstreamOffset }) => Number(upstreamOffset))

  it('are one for its first record, and one when the target has grown by more than a hundred', () => {
    expect(upstreamOf(Array.from({ length: 305 }, (_, index) => pair(50 + index, index)))).toEqual([50, 151, 252, 353])
  })

  it('are one behind each gap of the source, none for a gap of the target, and one where the target begins anew', () => {
    expect(upstreamOf([pair(0, 0), pair(1, 1), pair(5, 2), pair(6, 3)])).toEqual([0, 5])
    expect(upstreamOf([pair(0, 0), pair(1, 9), pair(2, 10)])).toEqual([0])
    expect(upstreamOf([pair(0, 8), pair(1, 9), pair(2, 0)])).toEqual([0, 2])
  })

  it('translate no offset behind its copy, whatever the gaps', () => {
    const gaps = fc.array(fc.record({ source: fc.integer({ min: 1, max: 3 }), target: fc.integer({ min: 1, max: 40 }) }), { minLength: 1, maxLength: 300 })
    fc.assert(
      fc.property(gaps, (steps) => {
        const sumUpTo = (index: number, of: 'source' | 'target') => steps.slice(0, index + 1).reduce((sum, step) => sum + step[of], 0)
        const pairs = steps.map((_, index) => pair(sumUpTo(index, 'source'), sumUpTo(index, 'target')))
        const store = new OffsetSyncStore(false)
        for (const sync of emittedSyncs(pairs)) store.add(sync)
        for (const one of pairs) {
          const found = translateDownstream(store, one.upstreamOffset)
          expect(found.kind === 'translated' ? found.downstreamOffset : 0n).toBeLessThanOrEqual(one.downstreamOffset)
        }
      }),
    )
  })
})

describe('the moves of a journal', () => {
  const head = { term: '7', atWallClock: '2026-11-22T20:39:02.000Z' }
  const cut = (source: 'blue' | 'green', target: 'blue' | 'green', sourceEnd: string, targetEnd: string) => ({
    ...{ source, target, sourceEnds: { 'orders-0': sourceEnd }, targetEnds: { 'orders-0': targetEnd } },
  })
  const switched = (number: number, of: ReturnType<typeof cut>): JournalEntry[] => [
    { ...head, number, atMonotonicMs: number * 100, kind: 'opened', source: of.source, target: of.target, attempt: 1, epoch: 1 },
    { ...head, number: number + 1, atMonotonicMs: number * 100 + 1, kind: 'decided', outcome: 'switch', cut: of, reason: '', graceful: true },
    {
      ...{
        ...head,
        number: number + 2,
        atMonotonicMs: number * 100 + 2,
        kind: 'groups',
        positionEntriesBefore: 0,
        moved: ['billing'],
        stayed: ['ledger: Stable'],
      },
      positions: ['billing', 'ledger'].map((groupId) => ({
        ...{ groupId, topic: 'orders', partition: 0, sourceOffset: '1', targetOffset: '2', lagRecords: 0, method: 'map', verdict: 'exact', reason: '' },
      })),
    } as JournalEntry,
    {
      ...head,
      number: number + 3,
      atMonotonicMs: number * 100 + 3,
      kind: 'closed',
      outcome: 'switched',
      live: of.target,
      epoch: 2,
      graceful: true,
      reason: '',
      timeline: [],
    },
  ]

  it('are those of its switchovers with the groups that moved; the reverse mirror has copied what stands behind the cut before', () => {
    const moves = switchoverMoves([...switched(1, cut('blue', 'green', '900', '990')), ...switched(5, cut('green', 'blue', '1500', '1400'))])
    expect(moves.map(({ switchover, source, openedAtMonotonicMs }) => [switchover, source, openedAtMonotonicMs])).toEqual([
      [1, 'blue', 100],
      [2, 'green', 500],
    ])
    expect(moves.map(({ mirroredFrom }) => mirroredFrom.get('orders-0'))).toEqual([undefined, 990n])
    expect(moves[0]?.positions.map(({ group }) => group)).toEqual(['billing'])
    expect(moves[1]?.ends).toEqual({ source: new Map([['orders-0', 1_500n]]), target: new Map([['orders-0', 1_400n]]) })
  })
})

describe('whole logs', () => {
  it('hold every record of both colours that a generated run wrote, and nothing of its clients', () => {
    const histories = generateHistories({ seed: 5, producers: 2, keys: 4, partitions: 2, groups: 1, calls: 60, maxBatch: 4 })
    const whole = readWholeLogs(histories)
    const ids = (colour: 'blue' | 'green') => [...whole[colour].values()].flatMap((one) => one.ids).toSorted()
    const acked = readTraces(histories).producers.flatMap(({ producer, ackedAtNs }) =>
      ackedAtNs.flatMap((at, seq) => (Number.isNaN(at) ? [] : [`${producer}:${seq}`])),
    )
    expect(acked.length).toBeGreaterThan(50)
    expect(ids('green')).toEqual(expect.arrayContaining(acked))
    expect(ids('blue')).toEqual(ids('green'))
    for (const one of whole.green.values()) expect(one.offsets.every((offset, index) => index === 0 || offset > (one.offsets[index - 1] ?? 0n))).toBe(true)
    expect([...whole.green.values()].every(({ timestampsMs }) => timestampsMs === null)).toBe(true)
  })
})
