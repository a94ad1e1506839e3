/**
 * Faults of copying and of groups that change nothing: whatever the records are, and wherever groups stand, the other side holds the same and every group goes on at the same record, there and
 * back. The truth is what independent readers see on both sides. Numbers are those of docs/faults.md.
 */
import { Consumer as PlatformaticConsumer, Producer as PlatformaticProducer } from '@platformatic/kafka'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { observeWorker, startDeadWorker } from '../../engine/adapters/local/connect-worker.ts'
import { readCredentials } from '../../engine/adapters/local/credentials.ts'
import { Catalog } from '../../engine/model/catalog.ts'
import type { Colour } from '../../engine/model/colour.ts'
import type { JournalEntry } from '../../engine/model/journal.ts'
import type { PartitionOffsets } from '../../engine/model/partition.ts'
import { systemClock } from '../../engine/ports/clock.ts'
import { ChaosPair, overriding, within } from './support/chaos-pair.ts'
import { type Contents, contentOf, latestByKey, remaining, valuesOf } from './support/contents.ts'
import { commitRaw, fetchRaw } from './support/raw-offsets.ts'

const fleet = `b-exact${process.pid}`
const longName = 'f17.dots_and-dashes_'.padEnd(249, 'x')
const compacted = { 'cleanup.policy': 'compact', 'segment.ms': '100', 'min.cleanable.dirty.ratio': '0.001', 'min.compaction.lag.ms': '0' }
const one = { partitions: 1 }
const catalog = Catalog.parse({
  topics: {
    ...{ records: { partitions: 2 }, 'f6-empty': { partitions: 2 }, 'f7-emptied': one, 'f8-compacted': { partitions: 1, config: compacted } },
    ...{ 'f10-transactions': one, 'f14-headers': one, 'f15-append-time': { partitions: 1, config: { 'message.timestamp.type': 'LogAppendTime' } } },
    ...{ 'f18-zstd': { partitions: 1, config: { 'compression.type': 'zstd' } }, [longName]: one, 'f52-processed': one, 'f53-disordered': one },
  },
})
const topics = Object.keys(catalog.topics)
const stable = topics.filter((topic) => topic !== 'f8-compacted' && topic !== 'f15-append-time')

let chaos: ChaosPair

beforeAll(async () => {
  chaos = await ChaosPair.stand(fleet, catalog, { 'log.cleaner.backoff.ms': '100' })
}, 240_000)

afterAll(async () => {
  await chaos?.end()
}, 120_000)

const texts = (from: number, count: number) => Array.from({ length: count }, (_, index) => `${from + index}`)
const plain = (from: number, count: number) => texts(from, count).map((value) => ({ key: `k${value}`, value }))
const startMs = systemClock.wallClock().getTime()

/** Connections of a client that keeps headers as they are: order, duplicates, nulls and bytes. */
function platformatic(colour: Colour) {
  const { internalBootstrapServers, credentialsFile } = chaos.pair.wiring.clusters[colour]
  const password = readCredentials(credentialsFile).passwords.operator ?? ''
  return { clientId: 'chaos', bootstrapBrokers: [...internalBootstrapServers], sasl: { mechanism: 'SCRAM-SHA-512', username: 'operator', password } as const }
}

const headers: readonly (readonly [Buffer, Buffer | null])[] = [
  [Buffer.from('a'), Buffer.from('1')],
  [Buffer.from('b'), null],
  [Buffer.from('a'), Buffer.from('2')],
  [Buffer.from(''), Buffer.from([0, 255, 10, 13])],
  [Buffer.from('b'), Buffer.alloc(0)],
  [Buffer.from('a'), Buffer.from('1')],
]

/** The headers of the first record, pair by pair. */
async function headersOn(colour: Colour): Promise<readonly string[]> {
  const consumer = new PlatformaticConsumer({ ...platformatic(colour), groupId: `kbg-chaos-headers-${colour}` })
  try {
    const stream = await consumer.consume({ topics: ['f14-headers'], mode: 'earliest', autocommit: false })
    for await (const message of stream) return [...message.headers].map(([key, value]) => `${hex(key)}=${hex(value)}`)
    return []
  } finally {
    await consumer.close(true)
  }
}
const hex = (bytes: Buffer | null | undefined) => (bytes === null || bytes === undefined ? 'null' : bytes.toString('hex'))

async function writeTransactions(): Promise<void> {
  const producer = chaos.clients.blue.producer({ transactionalId: 'f10', maxInFlightRequests: 1, idempotent: true })
  await producer.connect()
  for (const [index, end] of ['commit', 'abort', 'commit', 'abort'].entries()) {
    const transaction = await producer.transaction()
    const messages = plain(index * 10, 10).map((message) => ({ partition: 0, ...message }))
    await transaction.send({ topic: 'f10-transactions', acks: -1, messages })
    await (end === 'commit' ? transaction.commit() : transaction.abort())
  }
  await producer.disconnect()
}

/** Ten keys, each written twenty times, and then compacted on blue alone: the mirror never sees what went. */
async function compactOnBlue(): Promise<void> {
  for (let round = 0; round < 20; round++) {
    await chaos.send(
      'blue',
      'f8-compacted',
      Array.from({ length: 10 }, (_, key) => ({ key: `key ${key}`, value: `${round}` })),
    )
  }
  let fillers = 0
  await within(90).poll(200, async () => {
    await chaos.send('blue', 'f8-compacted', [{ key: `filler ${fillers++}`, value: 'x' }])
    const records = (await chaos.contents('blue', ['f8-compacted'])).get('f8-compacted-0') ?? []
    return records.length <= 10 + fillers ? true : undefined
  })
}

describe('records of every kind', () => {
  test('F6, F8, F10, F14, F15, F17, F18, F53: both sides hold the same, byte by byte, and the audit says so', async () => {
    await chaos.stopMirror()
    await compactOnBlue()
    await writeTransactions()
    const producer = new PlatformaticProducer(platformatic('blue'))
    await producer.send({
      messages: [{ topic: 'f14-headers', partition: 0, key: Buffer.from('k'), value: Buffer.from('v'), headers: new Map(headers) as Map<Buffer, Buffer> }],
    })
    await producer.close()
    await chaos.send('blue', 'f15-append-time', plain(0, 20))
    await chaos.send('blue', longName, [
      { key: null, value: 'without key' },
      { key: '', value: '' },
      { key: 'tombstone', value: null },
      { key: null, value: null },
    ])
    const disorder = [5, 5, 5, 1, 9, 1, 9, 0, 5, 5]
    await chaos.send(
      'blue',
      'f53-disordered',
      disorder.map((ms, index) => ({ key: 'k', value: `${index}`, timestamp: `${startMs - 60_000 + ms}` })),
    )
    await chaos.send('blue', 'f18-zstd', plain(0, 100))
    await chaos.send('blue', 'records', plain(0, 500), 0)
    await chaos.send('blue', 'records', plain(500, 300), 1)
    await chaos.send('blue', 'f6-empty', plain(0, 10), 0)
    await chaos.send('blue', 'f7-emptied', plain(0, 25))
    await chaos.send('blue', 'f52-processed', plain(0, 50))
    await chaos.startMirror()
    await chaos.copied(topics)
    await chaos.proven(topics)

    const { blue, green } = await chaos.both(topics)
    for (const topic of stable) {
      for (const partition of [...blue.keys()].filter((name) => name.startsWith(`${topic}-`))) {
        expect((green.get(partition) ?? []).map(contentOf), partition).toEqual((blue.get(partition) ?? []).map(contentOf))
      }
    }
    expect(blue.get('f6-empty-1')).toEqual([])
    expect(valuesOf(green, 'f10-transactions-0')).toEqual([...texts(0, 10), ...texts(20, 10)])
    expect(valuesOf(await chaos.contents('green', ['f10-transactions'], true), 'f10-transactions-0')).toEqual([...texts(0, 10), ...texts(20, 10)])
    expect(valuesOf(green, 'f15-append-time-0')).toEqual(texts(0, 20))
    expect(valuesOf(green, 'f18-zstd-0')).toEqual(texts(0, 100))
    expect((await chaos.told('f15-append-time-0'))?.notes).toEqual([expect.stringContaining('timestamps are left out')])
    expect(valuesOf(green, `${longName}-0`)).toEqual(['without key', '', null, null])
    const wanted = headers.map(([key, value]) => `${hex(key)}=${hex(value)}`)
    expect([await headersOn('blue'), await headersOn('green')]).toEqual([wanted, wanted])
    expect(valuesOf(blue, 'f8-compacted-0').length).toBeLessThan(200)
    expect(latestByKey(green, 'f8-compacted-0')).toEqual(latestByKey(blue, 'f8-compacted-0'))
    expect((await chaos.told('f8-compacted-0'))?.state).toEqual({ kind: 'equal' })
  }, 240_000)
})

/** Where groups stand on blue before the switchover. */
function positions(blue: Contents): Readonly<Record<string, Readonly<Record<string, bigint>>>> {
  const offsetOf = (partition: string, value: string) => blue.get(partition)?.find((record) => record.value === value)?.offset ?? -1n
  return {
    'f6-on-empty': { 'f6-empty-0': 3n, 'f6-empty-1': 0n },
    'f7-on-emptied': { 'f7-emptied-0': 25n },
    'f8-in-a-hole': { 'f8-compacted-0': 5n },
    'f10-in-a-transaction': { 'f10-transactions-0': 4n },
    'f10-at-a-marker': { 'f10-transactions-0': 10n },
    'f10-in-an-aborted-one': { 'f10-transactions-0': offsetOf('f10-transactions-0', '20') - 5n },
    'f48-of-a-restarted-mirror': { 'records-0': 0n, 'records-1': 299n },
    'f53-among-equal-timestamps': { 'f53-disordered-0': 6n },
    'at-the-end': { 'records-0': 500n, 'records-1': 300n },
  }
}

const offsets = (record: Readonly<Record<string, bigint>>): PartitionOffsets => new Map(Object.entries(record))
const committed = async (colour: Colour, groupId: string) => await chaos.ports.clusters[colour].groups.committed(groupId, within(10))

/** What each of these groups would read next, and all behind it. */
async function ahead(colour: Colour, groups: readonly string[]) {
  const contents = await chaos.contents(colour, topics)
  const all = await Promise.all(groups.map(async (groupId) => [groupId, remaining(contents, await committed(colour, groupId))] as const))
  // Each side compacts when it likes, and LogAppendTime is each side's own: their contents are compared above.
  return Object.fromEntries(all)
}

async function lastGroups(): Promise<Extract<JournalEntry, { kind: 'groups' }>> {
  const entry = (await chaos.ports.store.history(within(10))).findLast((each) => each.kind === 'groups')
  if (entry?.kind !== 'groups') throw new Error('no groups were moved')
  return entry
}

async function restartMirrorWorker(colour: Colour): Promise<void> {
  const worker = { projectRoot: chaos.pair.root, fleet, colour }
  process.kill(observeWorker(worker).pid ?? 0, 'SIGKILL')
  await within(20).poll(20, async () => (observeWorker(worker).pid === null ? true : undefined))
  await startDeadWorker(worker, () => undefined, within(120))
}

const excluded = ['connect-sink', 'console-consumer-12345', '__internal']
let exact: readonly string[] = []
const processed: string[] = []

/** Reads as the group, and says each value once it is processed. */
async function process52(colour: Colour, until: (values: readonly string[]) => boolean, commitAfter: number | null): Promise<readonly string[]> {
  const values: string[] = []
  const consumer = await chaos.consumer(colour, 'f52-killed-before-its-commit')
  await consumer.subscribe({ topics: ['f52-processed'], fromBeginning: true })
  await consumer.run({
    autoCommit: false,
    eachMessage: async ({ topic, partition, message }) => {
      if (until(values)) return
      values.push(String(message.value))
      if (values.length === commitAfter) await consumer.commitOffsets([{ topic, partition, offset: `${BigInt(message.offset) + 1n}` }])
    },
  })
  await within(60).poll(20, async () => (until(values) ? true : undefined))
  await consumer.disconnect()
  return values
}

/** Two members with one static instance id, one after the other: the older one, which has not noticed yet, is fenced; the newer one reads, and stays. */
async function joinTwice(): Promise<void> {
  const join = (clientId: string, heartbeatInterval: number) => {
    const options = { groupId: 'f51-static', groupInstanceId: 'instance-1', sessionTimeout: 60_000, heartbeatInterval }
    const member = new PlatformaticConsumer({ ...platformatic('green'), clientId, ...options })
    chaos.onEnd(() => member.close(true))
    return member
  }
  const { groups } = chaos.ports.clusters.green
  const memberCount = async () => (await groups.list(within(10))).find(({ groupId }) => groupId === 'f51-static')?.memberCount ?? 0
  const first = join('first', 55_000)
  const firstStream = await first.consume({ topics: ['records'], mode: 'earliest', autocommit: false })
  firstStream.on('error', () => undefined).resume() // its own end is of no interest
  await within(30).poll(50, async () => ((await memberCount()) === 1 ? true : undefined))
  const older = { generationId: first.generationId, memberId: first.memberId ?? '', groupInstanceId: 'instance-1' }
  const second = join('second', 500)
  const secondStream = await second.consume({ topics: ['records'], mode: 'earliest', autocommit: false })
  const received = new Promise((resolve) => secondStream.once('data', resolve))
  expect(await within(30).race(received)).toBeDefined()
  secondStream.resume()
  const offset = { topic: 'records', partition: 0, offset: 1n, leaderEpoch: -1, metadata: '' }
  const fencedInstanceId = 82
  expect(await commitRaw(chaos.pair.wiring.clusters.green, 'f51-static', [offset], within(10), older)).toEqual([fencedInstanceId])
  expect(await memberCount()).toBe(1)
  await expect(groups.commit('f51-static', new Map([['records-0', 1n]]), within(10))).rejects.toMatchObject({ code: 'group-not-empty' })
}

describe('groups in every position', () => {
  test('F39-F41, F46-F49, F52, F53 before the switchover: they stand on blue', async () => {
    const blue = await chaos.contents('blue', topics)
    const wanted = positions(blue)
    exact = Object.keys(wanted)
    const { groups } = chaos.ports.clusters.blue
    for (const [groupId, record] of Object.entries(wanted)) await groups.commit(groupId, offsets(record), within(10))
    await chaos.admins.blue.fetchTopicOffsets('f7-emptied') // kafkajs deletes only where it has metadata
    await chaos.admins.blue.deleteTopicRecords({ topic: 'f7-emptied', partitions: [{ partition: 0, offset: '25' }] })
    for (const groupId of excluded) await groups.commit(groupId, new Map([['records-0', 7n]]), within(10))
    await groups.commit('f40-deleted-meanwhile', new Map([['f52-processed-0', 7n]]), within(10))
    const access = chaos.pair.wiring.clusters.blue
    const raw = { topic: 'records', metadata: '' }
    const minusOne = { topic: 'f53-disordered', partition: 0, offset: -1n, leaderEpoch: -1, metadata: '' }
    const real = { topic: 'f52-processed', partition: 0, offset: 20n, leaderEpoch: -1, metadata: '' }
    expect(await commitRaw(access, 'f46-minus-one', [minusOne, real], within(10))).toEqual([0, 0])
    expect(await commitRaw(access, 'f49-leader-epoch', [{ ...raw, partition: 0, offset: 33n, leaderEpoch: 7 }, { ...raw, partition: 1, offset: 44n, leaderEpoch: 0 }], within(10))).toEqual([0, 0]) // biome-ignore format: one line
    exact = [...exact, 'f46-minus-one', 'f49-leader-epoch', 'f52-killed-before-its-commit']
    const consumer = await chaos.consumer('blue', 'f39-without-offsets')
    await consumer.subscribe({ topics: ['records'] })
    const joined = new Promise((resolve) => consumer.on(consumer.events.GROUP_JOIN, resolve))
    await consumer.run({ autoCommit: false, eachMessage: async () => undefined })
    await within(30).race(joined)
    await consumer.disconnect()
    processed.push(...(await process52('blue', (values) => values.length >= 30, 20)))
    expect(processed).toEqual(texts(0, 30))
    expect(await committed('blue', 'f52-killed-before-its-commit')).toEqual(new Map([['f52-processed-0', 20n]]))
  })

  test('F41, F46-F49, F53: each that can be moved reads on at the same record, by a mirror that was killed right before', async () => {
    await restartMirrorWorker('green')
    await chaos.copied(topics)
    const before = await ahead('blue', exact)
    const { groups } = chaos.ports.clusters.blue
    let isMoving = false
    const list: typeof groups.list = async (deadline) => {
      const listed = await groups.list(deadline)
      if (isMoving) await groups.deleteGroup('f40-deleted-meanwhile', deadline)
      isMoving = false
      return listed
    }
    let hasMoved = false
    await chaos.move('green', {
      through: chaos.through('blue', { groups: overriding(groups, { list }) }),
      tell: ({ step }) => {
        isMoving ||= step === 'groups' && !hasMoved
        hasMoved ||= step === 'groups'
      },
    })
    const { moved, stayed } = await lastGroups()
    expect(moved.toSorted()).toEqual(exact.toSorted())
    expect(stayed.toSorted()).toEqual([
      expect.stringMatching(/^f39-without-offsets: it has no committed offsets/),
      expect.stringMatching(/^f40-deleted-meanwhile: it vanished meanwhile/),
    ])
    expect(await ahead('green', exact)).toEqual(before)
  }, 240_000)

  test('F6, F7: a position on an empty partition is 0 or its end, never missing and never negative', async () => {
    const [onEmpty, onEmptied] = await Promise.all(['f6-on-empty', 'f7-on-emptied'].map((groupId) => committed('green', groupId)))
    expect(onEmpty?.get('f6-empty-1')).toBe(0n)
    const ends = await chaos.ends(['f7-emptied'])
    expect(onEmptied?.get('f7-emptied-0')).toBe(ends.green.get('f7-emptied-0'))
  })

  test('F39, F40, F47: no other group is on green', async () => {
    const listed = await chaos.ports.clusters.green.groups.list(within(10))
    const own = listed.map(({ groupId }) => groupId).filter((groupId) => !groupId.startsWith('kbg-'))
    expect(own.toSorted()).toEqual(exact.toSorted())
    for (const groupId of excluded) expect(await committed('blue', groupId)).toEqual(new Map([['records-0', 7n]]))
  })

  test('F46, F49: -1 is no position, and a leader epoch of blue is not carried over', async () => {
    const access = chaos.pair.wiring.clusters.green
    const [minusOne, epochs] = await Promise.all(['f46-minus-one', 'f49-leader-epoch'].map((groupId) => fetchRaw(access, groupId, within(10))))
    expect(minusOne?.map(({ topic }) => topic)).toEqual(['f52-processed'])
    expect(epochs?.map(({ leaderEpoch }) => leaderEpoch)).toEqual([-1, -1])
  })

  test('F52: what was processed and not committed is delivered again on green, and nothing is left out', async () => {
    await chaos.send('green', 'f52-processed', plain(50, 10))
    const again = await process52('green', (values) => values.length >= 40, 40)
    expect(again).toEqual(texts(20, 40))
    expect([...new Set([...processed, ...again])]).toEqual(texts(0, 60))
  })

  test('F18, F43, F51: on the way back to an older version what was written to the newer one is copied, a rewound group follows, and one with a live static member stays where it is', async () => {
    const { blue, green } = chaos.ports.clusters
    const copies = await chaos.contents('green', ['records'])
    const rewound = [0, 1].map((partition) => [`records-${partition}`, copies.get(`records-${partition}`)?.[3 + partition]?.offset ?? -1n] as const)
    await green.groups.commit('at-the-end', new Map(rewound), within(10))
    await chaos.send('green', 'f18-zstd', [...plain(100, 50), { key: 'k', value: 'with headers', headers: { a: ['1', '2'], b: '' } }])
    await joinTwice()
    await chaos.copied(topics, 'green')
    // What it had committed on blue before it was moved is ahead of it now: somebody has to say that it doesn't count any more.
    expect(await chaos.gateLines('blue')).toContainEqual(expect.stringMatching(/^poisoned groups: fail; observed at-the-end: records-0 at 500 on blue/))
    await blue.groups.deleteGroup('at-the-end', within(10))
    const before = await ahead('green', exact)
    // Of the topic that blue was emptied of, green still holds what it had copied: whoever knows that those records are of no use lets them go.
    await chaos.move('blue', { limits: { groupMoveDeadlineMs: 10_000, expiredRecords: 'accept' } })
    const { moved, stayed } = await lastGroups()
    expect(moved.toSorted()).toEqual(exact.toSorted())
    expect(stayed).toEqual([expect.stringMatching(/^f51-static: still Stable with 1 members/)])
    expect(await ahead('blue', exact)).toEqual(before)
    expect(await committed('blue', 'at-the-end')).toEqual(new Map([['records-0', 3n], ['records-1', 4n]])) // biome-ignore format: one line
    expect((await committed('blue', 'f51-static')).size).toBe(0)
    const written = await chaos.both(['f18-zstd'])
    expect(valuesOf(written.blue, 'f18-zstd-0')).toEqual([...texts(0, 150), 'with headers'])
    expect(written.blue.get('f18-zstd-0')?.map(contentOf)).toEqual(written.green.get('f18-zstd-0')?.map(contentOf))
    await chaos.untouched('blue')
  }, 240_000)

  test('F42, F45, F46: a position beyond the log, commits on the standby that no translation covers, and a partition with -1 beside another one are refused by name', async () => {
    const { blue, green } = chaos.ports.clusters
    const half = { topic: 'records', leaderEpoch: -1, metadata: '' }
    const access = chaos.pair.wiring.clusters.blue
    expect(await commitRaw(access, 'f46-half', [{ ...half, partition: 0, offset: -1n }, { ...half, partition: 1, offset: 20n }], within(10))).toEqual([0, 0]) // biome-ignore format: one line
    expect(await chaos.gateLines('green')).toContainEqual(expect.stringMatching(/^groups translatable: fail; observed f46-half: records-0/))
    await blue.groups.deleteGroup('f46-half', within(10))
    await blue.groups.commit('f42-beyond-the-end', new Map([['f52-processed-0', 100_000n]]), within(10))
    await blue.groups.commit('f45-poisoned', new Map([['f52-processed-0', 11n]]), within(10))
    await green.groups.commit('f45-poisoned', new Map([['f53-disordered-0', 2n]]), within(10))
    const lines = await chaos.gateLines('green')
    expect(lines).toContainEqual(expect.stringMatching(/^poisoned groups: fail; observed .*f45-poisoned: f53-disordered-0 at 2 on green/))
    expect(lines).toContainEqual(
      expect.stringMatching(/^group positions compared: inconclusive; observed .*f42-beyond-the-end: f52-processed-0: committed 100000/),
    )
    expect(await committed('green', 'f45-poisoned')).toEqual(new Map([['f53-disordered-0', 2n]]))
    expect((await committed('green', 'f42-beyond-the-end')).size).toBe(0)
    await chaos.untouched('blue')
  }, 120_000)
})
