import {
  AclOperations,
  AclPermissionTypes,
  ConfigResourceTypes,
  ConfigSources,
  describeAclsV3,
  describeConfigsV4,
  describeQuorumV2,
  ResourcePatternTypes,
  ResourceTypes,
} from '@platformatic/kafka'
import { KbgError } from '../../model/error.ts'
import type { Deadline } from '../../ports/clock.ts'
import type { AclBinding, AuthorizerFacts, ClusterFacts, Inventory, QuorumFacts, QuotaFacts, ScramUserFacts, TopicFacts } from '../../ports/cluster.ts'
import { fromWire, nudgeBinding } from './acl-bindings.ts'
import { readAuthorizers } from './authorizers.ts'
import type { BrokerConnections } from './connections.ts'
import { readQuotas, readScramUsers } from './quotas-and-users.ts'
import { errorName, persistently, requireNone } from './refusal.ts'
import type { Scope } from './scope.ts'

/** Topics in one DescribeConfigs request; each has some 35 configs. */
const topicsPerRequest = 200

interface TopicConfig {
  /** Those set on the topic itself. */
  readonly own: Readonly<Record<string, string>>
  readonly minInsyncReplicas: number
}

/** {@link Inventory} by Metadata, DescribeConfigs, DescribeQuorum, DescribeAcls, DescribeClientQuotas and DescribeUserScramCredentials. */
export class KafkaInventory implements Inventory {
  readonly #connections: BrokerConnections
  readonly #scope: Scope

  constructor(connections: BrokerConnections, scope: Scope) {
    this.#connections = connections
    this.#scope = scope
  }

  /** The controller is the quorum's leader: what Metadata calls controller is any broker under KRaft. */
  async cluster(deadline: Deadline): Promise<ClusterFacts> {
    return persistently(deadline, async () => {
      const [metadata, quorum] = await Promise.all([this.#connections.metadata([], deadline), readQuorum(this.#connections, deadline)])
      return {
        clusterId: metadata.clusterId ?? '',
        controllerId: quorum.leaderId,
        brokers: metadata.brokers.map(({ nodeId, host, port }) => ({ brokerId: nodeId, host, port })).sort((a, b) => a.brokerId - b.brokerId),
      }
    })
  }

  quorum(deadline: Deadline): Promise<QuorumFacts> {
    return persistently(deadline, () => readQuorum(this.#connections, deadline))
  }

  async topics(deadline: Deadline): Promise<readonly TopicFacts[]> {
    return persistently(deadline, async () => {
      const metadata = await this.#connections.metadata(null, deadline)
      const topics = metadata.topics.filter((topic) => this.#scope.topic(topic.name ?? ''))
      const configs = await this.#configs(
        topics.map((topic) => topic.name ?? ''),
        deadline,
      )
      return topics.map((topic) => {
        const name = topic.name ?? ''
        requireNone(topic.errorCode, `No metadata of the topic ${name}.`)
        const config = configs.get(name)
        if (!config) throw new KbgError('kafka', `Nothing was said about the configuration of ${name}.`, { retriable: true, facts: { error: 'NONE' } })
        const partitions = topic.partitions.map(({ partitionIndex, leaderId, leaderEpoch, replicaNodes, isrNodes }) => ({
          partition: partitionIndex,
          leader: leaderId,
          leaderEpoch,
          replicas: replicaNodes,
          isr: isrNodes,
        }))
        partitions.sort((a, b) => a.partition - b.partition)
        return { topic: name, topicId: topic.topicId, internal: topic.isInternal, partitions, config: config.own, minInsyncReplicas: config.minInsyncReplicas }
      })
    })
  }

  async #configs(topics: readonly string[], deadline: Deadline): Promise<ReadonlyMap<string, TopicConfig>> {
    const chunks: (readonly string[])[] = []
    for (let start = 0; start < topics.length; start += topicsPerRequest) chunks.push(topics.slice(start, start + topicsPerRequest))
    const configs = new Map<string, TopicConfig>()
    // Each answer is reduced as it comes: those of a thousand topics would be some 35,000 configs at once.
    await Promise.all(chunks.map((chunk) => this.#readConfigs(chunk, configs, deadline)))
    return configs
  }

  async #readConfigs(topics: readonly string[], configs: Map<string, TopicConfig>, deadline: Deadline): Promise<void> {
    const resources = topics.map((resourceName) => ({ resourceType: ConfigResourceTypes.TOPIC, resourceName, configurationKeys: null as never })) // null: all
    const answer = await this.#connections.askAny('DescribeConfigs', describeConfigsV4.api, [resources, false, false], deadline)
    for (const result of answer.results) {
      if (errorName(result.errorCode) === 'UNKNOWN_TOPIC_OR_PARTITION') continue // deleted since the metadata was read: that is read again
      requireNone(result.errorCode, `Can't read the configuration of the topic ${result.resourceName}.`, {}, result.errorMessage)
      const own = result.configs
        .filter((config) => config.configSource === ConfigSources.DYNAMIC_TOPIC_CONFIG)
        .map((config) => [config.name, config.value ?? ''])
      const minInsyncReplicas = Number(result.configs.find((config) => config.name === 'min.insync.replicas')?.value)
      configs.set(result.resourceName, { own: Object.fromEntries(own), minInsyncReplicas })
    }
  }

  /** The nudge behind a change of the fence is there for a moment and then gone; it is no part of what a colour has, so it is left out. */
  async acls(deadline: Deadline): Promise<readonly AclBinding[]> {
    const any = {
      resourceType: ResourceTypes.ANY,
      resourceName: null,
      resourcePatternType: ResourcePatternTypes.ANY,
      principal: null,
      host: null,
      operation: AclOperations.ANY,
      permissionType: AclPermissionTypes.ANY,
    }
    return persistently(deadline, async () => {
      const answer = await this.#connections.askAny('DescribeAcls', describeAclsV3.api, [any], deadline)
      requireNone(answer.errorCode, `Can't read the ACLs of ${this.#connections.access.colour}.`, {}, answer.errorMessage)
      const bindings = answer.resources.flatMap(({ acls, ...resource }) => acls.map((acl) => fromWire({ ...resource, ...acl })))
      return bindings.filter((binding) => binding.principal !== nudgeBinding.principal && this.#scope.binding(binding))
    })
  }

  quotas(deadline: Deadline): Promise<readonly QuotaFacts[]> {
    return persistently(deadline, () => readQuotas(this.#connections, deadline))
  }

  scramUsers(deadline: Deadline): Promise<readonly ScramUserFacts[]> {
    return persistently(deadline, () => readScramUsers(this.#connections, deadline))
  }

  authorizers(deadline: Deadline): Promise<readonly AuthorizerFacts[]> {
    return persistently(deadline, () => readAuthorizers(this.#connections, deadline))
  }
}

/**
 * The metadata quorum, asked from any broker (it forwards to the active controller).
 * @throws KbgError `kafka`
 */
export async function readQuorum(connections: BrokerConnections, deadline: Deadline): Promise<QuorumFacts> {
  const refused = `Can't read the metadata quorum of ${connections.access.colour}.`
  const topics = [{ topicName: '__cluster_metadata', partitions: [{ partitionIndex: 0 }] }]
  const answer = await connections.askAny('DescribeQuorum', describeQuorumV2.api, [topics], deadline)
  requireNone(answer.errorCode, refused, {}, answer.errorMessage)
  const partition = answer.topics[0]?.partitions[0]
  if (!partition) throw new KbgError('kafka', refused, { facts: { error: 'NONE' } })
  requireNone(partition.errorCode, refused, {}, partition.errorMessage)
  const nowMs = deadline.clock.wallClock().getTime()
  return {
    leaderId: partition.leaderId,
    leaderEpoch: partition.leaderEpoch,
    voters: partition.currentVoters.map(({ replicaId, logEndOffset, lastFetchTimestamp }) => ({
      nodeId: replicaId,
      logEndOffset,
      lastFetchAgeMs: lastFetchTimestamp < 0n ? null : Math.max(0, nowMs - Number(lastFetchTimestamp)),
    })),
  }
}
