/**
 * What is wrong, and who refuses it: this project before Kubernetes is asked, and Kubernetes itself. `docs/testing.md` has it as a table; `npm test` checks this project's half, `npm run
 * test:kubernetes` the other.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { platformUsers } from '../../engine/model/cluster-access.ts'
import { messageOf } from '../../engine/model/error.ts'
import { FleetName } from '../../engine/model/fleet.ts'
import { birthJob, ImageName } from '../../engine/model/kubernetes-birth.ts'
import { planGuardian } from '../../engine/model/kubernetes-guardian.ts'
import { workerDeployment } from '../../engine/model/kubernetes-mirror.ts'
import { KubernetesNetwork, type Manifest, planColourNamespace, planTrafficNamespace } from '../../engine/model/kubernetes-network.ts'
import { KubernetesRouteStore } from '../../engine/model/kubernetes-route-store.ts'
import { StrimziSpec, strimziKafka } from '../../engine/model/strimzi-brokers.ts'
import { strimziTopics, strimziUsers } from '../../engine/model/strimzi-catalog.ts'
import { parseCatalog } from '../../infra/catalog.ts'
import type { Rule } from '../../policy/judging/rule.ts'
import { kubernetesAuthorization, kubernetesAvailability, kubernetesFence, kubernetesListeners, kubernetesStorage } from '../../policy/kubernetes.ts'
import { kubernetesPods } from '../../policy/kubernetes-pods.ts'
import { projectDir } from '../../tools/paths.ts'
import { resources } from '../policy/fixtures.ts'
import { autonamed } from './autonamed.ts'
import { brokers, catalog, image, type KubernetesObject, network, spoiled } from './kubernetes-declared.ts'
import { strimziColour } from './strimzi-colour.ts'
import { routeStore, trafficPods } from './traffic-pods.ts'

export interface Refusal {
  /** As somebody would say it. */
  readonly wrong: string
  /** What this project says to it; undefined when it lets it through. */
  readonly ours: string | undefined
  /** What Kubernetes would get, if this project let it through. */
  readonly object: KubernetesObject
  /** Where Kubernetes takes that: what the operator makes of it, which Kubernetes is asked next; or what comes of it, by Strimzi's or Kubernetes' sources. */
  readonly later?: KubernetesObject | string
}

const place = { fleet: 'shop', colour: 'blue', network } as const
const planned = strimziKafka(place, brokers)

/** What a schema or a planner says to something wrong: the paths and messages, or the error's code and message. */
function saidBy(ask: () => unknown): string | undefined {
  try {
    ask()
    return undefined
  } catch (error) {
    if (!(error instanceof z.ZodError)) return messageOf(error).replaceAll(/\s+/g, ' ').trim()
    return error.issues.map(({ path, message }) => `${path.map(String).join('.') || 'value'}: ${message}`).join('; ')
  }
}

/** What a stack says of brokers. */
const brokersWith = (change: object) => saidBy(() => StrimziSpec.parse({ ...brokers, ...change }))
const routeStoreWith = (change: object) =>
  saidBy(() => KubernetesRouteStore.parse({ endpoints: ['https://etcd.platform.svc:2379'], caFile: 'etcd.crt', ...change }))
const networkWith = (change: object) => saidBy(() => KubernetesNetwork.parse({ ...network, ...change }))
/** A catalog of these lines, as a colour on Strimzi takes it. */
const catalogOf = (text: string) =>
  saidBy(() => {
    const read = parseCatalog(text.startsWith('topics:') ? text : `topics: {}\n${text}`, 'catalog.yaml')
    strimziUsers(place, read)
    strimziTopics(place, read, brokers.brokers)
  })

/** What a policy says of an object as a stack would declare it. */
function judged(rule: Rule, { apiVersion, kind, ...props }: KubernetesObject): string | undefined {
  const [resource] = resources({ type: `kubernetes:${apiVersion}:${kind}`, name: props.metadata.name, props })
  const findings = resource === undefined ? [] : rule.judge([resource], {}).findings
  const texts = findings.map(({ property, observed, required }) => `${property} is ${observed}, required: ${required}`)
  return texts.length === 0 ? undefined : `policy ${rule.name}: ${texts.join('; ')}`
}

const kafka = planned.kafka
const pool = planned.pools.find(({ metadata }) => metadata.name === 'brokers')
const egress = planColourNamespace('shop', 'blue', network).policies.find(({ metadata }) => metadata.name === 'kafka')
const guardiansWays = planTrafficNamespace('shop', routeStore.endpoints).policies.find(({ metadata }) => metadata.name === 'guardians')
const topic = strimziTopics(place, catalog, brokers.brokers)[0]
const user = strimziUsers(place, catalog)
  .flat()
  .find(({ metadata }) => metadata.name === 'shop')
const job = birthJob(place, image)
/** A job that stands keeps its template, whatever is wrong with another one. */
const newJob = spoiled(job, 'metadata/name', 'tried')
const worker = workerDeployment(strimziColour('blue'))

/** The claim that Strimzi makes for a volume of a pool (`PersistentVolumeClaimUtils`). */
function claim(size: string, storageClassName: string): KubernetesObject {
  const metadata = { name: 'data-0-blue-brokers-1', namespace: 'kbg-shop-blue' }
  const spec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: size } }, storageClassName, volumeMode: 'Filesystem' }
  return { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata, ...{ spec } }
}

/** A pod of a workload's template, as its controller would make it. */
export function podOf({ spec, metadata }: Manifest): KubernetesObject {
  const { template } = JSON.parse(JSON.stringify(spec))
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'tried', namespace: metadata.namespace ?? '', labels: template.metadata.labels },
    ...{ spec: template.spec },
  }
}

const policed = (wrong: string, rule: Rule, object: KubernetesObject, later: Refusal['later']): Refusal => ({
  ...{ wrong, object, ours: judged(rule, object) },
  ...(later === undefined ? {} : { later }),
})

/** What a stack may say wrongly. */
const ofStacks: readonly Refusal[] = [
  {
    wrong: 'a fleet called `Shop`',
    ours: saidBy(() => FleetName.parse('Shop')),
    object: planColourNamespace('Shop', 'blue', network).namespace,
  },
  {
    wrong: '`producers: [Shop_1]`',
    ours: networkWith({ producers: ['Shop_1'] }),
    object: strimziKafka({ ...place, network: { ...network, producers: ['Shop_1'] } }, brokers).kafka,
    later: 'no namespace can have that name: nobody reaches the listener',
  },
  { wrong: '`apiServers: [10.0.0.1]`', ours: networkWith({ apiServers: ['10.0.0.1'] }), object: egressWith({ apiServers: ['10.0.0.1'] }) },
  {
    wrong: '`apiServers: []`',
    ours: networkWith({ apiServers: [] }),
    object: egressWith({ apiServers: [] }),
    later: 'a rule for no address is one for every address: the port is open to everywhere',
  },
  { wrong: '`apiServerPort: 70000`', ours: networkWith({ apiServerPort: 70_000 }), object: egressWith({ apiServerPort: 70_000 }) },
  {
    wrong: '`kafkaVersion: 3.9.1`',
    ours: brokersWith({ kafkaVersion: '3.9.1' }),
    object: spoiled(kafka, 'spec/kafka/version', '3.9.1'),
    later: 'the operator refuses it: `Unsupported Kafka.spec.kafka.version`',
  },
  { wrong: '`brokers: -1`', ours: brokersWith({ brokers: -1 }), object: spoiled(pool, 'spec/replicas', -1) },
  {
    wrong: '`brokers: 2`',
    ours: brokersWith({ brokers: 2 }),
    object: spoiled(pool, 'spec/replicas', 2),
    later: 'the operator refuses it: `default.replication.factor` is 3, and there are 2 brokers',
  },
  { wrong: '`storageGib: 0`', ours: brokersWith({ storageGib: 0 }), object: spoiled(pool, 'spec/storage/volumes/0/size', '0Gi'), later: claim('0Gi', 'fast') },
  {
    wrong: '`storageClass: Fast SSD`',
    ours: brokersWith({ storageClass: 'Fast SSD' }),
    object: spoiled(pool, 'spec/storage/volumes/0/class', 'Fast SSD'),
    later: claim('500Gi', 'Fast SSD'),
  },
  {
    wrong: '`cpu: -1`',
    ours: brokersWith({ cpu: -1 }),
    object: spoiled(pool, 'spec/resources/requests/cpu', '-1'),
    later: spoiled(podOf(worker), 'spec/containers/0/resources/requests/cpu', '-1'),
  },
  {
    wrong: '`zoneLabel: a/b/zone`',
    ours: brokersWith({ zoneLabel: 'a/b/zone' }),
    object: strimziKafka(place, { ...brokers, zoneLabel: 'a/b/zone' }).kafka,
    later: 'no machine can have a label of that name, and pods are taken: zones are not filled evenly, or no pod finds a place',
  },
  {
    wrong: '`brokerConfig: {listeners: ...}`',
    ours: brokersWith({ brokerConfig: { listeners: 'PLAINTEXT://:9999' } }),
    object: spoiled(kafka, 'spec/kafka/config/listeners', 'PLAINTEXT://:9999'),
    later: 'the operator leaves it out with a warning in its log',
  },
  {
    wrong: '`brokerConfig: {min.insync.replicas: 1}`',
    ours: brokersWith({ brokerConfig: { 'min.insync.replicas': '1' } }),
    object: spoiled(kafka, 'spec/kafka/config/min.insync.replicas', '1'),
    later: 'brokers acknowledge what one of them has: it is lost with that one',
  },
  {
    wrong: '`brokerConfig: {log.retention.hours: two days}`',
    ours: brokersWith({ brokerConfig: { 'log.retention.hours': 'two days' } }),
    object: spoiled(kafka, 'spec/kafka/config/log.retention.hours', 'two days'),
    later: 'the operator refuses it: `has invalid spec.kafka.config`',
  },
  {
    wrong: 'an image with the tag `latest`',
    ours: saidBy(() => ImageName.parse('registry.example/kafka-blue-green:latest')),
    object: spoiled(newJob, 'spec/template/spec/containers/0/image', 'registry.example/kafka-blue-green:latest'),
    later: 'which program fences a colour is whatever was pushed last',
  },
  { wrong: 'no image', ours: saidBy(() => ImageName.parse('')), object: spoiled(newJob, 'spec/template/spec/containers/0/image', '') },
  {
    wrong: '`routeStore.endpoints: [https://etcd.example.com:2379]`',
    ours: routeStoreWith({ endpoints: ['https://etcd.example.com:2379'] }),
    object: spoiled(guardiansWays, 'spec/egress/4/to/0/ipBlock/cidr', 'etcd.example.com/32'),
  },
  {
    wrong: '`routeStore.username: operator`',
    ours: routeStoreWith({ username: 'operator' }),
    object: guardianTold({ username: platformUsers.operator }),
    later: 'etcd is asked with the password of Kafka’s operator',
  },
]

function guardianTold(change: Partial<typeof routeStore>): KubernetesObject {
  const { config } = planGuardian(trafficPods({ routeStore: { ...routeStore, ...change } }), 'blue')
  return autonamed('guardian', { apiVersion: 'v1', kind: 'ConfigMap', ...config })
}

function egressWith(change: Partial<KubernetesNetwork>): KubernetesObject {
  const policy = planColourNamespace('shop', 'blue', { ...network, ...change }).policies.find(({ metadata }) => metadata.name === egress?.metadata.name)
  if (policy === undefined) throw new Error('no policy lets Kafka out')
  return policy
}

const shop = 'users: [shop]'
/** What a catalog may say wrongly. */
const ofCatalogs: readonly Refusal[] = [
  { wrong: 'a topic of 0 partitions', ours: catalogOf('topics: { orders: { partitions: 0 } }'), object: spoiled(topic, 'spec/partitions', 0) },
  {
    wrong: 'a topic of 5 replicas on 3 brokers',
    ours: catalogOf('topics: { orders: { partitions: 1, replicationFactor: 5 } }'),
    object: spoiled(topic, 'spec/replicas', 5),
    later: 'the Topic Operator hears from Kafka `Replication factor: 5 larger than available brokers: 3`, and the update waits half an hour',
  },
  {
    wrong: 'a topic called `two words`',
    ours: catalogOf('topics: { two words: { partitions: 1 } }'),
    object: spoiled(topic, 'spec/topicName', 'two words'),
    later: 'the Topic Operator hears from Kafka `InvalidTopicException`, and the update waits half an hour',
  },
  {
    wrong: 'a setting of a topic that is a mapping',
    ours: catalogOf('topics: { orders: { partitions: 1, config: { retention.ms: { days: 7 } } } }'),
    object: spoiled(topic, 'spec/config/retention.ms', { days: 7 }),
    later: 'the Topic Operator refuses it: `Invalid value for topic config`',
  },
  { wrong: 'a user called `Orders_App`', ours: catalogOf('users: [Orders_App]'), object: spoiled(user, 'metadata/name', 'Orders_App') },
  { wrong: 'a user called `orders..app`', ours: catalogOf('users: [orders..app]'), object: spoiled(user, 'metadata/name', 'orders..app') },
  {
    wrong: 'a user called `kbg-mirror`',
    ours: catalogOf('users: [kbg-mirror]'),
    object: spoiled(user, 'metadata/name', 'kbg-mirror'),
    later: 'the User Operator writes the login into the Secret of that name, which is the mirror’s worker’s',
  },
  {
    wrong: 'a right to `Writ`',
    ours: catalogOf(`${shop}\nacls: [{ principal: User:shop, resourceType: Topic, resourceName: "*", operation: Writ }]`),
    object: spoiled(user, 'spec/authorization/acls/0/operations', ['Writ']),
  },
  {
    wrong: 'a quota of 1.5 bytes a second',
    ours: catalogOf(`${shop}\nquotas: [{ user: shop, producerByteRate: 1.5 }]`),
    object: spoiled(user, 'spec/quotas', { producerByteRate: 1.5 }),
  },
  {
    wrong: 'a quota of -1 bytes a second',
    ours: catalogOf(`${shop}\nquotas: [{ user: shop, producerByteRate: -1 }]`),
    object: spoiled(user, 'spec/quotas', { producerByteRate: -1 }),
  },
]

const ofListener = (path: string, value: unknown) => spoiled(kafka, `spec/kafka/listeners/1/${path}`, value)
/** What no stack can say, and somebody's own program could: policies see it in the preview. */
const ofPrograms: readonly Refusal[] = [
  policed('a listener of the type `public`', kubernetesListeners, ofListener('type', 'public'), undefined),
  policed('a listener without TLS', kubernetesListeners, ofListener('tls', false), 'passwords and records in the clear'),
  policed('a listener for no peers', kubernetesListeners, ofListener('networkPolicyPeers', []), 'Strimzi opens it to every pod'),
  policed('no authorization', kubernetesAuthorization, spoiled(kafka, 'spec/kafka/authorization', undefined), 'everybody may write: there is no fence'),
  policed('ephemeral storage', kubernetesStorage, spoiled(pool, 'spec/storage', { type: 'ephemeral' }), 'records are gone with their pod'),
  policed('`deleteClaim: true`', kubernetesStorage, spoiled(pool, 'spec/storage/volumes/0/deleteClaim', true), 'records are gone with the resource'),
  policed(
    'a User Operator that isn’t told of the fence',
    kubernetesFence,
    spoiled(kafka, 'spec/entityOperator/template/userOperatorContainer/env', undefined),
    'it deletes the fence within two minutes',
  ),
  policed(
    '`maxUnavailable: 2`',
    kubernetesAvailability,
    spoiled(kafka, 'spec/kafka/template/podDisruptionBudget/maxUnavailable', 2),
    'a drain of two nodes takes writes away',
  ),
  policed(
    'two brokers on one machine',
    kubernetesAvailability,
    spoiled(pool, 'spec/template/pod/affinity', undefined),
    'one machine’s end takes two replicas of three',
  ),
  policed(
    'a worker that may gain rights',
    kubernetesPods,
    spoiled(worker, 'spec/template/spec/containers/0/securityContext/allowPrivilegeEscalation', true),
    spoiled(podOf(worker), 'spec/containers/0/securityContext/allowPrivilegeEscalation', true),
  ),
]

export const refusals: readonly Refusal[] = [...ofStacks, ...ofCatalogs, ...ofPrograms]

/** The table's line of a refusal. @param kubernetes what it says; undefined: it takes it. @param then what it says to what becomes of it */
export function refusalRow({ wrong, ours, later }: Refusal, kubernetes: string | undefined, then: string | undefined): string {
  const taken = typeof later === 'string' ? `takes it; ${later}` : `takes it, and refuses what the operator makes of it: ${then}`
  return `| ${[wrong, kubernetes ?? taken, ours ?? '**lets it through**'].map((text) => text.replaceAll('|', '\\|')).join(' | ')} |`
}

/** The lines of the table in docs/testing.md. */
export function documentedRows(): readonly string[] {
  const document = readFileSync(join(projectDir, 'docs', 'testing.md'), 'utf8')
  const table = /<!-- refusals -->\n([\s\S]*?)\n<!-- \/refusals -->/.exec(document)?.[1] ?? ''
  return table.split('\n').slice(2) // its head
}
