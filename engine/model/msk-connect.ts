import { z } from 'zod'
import type { Colour } from './colour.ts'
import { connectOffsetsTopic, connectorPromises, type KafkaProperties, mirroredTopics, onEveryPlatform, workerPromises } from './mirror-template.ts'
import { assumedListLagMs, type MskConnectorRequest, type MskConnectWorker } from './msk-connect-worker.ts'
import type { NetworkAccess } from './network-access.ts'

/** Connect's version on MSK Connect; the plugin's MirrorMaker is of the same line. */
export const mskConnectVersion = '3.7.x'

/** MirrorMaker's jars as the plugin is made of: `connect-mirror` and `connect-mirror-client`, which Apache publishes; everything else is on MSK Connect's workers. */
export const MirrorPlugin = z.strictObject({
  version: z.string().regex(/^3\.7\.[1-9]\d*$/, '3.7.1 or newer, of the line 3.7'),
  /** Files of this machine. */
  jars: z.array(z.string().regex(/\.jar$/, 'a jar')).min(1),
})
export type MirrorPlugin = z.infer<typeof MirrorPlugin>

/** Starts of the names of worker properties that MSK Connect keeps to itself (its developer guide, "Supported worker configuration properties"). */
export const keptByMskConnect: readonly string[] = [
  ...['access.control.', 'admin.', 'client.', 'connect.', 'consumer.', 'inter.worker.', 'internal.', 'listeners', 'metrics.', 'producer.', 'rest.', 'sasl.'],
  ...['security.', 'socket.', 'ssl.', 'topic.tracking.', 'worker.', 'bootstrap.servers', 'config.storage.topic', 'connections.max.idle.ms'],
  ...['connector.client.config.override.policy', 'group.id', 'metric.reporters', 'plugin.path', 'receive.buffer.bytes', 'response.http.headers.config'],
  ...['scheduled.rebalance.max.delay.ms', 'send.buffer.bytes', 'status.storage.topic'],
]

/**
 * A worker configuration for the mirror into a colour: what a worker is told everywhere, without what MSK Connect decides itself. Its own delay before a lost worker's tasks move can't be
 * shortened, so a mirror that lost its worker is away for longer than on `local`.
 */
export function mskWorkerProperties(target: Colour): KafkaProperties {
  const wanted = { ...workerPromises, ...onEveryPlatform, 'offset.storage.topic': connectOffsetsTopic(target) }
  return Object.fromEntries(Object.entries(wanted).filter(([key]) => !keptByMskConnect.some((start) => key.startsWith(start))))
}

/** Login by the role that the connector runs with; the class is on every worker of MSK Connect. */
const iamLogin: KafkaProperties = {
  'security.protocol': 'SASL_SSL',
  'sasl.mechanism': 'AWS_MSK_IAM',
  'sasl.jaas.config': 'software.amazon.msk.auth.iam.IAMLoginModule required;',
  'sasl.client.callback.handler.class': 'software.amazon.msk.auth.iam.IAMClientCallbackHandler',
}

/** One side of a mirror on MSK. */
export interface MskSide {
  readonly colour: Colour
  readonly arn: string
  /** `host:port,...` of the listener for IAM logins. */
  readonly iamBootstrapServers: string
}

/** Configuration of a MirrorSourceConnector between two MSK clusters: the promises of every mirror, and logins by role. No secret. */
export function mskConnectorConfig(source: MskSide, target: MskSide, topics: readonly string[]): KafkaProperties {
  const side = (name: 'source' | 'target', { colour, iamBootstrapServers }: MskSide) => ({
    [`${name}.cluster.alias`]: colour,
    [`${name}.cluster.bootstrap.servers`]: iamBootstrapServers,
    ...Object.fromEntries(Object.entries(iamLogin).map(([key, value]) => [`${name}.cluster.${key}`, value])),
  })
  return {
    'connector.class': 'org.apache.kafka.connect.mirror.MirrorSourceConnector',
    'tasks.max': '1',
    ...side('source', source),
    ...side('target', target),
    topics: mirroredTopics(topics),
    ...connectorPromises(),
  }
}

/** What stands beside a colour for the mirror into it. */
export interface MskConnectParts {
  readonly pluginArn: string
  readonly pluginRevision: number
  readonly workerConfigurationArn: string
  readonly workerConfigurationRevision: number
  readonly roleArn: string
  readonly logGroup: string
}

/**
 * A `CreateConnector` request without its name: the name carries direction and term (`engine/run/connector-names.ts`), so each attempt has a connector of its own, which is seeded once. Who makes
 * one is the switchover, never an update: it could revive a direction.
 */
export function mskConnectorRequest(
  source: MskSide,
  target: MskSide,
  beside: NetworkAccess,
  parts: MskConnectParts,
  topics: readonly string[],
): MskConnectorRequest {
  return {
    kafkaConnectVersion: mskConnectVersion,
    connectorConfiguration: { ...mskConnectorConfig(source, target, topics) },
    // One task: a second worker would only wait.
    capacity: { provisionedCapacity: { mcuCount: 1, workerCount: 1 } },
    kafkaCluster: {
      apacheKafkaCluster: {
        bootstrapServers: target.iamBootstrapServers,
        vpc: { subnets: [...beside.mirrorSubnetIds], securityGroups: [beside.workersSecurityGroupId] },
      },
    },
    kafkaClusterClientAuthentication: { authenticationType: 'IAM' },
    kafkaClusterEncryptionInTransit: { encryptionType: 'TLS' },
    plugins: [{ customPlugin: { customPluginArn: parts.pluginArn, revision: parts.pluginRevision } }],
    workerConfiguration: { workerConfigurationArn: parts.workerConfigurationArn, revision: parts.workerConfigurationRevision },
    serviceExecutionRoleArn: parts.roleArn,
    logDelivery: { workerLogDelivery: { cloudWatchLogs: { enabled: true, logGroup: parts.logGroup } } },
  }
}

/** Whose connectors they are: what their names begin with says it in one account and region. */
export interface MskConnectPlace {
  readonly region: string
  readonly environment: string
  readonly fleet: string
}

/** How every connector into a colour is named and found. They begin with environment, fleet and colour, and no other fleet's begin so: what ends each part is in upper case, which none of the parts has. */
export function mskConnectNames(
  { region, environment, fleet }: MskConnectPlace,
  target: Colour,
): Pick<MskConnectWorker, 'region' | 'namePrefix' | 'listLagMs'> {
  return { region, namePrefix: `kbg-${environment}-FLEET-${fleet}-INTO-${target}-`, listLagMs: assumedListLagMs }
}

/** How connectors into a colour are asked for. The request may change from release to release, the names never, because Connect keeps a connector's offsets by its name. */
export function mskConnectWorker(place: MskConnectPlace, target: Colour, request: MskConnectorRequest): MskConnectWorker {
  return { kind: 'msk-connect', colour: target, ...mskConnectNames(place, target), request }
}

/** A statement of an IAM policy. */
export interface Statement {
  readonly Sid: string
  readonly Effect: 'Allow'
  readonly Action: readonly string[]
  readonly Resource: readonly string[]
}

/** Internal topics and groups of a connector on MSK Connect begin with this. */
const ofConnect = '__amazon_msk_connect_*'

/** What the role of a mirror may do: read these topics of the source, write them on the target, and keep Connect's own topics there. */
export function mirrorStatements(source: MskSide, target: MskSide, topics: readonly string[]): readonly Statement[] {
  const of = ({ arn }: MskSide, kind: 'topic' | 'group' | 'transactional-id', names: readonly string[]) =>
    names.map((name) => `${arn.replace(':cluster/', `:${kind}/`)}/${name}`)
  const allow = (Sid: string, actions: readonly string[], Resource: readonly string[]): Statement => ({
    ...{ Sid, Effect: 'Allow', Resource },
    Action: actions.map((action) => `kafka-cluster:${action}`),
  })
  const describes = ['DescribeTopic', 'DescribeTopicDynamicConfiguration']
  const own = [ofConnect, connectOffsetsTopic(target.colour)]
  return [
    allow('Source', ['Connect', 'DescribeCluster'], [source.arn]),
    allow('ReadSource', [...describes, 'ReadData'], of(source, 'topic', topics)),
    allow('Target', ['Connect', 'DescribeCluster', 'WriteDataIdempotently'], [target.arn]),
    allow('WriteTarget', [...describes, 'WriteData'], of(target, 'topic', topics)),
    allow('OwnTopics', [...describes, 'CreateTopic', 'ReadData', 'WriteData'], of(target, 'topic', own)),
    allow('OwnGroups', ['DescribeGroup', 'AlterGroup'], of(target, 'group', [ofConnect, 'connect-*'])),
    // Exactly-once: a task's transactional id begins with its worker's group, which MSK Connect names.
    allow('OwnTransactions', ['DescribeTransactionalId', 'AlterTransactionalId'], of(target, 'transactional-id', [ofConnect, 'connect-*'])),
  ]
}
