import { firstFive } from '../model/error.ts'
import type { AclBinding, QuotaFacts, ScramUserFacts, TopicFacts } from '../model/facts.ts'
import type { ColourSnapshot, Reading, Snapshot } from '../model/snapshot.ts'
import { type Check, judged } from './check.ts'
import { stayingInternalTopics } from './streams-applications.ts'

/**
 * Do both colours hold the same catalog: topics, partitions, replication, configs, ACLs, quotas, SCRAM users? The fence's own bindings are left out.
 *
 * @param wanted `partitions`: of a colour that is to be left only what a copy needs, the same topics with the same partitions; a config or an ACL that differs may be why it takes no writes
 */
export function checkCatalogParity(snapshot: Snapshot, wanted: 'all' | 'partitions' = 'all'): Check {
  const name = 'catalog parity'
  const required = wanted === 'all' ? 'no difference between the colours' : 'the same topics with the same partitions'
  const remedy = 'Run pulumi up on the colour that differs.'
  const source = catalogSight(snapshot.colours[snapshot.source], wanted)
  const target = catalogSight(snapshot.colours[snapshot.target])
  if (!source.seen) return judged(name, 'inconclusive', source.why, required, remedy)
  if (!target.seen) return judged(name, 'inconclusive', target.why, required, remedy)
  const differences = [
    ...topicDifferences(source.value.topics, target.value.topics, snapshot, wanted),
    ...(wanted === 'all' ? rightDifferences(source.value, target.value, snapshot) : []),
  ]
  const equal =
    wanted === 'all' ? `${snapshot.topics.length} topics equal, ACLs, quotas and SCRAM users equal` : `${snapshot.topics.length} topics with equal partitions`
  const observed = differences.length === 0 ? equal : firstFive(differences)
  return judged(name, differences.length === 0 ? 'pass' : 'fail', observed, required, remedy)
}

function topicDifferences(
  sourceTopics: readonly TopicFacts[],
  targetTopics: readonly TopicFacts[],
  snapshot: Snapshot,
  wanted: 'all' | 'partitions',
): readonly string[] {
  const onSource = new Map(sourceTopics.map((topic) => [topic.topic, topic]))
  const onTarget = new Map(targetTopics.map((topic) => [topic.topic, topic]))
  const undeclared = (facts: readonly TopicFacts[]) => {
    const staying = stayingInternalTopics(facts, snapshot.unprovenGroups)
    return facts.filter((topic) => isApplicationTopic(topic) && !snapshot.topics.includes(topic.topic) && !staying.has(topic.topic))
  }
  return [
    ...undeclared(sourceTopics).map((topic) => `topic ${topic.topic} on ${snapshot.source} is not in the catalog, so it is not mirrored`),
    ...undeclared(targetTopics).map((topic) => `topic ${topic.topic} on ${snapshot.target} is not in the catalog`),
    ...snapshot.topics.flatMap((name) => oneTopic(name, onSource.get(name), onTarget.get(name), snapshot, wanted)),
  ]
}

/** Topics of Kafka itself, of Connect and of this project are not the catalog's. */
export function isApplicationTopic(topic: Pick<TopicFacts, 'topic' | 'internal'>): boolean {
  return !topic.internal && !topic.topic.startsWith('__') && !topic.topic.startsWith('kbg.')
}

function oneTopic(
  name: string,
  source: TopicFacts | undefined,
  target: TopicFacts | undefined,
  snapshot: Snapshot,
  wanted: 'all' | 'partitions',
): readonly string[] {
  if (!source) return [`topic ${name} is missing on ${snapshot.source}`]
  if (!target) return [`topic ${name} is missing on ${snapshot.target}`]
  const differences: string[] = []
  const compare = (what: string, a: string | number, b: string | number) => {
    if (a !== b) differences.push(`topic ${name} ${what}: ${snapshot.source} ${a}, ${snapshot.target} ${b}`)
  }
  compare('partitions', source.partitions.length, target.partitions.length)
  if (wanted === 'partitions') return differences
  compare('replication factor', source.partitions[0]?.replicas.length ?? 0, target.partitions[0]?.replicas.length ?? 0)
  for (const key of new Set([...Object.keys(source.config), ...Object.keys(target.config)])) {
    compare(key, source.config[key] ?? 'default', target.config[key] ?? 'default')
  }
  return differences
}

function rightDifferences(source: CatalogSight, target: CatalogSight, snapshot: Snapshot): readonly string[] {
  const onSource = rightsOf(source, snapshot.fenceBindings, snapshot.ownUsers[snapshot.source])
  const onTarget = rightsOf(target, snapshot.fenceBindings, snapshot.ownUsers[snapshot.target])
  return [...new Set([...onSource.keys(), ...onTarget.keys()])].flatMap((name) => {
    const [here, there] = [onSource.get(name), onTarget.get(name)]
    if (here === there) return []
    if (there === undefined) return [`only on ${snapshot.source}: ${name}`]
    return [here === undefined ? `only on ${snapshot.target}: ${name}` : `${name}: ${snapshot.source} ${here}, ${snapshot.target} ${there}`]
  })
}

/** What a colour holds of a catalog at one moment. */
export interface CatalogSight {
  readonly topics: readonly TopicFacts[]
  readonly acls: readonly AclBinding[]
  readonly quotas: readonly QuotaFacts[]
  readonly scramUsers: readonly ScramUserFacts[]
}

/**
 * What was observed of a colour's catalog: all of it, or why not.
 *
 * @param wanted `partitions`: its topics alone, without rights; what a sick colour doesn't say of them must not keep traffic there
 */
export function catalogSight({ topics, acls, quotas, scramUsers }: ColourSnapshot, wanted: 'all' | 'partitions' = 'all'): Reading<CatalogSight> {
  if (!topics.seen) return topics
  if (wanted === 'partitions') return { seen: true, value: { topics: topics.value, acls: [], quotas: [], scramUsers: [] } }
  if (!acls.seen) return acls
  if (!quotas.seen) return quotas
  if (!scramUsers.seen) return scramUsers
  return { seen: true, value: { topics: topics.value, acls: acls.value, quotas: quotas.value, scramUsers: scramUsers.value } }
}

/**
 * ACLs but for the fence's, quotas and SCRAM users, each by its name and with its value. Passwords are not to be had: Kafka doesn't tell them.
 *
 * @param ownUsers users of this colour alone, who are no applications: what is theirs is left out
 */
export function rightsOf(
  { acls, quotas, scramUsers }: CatalogSight,
  fenceBindings: readonly AclBinding[],
  ownUsers: readonly string[] = [],
): ReadonlyMap<string, string> {
  const fence = new Set(fenceBindings.map(bindingText))
  const isOwn = new Set(ownUsers)
  const others = acls.filter(({ principal }) => !isOwn.has(principal.replace(/^User:/, '')))
  const texts = others.map(bindingText).filter((text) => !fence.has(text) && !isNudge(text))
  return new Map([
    ...texts.map((text) => [`ACL ${text}`, 'set'] as const),
    ...quotas
      .filter(({ entity }) => !isOwn.has(entity.replace(/^user /, '')))
      .flatMap(({ entity, limits }) => Object.entries(limits).map(([key, value]) => [`quota of ${entity} ${key}`, String(value)] as const)),
    ...scramUsers.filter(({ user }) => !isOwn.has(user)).map(({ user, mechanisms }) => [`SCRAM user ${user}`, mechanisms.join(' and ')] as const),
  ])
}

/** The throw-away record that hurries a fence along (see the Kafka adapter's fence). */
function isNudge(text: string): boolean {
  return text.includes('User:kbg-nudge')
}

/** One binding as one line, comparable and readable. */
export function bindingText(binding: AclBinding): string {
  const { permission, principal, host, operation, resourceType, resourceName, patternType } = binding
  return `${permission} ${principal} from ${host} ${operation} on ${patternType} ${resourceType} ${resourceName}`
}
