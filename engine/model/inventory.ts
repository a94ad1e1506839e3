import { z } from 'zod'
import { BrokerInventory } from './broker-inventory.ts'
import type { Catalog } from './catalog.ts'
import { Colour } from './colour.ts'

/** What a colour is declared to hold: all of it known from the checkout, without a network. */
export const ColourInventory = z.strictObject({
  colour: Colour,
  topics: z.record(
    z.string(),
    z.strictObject({
      partitions: z.int().positive(),
      replicationFactor: z.int().positive(),
      /** The topic's own configs over those that it inherits from the colour's server properties. */
      config: z.record(z.string(), z.string()),
      /** The topic's own configs alone: what its resource is given. */
      ownConfig: z.record(z.string(), z.string()),
    }),
  ),
  brokers: BrokerInventory,
  users: z.array(z.string()),
  /** One line for each binding, sorted. */
  acls: z.array(z.string()),
  quotas: z.record(z.string(), z.record(z.string(), z.number())),
  groups: z.array(z.string()),
})
export type ColourInventory = z.infer<typeof ColourInventory>

/** An inventory as the text (JSON) that stacks register of it. */
export const InventoryText = z.string().transform((text, context): ColourInventory => {
  const parsed = ColourInventory.safeParse(jsonOf(text))
  if (parsed.success) return parsed.data
  context.issues.push({ code: 'custom', message: 'no inventory in the form that this version reads', input: text })
  return z.NEVER
})

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // refused by the schema that it is given to
  }
}

/**
 * Server properties that a topic inherits when it doesn't say otherwise, by the topic config they stand for.
 * Source: org.apache.kafka.server.config.ServerTopicConfigSynonyms. Where a property has several units the finest comes last and wins.
 */
const inheritedFrom: Readonly<Record<string, readonly ServerProperty[]>> = {
  'segment.bytes': [{ key: 'log.segment.bytes', times: 1 }],
  'segment.ms': [
    { key: 'log.roll.hours', times: 3_600_000 },
    { key: 'log.roll.ms', times: 1 },
  ],
  'retention.bytes': [{ key: 'log.retention.bytes', times: 1 }],
  'retention.ms': [
    { key: 'log.retention.hours', times: 3_600_000 },
    { key: 'log.retention.minutes', times: 60_000 },
    { key: 'log.retention.ms', times: 1 },
  ],
  'max.message.bytes': [{ key: 'message.max.bytes', times: 1 }],
  'cleanup.policy': [{ key: 'log.cleanup.policy' }],
  'compression.type': [{ key: 'compression.type' }],
  'delete.retention.ms': [{ key: 'log.cleaner.delete.retention.ms', times: 1 }],
  'min.compaction.lag.ms': [{ key: 'log.cleaner.min.compaction.lag.ms', times: 1 }],
  'max.compaction.lag.ms': [{ key: 'log.cleaner.max.compaction.lag.ms', times: 1 }],
  'min.cleanable.dirty.ratio': [{ key: 'log.cleaner.min.cleanable.ratio' }],
  'message.timestamp.type': [{ key: 'log.message.timestamp.type' }],
  'message.timestamp.before.max.ms': [{ key: 'log.message.timestamp.before.max.ms', times: 1 }],
  'message.timestamp.after.max.ms': [{ key: 'log.message.timestamp.after.max.ms', times: 1 }],
  'min.insync.replicas': [{ key: 'min.insync.replicas', times: 1 }],
  'unclean.leader.election.enable': [{ key: 'unclean.leader.election.enable' }],
}

/** The server properties of {@link inheritedFrom}. */
export const inheritedProperties: readonly string[] = Object.values(inheritedFrom).flatMap((properties) => properties.map(({ key }) => key))

interface ServerProperty {
  readonly key: string
  /** For numbers: how many of the topic config's units one of the property's is. */
  readonly times?: number
}

/** What a catalog declares, wherever it is. */
export type CatalogInventory = Omit<ColourInventory, 'colour' | 'brokers'>

/** What a colour holds when the catalog is provisioned on these brokers. */
export function inventoryOf(colour: Colour, catalog: Catalog, brokers: BrokerInventory): ColourInventory {
  return { colour, brokers, ...catalogInventory(catalog, inheritedConfig(brokers.config)) }
}

/** @param inherited topic configs that every topic has which doesn't say otherwise */
export function catalogInventory(catalog: Catalog, inherited: Readonly<Record<string, string>> = {}): CatalogInventory {
  const topics = Object.entries(catalog.topics).map(([topic, spec]) => [
    topic,
    { partitions: spec.partitions, replicationFactor: spec.replicationFactor, config: { ...inherited, ...spec.config }, ownConfig: spec.config },
  ])
  return {
    topics: Object.fromEntries(topics),
    users: [...catalog.users].sort(),
    acls: catalog.acls
      .map((acl) => [acl.principal, acl.host, acl.operation, acl.permission, acl.resourceType, acl.resourceName, acl.patternType].join('|'))
      .sort(),
    quotas: Object.fromEntries(catalog.quotas.map(({ user, ...limits }) => [user, quotaConfig(limits)])),
    groups: Object.keys(catalog.groups).sort(),
  }
}

/** A quota's limits under Kafka's names of them. */
export function quotaConfig(limits: Omit<Catalog['quotas'][number], 'user'>): Record<string, number> {
  const named = [
    ['producer_byte_rate', limits.producerByteRate],
    ['consumer_byte_rate', limits.consumerByteRate],
    ['request_percentage', limits.requestPercentage],
  ] as const
  return Object.fromEntries(named.flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])))
}

function inheritedConfig(brokerConfig: Readonly<Record<string, string>>): Record<string, string> {
  const inherited = Object.entries(inheritedFrom).flatMap(([config, properties]) => {
    const set = properties.findLast(({ key }) => brokerConfig[key] !== undefined)
    const value = set && brokerConfig[set.key]
    return value === undefined ? [] : [[config, set?.times && /^\d+$/.test(value) ? String(Number(value) * set.times) : value]]
  })
  return Object.fromEntries(inherited)
}

/** One thing that the two colours are declared differently. */
export interface InventoryDifference {
  readonly area: 'topics' | 'users' | 'acls' | 'quotas' | 'groups'
  /** The topic, user, binding, quota or group. */
  readonly name: string
  /** What of it: `partitions`, a config, or `declared` when only one side has it. */
  readonly property: string
  readonly blue: string
  readonly green: string
}

const absent = 'not there'

/** Everything in which the two inventories differ; empty: parity. */
export function inventoryDifferences(blue: CatalogInventory, green: CatalogInventory): InventoryDifference[] {
  return [
    ...unionOf(blue.topics, green.topics).flatMap((topic) => topicDifferences(topic, blue.topics[topic], green.topics[topic])),
    ...listDifferences('users', blue.users, green.users),
    ...listDifferences('acls', blue.acls, green.acls),
    ...unionOf(blue.quotas, green.quotas).flatMap((user) => valueDifferences('quotas', user, blue.quotas[user] ?? {}, green.quotas[user] ?? {})),
    ...listDifferences('groups', blue.groups, green.groups),
  ]
}

type TopicInventory = ColourInventory['topics'][string]

function topicDifferences(name: string, blue: TopicInventory | undefined, green: TopicInventory | undefined): InventoryDifference[] {
  if (blue === undefined || green === undefined) {
    return [{ area: 'topics', name, property: 'declared', blue: blue ? 'declared' : absent, green: green ? 'declared' : absent }]
  }
  const flat = ({ partitions, replicationFactor, config }: TopicInventory) => ({ partitions, replicationFactor, ...config })
  return valueDifferences('topics', name, flat(blue), flat(green))
}

function valueDifferences(
  area: InventoryDifference['area'],
  name: string,
  blue: Readonly<Record<string, string | number>>,
  green: Readonly<Record<string, string | number>>,
): InventoryDifference[] {
  return unionOf(blue, green)
    .filter((property) => blue[property] !== green[property])
    .map((property) => ({ area, name, property, blue: String(blue[property] ?? 'not set'), green: String(green[property] ?? 'not set') }))
}

function listDifferences(area: InventoryDifference['area'], blue: readonly string[], green: readonly string[]): InventoryDifference[] {
  const [inBlue, inGreen] = [new Set(blue), new Set(green)]
  return [...inBlue.symmetricDifference(inGreen)].sort().map((name) => ({
    area,
    name,
    property: 'declared',
    blue: inBlue.has(name) ? 'declared' : absent,
    green: inGreen.has(name) ? 'declared' : absent,
  }))
}

function unionOf(a: object, b: object): string[] {
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].sort()
}
