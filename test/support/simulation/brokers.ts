/** Brokers: logs with their ends, what a leader change does, and a fence that each broker learns of for itself. */
import type { Colour } from '../../../engine/model/colour.ts'
import type { TopicPartition } from '../../../engine/model/partition.ts'
import { after, Unanswered, type WorldEvent } from './events.ts'
import { noteFence } from './invariants.ts'
import { askAgain, noteWatermark } from './sending.ts'
import { between, type SimulatedBroker, type SimulatedCluster, type SimulatedLog, type SimulatedRecord, type World } from './world.ts'

/** A broker that isn't heard of for so long leads nothing any more (`broker.session.timeout.ms`). */
const sessionMs = 9_000
/** A follower that doesn't fetch for so long is put out of the ISR (`replica.lag.time.max.ms`). */
const followerPatienceMs = 30_000

export function newCluster(colour: Colour, partitions: readonly TopicPartition[]): SimulatedCluster {
  const firstId = colour === 'blue' ? 1 : 11
  const brokers = [0, 1, 2].map(
    (index): SimulatedBroker => ({
      id: firstId + index,
      state: 'up',
      isRegistered: true,
      fenceVersion: 1,
      isFenced: true,
      extraLearnMs: 0,
      backAtMs: 0,
      outage: 0,
    }),
  )
  const logs = Object.fromEntries(
    partitions.map((partition) => {
      const leader = firstId + (Number(/\d+$/.exec(partition)?.[0] ?? 0) % 3)
      return [partition, { leader, leaderEpoch: 0, records: [], highWatermark: 0, isStalled: false } satisfies SimulatedLog]
    }),
  )
  return {
    colour,
    brokers,
    fenceVersion: 1,
    isFenced: true,
    isChangedLate: false,
    isOpenedLate: false,
    openedLateAtMs: 0,
    isLeft: false,
    isReturning: false,
    isMirrorFenced: false,
    logs,
    groups: {},
    transactions: {},
  }
}

export function logOf(cluster: SimulatedCluster, partition: TopicPartition): SimulatedLog {
  const log = cluster.logs[partition]
  if (log === undefined) throw new Error(`no partition ${partition} on ${cluster.colour}`)
  return log
}

export function brokerOf(cluster: SimulatedCluster, id: number): SimulatedBroker {
  const broker = cluster.brokers.find((one) => one.id === id)
  if (broker === undefined) throw new Error(`no broker ${id} on ${cluster.colour}`)
  return broker
}

/** The broker, if it answers. @throws Unanswered */
export function answering(broker: SimulatedBroker): SimulatedBroker {
  if (broker.state === 'paused') throw new Unanswered('silence', broker.backAtMs)
  if (broker.state === 'dead') throw new Unanswered('refused')
  return broker
}

/** The leader of a partition, if it answers. @throws Unanswered */
export function leaderOf(cluster: SimulatedCluster, partition: TopicPartition): SimulatedBroker {
  return answering(brokerOf(cluster, logOf(cluster, partition).leader))
}

/** The broker that requests for the controller and for coordinators go to: the first registered one. @throws Unanswered */
export function firstBroker(cluster: SimulatedCluster): SimulatedBroker {
  const broker = cluster.brokers.find(({ isRegistered }) => isRegistered)
  if (broker === undefined) throw new Unanswered('refused')
  return answering(broker)
}

/** The end of what is stable: behind it stands the first record of an open transaction, or what isn't committed to all in-sync replicas. */
export function lastStable(log: SimulatedLog): number {
  const open = log.records.findIndex((record) => record.kind === 'data' && record.state === 'open')
  return open < 0 ? log.highWatermark : Math.min(open, log.highWatermark)
}

/** Offsets of the records that a read_committed consumer sees, from `from` on and before `to`. */
export function visibleOffsets(log: SimulatedLog, from: number, to: number): readonly number[] {
  const end = Math.min(to, lastStable(log))
  const found: number[] = []
  for (let offset = Math.max(0, from); offset < end; offset += 1) {
    const record = log.records[offset]
    if (record?.kind === 'data' && record.state === 'committed') found.push(offset)
  }
  return found
}

export function valueAt(log: SimulatedLog, offset: number): string {
  const record = log.records[offset]
  if (record?.kind !== 'data') throw new Error(`no record at ${offset}`)
  return record.value
}

/** All that a read_committed consumer sees of a partition, in order. */
export function visibleValues(log: SimulatedLog): readonly string[] {
  return visibleOffsets(log, 0, log.records.length).map((offset) => valueAt(log, offset))
}

/** Appends at the leader, whoever may do that; it becomes visible when all in-sync followers have it. */
export function append(world: World, colour: Colour, partition: TopicPartition, record: SimulatedRecord): number {
  const log = logOf(world.clusters[colour], partition)
  const offset = log.records.push(record) - 1
  if (!log.isStalled) after(world, between(world, world.habits.replicate), { kind: 'replicate', colour, partition })
  return offset
}

/** Ends a transaction: each of its partitions gets a marker, and with it its records become visible, or never do. */
export function endTransaction(world: World, colour: Colour, name: string, partitions: readonly TopicPartition[], commit: boolean): void {
  for (const partition of partitions) append(world, colour, partition, { kind: 'marker', transaction: name, commit })
}

/** Markers that are committed now: what stood behind a transaction's first record is visible from here on. */
function settle(log: SimulatedLog, from: number, nowMs: number): void {
  for (const marker of log.records.slice(from)) {
    if (marker.kind !== 'marker') continue
    let isBehind = false
    for (const record of log.records) {
      if (record.kind !== 'data') continue
      const isOwn = record.transaction === marker.transaction && record.state === 'open'
      isBehind ||= isOwn
      if (isOwn) record.state = marker.commit ? 'committed' : 'aborted'
      if (isBehind) record.sinceMs = nowMs
    }
  }
}

/** The controller takes a change of the fence; each broker learns of it with its next metadata. What changes nothing writes nothing. */
export function changeFence(world: World, cluster: SimulatedCluster, isFenced: boolean): void {
  if (cluster.isFenced === isFenced) return
  cluster.fenceVersion += 1
  cluster.isFenced = isFenced
  cluster.isChangedLate = world.isLateRequest
  if (!isFenced) cluster.isMirrorFenced = false
  noteFence(world, cluster)
  for (const broker of cluster.brokers) if (broker.state !== 'dead') tellFence(world, cluster, broker)
}

function tellFence(world: World, cluster: SimulatedCluster, broker: SimulatedBroker): void {
  const ms = between(world, world.habits.learn) + broker.extraLearnMs
  const waitMs = broker.state === 'paused' ? Math.max(0, broker.backAtMs - world.nowMs) : 0
  after(world, waitMs + ms, { kind: 'learn', colour: cluster.colour, broker: broker.id, version: cluster.fenceVersion })
}

/** SIGSTOP until then. What is sent to it waits in its socket. */
export function pauseBroker(world: World, cluster: SimulatedCluster, id: number, ms: number): void {
  takeAway(world, cluster, id, ms, 'paused')
}

/** kill -9; it is started again after a while. */
export function killBroker(world: World, cluster: SimulatedCluster, id: number, ms: number): void {
  takeAway(world, cluster, id, ms, 'dead')
}

function takeAway(world: World, cluster: SimulatedCluster, id: number, ms: number, state: 'paused' | 'dead'): void {
  const broker = brokerOf(cluster, id)
  if (broker.state !== 'up') return
  world.history.isFaulty = true
  broker.state = state
  broker.outage += 1
  broker.backAtMs = world.nowMs + ms
  const { colour } = cluster
  after(world, ms, { kind: 'broker-back', colour, broker: id, outage: broker.outage })
  after(world, sessionMs, { kind: 'session-over', colour, broker: id, outage: broker.outage })
  if (state === 'dead') askAgain(world, cluster, id)
}

/** The controller puts a broker's partitions into other hands; what wasn't committed is gone where a follower was behind. */
function sessionOver(world: World, cluster: SimulatedCluster, id: number): void {
  brokerOf(cluster, id).isRegistered = false
  const heir = cluster.brokers.find(({ state, isRegistered }) => state === 'up' && isRegistered)
  if (heir === undefined) return
  for (const [partition, log] of Object.entries(cluster.logs)) {
    if (log.leader !== id) continue
    log.leader = heir.id
    log.leaderEpoch += 1
    if (log.isStalled) log.records = log.records.filter((record, offset) => offset < log.highWatermark || record.kind === 'marker') // the coordinator writes markers again
    log.isStalled = false
    after(world, between(world, world.habits.replicate), { kind: 'replicate', colour: cluster.colour, partition })
  }
  askAgain(world, cluster, id)
}

/** Before a broker that was dead serves anybody it has read the metadata; one that was paused goes on with what it knew. */
function brokerBack(world: World, cluster: SimulatedCluster, broker: SimulatedBroker): void {
  if (broker.state === 'dead') {
    broker.fenceVersion = cluster.fenceVersion
    broker.isFenced = cluster.isFenced
  }
  broker.state = 'up'
  broker.isRegistered = true
  broker.backAtMs = world.nowMs
  for (const [partition, log] of Object.entries(cluster.logs)) {
    if (log.highWatermark < log.records.length) after(world, between(world, world.habits.replicate), { kind: 'replicate', colour: cluster.colour, partition })
  }
}

function replicate(world: World, cluster: SimulatedCluster, partition: TopicPartition): void {
  const log = logOf(cluster, partition)
  const leader = brokerOf(cluster, log.leader)
  if (log.isStalled || leader.state !== 'up' || log.highWatermark === log.records.length) return
  settle(log, log.highWatermark, world.nowMs)
  log.highWatermark = log.records.length
  noteWatermark(world, cluster, partition)
}

export function stallFollower(world: World, cluster: SimulatedCluster, partition: TopicPartition, ms: number): void {
  world.history.isFaulty = true
  logOf(cluster, partition).isStalled = true
  after(world, Math.min(ms, followerPatienceMs), { kind: 'follower-back', colour: cluster.colour, partition })
}

type BrokerEvent = Extract<WorldEvent, { kind: 'replicate' | 'learn' | 'session-over' | 'broker-back' | 'follower-back' }>

export function performBrokerEvent(world: World, event: BrokerEvent): void {
  const cluster = world.clusters[event.colour]
  switch (event.kind) {
    case 'replicate':
      replicate(world, cluster, event.partition)
      return
    case 'learn': {
      const broker = brokerOf(cluster, event.broker)
      if (event.version <= broker.fenceVersion || broker.state === 'dead') return
      if (broker.state === 'paused') {
        after(world, broker.backAtMs - world.nowMs + 1, event)
        return
      }
      // A fetch of the metadata log brings all that is there, what came behind this change too.
      broker.fenceVersion = cluster.fenceVersion
      broker.isFenced = cluster.isFenced
      return
    }
    case 'session-over': {
      const broker = brokerOf(cluster, event.broker)
      if (broker.outage === event.outage && broker.state !== 'up') sessionOver(world, cluster, event.broker)
      return
    }
    case 'broker-back': {
      const broker = brokerOf(cluster, event.broker)
      if (broker.outage === event.outage && broker.state !== 'up') brokerBack(world, cluster, broker)
      return
    }
    case 'follower-back':
      logOf(cluster, event.partition).isStalled = false
      replicate(world, cluster, event.partition)
      return
  }
}
