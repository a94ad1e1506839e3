import type { Colour } from '../model/colour.ts'
import { messageOf } from '../model/error.ts'
import type { GroupPace } from '../model/journal.ts'
import { Deadline } from '../ports/clock.ts'
import { type GroupProgress, notReadingOn } from '../switchover/wave-analysis.ts'
import type { Execution } from './execution.ts'

/** Long enough to see commits: a consumer commits every second or so. */
const paceMs = 2_000
const lookEveryMs = 500
/** So many looks in a row must find that every group reads on. */
const wantedLooks = 2
const lookMs = 5_000

/** One look at some groups on a colour. */
interface Look {
  readonly atMs: number
  readonly groups: ReadonlyMap<string, { readonly members: number; readonly committed: bigint; readonly lagRecords: number | null }>
}

/** How fast groups read before they are moved: two looks, two seconds apart, while they go on. */
export async function wavePace(run: Execution, colour: Colour, groupIds: readonly string[]): Promise<Readonly<Record<string, GroupPace>>> {
  const first = await look(run, colour, groupIds)
  await run.ports.clock.sleep(paceMs, run.cancelled)
  const second = await look(run, colour, groupIds)
  return Object.fromEntries(groupIds.map((groupId) => [groupId, paceBetween(first, second, groupId)]))
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
  let first: Look | undefined
  let slow: readonly string[] = ['not looked at yet']
  for (let good = 0; good < wantedLooks && !deadline.over; ) {
    try {
      const now = await look(run, colour, groupIds)
      first ??= now
      slow = groupIds.flatMap((groupId) => whyNot(groupId, before[groupId] ?? { members: 0, offsetsPerSecond: 0 }, progress(first ?? now, now, groupId)))
      // Members join one after the other: what a group reads is counted from when it has some.
      if (groupIds.some((groupId) => (first?.groups.get(groupId)?.members ?? 0) === 0 && (now.groups.get(groupId)?.members ?? 0) > 0)) first = now
    } catch (thrown) {
      run.lock.lost.throwIfAborted()
      slow = [`${colour} can't be asked: ${messageOf(thrown)}`]
    }
    good = slow.length === 0 ? good + 1 : 0
    if (good < wantedLooks) await run.ports.clock.sleep(Math.min(lookEveryMs, deadline.remainingMs()), deadline.cancelled)
    else return []
  }
  return slow
}

async function look(run: Execution, colour: Colour, groupIds: readonly string[]): Promise<Look> {
  const { clusters, audit, clock } = run.ports
  const deadline = new Deadline(clock, lookMs, `the groups of ${colour}`, run.lock.lost)
  const { groups } = clusters[colour]
  const [listed, positions] = await Promise.all([
    groups.list(deadline),
    Promise.all(groupIds.map(async (groupId) => [groupId, await groups.committed(groupId, deadline)] as const)),
  ])
  const translated = audit === null ? [] : await audit.translate(colour, new Map(positions), null, deadline)
  const lagOf = (groupId: string) => {
    const own = translated.filter((position) => position.groupId === groupId)
    return own.length === 0 || own.some(({ lagRecords }) => lagRecords === null) ? null : own.reduce((sum, { lagRecords }) => sum + (lagRecords ?? 0), 0)
  }
  const members = new Map(listed.map(({ groupId, memberCount }) => [groupId, memberCount]))
  return {
    atMs: clock.monotonicMs(),
    groups: new Map(
      positions.map(([groupId, committed]) => [
        groupId,
        { members: members.get(groupId) ?? 0, committed: [...committed.values()].reduce((sum, offset) => sum + offset, 0n), lagRecords: lagOf(groupId) },
      ]),
    ),
  }
}

function paceBetween(first: Look, second: Look, groupId: string): GroupPace {
  const [before, after] = [first.groups.get(groupId), second.groups.get(groupId)]
  const seconds = (second.atMs - first.atMs) / 1_000
  if (before === undefined || after === undefined || seconds <= 0) return { members: after?.members ?? 0, offsetsPerSecond: null }
  return { members: after.members, offsetsPerSecond: Math.max(0, Number(after.committed - before.committed)) / seconds }
}

function progress(first: Look, now: Look, groupId: string): GroupProgress {
  return { ...paceBetween(first, now, groupId), lagRecords: now.groups.get(groupId)?.lagRecords ?? null }
}

function whyNot(groupId: string, before: GroupPace, now: GroupProgress): readonly string[] {
  const why = notReadingOn(before, now)
  return why === null ? [] : [`${groupId}: ${why}`]
}
