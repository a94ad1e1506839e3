import { type GroupLook, isPaceSeen, notReadingOn, paceOf } from '../analysis/group-pace.ts'
import type { Colour } from '../model/colour.ts'
import { messageOf } from '../model/error.ts'
import type { GroupPace } from '../model/watch.ts'
import { Deadline } from '../ports/clock.ts'
import type { Execution } from './execution.ts'
import { groupLooks } from './group-looks.ts'

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

function look(run: Execution, colour: Colour, groupIds: readonly string[]): Promise<Looks> {
  return groupLooks(run.ports, colour, groupIds, new Deadline(run.ports.clock, lookMs, `the groups of ${colour}`, run.lock.lost))
}

function whyNot(groupId: string, before: GroupPace, looks: readonly GroupLook[]): readonly string[] {
  const why = notReadingOn(before, looks)
  return why === null ? [] : [`${groupId}: ${why}`]
}
