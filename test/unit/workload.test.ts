import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { Partitioners } from 'kafkajs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Colour } from '../../engine/model/colour.ts'
import { systemClock } from '../../engine/ports/clock.ts'
import {
  check,
  decodeValue,
  type EventOf,
  type HistoryEvent,
  HistoryWriter,
  nowNs,
  readHistory,
  type SendOutcome,
  valueId,
  writeWindows,
} from '../support/history/index.ts'
import { type GroupLoad, type ProducerLoad, WorkloadConfig } from '../support/workload/config.ts'
import { ConsumingMember } from '../support/workload/consuming.ts'
import type { TopicPartitionOffset, WorkloadBatch, WorkloadConsumer, WorkloadProducer, WorkloadRecord } from '../support/workload/factory.ts'
import { ProducingLoop } from '../support/workload/producing.ts'
import { demoLoad } from '../support/workload/profile.ts'
import { Schedule } from '../support/workload/schedule.ts'
import { RunTally } from '../support/workload/tally.ts'

const topics = demoLoad(1_000, 0).topics
const plainLoad: ProducerLoad = { id: 'p', user: 'u', topics: ['orders', 'audit-log'], ratePerSecond: 1_000, preloadRecords: 0, transactions: null }
let dir: string

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'workload-unit-'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

describe('the schedule', () => {
  it('is the same however it is asked for', () => {
    const at = (seconds: number) => 5e9 + seconds * 1e9
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 3, noNaN: true }), { minLength: 1, maxLength: 20 }), fc.integer({ min: 0, max: 500 }), (asked, preload) => {
        const load = { ...plainLoad, preloadRecords: preload }
        const whole = new Schedule(load, topics, at(0)).takeDue(at(3), Number.POSITIVE_INFINITY)
        const schedule = new Schedule(load, topics, at(0))
        const parts = [...asked.sort((a, b) => a - b), 3].flatMap((seconds) => schedule.takeDue(at(seconds), Number.POSITIVE_INFINITY))
        expect(parts).toEqual(whole)
        expect(whole.length).toBe(preload + 3_001)
        expect(whole.map((record) => record.seq)).toEqual(whole.map((_, index) => index))
      }),
      { numRuns: 8 },
    )
  })

  it('hands out nothing before its time and at most what is asked for', () => {
    const schedule = new Schedule(plainLoad, topics, 1e9)
    expect(schedule.takeDue(0.5e9, 10)).toEqual([])
    expect(schedule.takeDue(2e9, 10).map((record) => record.intendedAtNs)).toEqual(Array.from({ length: 10 }, (_, index) => 1e9 + index * 1e6))
  })

  it('knows where the default partitioner puts each key, and spreads the rest', () => {
    const partitioner = Partitioners.DefaultPartitioner()
    const partitionMetadata = Array.from({ length: 6 }, (_, partitionId) => ({ partitionErrorCode: 0, partitionId, leader: 1, replicas: [], isr: [] }))
    const records = new Schedule(plainLoad, topics, 0).takeDue(2e9, Number.POSITIVE_INFINITY)
    for (const record of records.filter((one) => one.topic === 'orders')) {
      expect(record.explicitPartition).toBe(false)
      expect(partitioner({ topic: 'orders', partitionMetadata, message: { key: record.key, value: null } })).toBe(record.partition)
    }
    const perPartition = Map.groupBy(records, (record) => `${record.topic}-${record.partition}`)
    expect(perPartition.size).toBe(9)
    for (const [name, found] of perPartition) expect(found.length, name).toBeGreaterThan(80)
  })
})

/** A cluster in memory, named so: it acknowledges what it is given, unless `before` a call rejects. */
function fakeProducer(before: (call: number) => Promise<Colour>): WorkloadProducer & { readonly sent: string[]; readonly ended: string[] } {
  const sent: string[] = []
  const ended: string[] = []
  let calls = 0
  const send = async (_topic: string, records: readonly WorkloadRecord[]): Promise<SendOutcome[]> => {
    try {
      const colour = await before(calls++)
      for (const record of records) sent.push(decodeValue(record.key === null ? null : Buffer.from(record.key), record.value))
      const partitions = [...new Set(records.map((record) => record.partition))]
      return partitions.map((partition) => ({ outcome: 'acked', colour, partition, baseOffset: '0', ackedAtNs: nowNs() }))
    } catch (error) {
      return [{ outcome: 'unknown', partition: null, error: String(error) }]
    }
  }
  const transact: WorkloadProducer['transact'] = async (work) => {
    const wanted = await work({ send })
    ended.push(wanted)
    return wanted === 'commit' ? 'blue' : null
  }
  return { sent, ended, connect: async () => undefined, send, transact, disconnect: async () => undefined }
}

/** Runs a producer of the load for a while and returns its history. */
async function produce(client: WorkloadProducer, load: ProducerLoad, ms: number): Promise<HistoryEvent[]> {
  const history = new HistoryWriter(dir, load.id, { kind: 'producer', producer: load.id })
  const loop = new ProducingLoop({ load, topics, recordBytes: 100, tickMs: 5, client, history, tally: new RunTally([]), report: () => undefined })
  loop.start(Number(process.hrtime.bigint()))
  await systemClock.sleep(ms)
  await loop.stop()
  history.close()
  return [...readHistory(history.file).events]
}

function eventsOf<Type extends HistoryEvent['type']>(events: readonly HistoryEvent[], type: Type): EventOf<Type>[] {
  return events.filter((event): event is EventOf<Type> => event.type === type)
}

describe('a producer of the load', () => {
  it('sends everything that is due, in order, and records each call with its end', async () => {
    const client = fakeProducer(async () => 'blue')
    const events = await produce(client, plainLoad, 300)
    const sends = eventsOf(events, 'send')
    const recorded = sends.flatMap((send) => send.seqs.map((seq) => valueId('p', seq)))
    expect(recorded.length).toBeGreaterThan(100)
    expect(new Set(client.sent)).toEqual(new Set(recorded))
    expect(recorded).toHaveLength(client.sent.length)
    for (const topic of ['orders', 'audit-log']) {
      const seqs = sends.filter((send) => send.topic === topic).flatMap((send) => send.seqs)
      expect(seqs).toEqual([...seqs].sort((a, b) => a - b))
    }
    expect(eventsOf(events, 'sendResult').map((result) => result.call)).toEqual(expect.arrayContaining(sends.map((send) => send.call)))
  })

  it('goes on being due while it is held: the window is seen, with sends due all through it', async () => {
    const client = fakeProducer(async (call) => {
      if (call === 5) await systemClock.sleep(250)
      return call < 5 ? 'blue' : 'green'
    })
    await produce(client, { ...plainLoad, topics: ['orders'] }, 500)
    const windows = writeWindows([readHistory(join(dir, 'p.jsonl'))])
    expect(windows.switchovers).toHaveLength(1)
    expect(windows.switchovers[0]).toMatchObject({ from: 'blue', to: 'green', dueThroughout: true })
    expect(windows.switchovers[0]?.maximumMs).toBeGreaterThanOrEqual(249)
    expect(windows.ackLatency.maximum).toBeGreaterThanOrEqual(249)
  })

  it('records a failed call as unknown, sends none of it again, and goes on', async () => {
    const client = fakeProducer(async (call) => {
      if (call === 2) throw new Error('connection lost')
      return 'blue'
    })
    const events = await produce(client, { ...plainLoad, topics: ['orders'] }, 300)
    const failed = eventsOf(events, 'sendResult').filter((result) => result.outcomes.some((outcome) => outcome.outcome === 'unknown'))
    expect(failed.map((result) => result.call)).toEqual([2])
    const seqs = eventsOf(events, 'send').flatMap((send) => send.seqs)
    expect(new Set(seqs).size).toBe(seqs.length)
    expect(seqs.length).toBeGreaterThan(100)
  })

  it('aborts every third transaction when told so', async () => {
    const client = fakeProducer(async () => 'blue')
    const transactions = { transactionalId: 't', abortEvery: 3, everyMs: 10 }
    const events = await produce(client, { ...plainLoad, topics: ['payments'], transactions }, 400)
    const ends = eventsOf(events, 'txn').filter((event) => event.action !== 'begin')
    expect(client.ended).toEqual(ends.map((event) => event.action))
    expect(ends.length).toBeGreaterThan(3)
    ends.forEach((event, index) => {
      expect(event).toMatchObject({ action: (index + 1) % 3 === 0 ? 'abort' : 'commit', result: 'ok', colour: (index + 1) % 3 === 0 ? null : 'blue' })
    })
    for (const send of eventsOf(events, 'send')) expect(send.transaction).toMatch(/^p-\d+\.1$/)
  })

  it('tries a transaction that can not begin again, with the same records', async () => {
    const client = fakeProducer(async () => 'blue')
    let begins = 0
    const transact = client.transact
    client.transact = (work) => (begins++ === 0 ? Promise.reject(new Error('coordinator not available')) : transact(work))
    const transactions = { transactionalId: 't', abortEvery: 100, everyMs: 10 }
    const events = await produce(client, { ...plainLoad, topics: ['payments'], transactions }, 300)
    expect(eventsOf(events, 'txn')[0]).toMatchObject({ action: 'begin', result: 'failed', transaction: 'p-1.0' })
    expect(eventsOf(events, 'send').flatMap((send) => send.seqs)[0]).toBe(0)
  })

  it('records a transaction that its client replays as an aborted one and another one', async () => {
    let refusals = 2
    const client = fakeProducer(async () => {
      if (refusals-- > 0) throw new Error('TOPIC_AUTHORIZATION_FAILED')
      return 'blue'
    })
    const transact = client.transact
    client.transact = async (work) => {
      for (;;) {
        try {
          return await transact(work)
        } catch (error) {
          expect(String(error)).toContain('TOPIC_AUTHORIZATION_FAILED')
        }
      }
    }
    const transactions = { transactionalId: 't', abortEvery: 100, everyMs: 10 }
    const events = await produce(client, { ...plainLoad, topics: ['payments'], transactions }, 200)
    const steps = eventsOf(events, 'txn').slice(0, 6)
    expect(steps.map((event) => `${event.transaction} ${event.action} ${event.result}`)).toEqual([
      'p-1.1 begin ok',
      'p-1.1 abort ok',
      'p-1.2 begin ok',
      'p-1.2 abort ok',
      'p-1.3 begin ok',
      'p-1.3 commit ok',
    ])
    const reader = new HistoryWriter(dir, 'all', { kind: 'fullReader', colour: 'blue', topics: ['payments'] })
    const committed = eventsOf(events, 'send').filter((send) => !/^p-1\.[12]$/.test(send.transaction ?? ''))
    committed.forEach((send, index) => {
      send.seqs.forEach((seq, each) => {
        const partition = send.partitions[each] as number
        const firstOffset = String(index * 10_000 + each)
        reader.write({ type: 'finalRead', colour: 'blue', topic: 'payments', partition, firstOffset, offsetDeltas: [0], values: [valueId('p', seq)] })
      })
    })
    reader.close()
    const verdict = check([readHistory(join(dir, 'p.jsonl')), readHistory(reader.file)], { wholeColours: ['blue'] })
    expect(verdict.ok).toBe(true)
    expect(verdict.errors.sends.count + verdict.errors.transactions.count).toBe(0)
  })
})

const group: GroupLoad = { groupId: 'g', user: 'u', topics: ['orders'], members: 1, pauseAfterRecords: null }

/** A group's client in memory, named so: tests hand it batches. */
function fakeConsumer(commit: (offsets: readonly TopicPartitionOffset[]) => Promise<void>) {
  const paused: string[] = []
  let handle: ((batch: WorkloadBatch) => Promise<void>) | undefined
  const client: WorkloadConsumer = {
    connect: async () => undefined,
    subscribe: async () => undefined,
    run: async (given) => {
      handle = given
    },
    commit,
    onAssignment: (listener) => listener('assigned', 'blue', [{ topic: 'orders', partitions: [0, 1] }]),
    pause: (names) => void paused.push(...names.map((name) => `pause ${name}`)),
    resume: (names) => void paused.push(...names.map((name) => `resume ${name}`)),
    disconnect: async () => undefined,
    refused: () => true,
  }
  const give = (partition: number, count: number) => {
    const records = Array.from({ length: count }, (_, index) => ({ offset: BigInt(index), key: null, value: Buffer.from('x') }))
    if (!handle) throw new Error('the member does not run')
    return handle({ colour: 'blue', topic: 'orders', partition, records, nextOffset: BigInt(count + 1) })
  }
  return { client, paused, give }
}

async function memberOf(client: WorkloadConsumer, load: GroupLoad) {
  const history = new HistoryWriter(dir, 'g-0', { kind: 'consumer', group: 'g', topics: ['orders'] })
  const member = new ConsumingMember({ group: load, client, history, tally: new RunTally([load]), report: () => undefined })
  await member.start()
  const events = () => {
    history.close()
    return [...readHistory(history.file).events]
  }
  return { member, events }
}

describe('a member of a group', () => {
  it('commits batches that wait together in one request, and each only after it was polled', async () => {
    const requests: number[] = []
    const { client, give } = fakeConsumer(async (offsets) => {
      requests.push(offsets.length)
      await systemClock.sleep(20)
    })
    const { events } = await memberOf(client, group)
    await Promise.all([give(0, 3), give(1, 3), give(2, 3)])
    expect(requests).toEqual([1, 2])
    expect(events().map((event) => event.type)).toEqual(['start', 'assigned', 'poll', 'poll', 'poll', 'commit', 'commit', 'end'])
  })

  it('records a refused commit and hands the batch back to its client', async () => {
    const { client, give } = fakeConsumer(() => Promise.reject(new Error('REBALANCE_IN_PROGRESS')))
    const { events } = await memberOf(client, group)
    await expect(give(0, 1)).rejects.toThrow('REBALANCE_IN_PROGRESS')
    expect(eventsOf(events(), 'commit')).toMatchObject([{ result: 'failed', error: 'REBALANCE_IN_PROGRESS' }])
  })

  it('pauses after so many records and a commit in each partition, again with every batch that still comes, until it is resumed', async () => {
    const { client, give, paused } = fakeConsumer(async () => undefined)
    const { member } = await memberOf(client, { ...group, pauseAfterRecords: 4 })
    await give(0, 6)
    expect(paused).toEqual([]) // nothing was read of partition 1 yet
    await give(1, 1)
    await give(0, 3)
    member.resume()
    await give(0, 10)
    expect(paused).toEqual(['pause orders', 'pause orders', 'resume orders'])
  })
})

describe('the configuration', () => {
  const config = {
    version: 1,
    historyDir: '/x',
    client: { kind: 'plain', colour: 'blue', produceBootstrapServers: ['127.0.0.1:9092'], consumeBootstrapServers: ['127.0.0.1:9092'] },
    credentialsFile: null,
    ...demoLoad(1_200, 1_000),
  }

  it("takes the demo's load, whose rates add up", () => {
    const parsed = WorkloadConfig.parse(config)
    expect(parsed.producers.reduce((sum, producer) => sum + producer.ratePerSecond, 0)).toBe(1_200)
  })

  it('names all problems at once', () => {
    const wrong = {
      ...config,
      producers: [...config.producers, { ...plainLoad, id: 'payments', topics: ['nowhere'] }],
      groups: [{ ...group, topics: ['nowhere'] }, group],
    }
    const problems = WorkloadConfig.safeParse(wrong).error?.issues.map((issue) => issue.message)
    expect(problems).toEqual(['payments is there twice', 'unknown topic nowhere', 'unknown topic nowhere', 'g is there twice'])
  })
})

describe('the run in numbers', () => {
  it('counts what a group has not got yet, each value once', () => {
    const tally = new RunTally([group])
    tally.acked('blue', 'orders', 10)
    tally.acked('green', 'payments', 5)
    tally.polled('g', 'blue', [valueId('p', 0), valueId('p', 1), valueId('p', 1), valueId('q', 100_000)])
    expect(tally.lagRecords()).toEqual({ g: 7 })
    expect(tally.status()).toMatchObject({
      ackedRecords: { blue: 10, green: 5 },
      writing: 'green',
      groups: { g: { lagRecords: 7, reading: 'blue', polledRecords: 4 } },
    })
  })

  it('never gives the verdict: the checker refuses a load that nobody read', async () => {
    await produce(
      fakeProducer(async () => 'blue'),
      plainLoad,
      50,
    )
    expect(() => check([readHistory(join(dir, 'p.jsonl'))], { wholeColours: [] })).toThrow(/history-empty/)
  })
})
