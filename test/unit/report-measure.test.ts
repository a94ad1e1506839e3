import { describe, expect, it } from 'vitest'
import { gateEvidence } from '../../cli/rollout/gate-evidence.ts'
import { aroundWindow } from '../../cli/rollout/measure/around-window.ts'
import { groupsAround } from '../../cli/rollout/measure/groups-around.ts'
import { acknowledgementSamples, endToEndSamples, neverDelivered, stageLatency } from '../../cli/rollout/measure/latency.ts'
import { perSecondOf } from '../../cli/rollout/measure/per-second.ts'
import { quantilesOf } from '../../cli/rollout/measure/quantiles.ts'
import { readTraces } from '../../cli/rollout/measure/traces.ts'
import { generateHistories } from '../support/history/generate.ts'
import { check, type History, type HistoryEvent, writeWindows } from '../support/history/index.ts'

const second = 1e9
const origin = 50 * second

function history(instance: string, role: Extract<HistoryEvent, { type: 'start' }>['role'], events: readonly HistoryEvent[]): History {
  const start: HistoryEvent = { type: 'start', version: 1, instance, atNs: origin, role }
  return { instance, events: [start, ...events, { type: 'end', events: events.length + 1, atNs: origin + 10 * second }] }
}

/** One call of one record for each due time; acknowledged 0.1 s after it was due, by blue before 2 s and by green from then on. */
function producer(name: string, dueSeconds: readonly number[]): History {
  const events = dueSeconds.flatMap((due, seq): HistoryEvent[] => {
    const at = origin + due * second
    const colour = due < 2 ? 'blue' : 'green'
    return [
      {
        ...{ type: 'send', producer: name, call: seq, topic: 'orders', transaction: null, seqs: [seq], keys: [null] },
        ...{ partitions: [0], intendedAtNs: [at], sentAtNs: at },
      },
      {
        ...{ type: 'sendResult', producer: name, call: seq, atNs: at + 0.1 * second },
        outcomes: [{ outcome: 'acked', colour, partition: 0, baseOffset: String(seq), ackedAtNs: at + 0.1 * second }],
      },
    ]
  })
  return history(name, { kind: 'producer', producer: name }, events)
}

function poll(group: string, atSeconds: number, values: readonly string[]): HistoryEvent {
  const positions = { topic: 'orders', partition: 0, firstOffset: '0', offsetDeltas: values.map((_, index) => index), values: [...values] }
  return { type: 'poll', group, colour: 'blue', ...positions, atNs: origin + atSeconds * second }
}

function consumer(group: string, topics: string[], events: readonly HistoryEvent[]): History {
  return history(`${group}-0`, { kind: 'consumer', group, topics }, events)
}

const web = producer('web', [0, 0.5, 1, 2.5])
const billing = consumer(
  'billing',
  ['orders'],
  [poll('billing', 0.2, ['web:0']), poll('billing', 1.5, ['web:1', 'web:2', 'web:1']), poll('billing', 3, ['web:3'])],
)
const archive = consumer('archive', ['orders'], [poll('archive', 0.3, ['web:0'])])
const other = consumer('other', ['payments'], [])

describe('the way of records through a run', () => {
  const traces = readTraces([web, billing, archive, other])

  it('counts acknowledgements by second and colour from the moment that the first record was due', () => {
    expect(traces.originNs).toBe(origin)
    expect(perSecondOf(traces, []).acked).toEqual({ blue: [2, 1, 0], green: [0, 0, 1] })
  })

  it('says how far each group was behind, of its own topics only', () => {
    expect(perSecondOf(traces, []).groupLagRecords).toEqual({ billing: [1, 0, 1], archive: [1, 2, 3], other: [0, 0, 0] })
  })

  it('measures latency from when a record was due, by the second in which it was', () => {
    const { acknowledgement, endToEnd } = perSecondOf(traces, ['archive'])
    expect(acknowledgement.p50Ms).toEqual([100, 100, 100])
    expect(endToEnd.maximumMs).toEqual([1_000, 500, 500])
    expect(endToEnd.p50Ms).toEqual([200, 500, 500])
  })

  it('counts a delivery once, and a lagging group not at all, in the end-to-end latency', () => {
    expect(endToEndSamples(traces, ['archive'])).toHaveLength(4)
    expect(endToEndSamples(traces, [])).toHaveLength(5)
  })

  it('counts acknowledged records that a group never got, of its own topics only', () => {
    expect(neverDelivered(traces, ['archive'])).toEqual([])
    expect(neverDelivered(traces, [])).toEqual([{ group: 'archive', records: 3 }])
  })

  it('splits latency at the stretch of a switchover', () => {
    const stages = stageLatency('acknowledgement', acknowledgementSamples(traces), { fromMs: 900, untilMs: 2_000 })
    expect(stages.map(({ stage, records }) => [stage, records])).toEqual([
      ['before', 2],
      ['during', 1],
      ['after', 1],
    ])
  })

  it('counts acknowledgements around a window in bins', () => {
    const around = aroundWindow(traces, { fromMs: 1_100, untilMs: 2_600 })
    expect(around).toMatchObject({ fromMs: 100, binMs: 40 })
    expect(around.blue.map((records, bin) => [records, around.fromMs + bin * around.binMs]).filter(([records]) => records)).toEqual([
      [1, 100],
      [1, 580],
      [1, 1_100],
    ])
    expect(around.green.reduce((sum, records) => sum + records, 0)).toBe(1)
    const long = aroundWindow(traces, { fromMs: 0, untilMs: 30_000 })
    expect(long.blue.length).toBeLessThanOrEqual(160)
    expect(long.blue.reduce((sum, records) => sum + records, 0)).toBe(3)
  })
})

describe('what a group got around a switchover', () => {
  const on = (colour: 'blue' | 'green', atSeconds: number, values: readonly string[]) => ({ ...poll('billing', atSeconds, values), colour })
  const ever = { fromMs: 2_000, writtenFromMs: 2_400, untilMs: Number.POSITIVE_INFINITY }
  const around = (polls: readonly HistoryEvent[], span = ever) =>
    groupsAround('green', span, readTraces([web, consumer('billing', ['orders'], polls), archive]), ['archive'])
  const before = [on('blue', 0.2, ['web:0']), on('blue', 1.5, ['web:1'])]

  it('is the longest time without a delivery that reaches into it, in its whole length, those aside that stay behind', () => {
    expect(around([...before, on('green', 4, ['web:2']), on('green', 9, ['web:3'])])).toEqual([
      { group: 'billing', readFromMs: 4_000, longestWithoutDeliveryMs: 2_500 },
    ])
    expect(around([...before, on('blue', 3.5, ['web:2']), on('green', 4, ['web:3'])])[0]?.longestWithoutDeliveryMs).toBe(2_000)
  })

  it('counts a record that it had already as no delivery', () => {
    expect(around([...before, on('green', 4, ['web:1']), on('green', 6, ['web:2'])])).toEqual([
      { group: 'billing', readFromMs: 4_000, longestWithoutDeliveryMs: 4_500 },
    ])
  })

  it('begins with the switchover for a group that had got nothing before', () => {
    expect(around([on('green', 4, ['web:2'])])[0]?.longestWithoutDeliveryMs).toBe(2_000)
  })

  it('is what reaches into the write window for a group that read there before', () => {
    const there = [on('blue', 0.2, ['web:0']), on('green', 1.5, ['web:1']), on('green', 3.3, ['web:2']), on('green', 9, ['web:3'])]
    expect(around(there)).toEqual([{ group: 'billing', readFromMs: 2_400, longestWithoutDeliveryMs: 1_800 }])
    expect(around(there.slice(0, 2))).toEqual([{ group: 'billing', readFromMs: null, longestWithoutDeliveryMs: null }])
  })

  it.each([
    ['never read from the new colour', [...before, on('blue', 3, ['web:2'])], ever],
    ['read from it only in a later switchover', [...before, on('green', 9, ['web:2'])], { ...ever, untilMs: 8_000 }],
    ['was given nothing new by it', [...before, on('green', 4, ['web:0'])], ever],
  ])('is not known of a group that %s', (_, polls, span) => {
    expect(around(polls, span)).toEqual([{ group: 'billing', readFromMs: null, longestWithoutDeliveryMs: null }])
  })
})

describe('a transaction', () => {
  const record = { type: 'send', producer: 'pay', topic: 'orders', keys: [null], partitions: [0], intendedAtNs: [origin], sentAtNs: origin } as const
  const step = (transaction: string, action: 'begin' | 'commit' | 'abort', atSeconds: number, colour: 'green' | null): HistoryEvent => ({
    ...{ type: 'txn', producer: 'pay', transaction, action, result: 'ok', error: null, colour },
    ...{ invokedAtNs: origin, atNs: origin + atSeconds * second },
  })
  const sent = (call: number, transaction: string): HistoryEvent[] => [
    { ...record, keys: [null], partitions: [0], intendedAtNs: [origin], call, transaction, seqs: [call] },
    {
      ...{ type: 'sendResult', producer: 'pay', call, atNs: origin },
      outcomes: [{ outcome: 'acked', colour: 'blue', partition: 0, baseOffset: '0', ackedAtNs: origin }],
    },
  ]

  it('is acknowledged by its commit, where that went, and not at all when it was aborted', () => {
    const events = [...sent(0, 'a'), step('a', 'commit', 2, 'green'), ...sent(1, 'b'), step('b', 'abort', 3, null)]
    const traces = readTraces([history('pay', { kind: 'producer', producer: 'pay' }, events)])
    expect(perSecondOf(traces, []).acked).toEqual({ blue: [0, 0, 0], green: [0, 0, 1] })
    expect(acknowledgementSamples(traces)).toEqual([{ dueAtMs: 0, latencyMs: 2_000 }])
  })
})

describe('series over a whole made-up run', () => {
  const run = { seed: 11, producers: 3, keys: 6, partitions: 2, groups: 2, calls: 400, maxBatch: 5 }
  const histories = generateHistories(run)
  const series = perSecondOf(readTraces(histories), [])

  it('hold exactly the records that the checker counts as acknowledged', () => {
    const { blue, green } = series.acked
    const total = [...blue, ...green].reduce((sum, records) => sum + records, 0)
    expect(total).toBe(check(histories, { wholeColours: ['green', 'blue'] }).checked.acked)
    expect(writeWindows(histories).acked).toEqual({ blue: blue.reduce((a, b) => a + b, 0), green: green.reduce((a, b) => a + b, 0) })
  })

  it('never have a group ahead of what was acknowledged', () => {
    const late = perSecondOf(readTraces(histories), []).groupLagRecords
    for (const lag of Object.values(late)) expect(lag.every((records) => records >= 0)).toBe(true)
  })

  it('refuse a history whose end is missing', () => {
    const torn = histories.map((one, index) => (index === 0 ? { ...one, events: one.events.slice(0, -1) } : one))
    expect(() => readTraces(torn)).toThrow('history-truncated')
  })
})

describe('quantiles', () => {
  it('are those of the nearest rank, and null over nothing', () => {
    expect(quantilesOf(Array.from({ length: 100 }, (_, index) => 100 - index))).toEqual({ records: 100, p50Ms: 50, p99Ms: 99, maximumMs: 100 })
    expect(quantilesOf([7.06])).toEqual({ records: 1, p50Ms: 7.1, p99Ms: 7.1, maximumMs: 7.1 })
    expect(quantilesOf([])).toEqual({ records: 0, p50Ms: null, p99Ms: null, maximumMs: null })
  })
})

describe("the gate's evidence in a stack's state", () => {
  const checked = { name: 'mirror lag', verdict: 'pass', observed: 'at most 41 ms', required: 'at most 1000 ms', remedy: '' }
  const urnOf = (fleet: string) => `urn:pulumi:events::events::kbg:traffic:Traffic$pulumi-nodejs:dynamic:Resource::${fleet}-traffic-gate`
  const state = (outputs: object) => ({
    resources: [
      { urn: 'urn:pulumi:x::y::z::other' },
      ...['ledger', 'shop'].map((fleet) => ({ urn: urnOf(fleet), outputs: { wiring: { fleet }, ...outputs } })),
    ],
  })

  it('is every check, the epoch, and the limits it judged by', () => {
    const outputs = { verdict: 'pass', epoch: 9, checks: [checked], limits: { maxMirrorLagMs: 1_000 }, __provider: 'code' }
    expect(gateEvidence(state(outputs), 'shop', 2)).toEqual({ gate: { epoch: 9, updates: 2, checks: [checked] }, limits: { maxMirrorLagMs: 1_000 } })
  })

  it('is that of the fleet, in a program that has several', () => {
    const of = (fleet: string, epoch: number) => ({ urn: urnOf(fleet), outputs: { wiring: { fleet }, verdict: 'pass', epoch, checks: [checked], limits: {} } })
    const several = { resources: [of('ledger', 3), of('shop', 7)] }
    expect(['ledger', 'shop', 'other'].map((fleet) => gateEvidence(several, fleet, 1)?.gate.epoch)).toEqual([3, 7, undefined])
  })

  it.each([
    ['a gate that had nothing to judge', state({ verdict: 'not needed', epoch: 9, checks: [], limits: {} })],
    ['a gate in another form', state({ verdict: 'pass', epoch: 9, checks: [{ name: 'x' }], limits: {} })],
    ['a state without a gate', { resources: [] }],
    ['no state', null],
  ])('is null for %s', (_, deployment) => expect(gateEvidence(deployment, 'shop', 1)).toBeNull())
})
