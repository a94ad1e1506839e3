import { isExcludedGroup } from '../../gate/group-states.ts'
import type { Colour } from '../../model/colour.ts'
import { firstFive, KbgError, messageOf } from '../../model/error.ts'
import type { GroupFacts } from '../../model/facts.ts'
import type { Cut, GroupPosition } from '../../model/journal.ts'
import { offsetsFromJson } from '../../model/offset-json.ts'
import type { PartitionOffsets } from '../../model/partition.ts'
import { topicPartition } from '../../model/partition.ts'
import { type GroupRoute, groupRoute } from '../../model/route.ts'
import type { Deadline } from '../../ports/clock.ts'
import { positionChunks } from '../../switchover/group-positions.ts'
import { movedGroups, openSwitch } from '../../switchover/journal-reading.ts'
import { consumersDefault, groupsSet } from '../../switchover/route-moves.ts'
import type { Execution } from '../execution.ts'
import { findPositions } from '../find-positions.ts'

const emptyPauseMs = 30
const listMs = 10_000
/** A group that was more offsets behind than this is moved after the others. */
const farOffsets = 5_000
/** Ten thousand groups with names of 40 characters in one publication were refused by the store's bound (measured); a thousand are far below. */
const groupsPerBatch = 1_000
/** How many groups that stay are journaled with their reason, and how much of it. */
const reasonsJournaled = 100
const reasonCharacters = 1_000

/** What became of every group: moved, or stays on the source (which still serves reads) with the reason. */
export interface GroupsOutcome {
  readonly positions: readonly GroupPosition[]
  readonly moved: readonly string[]
  readonly stayed: readonly { readonly groupId: string; readonly reason: string }[]
}

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
  const candidates = listed.filter((group) => !isExcludedGroup(group.groupId) && !done.has(group.groupId) && readsOnSource(group.groupId))
  const outcomes: GroupsOutcome[] = []
  for (const batch of await byDistance(run, source, cut, candidates)) {
    outcomes.push(await moveBatch(run, source, target, cut, batch))
  }
  await consumersFollow(run, source, target, new Set([...done, ...candidates.map((group) => group.groupId)]))
  return outcomes
}

/** Groups that nobody knows read on the target from here on; one that has come up on the source meanwhile stays there, because nobody translated it. */
async function consumersFollow(run: Execution, source: Colour, target: Colour, seen: ReadonlySet<string>): Promise<void> {
  const before = await groupsOn(run, source)
  // A rerun finds the default moved already: who has members here all the same came up in between, and nobody translated it.
  const isNewcomer = ({ groupId, memberCount }: GroupFacts) => !seen.has(groupId) && (groupRoute(run.route, groupId).colour === source || memberCount > 0)
  const newcomers = before.filter(isNewcomer).map(({ groupId }) => groupId)
  const next = consumersDefault(groupsSet(run.route, pinnedTo(source, newcomers), run.term), target, run.term)
  await run.record({ kind: 'step', step: 'groups', what: 'done', detail: `epoch ${next.epoch}` }, next)
  // One may have come up between that listing and the moment when every registered consumer knows of the publication.
  const knows = run.untilLockLost(run.limits.holdDeadlineMs, 'consumers to read the route')
  await run.ports.store.waitForClients((clients) => !clients.some((client) => client.kind === 'consumer' && client.ackedEpoch < next.epoch), knows)
  const known = new Set([...seen, ...before.map(({ groupId }) => groupId)])
  const late = (await groupsOn(run, source)).map(({ groupId }) => groupId).filter((groupId) => !known.has(groupId))
  if (late.length === 0) return
  const again = groupsSet(run.route, pinnedTo(source, late), run.term)
  await run.record({ kind: 'step', step: 'groups', what: 'done', detail: `${firstFive(late)} stay on ${source}, epoch ${again.epoch}` }, again)
}

async function groupsOn(run: Execution, source: Colour): Promise<readonly GroupFacts[]> {
  const listed = await run.ports.clusters[source].groups.list(run.untilLockLost(listMs, 'the groups of the source'))
  return listed.filter(({ groupId }) => !isExcludedGroup(groupId))
}

function pinnedTo(colour: Colour, groupIds: readonly string[]): Readonly<Record<string, GroupRoute>> {
  return Object.fromEntries(groupIds.map((groupId) => [groupId, { colour, state: 'running' } as const]))
}

/** Batches, the near ones first, by how many offsets they were behind the cut a moment ago. */
async function byDistance(run: Execution, source: Colour, cut: Cut, candidates: readonly GroupFacts[]): Promise<readonly (readonly GroupFacts[])[]> {
  const deadline = run.untilLockLost(listMs, 'the positions of all groups')
  const ends = offsetsFromJson(cut.sourceEnds)
  const distances = await Promise.all(
    candidates.map(async (group) => {
      const committed = await run.ports.clusters[source].groups.committed(group.groupId, deadline)
      return [...committed].reduce((sum, [partition, offset]) => sum + Math.max(0, Number((ends.get(partition) ?? offset) - offset)), 0)
    }),
  )
  const isFar = (index: number) => run.ports.audit === null && (distances[index] ?? 0) > farOffsets
  return [candidates.filter((_, index) => !isFar(index)), candidates.filter((_, index) => isFar(index))].flatMap(inBatches)
}

/** What is published of a batch must fit into one write of the route store, or its groups could be held and never released. */
function inBatches(groups: readonly GroupFacts[]): readonly (readonly GroupFacts[])[] {
  const batches: (readonly GroupFacts[])[] = []
  for (let start = 0; start < groups.length; start += groupsPerBatch) batches.push(groups.slice(start, start + groupsPerBatch))
  return batches
}

async function moveBatch(run: Execution, source: Colour, target: Colour, cut: Cut, batch: readonly GroupFacts[]): Promise<GroupsOutcome> {
  const deadline = run.untilLockLost(run.limits.groupMoveDeadlineMs, 'consumer groups to move')
  await setGroups(run, batch, { colour: source, state: 'held' })
  run.mark('groups-held')
  const outcome = await foundAndWritten(run, source, target, cut, batch, deadline)
  const { moved, stayed } = outcome
  await release(run, source, target, outcome)
  const staying = stayed.length > 0 ? `; stay on ${source}: ${firstFive(stayed.map((one) => `${one.groupId} (${one.reason})`))}` : ''
  run.tell({ step: 'groups', text: `${moved.length} moved${staying}` })
  return outcome
}

/** Finds and writes the positions of a batch. Whatever fails, its groups are not left held: they stay on the source, with the reason. */
async function foundAndWritten(
  run: Execution,
  source: Colour,
  target: Colour,
  cut: Cut,
  batch: readonly GroupFacts[],
  deadline: Deadline,
): Promise<GroupsOutcome> {
  try {
    const empty = await emptyGroups(run, source, batch, deadline)
    const { positions, movable, refused } = await translated(run, source, target, cut, empty.groupIds, deadline)
    const written = await writeAll(run, source, target, movable, deadline)
    const moved = [...movable.keys()].filter((groupId) => !written.has(groupId))
    const stayed = [...empty.stayed, ...refused, ...[...written].map(([groupId, reason]) => ({ groupId, reason }))]
    return { positions, moved, stayed }
  } catch (thrown) {
    if (run.lock.lost.aborted) throw thrown
    return { positions: [], moved: [], stayed: batch.map((group) => ({ groupId: group.groupId, reason: messageOf(thrown) })) }
  }
}

async function setGroups(run: Execution, candidates: readonly GroupFacts[], route: GroupRoute): Promise<void> {
  const next = groupsSet(run.route, Object.fromEntries(candidates.map((group) => [group.groupId, route])), run.term)
  await run.record({ kind: 'step', step: 'groups', what: 'begin', detail: `${candidates.length} groups, epoch ${next.epoch}` }, next)
}

/** The groups that have no member any more, seen twice; the others stay, with the reason. */
async function emptyGroups(run: Execution, source: Colour, candidates: readonly GroupFacts[], deadline: Deadline) {
  const epoch = run.route.epoch
  const wanted = new Map(candidates.map((group) => [group.groupId, group]))
  const wait = deadline.within(run.limits.groupMoveDeadlineMs / 2, 'the members of all groups to leave')
  await run.ports.store.waitForClients(
    (clients) => !clients.some((client) => client.kind === 'consumer' && client.groupId !== null && wanted.has(client.groupId) && client.ackedEpoch < epoch),
    wait,
  )
  let before = new Set<string>()
  for (;;) {
    const now = await run.ports.clusters[source].groups.list(deadline)
    const empty = new Set(now.filter((group) => wanted.has(group.groupId) && group.state === 'Empty' && group.memberCount === 0).map((group) => group.groupId))
    const twice = [...empty].filter((groupId) => before.has(groupId))
    if (twice.length === wanted.size || wait.over) {
      const stayed = [...wanted.keys()].filter((groupId) => !twice.includes(groupId)).map((groupId) => ({ groupId, reason: reasonOf(now, groupId) }))
      return { groupIds: twice, stayed }
    }
    before = empty
    await deadline.clock.sleep(Math.min(emptyPauseMs, deadline.remainingMs()), deadline.cancelled)
  }
}

function reasonOf(groups: readonly GroupFacts[], groupId: string): string {
  const group = groups.find((one) => one.groupId === groupId)
  if (!group) return 'it vanished meanwhile'
  return group.type === 'classic' ? `still ${group.state} with ${group.memberCount} members` : `a ${group.type} group can't be moved yet`
}

/** Translates every partition of every group; a group with one position that isn't exact is refused as a whole. */
export async function translated(
  run: Pick<Execution, 'ports' | 'tell'>,
  source: Colour,
  target: Colour,
  cut: Cut,
  groupIds: readonly string[],
  deadline: Deadline,
) {
  const { clusters } = run.ports
  const committed = await clusters[source].groups.committedOfAll(groupIds, deadline)
  const tell = (text: string) => run.tell({ step: 'groups', text })
  const positions = await findPositions(run.ports, { source, target, cut, committed }, tell, deadline)
  const byGroup = Map.groupBy(positions, ({ groupId }) => groupId) // a look through all of them for each group took longer than everything else
  const movable = new Map<string, PartitionOffsets>()
  const refused: { groupId: string; reason: string }[] = []
  for (const groupId of groupIds) {
    const own = byGroup.get(groupId) ?? []
    const bad = own.find((position) => position.verdict === 'not provable')
    const offsets = own.flatMap(({ topic, partition, targetOffset }) =>
      targetOffset === null ? [] : [[topicPartition(topic, partition), BigInt(targetOffset)] as const],
    )
    if (bad) refused.push({ groupId, reason: `${bad.topic}-${bad.partition} ${bad.verdict}: ${bad.reason}` })
    else if (offsets.length === 0) refused.push({ groupId, reason: 'it has no committed offsets' })
    else movable.set(groupId, new Map(offsets))
  }
  return { positions, movable, refused }
}

/** Writes every group to the target and reads both sides back; returns those that could not be written, with the reason. */
export async function writeAll(
  run: Pick<Execution, 'ports'>,
  source: Colour,
  target: Colour,
  movable: ReadonlyMap<string, PartitionOffsets>,
  deadline: Deadline,
): Promise<ReadonlyMap<string, string>> {
  const failed = new Map<string, string>()
  const { groups: port } = run.ports.clusters[target]
  const each = async (step: (groupId: string, offsets: PartitionOffsets) => Promise<void>) => {
    const open = [...movable].filter(([groupId]) => !failed.has(groupId))
    await Promise.all(open.map(([groupId, offsets]) => step(groupId, offsets).catch((thrown: unknown) => failed.set(groupId, messageOf(thrown)))))
  }
  try {
    const before = await port.committedOfAll([...movable.keys()], deadline)
    await each(async (groupId, offsets) => refuseForeign(groupId, target, before.get(groupId), offsets))
    await each((groupId, offsets) => port.commit(groupId, offsets, deadline))
    const after = await port.committedOfAll([...movable.keys()], deadline)
    await each(async (groupId, offsets) => requireWritten(groupId, target, after.get(groupId), offsets))
    await each(await stillEmpty(run, source, deadline))
  } catch (thrown) {
    await each(() => Promise.reject(thrown)) // what can't be read is proven of no group
  }
  return failed
}

function refuseForeign(groupId: string, target: Colour, before: PartitionOffsets = new Map(), offsets: PartitionOffsets): void {
  const foreign = [...before.keys()].filter((partition) => !offsets.has(partition))
  if (foreign.length === 0) return
  throw new KbgError('group-poisoned', `${groupId} has commits on ${target} that no translation covers.`, {
    facts: { observed: firstFive(foreign), required: 'none' },
  })
}

function requireWritten(groupId: string, target: Colour, after: PartitionOffsets = new Map(), offsets: PartitionOffsets): void {
  const differing = [...offsets].filter(([partition, offset]) => after.get(partition) !== offset).map(([partition]) => partition)
  if (differing.length === 0 && after.size === offsets.size) return
  throw new KbgError('group-not-written', `${groupId} reads back other offsets than were written to ${target}.`, {
    facts: { observed: firstFive(differing), required: 'as written' },
  })
}

/** One listing behind all writes tells it of every group. */
async function stillEmpty(run: Pick<Execution, 'ports'>, source: Colour, deadline: Deadline): Promise<(groupId: string) => Promise<void>> {
  const members = new Map((await run.ports.clusters[source].groups.list(deadline)).map(({ groupId, memberCount }) => [groupId, memberCount]))
  return async (groupId) => {
    const count = members.get(groupId) ?? 0
    if (count > 0) throw new KbgError('group-returned', `${groupId} has members on ${source} again.`, { facts: { members: count, required: 0 } })
  }
}

/**
 * Publishes where the groups of a batch read now, in the same transaction as what was found of them. Positions that one entry can't hold go into entries
 * before it, which count only once it stands: after a crash in between a rerun moves these groups again.
 */
async function release(run: Execution, source: Colour, target: Colour, outcome: GroupsOutcome): Promise<void> {
  const routes: Record<string, GroupRoute> = Object.fromEntries(outcome.moved.map((groupId) => [groupId, { colour: target, state: 'running' }]))
  for (const { groupId } of outcome.stayed) routes[groupId] = { colour: source, state: 'running' }
  const chunks = positionChunks(outcome.positions)
  for (const positions of chunks.slice(0, -1)) await run.record({ kind: 'positions', positions: [...positions] })
  const counted = { positions: [...(chunks.at(-1) ?? [])], positionEntriesBefore: chunks.length - 1 }
  await run.record({ kind: 'groups', ...counted, moved: [...outcome.moved], stayed: outcome.stayed.map(stayedText) }, groupsSet(run.route, routes, run.term))
  run.mark('groups-released')
}

/** Reasons of a hundred groups tell what is wrong; those of thousands, mostly the same, wouldn't fit into the entry. */
function stayedText({ groupId, reason }: GroupsOutcome['stayed'][number], index: number): string {
  return index < reasonsJournaled ? `${groupId}: ${reason.slice(0, reasonCharacters)}` : groupId
}
