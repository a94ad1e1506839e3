/** What an orchestrator asks of brokers. Each function takes effect at one moment. @throws Unanswered; KbgError as the brokers refuse */
import { type Colour, otherColour } from '../../../engine/model/colour.ts'
import { KbgError } from '../../../engine/model/error.ts'
import type { GroupFacts, OpenTransaction, PartitionEnd, ProbeAnswer, QuorumFacts, TopicFacts, VisibleRecord } from '../../../engine/model/facts.ts'
import { parseTopicPartition, type TopicPartition } from '../../../engine/model/partition.ts'
import { answering, append, brokerOf, changeFence, firstBroker, lastStable, leaderOf, logOf, valueAt, visibleOffsets } from './brokers.ts'
import { groupOf } from './consumers.ts'
import { initProducerId } from './mirror.ts'
import type { SimulatedCluster, World } from './world.ts'

interface At {
  readonly colour: Colour
}

interface AtPartitions extends At {
  readonly partitions: readonly TopicPartition[]
}

function endOf(cluster: SimulatedCluster, partition: TopicPartition): PartitionEnd {
  const log = logOf(cluster, partition)
  return {
    partition,
    leaderEpoch: log.leaderEpoch,
    logStartOffset: 0n,
    logEndOffset: BigInt(log.records.length),
    highWatermark: BigInt(log.highWatermark),
    lastStableOffset: BigInt(lastStable(log)),
  }
}

function visible(cluster: SimulatedCluster, partition: TopicPartition, offset: number): VisibleRecord {
  return { offset: BigInt(offset), timestamp: 0n, digest: valueAt(logOf(cluster, partition), offset) }
}

function topicFacts(cluster: SimulatedCluster): readonly TopicFacts[] {
  const byTopic = Map.groupBy(Object.keys(cluster.logs), (partition) => parseTopicPartition(partition).topic)
  const inSync = cluster.brokers.filter(({ isRegistered }) => isRegistered).map(({ id }) => id)
  return [...byTopic].map(([topic, partitions]) => ({
    topic,
    topicId: `id-${topic}`,
    internal: false,
    partitions: partitions.map((partition) => ({
      partition: parseTopicPartition(partition).partition,
      leader: logOf(cluster, partition).leader,
      leaderEpoch: logOf(cluster, partition).leaderEpoch,
      replicas: cluster.brokers.map(({ id }) => id),
      isr: inSync,
    })),
    config: {},
    minInsyncReplicas: 2,
  }))
}

function quorumFacts({ brokers }: SimulatedCluster): QuorumFacts {
  const leaderId = brokers.find(({ isRegistered }) => isRegistered)?.id ?? -1
  return { leaderId, leaderEpoch: 1, voters: brokers.map(({ id, state }) => ({ nodeId: id, logEndOffset: 0n, lastFetchAgeMs: state === 'up' ? 1 : 9_000 })) }
}

function groupFacts(cluster: SimulatedCluster): readonly GroupFacts[] {
  return Object.entries(cluster.groups).map(([groupId, { members }]) => ({
    groupId,
    state: members.length > 0 ? 'Stable' : 'Empty',
    type: 'classic',
    memberCount: members.length,
  }))
}

/** The broker learns of a fence for itself; super users pass it. */
function probeAnswer(cluster: SimulatedCluster, broker: number): ProbeAnswer {
  return answering(brokerOf(cluster, broker)).isFenced ? 'fenced' : 'open'
}

function requireEmpty(cluster: SimulatedCluster, groupId: string): void {
  const members = cluster.groups[groupId]?.members.length ?? 0
  if (members > 0) throw new KbgError('group-not-empty', `${groupId} has ${members} members on ${cluster.colour}.`)
}

export const brokerOperations = {
  'cluster facts': (world: World, { colour }: At) => {
    const cluster = world.clusters[colour]
    const registered = cluster.brokers.filter(({ isRegistered }) => isRegistered)
    return { controllerId: firstBroker(cluster).id, brokers: registered.map(({ id }) => ({ brokerId: id, host: `${colour}-${id}`, port: 9_092 })) }
  },
  'topic facts': (world: World, { colour }: At) => {
    firstBroker(world.clusters[colour])
    return topicFacts(world.clusters[colour])
  },
  'quorum facts': (world: World, { colour }: At) => {
    firstBroker(world.clusters[colour])
    return quorumFacts(world.clusters[colour])
  },
  'fence bindings': (world: World, { colour }: At): boolean => {
    firstBroker(world.clusters[colour])
    return world.clusters[colour].isFenced
  },
  'raise fence': (world: World, { colour }: At): void => {
    firstBroker(world.clusters[colour])
    changeFence(world, world.clusters[colour], true)
  },
  'lift fence': (world: World, { colour }: At): void => {
    firstBroker(world.clusters[colour])
    changeFence(world, world.clusters[colour], false)
  },
  probe: (world: World, { colour, broker }: At & { readonly broker: number }) => probeAnswer(world.clusters[colour], broker),
  'write canary': (world: World, { colour, partition }: At & { readonly partition: TopicPartition }): boolean => {
    if (leaderOf(world.clusters[colour], partition).isFenced) return false
    append(world, colour, partition, { kind: 'data', value: `canary ${world.sequence}`, transaction: null, state: 'committed', sinceMs: world.nowMs })
    return true
  },
  ends: (world: World, { colour, partitions }: AtPartitions) =>
    partitions.map((partition) => {
      leaderOf(world.clusters[colour], partition)
      return endOf(world.clusters[colour], partition)
    }),
  visible: (world: World, { colour, partition, from, to }: At & { readonly partition: TopicPartition; readonly from: number; readonly to: number }) => {
    leaderOf(world.clusters[colour], partition)
    return visibleOffsets(logOf(world.clusters[colour], partition), from, to).map((offset) => visible(world.clusters[colour], partition, offset))
  },
  'append as operator': (world: World, { colour, partition, value }: At & { readonly partition: TopicPartition; readonly value: string }): number => {
    leaderOf(world.clusters[colour], partition)
    return append(world, colour, partition, { kind: 'data', value, transaction: null, state: 'committed', sinceMs: world.nowMs })
  },
  'append copies': (world: World, { colour, partition, values }: At & { readonly partition: TopicPartition; readonly values: readonly string[] }): number => {
    leaderOf(world.clusters[colour], partition)
    const record = { kind: 'data', transaction: null, state: 'committed', sinceMs: world.nowMs } as const
    return values.map((value) => append(world, colour, partition, { ...record, value }))[0] ?? -1
  },
  groups: (world: World, { colour }: At) => {
    for (const broker of world.clusters[colour].brokers) if (broker.isRegistered) answering(broker)
    return groupFacts(world.clusters[colour])
  },
  'committed offsets': (world: World, { colour, groupIds }: At & { readonly groupIds: readonly string[] }) => {
    firstBroker(world.clusters[colour])
    return groupIds.map((groupId) => [groupId, { ...world.clusters[colour].groups[groupId]?.offsets }] as const)
  },
  'commit offsets': (
    world: World,
    { colour, groupId, offsets }: At & { readonly groupId: string; readonly offsets: Readonly<Record<TopicPartition, number>> },
  ): void => {
    firstBroker(world.clusters[colour])
    requireEmpty(world.clusters[colour], groupId)
    Object.assign(groupOf(world, colour, groupId).offsets, offsets)
  },
  'delete group': (world: World, { colour, groupId }: At & { readonly groupId: string }): void => {
    firstBroker(world.clusters[colour])
    requireEmpty(world.clusters[colour], groupId)
    delete world.clusters[colour].groups[groupId]
  },
  'open transactions': (world: World, { colour }: At): readonly OpenTransaction[] => {
    for (const broker of world.clusters[colour].brokers) if (broker.isRegistered) answering(broker)
    const mirrors = Object.entries(world.clusters[colour].transactions).flatMap(([id, { open }]) => (open === null ? [] : [{ id, ageMs: 1 }]))
    const applications = Object.values(world.producers).flatMap(({ clientId: id, transaction }) =>
      transaction?.colour === colour ? [{ id, ageMs: world.nowMs - transaction.startedAtMs }] : [],
    )
    return [...mirrors, ...applications].map(({ id, ageMs }) => ({
      transactionalId: id,
      producerId: 1n,
      producerEpoch: 0,
      state: 'Ongoing',
      ageMs,
      partitions: [],
    }))
  },
  'fence transactional id': (world: World, { colour, id }: At & { readonly id: string }): void => {
    firstBroker(world.clusters[colour])
    initProducerId(world, colour, id)
    world.clusters[otherColour(colour)].isMirrorFenced = true
  },
} as const
