import { streamsApplications } from '../gate/streams-applications.ts'
import type { GroupSpec } from '../model/catalog.ts'
import type { ExistingGroup } from '../model/existing-cluster.ts'

/** What is suggested for a group, and why: words without numbers, so that two looks at the same cluster say the same. */
export interface SuggestedGroup {
  readonly groupId: string
  readonly spec: GroupSpec
  readonly because: string
}

/** A group further behind than what it reads in this time doesn't read as things happen: a pause costs it nothing. */
const keepsUpSeconds = 10

/**
 * In which wave each group is to move (pure). The rule: wave 1, and one more for each of these, which all make a pause cost more:
 *
 * - it keeps up: it has members, and its lag is at most what it reads in ten seconds;
 * - it is the only group that reads one of its topics: nobody else would notice what it doesn't do;
 * - its rate is among the upper quarter of all groups that read now.
 *
 * A group that also produces (its newest commit was a transaction's, or it is a Streams application) has no wave: it moves with the producers.
 *
 * @returns in order of the group's names
 */
export function suggestWaves(groups: readonly ExistingGroup[], topics: readonly { readonly topic: string }[]): readonly SuggestedGroup[] {
  const readers = readersOf(groups)
  const fastRate = upperQuartile(groups.map(({ recordsPerSecond }) => recordsPerSecond).filter((rate) => rate > 0))
  const streams = streamsApplications(
    topics,
    groups.map(({ groupId }) => groupId),
  )
  const suggest = (group: ExistingGroup): SuggestedGroup => {
    const { groupId } = group
    const moves = (spec: Partial<GroupSpec>, because: string) => ({ groupId, spec: { alsoProduces: false, ...spec }, because })
    if (streams.has(groupId)) return moves({ alsoProduces: true }, 'a Streams application: moves with the producers')
    if (group.commits === 'in transactions') return moves({ alsoProduces: true }, 'commits in transactions, so it also produces: moves with the producers')
    const alone = group.topics.find((topic) => readers.get(topic) === 1)
    const reasons = [
      ...(keepsUp(group) ? ['keeps up'] : []),
      ...(alone === undefined ? [] : [`the only one that reads ${alone}`]),
      ...(fastRate !== null && group.recordsPerSecond >= fastRate ? ['among the fastest'] : []),
    ]
    const calm = group.memberCount === 0 ? 'nobody reads now' : 'behind, and one of several'
    return moves({ wave: 1 + reasons.length }, reasons.length === 0 ? calm : reasons.join(', '))
  }
  return [...groups].sort((a, b) => (a.groupId < b.groupId ? -1 : 1)).map(suggest)
}

function keepsUp({ memberCount, lagRecords, recordsPerSecond }: ExistingGroup): boolean {
  return memberCount > 0 && lagRecords <= recordsPerSecond * keepsUpSeconds
}

/** How many groups read each topic. */
function readersOf(groups: readonly ExistingGroup[]): ReadonlyMap<string, number> {
  const readers = new Map<string, number>()
  for (const topic of groups.flatMap((group) => group.topics)) readers.set(topic, (readers.get(topic) ?? 0) + 1)
  return readers
}

/** The least rate of the upper quarter; null when fewer than four read, because then none stands out. */
function upperQuartile(rates: readonly number[]): number | null {
  if (rates.length < 4) return null
  return [...rates].sort((a, b) => a - b)[Math.floor(rates.length * 0.75)] ?? null
}
