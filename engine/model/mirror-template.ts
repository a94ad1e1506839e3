import { type ClusterAccess, mirrorUserOf } from './cluster-access.ts'
import type { Colour } from './colour.ts'
import { KbgError } from './error.ts'
import type { WorkerAccess } from './wiring.ts'

/** Kafka's own properties, all text. */
export type KafkaProperties = Readonly<Record<string, string>>

/** Group of the Connect worker that copies into a colour; it also starts the transactional ids of its tasks. */
export function workerGroupId(fleet: string, colour: Colour): string {
  return `kbg-${fleet}-${colour}`
}

/** Topic on the target in which Connect commits, in the same transaction as the records, how far each source partition is copied. */
export function connectOffsetsTopic(colour: Colour): string {
  return `kbg.connect.${colour}.offsets`
}

/** What a Connect worker needs to be told; paths are the worker's own. */
export interface WorkerSettings {
  readonly fleet: string
  /** The colour that it copies into, which also holds its internal topics: only then can a task commit records and offsets in one transaction (KIP-618). */
  readonly target: ClusterAccess
  readonly restHost: string
  readonly restPort: number
  /** ConfigProvider reference of the login (JAAS) at the target. */
  readonly targetLogin: string
  /** The only directory that `${file:...}` references may read from. */
  readonly secretsDirectory: string
  /** What the REST interface speaks TLS with: a PKCS #12 file and a reference of its password; undefined: plain HTTP. */
  readonly restKeystore: { readonly file: string; readonly password: string } | undefined
}

/** The mirror's user on the internal listener; its login stands elsewhere, and so does the certificate of the authority to trust. */
function security(login: string, access: ClusterAccess): KafkaProperties {
  const { caFile } = access
  const sasl = { 'sasl.mechanism': mirrorUserOf(access).mechanism, 'sasl.jaas.config': login }
  return caFile === undefined
    ? { 'security.protocol': 'SASL_PLAINTEXT', ...sasl }
    : { 'security.protocol': 'SASL_SSL', ...sasl, ...tlsVersions, 'ssl.truststore.type': 'PEM', 'ssl.truststore.location': caFile, ...verified }
}

/** What Kafka's clients and servers speak where they speak TLS. */
export const tlsVersions: KafkaProperties = { 'ssl.enabled.protocols': 'TLSv1.3,TLSv1.2' }
/** The certificate has to name the address that was asked for (Kafka's default, which nobody may take away). */
const verified: KafkaProperties = { 'ssl.endpoint.identification.algorithm': 'https' }

function prefixed(prefix: string, properties: KafkaProperties): KafkaProperties {
  return Object.fromEntries(Object.entries(properties).map(([key, value]) => [`${prefix}${key}`, value]))
}

const internalSegmentBytes = 4 * 1024 * 1024

const byteArrayConverter = 'org.apache.kafka.connect.converters.ByteArrayConverter'

/**
 * Properties of the distributed Connect worker beside a colour (`connect-distributed.properties`).
 *
 * One worker, one connector that runs, one task: the many timers that protect large shared Connect clusters from
 * needless rebalances only delay a restart here, so they are all short, and say why.
 */
export function workerProperties(settings: WorkerSettings): KafkaProperties {
  const login = security(settings.targetLogin, settings.target)
  const scheme = settings.restKeystore === undefined ? 'http' : 'https'
  const topic = (kind: 'configs' | 'offsets' | 'status') =>
    kind === 'offsets' ? connectOffsetsTopic(settings.target.colour) : `kbg.connect.${settings.target.colour}.${kind}`
  return {
    'bootstrap.servers': settings.target.internalBootstrapServers.join(','),
    'group.id': workerGroupId(settings.fleet, settings.target.colour),
    'client.id': workerGroupId(settings.fleet, settings.target.colour),
    ...login,
    ...prefixed('producer.', login),
    ...prefixed('consumer.', login),
    ...prefixed('admin.', login),
    'config.storage.topic': topic('configs'),
    'config.storage.replication.factor': '3',
    'offset.storage.topic': topic('offsets'),
    'status.storage.topic': topic('status'),
    ...workerPromises,
    ...onEveryPlatform,
    listeners: `${scheme}://${settings.restHost}:${settings.restPort}`,
    ...(settings.restKeystore === undefined ? {} : restOverTls(settings.restKeystore)),
    'rest.advertised.host.name': settings.restHost,
    'rest.advertised.port': String(settings.restPort),
    'rest.extension.classes': 'org.apache.kafka.connect.rest.basic.auth.extension.BasicAuthSecurityRestExtension',
    'config.providers': 'file',
    'config.providers.file.class': 'org.apache.kafka.common.config.provider.FileConfigProvider',
    'config.providers.file.param.allowed.paths': settings.secretsDirectory,
    // A worker that was killed is replaced by one that takes its tasks at once (default: wait 5 min for the lost one to return).
    'scheduled.rebalance.max.delay.ms': '0',
    // A worker that could not read its configs in time leaves the group and comes back this much later (default 5 min).
    'worker.sync.timeout.ms': '3000',
    'worker.unsync.backoff.ms': '1000',
  }
}

/**
 * The worker's own topics, as it would make them itself by its properties.
 *
 * They are made before it starts: right behind making one it asks for its end, and a broker that has not heard of the topic yet costs ten seconds (the pause of
 * Connect's KafkaBasedLog).
 */
export function workerTopics(properties: KafkaProperties) {
  return ['config', 'offset', 'status'].map((kind) => {
    const prefix = `${kind}.storage.`
    const all = Object.entries(properties).flatMap(([key, value]) => (key.startsWith(prefix) ? [[key.slice(prefix.length), value] as const] : []))
    const { topic = '', partitions = '1', 'replication.factor': replicas = '3', ...config } = Object.fromEntries(all)
    return { topic, partitions: Number(partitions), replicationFactor: Number(replicas), config: { 'cleanup.policy': 'compact', ...config } }
  })
}

/** What a worker is told wherever it runs. */
export const onEveryPlatform: KafkaProperties = {
  'offset.storage.replication.factor': '3',
  // One partition of offsets is one partition less that each transaction has to span.
  'offset.storage.partitions': '1',
  // Compaction never touches the active segment, and every start of a task reads all of the topic: small segments keep it small (default 1 GiB).
  'offset.storage.segment.bytes': String(internalSegmentBytes),
  'offset.storage.min.cleanable.dirty.ratio': '0.01',
  'status.storage.replication.factor': '3',
  'status.storage.partitions': '1',
  // Bytes in, bytes out: a converter that understood records would also change them.
  'key.converter': byteArrayConverter,
  'value.converter': byteArrayConverter,
  'header.converter': byteArrayConverter,
  // Plugins are found by their service manifests; the default also walks through every class of every jar, for seconds.
  'plugin.discovery': 'service_load',
  // Without exactly-once offsets would be committed this often; lag seen through them is never older (default 60 s).
  'offset.flush.interval.ms': '1000',
  'offset.flush.timeout.ms': '5000',
  // The membership of a worker that was lost ends after this (default 10 s; 6 s is the brokers' own lower limit).
  'session.timeout.ms': '6000',
  'heartbeat.interval.ms': '2000',
  'rebalance.timeout.ms': '10000',
  // A task that does not end within this is abandoned, and fenced by its successor.
  'task.shutdown.graceful.timeout.ms': '5000',
  // Leadership moves are noticed by errors; this is for a broker list that has changed as a whole (default 5 min).
  'metadata.max.age.ms': '60000',
}

function restOverTls(keystore: { readonly file: string; readonly password: string }): KafkaProperties {
  const { file, password } = keystore
  return prefixed('listeners.https.', {
    ...tlsVersions,
    'ssl.keystore.type': 'PKCS12',
    'ssl.keystore.location': file,
    'ssl.keystore.password': password,
    'ssl.key.password': password,
  })
}

/** What every worker promises. The catalog owns topics: a task neither looks for nor creates them, and writes no "active topics". */
export const workerPromises: KafkaProperties = {
  'exactly.once.source.support': 'enabled',
  'topic.creation.enable': 'false',
  'topic.tracking.enable': 'false',
}

/** What the template of a mirror connector is filled with. */
export interface ConnectorSettings {
  readonly source: ClusterAccess
  readonly target: ClusterAccess
  readonly worker: Pick<WorkerAccess, 'sourceLogin' | 'targetLogin'>
  /** The exact topics; no patterns. */
  readonly topics: readonly string[]
}

/** Bounds every record and every batch of the mirror: well above Kafka's default `max.message.bytes` of 1 MiB. */
export const mirrorMaxRequestBytes = 16 * 1024 * 1024

/**
 * Configuration of one MirrorSourceConnector (MirrorMaker 2, KIP-382) as Connect's REST takes it. No secret: logins are references.
 *
 * @throws KbgError `not-mirrorable` when MirrorMaker would silently leave one of the topics out
 */
export function connectorConfig(settings: ConnectorSettings): KafkaProperties {
  const { source, target, worker } = settings
  return {
    'connector.class': 'org.apache.kafka.connect.mirror.MirrorSourceConnector',
    // One task writes one transaction at a time: more of them drain later, and each has commits of its own (measured).
    'tasks.max': '1',
    'source.cluster.alias': source.colour,
    'target.cluster.alias': target.colour,
    'source.cluster.bootstrap.servers': source.internalBootstrapServers.join(','),
    'target.cluster.bootstrap.servers': target.internalBootstrapServers.join(','),
    ...prefixed('source.cluster.', security(worker.sourceLogin, source)),
    ...prefixed('target.cluster.', security(worker.targetLogin, target)),
    topics: mirroredTopics(settings.topics),
    ...connectorPromises(),
  }
}

/** What every mirror connector promises, whichever clusters and topics it stands between. */
export function connectorPromises(): KafkaProperties {
  return {
    'replication.policy.class': 'org.apache.kafka.connect.mirror.IdentityReplicationPolicy',
    // The default leaves out `*.replica` and more; the list of topics is exact already. This one matches no legal name.
    'topics.exclude': '/',
    'exactly.once.support': 'required',
    'transaction.boundary': 'poll',
    ...ownedByTheCatalog,
    ...reading,
    ...writing,
  }
}

/** MirrorMaker's other duties. The catalog owns topics, configs and ACLs on both colours; offsets are translated by counting. */
const ownedByTheCatalog: KafkaProperties = {
  'sync.topic.configs.enabled': 'false',
  // It also drops ALLOW WRITE and turns ALL into READ.
  'sync.topic.acls.enabled': 'false',
  // With this off any key that starts with `offset-syncs.` is refused.
  'emit.offset-syncs.enabled': 'false',
  'heartbeats.replication.enabled': 'false',
  // Partitions that the catalog adds to a mirrored topic are copied after at most this (default 10 min).
  'refresh.topics.enabled': 'true',
  'refresh.topics.interval.seconds': '30',
  'admin.timeout.ms': '15000',
  // How long a poll of a quiet source keeps the task from noticing that it has to stop (default 1 s).
  'consumer.poll.timeout.ms': '100',
}

const reading: KafkaProperties = prefixed('source.consumer.', {
  'isolation.level': 'read_committed',
  'auto.offset.reset': 'earliest',
  'fetch.min.bytes': '1',
  // Answered as soon as there is one byte; this is only how often a quiet source is asked.
  'fetch.max.wait.ms': '500',
  // A poll is a transaction, and each costs several acknowledgements: a backlog needs large ones (default 500).
  'max.poll.records': '10000',
  'max.partition.fetch.bytes': '1048576',
  'fetch.max.bytes': '33554432',
  // A broker that vanished without closing its connections is given up after this (default 30 s).
  'request.timeout.ms': '10000',
  'default.api.timeout.ms': '15000',
  'reconnect.backoff.max.ms': '500',
  'retry.backoff.ms': '20',
  'metadata.max.age.ms': '60000',
})

const writing: KafkaProperties = prefixed('producer.override.', {
  acks: 'all',
  // Kafka 4's default waits 5 ms for company.
  'linger.ms': '0',
  'batch.size': '262144',
  'buffer.memory': '67108864',
  'max.request.size': String(mirrorMaxRequestBytes),
  // Between two transactions the coordinator may still be writing markers of the first; the second then asks again after this (default 100 ms).
  'retry.backoff.ms': '5',
  'retry.backoff.max.ms': '100',
  'reconnect.backoff.max.ms': '500',
  'request.timeout.ms': '10000',
  'delivery.timeout.ms': '60000',
  // What a killed task left open keeps readers of the target waiting at most this long, if no successor aborts it before.
  'transaction.timeout.ms': '30000',
  // Topics that rest for longer are still known when the next record comes (default 5 min).
  'metadata.max.idle.ms': '86400000',
})

/**
 * The connector's `topics`: these, and no others.
 *
 * @throws KbgError `not-mirrorable` when MirrorMaker would silently leave one of them out
 */
export function mirroredTopics(topics: readonly string[]): string {
  refuseUnmirrorable(topics)
  return topics.map(exactly).join(',')
}

/** A topic's name as a regular expression that matches only it: of its legal characters the dot alone means something. */
function exactly(topic: string): string {
  return topic.replaceAll('.', '\\.')
}

/** `ReplicationPolicy.isInternalTopic` and its kind: MirrorMaker never copies these, whatever `topics` says, or copies them under another name. */
const neverMirrored: readonly { readonly pattern: RegExp; readonly because: string }[] = [
  { pattern: /^__/, because: 'starts with __' },
  { pattern: /^\./, because: 'starts with a dot' },
  { pattern: /^mm2.*\.internal$/, because: 'is mm2*.internal' },
  { pattern: /\.checkpoints\.internal$/, because: 'ends in .checkpoints.internal' },
  // IdentityReplicationPolicy.looksLikeHeartbeat: these get the source's name in front, so `orders.heartbeats` would become `blue.orders.heartbeats`.
  { pattern: /heartbeats$/, because: 'ends in heartbeats' },
]

/** Why MirrorMaker 2 would silently leave a topic out; null when it copies it. */
export function unmirrorableBecause(topic: string): string | null {
  return neverMirrored.find(({ pattern }) => pattern.test(topic))?.because ?? null
}

function refuseUnmirrorable(topics: readonly string[]): void {
  const illegal = topics.filter((topic) => !/^[a-zA-Z0-9._-]{1,249}$/.test(topic)).map((topic) => `${JSON.stringify(topic)} is not a topic name`)
  const skipped = topics.flatMap((topic) => {
    const because = unmirrorableBecause(topic)
    return because === null ? [] : [`${topic} ${because}`]
  })
  if (illegal.length + skipped.length === 0 && topics.length > 0) return
  throw new KbgError('not-mirrorable', topics.length === 0 ? 'A mirror needs topics.' : 'MirrorMaker 2 would silently leave topics out.', {
    facts: topics.length === 0 ? {} : { topics: [...illegal, ...skipped] },
    remedy: 'Take them out of the catalog, or rename them: no setting of MirrorMaker 2 copies them under their own names.',
  })
}
