/** Consumer groups as gate and operator see them: translatable, poisoned, named, reset, and static members. Real brokers, mirror, etcd and audit worker. */
import kafkajs, { type Admin } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { groupsLines } from '../../cli/groups/lines.ts'
import { readRouteOptions } from '../../client/options.ts'
import { RouteSession } from '../../client/route-session.ts'
import { systemTiming } from '../../client/timing.ts'
import { readCredentials } from '../../engine/adapters/local/credentials.ts'
import { Catalog } from '../../engine/model/catalog.ts'
import { type Colour, colours } from '../../engine/model/colour.ts'
import { KbgError } from '../../engine/model/error.ts'
import { Limits } from '../../engine/model/limits.ts'
import { groupRoute } from '../../engine/model/route.ts'
import { Deadline, systemClock } from '../../engine/ports/clock.ts'
import { lookAtGroups } from '../../engine/run/look-at-groups.ts'
import { resetGroup } from '../../engine/run/reset-group.ts'
import { type Pair, quickGate, standPair } from '../support/pair.ts'
import { leaveStaticMember } from '../support/static-member.ts'

const fleet = `b-groups${process.pid}`
const catalog = Catalog.parse({ topics: { orders: { partitions: 2 } }, groups: { billing: {} } })
const within = (seconds: number): Deadline => new Deadline(systemClock, seconds * 1_000, 'the test')
const records = 400
const limits = Limits.parse({ ...quickGate, groupMoveDeadlineMs: 6_000 })

let pair: Pair
let kafka: Record<Colour, kafkajs.Kafka>
let admin: Admin
const ends: (() => Promise<unknown>)[] = []

beforeAll(async () => {
  pair = await standPair({ fleet, versions: { blue: '3.9.2', green: '4.3.1' }, catalog, audit: true })
  await pair.createRoute()
  const connect = (colour: Colour) => {
    const { internalBootstrapServers, credentialsFile } = pair.wiring.clusters[colour]
    const sasl = { mechanism: 'scram-sha-512', username: 'operator', password: readCredentials(credentialsFile).passwords.operator ?? '' } as const
    return new kafkajs.Kafka({ brokers: internalBootstrapServers, sasl, logLevel: kafkajs.logLevel.NOTHING })
  }
  kafka = { blue: connect('blue'), green: connect('green') }
  admin = kafka.blue.admin()
  const producer = kafka.blue.producer({ allowAutoTopicCreation: false })
  await Promise.all([admin.connect(), producer.connect()])
  ends.unshift(() => admin.disconnect())
  for (const partition of [0, 1]) {
    const messages = Array.from({ length: records }, (_, index) => ({ partition, key: `k${index % 7}`, value: `${partition} ${index}` }))
    await producer.send({ topic: 'orders', acks: -1, messages })
  }
  await producer.disconnect()
}, 180_000)

afterAll(async () => {
  for (const end of ends) await end()
  await pair?.end()
}, 120_000)

const commit = (colour: Colour, groupId: string, ...offsets: readonly bigint[]) =>
  pair.ports.clusters[colour].groups.commit(groupId, new Map(offsets.map((offset, partition) => [`orders-${partition}`, offset])), within(20))
const committed = (colour: Colour, groupId: string) => pair.ports.clusters[colour].groups.committed(groupId, within(20))
const look = (costly = false) => lookAtGroups(pair.ports, pair.wiring, costly, within(60))

/** The refusal of a move, as soon as the gate has another reason than a mirror or audit that are behind. */
async function refusal(wanted: RegExp): Promise<string> {
  return await within(60).poll(300, async () => {
    const message = await pair.moveTo('green').then(
      () => 'moved',
      (thrown: unknown) => String(thrown),
    )
    if (message === 'moved') throw new Error('it was moved')
    return wanted.test(message) ? message : undefined
  })
}

/** A consumer of `seated` under its instance id, as a routed client with static membership registers: it stops and says so as soon as its group is held. */
async function registerSeat(): Promise<void> {
  const { endpoints, credentialsFile } = pair.wiring.routeStore
  const options = readRouteOptions({ fleet, routeStore: { endpoints, credentialsFile } })
  const session = new RouteSession(options, systemTiming, kafka.blue.logger())
  const base = { version: 1, clientId: 'seat', kind: 'consumer', groupId: 'seated', transactionalId: null, software: 'test' } as const
  const client = await session.join({ ...base, instanceId: 'seat-1', ackedEpoch: 0, state: 'running', colour: 'blue' })
  const follow = () => {
    const { colour, state } = groupRoute(session.route, 'seated')
    client.acknowledge({ ackedEpoch: session.route.epoch, state, colour: state === 'held' ? null : colour })
  }
  session.onRoute(follow)
  follow()
  ends.unshift(() => client.leave())
}

/** The record that a group at this offset reads next. */
async function nextValue(colour: Colour, offset: bigint): Promise<string> {
  const consumer = kafka[colour].consumer({ groupId: `kbg-test-${Date.now()}`, maxWaitTimeInMs: 100 })
  const { promise, resolve } = Promise.withResolvers<string>()
  await consumer.connect()
  await consumer.subscribe({ topic: 'orders' })
  await consumer.run({ autoCommit: false, eachMessage: async ({ partition, message }) => (partition === 0 ? resolve(String(message.value)) : undefined) })
  consumer.seek({ topic: 'orders', partition: 0, offset: `${offset}` })
  const value = await within(30).race(promise)
  await consumer.disconnect()
  return value
}

async function looked(groupId: string, costly = false) {
  const found = (await look(costly)).groups.find((group) => group.groupId === groupId)
  if (found === undefined) throw new Error(`nothing was seen of ${groupId}`)
  return found
}

describe('before a switchover', () => {
  test('a group that the audit can translate is movable, and the alternatives are told against it', async () => {
    await commit('blue', 'billing', 37n, 400n)
    const seen = await within(60).poll(300, async () => {
      const all = await look(true)
      return all.outcome === 'movable' ? all : undefined
    })
    const billing = seen.groups.find(({ groupId }) => groupId === 'billing')
    expect(billing).toMatchObject({ groupId: 'billing', colour: 'blue', fate: { kind: 'translated', lagRecords: 363 }, poison: [] })
    expect(billing?.blue).toEqual({ state: 'Empty', members: 0, partitions: 2, lagRecords: 363 })
    expect(billing?.green.state).toBe('absent')
    const worth = Object.fromEntries((billing?.alternatives ?? []).map((each) => [each.method, each.worth]))
    expect(worth).toEqual({
      'count-back': { redelivered: 0, skipped: 0, partitions: 2 },
      timestamp: expect.objectContaining({ skipped: 0 }),
      snapshot: null,
      checkpoint: null,
    })
    expect(groupsLines(seen, false).join('\n')).toMatch(
      /MOVABLE {2}1 groups, 2 left out by rule[\s\S]*billing +blue +Empty, 363 behind in 2 partitions +- +exact/,
    )
  }, 90_000)

  test('a commit ahead on the target is poison: the gate names it, and only an explicit order clears it', async () => {
    await commit('green', 'billing', 20n, 10n)
    expect((await looked('billing')).poison).toEqual([])
    const translated = (await looked('billing')).positions.find(({ partition }) => partition === 0)?.targetOffset
    await commit('green', 'billing', 300n, 10n)
    expect((await looked('billing')).poison).toEqual([`orders-0 at 300 on green, its position 37 is ${translated} there`])
    expect((await look()).outcome).toBe('refused')
    expect(await refusal(/poisoned/)).toContain(`poisoned groups: fail; observed billing: orders-0 at 300 on green, its position 37 is ${translated} there`)

    const member = await leaveStaticMember(pair.wiring.clusters.green, 'billing', 'seat-9', within(30))
    await expect(resetGroup(pair.ports, 'billing', 'test')).rejects.toMatchObject({
      code: 'reset-refused',
      facts: { observed: 'Stable with 1 members on green' },
    })
    const { groups } = pair.ports.clusters.green
    await groups.removeStaticMembers('billing', [{ memberId: member, groupInstanceId: 'seat-9', clientId: 'kbg' }], within(10))

    const lock = await pair.ports.store.lock('a switchover', 10, within(5))
    await expect(resetGroup(pair.ports, 'billing', 'test')).rejects.toMatchObject({ code: 'locked' })
    await lock.release()
    expect((await committed('green', 'billing')).size).toBe(2)

    const offsets = new Map([['orders-0', 300n], ['orders-1', 10n]]) // biome-ignore format: one line
    expect(await resetGroup(pair.ports, 'billing', 'test')).toEqual({ colour: 'green', offsets })
    expect(await committed('green', 'billing')).toEqual(new Map())
    expect((await committed('blue', 'billing')).size).toBe(2)
    expect((await pair.ports.store.history(within(10))).at(-1)).toMatchObject({
      kind: 'group-reset',
      groupId: 'billing',
      colour: 'green',
      offsets: { 'orders-0': '300' },
    })
    await expect(resetGroup(pair.ports, 'billing', 'test')).rejects.toMatchObject({ code: 'reset-refused', facts: { observed: 'no such group on green' } })
  }, 120_000)

  test('a position that nobody can prove keeps the gate shut until the group is named', async () => {
    await commit('blue', 'lost', 5n, 5n)
    await commit('blue', 'back', 6n, 6n)
    await admin.fetchTopicOffsets('orders') // kafkajs deletes only where it has metadata, and doesn't ask for it itself
    await admin.deleteTopicRecords({ topic: 'orders', partitions: [{ partition: 0, offset: '20' }] })
    expect(await refusal(/groups translatable: fail/)).toMatch(
      /groups translatable: fail; observed back: orders-0: committed offset 6 .*, lost: orders-0: committed offset 5 /,
    )
    expect((await look()).outcome).toBe('refused')
    Object.assign(pair.wiring.unprovenGroups, { lost: 'stay', back: 'redeliver', misspelt: 'stay' })
    expect((await looked('lost')).fate).toEqual({ kind: 'stays' })
    expect((await looked('misspelt')).fate).toEqual({ kind: 'absent' })
    expect((await looked('back')).fate).toMatchObject({ kind: 'redelivered' })
  }, 90_000)
})

describe('a switchover', () => {
  test('moves the others, leaves the named where it is, and removes a static member whose client has acknowledged the hold', async () => {
    for (const groupId of ['seated', 'silent']) await commit('blue', groupId, 112n, 113n)
    await leaveStaticMember(pair.wiring.clusters.blue, 'seated', 'seat-1', within(30))
    await leaveStaticMember(pair.wiring.clusters.blue, 'silent', 'seat-1', within(30))
    await registerSeat()
    await within(60).poll(500, async () => {
      try {
        await pair.moveTo('green', { limits })
        return true
      } catch (thrown) {
        if (thrown instanceof KbgError && thrown.code === 'gate' && !/translatable: fail|poisoned groups: fail/.test(thrown.message)) return undefined
        throw thrown
      }
    })
    const { route } = await pair.ports.store.read(within(10))
    if (route === null) throw new Error('there is no route')
    const readsOn = Object.fromEntries(['billing', 'back', 'seated', 'lost', 'silent'].map((groupId) => [groupId, groupRoute(route, groupId).colour]))
    expect(readsOn).toEqual({ billing: 'green', back: 'green', seated: 'green', lost: 'blue', silent: 'blue' })
    const entries = (await pair.ports.store.history(within(10))).flatMap((entry) => (entry.kind === 'groups' ? [entry] : []))
    expect(entries.flatMap(({ stayed }) => stayed)).toEqual(['lost: named to stay in unprovenGroups', 'silent: still Stable with 1 members'])
    const back = entries.flatMap(({ positions }) => positions).filter(({ groupId, partition }) => groupId === 'back' && partition === 0)
    expect(back).toMatchObject([{ verdict: 'redeliver', reason: expect.stringMatching(/^from source offset 6 on, at most 0 records again: /) }])
    expect(await nextValue('green', (await committed('green', 'back')).get('orders-0') ?? -1n)).toBe('0 6')
  }, 120_000)

  test('is seen from the other side afterwards', async () => {
    const billing = await looked('billing')
    expect(billing).toMatchObject({ colour: 'green', green: { partitions: 2 }, blue: { partitions: 2 } })
    expect((await looked('lost')).colour).toBe('blue')
    for (const colour of colours) expect(billing[colour].lagRecords).toBe(363)
  }, 60_000)
})
