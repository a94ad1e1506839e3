import { isDeepStrictEqual } from 'node:util'
import { isExcludedGroup } from '../../gate/group-states.ts'
import type { Colour } from '../../model/colour.ts'
import { firstFive } from '../../model/error.ts'
import type { GroupFacts } from '../../model/facts.ts'
import type { Cut } from '../../model/journal.ts'
import { offsetsFromJson } from '../../model/offset-json.ts'
import type { PartitionOffsets } from '../../model/partition.ts'
import { type GroupRoute, groupRoute, type RouteDocument } from '../../model/route.ts'
import { namedFor } from '../../model/wiring.ts'
import { movedGroups, openSwitch } from '../../switchover/journal-reading.ts'
import { consumersDefault, groupsSet } from '../../switchover/route-moves.ts'
import { wantedGroupColour } from '../../switchover/waves.ts'
import type { Execution } from '../execution.ts'
import { findPositions } from '../find-positions.ts'
import { type GroupMove, type GroupsOutcome, inBatches, moveGroups, release } from '../group-move.ts'

const listMs = 10_000
/** A group that was more offsets behind than this is moved after the others. */
const farOffsets = 5_000

/**
 * Step 10: members leave (Empty, twice) -> read S -> translate -> write T -> read both back -> release. A whole group or not at all: one that can't be
 * moved exactly stays on the source, which the reverse mirror keeps filled.
 *
 * Without an audit groups that are far behind come last: their translation reads all that they still have to read, and the others must not wait for that.
 */
export async function groups(run: Execution, source: Colour, target: Colour, cut: Cut): Promise<readonly GroupsOutcome[]> {
  const listed = await run.ports.clusters[source].groups.list(run.untilLockLost(listMs, 'the groups of the source'))
  const done = movedGroups(openSwitch(run.journal)?.entries ?? [])
  // Old commits of a group that reads on the other side are no position of it: only those that the route has on the source are moved.
  const readsOnSource = (groupId: string) => groupRoute(run.route, groupId).colour === source
  const isWanted = (groupId: string) => wantedGroupColour(run.wiring.waves, run.intent.consumers, target, groupId) === target
  const isOwn = (groupId: string) => !isExcludedGroup(groupId) && !done.has(groupId) && readsOnSource(groupId) && isWanted(groupId)
  const own = listed.filter(({ groupId }) => isOwn(groupId))
  const staysByName = ({ groupId }: GroupFacts) => namedFor(run.wiring.unprovenGroups, groupId) === 'stay'
  const candidates = own.filter((group) => !staysByName(group))
  const tell = (text: string) => run.tell({ step: 'groups', text })
  const find: GroupMove['find'] = (committed, redeliver, deadline) =>
    findPositions(run.ports, { source, target, cut, committed: run.lossy === null ? committed : withinCut(committed, cut), redeliver }, tell, deadline)
  const outcomes: GroupsOutcome[] = []
  for (const named of inBatches(own.filter(staysByName))) outcomes.push(await leaveBehind(run, source, target, named))
  for (const batch of await byDistance(run, source, cut, candidates)) {
    outcomes.push(await moveGroups(run, { source, target, groups: batch, unknown: [], wave: null, find }))
  }
  await consumersFollow(run, source, target, new Set([...done, ...own.map((group) => group.groupId)]))
  return outcomes
}

/** Of records that stay behind a group has read some: on the target it goes on at the end of what that has of them. */
function withinCut(committed: ReadonlyMap<string, PartitionOffsets>, cut: Cut): ReadonlyMap<string, PartitionOffsets> {
  const ends = offsetsFromJson(cut.sourceEnds)
  const least = (partition: string, offset: bigint) => {
    const end = ends.get(partition)
    return end !== undefined && offset > end ? end : offset
  }
  return new Map(
    [...committed].map(([groupId, offsets]) => [groupId, new Map([...offsets].map(([partition, offset]) => [partition, least(partition, offset)]))]),
  )
}

/** Groups that the operator has named: they are pinned to where they read, before anybody follows another default. */
async function leaveBehind(run: Execution, source: Colour, target: Colour, named: readonly GroupFacts[]): Promise<GroupsOutcome> {
  const stayed = named.map(({ groupId }) => ({ groupId, reason: 'named to stay in unprovenGroups' }))
  const outcome = { positions: [], moved: [], stayed }
  await release(run, { source, target, wave: null }, outcome)
  run.tell({ step: 'groups', text: `named to stay on ${source}: ${firstFive(stayed.map(({ groupId }) => groupId))}` })
  return outcome
}

/** Groups that nobody knows read on the target from here on; one that has come up on the source meanwhile stays there, because nobody translated it. */
async function consumersFollow(run: Execution, source: Colour, target: Colour, seen: ReadonlySet<string>): Promise<void> {
  const before = await groupsOn(run, source)
  // A rerun finds the default moved already: who has members here all the same came up in between, and nobody translated it.
  const isNewcomer = ({ groupId, memberCount }: GroupFacts) => !seen.has(groupId) && (groupRoute(run.route, groupId).colour === source || memberCount > 0)
  const newcomers = before.filter(isNewcomer).map(({ groupId }) => groupId)
  // One that a run left held, and that has ceased to exist since, is in no listing: held for ever, its application would never read again.
  const leftHeld = Object.fromEntries(
    Object.entries(run.route.groups).flatMap(([groupId, { state }]) => (state === 'held' ? [[groupId, onTarget(target)]] : [])),
  )
  const next = consumersDefault(groupsSet(run.route, { ...leftHeld, ...pinnedTo(source, newcomers) }, run.term), target, run.term)
  // A rerun that changes nothing writes nothing: it may be tried for as long as a colour is sick.
  if (!isSameRoute(run.route, next)) await run.record({ kind: 'step', step: 'groups', what: 'done', detail: `epoch ${next.epoch}` }, next)
  const { epoch } = run.route
  // One may have come up between that listing and the moment when every registered consumer knows of the publication.
  const knows = run.untilLockLost(run.limits.holdDeadlineMs, 'consumers to read the route')
  await run.ports.store.waitForClients((clients) => !clients.some((client) => client.kind === 'consumer' && client.ackedEpoch < epoch), knows)
  const known = new Set([...seen, ...before.map(({ groupId }) => groupId)])
  const late = (await groupsOn(run, source)).map(({ groupId }) => groupId).filter((groupId) => !known.has(groupId))
  if (late.length === 0) return
  const again = groupsSet(run.route, pinnedTo(source, late), run.term)
  await run.record({ kind: 'step', step: 'groups', what: 'done', detail: `${firstFive(late)} stay on ${source}, epoch ${again.epoch}` }, again)
}

function isSameRoute(one: RouteDocument, other: RouteDocument): boolean {
  return isDeepStrictEqual(one, { ...other, epoch: one.epoch, term: one.term })
}

async function groupsOn(run: Execution, source: Colour): Promise<readonly GroupFacts[]> {
  const listed = await run.ports.clusters[source].groups.list(run.untilLockLost(listMs, 'the groups of the source'))
  return listed.filter(({ groupId }) => !isExcludedGroup(groupId))
}

function onTarget(colour: Colour): GroupRoute {
  return { colour, state: 'running' }
}

function pinnedTo(colour: Colour, groupIds: readonly string[]): Readonly<Record<string, GroupRoute>> {
  return Object.fromEntries(groupIds.map((groupId) => [groupId, { colour, state: 'running' } as const]))
}

/**
 * Batches. Without an audit the near groups come first, by how many offsets they were behind the cut a moment ago; with one nothing is read of any group, so
 * they go as they come.
 */
async function byDistance(run: Execution, source: Colour, cut: Cut, candidates: readonly GroupFacts[]): Promise<readonly (readonly GroupFacts[])[]> {
  if (run.ports.audit !== null || candidates.length === 0) return inBatches(candidates)
  const deadline = run.untilLockLost(listMs, 'the positions of all groups')
  const ends = offsetsFromJson(cut.sourceEnds)
  const ids = candidates.map(({ groupId }) => groupId)
  const committed = await run.ports.clusters[source].groups.committedOfAll(ids, deadline)
  const distanceOf = (groupId: string) =>
    [...(committed.get(groupId) ?? [])].reduce((sum, [partition, offset]) => sum + Math.max(0, Number((ends.get(partition) ?? offset) - offset)), 0)
  const [near = [], far = []] = [false, true].map((isFar) => candidates.filter(({ groupId }) => distanceOf(groupId) > farOffsets === isFar))
  return [near, far].flatMap(inBatches)
}
