import { describe, expect, test } from 'vitest'
import { type Colour, colours } from '../../engine/model/colour.ts'
import { inventoryOf } from '../../engine/model/inventory.ts'
import { planGuardian } from '../../engine/model/kubernetes-guardian.ts'
import { workerDeployment } from '../../engine/model/kubernetes-mirror.ts'
import { KubernetesNetwork, type Manifest, planColourNamespace } from '../../engine/model/kubernetes-network.ts'
import { planWriteBack } from '../../engine/model/kubernetes-write-back.ts'
import { connectorPromises, workerPromises } from '../../engine/model/mirror-template.ts'
import { StrimziSpec, strimziBrokers, strimziKafka } from '../../engine/model/strimzi-brokers.ts'
import { strimziTopics, strimziUsers } from '../../engine/model/strimzi-catalog.ts'
import { parseCatalog } from '../../infra/catalog.ts'
import { declaredResources } from '../../policy/declared.ts'
import type { Rule } from '../../policy/judging/rule.ts'
import { kubernetesAuthorization, kubernetesAvailability, kubernetesFence, kubernetesListeners, kubernetesStorage } from '../../policy/kubernetes.ts'
import { kubernetesIsolation, kubernetesPods } from '../../policy/kubernetes-pods.ts'
import { rules } from '../../policy/pack.ts'
import { safetyMirror } from '../../policy/safety.ts'
import { securityCredentials } from '../../policy/security.ts'
import { strimziColour } from '../support/strimzi-colour.ts'
import { toldName, trafficAudit, trafficPods, trafficSwitchover } from '../support/traffic-pods.ts'
import { parity, type ResourceSpec, reported, resources } from './fixtures.ts'

/** What the components declare, each with one value inside replaced: what they plan themselves has to pass. */

const network = KubernetesNetwork.parse({ producers: ['shop'], apiServers: ['10.0.0.1/32'] })
const spec = StrimziSpec.parse({ kafkaVersion: '4.3.1', storageGib: 500, storageClass: 'fast', cpu: 2, memoryGib: 8, brokerConfig: {} })
const catalog = parseCatalog(
  `
topics:
  orders: { partitions: 6, config: { retention.ms: 1000 } }
users: [shop]
acls:
  - { principal: User:shop, resourceType: Topic, resourceName: orders, operation: Read }
quotas:
  - { user: shop, consumerByteRate: 5000 }
`,
  'catalog.yaml',
)
const planned = strimziKafka({ fleet: 'shop', colour: 'blue', network }, spec)

/** An object or list with one value inside replaced; undefined takes it away. */
function changed(holder: unknown, path: readonly string[], value: unknown): unknown {
  const [first, ...rest] = path
  if (first === undefined) return value
  const copy: unknown = Array.isArray(holder) ? [...holder] : { ...(typeof holder === 'object' ? holder : {}) }
  Reflect.set(copy as object, first, changed(Reflect.get((holder ?? {}) as object, first), rest, value))
  return copy
}

const of =
  (manifest: Manifest | undefined) =>
  (path?: string, value?: unknown): ResourceSpec => {
    if (manifest === undefined) throw new Error('nothing planned')
    const type = `kubernetes:${manifest.apiVersion === 'v1' ? 'core/v1' : manifest.apiVersion}:${manifest.kind}`
    return { type, name: manifest.metadata.name, props: path === undefined ? manifest : (changed(manifest, path.split('.'), value) as object) }
  }
const kafka = of(planned.kafka)
const pool = of(planned.pools.find(({ metadata }) => metadata.name === 'brokers'))
const deployment = of(workerDeployment(strimziColour('blue')))
const guardians = colours.map((colour) => of(planGuardian(trafficPods(), colour).deployment(toldName)))
const switchover = of(trafficSwitchover().job)
const namespace: ResourceSpec = { type: 'kubernetes:core/v1:Namespace', name: 'namespace', props: { metadata: { name: 'kbg-shop-blue' } } }
const policies = planColourNamespace('shop', 'blue', network).policies
const denyAll = of(policies[0])
const others = policies.slice(1).map((policy) => of(policy)())

const cases: readonly (readonly [Rule, readonly ResourceSpec[], readonly (readonly [readonly ResourceSpec[], string])[]])[] = [
  [
    kubernetesListeners,
    [kafka()],
    [
      [[kafka('spec.kafka.listeners.1.tls', false)], 'blue: listeners.produce.tls is false, required: true'],
      [[kafka('spec.kafka.listeners.2.authentication', undefined)], 'listeners.consume.authentication is not set'],
      [[kafka('spec.kafka.listeners.1.authentication', { type: 'custom' })], 'listeners.produce.authentication is custom'],
      [[kafka('spec.kafka.listeners.0.type', 'loadbalancer')], 'listeners.internal.type is loadbalancer'],
      [[kafka('spec.kafka.listeners.1.networkPolicyPeers', [])], 'listeners.produce.networkPolicyPeers is not set'],
    ],
  ],
  [
    kubernetesAuthorization,
    [kafka()],
    [
      [[kafka('spec.kafka.authorization', undefined)], 'authorization.type is not set, required: simple'],
      [[kafka('spec.kafka.authorization.type', 'custom')], 'authorization.type is custom'],
      [[kafka('spec.kafka.config', { 'allow.everyone.if.no.acl.found': true })], 'config.allow.everyone.if.no.acl.found is true'],
    ],
  ],
  [
    kubernetesFence,
    [kafka(), { ...kafka('spec.entityOperator', undefined), name: 'none' }],
    [
      [[kafka('spec.entityOperator.template.userOperatorContainer', undefined)], 'entityOperator STRIMZI_IGNORED_USERS_PATTERN is not set'],
      [[kafka('spec.entityOperator.template.userOperatorContainer.env.0.value', 'kbg-nudge')], 'STRIMZI_IGNORED_USERS_PATTERN is kbg-nudge'],
      [[kafka('spec.entityOperator.template.userOperatorContainer.env.0.value', '*')], 'STRIMZI_IGNORED_USERS_PATTERN is *'],
    ],
  ],
  [
    kubernetesStorage,
    [pool()],
    [
      [[pool('spec.storage', { type: 'ephemeral' })], 'storage.type is ephemeral, required: persistent-claim'],
      [[pool('spec.storage.volumes.0.type', 'ephemeral')], 'storage.type is ephemeral'],
      [[pool('spec.storage.volumes.0.deleteClaim', true)], 'storage.deleteClaim is true'],
      [[pool('spec.storage.volumes.0.class', undefined)], 'storage.class is not set'],
    ],
  ],
  [
    kubernetesAvailability,
    [kafka(), pool()],
    [
      [[pool('spec.replicas', 1)], 'replicas is 1, required: 3 or more'],
      [[pool('spec.resources.limits', {})], 'resources.limits.cpu is not set'],
      [[pool('spec.template.pod.affinity', undefined)], 'template.pod.affinity is not set'],
      [[pool('spec.template.pod.topologySpreadConstraints.0.whenUnsatisfiable', 'ScheduleAnyway')], 'template.pod.topologySpreadConstraints is not set'],
      [[kafka('spec.kafka.template.podDisruptionBudget.maxUnavailable', 2)], 'maxUnavailable is 2, required: 1 at most'],
      [[kafka('spec.kafka.rack', undefined)], 'rack is not set'],
    ],
  ],
  [
    kubernetesPods,
    [deployment(), ...guardians.map((each) => each()), of(trafficAudit().deployment)(), of(planWriteBack(trafficPods()).deployment(toldName))(), switchover()],
    [
      [
        [guardians[0]?.('spec.template.spec.containers.0.securityContext.readOnlyRootFilesystem', false) ?? deployment()],
        'guardian.readOnlyRootFilesystem is false',
      ],
      [[switchover('spec.template.spec.securityContext.runAsNonRoot', false)], 'switchover.runAsNonRoot is false'],
      [[deployment('spec.template.spec.containers.0.image', 'registry:5000/kafka')], 'connect.image is registry:5000/kafka'],
      [[deployment('spec.template.spec.containers.0.image', 'kafka:latest')], 'connect.image is kafka:latest'],
      [[deployment('spec.template.spec.securityContext', {})], 'connect.runAsNonRoot is not set'],
      [[deployment('spec.template.spec.containers.0.securityContext.allowPrivilegeEscalation', true)], 'allowPrivilegeEscalation is true'],
      [[deployment('spec.template.spec.containers.0.resources', undefined)], 'connect.resources.requests.cpu is not set'],
    ],
  ],
  [
    kubernetesIsolation,
    [namespace, denyAll(), ...others],
    [
      [[namespace, ...others], 'namespace: NetworkPolicy is none denies everything'],
      [[namespace, denyAll('spec.policyTypes', ['Ingress'])], 'none denies everything'],
      [[namespace, denyAll('spec.podSelector', { matchLabels: { app: 'x' } })], 'none denies everything'],
      [[namespace, denyAll('metadata.namespace', 'elsewhere')], 'none denies everything'],
      [[namespace, denyAll('spec.ingress', [{}])], 'none denies everything'],
    ],
  ],
]

describe.each(cases.map(([rule, ...rest]) => [rule.name, rule, ...rest] as const))('%s', (_, rule, fine, violations) => {
  test('lets what this project declares through', async () => {
    expect(await reported(rule, fine)).toEqual([])
  })

  test.each(violations.map(([specs, said]) => [said, specs] as const))('says: %s', async (said, specs) => {
    expect((await reported(rule, specs)).join('\n')).toContain(said)
  })

  test('nothing on Kubernetes is nothing to judge', async () => {
    expect(await reported(rule, [])).toEqual([])
  })
})

test('every rule about Kubernetes is here, with two violations at least', () => {
  expect(cases.map(([{ name }]) => name).toSorted()).toEqual(rules.flatMap(({ name }) => (name.startsWith('kubernetes-') ? [name] : [])).toSorted())
  for (const [, , violations] of cases) expect(violations.length).toBeGreaterThanOrEqual(2)
})

test('the mirror on Kubernetes says what it promises, and is held to it', async () => {
  const mirror = (connector: object): ResourceSpec => ({
    type: 'kbg:mirror:KubernetesMirror',
    props: { promises: { version: '4.3.1', connector: { ...connectorPromises(), ...connector }, worker: workerPromises } },
  })
  expect(await reported(safetyMirror, [mirror({})])).toEqual([])
  expect((await reported(safetyMirror, [mirror({ 'producer.override.acks': '1' })])).join('\n')).toContain('producer.override.acks is 1, required: all')
  const connector: ResourceSpec = { type: 'kubernetes:kafka.strimzi.io/v1:KafkaConnector' }
  expect((await reported(safetyMirror, [mirror({}), connector])).join('\n')).toContain('no connector as a resource')
})

test('logins in a Secret are where they belong, and nowhere else', async () => {
  const logins = { 'logins.properties': 'source=ScramLoginModule required password="long-enough";' }
  expect(await reported(securityCredentials, [{ type: 'kubernetes:core/v1:Secret', props: { stringData: logins } }])).toEqual([])
  expect(await reported(securityCredentials, [{ type: 'kubernetes:core/v1:ConfigMap', props: { data: logins } }])).toHaveLength(1)
})

test('what is not known yet is said to be, and is no violation', () => {
  const unknown: ResourceSpec = {
    type: 'kubernetes:kafka.strimzi.io/v1:Kafka',
    props: {
      get spec(): never {
        throw new Error("value at .spec can't be known during preview")
      },
    },
  }
  const judgement = kubernetesListeners.judge(resources(unknown), {})
  expect(judgement.findings).toEqual([])
  expect(judgement.unknown).toHaveLength(1)
})

describe('what Strimzi’s resources make is what the inventory says', () => {
  const own = (colour: Colour) => inventoryOf(colour, catalog, strimziBrokers(colour, spec))
  const place = { fleet: 'shop', colour: 'blue' } as const
  const made = [...strimziTopics(place, catalog, 3), ...strimziUsers(place, catalog).flat()].map((manifest) => of(manifest)())
  const judged = (specs: readonly ResourceSpec[]) => reported(declaredResources, [parity(own('blue'), own('green')), ...specs])

  test('all of it', async () => {
    expect(await judged(made)).toEqual([])
  })

  test.each([
    ['user shop', 'KafkaUser', 'shop'],
    ['topic orders', 'KafkaTopic', 'orders'],
  ])('%s is missed', async (said, _kind, name) => {
    expect((await judged(made.filter((each) => each.name !== name))).join('\n')).toContain(said)
  })

  test('a topic, a binding or a quota beside the catalog is seen', async () => {
    const [orders] = strimziTopics(place, catalog, 3)
    const shop = strimziUsers(place, catalog)
      .flat()
      .find(({ metadata }) => metadata.name === 'shop')
    const others = made.filter(({ name }) => !['orders', 'shop'].includes(name ?? ''))
    const said = async (changedOne: ResourceSpec, plannedOne: ResourceSpec) => (await judged([...others, changedOne, plannedOne])).join('\n')
    expect(await said(of(orders)('spec.partitions', 7), of(shop)())).toContain('topic orders: partitions is 7, required: 6')
    const acl = { type: 'allow', host: '*', resource: { type: 'cluster' }, operations: ['Alter'] }
    expect(await said(of(shop)('spec.authorization.acls.1', acl), of(orders)())).toContain('acl User:shop|*|Alter|Allow|Cluster|kafka-cluster|Literal')
    expect(await said(of(shop)('spec.quotas.consumerByteRate', 9), of(orders)())).toContain('quota of shop: consumer_byte_rate is 9, required: 5000')
  })
})
