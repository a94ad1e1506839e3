import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Etcd3 } from 'etcd3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { etcdTransport, readPassword } from '../../engine/adapters/etcd/etcd-connection.ts'
import { openRouteStore } from '../../engine/adapters/etcd/route-store.ts'
import { destroyRouteStore, type LocalRouteStore, provisionRouteStore } from '../../engine/adapters/local/etcd-process.ts'
import { type Colour, colours } from '../../engine/model/colour.ts'
import { type RouteDocument, routeKeys } from '../../engine/model/route.ts'
import { Deadline, systemClock } from '../../engine/ports/clock.ts'
import { toolPaths } from '../../tools/paths.ts'
import { check, readHistories, verdictLines, writeWindows } from '../support/history/index.ts'
import type { WorkloadConfig } from '../support/workload/config.ts'
import { type PlainBroker, startPlainBroker } from '../support/workload/plain-broker.ts'
import { WorkloadProcess } from '../support/workload/process.ts'
import { demoLoad } from '../support/workload/profile.ts'

const clock = systemClock
const fleet = 'h5-routed'
const load = demoLoad(600, 2_000)
let dir: string
const brokers: Partial<Record<Colour, PlainBroker>> = {}
let store: LocalRouteStore
let workload: WorkloadProcess | undefined
const spec = () => ({ projectRoot: dir, fleet, subnets: process.platform === 'linux' })

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'workload-routed-'))
  const topics = load.topics.map(({ name, partitions }) => ({ topic: name, numPartitions: partitions, replicationFactor: 1 }))
  const versions = { blue: '3.9.2', green: '4.3.1' } as const
  const hosts = { blue: '127.0.77.2', green: '127.0.77.3' } as const
  store = await provisionRouteStore(spec(), clock, () => undefined, new Deadline(clock, 60_000, 'the route store'))
  await Promise.all(
    colours.map(async (colour) => {
      brokers[colour] = await startPlainBroker({ version: versions[colour], dir: join(dir, colour), host: hosts[colour], topics, clock })
    }),
  )
}, 240_000)

afterAll(async () => {
  workload?.kill()
  for (const colour of colours) await brokers[colour]?.stop()
  await destroyRouteStore(spec(), 'remove', new Deadline(clock, 20_000, 'the end of etcd'))
  rmSync(dir, { recursive: true, force: true })
}, 60_000)

/** The route, written by hand: this test is of the load, not of the switchover. */
function route(epoch: number, change: Pick<RouteDocument, 'state' | 'live' | 'target' | 'groups' | 'defaultConsumerColour'>): RouteDocument {
  const endpoints = (colour: Colour) => {
    const servers = [...(brokers[colour]?.bootstrapServers ?? [])]
    return { clusterId: colour, produceBootstrapServers: servers, consumeBootstrapServers: servers }
  }
  const both = { blue: endpoints('blue'), green: endpoints('green') }
  return { version: 1, fleet, epoch, term: '1', attempt: 0, colours: both, latch: null, ...change }
}

async function publish(document: RouteDocument): Promise<void> {
  const auth = { username: store.operator.username, password: readPassword(store.operator) }
  const etcd = new Etcd3({ ...etcdTransport, hosts: [store.endpoint], auth })
  await etcd.put(routeKeys(fleet).route).value(JSON.stringify(document))
  etcd.close()
}

/** Until every client of these kinds has acted on the epoch. */
async function acknowledged(epoch: number, which: (kind: string, groupId: string | null) => boolean): Promise<void> {
  const routeStore = openRouteStore(store.operator, fleet, clock)
  const all = await routeStore.waitForClients(
    (clients) => clients.filter((client) => which(client.kind, client.groupId)).every((client) => client.ackedEpoch >= epoch),
    new Deadline(clock, 30_000, `epoch ${epoch}`),
  )
  await routeStore.close()
  expect(all.satisfied).toBe(true)
}

async function until(what: string, condition: (running: WorkloadProcess) => boolean): Promise<void> {
  const running = workload
  if (!running) throw new Error('the workload does not run')
  await new Deadline(clock, 60_000, what).poll(100, async () => (condition(running) ? true : undefined))
}

describe('the workload with routed clients', () => {
  it('follows the route from one cluster to another one, and its history shows the window and no fault', async () => {
    const stays = { archive: { colour: 'blue', state: 'running' } } as const
    const onBlue = { live: 'blue', target: null, defaultConsumerColour: 'blue', groups: stays } as const
    await publish(route(1, { ...onBlue, state: 'open' }))
    const historyDir = join(dir, 'history')
    const client: WorkloadConfig['client'] = { kind: 'routed', fleet, routeStore: store.client }
    workload = await WorkloadProcess.start({ version: 1, historyDir, client, credentialsFile: null, ...load }, { node: toolPaths().node, clock, dir })
    workload.startLoad()
    await until('5,000 records on blue', ({ lastStatus }) => (lastStatus?.ackedRecords.blue ?? 0) > 5_000)

    await publish(route(2, { ...onBlue, state: 'held', target: 'green' }))
    await acknowledged(2, (kind) => kind !== 'consumer')
    await publish(route(3, { ...onBlue, state: 'open', live: 'green' }))
    // Nothing mirrors here, so each group reads blue to its end, then green from its start.
    await until('sends on green', ({ lastStatus }) => (lastStatus?.ackedRecords.green ?? 0) > 500)
    await clock.sleep(3_000)
    const move = (state: 'held' | 'running', colour: Colour) =>
      Object.fromEntries(load.groups.filter((group) => group.groupId !== 'archive').map((group) => [group.groupId, { colour, state }]))
    const onGreen = { state: 'open', live: 'green', target: null, defaultConsumerColour: 'blue' } as const
    await publish(route(4, { ...onGreen, groups: { ...stays, ...move('held', 'blue') } }))
    await acknowledged(4, (kind, group) => kind === 'consumer' && group !== 'archive')
    await publish(route(5, { ...onGreen, groups: { ...stays, ...move('running', 'green') } }))
    await until('2,000 records on green', ({ lastStatus }) => (lastStatus?.ackedRecords.green ?? 0) > 2_000)

    const acked = await workload.stopProducers()
    workload.resumeGroups()
    await until('everything to be read', ({ lastStatus }) =>
      Object.entries(lastStatus?.groups ?? {}).every(([group, { lagRecords, polledRecords }]) =>
        group === 'archive' ? polledRecords > 4_000 : lagRecords === 0,
      ),
    )
    await workload.end()

    expect(workload.problems).toEqual([])
    const verdict = check(readHistories(historyDir), { wholeColours: [], groupsBehind: ['archive'] })
    expect(verdictLines(verdict)).toHaveLength(1)
    expect(verdict).toMatchObject({ ok: true, checked: { acked, unknown: 0, denied: 0 } })
    const windows = writeWindows(readHistories(historyDir))
    expect(windows.switchovers).toMatchObject([{ from: 'blue', to: 'green', dueThroughout: true }])
    expect(windows.switchovers[0]?.producers.map((window) => window.producer).sort()).toEqual(['orders-shop', 'orders-web', 'payments'])
    expect(windows.acked.blue + windows.acked.green).toBe(acked)
  }, 240_000)
})
