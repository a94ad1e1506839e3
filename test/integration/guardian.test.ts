/**
 * Guardians beside two real colours under load: orchestrators that are killed, stopped, and told to take their switchover back, in processes of their own. Judged by the
 * histories of the clients, and by independent reads of both colours.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startDrillLoad } from '../../cli/drill/load.ts'
import { judge } from '../../cli/rollout/demo-load.ts'
import { markDrill } from '../../engine/adapters/etcd/drill-keys.ts'
import { EtcdConnection } from '../../engine/adapters/etcd/etcd-connection.ts'
import { createAcls } from '../../engine/adapters/kafka/admin.ts'
import { connectDrillCluster } from '../../engine/adapters/kafka/cluster.ts'
import { fenceBindings } from '../../engine/adapters/kafka/fence.ts'
import { observeGuardian } from '../../engine/adapters/local/guardian-process.ts'
import { Catalog } from '../../engine/model/catalog.ts'
import { type Colour, colours, otherColour } from '../../engine/model/colour.ts'
import { drillFleet, drillGroup, drillTopics } from '../../engine/model/drill.ts'
import { HookPayload } from '../../engine/model/hook.ts'
import { Limits } from '../../engine/model/limits.ts'
import { type ClientRegistration, routeKeys } from '../../engine/model/route.ts'
import { Deadline, systemClock } from '../../engine/ports/clock.ts'
import { abortRunning } from '../../engine/run/abort-request.ts'
import { drill } from '../../engine/run/drill/drill.ts'
import { prepareDrill } from '../../engine/run/drill/sweep.ts'
import { sampleLag } from '../../engine/run/lag.ts'
import { describeStatus } from '../../engine/run/status.ts'
import { mirrorRecord, openSwitch } from '../../engine/switchover/journal-reading.ts'
import { longestStallMs } from '../../engine/switchover/stall.ts'
import { toolPaths } from '../../tools/paths.ts'
import { readHistories, writeWindows } from '../support/history/index.ts'
import { Orchestrator, type OrchestratorConfig } from '../support/orchestrator.ts'
import { type Pair, quickGate, standPair, startGuardians } from '../support/pair.ts'
import { WorkloadProcess } from '../support/workload/process.ts'

const fleet = `b-guard${process.pid}`
const user = 'orders-app'
const limits = Limits.parse({ ...quickGate, lockLeaseSeconds: 3, windowDeadlineMs: 10_000 })
const within = (seconds: number): Deadline => new Deadline(systemClock, seconds * 1_000, 'the test')
/** What a stall may last, by the documented bound, and what the test's machine may add to seeing it. */
const rest = () => within(longestStallMs(limits) / 1_000 + 30)

const catalog = Catalog.parse({
  topics: { orders: { partitions: 3, config: { 'min.insync.replicas': '2' } }, payments: { partitions: 2, config: { 'min.insync.replicas': '2' } } },
  users: [user],
  acls: ['Topic', 'Group', 'TransactionalID'].map((resourceType) => ({ principal: `User:${user}`, resourceType, resourceName: '*', operation: 'All' })),
  groups: { billing: {} },
})

let pair: Pair
let workload: WorkloadProcess | undefined
let outDir = ''
/** Raised whenever a switchover was taken back: it latches. */
let attempt = 0
const orchestrators: Orchestrator[] = []

beforeAll(async () => {
  outDir = mkdtempSync(join(tmpdir(), 'kbg-guardian-'))
  pair = await standPair({
    fleet,
    versions: { blue: '3.9.2', green: '4.3.1' },
    catalog,
    guardians: limits,
    hooks: [{ name: 'noted', events: ['abort', 'post'], command: ['tee', '-a', join(outDir, 'told')] }],
  })
  await pair.createRoute()
  const { routeStore, clusters } = pair.wiring
  workload = await WorkloadProcess.start(
    {
      ...{ version: 1, historyDir: join(outDir, 'history'), credentialsFile: clusters.blue.credentialsFile, recordBytes: 256, tickMs: 50 },
      client: { kind: 'routed', fleet, routeStore: { ...routeStore, username: 'client' } },
      topics: [
        { name: 'orders', partitions: 3, keys: 50 },
        { name: 'payments', partitions: 2, keys: 20 },
      ],
      producers: [
        { id: 'web', user, topics: ['orders'], ratePerSecond: 100, preloadRecords: 0, transactions: null },
        {
          ...{ id: 'pay', user, topics: ['payments'], ratePerSecond: 40, preloadRecords: 0 },
          transactions: { transactionalId: 'pay', abortEvery: 5, everyMs: 200 },
        },
      ],
      groups: [{ groupId: 'billing', user, topics: ['orders', 'payments'], members: 1, pauseAfterRecords: null }],
    },
    { node: toolPaths().node, clock: systemClock, dir: outDir },
  )
  workload.startLoad()
}, 240_000)

afterAll(async () => {
  for (const orchestrator of orchestrators) if (!orchestrator.hasEnded) orchestrator.signal('SIGKILL')
  workload?.kill()
  await pair?.end()
  rmSync(outDir, { recursive: true, force: true })
}, 120_000)

/** One update that wants `live`, in a process of its own. */
function orchestrate(live: Colour, signalAt: OrchestratorConfig['signalAt'], more: Partial<Limits> = {}): Orchestrator {
  const orchestrator = new Orchestrator({ wiring: pair.wiring, intent: { live, attempt, consumers: {} }, limits: { ...limits, ...more }, signalAt })
  orchestrators.push(orchestrator)
  return orchestrator
}

const reading = () => pair.ports.store.read(within(10))

async function route() {
  const { route: current } = await reading()
  if (current === null) throw new Error('no route')
  return current
}

const answers = async (colour: Colour) => [...new Set((await pair.ports.clusters[colour].fence.probe(within(10))).map(({ answer }) => answer))]

/** The ends of switchovers that hooks were told of, by whoever closed them. */
const toldOf = () =>
  readFileSync(join(outDir, 'told'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => HookPayload.parse(JSON.parse(line)))

/** Waits until nothing is open any more, and `live` is: route, fences, journal and mirror. */
async function untilAtRest(live: Colour): Promise<void> {
  await rest().poll(100, async () => {
    const { route: current, journal, lock } = await reading()
    return current?.state === 'open' && openSwitch(journal) === null && lock === null ? true : undefined
  })
  expect(await route()).toMatchObject({ live, state: 'open', target: null })
  expect([await answers(live), await answers(otherColour(live))]).toEqual([['open'], ['fenced']])
  const mirror = mirrorRecord((await reading()).journal, live)
  expect(mirror?.what).toBe('running')
  await within(60).poll(200, async () => {
    const facts = await pair.ports.mirrors[live].facts(mirror?.connector ?? '', within(10))
    return facts.state === 'RUNNING' && facts.tasks.every(({ state }) => state === 'RUNNING') ? true : undefined
  })
}

/** Records that are acknowledged from now on, by whoever is live. */
async function untilWritten(live: Colour): Promise<void> {
  const before = workload?.lastStatus?.ackedRecords[live] ?? 0
  await within(60).poll(100, async () => ((workload?.lastStatus?.ackedRecords[live] ?? 0) > before + 50 ? true : undefined))
}

/** The terms under which the newest switchover was opened, decided and closed. */
async function terms() {
  const { journal } = await reading()
  const termOf = (kind: 'opened' | 'decided' | 'closed') => journal.findLast((entry) => entry.kind === kind)?.term
  return { opened: termOf('opened'), decided: termOf('decided'), closed: termOf('closed') }
}

function endGuardian(colour: Colour): void {
  const guardian = observeGuardian({ projectRoot: pair.root, fleet }, colour)
  if (guardian === null) throw new Error(`no guardian beside ${colour}`)
  process.kill(guardian.pid, 'SIGKILL')
}

describe('an orchestrator that is killed', () => {
  test('while producers are held: one guardian alone gives the source its writers back', async () => {
    const orchestrator = orchestrate('green', { text: 'acknowledged', signal: 'SIGKILL' })
    expect(await orchestrator.ended).toBe('SIGKILL')
    endGuardian('blue')
    expect(await route()).toMatchObject({ state: 'held', live: 'blue', target: 'green' })
    await untilAtRest('blue')
    const { opened, decided, closed } = await terms()
    expect([decided === opened, closed]).toEqual([false, decided])
    expect(await route()).toMatchObject({ latch: { attempt: 0, reason: 'it was left while clients were held' } })
    expect(toldOf()).toMatchObject([{ event: 'abort', source: 'blue', target: 'green', term: closed, reason: 'it was left while clients were held' }])
    await untilWritten('blue')
    await startGuardians(pair.root, pair.wiring, limits)
  }, 120_000)

  test('behind its decision: a guardian finishes it, mirror and groups included', async () => {
    attempt = 1
    const orchestrator = orchestrate('green', { text: 'decided: green takes over', signal: 'SIGKILL' })
    expect(await orchestrator.ended).toBe('SIGKILL')
    expect(await route()).toMatchObject({ state: 'deciding', live: 'blue', target: 'green' })
    await untilAtRest('green')
    const { opened, decided, closed } = await terms()
    expect([decided, closed === opened]).toEqual([opened, false])
    expect(toldOf().map(({ event, term }) => [event, term])).toEqual([
      ['abort', expect.any(String)],
      ['post', closed],
    ])
    const { journal } = await reading()
    expect(journal.flatMap((entry) => (entry.kind === 'groups' ? entry.moved : []))).toEqual(['billing'])
    expect(await route()).toMatchObject({ defaultConsumerColour: 'green', groups: {}, latch: null })
    await untilWritten('green')
  }, 120_000)
})

describe('an orchestrator that hangs with its lock alive', () => {
  test('past the window’s deadline loses it, and can do nothing when it goes on', async () => {
    const orchestrator = orchestrate('blue', { text: 'acknowledged', signal: 'SIGSTOP' }, { lockLeaseSeconds: 60 })
    await orchestrator.said((line) => line.kind === 'progress' && line.text.includes('acknowledged'))
    const { opened } = await terms()
    const heldAtMs = systemClock.monotonicMs()
    await untilAtRest('green')
    // Not before its time: an orchestrator that merely takes long is left alone.
    expect(systemClock.monotonicMs() - heldAtMs).toBeGreaterThan(limits.windowDeadlineMs)
    expect(await route()).toMatchObject({
      latch: { attempt: 1, reason: expect.stringMatching(/past the window's deadline of 10000 ms, and an orchestrator, pid \d+ has not come to an end/) },
    })
    const before = await reading()
    orchestrator.signal('SIGCONT')
    expect(await orchestrator.ended).toBe(0)
    expect(orchestrator.lines.at(-1)).toMatchObject({ kind: 'failed', code: 'lock-lost' })
    const after = await reading()
    expect(after.route).toEqual(before.route)
    expect(after.journal.filter(({ number, term }) => number > before.journalHead && term === opened)).toEqual([])
    await untilAtRest('green')
    await untilWritten('green')
  }, 120_000)
})

describe('a fence request that lands late', () => {
  test('on the live colour is lifted, and one that opened the standby is undone, by nobody but a guardian', async () => {
    await createAcls(pair.wiring.clusters.green, fenceBindings, within(10))
    await within(60).poll(50, async () => ((await journaled('green', 'lifting')) ? true : undefined))
    await untilAtRest('green')
    await pair.ports.clusters.blue.fence.lift(within(10))
    await within(60).poll(50, async () => ((await journaled('blue', 'raising')) ? true : undefined))
    await untilAtRest('green')
    await untilWritten('green')
  }, 120_000)

  async function journaled(colour: Colour, what: 'raising' | 'lifting'): Promise<boolean> {
    const { journal } = await reading()
    const closed = journal.findLastIndex((entry) => entry.kind === 'closed')
    return journal.slice(closed).some((entry) => entry.kind === 'fence' && entry.colour === colour && entry.what === what)
  }
})

describe('kbg abort', () => {
  test('is heard by the orchestrator that holds producers, which takes its switchover back itself', async () => {
    attempt = 2
    await setDeafProducer(true) // keeps the hold waiting, so that the order meets it
    const orchestrator = orchestrate('blue', null, { holdDeadlineMs: 20_000 })
    await orchestrator.said((line) => line.kind === 'progress' && line.step === 'hold')
    await within(30).poll(50, async () => ((await route()).state === 'held' ? true : undefined))
    expect(await describeStatus(pair.ports, pair.wiring, limits)).toMatch(
      /producers are held, nobody decided yet[\s\S]*guardians beside blue[\s\S]*next {6}an orchestrator, pid \d+ holds the lock and goes on; .* a guardian acts[\s\S]*you can {3}kbg abort/,
    )
    const request = { wiring: pair.wiring, limits, holder: 'kbg abort by a test', tell: () => undefined, cancelled: new AbortController().signal }
    expect(await abortRunning(pair.ports, request)).toMatchObject({ kind: 'taken-back', live: 'green', by: expect.stringContaining('an orchestrator, pid') })
    expect(await orchestrator.ended).toBe(0)
    expect(orchestrator.lines.at(-1)).toMatchObject({ kind: 'failed', code: 'aborted', message: expect.stringContaining('by order of kbg abort by a test') })
    await setDeafProducer(false)
    await untilAtRest('green')
    const { opened, decided } = await terms()
    expect(decided).toBe(opened)
    expect(await abortRunning(pair.ports, request)).toEqual({ kind: 'nothing-open', live: 'green' })
  }, 120_000)

  /** A routed producer as the store sees it, which never acknowledges anything. */
  async function setDeafProducer(isThere: boolean): Promise<void> {
    const identity = { clientId: 'deaf', instanceId: 'deaf-1', kind: 'producer', groupId: null, transactionalId: null, software: 'a test' } as const
    const client: ClientRegistration = { version: 1, ...identity, ackedEpoch: (await route()).epoch, state: 'running', colour: 'green' }
    const connection = new EtcdConnection(pair.wiring.routeStore)
    const key = routeKeys(fleet).client(client.instanceId)
    await within(10).race(Promise.resolve(isThere ? connection.etcd.put(key).value(JSON.stringify(client)) : connection.etcd.delete().key(key)))
    connection.close()
  }
})

describe('a drill', () => {
  test('goes there and back beside the traffic, removes what a killed one has left, and leaves nothing itself', async () => {
    const { ports, wiring } = pair
    const { route: before, journal } = await reading()
    await prepareDrill(ports, wiring, within(30))
    await ports.mirrors.blue.createStopped('kbg-drill-blue-green-1', [drillTopics.records], within(30))
    await ports.clusters.blue.groups.commit(drillGroup, new Map([[`${drillTopics.records}-0`, 0n]]), within(10))
    const connection = new EtcdConnection(wiring.routeStore)
    await within(10).race(Promise.resolve(connection.etcd.put(routeKeys(drillFleet(fleet)).route).value('left')))
    await markDrill(wiring.routeStore, fleet, { holder: 'kbg drill by a test, pid 1', begunAtUtc: '2026-01-01T00:00:00Z' }, within(10))
    expect(await describeStatus(ports, wiring, limits)).toMatch(
      /drill {5}the one that kbg drill by a test, pid 1 began at 2026-01-01T00:00:00Z was killed.*\n.*kbg drill removes them/,
    )
    const request = { wiring, limits, holder: 'kbg drill by a test', tell: () => undefined, cancelled: new AbortController().signal }
    const result = await drill(ports, request, (own) => startDrillLoad(own, systemClock))
    expect(result).toMatchObject({ passed: true, lost: 0, unread: 0, duplicated: 0, redelivered: 0, reason: '' })
    expect(result.acknowledged).toBeGreaterThan(300)
    const after = await reading()
    expect(after).toMatchObject({ route: before, lock: null })
    expect(after.journal.slice(journal.length)).toMatchObject([{ kind: 'drill', passed: true }])
    const status = await describeStatus(ports, wiring, limits)
    expect(status).toMatch(/drill {5}\S+Z passed: \d+ acknowledged, 0 lost/)
    expect(status).not.toContain('was killed')
    for (const colour of colours) {
      expect((await ports.mirrors[colour].connectors(within(10))).filter((name) => name.startsWith('kbg-drill-'))).toEqual([])
      const all = connectDrillCluster(wiring.clusters[colour], systemClock, false)
      // a broker answers of ACLs by the metadata that has reached it: one that is behind still tells those that are deleted
      const left = async () => [await all.inventory.topics(within(10)), await all.inventory.acls(within(10)), await all.groups.list(within(10))]
      await within(10).poll(100, async () => ((await left()).every((each) => each.length === 0) ? true : undefined))
      await all.close()
    }
    expect(
      await within(10).race(
        Promise.resolve(
          connection.etcd
            .getAll()
            .prefix(`/kbg/${drillFleet(fleet)}/`)
            .count(),
        ),
      ),
    ).toBe(0)
    connection.close()
    await untilAtRest(before?.live ?? 'blue')
  }, 180_000)
})

describe('what the clients saw of all that', () => {
  test('nothing is lost, twice or out of order, and no producer waited longer than the documented bound', async () => {
    for (const colour of colours) expect(observeGuardian({ projectRoot: pair.root, fleet }, colour)?.isCurrent).toBe(true)
    await workload?.stopProducers()
    const lag = (await workload?.drain(60)) ?? {}
    expect(lag).toEqual({ billing: 0 })
    await workload?.end()
    workload = undefined
    const { live } = await route()
    const connector = mirrorRecord((await reading()).journal, live)?.connector ?? ''
    const sides = { source: pair.ports.clusters[live], target: pair.ports.clusters[otherColour(live)], mirror: pair.ports.mirrors[live] }
    const subject = { clock: systemClock, ...sides, topics: pair.wiring.topics, connector }
    await within(60).poll(200, async () => ((await sampleLag(subject, 5_000)).kind === 'caught-up' ? true : undefined))
    const verdict = await judge(pair.wiring, live, outDir)
    expect(verdict.lines.join('\n')).toMatch(/^PASS/)
    expect(verdict.statistics).toMatchObject({ lost: 0, duplicated: 0, redelivered: 0, reordered: 0 })
    expect(verdict.statistics.acked).toBeGreaterThan(2_000)
    const { longestWithoutAckMs } = writeWindows(readHistories(join(outDir, 'history')))
    expect(Object.keys(longestWithoutAckMs).toSorted()).toEqual(['pay', 'web'])
    for (const waitedMs of Object.values(longestWithoutAckMs)) expect(waitedMs).toBeLessThan(longestStallMs(limits))
  }, 120_000)
})
