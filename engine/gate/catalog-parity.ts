import { firstFive } from '../model/error.ts'
import type { AclBinding, TopicFacts } from '../model/facts.ts'
import type { Snapshot } from '../model/snapshot.ts'
import { type Check, judged } from './check.ts'

/**
 * Do both colours hold the same catalog: topics, partitions, replication, configs, ACLs? The fence's own bindings are left out.
 *
 * @param wanted `partitions`: of a colour that is to be left only what a copy needs, the same topics with the same partitions; a config or an ACL that differs may be why it takes no writes
 */
export function checkCatalogParity(snapshot: Snapshot, wanted: 'all' | 'partitions' = 'all'): Check {
  const name = 'catalog parity'
  const required = wanted === 'all' ? 'no difference between the colours' : 'the same topics with the same partitions'
  const remedy = 'Run pulumi up on the colour that differs.'
  const source = snapshot.colours[snapshot.source]
  const target = snapshot.colours[snapshot.target]
  for (const reading of [source.topics, target.topics, source.acls, target.acls]) {
    if (!reading.seen) return judged(name, 'inconclusive', reading.why, required, remedy)
  }
  if (!source.topics.seen || !target.topics.seen || !source.acls.seen || !target.acls.seen) return judged(name, 'inconclusive', 'not seen', required, remedy)
  const differences = [
    ...topicDifferences(source.topics.value, target.topics.value, snapshot, wanted),
    ...(wanted === 'all' ? aclDifferences(source.acls.value, target.acls.value, snapshot) : []),
  ]
  const equal = wanted === 'all' ? `${snapshot.topics.length} topics equal, ACLs equal` : `${snapshot.topics.length} topics with equal partitions`
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
  const undeclared = (facts: readonly TopicFacts[]) => facts.filter((topic) => isApplicationTopic(topic) && !snapshot.topics.includes(topic.topic))
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

function aclDifferences(source: readonly AclBinding[], target: readonly AclBinding[], snapshot: Snapshot): readonly string[] {
  const fence = new Set(snapshot.fenceBindings.map(bindingText))
  const texts = (bindings: readonly AclBinding[]) => new Set(bindings.map(bindingText).filter((text) => !fence.has(text) && !isNudge(text)))
  const onSource = texts(source)
  const onTarget = texts(target)
  return [
    ...[...onSource].filter((text) => !onTarget.has(text)).map((text) => `ACL only on ${snapshot.source}: ${text}`),
    ...[...onTarget].filter((text) => !onSource.has(text)).map((text) => `ACL only on ${snapshot.target}: ${text}`),
  ]
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
