import { firstFive } from '../model/error.ts'
import type { GroupPosition } from '../model/journal.ts'
import { type PartitionOffsets, parseTopicPartition, topicPartition } from '../model/partition.ts'
import type { GroupCommits, Snapshot } from '../model/snapshot.ts'
import { namedFor } from '../model/wiring.ts'
import { type Check, judged } from './check.ts'
import type { GroupsView } from './group-fates.ts'

/** What is wrong with a group on the target, before anybody has moved it there. */
export interface Poison {
  readonly groupId: string
  readonly what: string
}

/**
 * Has somebody committed for a group on the target who isn't the switchover: ahead of the group's position (a rehearsal; it would skip records wherever that
 * commit is believed), on partitions that no translation covers, or by members that are there now?
 *
 * A commit at or before the translation is no poison: the move overwrites it. It is what an earlier move or a standby's reader has left.
 */
export function checkPoisonedGroups(snapshot: Snapshot): Check {
  const [name, required] = ['poisoned groups', 'no commit on the target ahead of a group, none that no translation covers, no member there']
  const remedy = 'See kbg groups. Stop who commits there, then clear it by an explicit order: kbg groups --reset <group>.'
  const { groups, colours, target } = snapshot
  const there = colours[target].groups
  if (!groups.seen) return judged(name, 'inconclusive', groups.why, required, remedy)
  if (!there.seen) return judged(name, 'inconclusive', there.why, required, remedy)
  const poison = poisonedGroups(snapshot)
  if (poison.length > 0) return judged(name, 'fail', firstFive(poison.map(({ groupId, what }) => `${groupId}: ${what}`)), required, remedy)
  const unread = groups.value.commits.flatMap(({ groupId, onTarget }) => (onTarget.seen ? [] : [`${groupId}: ${onTarget.why}`]))
  if (unread.length > 0) return judged(name, 'inconclusive', firstFive(unread), required, remedy)
  return judged(name, 'pass', `none of ${groups.value.commits.length} groups`, required, '')
}

/** All poison of the groups that the route has on the source (pure); nothing where nothing was seen. */
export function poisonedGroups({ groups, colours, target, unprovenGroups }: GroupsView): readonly Poison[] {
  const there = colours[target].groups
  if (!groups.seen || !there.seen) return []
  const { commits, positions } = groups.value
  const members = new Map(there.value.map(({ groupId, memberCount }) => [groupId, memberCount]))
  const byGroup = positions?.seen ? Map.groupBy(positions.value, ({ groupId }) => groupId) : null
  return commits
    .filter(({ groupId }) => namedFor(unprovenGroups, groupId) !== 'stay')
    .flatMap((group) => {
      const count = members.get(group.groupId) ?? 0
      const own = byGroup?.get(group.groupId) ?? []
      const found = [
        ...(count > 0 ? [`${count} members on ${target}`] : []),
        ...foreign(group, positions?.seen ? own : null, target),
        ...ahead(group, own, target),
      ]
      return found.map((what) => ({ groupId: group.groupId, what }))
    })
}

/** Commits that the move wouldn't overwrite. */
function foreign({ onTarget, onSource }: GroupCommits, positions: readonly GroupPosition[] | null, target: string): readonly string[] {
  if (!onTarget.seen || !onSource.seen) return []
  const isCovered = positions === null ? coveredWithoutMap(onSource.value) : coveredBy(positions)
  return [...onTarget.value]
    .filter(([partition, offset]) => !isCovered(partition, offset))
    .map(([partition, offset]) => `${partition} at ${offset} on ${target}, where no translation leads`)
}

function coveredBy(positions: readonly GroupPosition[]): (partition: string) => boolean {
  const covered = new Set(positions.map(({ topic, partition }) => topicPartition(topic, partition)))
  return (partition) => covered.has(partition)
}

/** A partition that never held a record gets an explicit offset 0 wherever the group has commits in its topic. */
function coveredWithoutMap(onSource: PartitionOffsets): (partition: string, offset: bigint) => boolean {
  const topics = new Set([...onSource.keys()].map((partition) => parseTopicPartition(partition).topic))
  return (partition, offset) => onSource.has(partition) || (offset === 0n && topics.has(parseTopicPartition(partition).topic))
}

/** Commits ahead of where the group will be put. Where nothing is left to read the target's end is still growing: that is judged when the audit has come there. */
function ahead({ onTarget }: GroupCommits, positions: readonly GroupPosition[], target: string): readonly string[] {
  if (!onTarget.seen) return []
  return positions.flatMap(({ topic, partition, sourceOffset, targetOffset, lagRecords, verdict }) => {
    const committed = onTarget.value.get(topicPartition(topic, partition))
    if (committed === undefined || targetOffset === null || verdict !== 'exact' || lagRecords === 0 || committed <= BigInt(targetOffset)) return []
    return [`${topicPartition(topic, partition)} at ${committed} on ${target}, its position ${sourceOffset} is ${targetOffset} there`]
  })
}
