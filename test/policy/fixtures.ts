import type { PolicyResource, StackValidationArgs } from '@pulumi/policy'
import type { Colour } from '../../engine/model/colour.ts'
import { externalBrokers } from '../../engine/model/external-cluster.ts'
import { type ColourInventory, inventoryOf } from '../../engine/model/inventory.ts'
import { Limits } from '../../engine/model/limits.ts'
import { localBrokers } from '../../engine/model/local-brokers.ts'
import { connectorPromises, workerPromises } from '../../engine/model/mirror-template.ts'
import { mskBrokers } from '../../engine/model/msk-brokers.ts'
import { strimziBrokers } from '../../engine/model/strimzi-brokers.ts'
import { parseCatalog } from '../../infra/catalog.ts'
import { policyOf, type Rule } from '../../policy/judging/rule.ts'

/** Stacks as the programs declare them, for policies: each test changes one thing. */

const catalog = parseCatalog(
  `
topics:
  orders: { partitions: 6, config: { retention.ms: 1000 } }
users: [shop]
acls:
  - { principal: User:shop, resourceType: Topic, resourceName: orders, operation: Read }
quotas:
  - { user: shop, consumerByteRate: 5000 }
groups:
  billing: {}
`,
  'catalog.yaml',
)

/** The deepest form of "may be changed". */
export type Draft<T> = T extends object ? { -readonly [Key in keyof T]: Draft<T[Key]> } : T

/** What the checkout declares for a colour, with one thing changed. */
export function inventory(colour: Colour, change: (inventory: Draft<ColourInventory>) => void = () => undefined): ColourInventory {
  const kafkaVersion = colour === 'blue' ? '3.9.2' : '4.3.1'
  const brokers = localBrokers(colour, { fleet: 'shop', kafkaVersion, nodes: 3, brokerConfig: {}, tls: false }, true)
  const made = structuredClone(inventoryOf(colour, catalog, brokers)) as Draft<ColourInventory>
  change(made)
  return made
}

/** Blue as its stack file declares it when it was there before. */
export function adopted(nodes: number): ColourInventory {
  return inventoryOf('blue', catalog, externalBrokers({ kafkaVersion: '3.9.2', nodes, brokerConfig: {} }))
}

/** Blue on MSK and green on Strimzi. @param config server properties that green's stack adds */
export function onTwoPlatforms(config: Readonly<Record<string, string>> = {}): ResourceSpec {
  const msk = { kafkaVersion: '4.1.x.kraft', instanceType: 'kafka.m7g.large', brokersPerZone: 1, storageGib: 500, maxStorageGib: 500, brokerConfig: {} }
  const network = { pool: '10.0.0.0/8', environment: 'production', fleet: 'shop', colour: 'blue', zones: ['a', 'b', 'c'] } as const
  const strimzi = { brokers: 3, storageGib: 500, storageClass: 'fast', cpu: 2, memoryGib: 8, zoneLabel: 'zone', brokerConfig: config }
  const green = inventoryOf('green', catalog, strimziBrokers('green', { kafkaVersion: '4.2.1', ...strimzi }))
  return parity(inventoryOf('blue', catalog, mskBrokers(msk, { ...network, zones: [...network.zones] })), green)
}

export interface ResourceSpec {
  readonly type: string
  readonly name?: string
  readonly props?: object
  readonly protect?: boolean
  readonly dependencies?: readonly string[]
  /** Name of the component that it stands below. */
  readonly parent?: string
  readonly propertyDependencies?: Readonly<Record<string, readonly string[]>>
}

/** What Pulumi hands to a policy, of resources that are named by their type unless they say otherwise. */
export function resources(...specs: readonly ResourceSpec[]): PolicyResource[] {
  const made = specs.map(({ type, name = type, props = {}, protect = false }) => ({
    ...{ type, name, props, urn: `urn:${name}`, opts: { protect, ignoreChanges: [], aliases: [], additionalSecretOutputs: [] } },
    ...{ dependencies: [] as PolicyResource[], propertyDependencies: {} as Record<string, PolicyResource[]> },
  }))
  const named = (name: string) => made.filter((each) => each.name === name) as unknown as PolicyResource[]
  specs.forEach(({ dependencies = [], propertyDependencies = {}, parent }, index) => {
    const resource = made[index]
    if (resource === undefined) return
    if (parent !== undefined) Object.assign(resource, { parent: named(parent)[0] })
    resource.dependencies = dependencies.flatMap(named)
    resource.propertyDependencies = Object.fromEntries(Object.entries(propertyDependencies).map(([key, names]) => [key, names.flatMap(named)]))
  })
  return made as unknown as PolicyResource[]
}

/** An inventory as a stack registers it. */
export const inventoryText = (inventory: ColourInventory | null) => inventory && JSON.stringify(inventory)

/** The component that says what both colours hold. */
export function parity(
  blue: ColourInventory | null = inventory('blue'),
  green: ColourInventory | null = inventory('green'),
  own: Colour | null = 'blue',
): ResourceSpec {
  return { type: 'kbg:catalog:Parity', props: { blue: inventoryText(blue), green: inventoryText(green), own, deployed: null } }
}

/** A component of which nothing is known yet: Pulumi's proxy throws when an unknown value is touched. */
export const unknownParity: ResourceSpec = {
  type: 'kbg:catalog:Parity',
  props: {
    get blue(): never {
      throw new Error("string value at .blue can't be known during preview")
    },
  },
}

export const topic = (change: object = {}): ResourceSpec => ({
  ...{ type: 'kafka:index/topic:Topic', name: 'blue-topic-orders', protect: true },
  props: { name: 'orders', partitions: 6, replicationFactor: 3, config: { 'retention.ms': '1000' }, ...change },
})
export const acl: ResourceSpec = {
  type: 'kafka:index/acl:Acl',
  props: {
    ...{ aclPrincipal: 'User:shop', aclHost: '*', aclOperation: 'Read', aclPermissionType: 'Allow' },
    ...{ aclResourceType: 'Topic', aclResourceName: 'orders', resourcePatternTypeFilter: 'Literal' },
  },
}
export const user: ResourceSpec = { type: 'kafka:index/userScramCredential:UserScramCredential', props: { username: 'shop', password: 'of a test, long' } }
export const quota: ResourceSpec = {
  type: 'kafka:index/quota:Quota',
  props: { entityType: 'user', entityName: 'shop', config: { consumer_byte_rate: '5000' } },
}
export const cluster: ResourceSpec = {
  ...{ type: 'kbg:index:LocalCluster', name: 'blue-cluster', protect: true },
  props: { kafkaVersion: '3.9.2', nodes: 3, brokerConfig: {} },
}
export const guard = (change: object = {}): ResourceSpec => ({
  ...{ type: 'kbg:index:RetirementGuard', dependencies: ['blue-cluster'] },
  props: { retire: false, decommission: null, ...change },
})

export const gate: ResourceSpec = { type: 'pulumi-nodejs:dynamic:Resource', name: 'gate', props: { intent: {}, wiring: {} } }
export const switchover = (limits: Partial<Limits> = {}, gatedBy: readonly string[] = ['gate']): ResourceSpec => ({
  ...{ type: 'kbg:index:Switchover', name: 'switchover', propertyDependencies: { gate: gatedBy } },
  props: { limits: { ...Limits.parse({}), ...limits } },
})
export const worker = (into: Colour): ResourceSpec => ({ type: 'kbg:index:LocalMirrorWorker', name: `into-${into}`, props: { target: { colour: into } } })
export const mirror = (connector: object = {}, version = '4.3.1'): ResourceSpec => ({
  type: 'kbg:mirror:LocalMirror',
  props: { promises: { version, connector: { ...connectorPromises(), ...connector }, worker: workerPromises } },
})
export const guardian = (colour: Colour): ResourceSpec => ({ type: 'kbg:index:LocalGuardian', name: `guardian-${colour}`, props: { colour } })
/** @param change of what green's own stack says of its cluster */
export const auditOf = (change: object = {}): ResourceSpec => {
  const access = (colour: Colour) => {
    const servers = (port: number) => [`${colour}.invalid:${port}`]
    const addresses = { internalBootstrapServers: servers(9092), produceBootstrapServers: servers(9094), consumeBootstrapServers: servers(9095) }
    return { colour, clusterId: `cluster-${colour}`, kafkaVersion: '4.3.1', ...addresses, credentialsFile: 'credentials.json' }
  }
  return { type: 'kbg:index:LocalAudit', props: { clusters: { blue: access('blue'), green: { ...access('green'), ...change } } } }
}
export const audit: ResourceSpec = auditOf()

/** What a policy reports of a stack. @param config what the pack's configuration says of it */
export async function reported(rule: Rule, specs: readonly ResourceSpec[], config: object = {}, today = '2026-11-26'): Promise<string[]> {
  const messages: string[] = []
  const args = { resources: resources(...specs), stackTags: new Map(), getConfig: () => ({ enforcementLevel: rule.level, ...config }) }
  const { validateStack } = policyOf(rule, undefined, () => today)
  await validateStack(args as unknown as StackValidationArgs, (message) => messages.push(message))
  return messages
}
