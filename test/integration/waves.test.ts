/** Groups that move while the producers stay, with routed members, a live load, a real audit and the process that writes positions back: all of it over TLS. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { SecureVersion } from 'node:tls'
import kafkajs, { type Producer } from 'kafkajs'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { Kafka, type RoutedConsumer } from '../../client/index.ts'
import { readCredentials } from '../../engine/adapters/local/credentials.ts'
import { destroyRouteStore, provisionRouteStore } from '../../engine/adapters/local/etcd-process.ts'
import { colourDirectory, localAddresses, trafficDirectory } from '../../engine/adapters/local/state.ts'
import { observeWriteBack } from '../../engine/adapters/local/write-back-process.ts'
import { trustIn } from '../../engine/adapters/trust.ts'
import { Catalog } from '../../engine/model/catalog.ts'
import { type Colour, colours } from '../../engine/model/colour.ts'
import { KbgError } from '../../engine/model/error.ts'
import { Limits } from '../../engine/model/limits.ts'
import { topicPartition } from '../../engine/model/partition.ts'
import { groupRoute } from '../../engine/model/route.ts'
import type { Intent } from '../../engine/model/wiring.ts'
import { Deadline, systemClock } from '../../engine/ports/clock.ts'
import type { Actual } from '../../engine/run/execution.ts'
import { moveLive } from '../../engine/run/switchover.ts'
import { isPrivate, leakedSecrets } from '../support/leaked-secrets.ts'
import { type Pair, quickGate, standPair } from '../support/pair.ts'
import { newAuthority } from '../support/tls-servers.ts'
import { handshakeOf, relayTo, type Way, waysInto } from '../support/tls-wrong-ways.ts'

const fleet = `b-waves${process.pid}`
const catalog = Catalog.parse({
  topics: { orders: { partitions: 3 } },
  groups: { dashboard: { wave: 1 }, parked: { wave: 1 }, billing: { wave: 2 } },
})
const within = (seconds: number): Deadline => new Deadline(systemClock, seconds * 1_000, 'the test')

let pair: Pair
const producers = {} as Record<Colour, Producer>
const members: RoutedConsumer[] = []
/** What each group was given, in order, and what was acknowledged. */
const given = { dashboard: [] as { value: number; colour: Colour }[], billing: [] as { value: number; colour: Colour }[] }
const acknowledged: number[] = []
/** A colour on which `dashboard` reads far slower than before. */
let slowOn: Colour | null = null

const operator = () => {
  const { credentialsFile, caFile } = pair.wiring.clusters.blue
  const password = readCredentials(credentialsFile).passwords.operator ?? ''
  return { sasl: { mechanism: 'scram-sha-512', username: 'operator', password }, ssl: { ...trustIn(caFile) } } as const
}

beforeAll(async () => {
  pair = await standPair({ fleet, versions: { blue: '3.9.2', green: '4.3.1' }, catalog, audit: true, writeBack: true, tls: true })
  await pair.createRoute()
  for (const colour of colours) {
    const kafka = new kafkajs.Kafka({ brokers: pair.wiring.clusters[colour].internalBootstrapServers, ...operator(), logLevel: kafkajs.logLevel.NOTHING })
    producers[colour] = kafka.producer({ allowAutoTopicCreation: false })
    await producers[colour].connect()
  }
  await send('blue', 3_000)
  await pair.ports.clusters.blue.groups.commit('parked', new Map([0, 1, 2].map((partition) => [topicPartition('orders', partition), 37n])), within(10))
  for (const groupId of ['dashboard', 'billing'] as const) members.push(await member(groupId))
}, 240_000)

/** What a test that failed left running would fail the next ones; a send that failed has failed the test that awaits it. */
afterEach(async () => {
  await load.stop().catch(() => undefined)
  slowOn = null
})

afterAll(async () => {
  try {
    await Promise.all(members.map((each) => each.disconnect()))
    for (const colour of colours) await producers[colour]?.disconnect()
  } finally {
    await pair?.end()
  }
}, 120_000)

async function send(colour: Colour, count: number): Promise<void> {
  const first = acknowledged.length
  const values = Array.from({ length: count }, (_, index) => first + index)
  await producers[colour].send({ topic: 'orders', acks: -1, messages: values.map((value) => ({ key: `k${value % 7}`, value: String(value) })) })
  acknowledged.push(...values)
}

/** Twenty records every 100 ms on blue. */
const load = {
  timer: undefined as NodeJS.Timeout | undefined,
  sending: Promise.resolve(),
  start() {
    this.sending = Promise.resolve()
    this.timer = setInterval(() => {
      this.sending = this.sending.then(() => send('blue', 20))
    }, 100)
  },
  async stop() {
    clearInterval(this.timer)
    await this.sending
  },
}

async function member(groupId: 'dashboard' | 'billing'): Promise<RoutedConsumer> {
  const { endpoints, credentialsFile, caFile } = pair.wiring.routeStore
  const kafka = new Kafka({
    ...{ clientId: groupId, fleet, ...operator(), logLevel: kafkajs.logLevel.NOTHING },
    routeStore: { endpoints, credentialsFile, caFile },
  })
  const consumer = kafka.consumer({ groupId })
  await consumer.connect()
  await consumer.subscribe({ topics: ['orders'], fromBeginning: true })
  await consumer.run({
    eachMessage: async ({ message, colour }) => {
      if (groupId === 'dashboard' && slowOn === colour) await systemClock.sleep(200)
      given[groupId].push({ value: Number(message.value), colour })
    },
  })
  return consumer
}

/** The gate refuses while mirror or audit are behind; a refused move has touched nothing. */
async function want(consumers: Intent['consumers'], more: { live?: Colour; attempt?: number; limits?: Limits } = {}): Promise<Actual> {
  const { live = 'blue', ...others } = more
  return await within(90).poll(500, async () => {
    try {
      return await pair.moveTo(live, { consumers, ...others })
    } catch (thrown) {
      if (thrown instanceof KbgError && thrown.code === 'finished-earlier') return undefined // what a dead run left; the next update moves
      if (
        thrown instanceof KbgError &&
        thrown.code === 'gate' &&
        /(?:mirror lag|audit|audit watermark|group positions compared): /.test(thrown.message) &&
        !/(?:audit|groups translatable): fail/.test(thrown.message)
      )
        return undefined
      throw thrown
    }
  })
}

const routeNow = async () => (await pair.ports.store.read(within(10))).route

async function allGiven(groupId: 'dashboard' | 'billing'): Promise<void> {
  const wanted = acknowledged.length
  await within(60).poll(100, async () => (given[groupId].length >= wanted ? true : undefined))
}

/** Every acknowledged value once. */
function expectExactlyOnce(groupId: 'dashboard' | 'billing'): void {
  const values = given[groupId].map(({ value }) => value).sort((a, b) => a - b)
  expect(values.length).toBe(acknowledged.length)
  expect(values).toEqual(acknowledged)
}

/** The digests of the records that `parked` would read next on a colour, by partition. */
async function parkedAt(colour: Colour): Promise<readonly string[]> {
  const { groups, logs } = pair.ports.clusters[colour]
  const committed = await groups.committed('parked', within(10))
  const next = await Promise.all(
    [...committed].map(async ([partition, offset]) => `${partition} ${(await logs.visible(partition, offset, offset + 50n, within(10)))[0]?.digest}`),
  )
  return next.sort()
}

describe('a wave', () => {
  test('with a group that commits in a transaction is refused by its name: its application writes too, which the standby would refuse', async () => {
    const brokers = [...pair.wiring.clusters.blue.internalBootstrapServers]
    const producer = new kafkajs.Kafka({ brokers, ...operator(), logLevel: kafkajs.logLevel.NOTHING }).producer({
      transactionalId: 'parked',
      idempotent: true,
    })
    await producer.connect()
    const transaction = await producer.transaction()
    const partitions = [0, 1, 2].map((partition) => ({ partition, offset: '37' }))
    await transaction.sendOffsets({ consumerGroupId: 'parked', topics: [{ topic: 'orders', partitions }] })
    await transaction.commit()
    await producer.disconnect()
    await expect(want({ 'wave-1': 'green' })).rejects.toThrow(/groups of waves: fail; observed commit in transactions: parked;/)
    expect((await routeNow())?.groups).toEqual({})
    await pair.ports.clusters.blue.groups.commit(
      'parked',
      new Map(partitions.map(({ partition, offset }) => [`orders-${partition}`, BigInt(offset)])),
      within(10),
    )
  }, 120_000)

  test('moves to the standby under load: its groups read on there without a gap or a repetition, the other wave and the producers stay', async () => {
    await Promise.all([allGiven('dashboard'), allGiven('billing')])
    load.start()
    const before = await parkedAt('blue')
    const actual = await want({ 'wave-1': 'green' })
    expect(actual).toMatchObject({ live: 'blue', consumers: { 'wave-1': 'green', 'wave-2': 'blue' }, unfinished: false, latch: null })
    await systemClock.sleep(1_000)
    await load.stop()
    await Promise.all([allGiven('dashboard'), allGiven('billing')])
    expectExactlyOnce('dashboard')
    expectExactlyOnce('billing')
    expect(given.dashboard.at(-1)?.colour).toBe('green')
    expect(given.billing.at(-1)?.colour).toBe('blue')
    expect(await parkedAt('green')).toEqual(before)
  }, 180_000)

  test('has what it commits there written back to the live side, at the same record', async () => {
    expect(observeWriteBack({ projectRoot: pair.root, fleet })).not.toBeNull()
    const ends = async () => new Map((await pair.ports.clusters.blue.logs.ends(['orders'], within(10))).map((end) => [end.partition, end.logEndOffset]))
    await within(60).poll(200, async () => {
      const [committed, wanted] = [await pair.ports.clusters.blue.groups.committed('dashboard', within(10)), await ends()]
      return wanted.size === 3 && [...wanted].every(([partition, end]) => committed.get(partition) === end) ? true : undefined
    })
  }, 90_000)

  test('stays where it is while the producers move there, and the other wave follows them', async () => {
    const switched = await want({ 'wave-1': 'green' }, { live: 'green' })
    expect(switched).toMatchObject({ live: 'green', consumers: { 'wave-1': 'green', 'wave-2': 'green' } })
    await send('green', 300)
    await Promise.all([allGiven('dashboard'), allGiven('billing')])
    const back = await want({ 'wave-1': 'green' }, { live: 'blue' })
    expect(back).toMatchObject({ live: 'blue', consumers: { 'wave-1': 'green', 'wave-2': 'blue' } })
    await send('blue', 300)
    await Promise.all([allGiven('dashboard'), allGiven('billing')])
    expectExactlyOnce('dashboard')
    expectExactlyOnce('billing')
  }, 240_000)

  test('goes back to the live side without a gate when the intent no longer names it', async () => {
    load.start()
    const actual = await want({})
    expect(actual.consumers).toEqual({ 'wave-1': 'blue', 'wave-2': 'blue' })
    await load.stop()
    await allGiven('dashboard')
    expectExactlyOnce('dashboard')
    expect(given.dashboard.at(-1)?.colour).toBe('blue')
  }, 120_000)

  test('goes back by itself when its groups do not read on, and the attempt is latched', async () => {
    load.start()
    slowOn = 'green'
    const thrown = await want({ 'wave-1': 'green' }, { limits: Limits.parse({ ...quickGate, waveAnalysisMs: 4_000 }) }).catch((error: unknown) => error)
    slowOn = null
    expect(thrown).toMatchObject({
      code: 'wave-returned',
      actual: { consumers: { 'wave-1': 'blue' }, latch: expect.stringContaining('wave-1 went back: dashboard') },
    })
    await expect(want({ 'wave-1': 'green' })).rejects.toThrow(/route: fail; observed latched at attempt 0/)
    await load.stop()
    await allGiven('dashboard')
    expectExactlyOnce('dashboard')
  }, 120_000)

  test('that a run left held is released by the next one, which then moves it', async () => {
    const { ports } = pair
    const dying = {
      ...ports,
      store: new Proxy(ports.store, {
        get: (store, name) => {
          if (name !== 'write')
            return typeof store[name as keyof typeof store] === 'function' ? (store[name as keyof typeof store] as () => unknown).bind(store) : undefined
          return (...[lock, write, deadline]: Parameters<typeof store.write>) => {
            if (write.entry.kind === 'groups') throw new Error('this run ends here')
            return store.write(lock, write, deadline)
          }
        },
      }),
    }
    const request = {
      wiring: pair.wiring,
      intent: { live: 'blue' as const, attempt: 1, consumers: { 'wave-1': 'green' as const } },
      limits: Limits.parse({ ...quickGate, lockLeaseSeconds: 3 }),
    }
    const epoch = (await routeNow())?.epoch ?? 0
    const run = { ...request, gateEpoch: epoch, holder: 'dies', tell: () => undefined, cancelled: new AbortController().signal }
    await expect(moveLive(dying, run)).rejects.toThrow('this run ends here')
    const between = await routeNow()
    expect(between !== null && groupRoute(between, 'dashboard')).toEqual({ colour: 'blue', state: 'held' })
    const actual = await want({ 'wave-1': 'green' }, { attempt: 1 })
    expect(actual).toMatchObject({ consumers: { 'wave-1': 'green' }, unfinished: false })
    await send('blue', 100)
    await allGiven('dashboard')
    expectExactlyOnce('dashboard')
  }, 180_000)
})

describe('over TLS', () => {
  const ways = () => Object.entries(waysInto(pair.wiring))
  const caFile = () => pair.wiring.routeStore.caFile
  const refusals = async (ask: (way: Way) => Promise<unknown>) =>
    Object.fromEntries(
      await Promise.all(ways().map(async ([name, way]) => [name, await ask(way).then(() => 'taken', (thrown: KbgError) => `${thrown.code} ${thrown.remedy}`)])), // biome-ignore format: one line
    )
  const each = (text: RegExp) => ({
    broker: expect.stringMatching(text),
    'route store': expect.stringMatching(text),
    'Connect REST': expect.stringMatching(text),
  })

  test('everybody is reached by the authority of the fleet, at the address that the certificate names, and nobody otherwise', async () => {
    expect(await refusals(({ ask, endpoint }) => ask(endpoint, caFile()))).toEqual(each(/^taken$/))
    const other = join(pair.root, 'other.pem')
    writeFileSync(other, (await newAuthority()).certificate)
    expect(await refusals(({ ask, endpoint }) => ask(endpoint, other))).toEqual(each(/^tls-untrusted /))
    const relayed = async ({ ask, endpoint }: Way) => {
      const relay = await relayTo(endpoint)
      await ask(relay, caFile()).finally(() => relay.close())
    }
    expect(await refusals(relayed)).toEqual(each(/^tls-name /))
  }, 30_000)

  test('nobody who speaks plaintext is answered, and is told what is missing', async () => {
    expect(await refusals(({ ask, endpoint }) => ask(endpoint, undefined))).toEqual({
      broker: expect.stringMatching(/^deadline /), // it closes without a word, as one that is just starting does; what was thrown at last has the word on caFile (tls.test.ts)
      'route store': expect.stringMatching(/^route-store-unreachable .*needs a caFile/),
      'Connect REST': expect.stringMatching(/^connect-unreachable .*needs https and a caFile/),
    })
  }, 30_000)

  test('every listener takes TLS 1.2 and 1.3, and no older one', async () => {
    const { blue, etcd } = localAddresses(fleet)
    const [node] = blue.nodes
    const listeners = [...(node ? [node.internal, node.controller, node.produce, node.consume] : []), blue.connectRest, etcd.client]
    const spoken = (version: SecureVersion) => Promise.all(listeners.map((listener) => handshakeOf(version, listener)))
    expect(new Set(await spoken('TLSv1.3'))).toEqual(new Set(['TLSv1.3']))
    expect(new Set(await spoken('TLSv1.2'))).toEqual(new Set(['TLSv1.2']))
    expect(await spoken('TLSv1.1')).toEqual(listeners.map(() => 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION'))
  }, 30_000)

  test('a key and the password of a keystore stand in their own private files, in no log, store, argument or connector', () => {
    const files = {
      keystore: join(trafficDirectory('', fleet), 'connect-green', 'secrets', 'logins.properties'),
      key: join(colourDirectory('', fleet, 'green'), 'node-11', 'tls.pem'),
    }
    const [logins, pem] = [files.keystore, files.key].map((file) => readFileSync(join(pair.root, file), 'utf8'))
    const secrets = { keystore: /^keystore=(.{32})$/m.exec(logins ?? '')?.[1] ?? '', key: pem?.split('\n')[5] ?? '' }
    expect(Object.values(secrets).map(({ length }) => length)).toEqual([32, 64])
    expect(leakedSecrets(pair.root, secrets).map(({ where, user }) => [user, where])).toEqual(expect.arrayContaining(Object.entries(files)))
    expect(leakedSecrets(pair.root, secrets)).toHaveLength(2)
    for (const file of Object.values(files)) expect(isPrivate(join(pair.root, file))).toBe(true)
  }, 30_000)

  test('a process whose certificate has expired is not used', async () => {
    const lastYear = { ...systemClock, wallClock: () => new Date(Date.now() - 400 * 86_400_000) }
    const spec = { projectRoot: pair.root, fleet: `${fleet}-old`, subnets: process.platform === 'linux', tls: true }
    try {
      await expect(provisionRouteStore(spec, lastYear, () => undefined, within(20))).rejects.toMatchObject({ code: 'tls-expired', retriable: false })
    } finally {
      await destroyRouteStore(spec, 'remove', within(10))
    }
  }, 30_000)
})
