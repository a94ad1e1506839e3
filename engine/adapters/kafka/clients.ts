import { consumerGroupDescribeV0, describeGroupsV5, listGroupsV5 } from '@platformatic/kafka'
import type { ToldGroup, ToldProducers } from '../../model/client-inventory.ts'
import type { ClusterAccess } from '../../model/cluster-access.ts'
import { parseTopicPartition } from '../../model/partition.ts'
import type { Deadline } from '../../ports/clock.ts'
import type { BrokerConnection } from './broker-connection.ts'
import { BrokerConnections } from './connections.ts'
import { Leaders } from './leaders.ts'
import { KafkaProducers, type ProducerState } from './producers.ts'
import { errorName, persistently, requireNone } from './refusal.ts'

/** What brokers tell of the clients of a cluster; it asks, and changes nothing. */
export class KafkaClients {
  readonly #connections: BrokerConnections
  readonly #leaders: Leaders

  constructor(connections: BrokerConnections) {
    this.#connections = connections
    this.#leaders = new Leaders(connections)
  }

  /** Every group that has members. All brokers must answer, or one could be missed. */
  async groups(deadline: Deadline): Promise<readonly ToldGroup[]> {
    return persistently(deadline, async () => {
      const { brokers } = await this.#connections.metadata([], deadline)
      const told = brokers.map(async ({ nodeId }) => groupsOn(await this.#connections.broker(nodeId, deadline), deadline))
      return (await Promise.all(told)).flat().sort((a, b) => a.groupId.localeCompare(b.groupId))
    })
  }

  /** Topics that somebody with a producer id has written to. */
  async producers(topics: readonly string[], deadline: Deadline): Promise<readonly ToldProducers[]> {
    const states = await new KafkaProducers(this.#connections, this.#leaders).states(await this.#leaders.partitionsOf(topics, deadline), deadline)
    return [...Map.groupBy(states, ({ partition }) => parseTopicPartition(partition).topic)]
      .map(([topic, of]) => producersOf(topic, of))
      .sort((a, b) => a.topic.localeCompare(b.topic))
  }

  close(): void {
    this.#connections.close()
  }
}

/** The clients of a colour, asked as the operator. */
export function connectClients(access: ClusterAccess): KafkaClients {
  return new KafkaClients(new BrokerConnections(access, 'operator'))
}

function producersOf(topic: string, states: readonly ProducerState[]): ToldProducers {
  const newest = states.reduce((latest, { lastTimestamp }) => (lastTimestamp > latest ? lastTimestamp : latest), -1n)
  const ids = (of: readonly ProducerState[]) => new Set(of.map(({ producerId }) => producerId)).size
  return {
    topic,
    producers: ids(states),
    inTransaction: ids(states.filter(({ currentTxnStartOffset }) => currentTxnStartOffset >= 0n)),
    newestRecordMs: newest < 0n ? null : Number(newest),
  }
}

async function groupsOn(broker: BrokerConnection, deadline: Deadline): Promise<readonly ToldGroup[]> {
  const answer = await broker.request('ListGroups', listGroupsV5.api, [[], []], 'none', deadline)
  requireNone(answer.errorCode, "Can't list the groups.")
  const of = (type: string) => answer.groups.flatMap((group) => (group.groupType === type ? [group.groupId] : []))
  const described = await Promise.all([describeClassic(broker, of('classic'), deadline), describeConsumer(broker, of('consumer'), deadline)])
  const others = answer.groups.filter(({ groupType, groupState }) => !['classic', 'consumer'].includes(groupType) && !['Empty', 'Dead'].includes(groupState))
  return [...described.flat(), ...others.map(({ groupId, groupType }) => ({ groupId, type: groupType || 'unknown', members: null }))]
}

async function describeClassic(broker: BrokerConnection, groupIds: readonly string[], deadline: Deadline): Promise<readonly ToldGroup[]> {
  if (groupIds.length === 0) return []
  const answer = await broker.request('DescribeGroups', describeGroupsV5.api, [[...groupIds], false], 'none', deadline)
  return withMembers('classic', answer.groups)
}

async function describeConsumer(broker: BrokerConnection, groupIds: readonly string[], deadline: Deadline): Promise<readonly ToldGroup[]> {
  if (groupIds.length === 0) return []
  const answer = await broker.request('ConsumerGroupDescribe', consumerGroupDescribeV0.api, [[...groupIds], false], 'none', deadline)
  return withMembers('consumer', answer.groups)
}

interface Described {
  readonly groupId: string
  readonly errorCode: number
  readonly members: readonly { readonly clientId: string; readonly clientHost: string }[]
}

/** Kafka writes a host as `/10.1.2.3`. One that was deleted since it was listed has nobody. */
function withMembers(type: string, groups: readonly Described[]): readonly ToldGroup[] {
  return groups.flatMap(({ groupId, errorCode, members }) => {
    if (errorCode !== 0 && errorName(errorCode) !== 'GROUP_ID_NOT_FOUND') requireNone(errorCode, `Can't describe group ${groupId}.`)
    if (members.length === 0) return []
    return [{ groupId, type, members: members.map(({ clientId, clientHost }) => ({ clientId, host: clientHost.replace(/^\//, '') })) }]
  })
}
