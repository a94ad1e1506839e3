/**
 * A cluster that nobody of this project provisioned (three plain brokers, one listener, their own users) is read into a catalog, adopted as blue, and left for a provisioned green and back, under
 * routed load; judged by the clients' own histories.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { runAdopt } from '../../cli/adopt/command.ts'
import { judge, startLoad } from '../../cli/rollout/demo-load.ts'
import { createTopics, deleteTopics } from '../../engine/adapters/kafka/admin.ts'
import { connectCluster } from '../../engine/adapters/kafka/cluster.ts'
import { tryFence } from '../../engine/adapters/kafka/fence-trial.ts'
import { readCredentials } from '../../engine/adapters/local/credentials.ts'
import { type ClusterAccess, mirrorUserOf } from '../../engine/model/cluster-access.ts'
import { messageOf } from '../../engine/model/error.ts'
import type { ExternalClusterSpec } from '../../engine/model/external-cluster.ts'
import { Limits } from '../../engine/model/limits.ts'
import { Deadline, systemClock } from '../../engine/ports/clock.ts'
import { adoptCluster } from '../../engine/run/adopt-cluster.ts'
import { createRoute } from '../../engine/run/create-route.ts'
import { lookAtClients, lookAtExistingClients } from '../../engine/run/look-at-clients.ts'
import { loadCatalog } from '../../infra/catalog.ts'
import { projectFile } from '../../infra/project.ts'
import { benchAdopt, benchTopicPrefix } from '../bench/adopt.ts'
import { type Pair, quickGate, standPair } from '../support/pair.ts'
import { type PlainCluster, plainUsers, startPlainCluster } from '../support/workload/plain-cluster.ts'
import { accessOfPlain, fillPlainCluster } from '../support/workload/plain-cluster-contents.ts'
import type { WorkloadProcess } from '../support/workload/process.ts'

const fleet = 'test-adopt'
const within = (seconds: number) => new Deadline(systemClock, seconds * 1_000, 'the test')
const wanted = loadCatalog(projectFile('catalog.yaml'))
const applications = Object.fromEntries(wanted.users.map((user) => [user, `${user}-secret`]))
let dir = ''
let theirs: PlainCluster
let pair: Pair | undefined
let load: WorkloadProcess | undefined
const file = () => join(dir, 'catalog.yaml')

function specOf(nodes = 3): ExternalClusterSpec {
  const external = { bootstrapServers: [...theirs.bootstrapServers], credentialsFile: theirs.credentialsFile, users: plainUsers }
  return { fleet, colour: 'blue', kafkaVersion: '3.9.2', nodes, external, catalog: loadCatalog(file()) }
}

/** `kbg adopt` as it is typed. @returns its exit code and what it said */
async function adopt(more: { readonly update?: boolean } = {}): Promise<{ readonly code: number; readonly said: string }> {
  const said = vi.spyOn(console, 'log').mockImplementation(() => undefined)
  const told = vi.spyOn(console, 'error').mockImplementation(() => undefined)
  try {
    const login = { user: 'kafka-admin', mechanism: 'PLAIN', credentials: theirs.credentialsFile, own: 'kafka-broker,mm2,canary', ca: undefined }
    const code = await runAdopt({ bootstrapServers: theirs.bootstrapServers.join(','), ...login, out: file(), update: false, all: true, ...more })
    return { code, said: said.mock.calls.flat().join('\n') }
  } finally {
    said.mockRestore()
    told.mockRestore()
  }
}

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'kbg-adopt-'))
  theirs = await startPlainCluster({
    version: '3.9.2',
    dir: join(dir, 'theirs'),
    hosts: ['127.0.91.1', '127.0.91.2', '127.0.91.3'],
    applications,
    clock: systemClock,
  })
  await fillPlainCluster(theirs, wanted, applications)
}, 180_000)

afterAll(async () => {
  load?.kill()
  await pair?.end()
  await theirs?.stop()
  rmSync(dir, { recursive: true, force: true })
}, 120_000)

describe('kbg adopt on a real cluster', () => {
  test('writes what its owners have made, and says what it leaves and what rules out no step', async () => {
    const { code, said } = await adopt()
    expect(code, said).toBe(0)
    const { topics, users, acls, groups } = loadCatalog(file())
    expect(topics).toEqual(wanted.topics)
    expect(users).toEqual([...wanted.users].sort())
    expect(new Set(acls.map((acl) => JSON.stringify(acl, Object.keys(acl).sort())))).toEqual(
      new Set(wanted.acls.map((acl) => JSON.stringify(acl, Object.keys(acl).sort()))),
    )
    expect(Object.keys(groups).sort()).toEqual(Object.keys(wanted.groups).sort())
    expect(said).toContain('nothing that was read rules out a step of a switchover')
    expect(said).toMatch(/one listener for all clients on broker 101, broker 102, broker 103/)
    expect(said).toMatch(/topics inherit from the brokers: log\.retention\.hours=72/)
    expect(said).not.toContain('-secret')
  })

  test('a second run writes nothing; a change is shown, and taken over when it is asked for', async () => {
    const before = readFileSync(file(), 'utf8')
    expect(await adopt()).toMatchObject({ code: 0, said: expect.stringContaining('unchanged') })
    await createTopics(accessOfPlain(theirs), [{ topic: 'refunds', partitions: 1, replicationFactor: 3, config: {} }], within(20))
    const changed = await adopt()
    expect(changed).toMatchObject({ code: 1, said: expect.stringMatching(/topics \(1\)\n {2}\+ refunds/) })
    expect(readFileSync(file(), 'utf8')).toBe(before)
    expect((await adopt({ update: true })).code).toBe(0)
    expect(loadCatalog(file()).topics.refunds).toMatchObject({ partitions: 1 })
    await deleteTopics(accessOfPlain(theirs), ['refunds'], within(20))
    expect((await adopt({ update: true })).code).toBe(0)
    expect(readFileSync(file(), 'utf8')).toBe(before)
  })
})

test('the bench runs in its smallest form: its rows, and nothing about speed', async () => {
  try {
    const { result } = await benchAdopt({ topics: 2, partitionsPerTopic: 2, groups: 0, rounds: 1, cluster: theirs, outDir: dir })
    expect(result.rows.map(({ measure }) => measure)).toEqual(['kbg adopt, 2 topics, 4 partitions, 0 groups', 'its memory, at most', 'partitions'])
    expect(result.rows.every(({ ours }) => ours > 0)).toBe(true)
  } finally {
    await deleteTopics(accessOfPlain(theirs), [`${benchTopicPrefix}0000`, `${benchTopicPrefix}0001`], within(20))
  }
})

describe('a cluster that is to be a colour', () => {
  const refused = (spec: ExternalClusterSpec) =>
    adoptCluster(join(dir, 'refused'), spec, 'fence', () => undefined, within(40)).then(
      () => 'it was adopted',
      (thrown: unknown) => messageOf(thrown),
    )

  test('is refused by name when it is not as declared, and nothing is made on it', async () => {
    expect(await refused(specOf(4))).toMatch(/^external-cluster: .*observed: 3 brokers; required: 4/)
    const { catalog } = specOf()
    const more = { ...catalog, topics: { ...catalog.topics, extra: { partitions: 1, replicationFactor: 3, config: {} } } }
    expect(await refused({ ...specOf(), catalog: more })).toMatch(/^catalog-differs: .*topics extra declared: declared in the catalog, not there on blue/)
    expect(await refused({ ...specOf(), catalog: { ...catalog, users: [...catalog.users, 'nobody-knows'] } })).toMatch(/^credentials: .*nobody-knows/)
    const cluster = connectCluster(accessOfPlain(theirs), systemClock)
    try {
      expect((await cluster.inventory.topics(within(10))).filter(({ topic }) => topic.startsWith('kbg.'))).toEqual([])
    } finally {
      await cluster.close()
    }
  })

  test('is adopted once a denial stops the probe alone; who is no super user is found out', async () => {
    const access = await adoptCluster(join(dir, 'tried'), specOf(), 'fence', () => undefined, within(60))
    const before = await aclsOf(access)
    const [orders] = wanted.users
    const wrong = { ...plainUsers, mirror: { username: orders ?? '', mechanism: 'SCRAM-SHA-512' } } as const
    const refusal = await tryFence({ ...access, users: wrong }, within(30)).catch(messageOf)
    expect(refusal).toMatch(/^fence-trial: .*who: mirror; required: passes a denial: a super user; observed: broker 101: fenced/)
    const superProbe = await tryFence({ ...access, users: { ...plainUsers, probe: mirrorUserOf({ colour: 'blue', users: plainUsers }) } }, within(30)).catch(
      messageOf,
    )
    expect(superProbe).toMatch(/^fence-trial: .*who: probe; required: is refused by a denial/)
    // A broker learns that the denial is gone with its next metadata push.
    const after = await within(10).poll(100, async () => {
      const acls = await aclsOf(access)
      return acls.length === before.length ? acls : undefined
    })
    expect(after).toEqual(before)
  })
})

async function aclsOf(access: ClusterAccess): Promise<readonly string[]> {
  const cluster = connectCluster(access, systemClock)
  try {
    return (await cluster.inventory.acls(within(10))).map((acl) => JSON.stringify(acl)).sort()
  } finally {
    await cluster.close()
  }
}

describe('a rollout from a cluster that this project did not provision', () => {
  const said: string[] = []

  /** A busy machine makes the mirror lag; a gate that refuses for that has touched nothing and is asked again. */
  async function switchTo(running: Pair, live: 'blue' | 'green'): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      try {
        await running.moveTo(live)
        return
      } catch (thrown) {
        if (!/^gate/.test(messageOf(thrown)) || !/mirror lag|audit/.test(messageOf(thrown)) || tries === 6) throw thrown
      }
    }
  }

  test('the provisioned green takes over, and blue again; its clients lost nothing, and saw nothing twice or out of order', async () => {
    const spec = specOf()
    pair = await standPair({
      ...{ fleet, versions: { blue: '3.9.2', green: '4.3.1' }, catalog: spec.catalog, audit: true, guardians: Limits.parse(quickGate) },
      adopt: (root) => adoptCluster(root, spec, 'fence', () => undefined, within(60)),
    })
    const { blue, green } = pair.wiring.clusters
    expect(readCredentials(green.credentialsFile).passwords).toMatchObject(applications)
    const run = { wiring: pair.wiring, limits: Limits.parse(quickGate), holder: 'a test', tell: () => undefined, cancelled: new AbortController().signal }
    const onGreen = createRoute(pair.ports, { ...run, intent: { live: 'green', attempt: 0, consumers: {} } })
    await expect(onGreen).rejects.toThrow(/^adopted-standby: .*required: live blue/)
    await pair.createRoute()
    load = await startLoad(pair.wiring, dir, { ratePerSecond: 300, preloadRecords: 0 }, () => undefined, (problem) => said.push(problem)) // biome-ignore format: one line
    load.startLoad()
    await atLeast(load, 'blue', 1_500)
    await clientsAreTold(pair)
    await switchTo(pair, 'green')
    await atLeast(load, 'green', 1_500)
    await switchTo(pair, 'blue')
    await atLeast(load, 'blue', 3_000)
    await load.stopProducers()
    load.resumeGroups()
    const lag = await load.drain(90)
    expect(Object.values(lag).every((records) => records === 0)).toBe(true)
    await load.end()
    load = undefined
    const running = pair
    await within(60).poll(300, async () => ((await endsOf(running, 'blue')) === (await endsOf(running, 'green')) ? true : undefined))
    const verdict = await judge(pair.wiring, 'blue', dir)
    expect(verdict.lines.join('\n')).toMatch(/^PASS/)
    const { acked, ...faults } = verdict.statistics
    expect(faults).toEqual({ lost: 0, duplicated: 0, redelivered: 0, reordered: 0, errors: 0 })
    expect(acked).toBeGreaterThan(4_000)
    expect(verdict.windows.map((window) => `${window.from} -> ${window.to}`)).toEqual(['blue -> green', 'green -> blue'])
    expect(blue.clusterId).toBe(theirs.clusterId)
  }, 300_000)
})

/** What the adopted brokers tell of the load: every member follows the route, and as somebody without a route nobody is said to. */
async function clientsAreTold(running: Pair): Promise<void> {
  const { colour, clients, producers, registered } = await lookAtClients(running.ports, running.wiring, within(20))
  if (!clients.seen || !producers.seen) throw new Error(`not seen: ${JSON.stringify({ clients, producers })}`)
  expect(colour).toBe('blue')
  expect(new Set(clients.value.map(({ groupId }) => groupId))).toEqual(new Set(Object.keys(wanted.groups)))
  expect(clients.value.every(({ routed, host, members }) => routed?.includes('kafkajs') && host.startsWith('127.') && members > 0)).toBe(true)
  expect(producers.value.map(({ topic }) => topic)).toEqual(Object.keys(wanted.topics).sort())
  expect(registered?.some(({ kind }) => kind !== 'consumer')).toBe(true)
  const username = 'username' in plainUsers.operator ? plainUsers.operator.username : ''
  const login = { username, mechanism: 'PLAIN', password: readCredentials(theirs.credentialsFile).passwords[username] ?? '' } as const
  const unrouted = await lookAtExistingClients({ bootstrapServers: theirs.bootstrapServers, login, caFile: undefined }, systemClock, within(20))
  expect(unrouted.registered).toBeNull()
  expect(unrouted.clients.seen && unrouted.clients.value.map(({ clientId }) => clientId)).toEqual(clients.value.map(({ clientId }) => clientId))
}

/** The last visible records of every partition, as one text. */
async function endsOf(running: Pair, colour: 'blue' | 'green'): Promise<string> {
  const { logs } = running.ports.clusters[colour]
  const ends = await logs.ends(running.wiring.topics, within(10))
  const last = await logs.lastVisibleOfAll(new Map(ends.map(({ partition, lastStableOffset }) => [partition, lastStableOffset])), 1, within(20))
  return JSON.stringify([...last].map(([partition, records]) => [partition, records.map(({ digest }) => digest)]).sort())
}

function atLeast(running: WorkloadProcess, colour: 'blue' | 'green', records: number): Promise<true> {
  return within(90).poll(100, async () => ((running.lastStatus?.ackedRecords[colour] ?? 0) >= records ? true : undefined))
}
