/** What runs between two real colours when something comes in between: brokers, mirror workers, etcd and clients are the product's own, only the stacks are left out. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import kafkajs from 'kafkajs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { switchoverFromJournal } from '../../cli/report/from-journal.ts'
import { JournaledSwitchover } from '../../cli/report/journaled.ts'
import { reportHtml } from '../../cli/report/page.ts'
import { Kafka } from '../../client/index.ts'
import type { RoutedProducer } from '../../client/producer.ts'
import { createAcls, createTopics, deleteAcls, upsertScramUsers } from '../../engine/adapters/kafka/admin.ts'
import { fenceBindings } from '../../engine/adapters/kafka/fence.ts'
import { observeCluster } from '../../engine/adapters/local/cluster.ts'
import { readCredentials } from '../../engine/adapters/local/credentials.ts'
import { bindingText } from '../../engine/gate/catalog-parity.ts'
import { Catalog } from '../../engine/model/catalog.ts'
import { type Colour, colours, otherColour } from '../../engine/model/colour.ts'
import { KbgError } from '../../engine/model/error.ts'
import { Hook, HookPayload } from '../../engine/model/hook.ts'
import { Limits } from '../../engine/model/limits.ts'
import { Deadline, systemClock } from '../../engine/ports/clock.ts'
import type { RouteStore } from '../../engine/ports/route-store.ts'
import { createRoute } from '../../engine/run/create-route.ts'
import type { Actual } from '../../engine/run/execution.ts'
import type { Ports } from '../../engine/run/ports.ts'
import type { Progress } from '../../engine/run/progress.ts'
import { moveLive, observeActual } from '../../engine/run/switchover.ts'
import { departures, type RouteWrite } from '../../engine/switchover/conformance.ts'
import { mirrorRecord, openSwitch } from '../../engine/switchover/journal-reading.ts'
import { type Pair, quickGate, standPair } from '../support/pair.ts'
import { restWorker } from '../support/rest-worker.ts'

const fleet = `b-run${process.pid}`
const user = 'orders-app'
const topic = 'orders'
const newcomer = 'newcomer'
const idle = 'idle'
const within = (seconds: number): Deadline => new Deadline(systemClock, seconds * 1_000, 'the test')

const catalog = Catalog.parse({
  topics: { [topic]: { partitions: 2, config: { 'min.insync.replicas': '2' } } },
  users: [user],
  acls: ['Topic', 'Group'].map((resourceType) => ({ principal: `User:${user}`, resourceType, resourceName: '*', operation: 'All' })),
  groups: { [newcomer]: {}, [idle]: {} },
})

/** Every payload that the hooks of this fleet got, a line each. */
const toldDir = mkdtempSync(join(tmpdir(), 'kbg-told-'))
const told = () =>
  readFileSync(join(toldDir, 'told'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => HookPayload.parse(JSON.parse(line)))
const noted = { name: 'noted', events: ['pre', 'post', 'rollback', 'abort'], command: ['tee', '-a', join(toldDir, 'told')] } as const
const frozen = Hook.parse({ name: 'change-freeze', events: ['confirm'], command: ['sh', '-c', 'echo no changes on fridays >&2; exit 1'] })

let pair: Pair
let ports: Ports
let producer: RoutedProducer
let sent = 0
const ends: (() => Promise<unknown>)[] = []
/** Every version of the route that a move has written. */
const routeWrites: RouteWrite[] = []

beforeAll(async () => {
  pair = await standPair({
    fleet,
    versions: { blue: '3.9.2', green: '4.3.1' },
    catalog,
    hooks: [{ ...noted, events: [...noted.events], command: [...noted.command] }],
  })
  ports = { ...pair.ports, store: noting(pair.ports.store) }
  await pair.createRoute()
  producer = routed().producer()
  await producer.connect()
  ends.unshift(() => producer.disconnect())
  await send(50)
}, 180_000)

afterAll(async () => {
  for (const end of ends) await end()
  await pair?.end()
  rmSync(toldDir, { recursive: true })
}, 120_000)

function routed(): Kafka {
  const password = readCredentials(pair.wiring.clusters.blue.credentialsFile).passwords[user] ?? ''
  const routeStore = { endpoints: pair.wiring.routeStore.endpoints, credentialsFile: pair.wiring.routeStore.credentialsFile }
  const sasl = { mechanism: 'scram-sha-512', username: user, password } as const
  return new Kafka({ fleet, routeStore, clientId: user, sasl, logLevel: kafkajs.logLevel.NOTHING })
}

/** Sends so many records, numbered on. */
async function send(count: number): Promise<void> {
  const messages = Array.from({ length: count }, (_, index) => ({ key: `k${(sent + index) % 7}`, value: `${sent + index}` }))
  await producer.send({ topic, acks: -1, messages })
  sent += count
}

/** An object whose methods are another's, but for those given here. */
function overriding<T extends object>(original: T, over: Partial<T>): T {
  return new Proxy(original, {
    get: (target, name) => {
      const own = Reflect.get(name in over ? over : target, name)
      return typeof own === 'function' && !(name in over) ? own.bind(target) : own
    },
  })
}

/** A step before which a fence lands on a colour that is live by then. */
function fencedFirst(colour: Colour, step: (name: string, deadline: Deadline) => Promise<void>) {
  return async (name: string, deadline: Deadline): Promise<void> => {
    await createAcls(pair.wiring.clusters[colour], fenceBindings.slice(0, 1), deadline)
    await deadline.poll(20, async () => ((await answers(colour)).includes('fenced') ? true : undefined))
    await step(name, deadline)
  }
}

/** A store that notes which version of the route was written with which entry. */
function noting(store: RouteStore): RouteStore {
  const write: RouteStore['write'] = async (lock, { route, entry, ...expected }, deadline) => {
    const written = await store.write(lock, { route, entry, ...expected }, deadline)
    if (route !== null) routeWrites.push({ entryNumber: entry.number, route })
    return written
  }
  return overriding(store, { write })
}

interface Move {
  readonly attempt?: number
  /** The real ports, with something added to one of their calls. */
  readonly through?: Ports
  readonly tell?: Progress
  /** Hooks besides the pair's own. */
  readonly hooks?: readonly Hook[]
}

const request = (live: Colour, { attempt = 0, tell = () => undefined, hooks = [] }: Move) => ({
  ...{
    wiring: { ...pair.wiring, hooks: [...pair.wiring.hooks, ...hooks] },
    intent: { live, attempt, consumers: {} },
    limits: Limits.parse(quickGate),
    holder: `test of ${fleet}`,
    tell,
  },
  cancelled: new AbortController().signal,
})

/** One update, however it ends: what it wrote down keeps to the protocol. */
async function move(live: Colour, how: Move = {}): Promise<Actual> {
  try {
    return await moveWithoutLag(live, how)
  } finally {
    expect(departures(await ports.store.history(within(10)), routeWrites)).toEqual([])
  }
}

/** A busy machine makes the mirror lag; a gate that refuses for that has touched nothing and is asked again. */
async function moveWithoutLag(live: Colour, how: Move): Promise<Actual> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await moveLive(how.through ?? ports, { ...request(live, how), gateEpoch: (await route()).epoch })
    } catch (thrown) {
      const isLag = thrown instanceof KbgError && thrown.code === 'gate' && /mirror lag/.test(thrown.message)
      if (!isLag || tries === 5) throw thrown
    }
  }
}

async function refusal(work: Promise<unknown>): Promise<KbgError> {
  const thrown = await work.then(
    () => 'no error',
    (error: unknown) => error,
  )
  if (thrown instanceof KbgError) return thrown
  throw new Error(`expected a refusal, got ${thrown}`)
}

const reading = () => ports.store.read(within(10))

async function route() {
  const { route: current } = await reading()
  if (current === null) throw new Error('no route')
  return current
}

const answers = async (colour: Colour) => [...new Set((await ports.clusters[colour].fence.probe(within(10))).map((probe) => probe.answer))]

async function connectorStates(): Promise<readonly string[]> {
  const states = await Promise.all(
    colours.map(async (source) => {
      const names = (await ports.mirrors[source].connectors(within(10))).filter((name) => name.startsWith('kbg-mirror-'))
      return Promise.all(names.map(async (name) => `${name} ${(await ports.mirrors[source].facts(name, within(10))).state}`))
    }),
  )
  return states.flat().toSorted()
}

async function expectLive(live: Colour): Promise<void> {
  expect(await route()).toMatchObject({ live, state: 'open', target: null })
  expect([await answers(live), await answers(otherColour(live))]).toEqual([['open'], ['fenced']])
  const { journal } = await reading()
  expect(openSwitch(journal)).toBeNull()
  const connector = mirrorRecord(journal, live)?.connector
  expect(await connectorStates()).toEqual([`${connector} RUNNING`])
}

/** Work by kafkajs as the super user `admin` of a colour. */
async function asAdmin<T>(colour: Colour, work: (kafka: kafkajs.Kafka) => Promise<T>): Promise<T> {
  const { internalBootstrapServers, credentialsFile } = pair.wiring.clusters[colour]
  const sasl = { mechanism: 'plain', username: 'admin', password: readCredentials(credentialsFile).passwords.admin ?? '' } as const
  return await work(new kafkajs.Kafka({ brokers: [...internalBootstrapServers], sasl, logLevel: kafkajs.logLevel.NOTHING }))
}

async function administer(colour: Colour, work: (admin: kafkajs.Admin) => Promise<unknown>): Promise<void> {
  await asAdmin(colour, async (kafka) => {
    const admin = kafka.admin()
    await admin.connect()
    await work(admin).finally(() => admin.disconnect())
  })
}

const retention = (value: string | null) => (admin: kafkajs.Admin) =>
  admin.alterConfigs({
    validateOnly: false,
    resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: topic, configEntries: configs(value) }],
  })
/** AlterConfigs sets all of a topic's own configs. */
const configs = (retentionMs: string | null) => [
  { name: 'min.insync.replicas', value: '2' },
  ...(retentionMs === null ? [] : [{ name: 'retention.ms', value: retentionMs }]),
]

test('a hook that does not confirm refuses the switchover behind its gate, and nothing is touched', async () => {
  const before = await reading()
  const states = await connectorStates()
  const error = await refusal(move('green', { hooks: [frozen] }))
  expect(error).toMatchObject({ code: 'not-confirmed', facts: { hook: 'change-freeze', said: 'exit code 1: no changes on fridays' } })
  expect(await reading()).toMatchObject({ routeRevision: before.routeRevision, journalHead: before.journalHead, lock: null })
  expect(await connectorStates()).toEqual(states)
  await send(5)
})

describe('what is changed between the gate and the cut', () => {
  const stray = 'stray'
  const intruder = { principal: 'User:intruder', host: '*', resourceType: 'group', resourceName: idle, patternType: 'literal' } as const
  const binding = { ...intruder, operation: 'Read', permission: 'allow' } as const

  test('takes the switchover back: the source is live, open and latched, and a retry moves nothing', async () => {
    const { fence } = ports.clusters.blue
    const raise = async (deadline: Deadline) => {
      await Promise.all([
        createTopics(pair.wiring.clusters.blue, [{ topic: stray, partitions: 1, replicationFactor: 3, config: {} }], deadline),
        administer('green', retention('3600000')),
        createAcls(pair.wiring.clusters.green, [binding], deadline),
        upsertScramUsers(pair.wiring.clusters.blue, { newcomer: 'a-password-of-its-own' }, deadline),
      ])
      await fence.raise(deadline)
    }
    const blue = overriding(ports.clusters.blue, { fence: overriding(fence, { raise }) })
    // and the request that raised the fence lands once more, when the source is open again
    const { restartTasks } = ports.mirrors.blue
    const mirrors = { ...ports.mirrors, blue: overriding(ports.mirrors.blue, { restartTasks: fencedFirst('blue', restartTasks.bind(ports.mirrors.blue)) }) }
    const error = await refusal(move('green', { through: { ...ports, mirrors, clusters: { ...ports.clusters, blue } } }))
    expect(error).toMatchObject({
      code: 'aborted',
      message: expect.stringMatching(/drift.*topic stray came up on blue.*SCRAM user newcomer: was not set.*on blue/),
    })
    expect(error.message).toMatch(/ACL allow User:intruder from . Read on literal group idle: was not set, is set on green/)
    expect(error.message).toMatch(/topic orders retention.ms: was not set, is 3600000 on green/)
    await expectLive('blue')
    expect(await route()).toMatchObject({ attempt: 0, latch: { attempt: 0, reason: expect.stringContaining('drift') } })
    expect((await reading()).journal.at(-1)).toMatchObject({ kind: 'closed', outcome: 'aborted', live: 'blue' })
    await send(20)
    expect(await refusal(move('green'))).toMatchObject({ code: 'gate', message: expect.stringMatching(/latched at attempt 0/) })
  })

  test('is named by the gate of a new attempt, and undone by its owner', async () => {
    const error = await refusal(move('green', { attempt: 1 }))
    expect(error).toMatchObject({
      code: 'gate',
      message: expect.stringMatching(/topic stray on blue is not in the catalog.*only on blue: SCRAM user newcomer/),
    })
    await Promise.all([
      administer('blue', (admin) => admin.deleteTopics({ topics: [stray] })),
      administer('green', retention(null)),
      deleteAcls(pair.wiring.clusters.green, [binding], within(10)),
      upsertScramUsers(pair.wiring.clusters.green, { newcomer: 'a-password-of-its-own' }, within(10)), // there is no order to delete one: now both have it
    ])
    // The inventory refuses while a topic vanishes between its listing and its description; a moment later it is gone.
    const isGone = () =>
      ports.clusters.blue.inventory.topics(within(10)).then(
        (topics) => topics.every((one) => one.topic !== stray),
        () => false,
      )
    await within(10).poll(50, async () => ((await isGone()) ? true : undefined))
  })
})

describe('a fence that landed late', () => {
  test('on the live colour it is lifted by the next update, and by creating the route', async () => {
    for (const mend of [() => move('blue', { attempt: 1 }), () => pair.createRoute()]) {
      await createAcls(pair.wiring.clusters.blue, fenceBindings.slice(0, 1), within(10))
      await within(10).poll(20, async () => ((await answers('blue')).includes('fenced') ? true : undefined))
      expect(await observeActual(ports, pair.wiring.waves)).toMatchObject({ live: 'blue', fencesDiffer: true })
      await mend()
      expect(await observeActual(ports, pair.wiring.waves)).toMatchObject({ live: 'blue', fencesDiffer: false })
      expect((await reading()).journal.at(-1)).toMatchObject({ kind: 'fence', colour: 'blue', what: 'lifting' })
      await expectLive('blue')
      await send(5)
    }
  })

  test('is found also where it denies something else than writing', async () => {
    const others = fenceBindings.slice(1).map(bindingText)
    await createAcls(pair.wiring.clusters.blue, fenceBindings.slice(1), within(10))
    await within(10).poll(20, async () => ((await observeActual(ports, pair.wiring.waves))?.fencesDiffer ? true : undefined))
    await move('blue', { attempt: 1 })
    const left = async () => (await ports.clusters.blue.inventory.acls(within(10))).map(bindingText).filter((text) => others.includes(text))
    await expect.poll(left, { timeout: 10_000 }).toEqual([])
  })

  test('is not lifted beside a standby that can not be asked', async () => {
    const green = overriding(ports.clusters.green, {
      fence: overriding(ports.clusters.green.fence, { probe: async () => [{ brokerId: 11, answer: 'unreachable', detail: 'paused' }] }),
    })
    await createAcls(pair.wiring.clusters.blue, fenceBindings.slice(0, 1), within(10))
    await within(10).poll(20, async () => ((await answers('blue')).includes('fenced') ? true : undefined))
    const through: Ports = { ...ports, clusters: { ...ports.clusters, green } }
    expect(await refusal(move('blue', { attempt: 1, through }))).toMatchObject({ code: 'fence-unproven', message: expect.stringContaining('green') })
    expect(await answers('blue')).toEqual(['fenced'])
    await move('blue', { attempt: 1 })
    await expectLive('blue')
  })

  test('lifted off the standby, it is raised again', async () => {
    await ports.clusters.green.fence.lift(within(10))
    await within(10).poll(20, async () => ((await answers('green')).includes('open') ? true : undefined))
    await move('blue', { attempt: 1 })
    await expectLive('blue')
  })
})

describe('a group that comes up on the source while groups move', () => {
  const received: string[] = []

  /** Joins on the route's colour and reads until the end of the test file. */
  async function startNewcomer(): Promise<void> {
    const consumer = routed().consumer({ groupId: newcomer })
    await consumer.connect()
    ends.unshift(() => consumer.disconnect())
    await consumer.subscribe({ topics: [topic], fromBeginning: true })
    await consumer.run({ eachMessage: async ({ message, colour }) => void received.push(`${colour} ${message.value}`) })
    await within(20).poll(20, async () => (received.length > 0 ? true : undefined))
  }

  const allReceived = async () => within(30).poll(50, async () => (received.length >= sent ? true : undefined))
  const receivedOnce = () =>
    expect(received.map((line) => Number(line.split(' ')[1])).toSorted((a, b) => a - b)).toEqual(Array.from({ length: sent }, (_, at) => at))

  test('stays on the source by the route, and loses nothing; a group that was known before is moved exactly', async () => {
    const groups = ports.clusters.blue.groups
    const committed = [0, 1].map((partition) => [`${topic}-${partition}`, BigInt(3 + partition)] as const)
    await groups.commit(idle, new Map(committed), within(10))
    let isMoving = false
    const list = async (deadline: Deadline) => {
      const listed = await groups.list(deadline)
      if (isMoving) await startNewcomer()
      isMoving = false
      return listed
    }
    const blue = overriding(ports.clusters.blue, { groups: overriding(groups, { list }) })
    const tell: Progress = ({ step }) => {
      isMoving ||= step === 'groups' && received.length === 0
    }
    // a late fence on the new live colour, before the switchover is closed
    const remove = ports.mirrors.blue.delete.bind(ports.mirrors.blue)
    const mirrors = { ...ports.mirrors, blue: overriding(ports.mirrors.blue, { delete: fencedFirst('green', remove) }) }
    await move('green', { attempt: 1, through: { ...ports, mirrors, clusters: { ...ports.clusters, blue } }, tell })
    await expectLive('green')
    expect(await route()).toMatchObject({ defaultConsumerColour: 'green', groups: { [newcomer]: { colour: 'blue', state: 'running' } } })
    const batch = (await reading()).journal.find((entry) => entry.kind === 'groups')
    expect(batch).toMatchObject({ moved: [idle], stayed: [], positions: [0, 1].map((partition) => ({ groupId: idle, partition, verdict: 'exact' })) })
    const translated = batch?.positions.map((position) => [`${topic}-${position.partition}`, BigInt(position.targetOffset ?? -1)] as const)
    expect(await ports.clusters.green.groups.committed(idle, within(10))).toEqual(new Map(translated))
    expect((await ports.clusters.green.groups.committed(newcomer, within(10))).size).toBe(0)
    await send(60)
    await allReceived()
    receivedOnce()
    expect(new Set(received.map((line) => line.split(' ')[0]))).toEqual(new Set(['blue']))
  }, 90_000)

  test('reads on through the way back, whose connectors creating the route leaves alone while it is unfinished', async () => {
    const { mirrors } = ports
    const seed = async () => Promise.reject(new KbgError('test', 'The orchestrator ends here.'))
    const broken: Ports = { ...ports, mirrors: { ...mirrors, blue: overriding(mirrors.blue, { seed }) } }
    expect(await refusal(move('blue', { attempt: 1, through: broken }))).toMatchObject({ code: 'unfinished' })
    await send(30)
    const before = await connectorStates()
    expect(before.map((line) => line.split(' ')[1])).toEqual(['STOPPED', 'STOPPED'])
    const { journalHead } = await reading()
    const created = await createRoute(ports, request('blue', { attempt: 1 }))
    expect(created).toMatchObject({ live: 'blue', state: 'open', unfinished: true })
    expect(await connectorStates()).toEqual(before)
    expect((await reading()).journalHead).toBe(journalHead)
    expect(await move('blue', { attempt: 1 })).toMatchObject({ live: 'blue', unfinished: false })
    await expectLive('blue')
    expect(await route()).toMatchObject({ defaultConsumerColour: 'blue', groups: {} })
    await send(30)
    await allReceived()
    receivedOnce()
  }, 90_000)
})

test('what became of each of them was told once, with its entry of the journal', async () => {
  const history = await ports.store.history(within(10))
  const entries = history.filter((entry) => entry.kind === 'opened' || entry.kind === 'closed')
  const eventOf = { opened: 'pre', switched: 'post', aborted: 'abort' } as const
  expect(told().map(({ event, journalEntry }) => `${event} ${journalEntry}`)).toEqual(
    entries.map((entry) => `${eventOf[entry.kind === 'closed' ? entry.outcome : entry.kind]} ${entry.number}`),
  )
  expect(told().map(({ event }) => event)).toEqual(['pre', 'abort', 'pre', 'post', 'pre', 'post'])
  expect(told()[1]).toMatchObject({ fleet, source: 'blue', target: 'green', attempt: 0, reason: expect.stringMatching(/drift.*stray/) })
  expect(history.filter((entry) => entry.kind === 'notice')).toEqual([])
})

describe('the reports of these switchovers, from the journal', () => {
  const reported = async (newest: number): Promise<JournaledSwitchover> => {
    const history = await ports.store.history(within(10))
    const report = switchoverFromJournal(history, { fleet, newest, readAt: systemClock.wallClock(), evidence: null })
    expect(JournaledSwitchover.parse(JSON.parse(JSON.stringify(report)))).toEqual(report)
    expect(reportHtml(report)).not.toMatch(/NaN|undefined/)
    return report
  }

  test('the one that was taken back says why and how long it held', async () => {
    const report = await reported(3)
    expect(report).toMatchObject({ source: 'blue', target: 'green', attempt: 0, outcome: 'aborted', cut: null, groups: [], runs: 1 })
    expect(report.reason).toMatch(/drift.*stray/)
    expect(report.window?.parts?.takeBackMs).toBeGreaterThan(0)
  })

  test('the one that switched has its window in parts, its cut, its group and the mirror turned round', async () => {
    const report = await reported(2)
    expect(report).toMatchObject({ outcome: 'switched', graceful: true, moved: [idle], stayed: [], batches: 1, window: { runs: 'one' } })
    expect(report.groups.map(({ group, partition, verdict }) => `${group} ${partition} ${verdict}`)).toEqual([`${idle} 0 exact`, `${idle} 1 exact`])
    expect(Object.values(report.window?.parts ?? {}).reduce((sum, ms) => sum + ms, 0)).toBeCloseTo(report.window?.heldMs ?? -1, 3)
    expect(report.window?.heldMs).toBeGreaterThan(5)
    expect(report.cut).toMatchObject([{ topic, partitions: 2 }])
    expect(report.mirror.map(({ source, what }) => `${source} ${what}`)).toEqual([
      ...['green created', 'blue stopped', 'green seeded', 'green running', 'blue deleted'],
    ])
  })

  test('the one that another run finished keeps the window of the first', async () => {
    const report = await reported(1)
    expect(report).toMatchObject({ source: 'green', target: 'blue', outcome: 'switched', runs: 2, window: { runs: 'one', parts: null } })
    expect(await refusal(reported(4))).toMatchObject({ code: 'no-switchover', message: expect.stringMatching(/3: blue -> green, aborted/) })
  })
})

describe('a fence that does not hold for everybody', () => {
  test('a super user who writes on behind it is named, and the switchover is taken back long before the drain’s deadline', async () => {
    await asAdmin('blue', async (kafka) => {
      const writer = kafka.producer({ idempotent: true })
      await writer.connect()
      const { fence } = ports.clusters.blue
      let writing: Promise<number> | undefined
      const stop = new AbortController()
      const writeOn = async () => {
        let written = 0
        for (; !stop.signal.aborted; written += 1) await writer.send({ topic, acks: -1, messages: [{ partition: 1, key: 'late', value: `late ${written}` }] })
        return written
      }
      const raise = async (deadline: Deadline) => {
        await fence.raise(deadline)
        writing ??= writeOn()
      }
      const through = { ...ports, clusters: { ...ports.clusters, blue: overriding(ports.clusters.blue, { fence: overriding(fence, { raise }) }) } }
      const error = await refusal(move('green', { attempt: 2, through })).finally(() => stop.abort())
      expect(await writing).toBeGreaterThan(0)
      await writer.disconnect()
      expect(error.message).toMatch(/^aborted.*written-behind-fence.*orders-1 \d+ from \d+ by producer \d+ epoch 0 \(.*transactional id none\)/s)
    })
    const { journal } = await reading()
    const raised = journal.findLast((entry) => entry.kind === 'fence' && entry.what === 'raising')
    const decided = journal.findLast((entry) => entry.kind === 'decided')
    expect((decided?.atMonotonicMs ?? Number.NaN) - (raised?.atMonotonicMs ?? 0)).toBeLessThan(Limits.parse({}).drainDeadlineMs / 2)
    await expectLive('blue')
    await send(5)
  }, 60_000)

  test('a broker that is stopped (SIGSTOP) through it takes the switchover back while it stands; resumed, both sides hold the same records (F88)', async () => {
    const pid = await brokerToStop()
    const { fence } = ports.clusters.blue
    const writer = await directProducer()
    let sending: Promise<readonly string[]> | undefined
    const raise = async (deadline: Deadline) => {
      if (sending === undefined) {
        process.kill(pid, 'SIGSTOP')
        // Requests that lie in its socket, or in the log of a leader that it doesn't follow any more, when the fence comes.
        sending = Promise.all([0, 1].map((partition) => acknowledgedBy(writer, partition))).then((lists) => lists.flat())
        await systemClock.sleep(50) // the living leaders have appended by then, beyond their high watermarks
      }
      await fence.raise(deadline)
    }
    const through = { ...ports, clusters: { ...ports.clusters, blue: overriding(ports.clusters.blue, { fence: overriding(fence, { raise }) }) } }
    const startedMs = systemClock.monotonicMs()
    const taken = refusal(move('green', { attempt: 3, through }))
    try {
      await within(40).poll(50, async () => (sending !== undefined && (await route()).state === 'open' ? true : undefined))
      expect(await route()).toMatchObject({ live: 'blue', latch: { attempt: 3 } }) // writers have blue again while the broker still stands
      expect(systemClock.monotonicMs() - startedMs).toBeLessThan(25_000)
    } finally {
      process.kill(pid, 'SIGCONT')
    }
    expect((await taken).message).toMatch(/^aborted.*fence-unproven.*broker \d+ unreachable/s)
    const acknowledged = (await sending) ?? []
    await writer.disconnect()
    await within(40).poll(100, async () => ((await answers('blue')).join() === 'open' ? true : undefined))
    await expectLive('blue')
    await send(5)
    const same = async () => {
      const [blue, green] = [await valuesOn('blue'), await valuesOn('green')]
      return blue.join() === green.join() ? blue : undefined
    }
    const values = await within(60).poll(200, same)
    for (const value of acknowledged) expect(values).toContain(value)
    const kept = values.filter((value) => value.startsWith('stopped'))
    expect(kept).toEqual([...new Set(kept)])
    expect(values.filter((value) => /^\d+$/.test(value)).toSorted((x, y) => Number(x) - Number(y))).toEqual(Array.from({ length: sent }, (_, at) => `${at}`))
  }, 120_000)

  /** A broker of blue that is not the active controller, whose process is to be stopped; one that leads, if there is one. */
  async function brokerToStop(): Promise<number> {
    const { controllerId } = await ports.clusters.blue.inventory.cluster(within(10))
    const topics = await ports.clusters.blue.inventory.topics(within(10))
    const leaders = topics.find((one) => one.topic === topic)?.partitions.map(({ leader }) => leader) ?? []
    const others = (observeCluster(pair.root, fleet, 'blue')?.brokers ?? []).filter(({ nodeId }) => nodeId !== controllerId)
    const broker = others.find(({ nodeId }) => leaders.includes(nodeId)) ?? others[0]
    if (!broker?.pid) throw new Error('no broker to stop')
    return broker.pid
  }

  async function acknowledgedBy(writer: kafkajs.Producer, partition: number): Promise<readonly string[]> {
    const value = `stopped ${partition}`
    return await writer.send({ topic, acks: -1, timeout: 5_000, messages: [{ partition, value }] }).then(
      () => [value],
      () => [], // refused or not known: it may be there or not
    )
  }

  async function valuesOn(colour: Colour): Promise<readonly string[]> {
    const { logs } = ports.clusters[colour]
    const ends = await logs.ends([topic], within(10))
    const inOrder = ends.toSorted((a, b) => a.partition.localeCompare(b.partition))
    const copies = await Promise.all(inOrder.map(({ partition, lastStableOffset }) => logs.copies(partition, 0n, lastStableOffset, within(20))))
    return copies.flat().map(({ value }) => Buffer.from(value ?? []).toString())
  }

  /** As the application, past the routed client: it doesn't know of a hold. */
  async function directProducer(): Promise<kafkajs.Producer> {
    const { produceBootstrapServers, credentialsFile } = pair.wiring.clusters.blue
    const sasl = { mechanism: 'scram-sha-512', username: user, password: readCredentials(credentialsFile).passwords[user] ?? '' } as const
    const kafka = new kafkajs.Kafka({ brokers: [...produceBootstrapServers], sasl, logLevel: kafkajs.logLevel.NOTHING, retry: { retries: 0 } })
    const writer = kafka.producer()
    await writer.connect()
    await Promise.all([0, 1].map((partition) => writer.send({ topic, acks: -1, messages: [{ partition, value: 'connected' }] })))
    return writer
  }
})

describe('a mirror whose offsets in Connect are lost', () => {
  test('is refused instead of copying everything again, each time, and traffic stays', async () => {
    const connector = mirrorRecord((await reading()).journal, 'blue')?.connector ?? ''
    await ports.mirrors.blue.stop(connector, within(30))
    await deleteOffsets(connector)
    await ports.mirrors.blue.delete(connector, within(30))
    const copies = (await ports.clusters.green.logs.ends([topic], within(10))).map((end) => end.logEndOffset)
    for (let tries = 0; tries < 2; tries += 1) {
      const error = await refusal(createRoute(ports, request('blue', { attempt: 4 })))
      expect(error).toMatchObject({ code: 'mirror-offsets-lost', facts: { connector, alreadyHeld: expect.stringContaining(`${topic}-`) } })
      expect(await connectorStates()).toEqual([])
    }
    await send(10)
    expect((await ports.clusters.green.logs.ends([topic], within(10))).map((end) => end.logEndOffset)).toEqual(copies)
    expect(await route()).toMatchObject({ live: 'blue', state: 'open' })
    expect(await refusal(move('green', { attempt: 4 }))).toMatchObject({ code: 'gate', message: expect.stringMatching(/mirror connector: fail/) })
  })

  async function deleteOffsets(connector: string): Promise<void> {
    const { restUrl, credentialsFile } = restWorker(pair.wiring, 'green')
    const authorization = `Basic ${Buffer.from(`connect:${readCredentials(credentialsFile).passwords.connect}`).toString('base64')}`
    const answer = await fetch(`${restUrl}/connectors/${connector}/offsets`, {
      method: 'DELETE',
      headers: { authorization },
      signal: AbortSignal.timeout(30_000),
    })
    expect(answer.status).toBe(200)
  }
})
