import { consumerGroupDescribeV0, deleteGroupsV2, describeGroupsV5, leaveGroupV5, listGroupsV5, offsetCommitV9, offsetFetchV9 } from '@platformatic/kafka'
import { KbgError } from '../../model/error.ts'
import { type PartitionOffsets, parseTopicPartition, type TopicPartition, topicPartition } from '../../model/partition.ts'
import type { Deadline } from '../../ports/clock.ts'
import type { CommitsHow, GroupFacts, GroupState, Groups, StaticMember } from '../../ports/cluster.ts'
import type { BrokerConnection } from './broker-connection.ts'
import type { CommitHistory } from './commit-history.ts'
import type { BrokerConnections } from './connections.ts'
import { Coordinators } from './coordinators.ts'
import { errorName, kafkaRefusal, persistently, requireNone } from './refusal.ts'
import type { Scope } from './scope.ts'

/** What a coordinator answers to a commit or a deletion when the group has members. */
const notEmpty = new Set([
  'UNKNOWN_MEMBER_ID',
  'ILLEGAL_GENERATION',
  'REBALANCE_IN_PROGRESS',
  'STALE_MEMBER_EPOCH',
  'FENCED_MEMBER_EPOCH',
  'FENCED_INSTANCE_ID',
  'NON_EMPTY_GROUP',
])

/** What is answered for a member that has left, or that has joined again as another one. */
const replaced = new Set(['UNKNOWN_MEMBER_ID', 'FENCED_INSTANCE_ID'])

interface ListedGroup {
  readonly groupId: string
  readonly protocolType: string
  readonly groupState: string
  readonly groupType: string
}

/** {@link Groups} by ListGroups on every broker and raw OffsetCommits; it never joins a group. */
export class KafkaGroups implements Groups {
  readonly #connections: BrokerConnections
  readonly #coordinators: Coordinators
  readonly #history: CommitHistory
  readonly #scope: Scope

  constructor(connections: BrokerConnections, history: CommitHistory, scope: Scope) {
    this.#connections = connections
    this.#history = history
    this.#scope = scope
    this.#coordinators = new Coordinators(connections, 'group')
  }

  /** Every broker lists the groups that it coordinates: all must answer, or a group could be missed. */
  async list(deadline: Deadline): Promise<readonly GroupFacts[]> {
    return persistently(deadline, async () => {
      const metadata = await this.#connections.metadata([], deadline)
      const lists = metadata.brokers.map(async ({ nodeId }) => listOn(await this.#connections.broker(nodeId, deadline), deadline))
      return (await Promise.all(lists))
        .flat()
        .filter(({ groupId, type }) => this.#scope.group(groupId, type))
        .sort((a, b) => a.groupId.localeCompare(b.groupId))
    })
  }

  async committed(groupId: string, deadline: Deadline): Promise<PartitionOffsets> {
    return this.#coordinators.ask(groupId, deadline, async (coordinator) => {
      const [group] = await fetchOffsets(coordinator, [groupId], deadline)
      if (!group) throw kafkaRefusal(`Nothing was said about the offsets of group ${groupId}.`, -1)
      return offsetsOf(group)
    })
  }

  /** Groups whose coordinator isn't known, or doesn't answer for them, are asked for one by one. */
  async committedOfAll(groupIds: readonly string[], deadline: Deadline): Promise<ReadonlyMap<string, PartitionOffsets>> {
    const found = new Map<string, PartitionOffsets>()
    const pieces = [...this.#coordinators.known(groupIds)].flatMap(([brokerId, own]) => inPieces(own).map((piece) => [brokerId, piece] as const))
    const asking = pieces.map(async ([brokerId, piece]) => {
      const groups = await fetchOffsets(await this.#connections.broker(brokerId, deadline), piece, deadline)
      for (const group of groups) if (group.errorCode === 0) found.set(group.groupId, offsetsOf(group))
    })
    await Promise.allSettled(asking) // what one of them said no to is asked for again, and then says why
    const rest = groupIds.filter((groupId) => !found.has(groupId))
    await Promise.all(rest.map(async (groupId) => found.set(groupId, await this.committed(groupId, deadline))))
    return found
  }

  commitsHow(groupIds: readonly string[], deadline: Deadline): Promise<ReadonlyMap<string, CommitsHow>> {
    return this.#history.of(groupIds, deadline)
  }

  async commit(groupId: string, offsets: PartitionOffsets, deadline: Deadline): Promise<void> {
    if (offsets.size === 0) return
    const entries = [...offsets].map(([name, offset]) => ({ ...parseTopicPartition(name), offset }))
    const topics = [...Map.groupBy(entries, ({ topic }) => topic)].map(([name, partitions]) => ({
      name,
      partitions: partitions.map(({ partition, offset }) => ({
        partitionIndex: partition,
        committedOffset: offset,
        committedLeaderEpoch: -1,
        committedMetadata: '',
      })),
    }))
    await this.#coordinators.ask(groupId, deadline, async (coordinator) => {
      const answer = await coordinator.request('OffsetCommit', offsetCommitV9.api, [groupId, -1, '', null, topics], 'repeatable', deadline)
      for (const topic of answer.topics) {
        for (const { partitionIndex, errorCode } of topic.partitions) {
          refuse(errorCode, `Can't commit the offset of group ${groupId} for ${topicPartition(topic.name, partitionIndex)}.`, groupId)
        }
      }
    })
  }

  /** Deleting a group that isn't there is no error. */
  async deleteGroup(groupId: string, deadline: Deadline): Promise<void> {
    await this.#coordinators.ask(groupId, deadline, async (coordinator) => {
      const answer = await coordinator.request('DeleteGroups', deleteGroupsV2.api, [[groupId]], 'repeatable', deadline)
      const code = answer.results[0]?.errorCode ?? -1
      if (errorName(code) !== 'GROUP_ID_NOT_FOUND') refuse(code, `Can't delete group ${groupId}.`, groupId)
    })
  }

  async staticMembers(groupId: string, deadline: Deadline): Promise<readonly StaticMember[]> {
    return this.#coordinators.ask(groupId, deadline, async (coordinator) => {
      const answer = await coordinator.request('DescribeGroups', describeGroupsV5.api, [[groupId], false], 'none', deadline)
      const group = answer.groups[0]
      requireNone(group?.errorCode ?? -1, `Can't describe group ${groupId}.`)
      return (group?.members ?? []).flatMap(({ memberId, groupInstanceId, clientId }) => (groupInstanceId ? [{ memberId, groupInstanceId, clientId }] : []))
    })
  }

  async removeStaticMembers(groupId: string, members: readonly StaticMember[], deadline: Deadline): Promise<void> {
    if (members.length === 0) return
    const leaving = members.map(({ memberId, groupInstanceId }) => ({ memberId, groupInstanceId, reason: 'removed by kbg: its client has left' }))
    await this.#coordinators.ask(groupId, deadline, async (coordinator) => {
      const answer = await coordinator.request('LeaveGroup', leaveGroupV5.api, [groupId, leaving], 'repeatable', deadline)
      requireNone(answer.errorCode, `Can't remove members of group ${groupId}.`)
      for (const { groupInstanceId, errorCode } of answer.members) {
        if (!replaced.has(errorName(errorCode))) requireNone(errorCode, `Can't remove member ${groupInstanceId} of group ${groupId}.`)
      }
    })
  }
}

type FetchedGroup = offsetFetchV9.OffsetFetchResponseGroup

/** One request; what is said of each group, error codes included. */
async function fetchOffsets(coordinator: BrokerConnection, groupIds: readonly string[], deadline: Deadline): Promise<readonly FetchedGroup[]> {
  const groups = groupIds.map((groupId) => ({ groupId, memberId: null, memberEpoch: -1, topics: null as never })) // null: every partition with an offset
  return (await coordinator.request('OffsetFetch', offsetFetchV9.api, [groups, true], 'none', deadline)).groups
}

function offsetsOf({ groupId, errorCode, topics }: FetchedGroup): PartitionOffsets {
  if (errorName(errorCode) === 'GROUP_ID_NOT_FOUND') return new Map()
  requireNone(errorCode, `Can't read the offsets of group ${groupId}.`)
  const offsets = new Map<TopicPartition, bigint>()
  for (const { name, partitions } of topics) {
    for (const { partitionIndex, errorCode: code, committedOffset } of partitions) {
      const partition = topicPartition(name, partitionIndex)
      if (code !== 0) requireNone(code, `Can't read the offset of group ${groupId} for ${partition}.`)
      if (committedOffset >= 0n) offsets.set(partition, committedOffset)
    }
  }
  return offsets
}

/** Groups in one request: a hundred of a hundred partitions are some 200 KB of answer. */
const groupsAtOnce = 100

function inPieces(groupIds: readonly string[]): readonly (readonly string[])[] {
  return Array.from({ length: Math.ceil(groupIds.length / groupsAtOnce) }, (_, index) => groupIds.slice(index * groupsAtOnce, (index + 1) * groupsAtOnce))
}

function refuse(code: number, refused: string, groupId: string): void {
  if (!notEmpty.has(errorName(code))) {
    requireNone(code, refused)
    return
  }
  throw new KbgError('group-not-empty', refused, {
    facts: { error: errorName(code), observed: 'members', required: 'Empty' },
    remedy: `Every member of ${groupId} has to leave first.`,
  })
}

async function listOn(broker: BrokerConnection, deadline: Deadline): Promise<readonly GroupFacts[]> {
  const answer = await broker.request('ListGroups', listGroupsV5.api, [[], []], 'none', deadline)
  requireNone(answer.errorCode, "Can't list the groups.")
  const types = Map.groupBy(answer.groups, (group) => group.groupType)
  const [classic, consumer] = await Promise.all([
    describeClassic(broker, types.get('classic') ?? [], deadline),
    describeConsumer(broker, types.get('consumer') ?? [], deadline),
  ])
  return [...classic, ...consumer, ...answer.groups.filter((group) => group.groupType !== 'classic' && group.groupType !== 'consumer').map(undescribed)]
}

/** A classic group that isn't one of consumers, Connect's workers for one, is told apart by its protocol type. */
function typeOf(group: ListedGroup): string {
  const ofConsumers = group.protocolType === 'consumer' || group.protocolType === ''
  return ofConsumers ? 'classic' : group.protocolType
}

async function describeClassic(broker: BrokerConnection, groups: readonly ListedGroup[], deadline: Deadline): Promise<readonly GroupFacts[]> {
  if (groups.length === 0) return []
  const answer = await broker.request('DescribeGroups', describeGroupsV5.api, [groups.map(({ groupId }) => groupId), false], 'none', deadline)
  return groups.map((group) => {
    const described = answer.groups.find(({ groupId }) => groupId === group.groupId)
    requireNone(described?.errorCode ?? -1, `Can't describe group ${group.groupId}.`)
    return { groupId: group.groupId, state: stateOf(described?.groupState ?? ''), type: typeOf(group), memberCount: described?.members.length ?? 0 }
  })
}

async function describeConsumer(broker: BrokerConnection, groups: readonly ListedGroup[], deadline: Deadline): Promise<readonly GroupFacts[]> {
  if (groups.length === 0) return []
  const answer = await broker.request('ConsumerGroupDescribe', consumerGroupDescribeV0.api, [groups.map(({ groupId }) => groupId), false], 'none', deadline)
  return groups.flatMap((group) => {
    const described = answer.groups.find(({ groupId }) => groupId === group.groupId)
    if (described && errorName(described.errorCode) === 'GROUP_ID_NOT_FOUND') return [] // deleted since it was listed
    requireNone(described?.errorCode ?? -1, `Can't describe group ${group.groupId}.`)
    return [{ groupId: group.groupId, state: stateOf(described?.groupState ?? ''), type: 'consumer', memberCount: described?.members.length ?? 0 }]
  })
}

/** Share and streams groups (KIP-932, KIP-1071): their members aren't asked for; 1 stands for at least one. */
function undescribed(group: ListedGroup): GroupFacts {
  const state = stateOf(group.groupState)
  return {
    groupId: group.groupId,
    state,
    type: group.groupType === '' ? 'unknown' : group.groupType,
    memberCount: state === 'Empty' || state === 'Dead' ? 0 : 1,
  }
}

/** KIP-848's `Assigning` and `Reconciling` are the two halves of a rebalance. */
function stateOf(name: string): GroupState {
  switch (name) {
    case 'Empty':
    case 'Stable':
    case 'PreparingRebalance':
    case 'CompletingRebalance':
    case 'Dead':
      return name
    case 'Assigning':
      return 'PreparingRebalance'
    case 'Reconciling':
      return 'CompletingRebalance'
    default:
      return 'Unknown'
  }
}
