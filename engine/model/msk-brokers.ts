import { z } from 'zod'
import { type NetworkSpec, planNetwork } from './aws-network.ts'
import { type BrokerInventory, compareVersions } from './broker-inventory.ts'
import { replicationPromises } from './replication-promises.ts'
import { stableHash } from './stable-hash.ts'

/** Oldest MSK version in which a cluster without ZooKeeper exists. */
const oldestVersion = '3.7'

/** Server properties that decide who may do what, and what replication promises. A stack can't set them, and brokers keep those that they were made with. */
export const mskSetProperties: Readonly<Record<string, string>> = {
  // MSK's own default is `true`: then one binding on a topic, and nothing less, closes it.
  'allow.everyone.if.no.acl.found': 'false',
  ...replicationPromises,
  // A group that moves here begins to read without the 3 seconds that brokers wait for more members.
  'group.initial.rebalance.delay.ms': '0',
}

/** What MSK sets and a configuration can't say: the authorizer is always on. There are no `super.users`. */
const setByMsk: Readonly<Record<string, string>> = { 'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer' }

/** Further server properties that an MSK configuration may have (MSK developer guide, "Custom MSK configurations"); others are refused by `CreateConfiguration`, after minutes. */
const settable: readonly string[] = [
  ...['compression.type', 'connections.max.idle.ms', 'delete.topic.enable', 'group.max.session.timeout.ms', 'group.min.session.timeout.ms'],
  ...['leader.imbalance.per.broker.percentage', 'log.cleaner.delete.retention.ms', 'log.cleaner.min.cleanable.ratio', 'log.cleanup.policy'],
  ...['log.flush.interval.messages', 'log.flush.interval.ms', 'log.message.timestamp.type', 'log.message.timestamp.before.max.ms'],
  ...['log.message.timestamp.after.max.ms', 'log.retention.bytes', 'log.retention.hours', 'log.retention.minutes', 'log.retention.ms'],
  ...['log.roll.ms', 'log.segment.bytes', 'max.incremental.fetch.session.cache.slots', 'message.max.bytes', 'num.io.threads', 'num.network.threads'],
  ...['num.partitions', 'num.recovery.threads.per.data.dir', 'num.replica.fetchers', 'offsets.retention.minutes', 'replica.fetch.max.bytes'],
  ...['replica.fetch.response.max.bytes', 'replica.lag.time.max.ms', 'replica.selector.class', 'replica.socket.receive.buffer.bytes'],
  ...['socket.receive.buffer.bytes', 'socket.request.max.bytes', 'socket.send.buffer.bytes', 'transaction.max.timeout.ms', 'transactional.id.expiration.ms'],
]

/** MSK's own bounds of a broker's volume. */
const gib = z.int().min(100, 'at least 100 GiB').max(16_384, 'at most 16,384 GiB')

/** As it stands in a properties file, where a line's end would begin another property, and a backslash means what follows it. */
const PropertyValue = z.string().regex(/^[^\r\n\\]*$/, 'one line without a backslash')

/** What an MSK colour is made of. */
export const MskSpec = z
  .strictObject({
    /** KRaft only: `3.9.x.kraft`. */
    kafkaVersion: z
      .string()
      .regex(/^\d+\.\d+\.x\.kraft$/, { error: 'a version without ZooKeeper as MSK names it, for example 3.9.x.kraft', abort: true })
      .refine((version) => compareVersions(version, oldestVersion) >= 0, `${oldestVersion}.x.kraft or newer`),
    /** Express brokers are no choice: they don't take several of the properties that replication's promises rest on. */
    instanceType: z.string().regex(/^kafka\.[a-z0-9]+\.[a-z0-9]+$/, 'a standard broker size, for example kafka.m7g.large'),
    brokersPerZone: z.int().min(1).max(10),
    /** A broker's volume when it is made; it grows by itself up to {@link MskSpec.maxStorageGib}, and never shrinks. */
    storageGib: gib,
    maxStorageGib: gib,
    /** Additions to the brokers' properties. */
    brokerConfig: z.record(z.string(), PropertyValue).superRefine((config, context) => {
      for (const key of Object.keys(config)) {
        if (settable.includes(key)) continue
        const why =
          Object.hasOwn(mskSetProperties, key) || Object.hasOwn(setByMsk, key) ? 'the platform sets this one itself; remove it' : 'MSK takes no such property'
        context.addIssue({ code: 'custom', path: [key], message: why })
      }
    }),
  })
  .refine(({ storageGib, maxStorageGib }) => storageGib <= maxStorageGib, { error: 'below storageGib', path: ['maxStorageGib'] })
export type MskSpec = z.infer<typeof MskSpec>

/** A configuration of MSK. */
export interface MskConfiguration {
  /** Says what is in it: another content is another configuration, and none is ever changed under brokers that run with it. */
  readonly name: string
  readonly serverProperties: string
}

export function mskConfiguration(clusterName: string, { kafkaVersion, brokerConfig }: Pick<MskSpec, 'kafkaVersion' | 'brokerConfig'>): MskConfiguration {
  const lines = Object.entries({ ...brokerConfig, ...mskSetProperties }).map(([key, value]) => `${key}=${value}\n`)
  const serverProperties = lines.sort().join('')
  const digest = stableHash(`${kafkaVersion}\n${serverProperties}`).toString(16).padStart(8, '0')
  return { name: `${clusterName}-${digest}`, serverProperties }
}

/** Name of a colour's cluster, and start of the names of what stands around it. */
export function mskClusterName({ environment, fleet, colour }: Pick<NetworkSpec, 'environment' | 'fleet' | 'colour'>): string {
  return `kbg-${environment}-${fleet}-${colour}`
}

/** Brokers of a colour; MSK numbers them from 1, on both colours alike. */
export function mskBrokerIds(spec: MskSpec, network: NetworkSpec): readonly number[] {
  return Array.from({ length: spec.brokersPerZone * network.zones.length }, (_, index) => index + 1)
}

/** An MSK colour's brokers as the parity policies see them. */
export function mskBrokers(spec: MskSpec, network: NetworkSpec): BrokerInventory {
  return {
    platform: 'aws',
    kafkaVersion: spec.kafkaVersion,
    count: mskBrokerIds(spec, network).length,
    instanceClass: spec.instanceType,
    storage: `EBS, ${spec.storageGib} to ${spec.maxStorageGib} GiB a broker`,
    storageBytes: spec.storageGib * 1024 ** 3,
    config: spec.brokerConfig,
    promises: { ...mskSetProperties, ...setByMsk },
    listeners: { applications: 'SASL_SSL SCRAM-SHA-512', platform: 'SASL_SSL AWS_MSK_IAM' },
    isLoopbackOnly: false,
    // MSK gives ids out itself, the same on both colours.
    brokerIds: null,
    subnets: [planNetwork(network).vpc],
  }
}

/** What a colour was made as: what brokers can't become under their clients, by name. Volumes may grow. */
export function mskMake(spec: MskSpec, network: NetworkSpec): Readonly<Record<string, string>> {
  const { kafkaVersion, instanceType, brokersPerZone, brokerConfig } = spec
  const config = Object.fromEntries(Object.entries(brokerConfig).map(([key, value]) => [`brokerConfig.${key}`, value]))
  const vpc = planNetwork(network).vpc
  return { kafkaVersion, instanceType, brokersPerZone: String(brokersPerZone), zones: [...network.zones].sort().join(','), network: vpc, ...config }
}

/** One alarm of CloudWatch, over values of a minute each. */
export interface MskAlarm {
  readonly name: string
  /** Of the namespace `AWS/Kafka`. */
  readonly metric: string
  /** null: one of the whole cluster. */
  readonly brokerId: number | null
  readonly statistic: 'Maximum' | 'Minimum'
  readonly comparison: 'GreaterThanThreshold' | 'LessThanThreshold'
  readonly threshold: number
  /** Minutes in a row. */
  readonly periods: number
  /** Whether no value at all is an alarm. */
  readonly missing: 'breaching' | 'missing'
  readonly why: string
}

/** From this part of a broker's volume on somebody has to look: it grows at most once in six hours (percent). */
const fullDiskPercent = 85
/** The part of a volume at which it grows by itself (percent): MSK advises 50 to 60. */
export const growAtPercent = 60

/** What people are woken by. How far the mirror is behind isn't here: MSK has no such metric, and the gate measures it itself. */
export function mskAlarms(brokerIds: readonly number[]): readonly MskAlarm[] {
  const above = { statistic: 'Maximum', comparison: 'GreaterThanThreshold', missing: 'missing' } as const
  const ofCluster: readonly MskAlarm[] = [
    { name: 'offline', metric: 'OfflinePartitionsCount', brokerId: null, ...above, threshold: 0, periods: 1, why: 'partitions without a leader' },
    {
      ...{ name: 'controller', metric: 'ActiveControllerCount', brokerId: null, statistic: 'Maximum', comparison: 'LessThanThreshold', threshold: 1 },
      ...{ periods: 3, missing: 'breaching', why: 'no active controller: no fence can be set' },
    },
  ]
  const ofBrokers = brokerIds.flatMap((brokerId): MskAlarm[] => [
    { name: `min-isr-${brokerId}`, metric: 'UnderMinIsrPartitionCount', brokerId, ...above, threshold: 0, periods: 1, why: 'writes with acks=all are refused' },
    {
      name: `replicas-${brokerId}`,
      metric: 'UnderReplicatedPartitions',
      brokerId,
      ...above,
      threshold: 0,
      periods: 5,
      why: 'the gate refuses while replicas lag',
    },
    {
      name: `disk-${brokerId}`,
      metric: 'KafkaDataLogsDiskUsed',
      brokerId,
      ...above,
      threshold: fullDiskPercent,
      periods: 5,
      why: 'a full disk stops the broker',
    },
  ])
  return [...ofCluster, ...ofBrokers]
}
