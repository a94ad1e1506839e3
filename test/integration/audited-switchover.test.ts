/** What the audit is to a switchover: the gate's verdict, the cut's proof, and the groups' positions. Real brokers, mirror, etcd and audit worker. */
import kafkajs, { type Admin, type Producer } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { destroyAudit } from '../../engine/adapters/local/audit-process.ts'
import { readCredentials } from '../../engine/adapters/local/credentials.ts'
import { Catalog } from '../../engine/model/catalog.ts'
import { type Colour, colours } from '../../engine/model/colour.ts'
import { KbgError } from '../../engine/model/error.ts'
import { topicPartition } from '../../engine/model/partition.ts'
import type { Intent } from '../../engine/model/wiring.ts'
import { Deadline, systemClock } from '../../engine/ports/clock.ts'
import { type Ended, kbgBesideGuardian, runOrchestrator } from '../support/orchestrator-program.ts'
import { type Pair, standPair } from '../support/pair.ts'

const fleet = `b-audited${process.pid}`
const catalog = Catalog.parse({ topics: { orders: { partitions: 3 } }, groups: { billing: {} } })
const within = (seconds: number): Deadline => new Deadline(systemClock, seconds * 1_000, 'the test')

let pair: Pair
/** How the making of the first route ended. */
let first: Ended
let sent = 0
const producers = {} as Record<Colour, Producer>
const admins = {} as Record<Colour, Admin>

beforeAll(async () => {
  pair = await standPair({ fleet, versions: { blue: '3.9.2', green: '4.3.1' }, catalog, audit: true })
  first = await runOrchestrator(pair.wiring, { live: 'blue' })
  for (const colour of colours) {
    const { internalBootstrapServers, credentialsFile } = pair.wiring.clusters[colour]
    const sasl = { mechanism: 'scram-sha-512', username: 'operator', password: readCredentials(credentialsFile).passwords.operator ?? '' } as const
    const kafka = new kafkajs.Kafka({ brokers: internalBootstrapServers, sasl, logLevel: kafkajs.logLevel.NOTHING })
    producers[colour] = kafka.producer({ allowAutoTopicCreation: false })
    admins[colour] = kafka.admin()
    await Promise.all([producers[colour].connect(), admins[colour].connect()])
  }
}, 180_000)

afterAll(async () => {
  for (const colour of colours) await Promise.all([producers[colour]?.disconnect(), admins[colour]?.disconnect()])
  await pair?.end()
}, 120_000)

async function send(colour: Colour, count: number): Promise<void> {
  const messages = Array.from({ length: count }, (_, index) => ({ key: `k${(sent + index) % 7}`, value: `${sent + index}` }))
  await producers[colour].send({ topic: 'orders', acks: -1, messages })
  sent += count
}

/** The gate refuses while mirror or audit are behind; a refused move has touched nothing. */
async function move(live: Colour, attempt = 0): Promise<void> {
  await within(60).poll(500, async () => {
    try {
      await pair.moveTo(live, { attempt })
      return true
    } catch (thrown) {
      if (thrown instanceof KbgError && thrown.code === 'gate' && !/audit( retention)?: fail/.test(thrown.message)) return undefined
      throw thrown
    }
  })
}

/** The same of the program, which an update would start again. */
async function untilGated(intent: Partial<Intent>, stopAt?: string): Promise<Ended> {
  return await within(60).poll(500, async () => {
    const ended = await runOrchestrator(pair.wiring, intent, stopAt)
    return ended.refusal.startsWith('ended: gate:') ? undefined : ended
  })
}

const history = () => pair.ports.store.history(within(10))

/** The group at one offset of every partition. kafkajs' own admin would join it for five seconds. */
const commit = (colour: Colour, offset: bigint) =>
  pair.ports.clusters[colour].groups.commit('billing', new Map([0, 1, 2].map((partition) => [topicPartition('orders', partition), offset])), within(10))

/** The values that a group at its committed offsets on a colour would read next. */
async function nextValues(colour: Colour): Promise<readonly string[]> {
  const [own] = await admins[colour].fetchOffsets({ groupId: 'billing', topics: ['orders'] })
  const found = await Promise.all(
    (own?.partitions ?? []).map(async ({ partition, offset }) => {
      const [end] = (await pair.ports.clusters[colour].logs.ends(['orders'], within(10))).filter((each) => each.partition === `orders-${partition}`)
      const [next] = await pair.ports.clusters[colour].logs.visible(`orders-${partition}`, BigInt(offset), end?.logEndOffset ?? 0n, within(10))
      return `${partition}: ${next?.digest ?? 'end'}`
    }),
  )
  return found.sort()
}

describe('a switchover with an audit', () => {
  test('carries its proof in the cut, and moves a group by the map to the same record', async () => {
    await send('blue', 900)
    await commit('blue', 37n)
    const before = await nextValues('blue')
    await move('green')
    const entries = await history()
    const decided = entries.findLast((entry) => entry.kind === 'decided')
    expect(decided).toMatchObject({ outcome: 'switch', cut: { audit: { partitions: 3, alignedRecords: '900' } } })
    const groups = entries.findLast((entry) => entry.kind === 'groups')
    expect(groups).toMatchObject({ moved: ['billing'], stayed: [] })
    const positions = groups?.kind === 'groups' ? groups.positions : []
    expect(positions.map(({ method, verdict }) => `${method} ${verdict}`)).toEqual(['map exact', 'map exact', 'map exact'])
    expect(await nextValues('green')).toEqual(before)
  }, 120_000)

  test('goes back by the same map, over what was written natively on the other side', async () => {
    await send('green', 600)
    await commit('green', 330n)
    const before = await nextValues('green')
    await move('blue')
    expect((await history()).findLast((entry) => entry.kind === 'decided')).toMatchObject({ cut: { audit: { alignedRecords: '1500' } } })
    expect(await nextValues('blue')).toEqual(before)
  }, 120_000)

  test('is what the program of a job on Kubernetes runs: the first route, a move that is told to stop, its latch, and the next attempt', async () => {
    expect(first).toMatchObject({ code: 0, refusal: '', lines: expect.arrayContaining(['create: opening blue; green stays fenced']) })
    const stopped = await untilGated({ live: 'green' }, 'hold: holding producers')
    expect(stopped).toMatchObject({
      code: 1,
      refusal: expect.stringMatching(/^ended: aborted: The switchover blue -> green was taken back: blue is live, nothing was lost\. .*SIGTERM/),
    })
    const latched = await runOrchestrator(pair.wiring, { live: 'green' })
    expect(latched).toMatchObject({
      code: 1,
      refusal: expect.stringMatching(/^ended: gate: The gate is fail, so nothing was moved:\n {2}route: fail; observed latched at attempt 0/),
    })
    expect(await untilGated({ live: 'green', attempt: 1 })).toMatchObject({ code: 0, refusal: '' })
    const { code, lines, refusal } = await untilGated({ live: 'blue', attempt: 1 })
    expect([code, refusal]).toEqual([0, ''])
    expect(lines.at(-1)).toMatch(/^end: blue is live at epoch \d+$/)
  }, 120_000)

  test('is looked at from a guardian’s pod: kbg is told there what is wired by what the guardian is started with', async () => {
    const status = await kbgBesideGuardian(pair.wiring, 'status')
    expect(status).toMatchObject({ code: 0, said: expect.stringMatching(/blue/) })
    const abort = await kbgBesideGuardian(pair.wiring, 'abort')
    expect(abort).toEqual({ code: 0, said: 'Nothing is being moved: blue is live. There is nothing to take back.\n' })
    const repair = await kbgBesideGuardian(pair.wiring, 'repair')
    expect(repair).toMatchObject({
      code: 0,
      said: expect.stringMatching(/^Nothing was left open, and the fences follow the route: blue is live at epoch \d+\.\n$/),
    })
  }, 60_000)

  test('is refused while the standby has deleted what the live side still holds', async () => {
    const lost = async () => (await pair.ports.audit?.facts(within(5)))?.partitions.find(({ partition }) => partition === 'orders-0')?.lost
    const remove = async (colour: Colour, offset: string) => {
      await admins[colour].fetchTopicOffsets('orders') // kafkajs deletes only where it has metadata
      await admins[colour].deleteTopicRecords({ topic: 'orders', partitions: [{ partition: 0, offset }] })
    }
    await remove('green', '50')
    await within(20).poll(50, async () => ((await lost())?.green ? true : undefined))
    await expect(move('green')).rejects.toThrow(/audit retention: fail; observed green deleted first in orders-0/)
    await remove('blue', '100')
    await within(20).poll(50, async () => ((await lost())?.green === 0 ? true : undefined))
    expect((await lost())?.blue).toBeGreaterThan(0)
  }, 60_000)

  test('is refused by the gate when the standby holds a record that the live side lacks', async () => {
    await producers.green.send({ topic: 'orders', acks: -1, messages: [{ value: 'foreign', partition: 1 }] })
    await send('blue', 60)
    const refused = await pair.moveTo('green').then(
      () => 'moved',
      (thrown: unknown) => String(thrown),
    )
    expect(refused).toMatch(/gate: The gate is (fail|inconclusive)/)
    await expect(move('green')).rejects.toThrow(/audit: fail; observed orders-1: /)
    expect((await pair.ports.store.read(within(10))).route?.live).toBe('blue')
  }, 120_000)

  test('is refused when the audit does not answer', async () => {
    await destroyAudit({ projectRoot: pair.root, fleet }, 'keep', within(20))
    await expect(pair.moveTo('green')).rejects.toThrow(/audit: inconclusive/)
  }, 60_000)
})
