import { firstFive } from '../model/error.ts'
import type { TopicFacts } from '../model/facts.ts'
import type { Snapshot } from '../model/snapshot.ts'
import { namedFor, type UnprovenGroups } from '../model/wiring.ts'
import { type Check, judged } from './check.ts'
import { isExcludedGroup } from './group-states.ts'

/** Ends of the topics that Kafka Streams makes for itself (org.apache.kafka.tools.StreamsResetter). */
const internalEnds = [
  '-changelog',
  '-repartition',
  '-subscription-registration-topic',
  '-subscription-response-topic',
  ...['REGISTRATION', 'RESPONSE'].map((way) => new RegExp(`.+-KTABLE-FK-JOIN-SUBSCRIPTION-${way}-\\d+-topic$`)),
]

function isInternalName(topic: string): boolean {
  return internalEnds.some((end) => (typeof end === 'string' ? topic.endsWith(end) : end.test(topic)))
}

/**
 * The internal topics of each Streams application: their names are its `application.id`, which is its group, a dash, and what they are for. Of two groups whose names fit, the longer one has it.
 *
 * @returns nothing of a group that has none
 */
export function streamsApplications(topics: readonly Pick<TopicFacts, 'topic'>[], groupIds: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const longestFirst = [...new Set(groupIds)].sort((a, b) => b.length - a.length)
  const owned = topics.flatMap(({ topic }) => {
    const groupId = isInternalName(topic) ? longestFirst.find((name) => topic.startsWith(`${name}-`)) : undefined
    return groupId === undefined ? [] : [{ groupId, topic }]
  })
  return new Map([...Map.groupBy(owned, ({ groupId }) => groupId)].map(([groupId, own]) => [groupId, own.map(({ topic }) => topic)]))
}

/** Internal topics of applications that the operator has named to stay: they need not be in the catalog, on either colour. */
export function stayingInternalTopics(topics: readonly Pick<TopicFacts, 'topic'>[], unprovenGroups: UnprovenGroups): ReadonlySet<string> {
  const staying = Object.keys(unprovenGroups).filter((groupId) => namedFor(unprovenGroups, groupId) === 'stay')
  return new Set([...streamsApplications(topics, staying).values()].flat())
}

/**
 * Can each Streams application move with its state? Its internal topics hold that state and what it is about to read: when the catalog declares them they are mirrored, compared and cut as any
 * topic, and its positions on them are translated as any group's. No wave takes one, because the standby refuses its writes.
 */
export function checkStreamsApplications({ colours, source, topics, catalogGroups, unprovenGroups, waveGroups }: Snapshot): Check {
  const name = 'Streams applications'
  const required = 'all internal topics of each in the catalog and none in a wave, or the group named to stay'
  const remedy =
    'Declare its internal topics in the catalog, without a wave for the group: its state then moves with the producers. Or leave it: pulumi config set --path unprovenGroups.<group> stay ' +
    '-s <the traffic stack>; it builds its state anew where you start it. Either way empty its state directory before it starts on the other colour: offsets are checkpointed there.'
  const { topics: known, groups } = colours[source]
  if (!known.seen) return judged(name, 'inconclusive', known.why, required, remedy)
  if (!groups.seen) return judged(name, 'inconclusive', groups.why, required, remedy)
  const candidates = [...groups.value.map(({ groupId }) => groupId), ...catalogGroups].filter((groupId) => !isExcludedGroup(groupId))
  const found = [...streamsApplications(known.value, candidates)]
  const moving = found.filter(([groupId]) => namedFor(unprovenGroups, groupId) !== 'stay')
  const troubles = moving.flatMap(([groupId, internal]) => {
    const undeclared = internal.filter((topic) => !topics.includes(topic))
    const inWave = waveGroups.includes(groupId) ? [`${groupId} (${internal.length} internal topics) is in a wave`] : []
    return [...inWave, ...(undeclared.length > 0 ? [`${groupId}: not in the catalog: ${firstFive(undeclared)}`] : [])]
  })
  if (troubles.length > 0) return judged(name, 'fail', firstFive(troubles), required, remedy)
  const told = found.map(
    ([groupId, internal]) => `${groupId} ${moving.some(([moved]) => moved === groupId) ? `with ${internal.length} internal topics` : 'stays by name'}`,
  )
  return judged(name, 'pass', told.length === 0 ? 'none' : firstFive(told), required, '')
}
