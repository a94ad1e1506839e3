/** A colour that is watched behind its release: it passes, or it refuses writes and traffic goes back by itself. Real brokers, mirror, audit, etcd and routed clients under load. */
import { randomUUID } from 'node:crypto'
import kafkajs from 'kafkajs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { switchoverFromJournal } from '../../cli/report/from-journal.ts'
import { reportHtml } from '../../cli/report/page.ts'
import { Kafka } from '../../client/index.ts'
import type { RoutedProducer } from '../../client/producer.ts'
import { createAcls, deleteAcls } from '../../engine/adapters/kafka/admin.ts'
import { readCredentials } from '../../engine/adapters/local/credentials.ts'
import { Catalog } from '../../engine/model/catalog.ts'
import type { Colour } from '../../engine/model/colour.ts'
import { KbgError } from '../../engine/model/error.ts'
import { Limits } from '../../engine/model/limits.ts'
import type { Wiring } from '../../engine/model/wiring.ts'
import { Deadline, systemClock } from '../../engine/ports/clock.ts'
import type { AclBinding } from '../../engine/ports/cluster.ts'
import type { Actual } from '../../engine/run/execution.ts'
import type { Ports } from '../../engine/run/ports.ts'
import { describeStatus } from '../../engine/run/status.ts'
import { describePlan, moveLive } from '../../engine/run/switchover.ts'
import { Watcher, type WatchOutcome } from '../../engine/run/watch/keep-watch.ts'
import { type Pair, quickGate, standPair } from '../support/pair.ts'
import { type RegisteredGuardians, registerGuardians } from '../support/registered-guardians.ts'

const fleet = `b-watch${process.pid}`
const user = 'orders-app'
const topic = 'orders'
const within = (seconds: number): Deadline => new Deadline(systemClock, seconds * 1_000, 'the test')
const limits = Limits.parse({ ...quickGate, maxAutomaticRollbacks: 1, watchWindowMs: 6_000, watchSampleIntervalMs: 500, watchFailures: 4 })

const catalog = Catalog.parse({
  topics: { [topic]: { partitions: 2, config: { 'min.insync.replicas': '2' } } },
  users: [user],
  acls: ['Topic', 'Group'].map((resourceType) => ({ principal: `User:${user}`, resourceType, resourceName: '*', operation: 'All' })),
  groups: { billing: {} },
})
/** An application's right that is gone on one colour, as a person's mistake would take it: no fence, which names everybody. */
const mistake: AclBinding = {
  ...{ principal: `User:${user}`, host: '*', resourceType: 'topic', resourceName: topic, patternType: 'literal', operation: 'Write', permission: 'deny' },
}

let pair: Pair
let wiring: Wiring
let producer: RoutedProducer
let guardians: RegisteredGuardians | undefined
const quiet = { logLevel: kafkajs.logLevel.NOTHING }

beforeAll(async () => {
  pair = await standPair({ fleet, versions: { blue: '3.9.2', green: '4.3.1' }, catalog, audit: true })
  wiring = { ...pair.wiring, guardians: ['blue', 'green'] }
  await pair.createRoute()
  guardians = await registerGuardians(pair.ports.store)
  const { routeStore, clusters } = wiring
  const sasl = { mechanism: 'scram-sha-512', username: user, password: readCredentials(clusters.blue.credentialsFile).passwords[user] ?? '' } as const
  producer = new Kafka({
    ...{ fleet, clientId: user, sasl, ...quiet },
    routeStore: { endpoints: routeStore.endpoints, credentialsFile: routeStore.credentialsFile },
  }).producer()
  await producer.connect()
  load.start()
}, 180_000)

afterAll(async () => {
  await load.stop()
  await producer?.disconnect()
  await guardians?.end()
  await pair?.end()
}, 120_000)

/** Three loops of a few records every 60 ms, so that something comes in every look of a busy machine too; what was acknowledged, by whom and when. A send that fails is tried again: only acknowledged ones count. */
const load = {
  acknowledged: [] as { readonly value: number; readonly colour: Colour; readonly atMs: number }[],
  next: 0,
  running: false,
  sending: Promise.resolve([]) as Promise<unknown>,
  start() {
    this.running = true
    this.sending = Promise.all([this.send(), this.send(), this.send()])
  },
  async send() {
    while (this.running) {
      const values = Array.from({ length: 3 }, () => this.next++)
      const messages = values.map((value) => ({ key: `k${value % 7}`, value: `${value}` }))
      const metadata = await producer.send({ topic, acks: -1, messages }).catch(() => null)
      const colour = metadata?.[0]?.colour
      if (colour !== undefined) this.acknowledged.push(...values.map((value) => ({ value, colour, atMs: systemClock.monotonicMs() })))
      await systemClock.sleep(60)
    }
  },
  async stop() {
    this.running = false
    await this.sending
  },
}

const route = async () => {
  const { route: current } = await pair.ports.store.read(within(10))
  if (current === null) throw new Error('no route')
  return current
}
const history = () => pair.ports.store.history(within(10))

/** One update. The gate refuses while mirror, audit or guardians are behind; a refused move has touched nothing and is asked again. */
async function move(live: Colour, attempt: number, ports: Ports = pair.ports): Promise<Actual> {
  const request = { wiring, limits, holder: `test of ${fleet}`, tell: () => undefined, cancelled: new AbortController().signal }
  return await within(60).poll(500, async () => {
    try {
      return await moveLive(ports, { ...request, intent: { live, attempt, consumers: {} }, gateEpoch: (await route()).epoch })
    } catch (thrown) {
      const isBehind = thrown instanceof KbgError && thrown.code === 'gate' && /mirror lag|audit|guardians/.test(thrown.message)
      if (!isBehind || /audit: fail|late records: fail/.test(thrown.message)) throw thrown
      return undefined
    }
  })
}

/** What a guardian does, without its process: `colour` is only who says so. */
function watchBeside(colour: Colour, told: string[] = [], cancelled: AbortSignal = new AbortController().signal, own = limits): Promise<WatchOutcome> {
  const request = {
    wiring,
    limits: own,
    holder: `guardian beside ${colour}`,
    tell: ({ text }: { text: string }) => void told.push(`${colour}: ${text}`),
    cancelled,
  }
  return new Watcher(pair.ports, request).untilEnded()
}

/** Every value that a reader of a colour finds, as kafkajs reads it, up to what is the last visible record when it begins. */
async function valuesOn(colour: Colour): Promise<readonly string[]> {
  const { logs } = pair.ports.clusters[colour]
  const ends = await logs.ends([topic], within(10))
  const last = await logs.lastVisibleOfAll(new Map(ends.map((end) => [end.partition, end.lastStableOffset])), 1, within(10))
  const { internalBootstrapServers, credentialsFile } = wiring.clusters[colour]
  const sasl = { mechanism: 'scram-sha-512', username: 'operator', password: readCredentials(credentialsFile).passwords.operator ?? '' } as const
  const consumer = new kafkajs.Kafka({ brokers: internalBootstrapServers, sasl, ...quiet }).consumer({
    groupId: `kbg-test-reader-${randomUUID()}`,
    maxWaitTimeInMs: 100,
  })
  const values: string[] = []
  const upTo = new Map<string, bigint>()
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  await consumer.run({
    eachBatch: async ({ batch }) => {
      for (const { value } of batch.messages) values.push(`${value}`)
      upTo.set(`${topic}-${batch.partition}`, BigInt(batch.lastOffset()))
    },
  })
  const isRead = () => [...last].every(([partition, [record]]) => record === undefined || (upTo.get(partition) ?? -1n) >= record.offset)
  await within(30).poll(50, async () => (isRead() ? true : undefined))
  await consumer.disconnect()
  return values
}

describe('a target that refuses the application right behind its release', () => {
  const told: string[] = []
  let injectedAtMs = 0

  test('loses its traffic again, by one of two guardians, and the attempt is latched', async () => {
    await move('green', 0)
    expect((await history()).findLast((entry) => entry.kind === 'watch' && entry.what === 'baseline')).toMatchObject({
      ...{ colour: 'blue', baseline: { flows: { [topic]: expect.any(Number) }, appendMs: expect.any(Number), endToEndMs: expect.any(Number), reason: '' } },
    })
    expect(await describeStatus(pair.ports, pair.wiring, Limits.parse({}))).toContain('watch     guardians watch green until ')
    await within(20).poll(50, async () => (load.acknowledged.at(-1)?.colour === 'green' ? true : undefined))
    await createAcls(wiring.clusters.green, [mistake], within(10))
    injectedAtMs = systemClock.monotonicMs()
    const outcomes = await Promise.all([watchBeside('blue', told), watchBeside('green', told)])
    expect(outcomes.map(({ kind }) => kind).toSorted()).toEqual(['ended', 'none'])
    expect(outcomes).toContainEqual({
      kind: 'ended',
      what: 'moved back',
      reason: expect.stringMatching(/writes: fail; observed 4 failed samples in a row.*nothing came into orders/),
    })
    expect(await route()).toMatchObject({ live: 'blue', state: 'open', latch: { attempt: 0, reason: expect.stringContaining('green failed its watch') } })
    // once, by whichever: one that a busy gate refused has tried again, and said so again
    expect((await history()).filter((entry) => entry.kind === 'opened' && entry.automatic !== undefined)).toHaveLength(1)
    expect(told.join('\n')).toContain('traffic goes back to blue')
  }, 90_000)

  test('and every record that was acknowledged is there', async () => {
    const first = await within(30).poll(20, async () => load.acknowledged.find(({ atMs, colour }) => atMs > injectedAtMs && colour === 'blue'))
    console.log(`from the injected refusal until writes were acknowledged on blue: ${Math.round(first.atMs - injectedAtMs)} ms`)
    await load.stop()
    const there = new Set(await valuesOn('blue'))
    const lost = load.acknowledged.filter(({ value }) => !there.has(`${value}`))
    expect(load.acknowledged.some(({ colour }) => colour === 'green')).toBe(true)
    expect(lost).toEqual([])
    load.start()
  }, 60_000)

  test('does not get it again under the same attempt', async () => {
    await expect(move('green', 0)).rejects.toThrow(/latched at attempt 0: green failed its watch/)
    const report = switchoverFromJournal(await history(), { fleet, newest: 2, readAt: systemClock.wallClock(), evidence: null })
    expect(report.watch).toMatchObject({
      colour: 'green',
      outcome: 'failed',
      measures: expect.arrayContaining([expect.objectContaining({ name: 'writes', verdict: 'fail' })]),
    })
    expect(reportHtml(report)).toContain('nothing came into orders')
  }, 60_000)
})

describe('the same target where guardians may not move traffic', () => {
  test('is left by the operator, though its rights differ still: by a gate that asks it no more than a fence, a drain and a copy need, and without loss', async () => {
    await deleteAcls(wiring.clusters.green, [mistake], within(10))
    await move('green', 1)
    await within(20).poll(50, async () => (load.acknowledged.at(-1)?.colour === 'green' ? true : undefined))
    await createAcls(wiring.clusters.green, [mistake], within(10))
    const halted = await watchBeside('blue', [], undefined, { ...limits, maxAutomaticRollbacks: 0 })
    expect(halted).toMatchObject({ kind: 'ended', what: 'halted', reason: 'limits.maxAutomaticRollbacks is 0' })
    const plan = await describePlan(pair.ports, wiring, { live: 'blue', attempt: 1, consumers: {} }, limits, within(10))
    expect(plan).toMatch(/green has failed its watch \(writes: .*\): this is the way off it/)
    expect(await move('blue', 1)).toMatchObject({ live: 'blue', state: 'open', unfinished: false, latch: null })
    expect((await history()).findLast(({ kind }) => kind === 'opened')).toMatchObject({
      source: 'green',
      target: 'blue',
      sick: expect.stringMatching(/^writes: /),
    })
    await within(20).poll(50, async () => (load.acknowledged.at(-1)?.colour === 'blue' ? true : undefined))
    await load.stop()
    const there = new Set(await valuesOn('blue'))
    expect(load.acknowledged.filter(({ value }) => !there.has(`${value}`))).toEqual([])
    load.start()
  }, 90_000)
})

describe('a target that is sound', () => {
  const late = { key: 'late', value: 'past its check', headers: { trace: ['a', 'b'] } }
  let copied: readonly string[] = []

  test('passes its watch, also when the first guardian is gone; a record that came behind the cut is carried over', async () => {
    await deleteAcls(wiring.clusters.green, [mistake], within(10))
    // Stands in for a request of an application that had passed its permission check before the fence: the operator, whom no fence stops, appends behind the decided cut.
    const straggler = async (deadline: Deadline) => {
      await appendAsOperator('blue', late)
      await pair.ports.clusters.green.fence.lift(deadline)
    }
    const fence = new Proxy(pair.ports.clusters.green.fence, { get: (target, name) => (name === 'lift' ? straggler : bound(target, name)) })
    const green = { ...pair.ports.clusters.green, fence }
    await move('green', 1, { ...pair.ports, clusters: { ...pair.ports.clusters, green } })
    const entries = (await history()).filter((entry) => entry.kind === 'late')
    expect(entries.map(({ what, records, colour }) => `${what} ${records} ${colour}`)).toEqual(['found 1 blue', 'appended 1 blue'])
    const [found, appended] = entries
    const [original] = await pair.ports.clusters.blue.logs.copies(
      found?.partition ?? '',
      BigInt(found?.sourceOffset ?? 0),
      BigInt(found?.sourceEnd ?? 0),
      within(10),
    )
    const at = BigInt(appended?.targetOffset ?? 0)
    const [copy] = await pair.ports.clusters.green.logs.copies(found?.partition ?? '', at, at + 1n, within(10))
    expect(copy).toMatchObject({
      key: Buffer.from('late'),
      value: Buffer.from('past its check'),
      headers: original?.headers,
      timestamp: original?.timestamp,
      digest: original?.digest,
    })
    expect(copy?.headers.map(([name, value]) => `${name} ${value}`)).toEqual(['trace a', 'trace b'])
    const gone = new AbortController()
    const first = watchBeside('blue', [], gone.signal)
    setTimeout(() => gone.abort(new KbgError('closed', 'This guardian is gone.')), 1_500)
    await expect(first).rejects.toThrow('This guardian is gone.')
    expect(await watchBeside('green')).toEqual({ kind: 'ended', what: 'passed', reason: '' })
    expect(await describeStatus(pair.ports, pair.wiring, Limits.parse({}))).toMatch(
      /watch {5}green did as well as the other colour before it\nlate {6}1 of orders-\d came on blue at \d+, behind the cut; appended to the other colour at \d+/,
    )
    copied = await valuesOn('green')
    expect(copied.filter((value) => value === late.value)).toHaveLength(1)
  }, 90_000)

  test('can not go back while the other side holds a late record, which the gate names', async () => {
    await expect(move('blue', 1)).rejects.toThrow(/late records: fail; observed orders-\d \(1 at \d+\); required no partition of blue that holds some/)
    expect(await route()).toMatchObject({ live: 'green', state: 'open' })
    await load.stop()
    const there = new Set(await valuesOn('green'))
    expect(load.acknowledged.filter(({ value }) => !there.has(`${value}`))).toEqual([])
  }, 60_000)
})

async function appendAsOperator(colour: Colour, message: { key: string; value: string; headers: Record<string, string[]> }): Promise<void> {
  const { internalBootstrapServers, credentialsFile } = wiring.clusters[colour]
  const sasl = { mechanism: 'scram-sha-512', username: 'operator', password: readCredentials(credentialsFile).passwords.operator ?? '' } as const
  const operator = new kafkajs.Kafka({ brokers: internalBootstrapServers, sasl, ...quiet }).producer({ allowAutoTopicCreation: false })
  await operator.connect()
  await operator.send({ topic, acks: -1, messages: [{ ...message, timestamp: '1700000000123' }] })
  await operator.disconnect()
}

/** A method of an object, as its own. */
function bound(target: object, name: string | symbol): unknown {
  const own = Reflect.get(target, name)
  return typeof own === 'function' ? own.bind(target) : own
}
