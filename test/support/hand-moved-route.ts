/** Two real clusters behind one route that a test moves by hand, step by step: for what routed clients do meanwhile. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import kafkajs from 'kafkajs'
import { Kafka } from '../../client/index.ts'
import { openRouteStore } from '../../engine/adapters/etcd/route-store.ts'
import { createAcls, createTopics } from '../../engine/adapters/kafka/admin.ts'
import { connectCluster } from '../../engine/adapters/kafka/cluster.ts'
import { destroyCluster, observeCluster, provisionCluster } from '../../engine/adapters/local/cluster.ts'
import { readCredentials } from '../../engine/adapters/local/credentials.ts'
import { destroyRouteStore, type LocalRouteStore, provisionRouteStore, type RouteStoreSpec } from '../../engine/adapters/local/etcd-process.ts'
import type { ClusterAccess } from '../../engine/model/cluster-access.ts'
import { type Colour, colours, otherColour } from '../../engine/model/colour.ts'
import type { AclBinding } from '../../engine/model/facts.ts'
import type { ClientRegistration, RouteDocument } from '../../engine/model/route.ts'
import { Deadline, systemClock } from '../../engine/ports/clock.ts'
import type { Cluster } from '../../engine/ports/cluster.ts'
import type { RouteLock, RouteStore } from '../../engine/ports/route-store.ts'

export const fleet = `h4c${process.pid}`
const projectRoot = mkdtempSync(join(tmpdir(), 'kbg-routed-client-'))
export const storeSpec: RouteStoreSpec = { projectRoot, fleet, subnets: process.platform === 'linux' }
export const within = (ms: number, what = 'the test'): Deadline => new Deadline(systemClock, ms, what)
export const topic = `orders-${Date.now()}`
export const partitions = 6

let local: LocalRouteStore
export let store: RouteStore
let lock: RouteLock
export let access: Record<Colour, ClusterAccess>
export let clusters: Record<Colour, Cluster>
export let route: RouteDocument
let appPassword: string

/** Two clusters of three brokers and a store, blue open and green fenced, the first route published. */
export async function standRoutedClusters(): Promise<void> {
  local = await provisionRouteStore(storeSpec, systemClock, () => undefined, within(60_000))
  const provision = (colour: Colour) =>
    provisionCluster(projectRoot, { fleet, colour, kafkaVersion: '4.3.1', nodes: 3, applicationUsers: ['app'] }, () => undefined, within(150_000))
  const [blue, green] = await Promise.all([provision('blue'), provision('green')])
  access = { blue, green }
  appPassword = readCredentials(access.blue.credentialsFile).passwords.app ?? ''
  clusters = { blue: connectCluster(access.blue, systemClock), green: connectCluster(access.green, systemClock) }
  for (const colour of colours) {
    await createAcls(access[colour], applicationAcls(), within(30_000))
    await createTopics(access[colour], [{ topic, partitions, replicationFactor: 3, config: {} }], within(30_000))
  }
  store = openRouteStore(local.operator, fleet, systemClock)
  lock = await store.lock('test', 30, within(5_000))
  await setFence('green', 'raise')
  await setFence('blue', 'lift')
  await publish(await firstRoute())
}

/** Ends all of it. */
export async function endRoutedClusters(): Promise<void> {
  await lock.release()
  await store.close()
  await Promise.all(colours.map((colour) => clusters[colour].close()))
  await Promise.all(colours.map((colour) => destroyCluster(projectRoot, fleet, colour, () => undefined, within(60_000))))
  await destroyRouteStore(storeSpec, 'remove', within(10_000))
  rmSync(projectRoot, { recursive: true, force: true })
}

function applicationAcls(): AclBinding[] {
  const allow = (resourceType: AclBinding['resourceType'], operation: string): AclBinding => ({
    ...{ principal: 'User:app', host: '*', resourceType, resourceName: '*', patternType: 'literal', operation, permission: 'allow' },
  })
  return [
    ...['Write', 'Read', 'Describe'].map((operation) => allow('topic', operation)),
    ...['Read', 'Describe'].map((operation) => allow('group', operation)),
    ...['Write', 'Describe'].map((operation) => allow('transactional-id', operation)),
  ]
}

async function firstRoute(): Promise<RouteDocument> {
  const { route: known, highestClientEpoch } = await store.read(within(5_000))
  const endpoints = (colour: Colour) => {
    const { clusterId, produceBootstrapServers, consumeBootstrapServers } = access[colour]
    return { clusterId, produceBootstrapServers, consumeBootstrapServers }
  }
  return {
    ...{
      version: 1,
      fleet,
      epoch: Math.max(known?.epoch ?? 0, highestClientEpoch) + 1,
      state: 'open',
      live: 'blue',
      target: null,
      term: lock.term,
      attempt: 0,
    },
    ...{ colours: { blue: endpoints('blue'), green: endpoints('green') }, defaultConsumerColour: 'blue', groups: {}, latch: null },
  }
}

export async function publish(next: RouteDocument): Promise<void> {
  const reading = await store.read(within(5_000))
  const entry = { number: reading.journalHead + 1, term: lock.term, atWallClock: new Date().toISOString(), atMonotonicMs: systemClock.monotonicMs() }
  await store.write(
    lock,
    {
      route: next,
      entry: { ...entry, kind: 'step', step: 'hold', what: 'done', detail: `epoch ${next.epoch}` },
      expectedRouteRevision: reading.routeRevision,
      expectedJournalHead: reading.journalHead,
    },
    within(5_000),
  )
  route = next
}

export const change = (patch: Partial<RouteDocument>) => publish({ ...route, ...patch, epoch: route.epoch + 1 })

export async function setFence(colour: Colour, what: 'raise' | 'lift'): Promise<void> {
  const { fence } = clusters[colour]
  await fence[what](within(20_000))
  const wanted = what === 'raise' ? 'fenced' : 'open'
  await within(20_000, `the fence of ${colour}`).poll(10, async () => {
    const answers = await fence.probe(within(5_000))
    return answers.every((each) => each.answer === wanted) ? true : undefined
  })
}

/** All clients of a kind have acted on the route's epoch; how long that took. */
export async function acknowledged(kinds: readonly ClientRegistration['kind'][], state: 'held' | 'running'): Promise<number> {
  const startedAtMs = systemClock.monotonicMs()
  const { satisfied, clients } = await store.waitForClients(
    (all) => all.filter((client) => kinds.includes(client.kind)).every((client) => client.ackedEpoch >= route.epoch && client.state === state),
    within(20_000),
  )
  if (!satisfied) throw new Error(`not acknowledged: ${JSON.stringify(clients)}`)
  return systemClock.monotonicMs() - startedAtMs
}

export const producerKinds = ['producer', 'transactional-producer'] as const

/** A switch by hand; `fenceFirst` lets the fence meet writers that don't know of a hold yet. */
export async function flip(fenceFirst = false): Promise<{ holdMs: number }> {
  const source = route.live
  const target = otherColour(source)
  if (fenceFirst) await clusters[source].fence.raise(within(20_000))
  await change({ state: 'held', target })
  const holdMs = await acknowledged(producerKinds, 'held')
  await setFence(source, 'raise')
  await change({ state: 'deciding' })
  await setFence(target, 'lift')
  await change({ state: 'open', live: target, target: null })
  return { holdMs }
}

/** Kills every broker of a colour. What comes afterwards in the file has the other one only. */
export function killBrokers(colour: Colour): void {
  for (const { pid } of observeCluster(projectRoot, fleet, colour)?.brokers ?? []) {
    if (pid !== null) process.kill(pid, 'SIGKILL')
  }
}

/** Plain kafkajs on one colour, as the application's user. */
export function plain(colour: Colour): kafkajs.Kafka {
  return new kafkajs.Kafka({ ...connection(), brokers: access[colour].produceBootstrapServers })
}

function connection() {
  return { clientId: 'app', sasl: { mechanism: 'scram-sha-512', username: 'app', password: appPassword } as const, logLevel: kafkajs.logLevel.NOTHING }
}

export function routed(config: Pick<kafkajs.KafkaConfig, 'socketFactory'> = {}): Kafka {
  return new Kafka({ ...connection(), ...config, fleet, routeStore: { endpoints: local.client.endpoints, credentialsFile: local.client.credentialsFile } })
}

export interface Read {
  readonly colour: Colour
  readonly partition: number
  readonly offset: bigint
  readonly value: string
}

/** Everything that committed readers see of a topic on one colour, up to its end. */
export async function readAll(colour: Colour, name = topic): Promise<Read[]> {
  const ends = await clusters[colour].logs.ends([name], within(10_000))
  const kafka = new kafkajs.Kafka({ ...connection(), brokers: access[colour].consumeBootstrapServers })
  const consumer = kafka.consumer({ groupId: `reader-${Date.now()}-${Math.random()}`, maxWaitTimeInMs: 100 })
  const reads: Read[] = []
  const missing = new Map(ends.filter((end) => end.lastStableOffset > end.logStartOffset).map((end) => [end.partition, end.lastStableOffset]))
  const { promise: complete, resolve } = Promise.withResolvers<void>()
  await consumer.connect()
  await consumer.subscribe({ topics: [name], fromBeginning: true })
  if (missing.size === 0) resolve()
  await consumer.run({
    autoCommit: false,
    eachBatch: async ({ batch }) => {
      for (const { offset, value } of batch.messages) reads.push({ colour, partition: batch.partition, offset: BigInt(offset), value: String(value) })
      const key = `${name}-${batch.partition}`
      if (BigInt(batch.lastOffset()) + 1n >= (missing.get(key) ?? 0n)) missing.delete(key)
      if (missing.size === 0) resolve()
    },
  })
  await within(30_000, `the records of ${name} on ${colour}`).race(complete)
  await consumer.disconnect()
  return reads
}
