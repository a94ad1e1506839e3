/** The audit's reader on real brokers of both versions: three nodes each, one colour after the other. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Admin, Kafka, logLevel, type Producer } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createAcls, createTopics } from '../../engine/adapters/kafka/admin.ts'
import { connectAuditReader } from '../../engine/adapters/kafka/audit-reader.ts'
import { connectCluster } from '../../engine/adapters/kafka/cluster.ts'
import { destroyCluster, observeCluster, provisionCluster } from '../../engine/adapters/local/cluster.ts'
import { readCredentials } from '../../engine/adapters/local/credentials.ts'
import type { ClusterAccess } from '../../engine/model/cluster-access.ts'
import { type TopicPartition, topicPartition } from '../../engine/model/partition.ts'
import type { AuditReader, AuditRecord, ReadEvent, ReadFrom } from '../../engine/ports/audit-reader.ts'
import { Deadline, systemClock } from '../../engine/ports/clock.ts'
import type { AclBinding, Cluster } from '../../engine/ports/cluster.ts'

const fleet = 'h3-reader'
const app = 'orders-app'
const codecs = ['uncompressed', 'gzip', 'snappy', 'lz4', 'zstd'] as const
const quiet = (): void => undefined
const within = (seconds: number): Deadline => new Deadline(systemClock, seconds * 1_000, 'the test')
const from = (offset: bigint, more: Partial<ReadFrom> = {}): ReadFrom => ({ offset, keys: false, timestamps: true, ...more })
const allow = (resourceType: AclBinding['resourceType']): AclBinding => ({
  principal: `User:${app}`,
  host: '*',
  resourceType,
  resourceName: '*',
  patternType: 'literal',
  operation: 'All',
  permission: 'allow',
})

describe.each([
  { colour: 'blue', kafkaVersion: '3.9.2' },
  { colour: 'green', kafkaVersion: '4.3.1' },
] as const)('on Kafka $kafkaVersion', ({ colour, kafkaVersion }) => {
  let root: string
  let access: ClusterAccess
  let cluster: Cluster
  let kafka: Kafka
  let producer: Producer
  let admin: Admin
  let reader: AuditReader

  /** A killed broker is known to be gone after five seconds instead of nine. */
  const spec = {
    fleet,
    colour,
    kafkaVersion,
    nodes: 3,
    applicationUsers: [app],
    brokerConfig: { 'broker.session.timeout.ms': '5000', 'broker.heartbeat.interval.ms': '500' },
  }
  const start = () => provisionCluster(root, spec, quiet, within(90))

  beforeAll(async () => {
    root = mkdtempSync(join(tmpdir(), 'kbg-audit-reader-'))
    access = await start()
    await createAcls(access, [allow('topic'), allow('group'), allow('transactional-id')], within(10))
    const topic = (name: string, partitions: number, config: Readonly<Record<string, string>> = {}) => ({
      topic: name,
      partitions,
      replicationFactor: 3,
      config,
    })
    const compressed = codecs.map((codec) => topic(codec, 1, { 'compression.type': codec }))
    await createTopics(access, [topic('orders', 3), topic('short', 1), topic('doomed', 1), topic('bulk', 3), ...compressed], within(20))
    cluster = connectCluster(access, systemClock)
    await cluster.warmUp(within(20))
    await cluster.fence.lift(within(5))
    await within(10).poll(5, async () => ((await cluster.fence.probe(within(2))).every((probe) => probe.answer === 'open') ? true : undefined))
    const password = readCredentials(access.credentialsFile).passwords[app] ?? ''
    const sasl = { mechanism: 'scram-sha-512', username: app, password } as const
    kafka = new Kafka({ brokers: [...access.produceBootstrapServers], sasl, logLevel: logLevel.NOTHING, retry: { retries: 12 } })
    producer = kafka.producer()
    admin = kafka.admin()
    await Promise.all([producer.connect(), admin.connect()])
    reader = await connectAuditReader(access, systemClock)
  }, 150_000)

  afterAll(async () => {
    reader?.close()
    await Promise.all([producer?.disconnect(), admin?.disconnect()])
    await cluster?.close()
    await destroyCluster(root, fleet, colour, quiet, within(60))
    rmSync(root, { recursive: true, force: true })
  }, 90_000)

  const send = (topic: string, partition: number, values: readonly string[], timestamp?: string) =>
    producer.send({
      topic,
      acks: -1,
      messages: values.map((value) => ({ partition, key: 'k', value, headers: { h: value }, ...(timestamp ? { timestamp } : {}) })),
    })

  /** Takes events until `enough`; fails when nothing comes for ten seconds. */
  async function take(enough: (events: readonly ReadEvent[]) => boolean): Promise<readonly ReadEvent[]> {
    const events: ReadEvent[] = []
    while (!enough(events)) {
      const event = await reader.next(10_000)
      if (!event) throw new Error(`nothing came behind ${events.length} events`)
      events.push(event)
    }
    return events
  }
  const recordsOf = (events: readonly ReadEvent[], partition: TopicPartition): readonly AuditRecord[] =>
    events.flatMap((event) => (event.kind === 'records' && event.partition === partition ? event.records : []))
  const hasRead = (partition: TopicPartition, offset: bigint): boolean => (reader.facts(partition)?.readUpTo ?? -1n) >= offset

  /** Leaders that are asked say of what was read that it is theirs. */
  async function expectConfirmed(names: readonly TopicPartition[]): Promise<void> {
    const askedMs = systemClock.monotonicMs()
    await within(10).poll(5, async () => {
      await reader.confirm(names, within(5))
      return names.every((name) => (reader.facts(name)?.askedAtMs ?? 0) >= askedMs) ? true : undefined
    })
    for (const name of names) expect(reader.facts(name)).toMatchObject({ confirmedUpTo: reader.facts(name)?.readUpTo })
    reader.remove(names)
  }

  /** A reading that goes on with the epoch of the last batch does; with one that ended before that place, or that nobody knows, its log isn't the one that was read. */
  async function expectTruncationSeen(): Promise<void> {
    const ends = await cluster.logs.ends(['orders'], within(10))
    const moved = ends.find(({ leaderEpoch }) => leaderEpoch > 0)
    if (moved === undefined) throw new Error('the killed broker led nothing')
    const { partition, logEndOffset, leaderEpoch } = moved
    reader.add(new Map([[partition, from(0n)]]))
    await take(() => hasRead(partition, logEndOffset))
    const epoch = reader.facts(partition)?.readEpoch ?? -1
    expect([epoch > 0, epoch <= leaderEpoch]).toEqual([true, true])
    for (const other of [0, leaderEpoch + 7]) {
      reader.add(new Map([[partition, from(logEndOffset, { epoch: other })]]))
      expect(await take((events) => events.length > 0)).toMatchObject([{ kind: 'ended', position: logEndOffset, error: { code: 'log-truncated' } }])
      expect(reader.facts(partition)).toBeUndefined()
    }
    reader.add(new Map([[partition, from(logEndOffset, { epoch })]]))
    await send('orders', Number(partition.at(-1)), ['one more'])
    expect(recordsOf(await take(() => hasRead(partition, logEndOffset + 1n)), partition)).toHaveLength(1)
    reader.remove([partition])
  }

  test('the same records have the same digest however the broker compresses them, and their parts can be told', async () => {
    const values = Array.from({ length: 500 }, (_, index) => `value ${index}`.padEnd(index, '.'))
    for (const codec of codecs) await send(codec, 0, values, '1700000000000')
    reader.add(new Map(codecs.map((codec) => [topicPartition(codec, 0), from(0n, { keys: true })])))
    const events = await take(() => codecs.every((codec) => hasRead(topicPartition(codec, 0), 500n)))
    const [plain, ...others] = codecs.map((codec) => recordsOf(events, topicPartition(codec, 0)))
    expect(new Set(plain?.map((record) => record.digest)).size).toBe(500)
    for (const records of others) expect(records).toEqual(plain)
    const parts = await reader.recordParts('zstd-0', 7n, within(10))
    expect(parts).toMatchObject({ timestamp: 1_700_000_000_000n, keyDigest: plain?.[7]?.key })
    expect(await reader.recordParts('lz4-0', 7n, within(10))).toEqual(parts)
    expect((await reader.recordParts('lz4-0', 8n, within(10)))?.valueDigest).not.toBe(parts?.valueDigest)
    expect(await reader.recordParts('lz4-0', 500n, within(10))).toBeUndefined()
    reader.remove(codecs.map((codec) => topicPartition(codec, 0)))
  })

  test('every visible record comes once and in order, over a killed broker, its return, open and aborted transactions and pauses', async () => {
    const names = [0, 1, 2].map((partition) => topicPartition('orders', partition))
    const writer = kafka.producer({ transactionalId: `${colour}-writer`, idempotent: true, maxInFlightRequests: 1 })
    await writer.connect()
    let writing = true
    let round = 0
    // A send that failed may have been written or not: the log itself is what the reading is compared with.
    const plainWrites = async (): Promise<void> => {
      for (; writing; round++) {
        const values = Array.from({ length: 20 }, (_, index) => `${round} ${index}`)
        await send('orders', round % 3, values).catch(() => systemClock.sleep(20))
      }
    }
    let transactionsDone = 0
    const transactions = async (): Promise<void> => {
      for (; writing; transactionsDone++) {
        const transaction = await writer.transaction()
        try {
          for (const partition of [0, 1, 2])
            await transaction.send({ topic: 'orders', acks: -1, messages: [{ partition, value: `transaction ${transactionsDone}` }] })
          await systemClock.sleep(20)
          await (transactionsDone % 2 === 0 ? transaction.commit() : transaction.abort())
        } catch {
          await transaction.abort().catch(quiet) // its coordinator was killed: the next one goes on
        }
      }
    }
    const writes = Promise.allSettled([plainWrites(), transactions()])
    const events: ReadEvent[] = []
    let reading = true
    reader.add(new Map(names.map((name) => [name, from(0n)])))
    const read = (async () => {
      for (let turn = 0; reading; turn++) {
        const event = await reader.next(20)
        if (event) events.push(event)
        if (turn % 40 === 10) reader.pause(['orders-1'])
        if (turn % 40 === 30) reader.resume(['orders-1'])
      }
    })()
    try {
      await within(30).poll(20, async () => (transactionsDone >= 4 && round > 30 ? true : undefined))
      const leaders = (await cluster.inventory.topics(within(10))).find((topic) => topic.topic === 'orders')?.partitions.map((one) => one.leader)
      const victim = observeCluster(root, fleet, colour)?.brokers.find((broker) => broker.nodeId === leaders?.[0])
      if (!victim?.pid) throw new Error('no broker to kill')
      process.kill(victim.pid, 'SIGKILL')
      const before = round
      await within(40).poll(100, async () => (round > before + 30 ? true : undefined))
      await start()
      const after = round
      await within(40).poll(100, async () => (round > after + 30 ? true : undefined))
      writing = false
      await writes
      await within(60).poll(50, async () => {
        const ends = await cluster.logs.ends(['orders'], within(10))
        return ends.every((end) => end.lastStableOffset === end.logEndOffset && hasRead(end.partition, end.logEndOffset)) ? true : undefined
      })
    } finally {
      // Also after a failure: a reader that is closed answers at once, and this loop would leave the process no time to end.
      writing = false
      reading = false
      await Promise.all([writes, read])
      await writer.disconnect()
    }
    expect(events.filter((event) => event.kind !== 'records')).toEqual([])
    for (const end of await cluster.logs.ends(['orders'], within(10))) {
      const truth = await cluster.logs.visible(end.partition, 0n, end.logEndOffset, within(20))
      const records = recordsOf(events, end.partition)
      expect(records.map((record) => record.offset)).toEqual(truth.map((record) => record.offset))
      expect(new Set(records.map((record) => record.digest)).size).toBe(new Set(truth.map((record) => record.digest)).size)
      expect(BigInt(records.length)).toBeLessThan(end.logEndOffset) // markers and aborted ones were there
      expect(reader.facts(end.partition)).toMatchObject({ readUpTo: end.logEndOffset, lastStableOffset: end.lastStableOffset })
    }
    await expectConfirmed(names)
    await expectTruncationSeen()
  }, 180_000)

  test('records that were deleted before they were read are told as such, and a new record is there within moments', async () => {
    await send(
      'short',
      0,
      Array.from({ length: 100 }, (_, index) => `${index}`),
    )
    reader.add(new Map([['short-0', from(0n)]]))
    await take(() => hasRead('short-0', 100n))
    reader.pause(['short-0'])
    await send(
      'short',
      0,
      Array.from({ length: 100 }, (_, index) => `${index}`),
    )
    await systemClock.sleep(300) // a fetch that was under way is answered by now
    reader.add(new Map([['short-0', from(50n)]]))
    reader.pause(['short-0'])
    await admin.fetchTopicOffsets('short') // kafkajs deletes only where it has metadata, and doesn't ask for it itself
    await admin.deleteTopicRecords({ topic: 'short', partitions: [{ partition: 0, offset: '150' }] })
    reader.resume(['short-0'])
    const events = await take(() => hasRead('short-0', 200n))
    expect(events[0]).toEqual({ kind: 'log-start-passed', partition: 'short-0', position: 50n, logStartOffset: 150n })
    expect(recordsOf(events, 'short-0').map((record) => record.offset)).toEqual(Array.from({ length: 50 }, (_, index) => 150n + BigInt(index)))
    const latenciesMs: number[] = []
    for (let turn = 0; turn < 20; turn++) {
      await send('short', 0, ['one more'])
      const sentMs = systemClock.monotonicMs()
      await take((some) => some.length > 0)
      latenciesMs.push(systemClock.monotonicMs() - sentMs)
    }
    expect(latenciesMs.sort((a, b) => a - b)[10]).toBeLessThan(2_000) // no limit of speed: a reading that waits for more than one fetch would never come
    reader.remove(['short-0'])
  })

  test('a topic that is made again ends its reading, whether it was being read or not', async () => {
    await send('doomed', 0, ['1', '2', '3'])
    reader.add(new Map([['doomed-0', from(0n)]]))
    await take(() => hasRead('doomed-0', 3n))
    const topicId = reader.facts('doomed-0')?.topicId ?? 'none'
    await admin.deleteTopics({ topics: ['doomed'] })
    await within(20).poll(50, async () => {
      const existing = await createTopics(access, [{ topic: 'doomed', partitions: 1, replicationFactor: 3, config: {} }], within(20))
      return existing.length === 0 ? true : undefined
    })
    const [event] = await take((events) => events.length > 0)
    expect(event).toMatchObject({ kind: 'ended', partition: 'doomed-0', position: 3n })
    expect(event?.kind === 'ended' && ['topic-recreated', 'unknown-topic'].includes(event.error.code)).toBe(true)
    await send('doomed', 0, ['a', 'b', 'c', 'd'])
    reader.add(new Map([['doomed-0', from(3n, { topicId })]]))
    expect(await take((events) => events.length > 0)).toMatchObject([{ kind: 'ended', error: { code: 'topic-recreated' } }])
  })

  test('a long log is read in large pieces, and closing ends a wait', async () => {
    const values = Array.from({ length: 500 }, (_, index) => `${index}`.padEnd(1_000, '.'))
    for (let batch = 0; batch < 60; batch++) await send('bulk', batch % 3, values)
    reader.add(new Map([0, 1, 2].map((partition) => [topicPartition('bulk', partition), from(0n)])))
    const events = await take(() => [0, 1, 2].every((partition) => hasRead(topicPartition('bulk', partition), 10_000n)))
    expect(events.length).toBeLessThan(60)
    const waiting = reader.next(20_000)
    reader.close()
    expect(await waiting).toBeUndefined()
  })
})
