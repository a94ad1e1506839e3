/**
 * The live colour is gone, and comes back: real brokers, mirror, etcd, audit and guardians. Judged by what a producer was told, by independent reads of both colours, and by a client that doesn't follow the
 * route.
 */
import kafkajs, { type Producer } from 'kafkajs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { observeCluster, startDeadBrokers } from '../../engine/adapters/local/cluster.ts'
import { readCredentials } from '../../engine/adapters/local/credentials.ts'
import { Catalog } from '../../engine/model/catalog.ts'
import type { Colour } from '../../engine/model/colour.ts'
import { Limits } from '../../engine/model/limits.ts'
import { Deadline, systemClock } from '../../engine/ports/clock.ts'
import { describePlan } from '../../engine/run/switchover.ts'
import { mirrorRecord } from '../../engine/switchover/journal-reading.ts'
import { type Pair, quickGate, standPair } from '../support/pair.ts'

const fleet = `b-failover${process.pid}`
const user = 'orders-app'
const limits = Limits.parse({ ...quickGate, lockLeaseSeconds: 3 })
const within = (seconds: number): Deadline => new Deadline(systemClock, seconds * 1_000, 'the test')
const catalog = Catalog.parse({
  topics: { orders: { partitions: 3, config: { 'min.insync.replicas': '2' } } },
  users: [user],
  acls: ['Topic', 'Group'].map((resourceType) => ({ principal: `User:${user}`, resourceType, resourceName: '*', operation: 'All' })),
  groups: { billing: {} },
})

let pair: Pair
const producers: Producer[] = []

beforeAll(async () => {
  pair = await standPair({ fleet, versions: { blue: '3.9.2', green: '4.3.1' }, catalog, audit: true, guardians: limits })
  await pair.createRoute()
}, 240_000)

afterAll(async () => {
  for (const producer of producers) await producer.disconnect()
  await pair?.end()
}, 120_000)

/** A client of its own, which knows one colour and no route. */
async function producerOf(colour: Colour, retries: number): Promise<Producer> {
  const { produceBootstrapServers, credentialsFile } = pair.wiring.clusters[colour]
  const sasl = { mechanism: 'scram-sha-512', username: user, password: readCredentials(credentialsFile).passwords[user] ?? '' } as const
  const kafka = new kafkajs.Kafka({ brokers: produceBootstrapServers, sasl, retry: { retries, initialRetryTime: 50 }, logLevel: kafkajs.logLevel.NOTHING })
  const producer = kafka.producer({ allowAutoTopicCreation: false })
  await producer.connect()
  producers.push(producer)
  return producer
}

async function valuesOn(colour: Colour): Promise<ReadonlySet<string>> {
  const { logs } = pair.ports.clusters[colour]
  const ends = await logs.ends(['orders'], within(10))
  const copies = await Promise.all(
    ends.map(({ partition, logStartOffset, lastStableOffset }) => logs.copies(partition, logStartOffset, lastStableOffset, within(10))),
  )
  return new Set(copies.flat().map(({ value }) => Buffer.from(value ?? []).toString()))
}

const unmatched = async () => (await pair.ports.audit?.facts(within(5)))?.partitions.reduce((sum, partition) => sum + (partition.unmatched?.blue ?? 0), 0) ?? 0
/** How many brokers of blue each guardian says that it reaches. */
const reaching = async () => (await pair.ports.store.sights(within(5))).map(({ beside, reaches }) => `${beside} reaches ${reaches.blue.length}`).toSorted()
const reading = () => pair.ports.store.read(within(10))

test('the loss is stated first, the move takes its number, and the colour that returns is fenced', async () => {
  const acked: string[] = []
  const sent: string[] = []
  const producer = await producerOf('blue', 0)
  const send = async () => {
    const values = Array.from({ length: 10 }, (_, index) => `${acked.length + index}`)
    sent.push(...values)
    await producer.send({ topic: 'orders', acks: -1, messages: values.map((value) => ({ key: value, value })) })
    acked.push(...values)
  }
  for (let turn = 0; turn < 20; turn += 1) await send()
  const connector = mirrorRecord((await reading()).journal, 'blue')?.connector ?? ''
  await within(60).poll(200, async () => ((await valuesOn('green')).size === acked.length ? true : undefined))
  await pair.ports.mirrors.blue.stop(connector, within(20))
  for (let turn = 0; turn < 4; turn += 1) await send()
  await within(20).poll(100, async () => ((await unmatched()) === 40 ? true : undefined))
  const counted = await describePlan(pair.ports, pair.wiring, { live: 'green', attempt: 0, consumers: {}, acceptLoss: 39 }, limits, within(10))
  expect(counted).toMatch(/loss accepted: fail; observed 40 records of blue aren't on green: orders-.*required at most 39 \(acceptLoss\)/)
  await within(30).poll(200, async () => ((await reaching()).join() === 'blue reaches 3,green reaches 3' ? true : undefined))
  const killed = (async () => {
    for (;;) await send()
  })().catch(() => undefined) // until nobody answers
  await systemClock.sleep(200)
  const brokers = observeCluster(pair.root, fleet, 'blue')?.brokers ?? []
  for (const { pid } of brokers) process.kill(pid ?? 0, 'SIGKILL')
  await killed
  await within(30).poll(200, async () => ((await reaching()).join() === 'blue reaches 0,green reaches 0' ? true : undefined))

  const intent = { live: 'green', attempt: 0, consumers: {} } as const
  const preview = await describePlan(pair.ports, pair.wiring, intent, limits, within(4))
  const known = Number(/blue is gone: at least (\d+) records of blue would be lost/.exec(preview)?.[1])
  expect(known, preview).toBeGreaterThanOrEqual(40)
  const word = /pulumi config set failover (\S+) on/.exec(preview)?.[1] ?? ''
  expect(word).toMatch(new RegExp(`^${known}@\\d+\\.\\d+$`))
  await expect(pair.moveTo('green', { failover: word.replace(/^\d+/, `${known + 1}`) })).rejects.toThrow(/loss accepted: fail/)
  expect((await reading()).route).toMatchObject({ live: 'blue', state: 'open' })
  const startedMs = systemClock.monotonicMs()
  const lines: string[] = []
  expect(await pair.moveTo('green', { failover: word, tell: ({ text }) => lines.push(text) })).toMatchObject({ live: 'green', state: 'open' })
  const failoverMs = Math.round(systemClock.monotonicMs() - startedMs)

  expect(lines.join('\n')).toMatch(/nothing is there of billing: with auto\.offset\.reset=latest they skip/)

  const straggler = await producerOf('green', 0) // only to know that green is open
  await straggler.send({ topic: 'orders', acks: -1, messages: [{ value: 'behind' }] })
  const { acceptedMs, accepted } = await returned()

  const [onBlue, onGreen] = [await valuesOn('blue'), await valuesOn('green')]
  const lost = acked.filter((value) => !onGreen.has(value))
  const missing = sent.filter((value) => !onGreen.has(value))
  console.log(
    `failover ${failoverMs} ms; stated at least ${known}, lost by the producer's history ${lost.length} of ${acked.length} acknowledged, ${missing.length} of ${sent.length} sent; ` +
      `accepted on blue after its return: ${accepted} records within ${Math.round(acceptedMs)} ms`,
  )
  // the statement counts what stood on blue, and so records of the last send that it took and never acknowledged
  expect(missing.length).toBeGreaterThanOrEqual(known)
  expect(lost.filter((value) => !onBlue.has(value))).toEqual([])
  await expect(pair.moveTo('blue', { attempt: 1 })).rejects.toThrow(
    /diverged: fail; observed blue has diverged: a failover left it at .* with at least \d+ records/,
  )
}, 180_000)

/** Blue comes back while a client that knows nothing of the route tries to write there; until a guardian has fenced it on every broker. */
async function returned(): Promise<{ readonly acceptedMs: number; readonly accepted: number }> {
  let [firstMs, lastMs, accepted] = [0, 0, 0]
  const over = new AbortController()
  const writing = (async () => {
    let stale: Producer | undefined
    while (!over.signal.aborted) {
      try {
        stale ??= await producerOf('blue', 0)
        await stale.send({ topic: 'orders', acks: 1, messages: [{ value: `stale ${accepted}` }] })
        lastMs = systemClock.monotonicMs()
        firstMs ||= lastMs
        accepted += 1
      } catch {
        await systemClock.sleep(20) // refused, or not there yet
      }
    }
  })()
  await startDeadBrokers(pair.root, fleet, 'blue', () => undefined, within(60))
  await within(30).poll(20, async () => {
    const answers = await pair.ports.clusters.blue.fence.probe(within(5)).catch(() => [])
    return answers.length === 3 && answers.every(({ answer }) => answer === 'fenced') ? true : undefined
  })
  await systemClock.sleep(500)
  over.abort()
  await writing
  return { acceptedMs: lastMs - firstMs, accepted }
}
