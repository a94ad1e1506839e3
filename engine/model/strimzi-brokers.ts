import { z } from 'zod'
import type { BrokerInventory } from './broker-inventory.ts'
import { platformUsers } from './cluster-access.ts'
import type { Colour } from './colour.ts'
import {
  colourNamespace,
  isLabelName,
  KubernetesName,
  type KubernetesNetwork,
  kafkaName,
  kubernetesPorts,
  listenerPeers,
  type Manifest,
} from './kubernetes-network.ts'
import { replicationPromises } from './replication-promises.ts'

/** The operator whose resources these are (`kafka.strimzi.io/v1`), and the versions of Kafka that it runs. */
export const strimziVersion = '1.2.0'
const strimziKafkaVersions = ['4.2.0', '4.2.1', '4.3.0', '4.3.1'] as const
export const strimziApi = 'kafka.strimzi.io/v1'

/** Server properties that decide what replication promises. A stack can't set them. Who may do what stands in {@link setByStrimzi}. */
const setProperties: Readonly<Record<string, string>> = {
  ...replicationPromises,
  'allow.everyone.if.no.acl.found': 'false',
  // A group that moves here begins to read without the 3 seconds that brokers wait for more members.
  'group.initial.rebalance.delay.ms': '0',
}

const superUsers = [platformUsers.operator, platformUsers.mirror]

/** What the operator writes for `authorization: simple` and these super users; its own brokers and operators are super users by their certificates. */
const setByStrimzi: Readonly<Record<string, string>> = {
  'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
  'super.users': superUsers.map((user) => `User:${user}`).join(';'),
}

/** All server properties that follow from this project and not from a stack. Brokers keep those that they were made with. */
export const strimziSetProperties: Readonly<Record<string, string>> = { ...setProperties, ...setByStrimzi }

/** Starts of the names of properties that the operator keeps to itself: it leaves them out of the configuration and only warns (`KafkaClusterSpec.FORBIDDEN_PREFIXES`). */
const keptByStrimzi: readonly string[] = [
  ...['advertised.', 'authorizer.', 'broker.', 'client.quota.callback.static.', 'controller.', 'cordoned.log.dirs', 'cruise.control.metrics.', 'host.name'],
  ...['inter.broker.listener.name', 'listener.', 'listeners', 'log.dir', 'metadata.log.dir', 'node.id', 'password.', 'port', 'process.roles'],
  ...['prometheus.metrics.reporter.', 'sasl.', 'security.', 'ssl.', 'super.user', 'zookeeper.'],
]

/** Ends of the names of server properties that hold whole numbers, each of Kafka 4.3's with that end, and of those that are true or false. The operator refuses a Kafka with another value. */
const wholeNumbers = /\.(?:bytes|hours|isr|minutes|ms|partitions|replicas|requests|seconds|size|threads)$/
const flags = /\.enable$/

/** Why the operator wouldn't take a property, or the platform not let it be set; undefined where it may be. */
function whyNot(key: string, value: string): string | undefined {
  if (Object.hasOwn(strimziSetProperties, key)) return 'the platform sets this one itself; remove it'
  if (keptByStrimzi.some((start) => key.startsWith(start))) return 'Strimzi keeps this one to itself, and would leave it out with a warning; remove it'
  if (wholeNumbers.test(key) && !/^-?\d+$/.test(value)) return 'a whole number, or Strimzi refuses the whole Kafka'
  if (flags.test(key) && !/^(?:true|false)$/.test(value)) return 'true or false, or Strimzi refuses the whole Kafka'
  return undefined
}

/** What a Strimzi colour is made of. */
export const StrimziSpec = z.strictObject({
  kafkaVersion: z.enum(strimziKafkaVersions),
  /** Spread over zones, so three at least, one may be gone. */
  brokers: z.int().min(3).max(60).default(3),
  /** A broker's volume; it may grow where its class lets it. */
  storageGib: z.int().min(10).max(65_536),
  /** Class of every volume: named, so that no cluster's default decides where records lie. */
  storageClass: KubernetesName,
  /** Processors of a broker, asked for and granted. */
  cpu: z.number().min(0.5).max(128),
  /** Memory of a broker, asked for and granted. */
  memoryGib: z.int().min(2).max(1_024),
  /** Label of the nodes whose value is a zone. */
  zoneLabel: z.string().refine(isLabelName, 'the name of a label').default('topology.kubernetes.io/zone'),
  /** Additions to the brokers' properties. */
  brokerConfig: z.record(z.string(), z.string()).superRefine((config, context) => {
    for (const [key, value] of Object.entries(config)) {
      const message = whyNot(key, value)
      if (message !== undefined) context.addIssue({ code: 'custom', path: [key], message })
    }
  }),
})
export type StrimziSpec = z.infer<typeof StrimziSpec>

/** Where a colour on Strimzi is to stand. */
export interface StrimziPlace {
  readonly fleet: string
  readonly colour: Colour
  readonly network: KubernetesNetwork
}

/** First node ids; the two colours' are disjoint, so that no client mistakes one colour's broker for the other's. */
const firstIds: Readonly<Record<Colour, { readonly brokers: number; readonly controllers: number }>> = {
  blue: { brokers: 1, controllers: 101 },
  green: { brokers: 201, controllers: 301 },
}
/** Ids that a pool may take: one more than {@link StrimziSpec} allows brokers, so that they can be replaced one by one. */
const idsOfPool = 99
/** The smallest quorum that survives the loss of one. */
const controllers = 3
/** Metadata alone: small, and the same on every size of colour. */
const controller = { cpu: '1', memory: '2Gi', storageGib: 20 } as const

export function strimziBrokerIds(colour: Colour, spec: Pick<StrimziSpec, 'brokers'>): readonly number[] {
  return Array.from({ length: spec.brokers }, (_, index) => firstIds[colour].brokers + index)
}

/** Principals whose ACLs Strimzi's User Operator leaves alone: everybody's, which the fence is made of, and the fence's nudge. Any other without a KafkaUser it deletes. */
export const ignoredPrincipals = ['*', 'kbg-nudge'] as const

/** As the User Operator takes it: a regular expression of Java's that has to match all of a name. */
export const ignoredUsersPattern = ignoredPrincipals.map((principal) => principal.replaceAll('*', String.raw`\*`)).join('|')

type Pool = 'controllers' | 'brokers'

/** What the `restricted` Pod Security Standard asks of a pod and of each of its containers, whatever the operator's own default is. */
const podSecurity = { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } } as const
const confined = { securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } } } as const

/** A colour's Kafka and its pools of nodes. */
export function strimziKafka(place: StrimziPlace, spec: StrimziSpec): { readonly kafka: Manifest; readonly pools: readonly Manifest[] } {
  return { kafka: kafkaManifest(place, spec), pools: [poolManifest(place, spec, 'controllers'), poolManifest(place, spec, 'brokers')] }
}

function kafkaManifest({ fleet, colour, network }: StrimziPlace, spec: StrimziSpec): Manifest {
  const peers = listenerPeers(fleet, colour, network)
  const listener = (name: 'internal' | 'produce' | 'consume') => ({
    ...{ name, port: kubernetesPorts[name], type: 'internal', tls: true, authentication: { type: 'scram-sha-512' } },
    networkPolicyPeers: peers[name],
  })
  const small = { requests: { cpu: '100m', memory: '512Mi' }, limits: { cpu: '1', memory: '512Mi' } }
  return {
    apiVersion: strimziApi,
    kind: 'Kafka',
    metadata: { name: kafkaName(colour), namespace: colourNamespace(fleet, colour) },
    spec: {
      kafka: {
        version: spec.kafkaVersion,
        listeners: [listener('internal'), listener('produce'), listener('consume')],
        authorization: { type: 'simple', superUsers },
        rack: { type: 'topology-label', topologyKey: spec.zoneLabel },
        config: { ...spec.brokerConfig, ...setProperties },
        metricsConfig: { type: 'strimziMetricsReporter', values: { allowList: ['kafka_.*'] } },
        // Of all nodes, controllers too: one at a time is what min.insync.replicas and the quorum bear.
        template: { podDisruptionBudget: { maxUnavailable: 1 }, kafkaContainer: confined, initContainer: confined },
      },
      entityOperator: {
        topicOperator: { resources: small },
        userOperator: { resources: small },
        // Without that variable the User Operator takes the fence for rights of a user that nobody declared, and deletes it (docs/adr/0015).
        template: {
          pod: { securityContext: podSecurity },
          topicOperatorContainer: confined,
          userOperatorContainer: { ...confined, env: [{ name: 'STRIMZI_IGNORED_USERS_PATTERN', value: ignoredUsersPattern }] },
        },
      },
    },
  }
}

function poolManifest({ fleet, colour }: StrimziPlace, spec: StrimziSpec, pool: Pool): Manifest {
  const isBrokers = pool === 'brokers'
  const amount = isBrokers ? { cpu: String(spec.cpu), memory: `${spec.memoryGib}Gi` } : { cpu: controller.cpu, memory: controller.memory }
  const first = firstIds[colour][pool]
  const labels = { 'strimzi.io/cluster': kafkaName(colour) }
  return {
    apiVersion: strimziApi,
    kind: 'KafkaNodePool',
    metadata: {
      ...{ name: pool, namespace: colourNamespace(fleet, colour), labels },
      annotations: { 'strimzi.io/next-node-ids': `[${first}-${first + idsOfPool - 1}]` },
    },
    spec: {
      replicas: isBrokers ? spec.brokers : controllers,
      roles: [isBrokers ? 'broker' : 'controller'],
      storage: { type: 'jbod', volumes: [volume(isBrokers ? spec.storageGib : controller.storageGib, spec.storageClass)] },
      resources: { requests: amount, limits: amount },
      template: { pod: spread({ ...labels, 'strimzi.io/pool-name': pool }, spec.zoneLabel) },
    },
  }
}

function volume(gib: number, storageClass: string): object {
  return { id: 0, type: 'persistent-claim', size: `${gib}Gi`, class: storageClass, deleteClaim: false, kraftMetadata: 'shared' }
}

/** Never two nodes of a pool on one machine, and zones filled evenly: one zone may fail. */
function spread(pool: Readonly<Record<string, string>>, zoneLabel: string): object {
  const labelSelector = { matchLabels: pool }
  return {
    securityContext: podSecurity,
    affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'kubernetes.io/hostname', labelSelector }] } },
    topologySpreadConstraints: [{ maxSkew: 1, topologyKey: zoneLabel, whenUnsatisfiable: 'DoNotSchedule', labelSelector }],
  }
}

/** A Strimzi colour's brokers as the parity policies see them. */
export function strimziBrokers(colour: Colour, spec: StrimziSpec): BrokerInventory {
  const scram = 'SASL_SSL SCRAM-SHA-512'
  return {
    platform: 'kubernetes',
    kafkaVersion: spec.kafkaVersion,
    count: spec.brokers,
    instanceClass: `pod of ${spec.cpu} processors and ${spec.memoryGib} GiB`,
    storage: `${spec.storageGib} GiB a broker, class ${spec.storageClass}`,
    storageBytes: spec.storageGib * 1024 ** 3,
    config: spec.brokerConfig,
    promises: strimziSetProperties,
    listeners: { controller: 'SSL mutual', replication: 'SSL mutual', internal: scram, produce: scram, consume: scram },
    isLoopbackOnly: false,
    brokerIds: [...strimziBrokerIds(colour, spec)],
    // Namespaces and NetworkPolicies separate colours here, and pods of both have addresses of one network.
    subnets: [],
  }
}

/** What a colour was made as: what brokers can't become under their clients, by name. Volumes may grow, and brokers be added. */
export function strimziMake({ fleet, colour }: Pick<StrimziPlace, 'fleet' | 'colour'>, spec: StrimziSpec): Readonly<Record<string, string>> {
  const { kafkaVersion, cpu, memoryGib, storageClass, zoneLabel, brokerConfig } = spec
  const config = Object.fromEntries(Object.entries(brokerConfig).map(([key, value]) => [`brokerConfig.${key}`, value]))
  return { kafkaVersion, cpu: String(cpu), memoryGib: String(memoryGib), storageClass, zoneLabel, namespace: colourNamespace(fleet, colour), ...config }
}
