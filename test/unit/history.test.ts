import { appendFileSync, mkdtempSync, readFileSync, rmSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { KbgError } from '../../engine/model/error.ts'
import { removeEvents } from '../support/history/damage.ts'
import { generateHistories } from '../support/history/generate.ts'
import {
  check,
  decodeValue,
  encodeValue,
  type HistoryEvent,
  HistoryWriter,
  readHistories,
  readHistory,
  type WriteWindows,
  writeManifest,
  writeWindows,
} from '../support/history/index.ts'

const run = { seed: 5, producers: 3, keys: 6, partitions: 2, groups: 2, calls: 120, maxBatch: 5 }
const whole = { wholeColours: ['green', 'blue'] } as const
let dir: string

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'history-'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

/** Writes a made-up run to disk as clients do. */
function written(): string[] {
  const histories = generateHistories(run)
  writeManifest(
    dir,
    'workload',
    histories.map((history) => history.instance),
  )
  return histories.map((history) => {
    const [start, ...rest] = history.events
    if (start?.type !== 'start') throw new Error('a made-up history starts with its start')
    const writer = new HistoryWriter(dir, history.instance, start.role)
    for (const event of rest) if (event.type !== 'end') writer.write(event)
    writer.close()
    return writer.file
  })
}

/** The code of the KbgError that `work` throws. */
function codeOf(work: () => unknown): string {
  try {
    work()
  } catch (error) {
    if (error instanceof KbgError) return error.code
    throw error
  }
  return 'nothing was thrown'
}

describe('a history on disk', () => {
  it('gives the verdict that it gives in memory', () => {
    written()
    const fromDisk = check(readHistories(dir), whole)
    expect(fromDisk).toEqual(check(generateHistories(run), whole))
    expect(fromDisk.ok).toBe(true)
  })

  it('is refused at every place where it can be cut', () => {
    const [file] = written()
    const length = readFileSync(file as string).length
    for (const keep of [0, 1, 200, length >> 1, length - 40, length - 2]) {
      truncateSync(file as string, Math.min(keep, readFileSync(file as string).length))
      expect(codeOf(() => check(readHistories(dir), whole))).toBe('history-truncated')
      unlinkSync(file as string)
      const [event] = generateHistories(run)
      const writer = new HistoryWriter(dir, event?.instance as string, { kind: 'producer', producer: 'p0' })
      for (const next of event?.events.slice(1) ?? []) if (next.type !== 'end') writer.write(next)
      writer.close()
    }
  })

  it('is refused when a line in the middle is missing', () => {
    const [file] = written()
    const lines = readFileSync(file as string, 'utf8').split('\n')
    writeFileSync(file as string, [...lines.slice(0, 5), ...lines.slice(6)].join('\n'))
    expect(codeOf(() => check(readHistories(dir), whole))).toBe('history-truncated')
  })

  it('is refused when something follows its end, or a line is no event', () => {
    const [first, second] = written()
    appendFileSync(first as string, `${JSON.stringify({ type: 'end', events: 3, atNs: 1 })}\n`)
    expect(codeOf(() => [...readHistory(first as string).events].length > 0 && check(readHistories(dir), whole))).toBe('history-truncated')
    appendFileSync(second as string, '{"type":"poll","group":7}\n')
    expect(() => [...readHistory(second as string).events]).toThrow(/history-truncated.*line/)
  })

  it('is refused when an instance of the manifest left none', () => {
    const [file] = written()
    unlinkSync(file as string)
    expect(() => readHistories(dir)).toThrow(/producer-0 is not whole/)
  })

  it('is never added to by a second run', () => {
    written()
    expect(codeOf(() => new HistoryWriter(dir, 'producer-0', { kind: 'producer', producer: 'p0' }))).toBe('history-exists')
  })

  it('takes no event after its end record', () => {
    const writer = new HistoryWriter(dir, 'late', { kind: 'producer', producer: 'p0' })
    writer.close()
    const late: HistoryEvent = { type: 'assigned', group: 'g', colour: 'blue', partitions: [], atNs: 1 }
    expect(codeOf(() => writer.write(late))).toBe('history-closed')
  })
})

describe('a history that checks nothing', () => {
  it('is refused', () => {
    expect(codeOf(() => readHistories(dir))).toBe('history-empty')
    expect(codeOf(() => check([], { wholeColours: [] }))).toBe('history-empty')
    const unread = generateHistories(run)
    removeEvents(unread, (event) => event.type === 'poll' || event.type === 'commit' || event.type === 'finalRead')
    expect(codeOf(() => check(unread, whole))).toBe('history-empty')
  })

  it('is refused when a colour was not read that has to be whole', () => {
    const histories = generateHistories(run).filter((history) => history.instance !== 'full-read-blue')
    expect(codeOf(() => check(histories, whole))).toBe('history-incomplete')
    expect(check(histories, { wholeColours: ['green'] }).ok).toBe(true)
  })
})

describe('a value', () => {
  const key = Buffer.from('customer-17')
  const identity = { producer: 'orders-a', seq: 12_345, key: 'customer-17' }

  it('carries its id, key and padding', () => {
    for (const bytes of [10, 100, 1024, 100_000]) {
      const value = encodeValue(identity, bytes)
      expect(value.length).toBeGreaterThanOrEqual(Math.min(bytes, 100_000))
      expect(decodeValue(key, value)).toBe('orders-a:12345')
    }
    expect(decodeValue(null, encodeValue({ ...identity, key: null }, 200))).toBe('orders-a:12345')
  })

  it('says so when any byte or the key is another one', () => {
    const value = encodeValue(identity, 300)
    for (let index = 0; index < value.length; index++) {
      const damaged = Buffer.from(value)
      damaged[index] = (damaged[index] as number) ^ 1
      expect(decodeValue(key, damaged), `byte ${index}`).toMatch(/^!/)
    }
    expect(decodeValue(Buffer.from('customer-18'), value)).toBe('!key orders-a:12345')
    expect(decodeValue(key, Buffer.from('hello'))).toMatch(/^!foreign/)
    expect(decodeValue(key, null)).toBe('!null')
  })
})

const ms = 1_000_000

/** A producer that is due each 2 ms and was acknowledged at these times. */
function producer(name: string, acks: readonly (readonly [atMs: number, colour: 'blue' | 'green'])[], dueEveryMs = 2) {
  const role = { kind: 'producer' as const, producer: name }
  const events: HistoryEvent[] = [{ type: 'start', version: 1, instance: name, atNs: 0, role }]
  let dueMs = 0
  acks.forEach(([atMs, colour], call) => {
    const due: number[] = []
    for (; dueMs < atMs; dueMs += dueEveryMs) due.push(dueMs * ms)
    const batch = { seqs: due.map((_, index) => call * 1000 + index), keys: due.map(() => null), partitions: due.map(() => 0), intendedAtNs: due }
    events.push({ type: 'send', producer: name, call, topic: 't', transaction: null, ...batch, sentAtNs: atMs * ms })
    const outcomes = [{ outcome: 'acked' as const, colour, partition: 0, baseOffset: '0', ackedAtNs: atMs * ms }]
    events.push({ type: 'sendResult', producer: name, call, atNs: atMs * ms, outcomes })
  })
  return { instance: name, events: [...events, { type: 'end' as const, events: events.length, atNs: 0 }] }
}

describe('write windows', () => {
  const there = [...Array(10).keys()].map((index) => [index * 10 + 10, 'blue'] as const)

  it('are from the last acknowledgement on the source to the first on the target, for each producer and change', () => {
    const a = producer('a', [...there, [180, 'green'], [2190, 'green'], [2300, 'blue']])
    const b = producer('b', [...there, [250, 'green'], [2260, 'green'], [2280, 'blue']])
    const windows: WriteWindows = writeWindows([a, b])
    expect(windows.switchovers.map((one) => [one.from, one.to, one.maximumMs, one.untilAllMs, one.dueThroughout])).toEqual([
      ['blue', 'green', 150, 150, true],
      ['green', 'blue', 110, 40, true],
    ])
    expect(windows.switchovers[0]?.producers.map((one) => [one.producer, one.windowMs, one.dueInside])).toEqual([
      ['a', 80, 40],
      ['b', 150, 75],
    ])
    expect(windows.longestWithoutAckMs).toEqual({ a: 2010, b: 2010 })
    expect(windows.acked).toEqual({ blue: 165, green: 2125 })
    expect(windows.ackLatency.maximum).toBe(2010)
  })

  it('tell a load that waited', () => {
    const lazy = producer('lazy', [...there, [400, 'green']], 250)
    expect(writeWindows([lazy]).switchovers[0]).toMatchObject({ dueThroughout: false, maximumMs: 300 })
  })

  it('are not shortened by a call that both colours acknowledged', () => {
    const mixed = producer('mixed', [...there, [200, 'green']])
    for (const event of mixed.events) {
      if (event.type !== 'sendResult' || event.atNs !== 200 * ms) continue
      event.outcomes.push({ outcome: 'acked', colour: 'blue', partition: 1, baseOffset: '0', ackedAtNs: 200 * ms })
    }
    expect(writeWindows([mixed]).switchovers[0]?.maximumMs).toBe(100)
    for (const event of mixed.events)
      if (event.type === 'sendResult') for (const one of event.outcomes) if (one.partition === 1 && 'ackedAtNs' in one) one.ackedAtNs = 120 * ms
    expect(writeWindows([mixed]).switchovers[0]?.maximumMs).toBe(80)
  })

  it('take a late answer of the source for what it is', () => {
    const acks: (readonly [number, 'blue' | 'green'])[] = [...there, [200, 'green'], [205, 'blue'], [206, 'green'], [1500, 'green'], [3000, 'green']]
    const windows = writeWindows([producer('late', acks)])
    expect(windows.switchovers).toHaveLength(1)
    expect(windows.switchovers[0]?.maximumMs).toBe(100)
  })

  it('are empty without a change', () => {
    expect(writeWindows([producer('a', there)]).switchovers).toEqual([])
  })
})
