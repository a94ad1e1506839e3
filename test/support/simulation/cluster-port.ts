/** One colour as an actor sees it, by requests to its brokers. */

import { canaryTopic } from '../../../engine/model/cluster-access.ts'
import { type Colour, colours } from '../../../engine/model/colour.ts'
import { KbgError, messageOf } from '../../../engine/model/error.ts'
import type { AclBinding, BrokerProbe } from '../../../engine/model/facts.ts'
import type { TopicPartition } from '../../../engine/model/partition.ts'
import { firstProducerIds } from '../../../engine/model/producer-ids.ts'
import type { Deadline } from '../../../engine/ports/clock.ts'
import type { Cluster, Fence, Groups, Inventory, Logs } from '../../../engine/ports/cluster.ts'
import type { Actor } from './actor.ts'
import { clusterIdOf, topic } from './names.ts'
import { numbersOf, offsetsOf } from './ports.ts'

/** A broker that takes longer to answer a probe is unreachable. */
const probeTimeoutMs = 1_000
const appendPauseMs = 4

const partitionsOfTopic: Readonly<Record<string, readonly TopicPartition[]>> = Object.fromEntries([
  [topic, [0, 1].map((partition) => `${topic}-${partition}`)],
  ...colours.map((colour) => [canaryTopic(colour), [0, 1, 2].map((partition) => `${canaryTopic(colour)}-${partition}`)]),
])

/** Every partition of a colour: the application's topic and the canaries. */
export const allPartitions: readonly TopicPartition[] = Object.values(partitionsOfTopic).flat()

const deny = (resourceType: AclBinding['resourceType'], resourceName: string, operation: string): AclBinding => ({
  ...{ principal: 'User:*', host: '*', resourceType, resourceName, patternType: 'literal', operation, permission: 'deny' },
})
const bindings: readonly AclBinding[] = [
  ...['Write', 'Create', 'Alter', 'Delete'].map((operation) => deny('topic', '*', operation)),
  deny('cluster', 'kafka-cluster', 'Create'),
]

export function clusterOf(actor: Actor, colour: Colour): Cluster {
  return {
    colour,
    inventory: inventoryOf(actor, colour),
    fence: fenceOf(actor, colour),
    logs: logsOf(actor, colour),
    groups: groupsOf(actor, colour),
    transactions: {
      open: (deadline) => actor.ask('open transactions', { colour }, deadline),
      idsOf: async () => new Map(),
      holding: (_partitions, deadline) => actor.ask('open transactions', { colour }, deadline),
      fenceIds: async (ids, deadline) => {
        await Promise.all(ids.map((id) => actor.ask('fence transactional id', { colour, id }, deadline, 'repeatable')))
      },
    },
    // No simulated producer has an id, so none can cross with one.
    producers: { ids: async () => ({ active: [], next: firstProducerIds[colour] }) },
    warmUp: async (deadline) => void (await actor.ask('cluster facts', { colour }, deadline)),
    close: async () => undefined,
  }
}

function inventoryOf(actor: Actor, colour: Colour): Inventory {
  return {
    cluster: async (deadline) => ({ clusterId: clusterIdOf(colour), ...(await actor.ask('cluster facts', { colour }, deadline)) }),
    topics: (deadline) => actor.ask('topic facts', { colour }, deadline),
    quorum: (deadline) => actor.ask('quorum facts', { colour }, deadline),
    acls: async (deadline) => ((await actor.ask('fence bindings', { colour }, deadline)) ? bindings : []),
    // None of the simulated actors changes quotas, users or authorizers: there is nothing to be asked for.
    quotas: async () => [],
    scramUsers: async () => [],
    authorizers: async () => [{ brokerId: 1, className: 'simulated' }],
  }
}

function fenceOf(actor: Actor, colour: Colour): Fence {
  const probeOne = async (broker: number, deadline: Deadline): Promise<BrokerProbe> => {
    try {
      return { brokerId: broker, answer: await actor.ask('probe', { colour, broker }, deadline.within(probeTimeoutMs, `broker ${broker}`)), detail: '' }
    } catch (thrown) {
      return { brokerId: broker, answer: 'unreachable', detail: messageOf(thrown) }
    }
  }
  return {
    bindings,
    raise: (deadline) => actor.ask('raise fence', { colour }, deadline, 'repeatable'),
    lift: (deadline) => actor.ask('lift fence', { colour }, deadline, 'repeatable'),
    probe: async (deadline) => {
      const { brokers } = await actor.ask('cluster facts', { colour }, deadline)
      return await Promise.all(brokers.map(({ brokerId }) => probeOne(brokerId, deadline)))
    },
    canary: async (deadline) => {
      const own = partitionsOfTopic[canaryTopic(colour)] ?? []
      await Promise.all(
        own.map((partition) =>
          deadline.poll(appendPauseMs, async () => ((await actor.ask('write canary', { colour, partition }, deadline)) ? true : undefined)),
        ),
      )
    },
  }
}

function logsOf(actor: Actor, colour: Colour): Logs {
  const visible = async (partition: TopicPartition, from: bigint, to: bigint, deadline: Deadline) =>
    await actor.ask('visible', { colour, partition, from: Number(from), to: Number(to) }, deadline)
  const last = async (partition: TopicPartition, end: bigint, count: number, deadline: Deadline) => (await visible(partition, 0n, end, deadline)).slice(-count)
  /** acks=all: every replica in sync has it. */
  const replicated = async (partition: TopicPartition, offset: bigint, deadline: Deadline) => {
    await deadline.poll(appendPauseMs, async () => {
      const [end] = await actor.ask('ends', { colour, partitions: [partition] }, deadline)
      return end !== undefined && end.highWatermark > offset ? true : undefined
    })
    return offset
  }
  return {
    visible,
    lastVisible: last,
    // One request for each leader: ends of different partitions are of different moments.
    ends: async (topics, deadline) => {
      const partitions = topics.flatMap((name) => partitionsOfTopic[name] ?? [])
      return (await Promise.all(partitions.map((partition) => actor.ask('ends', { colour, partitions: [partition] }, deadline)))).flat()
    },
    lastVisibleOfAll: async (ends, count, deadline) =>
      new Map(await Promise.all([...ends].map(async ([partition, end]) => [partition, await last(partition, end, count, deadline)] as const))),
    // A simulated record doesn't say whose it is.
    writers: async (partition, from, to, deadline) => {
      const found = await visible(partition, from, to, deadline)
      const unknown = { producerId: null, producerEpoch: -1, lastSequence: -1, transactional: false }
      return found.length === 0 ? [] : [{ ...unknown, lastTimestamp: found.at(-1)?.timestamp ?? -1n, records: found.length }]
    },
    append: async (partition, value, deadline) =>
      await replicated(partition, BigInt(await actor.ask('append as operator', { colour, partition, value }, deadline)), deadline),
    // A simulated record is its value: nothing else is told of it.
    copies: async (partition, from, to, deadline) =>
      (await visible(partition, from, to, deadline)).map((record) => ({ ...record, key: null, value: Buffer.from(record.digest), headers: [] })),
    appendCopies: async (partition, records, deadline) => {
      const values = records.map(({ digest }) => digest)
      return await replicated(partition, BigInt(await actor.ask('append copies', { colour, partition, values }, deadline)), deadline)
    },
  }
}

function groupsOf(actor: Actor, colour: Colour): Groups {
  const committed = async (groupIds: readonly string[], deadline: Deadline) => {
    const found = await actor.ask('committed offsets', { colour, groupIds: [...groupIds] }, deadline)
    return new Map(found.map(([groupId, offsets]) => [groupId, offsetsOf(offsets)]))
  }
  return {
    list: (deadline) => actor.ask('groups', { colour }, deadline),
    committed: async (groupId, deadline) => (await committed([groupId], deadline)).get(groupId) ?? new Map(),
    committedOfAll: committed,
    // Simulated groups only read.
    commitsHow: async (groupIds) => new Map(groupIds.map((groupId) => [groupId, 'plainly' as const])),
    commit: (groupId, offsets, deadline) => actor.ask('commit offsets', { colour, groupId, offsets: numbersOf(offsets) }, deadline, 'repeatable'),
    deleteGroup: (groupId, deadline) => actor.ask('delete group', { colour, groupId }, deadline, 'repeatable'),
    staticMembers: async () => [],
    removeStaticMembers: async () => {
      throw new KbgError('simulation', 'No simulated member is static.')
    },
  }
}
