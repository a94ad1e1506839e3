import type { Colour } from '../model/colour.ts'
import { messageOf } from '../model/error.ts'
import type { GroupPace } from '../model/journal.ts'
import { Deadline } from '../ports/clock.ts'
import { type GroupLook, isPaceSeen, notReadingOn, paceOf } from '../switchover/wave-analysis.ts'
import type { Execution } from './execution.ts'

/** Two commits of a consumer that commits every five seconds, Kafka's default, fall into it. */
const longestPaceMs = 11_000
const lookEveryMs = 500
/** So many looks in a row must find that every group reads on. */
const wantedLooks = 2
const lookMs = 5_000

type Looks = ReadonlyMap<string, GroupLook>

/** How fast groups read before they are moved, from commit to commit, while they go on. */
export async function wavePace(run: Execution, colour: Colour, groupIds: readonly string[]): Promise<Readonly<Record<string, GroupPace>>> {
  const seen = new Map(groupIds.map((groupId) => [groupId, [] as GroupLook[]]))
  const deadline = run.untilCancelled(longestPaceMs, 'two commits of every group')
  for (;;) {
    note(seen, await look(run, colour, groupIds))
    if (deadline.over || [...seen.values()].every((looks) => looks.length > 1 && isPaceSeen(looks))) break
    await run.ports.clock.sleep(Math.min(lookEveryMs, deadline.remainingMs()), run.cancelled)
  }
  return Object.fromEntries([...seen].map(([groupId, looks]) => [groupId, paceOf(looks)]))
}

/**
 * Watches moved groups until all of them read on as before.
 *
 * @returns `<group>: <why>` of those that didn't within the analysis window; none: all do
 */
export async function slowGroups(
  run: Execution,
  colour: Colour,
  groupIds: readonly string[],
  before: Readonly<Record<string, GroupPace>>,
): Promise<readonly string[]> {
  // biome-ignore format: one line
  const deadline = run.untilLockLost(run.limits.waveAnalysisMs, `the groups to read on ${colour}`)
  const seen = new Map(groupIds.map((groupId) => [groupId, [] as GroupLook[]]))
  let slow: readonly string[] = ['not looked at yet']
  for (let good = 0; !deadline.over; ) {
    try {
      note(seen, await look(run, colour, groupIds))
      slow = [...seen].flatMap(([groupId, looks]) => whyNot(groupId, before[groupId] ?? { members: 0, offsetsPerSecond: 0 }, looks))
    } catch (thrown) {
      run.lock.lost.throwIfAborted()
      slow = [`${colour} can't be asked: ${messageOf(thrown)}`]
    }
    good = slow.length === 0 ? good + 1 : 0
    if (good === wantedLooks) return []
    await run.ports.clock.sleep(Math.min(lookEveryMs, deadline.remainingMs()), deadline.cancelled)
  }
  return slow.length === 0 ? ['only one look found it reading on'] : slow
}

function note(seen: ReadonlyMap<string, GroupLook[]>, looks: Looks): void {
  for (const [groupId, own] of seen) {
    const now = looks.get(groupId)
    if (now !== undefined) own.push(now)
  }
}

async function look(run: Execution, colour: Colour, groupIds: readonly string[]): Promise<Looks> {
  const { clusters, audit, clock } = run.ports
  const deadline = new Deadline(clock, lookMs, `the groups of ${colour}`, run.lock.lost)
  const { groups } = clusters[colour]
  const [listed, committed] = await Promise.all([groups.list(deadline), groups.committedOfAll(groupIds, deadline)])
  const translated = audit === null ? [] : await audit.translate(colour, committed, null, deadline)
  const positions = Map.groupBy(translated, ({ groupId }) => groupId)
  const lagOf = (groupId: string) => {
    const own = positions.get(groupId) ?? []
    return own.length === 0 || own.some(({ lagRecords }) => lagRecords === null) ? null : own.reduce((sum, { lagRecords }) => sum + (lagRecords ?? 0), 0)
  }
  const members = new Map(listed.map(({ groupId, memberCount }) => [groupId, memberCount]))
  const atMs = clock.monotonicMs()
  return new Map(
    [...committed].map(([groupId, offsets]) => {
      const sum = [...offsets.values()].reduce((all, offset) => all + offset, 0n)
      return [groupId, { atMs, members: members.get(groupId) ?? 0, committed: sum, lagRecords: lagOf(groupId) }]
    }),
  )
}

function whyNot(groupId: string, before: GroupPace, looks: readonly GroupLook[]): readonly string[] {
  const why = notReadingOn(before, looks)
  return why === null ? [] : [`${groupId}: ${why}`]
}
