import { isApplicationTopic } from '../gate/catalog-parity.ts'
import { isExcludedGroup } from '../gate/group-states.ts'
import { type Catalog, type QuotaSpec, reservedTopicPrefixes, type TopicSpec, UserName } from '../model/catalog.ts'
import { isReservedUser } from '../model/cluster-access.ts'
import type { ExistingCluster } from '../model/existing-cluster.ts'
import type { QuotaFacts, ScramUserFacts, TopicFacts } from '../model/facts.ts'
import { unmirrorableBecause } from '../model/mirror-template.ts'
import type { Reading } from '../model/snapshot.ts'
import { aclsOf } from './acls-of.ts'
import { type SuggestedGroup, suggestWaves } from './suggest-waves.ts'

/** Something that is there and that the catalog doesn't take. */
export interface LeftOut {
  /** `topic orders`, `ACL ...`, `quota of ...`. */
  readonly what: string
  readonly why: string
  readonly remedy: string
}

/** Parts of a catalog that are read each by itself. */
export type CatalogPart = 'users' | 'acls' | 'quotas' | 'groups'

/** What a cluster becomes in a catalog. */
export interface AdoptedCatalog {
  readonly catalog: Catalog
  /** Why each group got its wave. */
  readonly suggested: readonly SuggestedGroup[]
  /** Parts that couldn't be read: nothing is known of them, least of all that they are empty. */
  readonly unread: readonly CatalogPart[]
  readonly leftOut: readonly LeftOut[]
}

const byHand = 'Make it on both colours by hand: the gate compares them, and refuses while only one has it.'

/**
 * A cluster as a catalog (pure): topics with the configs that are set on them, bindings, quotas, SCRAM users, groups with suggested waves; everything sorted. What the format can't say is left
 * out by name, and what couldn't be read is too.
 *
 * @param ownUsers users of the cluster itself (brokers, administrators) and of this project on it, besides the one that asks: they exist on this colour only
 */
export function catalogOf(existing: ExistingCluster, ownUsers: readonly string[] = []): AdoptedCatalog {
  const leftOut: LeftOut[] = []
  const topics = existing.topics.filter((topic) => isApplicationTopic(topic)).sort((a, b) => (a.topic < b.topic ? -1 : 1))
  const taken = topics.filter((topic) => isTaken(topic, leftOut))
  const own = new Set([...ownUsers, ...(existing.askedAs === null ? [] : [existing.askedAs])])
  const users = usersOf(readOr(existing.scramUsers, 'SCRAM users', leftOut), own, leftOut)
  const groups = readOr(existing.groups, 'consumer groups', leftOut).filter(({ groupId }) => !isLeftGroup(groupId, leftOut))
  const suggested = suggestWaves(groups, taken)
  const quotas = quotasOf(readOr(existing.quotas, 'quotas', leftOut), own, leftOut)
  const declared = { topics: new Set(taken.map(({ topic }) => topic)), groups: new Set(groups.map(({ groupId }) => groupId)), own }
  const acls = aclsOf(readOr(existing.acls, 'ACLs', leftOut), declared, leftOut)
  const named = [...acls.map(({ principal }) => principal.slice('User:'.length)), ...quotas.map(({ user }) => user)].filter((name) => name !== '*')
  return {
    catalog: {
      topics: Object.fromEntries(taken.map((topic) => [topic.topic, specOf(topic, leftOut)])),
      users,
      principals: [...new Set(named)].filter((name) => !users.includes(name)).sort(),
      acls,
      quotas,
      groups: Object.fromEntries(suggested.map(({ groupId, spec }) => [groupId, spec])),
    },
    suggested,
    unread: parts.filter((part) => !readingOf(existing, part).seen),
    leftOut,
  }
}

const parts: readonly CatalogPart[] = ['users', 'acls', 'quotas', 'groups']

function readingOf({ scramUsers, acls, quotas, groups }: ExistingCluster, part: CatalogPart): Reading<unknown> {
  return { users: scramUsers, acls, quotas, groups }[part]
}

/** A cluster taken over into a catalog that was written before: the waves that a person has given stay, and so does every part that couldn't be read now. */
export function keeping(written: Catalog, adopted: AdoptedCatalog): AdoptedCatalog {
  const { catalog, unread } = adopted
  const kept = Object.fromEntries(unread.map((part) => [part, written[part]]))
  const groups = Object.fromEntries(Object.entries(catalog.groups).map(([groupId, spec]) => [groupId, written.groups[groupId] ?? spec]))
  // Of bindings and quotas that are kept.
  const principals = unread.length === 0 ? catalog.principals : [...new Set([...written.principals, ...catalog.principals])].sort()
  return { ...adopted, catalog: { ...catalog, groups, principals, ...kept } }
}

function readOr<T>(reading: Reading<readonly T[]>, what: string, leftOut: LeftOut[]): readonly T[] {
  if (reading.seen) return reading.value
  leftOut.push({ what, why: `not readable: ${reading.why}`, remedy: 'Give the user that adopts the right to describe them, and adopt again.' })
  return []
}

function isTaken({ topic }: TopicFacts, leftOut: LeftOut[]): boolean {
  const reserved = reservedTopicPrefixes.find((prefix) => topic.startsWith(prefix))
  const unmirrorable = unmirrorableBecause(topic)
  if (reserved === undefined && unmirrorable === null) return true
  const why =
    reserved === undefined ? `MirrorMaker 2 would leave it out: it ${unmirrorable}` : `its name starts with ${reserved}, which is not an application's`
  leftOut.push({
    what: `topic ${topic}`,
    why,
    remedy: 'Rename it, or delete it when nobody needs it: the gate refuses while a colour has a topic that is not mirrored.',
  })
  return false
}

/** Configs that mean something on this cluster only, or that Kafka 4 doesn't know any more. */
const leftConfigs: Readonly<Record<string, string>> = {
  'leader.replication.throttled.replicas': 'it names brokers of this cluster',
  'follower.replication.throttled.replicas': 'it names brokers of this cluster',
  'message.format.version': 'Kafka 4 does not have it',
  'message.timestamp.difference.max.ms': 'Kafka 4 does not have it',
}

function specOf({ topic, partitions, config }: TopicFacts, leftOut: LeftOut[]): TopicSpec {
  const factors = [...new Set(partitions.map(({ replicas }) => replicas.length))].sort((a, b) => b - a)
  const [replicationFactor = 1] = factors
  if (factors.length > 1) {
    const why = `its partitions have ${factors.join(' and ')} replicas; taken as ${replicationFactor}`
    leftOut.push({ what: `replicas of topic ${topic}`, why, remedy: 'Reassign its partitions, so that all have as many.' })
  }
  const own = Object.entries(config).sort(([a], [b]) => (a < b ? -1 : 1))
  for (const [key] of own) {
    const why = leftConfigs[key]
    if (why !== undefined) leftOut.push({ what: `${key} of topic ${topic}`, why, remedy: 'Delete it from the topic: the gate compares it.' })
  }
  return { partitions: partitions.length, replicationFactor, config: Object.fromEntries(own.filter(([key]) => leftConfigs[key] === undefined)) }
}

function usersOf(scramUsers: readonly ScramUserFacts[], own: ReadonlySet<string>, leftOut: LeftOut[]): string[] {
  return scramUsers
    .flatMap(({ user, mechanisms }) => {
      const why = whyNoUser(user, mechanisms, own)
      if (why === null) return [user]
      leftOut.push({ what: `SCRAM user ${user}`, ...why })
      return []
    })
    .sort()
}

/** Of a user that no application logs in as. */
export const ofTheClusterItself = {
  why: "it is of this cluster's own users",
  remedy: 'Nothing to do, where external.users of the colour names it: it stays on this cluster.',
}

export const reservedName = {
  why: 'this project has a user of that name',
  remedy: "Where it is of the cluster's own users, name it with --own and in external.users of the colour; an application needs a user of another name.",
}

function whyNoUser(user: string, mechanisms: readonly string[], own: ReadonlySet<string>): Pick<LeftOut, 'why' | 'remedy'> | null {
  if (own.has(user)) return ofTheClusterItself
  if (isReservedUser(user)) return reservedName
  if (!UserName.safeParse(user).success)
    return { why: 'a name that the platform can not make', remedy: 'Give its application a user of letters, digits, dots, dashes.' }
  if (!mechanisms.includes('SCRAM-SHA-512'))
    return {
      why: `it has ${mechanisms.join(' and ')} only, and a colour makes SCRAM-SHA-512`,
      remedy: 'Give it SCRAM-SHA-512 as well, with the same password.',
    }
  return null
}

/** Limits of a user that the catalog has, by Kafka's names. */
const limitNames = { producer_byte_rate: 'producerByteRate', consumer_byte_rate: 'consumerByteRate', request_percentage: 'requestPercentage' } as const

function quotasOf(quotas: readonly QuotaFacts[], own: ReadonlySet<string>, leftOut: LeftOut[]): QuotaSpec[] {
  return quotas
    .flatMap(({ entity, limits }) => {
      const user = /^user (\S+)$/.exec(entity)?.[1]
      const known = Object.entries(limitNames).flatMap(([key, name]) => (limits[key] === undefined ? [] : [[name, limits[key]] as const]))
      const others = Object.keys(limits).filter((key) => !(key in limitNames))
      if (user === undefined || user === '<default>') {
        leftOut.push({ what: `quota of ${entity}`, why: 'the catalog has quotas of single users', remedy: byHand })
        return []
      }
      if (own.has(user) || isReservedUser(user)) {
        leftOut.push({ what: `quota of ${entity}`, ...(own.has(user) ? ofTheClusterItself : reservedName) })
        return []
      }
      for (const key of others) leftOut.push({ what: `${key} of ${entity}`, why: 'the catalog has byte rates and request percentages', remedy: byHand })
      return known.length === 0 ? [] : [{ user, ...Object.fromEntries(known) }]
    })
    .sort((a, b) => (a.user < b.user ? -1 : 1))
}

function isLeftGroup(groupId: string, leftOut: LeftOut[]): boolean {
  if (!isExcludedGroup(groupId)) return false
  leftOut.push({
    what: `group ${groupId}`,
    why: "Connect's, a console's or this project's own",
    remedy: 'Nothing moves it: start its connector or console on the other colour.',
  })
  return true
}
