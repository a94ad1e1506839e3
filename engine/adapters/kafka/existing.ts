/** A cluster that this project didn't provision, before it is a colour: who answers there, what it speaks, and what its brokers are set to. */
import {
  ConfigResourceTypes,
  ConfigSources,
  consumerGroupDescribeV0,
  createAclsV3,
  createTopicsV7,
  deleteAclsV3,
  describeAclsV3,
  describeClientQuotasV1,
  describeConfigsV4,
  describeGroupsV5,
  describeProducersV0,
  describeQuorumV2,
  describeTransactionsV0,
  describeUserScramCredentialsV0,
  findCoordinatorV5,
  initProducerIdV5,
  leaveGroupV5,
  listGroupsV5,
  listOffsetsV9,
  listTransactionsV1,
  metadataV12,
  offsetCommitV9,
  offsetFetchV9,
  produceV11,
} from '@platformatic/kafka'
import type { BrokerSettings, UnspokenApi } from '../../model/existing-cluster.ts'
import type { BrokerFacts } from '../../model/facts.ts'
import { inheritedProperties } from '../../model/inventory.ts'
import type { Clock, Deadline } from '../../ports/clock.ts'
import type { Cluster } from '../../ports/cluster.ts'
import { BrokerConnection, type SaslLogin } from './broker-connection.ts'
import { KafkaClients } from './clients.ts'
import { readingCluster } from './cluster.ts'
import { addressOf, BrokerConnections } from './connections.ts'
import { requireNone } from './refusal.ts'

/** How an existing cluster is reached. */
export interface ExistingAccess {
  readonly bootstrapServers: readonly string[]
  /** undefined: nobody has to log in. */
  readonly login: SaslLogin | undefined
  readonly caFile: string | undefined
}

/** An existing cluster, connected to. */
export interface Existing {
  readonly clusterId: string
  readonly cluster: Cluster
  /** Over the same connections, which `cluster` closes. */
  readonly clients: KafkaClients
  brokers(deadline: Deadline): Promise<readonly BrokerFacts[]>
  /** What this project sends and a broker doesn't speak; a broker that doesn't answer throws. */
  unspokenApis(deadline: Deadline): Promise<readonly UnspokenApi[]>
  settings(deadline: Deadline): Promise<readonly BrokerSettings[]>
}

/**
 * Connects to whichever cluster answers at these addresses.
 * @throws KbgError `connection`, `authentication`, `deadline`, and those of TLS
 */
export async function connectExisting(access: ExistingAccess, clock: Clock, deadline: Deadline): Promise<Existing> {
  const clusterId = await clusterIdAt(access, deadline)
  const { bootstrapServers, login, caFile } = access
  const servers = [...bootstrapServers]
  const connections = new BrokerConnections(
    {
      ...{ colour: 'blue', clusterId, kafkaVersion: 'not asked', credentialsFile: 'not asked' },
      ...{ internalBootstrapServers: servers, produceBootstrapServers: servers, consumeBootstrapServers: servers },
      ...(caFile === undefined ? {} : { caFile }),
    },
    'operator',
    () => login,
  )
  return {
    clusterId,
    cluster: readingCluster(connections, clock),
    clients: new KafkaClients(connections),
    brokers: async (within) => {
      const { brokers } = await connections.metadata([], within)
      return brokers.map(({ nodeId, host, port }) => ({ brokerId: nodeId, host, port })).sort((a, b) => a.brokerId - b.brokerId)
    },
    unspokenApis: (within) => ofEveryBroker(connections, within, unspokenBy).then((all) => all.flat()),
    settings: (within) => ofEveryBroker(connections, within, settingsOf),
  }
}

/** The id of the cluster behind the first address that answers. */
async function clusterIdAt({ bootstrapServers, login, caFile }: ExistingAccess, deadline: Deadline): Promise<string> {
  let last: unknown
  for (const server of bootstrapServers) {
    try {
      const connection = await deadline.race(BrokerConnection.open(addressOf(server), login, caFile, () => undefined))
      try {
        const metadata = await connection.request('Metadata', metadataV12.api, [[], false, false], 'none', deadline)
        return metadata.clusterId ?? ''
      } finally {
        connection.close()
      }
    } catch (thrown) {
      deadline.check()
      last = thrown
    }
  }
  throw last
}

type OnBroker<T> = (broker: BrokerConnection, brokerId: number, deadline: Deadline) => Promise<T>

async function ofEveryBroker<T>(connections: BrokerConnections, deadline: Deadline, ask: OnBroker<T>): Promise<readonly T[]> {
  const brokerIds = await connections.brokerIds(deadline)
  return Promise.all(brokerIds.map(async (brokerId) => ask(await connections.broker(brokerId, deadline), brokerId, deadline)))
}

/** What this project sends to the brokers of a colour, by Kafka's names. */
const spoken: Readonly<Record<string, { readonly key: number; readonly version: number }>> = {
  ConsumerGroupDescribe: consumerGroupDescribeV0.api,
  CreateAcls: createAclsV3.api,
  CreateTopics: createTopicsV7.api,
  DeleteAcls: deleteAclsV3.api,
  DescribeAcls: describeAclsV3.api,
  DescribeClientQuotas: describeClientQuotasV1.api,
  DescribeConfigs: describeConfigsV4.api,
  DescribeGroups: describeGroupsV5.api,
  DescribeProducers: describeProducersV0.api,
  DescribeQuorum: describeQuorumV2.api,
  DescribeTransactions: describeTransactionsV0.api,
  DescribeUserScramCredentials: describeUserScramCredentialsV0.api,
  FindCoordinator: findCoordinatorV5.api,
  InitProducerId: initProducerIdV5.api,
  LeaveGroup: leaveGroupV5.api,
  ListGroups: listGroupsV5.api,
  ListOffsets: listOffsetsV9.api,
  ListTransactions: listTransactionsV1.api,
  Metadata: metadataV12.api,
  OffsetCommit: offsetCommitV9.api,
  OffsetFetch: offsetFetchV9.api,
  Produce: produceV11.api,
}

async function unspokenBy(broker: BrokerConnection, brokerId: number): Promise<readonly UnspokenApi[]> {
  return Object.entries(spoken).flatMap(([api, { key, version }]) => {
    const versions = broker.versionsOf(key)
    if (versions !== undefined && versions.min <= version && version <= versions.max) return []
    return [{ brokerId, api, required: version, observed: versions === undefined ? 'none' : `${versions.min}-${versions.max}` }]
  })
}

const asked = [...new Set(['listeners', 'controller.listener.names', 'auto.create.topics.enable', 'unclean.leader.election.enable', ...inheritedProperties])]
/** Set by somebody, and no default of Kafka's. */
const ofBrokers: readonly number[] = [ConfigSources.DYNAMIC_BROKER_CONFIG, ConfigSources.DYNAMIC_DEFAULT_BROKER_CONFIG, ConfigSources.STATIC_BROKER_CONFIG]

async function settingsOf(broker: BrokerConnection, brokerId: number, deadline: Deadline): Promise<BrokerSettings> {
  const resource = { resourceType: ConfigResourceTypes.BROKER, resourceName: String(brokerId), configurationKeys: asked }
  const answer = await broker.request('DescribeConfigs', describeConfigsV4.api, [[resource], false, false], 'none', deadline)
  const [result] = answer.results
  requireNone(result?.errorCode ?? 0, `Can't read the configuration of broker ${brokerId}.`, {}, result?.errorMessage)
  const value = (name: string) => result?.configs.find((config) => config.name === name)?.value ?? ''
  const names = (text: string) => text.split(',').flatMap((each) => each.trim().split(':')[0] || [])
  const controllers = names(value('controller.listener.names'))
  const set = (result?.configs ?? []).filter(({ name, configSource }) => inheritedProperties.includes(name) && ofBrokers.includes(configSource))
  return {
    brokerId,
    clientListeners: names(value('listeners')).filter((name) => !controllers.includes(name)),
    autoCreatesTopics: value('auto.create.topics.enable') === 'true',
    electsUncleanLeaders: value('unclean.leader.election.enable') === 'true',
    topicDefaults: Object.fromEntries(set.map(({ name, value: text }) => [name, text ?? ''])),
  }
}
