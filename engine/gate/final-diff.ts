import type { Colour } from '../model/colour.ts'
import type { AclBinding, TopicFacts } from '../model/facts.ts'
import { type CatalogSight, isApplicationTopic, rightsOf } from './catalog-parity.ts'

/**
 * What has changed on one colour since the gate of this term saw it, a line each: topics that came, went, were made again or grew, their configs, ACLs of every kind of resource, quotas, SCRAM users.
 * The gate has found both colours equal, so while neither has changed they still are. A password that was changed can't be seen: Kafka doesn't tell it.
 *
 * @param fence the fence's own bindings, which a switchover changes itself
 */
export function driftOf(colour: Colour, before: CatalogSight, now: CatalogSight, fence: readonly AclBinding[]): readonly string[] {
  return [...topicDrift(before.topics, now.topics), ...changes(rightsOf(before, fence), rightsOf(now, fence))].map((what) => `${what} on ${colour}`)
}

function topicDrift(before: readonly TopicFacts[], now: readonly TopicFacts[]): readonly string[] {
  const named = (topics: readonly TopicFacts[]) => new Map(topics.filter(isApplicationTopic).map((topic) => [topic.topic, topic]))
  const [old, current] = [named(before), named(now)]
  return [...new Set([...old.keys(), ...current.keys()])].sort().flatMap((name) => oneTopic(name, old.get(name), current.get(name)))
}

function oneTopic(name: string, before: TopicFacts | undefined, now: TopicFacts | undefined): readonly string[] {
  if (before === undefined) return [`topic ${name} came up`]
  if (now === undefined) return [`topic ${name} was deleted`]
  if (before.topicId !== now.topicId) return [`topic ${name} was deleted and made again`]
  return changes(propertiesOf(before), propertiesOf(now))
}

function propertiesOf({ topic, partitions, config }: TopicFacts): ReadonlyMap<string, string> {
  const counts = [
    [`topic ${topic} partitions`, String(partitions.length)],
    [`topic ${topic} replication factor`, String(partitions[0]?.replicas.length ?? 0)],
  ] as const
  return new Map([...counts, ...Object.entries(config).map(([key, value]) => [`topic ${topic} ${key}`, value] as const)])
}

function changes(before: ReadonlyMap<string, string>, now: ReadonlyMap<string, string>): readonly string[] {
  const names = [...new Set([...before.keys(), ...now.keys()])].filter((name) => before.get(name) !== now.get(name)).sort()
  return names.map((name) => `${name}: was ${before.get(name) ?? 'not set'}, is ${now.get(name) ?? 'not set'}`)
}
