/**
 * A switchover whose clients don't reach the route store: routed clients poll an SSM parameter, one group follows nothing but a name of Route 53. Real brokers, mirror, etcd, guardians and DNS queries; AWS is an emulator.
 * Judged by the histories of the clients, and by independent reads of both colours.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { GetParameterCommand, PutParameterCommand } from '@aws-sdk/client-ssm'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { judge } from '../../cli/rollout/demo-load.ts'
import { Catalog } from '../../engine/model/catalog.ts'
import { type Colour, otherColour } from '../../engine/model/colour.ts'
import { KbgError } from '../../engine/model/error.ts'
import { Limits } from '../../engine/model/limits.ts'
import { isApplication, RouteDocument } from '../../engine/model/route.ts'
import { polledLagMs, type RouteParameter } from '../../engine/model/route-publication.ts'
import { Deadline, systemClock } from '../../engine/ports/clock.ts'
import { sampleLag } from '../../engine/run/lag.ts'
import { describeStatus } from '../../engine/run/status.ts'
import { mirrorRecord, openSwitch } from '../../engine/switchover/journal-reading.ts'
import { longestPolledStallMs } from '../../engine/switchover/stall.ts'
import { toolPaths } from '../../tools/paths.ts'
import { type AwsEmulator, setHome, startAwsEmulator } from '../support/aws-emulator.ts'
import { readHistories, writeWindows } from '../support/history/index.ts'
import { Orchestrator } from '../support/orchestrator.ts'
import { type Pair, quickGate, standPair } from '../support/pair.ts'
import { WorkloadProcess } from '../support/workload/process.ts'
import { startZoneDns, type ZoneDns } from '../support/zone-dns.ts'

const fleet = `b-told${process.pid}`
const user = 'orders-app'
const zone = `${fleet}.kafka.internal`
const pollIntervalMs = 250
const limits = Limits.parse({ ...quickGate, lockLeaseSeconds: 3, windowDeadlineMs: 10_000 })
const within = (seconds: number): Deadline => new Deadline(systemClock, seconds * 1_000, 'the test')

const catalog = Catalog.parse({
  topics: { orders: { partitions: 3, config: { 'min.insync.replicas': '2' } } },
  users: [user],
  acls: ['Topic', 'Group'].map((resourceType) => ({ principal: `User:${user}`, resourceType, resourceName: '*', operation: 'All' })),
  groups: { billing: {}, reports: { wave: 1 } },
})

let dir = ''
let emulator: AwsEmulator
let restoreHome = (): void => undefined
let parameter: RouteParameter
let dns: ZoneDns
let pair: Pair
let workload: WorkloadProcess | undefined
let orchestrator: Orchestrator | undefined

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'kbg-told-'))
  emulator = await startAwsEmulator(dir)
  restoreHome = setHome(emulator.home)
  parameter = await emulator.makeParameter(fleet, pollIntervalMs)
  const names = await emulator.makeZone(zone)
  dns = await startZoneDns(emulator.route53, names)
  pair = await standPair({ fleet, versions: { blue: '3.9.2', green: '4.3.1' }, catalog, guardians: limits, publications: { parameter, names } })
  await pair.createRoute()
  workload = await WorkloadProcess.start(
    {
      ...{ version: 1, historyDir: join(dir, 'history'), credentialsFile: pair.wiring.clusters.blue.credentialsFile, recordBytes: 256, tickMs: 50 },
      client: { kind: 'published', fleet, parameter, dns: dns.server, nameOfGroup: { reports: `wave-1.${zone}` } },
      topics: [{ name: 'orders', partitions: 3, keys: 50 }],
      producers: ['web', 'shop'].map((id) => ({ id, user, topics: ['orders'], ratePerSecond: 60, preloadRecords: 0, transactions: null })),
      groups: ['billing', 'reports'].map((groupId) => ({ groupId, user, topics: ['orders'], members: 1, pauseAfterRecords: null })),
    },
    { node: toolPaths().node, clock: systemClock, dir },
  )
  workload.startLoad()
}, 240_000)

afterAll(async () => {
  orchestrator?.signal('SIGKILL')
  workload?.kill()
  await pair?.end()
  await dns?.end()
  await emulator?.end()
  restoreHome()
  rmSync(dir, { recursive: true, force: true })
}, 120_000)

const reading = () => pair.ports.store.read(within(10))

async function published(): Promise<RouteDocument> {
  const { Parameter } = await emulator.ssm.send(new GetParameterCommand({ Name: parameter.name }))
  return RouteDocument.parse(JSON.parse(Parameter?.Value ?? ''))
}

/** Records that are acknowledged there from now on, and groups that read there. */
async function untilUsed(live: Colour): Promise<void> {
  const before = workload?.lastStatus?.ackedRecords[live] ?? 0
  await within(60).poll(100, async () => {
    const status = workload?.lastStatus
    if (status === undefined || status.ackedRecords[live] <= before + 50) return undefined
    return ['billing', 'reports'].every((group) => status.groups[group]?.reading === live) ? true : undefined
  })
}

/** What the names say, when both places tell the store's epoch. */
async function toldNow(): Promise<readonly (readonly string[])[]> {
  return await within(20).poll(100, async () => {
    const epoch = (await reading()).route?.epoch
    const texts = await Promise.all(['producers', 'wave-1'].map((traffic) => dns.texts(`${traffic}.${zone}`)))
    return (await published()).epoch === epoch && texts.every(([first]) => first === `epoch=${epoch}`) ? texts : undefined
  })
}

/** The gate refuses while the mirror is behind; a refused move has touched nothing. */
async function move(live: Colour): Promise<void> {
  await within(150).poll(500, async () => {
    try {
      await pair.moveTo(live, { limits })
      return true
    } catch (thrown) {
      if (thrown instanceof KbgError && thrown.code === 'gate' && /mirror lag/.test(thrown.message)) return undefined
      throw thrown
    }
  })
}

/** Everything that stands there stands on the other side too: a moment at which a gate has nothing to say of the mirror. */
async function untilMirrored(live: Colour): Promise<void> {
  const sides = { source: pair.ports.clusters[live], target: pair.ports.clusters[otherColour(live)], mirror: pair.ports.mirrors[live] }
  await within(60).poll(200, async () => {
    const connector = mirrorRecord((await reading()).journal, live)?.connector ?? ''
    const lag = await sampleLag({ clock: systemClock, ...sides, topics: pair.wiring.topics, connector }, 5_000)
    return lag.kind === 'caught-up' ? true : undefined
  })
}

const serversOf = (live: Colour, kind: 'produceBootstrapServers' | 'consumeBootstrapServers') =>
  pair.wiring.clusters[live][kind].map((server) => `server=${server}`)

describe('clients that follow what is published', () => {
  test('move with a switchover, and the names with them; none of them is registered', async () => {
    await untilUsed('blue')
    expect((await pair.ports.store.clients(within(10))).filter(isApplication)).toEqual([])
    await move('green')
    await untilUsed('green')
    const route = (await reading()).route
    expect({ ...(await published()), latch: null }).toEqual(route)
    expect((await toldNow()).map((texts) => texts.slice(1))).toEqual([
      ['at=green', ...serversOf('green', 'produceBootstrapServers')],
      ['at=green', ...serversOf('green', 'consumeBootstrapServers')],
    ])
    const told = `tells epoch ${route?.epoch}`
    expect(await describeStatus(pair.ports, pair.wiring, limits)).toContain(
      `\npublished the parameter ${parameter.name} ${told}; the zone ${zone} ${told}\nguardians`,
    )
    const groups = (await reading()).journal.flatMap((entry) => (entry.kind === 'groups' ? [entry] : []))
    expect(groups.map(({ moved, stayed }) => [moved.toSorted(), stayed])).toEqual([[['billing', 'reports'], []]])
  }, 200_000)

  test('are told by a guardian alone: what somebody has put over it, and what a killed orchestrator had decided', async () => {
    const now = await published()
    const older = JSON.stringify({ ...now, epoch: now.epoch - 1, live: 'blue' })
    await emulator.ssm.send(new PutParameterCommand({ Name: parameter.name, Value: older, Overwrite: true }))
    expect((await toldNow()).map(([, at]) => at)).toEqual(['at=green', 'at=green'])
    await untilMirrored('green')
    const wanted = { live: 'blue', attempt: 0, consumers: {} } as const
    orchestrator = new Orchestrator({ wiring: pair.wiring, intent: wanted, limits, signalAt: { text: 'decided: blue takes over', signal: 'SIGKILL' } })
    expect(await orchestrator.ended).toBe('SIGKILL')
    await within(60).poll(100, async () => {
      const { route, journal, lock } = await reading()
      return route?.state === 'open' && openSwitch(journal) === null && lock === null ? true : undefined
    })
    expect((await toldNow()).map(([, at]) => at)).toEqual(['at=blue', 'at=blue'])
    await untilUsed('blue')
  }, 200_000)

  test('have lost nothing, read nothing twice, and waited as long as is documented', async () => {
    await workload?.stopProducers()
    expect(await workload?.drain(60)).toEqual({ billing: 0, reports: 0 })
    await workload?.end()
    workload = undefined
    await untilMirrored('blue')
    const verdict = await judge(pair.wiring, 'blue', dir)
    expect(verdict.lines.join('\n')).toMatch(/^PASS/)
    expect(verdict.statistics).toMatchObject({ lost: 0, duplicated: 0, redelivered: 0, reordered: 0, errors: 0 })
    const { longestWithoutAckMs, switchovers } = writeWindows(readHistories(join(dir, 'history')))
    const decided = switchovers.map(({ from, to, maximumMs }) => `${from} -> ${to} ${Math.round(maximumMs)} ms`)
    console.log(`published route: ${verdict.lines[0]}; write window ${decided.join(', ')}; polled every ${pollIntervalMs} ms`)
    expect(switchovers.map(({ from, to, dueThroughout }) => ({ from, to, dueThroughout }))).toEqual([
      { from: 'blue', to: 'green', dueThroughout: true },
      { from: 'green', to: 'blue', dueThroughout: true },
    ])
    expect(Object.keys(longestWithoutAckMs).toSorted()).toEqual(['shop', 'web'])
    for (const waitedMs of Object.values(longestWithoutAckMs)) expect(waitedMs).toBeLessThan(longestPolledStallMs(limits, pollIntervalMs))
    expect(polledLagMs(pollIntervalMs)).toBe(11_250)
  }, 200_000)
})
