/** Routed producers and consumers against two real clusters that are fenced and opened by hand: nothing lost, nothing twice, order kept. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type DualConsumer, ExactWindow, type RoutedConsumer, type RoutedProducer, type RoutedTransaction } from '../../client/index.ts'
import { createTopics } from '../../engine/adapters/kafka/admin.ts'
import { destroyRouteStore, provisionRouteStore } from '../../engine/adapters/local/etcd-process.ts'
import { type Colour, colours, otherColour } from '../../engine/model/colour.ts'
import { firstProducerIds } from '../../engine/model/producer-ids.ts'
import { systemClock } from '../../engine/ports/clock.ts'
import {
  access,
  acknowledged,
  change,
  clusters,
  endRoutedClusters,
  fleet,
  flip,
  killBrokers,
  partitions,
  plain,
  producerKinds,
  publish,
  type Read,
  readAll,
  route,
  routed,
  setFence,
  standRoutedClusters,
  store,
  storeSpec,
  topic,
  within,
} from '../support/hand-moved-route.ts'
import { lostAnswers } from '../support/lost-answers.ts'

beforeAll(standRoutedClusters, 300_000)
afterAll(endRoutedClusters, 120_000)

interface Ack {
  readonly value: number
  readonly partition: number
  readonly colour: Colour
  readonly offset: string | undefined
  readonly atMs: number
}

/** An open loop: sends are due at fixed times, whatever became of earlier ones. */
function startLoad(producer: RoutedProducer, perSecond: number) {
  const acks: Ack[] = []
  const errors: unknown[] = []
  const pending: Promise<void>[] = []
  const startedAtMs = systemClock.monotonicMs()
  let sent = 0
  const due = setInterval(() => {
    const wanted = Math.floor(((systemClock.monotonicMs() - startedAtMs) / 1_000) * perSecond)
    for (; sent < wanted; sent += 1) {
      const value = sent
      const send = producer.send({ topic, messages: [{ key: `key-${value % 37}`, value: String(value) }] }).then(
        ([written]) => {
          if (written === undefined) throw new Error('no metadata')
          acks.push({ value, partition: written.partition, colour: written.colour, offset: written.baseOffset, atMs: systemClock.monotonicMs() })
        },
        (error: unknown) => void errors.push(error),
      )
      pending.push(send)
    }
  }, 5)
  const stop = async () => {
    clearInterval(due)
    await Promise.all(pending)
    return { sent, acks, errors }
  }
  return { stop, acks }
}

/** Each acknowledged value once, at the offset that was acknowledged, and in order per partition through all moves. */
function expectExactlyOnce(acks: readonly Ack[], reads: readonly Read[]): void {
  const where = new Map(reads.map((read) => [Number(read.value), read]))
  expect(reads.length).toBe(acks.length)
  expect(where.size).toBe(acks.length)
  for (const ack of acks) {
    expect(where.get(ack.value)).toMatchObject({ colour: ack.colour, partition: ack.partition, offset: BigInt(ack.offset ?? -1) })
  }
  for (const colour of colours) {
    for (let partition = 0; partition < partitions; partition += 1) {
      const values = reads.filter((read) => read.colour === colour && read.partition === partition).toSorted((a, b) => Number(a.offset - b.offset))
      const numbers = values.map((read) => Number(read.value))
      expect(numbers).toEqual(numbers.toSorted((a, b) => a - b))
    }
  }
  for (let partition = 0; partition < partitions; partition += 1) {
    const byTime = acks.filter((ack) => ack.partition === partition).toSorted((a, b) => a.value - b.value)
    const turns = byTime.filter((ack, index) => index > 0 && ack.colour !== byTime[index - 1]?.colour).length
    expect(turns).toBeLessThanOrEqual(flips) // never back and forth within one move
  }
}

let flips = 0

/** The longest time between an acknowledgement and the next one. */
function longestGapMs(acks: readonly Ack[]): number {
  const times = acks.map((ack) => ack.atMs).toSorted((a, b) => a - b)
  return Math.max(...times.slice(1).map((time, index) => time - (times[index] ?? time)))
}

describe('a routed producer', () => {
  test('crosses back and forth under load: every record once, in order, with no error; also when the fence comes before the hold', async () => {
    const producer = routed().producer()
    await producer.connect()
    expect(producer.colour).toBe('blue')
    const load = startLoad(producer, 300)
    const holds: number[] = []
    for (const fenceFirst of [false, true, false, true]) {
      await systemClock.sleep(1_500)
      const { holdMs } = await flip(fenceFirst)
      holds.push(holdMs)
      flips += 1
      await acknowledged(producerKinds, 'running')
      expect(producer.colour).toBe(route.live)
    }
    await systemClock.sleep(1_000)
    const { sent, acks, errors } = await load.stop()
    expect(errors).toEqual([])
    expect(acks.length).toBe(sent)
    console.info(JSON.stringify({ sent, holds: holds.map(Math.round), longestGapMs: Math.round(longestGapMs(acks)) }))
    const reads = (await Promise.all(colours.map((colour) => readAll(colour)))).flat()
    expectExactlyOnce(acks, reads)
    await producer.disconnect()
    expect((await store.clients(within(5_000))).filter((client) => client.kind === 'producer')).toEqual([])
  }, 90_000)
})

describe('a route store that is away, or tells old news', () => {
  test('the client goes on with its epoch, registers again, and follows the next one', async () => {
    const producer = routed().producer()
    await producer.connect()
    const before = route.live
    const send = async () => (await producer.send({ topic: `${topic}-away`, messages: [{ value: 'x' }] }))[0]?.colour
    for (const colour of colours)
      await createTopics(access[colour], [{ topic: `${topic}-away`, partitions: 1, replicationFactor: 3, config: {} }], within(30_000))
    expect(await send()).toBe(before)
    await destroyRouteStore(storeSpec, 'keep', within(10_000))
    expect(await send()).toBe(before)
    await provisionRouteStore(storeSpec, systemClock, () => undefined, within(30_000))
    await flip()
    expect(await send()).toBe(otherColour(before))
    const mine = (await store.clients(within(5_000))).filter((client) => client.kind === 'producer')
    expect(mine.map((client) => client.colour)).toEqual([route.live])
    await producer.disconnect()
  }, 60_000)

  test('an older epoch is ignored', async () => {
    const producer = routed().producer()
    await producer.connect()
    const { epoch, live } = route
    await publish({ ...route, epoch: epoch - 1, state: 'held', target: otherColour(live) })
    await systemClock.sleep(200)
    expect({ epoch: producer.epoch, colour: producer.colour }).toEqual({ epoch, colour: live })
    await publish({ ...route, epoch: epoch + 1, state: 'open', target: null })
    await acknowledged(producerKinds, 'running')
    expect({ epoch: producer.epoch, colour: producer.colour }).toEqual({ epoch: epoch + 1, colour: live })
    await producer.disconnect()
    await expect(producer.send({ topic: `${topic}-away`, messages: [{ value: 'y' }] })).rejects.toThrow('disconnected')
    await producer.connect()
    expect(await producer.send({ topic: `${topic}-away`, messages: [{ value: 'y' }] })).toMatchObject([{ colour: live }])
    await producer.disconnect()
  }, 30_000)
})

describe('a transactional routed producer', () => {
  test('ends or replays its transactions whole: each is visible once on one colour, or not at all', async () => {
    const producer = routed().producer({ transactionalId: `transfers-${fleet}` })
    await producer.connect()
    const name = `${topic}-transactions`
    for (const colour of colours) await createTopics(access[colour], [{ topic: name, partitions: 3, replicationFactor: 3, config: {} }], within(30_000))
    const committed: { transaction: number; colour: Colour }[] = []
    let replays = 0
    let stopped = false
    const work = (async () => {
      for (let transaction = 0; !stopped; transaction += 1) {
        let runs = 0
        const colour = await producer.runTransaction(async (tx) => {
          runs += 1
          for (let part = 0; part < 3; part += 1) await tx.send({ topic: name, messages: [{ partition: part, value: `${transaction}/${part}` }] })
          return tx.colour
        })
        committed.push({ transaction, colour })
        replays += runs - 1
      }
    })()
    const before = route.live
    for (const fenceFirst of [false, true]) {
      await systemClock.sleep(1_000)
      await flip(fenceFirst)
      await acknowledged(producerKinds, 'running')
    }
    await systemClock.sleep(500)
    stopped = true
    await work
    expect(route.live).toBe(before)
    expect(new Set(committed.map((each) => each.colour))).toEqual(new Set(colours))
    const reads = (await Promise.all(colours.map((colour) => readAll(colour, name)))).flat()
    const expected = committed.flatMap(({ transaction, colour }) => [0, 1, 2].map((part) => `${colour} ${transaction}/${part}`))
    expect(reads.map((read) => `${read.colour} ${read.value}`).toSorted()).toEqual(expected.toSorted())
    console.info(JSON.stringify({ transactions: committed.length, replays }))
    await producer.disconnect()
  }, 90_000)

  test('F12: a zombie of the same transactional id is denied on the fenced colour, and the id begins anew on the other one', async () => {
    const [source, name, transactionalId] = [route.live, `${topic}-zombie`, `zombie-${fleet}`]
    const target = otherColour(source)
    for (const colour of colours) await createTopics(access[colour], [{ topic: name, partitions: 1, replicationFactor: 3, config: {} }], within(30_000))
    const zombie = plain(source).producer({ transactionalId, maxInFlightRequests: 1, idempotent: true, retry: { retries: 1 } })
    await zombie.connect()
    const before = await zombie.transaction()
    await before.send({ topic: name, acks: -1, messages: [{ value: 'before' }] })
    await before.commit()
    await flip()
    const producer = routed().producer({ transactionalId })
    await producer.connect()
    const send = (tx: RoutedTransaction) => tx.send({ topic: name, messages: [{ value: tx.colour }] })
    await producer.runTransaction(send)
    const late = await zombie.transaction()
    await expect(late.send({ topic: name, acks: -1, messages: [{ value: 'too late' }] })).rejects.toThrow(/authorized/i)
    await late.abort()
    await producer.runTransaction(send)
    const reads = (await Promise.all([source, target].map((colour) => readAll(colour, name)))).flat()
    expect(reads.map(({ colour, value }) => `${colour} ${value}`)).toEqual([`${source} before`, `${target} ${target}`, `${target} ${target}`])
    for (const colour of [source, target]) {
      const { active } = await clusters[colour].producers.ids([name], within(10_000))
      expect(active).toEqual([{ partition: `${name}-0`, producerId: expect.any(BigInt), producerEpoch: expect.any(Number), transactional: true }])
      expect((active[0]?.producerId ?? 0n) >= firstProducerIds.green).toBe(colour === 'green') // an id of its own
    }
    await producer.disconnect()
    await zombie.disconnect()
  }, 60_000)

  test('a send whose answer was lost ends its transaction, and other records don’t go under its sequence', async () => {
    const [name, answers] = [`${topic}-lost-answer`, lostAnswers()]
    for (const colour of colours) await createTopics(access[colour], [{ topic: name, partitions: 1, replicationFactor: 3, config: {} }], within(30_000))
    const retry = { retries: 3, initialRetryTime: 50 }
    const producer = routed({ socketFactory: answers.socketFactory }).producer({ transactionalId: `doubt-${fleet}`, retry })
    await producer.connect()
    const write = (value: string) => producer.runTransaction((tx) => tx.send({ topic: name, messages: [{ value }] }))
    const [written] = await write('written')
    answers.areLost = true
    await expect(write('lost')).rejects.toThrow(/the answer got lost/)
    answers.areLost = false
    // A broker that has the lost record would take this one, under the same sequence, for a copy of it, and acknowledge what it doesn't write.
    const [behind] = await write('behind')
    const reads = await readAll(route.live, name)
    expect(reads.map(({ value, offset }) => `${value} ${offset}`)).toEqual([`written ${written?.baseOffset}`, `behind ${behind?.baseOffset}`])
    await producer.disconnect()
  }, 60_000)

  test('a transaction that is open when the hold comes is let end before the acknowledgement', async () => {
    const producer = routed().producer({ transactionalId: `slow-${fleet}` })
    await producer.connect()
    const source = route.live
    const transaction = await producer.transaction()
    await transaction.send({ topic, messages: [{ partition: 0, value: 'in the middle' }] })
    await change({ state: 'held', target: otherColour(source) })
    const registered = async () => (await store.clients(within(5_000))).find((client) => client.transactionalId === `slow-${fleet}`)
    await systemClock.sleep(300)
    expect((await registered())?.ackedEpoch).toBeLessThan(route.epoch)
    let begun = false
    const next = producer.transaction().then((begunTransaction) => {
      begun = true
      return begunTransaction
    })
    await transaction.commit()
    await acknowledged(producerKinds, 'held')
    expect(begun).toBe(false)
    await change({ state: 'aborting' })
    await change({ state: 'open', target: null })
    await (await next).abort()
    expect(transaction.colour).toBe(source)
    await producer.disconnect()
  }, 60_000)
})

describe('a routed consumer', () => {
  test('a group of two leaves with everything committed, moves, and reads on: each record once, never from both colours at once', async () => {
    const name = `${topic}-read`
    const groupId = `readers-${fleet}-${Date.now()}`
    for (const colour of colours) await createTopics(access[colour], [{ topic: name, partitions: 4, replicationFactor: 3, config: {} }], within(30_000))
    const source = route.live
    const target = otherColour(source)
    const seen: { value: string; colour: Colour }[] = []
    const members = await Promise.all([0, 1].map((member) => startMember(groupId, name, member === 0 ? 'message' : 'batch', seen)))
    const producer = routed().producer()
    await producer.connect()
    const values = (from: number) => Array.from({ length: 500 }, (_, index) => String(from + index))
    const produce = (some: readonly string[]) => producer.send({ topic: name, messages: some.map((value) => ({ key: value, value })) })
    await produce(values(0))
    await change({ groups: { ...route.groups, [groupId]: { colour: source, state: 'running' } } })
    await within(30_000, 'the first records').poll(20, async () => (seen.length >= 500 ? true : undefined))
    const group = within(20_000, 'the group to be empty')
    await change({ groups: { ...route.groups, [groupId]: { colour: source, state: 'held' } } })
    const leftMs = await acknowledged(['consumer'], 'held')
    expect(members.map((member) => member.colour)).toEqual([null, null])
    await expect(members[0]?.commitOffsets([])).rejects.toThrow(/consumer-held/)
    await group.poll(20, async () =>
      (await clusters[source].groups.list(group)).find((each) => each.groupId === groupId)?.state === 'Empty' ? true : undefined,
    )
    const committed = await clusters[source].groups.committed(groupId, within(5_000))
    expect([...committed.values()].reduce((sum, offset) => sum + offset, 0n)).toBe(500n)
    await clusters[target].groups.commit(groupId, new Map([0, 1, 2, 3].map((partition) => [`${name}-${partition}`, 0n])), within(5_000))
    await flip()
    await produce(values(500))
    await systemClock.sleep(300)
    expect(seen.length).toBe(500)
    await change({ groups: { ...route.groups, [groupId]: { colour: target, state: 'running' } } })
    await within(30_000, 'the moved records').poll(20, async () => (seen.length >= 1_000 ? true : undefined))
    await acknowledged(['consumer'], 'running')
    await systemClock.sleep(500)
    expect(seen.map((each) => each.value).toSorted((a, b) => Number(a) - Number(b))).toEqual([...values(0), ...values(500)])
    expect(seen.every((each) => each.colour === (Number(each.value) < 500 ? source : target))).toBe(true)
    expect(members.map((member) => member.colour)).toEqual([target, target])
    console.info(JSON.stringify({ leftMs: Math.round(leftMs) }))
    for (const member of members) await member.disconnect()
    await producer.disconnect()
  }, 120_000)

  test('that kafkajs takes down while its group is held joins nowhere, whatever kafkajs would restart, until the release', async () => {
    const name = `${topic}-crash`
    const groupId = `crashing-${fleet}-${Date.now()}`
    for (const colour of colours) await createTopics(access[colour], [{ topic: name, partitions: 1, replicationFactor: 3, config: {} }], within(30_000))
    const { live } = route
    await change({ groups: { ...route.groups, [groupId]: { colour: live, state: 'running' } } })
    const seen: string[] = []
    let isSick = true
    const held = Promise.withResolvers<void>()
    // the exact moment: everything of kafkajs is down, and its timer not yet set, when the group is held and the member has left
    const restartOnFailure = async () => {
      if (seen.length === 0) return true // it couldn't join at once
      await change({ groups: { ...route.groups, [groupId]: { colour: live, state: 'held' } } })
      await acknowledged(['consumer'], 'held')
      isSick = false
      held.resolve()
      return true
    }
    const consumer = routed().consumer({ groupId, retry: { retries: 1, initialRetryTime: 50, restartOnFailure } })
    await consumer.connect()
    await consumer.subscribe({ topics: [name], fromBeginning: true })
    await consumer.run({
      eachMessage: async ({ message }) => {
        seen.push(String(message.value))
        if (isSick) throw new Error('this attempt fails')
      },
    })
    const producer = routed().producer()
    await producer.connect()
    await producer.send({ topic: name, messages: [{ value: 'a' }, { value: 'b' }] })
    await within(30_000, 'the crash').race(held.promise)
    const attempts = seen.length
    await systemClock.sleep(4_000) // longer than a group that begins waits for its members
    expect(seen.slice(attempts)).toEqual([])
    expect((await clusters[live].groups.list(within(5_000))).find((each) => each.groupId === groupId)?.state ?? 'Empty').not.toMatch(/Stable|Rebalance/)
    await change({ groups: { ...route.groups, [groupId]: { colour: live, state: 'running' } } })
    await within(30_000, 'both records').poll(20, async () => (seen.length >= attempts + 2 ? true : undefined))
    await systemClock.sleep(500)
    expect(seen.slice(attempts)).toEqual(['a', 'b'])
    await consumer.disconnect()
    await producer.disconnect()
  }, 90_000)
})

async function startMember(groupId: string, name: string, mode: 'message' | 'batch', seen: { value: string; colour: Colour }[]): Promise<RoutedConsumer> {
  const consumer = routed().consumer({ groupId })
  await consumer.connect()
  await consumer.subscribe({ topics: [name], fromBeginning: true })
  if (mode === 'message') {
    await consumer.run({ eachMessage: async ({ message, colour }) => void seen.push({ value: String(message.value), colour }) })
    return consumer
  }
  await consumer.run({
    autoCommit: false,
    eachBatch: async ({ batch }) => {
      for (const message of batch.messages) seen.push({ value: String(message.value), colour: batch.colour })
      await consumer.commitOffsets([{ topic: batch.topic, partition: batch.partition, offset: String(BigInt(batch.lastOffset()) + 1n) }])
    },
  })
  return consumer
}

/** The last one: it kills a colour's brokers. */
describe('a dual consumer', () => {
  test('a group of two hands over once and in order what stands on both colours, and goes on when one of them dies', async () => {
    const name = `${topic}-dual`
    const groupId = `kbg-dual-${fleet}-${Date.now()}`
    for (const colour of colours) {
      await createTopics(access[colour], [{ topic: name, partitions: 4, replicationFactor: 3, config: {} }], within(30_000))
      await setFence(colour, 'lift')
    }
    const handled: { value: number; partition: number }[] = []
    const members = await Promise.all([0, 1].map(() => startDualMember(groupId, name, handled)))
    const paired = () => members.every(({ reading: { blue, green } }) => blue?.length === 2 && String(blue.toSorted()) === String(green?.toSorted()))
    await within(30_000, 'both members to read the same on both colours').poll(50, async () => (paired() ? true : undefined))

    const producers = { blue: plain('blue').producer(), green: plain('green').producer() }
    for (const colour of colours) await producers[colour].connect()
    const timestamp = String(Date.now())
    const write = (colour: Colour, from: number, to: number) => {
      const values = Array.from({ length: to - from }, (_, index) => from + index)
      const messages = values.map((value) => ({ ...{ partition: value % 4, value: String(value), timestamp }, headers: { 'record-id': `id-${value}` } }))
      return producers[colour].send({ topic: name, messages })
    }
    const counts = () => members.map((member) => member.counts)
    const sum = (of: (each: ReturnType<typeof counts>[number]) => number) => counts().reduce((total, each) => total + of(each), 0)
    for (let from = 0; from < 600; from += 100) await Promise.all([write('blue', from, from + 100), write('green', from, from + 100)])
    await within(30_000, 'both copies').poll(20, async () => (sum((each) => each.duplicatesDropped) === 600 ? true : undefined))
    expect(handled.length).toBe(600)

    await write('blue', 600, 900) // copies that green brings later
    await within(30_000, 'what only blue has').poll(20, async () => (handled.length === 900 ? true : undefined))
    killBrokers('blue')
    await write('green', 600, 1_200)
    await within(30_000, 'what only green has').poll(20, async () => (handled.length >= 1_200 ? true : undefined))
    expect(handled.map((each) => each.value).toSorted((a, b) => a - b)).toEqual(Array.from({ length: 1_200 }, (_, value) => value))
    for (let partition = 0; partition < 4; partition += 1) {
      const values = handled.filter((each) => each.partition === partition).map((each) => each.value)
      expect(values).toEqual(values.toSorted((a, b) => a - b))
    }
    expect({ unknown: sum((each) => each.unknown), withoutId: sum((each) => each.withoutId), dropped: sum((each) => each.duplicatesDropped) }).toEqual({
      ...{ unknown: 0, withoutId: 0, dropped: 900 },
    })
    console.info(JSON.stringify(counts()))
    for (const member of members) await member.disconnect()
    const committed = await clusters.green.groups.committed(groupId, within(5_000))
    expect([...committed.values()].reduce((total, offset) => total + offset, 0n)).toBe(1_200n)
    await producers.green.disconnect()
  }, 120_000)
})

async function startDualMember(groupId: string, name: string, handled: { value: number; partition: number }[]): Promise<DualConsumer> {
  const deduplicator = new ExactWindow({ recordsPerPartition: 10_000, maxAgeMs: 600_000 })
  const consumer = routed().dualConsumer({ groupId, recordId: { header: 'record-id' }, deduplicator })
  await consumer.connect()
  consumer.subscribe({ topics: [name], fromBeginning: true })
  consumer.run({ eachMessage: async ({ message, partition }) => void handled.push({ value: Number(message.value), partition }) })
  return consumer
}
