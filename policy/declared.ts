import type { PolicyResource } from '@pulumi/policy'
import { z } from 'zod'
import { colours } from '../engine/model/colour.ts'
import { shownValue } from '../engine/model/credential-name.ts'
import { reachedTypes } from '../engine/model/data-types.ts'
import { type ColourInventory, inventoryDifferences } from '../engine/model/inventory.ts'
import { strimziReal } from './declared-strimzi.ts'
import { DeployedInventories, nounOf, readInventories } from './inventories.ts'
import { type Known, read } from './judging/known.ts'
import { ofColour } from './judging/pairs.ts'
import { type Finding, type Judgement, rule, together } from './judging/rule.ts'

/** What a stack really makes, and what really stands, against what the checkout declares. */

const text = z.string()
const count = z.number()
const texts = z.record(z.string(), z.coerce.string())

/** Values that are all known, or the first reason why one isn't. */
function all<T extends readonly unknown[]>(...values: { readonly [Each in keyof T]: Known<T[Each]> }): Known<T> {
  const unknown = values.find((value) => value.kind === 'unknown')
  if (unknown?.kind === 'unknown') return unknown
  return { kind: 'known', value: values.map((value) => (value.kind === 'known' ? value.value : undefined)) as unknown as T }
}

export interface Real {
  readonly where: string
  readonly property: string
  readonly value: string
  readonly urn: string
}

/** A resource of the catalog, or the brokers that it stands on, as lines of `where`, `property` and value; undefined: it is none. */
function realOf(resource: PolicyResource): Known<readonly Real[]> | undefined {
  const { urn } = resource
  switch (resource.type) {
    case 'kafka:index/topic:Topic': {
      const known = all<[string, number, number, Record<string, string> | null]>(
        read(resource, 'name', text),
        read(resource, 'partitions', count),
        read(resource, 'replicationFactor', count),
        read(resource, 'config', texts.nullable()),
      )
      if (known.kind === 'unknown') return known
      const [name, partitions, replicationFactor, config] = known.value
      const values = { partitions: String(partitions), replicationFactor: String(replicationFactor), ...config }
      return { kind: 'known', value: Object.entries(values).map(([property, value]) => ({ where: `topic ${name}`, property, value, urn })) }
    }
    case 'kbg:index:LocalCluster': {
      const known = all<[string, number, Record<string, string>]>(
        read(resource, 'kafkaVersion', text),
        read(resource, 'nodes', count),
        read(resource, 'brokerConfig', texts),
      )
      if (known.kind === 'unknown') return known
      const [kafkaVersion, nodes, brokerConfig] = known.value
      return { kind: 'known', value: brokerLines(kafkaVersion, nodes, brokerConfig).map(([property, value]) => ({ where: 'brokers', property, value, urn })) }
    }
    case 'kafka:index/acl:Acl': {
      const names = ['aclPrincipal', 'aclHost', 'aclOperation', 'aclPermissionType', 'aclResourceType', 'aclResourceName', 'resourcePatternTypeFilter']
      const known = all<string[]>(...names.map((name) => read(resource, name, text)))
      return known.kind === 'unknown'
        ? known
        : { kind: 'known', value: [{ where: `acl ${known.value.join('|')}`, property: 'declared', value: 'declared', urn }] }
    }
    case 'kafka:index/userScramCredential:UserScramCredential': {
      const user = read(resource, 'username', text)
      return user.kind === 'unknown' ? user : { kind: 'known', value: [{ where: `user ${user.value}`, property: 'declared', value: 'declared', urn }] }
    }
    case 'kafka:index/quota:Quota': {
      const known = all<[string, Record<string, string>]>(read(resource, 'entityName', text), read(resource, 'config', texts))
      if (known.kind === 'unknown') return known
      const [user, config] = known.value
      return { kind: 'known', value: Object.entries(config).map(([property, value]) => ({ where: `quota of ${user}`, property, value, urn })) }
    }
    case 'kubernetes:kafka.strimzi.io/v1:KafkaTopic':
    case 'kubernetes:kafka.strimzi.io/v1:KafkaUser':
      return strimziReal(resource)
    default:
      return undefined
  }
}

function brokerLines(kafkaVersion: string, nodes: number, config: Readonly<Record<string, string>>): readonly (readonly [string, string])[] {
  const configs = Object.entries(config).map(([property, value]) => [`config.${property}`, value] as const)
  return [['kafkaVersion', kafkaVersion], ['count', String(nodes)], ...configs]
}

/** The same lines for what an inventory declares; configs that a topic only inherits are its brokers' affair. */
function declaredLines(inventory: ColourInventory): ReadonlyMap<string, string> {
  const { platform, kafkaVersion, count: nodes, config } = inventory.brokers
  const brokers = platform === 'local' ? brokerLines(kafkaVersion, nodes, config) : []
  const lines: (readonly [string, string])[] = brokers.map(([property, value]) => [`brokers\n${property}`, value])
  for (const [name, { partitions, replicationFactor, ownConfig }] of Object.entries(inventory.topics)) {
    const values = { partitions, replicationFactor, ...ownConfig }
    for (const [property, value] of Object.entries(values)) lines.push([`topic ${name}\n${property}`, String(value)])
  }
  for (const acl of inventory.acls) lines.push([`acl ${acl}\ndeclared`, 'declared'])
  for (const user of inventory.users) lines.push([`user ${user}\ndeclared`, 'declared'])
  for (const [user, limits] of Object.entries(inventory.quotas)) {
    for (const [property, value] of Object.entries(limits)) lines.push([`quota of ${user}\n${property}`, String(value)])
  }
  return new Map(lines)
}

export const declaredResources = rule({
  name: 'declared-resources',
  displayName: 'A colour makes what its inventory says',
  description:
    'Brokers, topics, ACLs, users and quotas that a colour’s stack really makes are those of its own inventory: otherwise two equal inventories would show nothing.',
  severity: 'high',
  level: 'mandatory',
  remedy: 'Declare it in catalog.yaml or in the stack file; make nothing on a colour beside them.',
  settings: {},
  judge: (resources) => {
    const inventories = readInventories(resources)
    if (inventories.kind !== 'read') return { findings: [], unknown: inventories.kind === 'unknown' ? [inventories.why] : [] }
    const { own, urn } = inventories
    if (own !== null) return asDeclared(resources, inventories[own], urn)
    // A stack that is no colour's own: what stands below a colour is that colour's, and nothing of the kind stands elsewhere.
    const below = colours.map((colour) => ({ declared: inventories[colour], resources: ofColour(resources, colour) }))
    const elsewhere = otherwise(ofColour(resources, undefined), new Map(), urn)
    return together([...below.filter((each) => each.resources.length > 0).map((each) => asDeclared(each.resources, each.declared, urn)), elsewhere])
  },
})

/** What a colour makes, against its inventory. @param urn where the inventory stands */
function asDeclared(resources: readonly PolicyResource[], own: ColourInventory, urn: string): Judgement {
  if (own.brokers.platform === 'aws') return onAws(resources, own, urn)
  // An adopted colour makes nothing: its cluster resource compares it with the catalog instead.
  return otherwise(resources, own.brokers.platform === 'external' ? new Map() : declaredLines(own), urn)
}

/** There users are secrets of AWS's, and the rest is made where the stack reaches the brokers. */
function onAws(resources: readonly PolicyResource[], own: ColourInventory, urn: string): Judgement {
  if (!resources.some(({ type }) => reachedTypes.includes(type)))
    return { findings: [], unknown: ['a colour on aws has topics, ACLs and quotas from its stack with `aws.access` only (docs/platforms.md)'] }
  const { findings, unknown } = otherwise(resources, new Map([...declaredLines(own)].filter(([line]) => !line.startsWith('user '))), urn)
  return { findings, unknown: [...unknown, 'users of a colour on aws are secrets, which hold what a policy can’t see'] }
}

/** What is made otherwise than declared, and what isn't made. */
function otherwise(resources: readonly PolicyResource[], declared: ReadonlyMap<string, string>, urn: string): Judgement {
  const real = resources.map(realOf).filter((each) => each !== undefined)
  const lines = real.flatMap((each) => (each.kind === 'known' ? each.value : []))
  const made = new Map(lines.map(({ where, property, value }) => [`${where}\n${property}`, value]))
  const unknown = real.flatMap((each) => (each.kind === 'unknown' ? [each.why] : []))
  const differing = lines.flatMap(({ where, property, value, urn: made }): Finding[] => {
    const required = declared.get(`${where}\n${property}`)
    const shown = required === undefined ? 'not there: the inventory does not have it' : shownValue(property, required)
    return required === value ? [] : [{ where, property, observed: shownValue(property, value), required: shown, urn: made }]
  })
  // With one resource unread nobody can say that another one is missing.
  const missing = unknown.length > 0 ? [] : [...declared].filter(([line]) => !made.has(line))
  const absent = missing.map(([line, required]): Finding => {
    const [where = '', property = ''] = line.split('\n')
    return { where, property, observed: 'not there', required: shownValue(property, required), urn }
  })
  return { findings: [...differing, ...absent], unknown }
}

export const declaredDeployed = rule({
  name: 'declared-deployed',
  displayName: 'What stands is what the files say',
  description:
    'Each colour’s deployed outputs are what the checkout declares for it: a difference means that its stack was not brought up since, or was brought up from another checkout.',
  severity: 'medium',
  // A pull request that changes a colour differs from what stands: that is what it is for.
  level: 'advisory',
  remedy: 'Bring the colour’s stack up from this checkout before the next switchover.',
  settings: {},
  judge: (resources) => {
    const inventories = readInventories(resources)
    const parity = resources.find(({ type }) => type === 'kbg:catalog:Parity')
    if (inventories.kind !== 'read' || inventories.own !== null || parity === undefined)
      return { findings: [], unknown: inventories.kind === 'unknown' ? [inventories.why] : [] }
    const deployed = read(parity, 'deployed', DeployedInventories.nullable())
    if (deployed.kind === 'unknown') return { findings: [], unknown: [deployed.why] }
    const stack = deployed.value
    if (stack === null) return { findings: [], unknown: [] } // both colours are in this stack: what stands is what is being changed
    const findings = colours.flatMap((colour): Finding[] => {
      const stands = stack[colour]
      if (stands === null) return []
      const versions = [inventories[colour].brokers.kafkaVersion, stands.brokers.kafkaVersion]
      const moved =
        versions[0] === versions[1]
          ? []
          : [{ where: `brokers of ${colour}`, property: 'kafkaVersion', observed: versions[1] ?? '', required: versions[0] ?? '' }]
      const differing = inventoryDifferences(inventories[colour], stands)
      return [
        ...moved,
        ...differing.map(({ area, name, property, blue, green }) => ({
          where: `${nounOf[area]} ${name} of ${colour}`,
          property,
          observed: green,
          required: blue,
        })),
      ]
    })
    return { findings, unknown: [] }
  },
})
