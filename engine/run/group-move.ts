import type { Colour } from '../model/colour.ts'
import { firstFive, KbgError, messageOf } from '../model/error.ts'
import type { GroupFacts } from '../model/facts.ts'
import type { GroupPosition, JournalFact } from '../model/journal.ts'
import type { PartitionOffsets } from '../model/partition.ts'
import { topicPartition } from '../model/partition.ts'
import type { ClientRegistration, GroupRoute } from '../model/route.ts'
import { namedFor } from '../model/wiring.ts'
import type { Deadline } from '../ports/clock.ts'
import { positionChunks } from '../switchover/group-positions.ts'
import { groupsSet } from '../switchover/route-moves.ts'
import type { Execution } from './execution.ts'
import { removeLeftMembers } from './steps/left-members.ts'

const emptyPauseMs = 30
/** Ten thousand groups with names of 40 characters in one publication were refused by the store's bound (measured); a thousand are far below. */
const groupsPerBatch = 1_000
/** How many groups that stay are journaled with their reason, and how much of it. */
const reasonsJournaled = 100
const reasonCharacters = 1_000

/** What became of every group: moved, or stays on the source with the reason. */
export interface GroupsOutcome {
  readonly positions: readonly GroupPosition[]
  readonly moved: readonly string[]
  readonly stayed: readonly { readonly groupId: string; readonly reason: string }[]
}

/** Which groups are moved, and how their positions are found. */
export interface GroupMove {
  readonly source: Colour
  readonly target: Colour
  /** The groups that have something on the source: members or committed offsets. */
  readonly groups: readonly GroupFacts[]
  /** Groups that are known by name only: nothing is translated, they begin on the target when they begin. */
  readonly unknown: readonly string[]
  /** The wave that they belong to; null: they move with the producers. */
  readonly wave: string | null
  /**
   * Every position of every group that was asked for, from its committed offsets on the source. `redeliver`: groups that the operator has named for the nearest
   * proven place before their own.
   */
  readonly find: (committed: ReadonlyMap<string, PartitionOffsets>, redeliver: readonly string[], deadline: Deadline) => Promise<readonly GroupPosition[]>
}

/** What is published of a batch must fit into one write of the route store, or its groups could be held and never released. */
export function inBatches<T>(groups: readonly T[]): readonly (readonly T[])[] {
  const batches: (readonly T[])[] = []
  for (let start = 0; start < groups.length; start += groupsPerBatch) batches.push(groups.slice(start, start + groupsPerBatch))
  return batches
}

/**
 * Moves a batch of groups: members leave (Empty, twice) -> read S -> translate -> write T -> read both back -> release. A whole group or not at all. Whatever
 * fails, no group is left held: it stays where it was, with the reason.
 */
export async function moveGroups(run: Execution, move: GroupMove): Promise<GroupsOutcome> {
  const deadline = run.untilLockLost(run.limits.groupMoveDeadlineMs, 'consumer groups to move')
  await hold(run, move)
  run.mark('groups-held')
  const outcome = await foundAndWritten(run, move, deadline)
  const { moved, stayed } = outcome
  await release(run, move, outcome)
  const staying = stayed.length > 0 ? `; stay on ${move.source}: ${firstFive(stayed.map((one) => `${one.groupId} (${one.reason})`))}` : ''
  run.tell({ step: 'groups', text: `${moved.length} moved${staying}` })
  return outcome
}

async function foundAndWritten(run: Execution, move: GroupMove, deadline: Deadline): Promise<GroupsOutcome> {
  try {
    const empty = await emptyGroups(run, move, deadline)
    const unknown = await stillUnknown(run, move, deadline)
    const { positions, movable, refused } = await translated(run, move, empty.groupIds, deadline)
    const written = await writeAll(run, move, movable, deadline)
    const moved = [...[...movable.keys()].filter((groupId) => !written.has(groupId)), ...unknown.absent]
    const stayed = [...unknown.stayed, ...empty.stayed, ...refused, ...[...written].map(([groupId, reason]) => ({ groupId, reason }))]
    return { positions, moved, stayed }
  } catch (thrown) {
    if (run.lock.lost.aborted) throw thrown
    const all = [...move.groups.map(({ groupId }) => groupId), ...move.unknown]
    return { positions: [], moved: [], stayed: all.map((groupId) => ({ groupId, reason: messageOf(thrown) })) }
  }
}

async function hold(run: Execution, { source, groups, unknown }: GroupMove): Promise<void> {
  const held: GroupRoute = { colour: source, state: 'held' }
  const ids = [...groups.map(({ groupId }) => groupId), ...unknown]
  const next = groupsSet(run.route, Object.fromEntries(ids.map((groupId) => [groupId, held])), run.term)
  await run.record({ kind: 'step', step: 'groups', what: 'begin', detail: `${ids.length} groups, epoch ${next.epoch}` }, next)
}

/** The groups that have no member any more, seen twice; the others stay, with the reason. */
async function emptyGroups(run: Execution, { source, groups: candidates, unknown }: GroupMove, deadline: Deadline) {
  const epoch = run.route.epoch
  const wanted = new Map(candidates.map((group) => [group.groupId, group]))
  const wait = deadline.within(run.limits.groupMoveDeadlineMs / 2, 'the members of all groups to leave')
  const concerned = new Set([...wanted.keys(), ...unknown])
  const isLate = (client: ClientRegistration) => isConcerned(client, concerned) && client.ackedEpoch < epoch
  const { clients } = await run.ports.store.waitForClients((all) => !all.some(isLate), wait)
  refuseUnderWay(clients.filter(isLate))
  let before = new Set<string>()
  const askedToLeave = new Set<string>()
  for (;;) {
    const now = await run.ports.clusters[source].groups.list(deadline)
    const lingering = now.filter(({ groupId, memberCount }) => wanted.has(groupId) && memberCount > 0 && !askedToLeave.has(groupId))
    for (const { groupId } of lingering) askedToLeave.add(groupId)
    await Promise.all(lingering.map(({ groupId }) => removeLeftMembers(run, source, groupId, clients, epoch, deadline)))
    const facts = new Map(now.map((group) => [group.groupId, group]))
    // A group that was deleted meanwhile has nobody to wait for, and must not hold up the others.
    const left = new Set([...wanted.keys()].filter((groupId) => hasNoMembers(facts.get(groupId))))
    const twice = [...left].filter((groupId) => before.has(groupId))
    if (twice.length === wanted.size || wait.over) {
      const groupIds = twice.filter((groupId) => facts.has(groupId))
      const stayed = [...wanted.keys()].filter((groupId) => !groupIds.includes(groupId)).map((groupId) => ({ groupId, reason: reasonOf(now, groupId) }))
      return { groupIds, stayed }
    }
    before = left
    await deadline.clock.sleep(Math.min(emptyPauseMs, deadline.remainingMs()), deadline.cancelled)
  }
}

/** Of the groups that the source didn't list before the hold those that it still knows nothing of; one that has come up, or whose coordinator was away, stays. */
async function stillUnknown(run: Execution, { source, unknown }: GroupMove, deadline: Deadline) {
  if (unknown.length === 0) return { absent: [], stayed: [] }
  const { groups } = run.ports.clusters[source]
  const [listed, committed] = await Promise.all([groups.list(deadline), groups.committedOfAll(unknown, deadline)])
  const names = new Set(listed.map(({ groupId }) => groupId))
  const isThere = (groupId: string) => names.has(groupId) || (committed.get(groupId)?.size ?? 0) > 0
  const stayed = unknown.filter(isThere).map((groupId) => ({ groupId, reason: 'it came up while it was moved' }))
  return { absent: unknown.filter((groupId) => !isThere(groupId)), stayed }
}

/** Members that must leave, and the process that writes positions back: once it has acknowledged the hold no commit of it is under way. */
function isConcerned(client: ClientRegistration, wanted: ReadonlySet<string>): boolean {
  return client.kind === 'write-back' || (client.kind === 'consumer' && client.groupId !== null && wanted.has(client.groupId))
}

/** A commit from before the hold could overwrite what is written now. */
function refuseUnderWay(late: readonly ClientRegistration[]): void {
  const writers = late.filter(({ kind }) => kind === 'write-back')
  if (writers.length === 0) return
  throw new KbgError('write-back-late', 'The process that writes positions back has not acknowledged the hold.', {
    retriable: true,
    facts: { observed: firstFive(writers.map(({ instanceId, ackedEpoch }) => `${instanceId} on epoch ${ackedEpoch}`)) },
    remedy: 'It is forgotten 10 seconds after its end; pulumi up on the traffic stack starts it again.',
  })
}

/** A group that isn't there is none that could be read from. */
function hasNoMembers(group: GroupFacts | undefined): boolean {
  return group === undefined || (group.state === 'Empty' && group.memberCount === 0)
}

function reasonOf(groups: readonly GroupFacts[], groupId: string): string {
  const group = groups.find((one) => one.groupId === groupId)
  if (!group) return 'it vanished meanwhile'
  return group.type === 'classic' ? `still ${group.state} with ${group.memberCount} members` : `a ${group.type} group can't be moved yet`
}

/** Translates every partition of every group; a group with one position that isn't exact is refused as a whole, unless it is named to be redelivered. */
export async function translated(
  run: Pick<Execution, 'ports' | 'wiring'>,
  { source, find }: Pick<GroupMove, 'source' | 'find'>,
  groupIds: readonly string[],
  deadline: Deadline,
) {
  const { groups } = run.ports.clusters[source]
  const committed = await groups.committedOfAll(groupIds, deadline)
  const redeliver = groupIds.filter((groupId) => namedFor(run.wiring.unprovenGroups, groupId) === 'redeliver')
  const positions = groupIds.length === 0 ? [] : await find(committed, redeliver, deadline)
  const byGroup = Map.groupBy(positions, ({ groupId }) => groupId) // a look through all of them for each group took longer than everything else
  const movable = new Map<string, Movable>()
  const refused: { groupId: string; reason: string }[] = []
  for (const groupId of groupIds) {
    const own = byGroup.get(groupId) ?? []
    const bad = own.find((position) => position.verdict === 'not provable')
    const offsets = own.flatMap(({ topic, partition, targetOffset }) =>
      targetOffset === null ? [] : [[topicPartition(topic, partition), BigInt(targetOffset)] as const],
    )
    if (bad) refused.push({ groupId, reason: `${bad.topic}-${bad.partition} ${bad.verdict}: ${bad.reason}` })
    else if (offsets.length === 0) refused.push({ groupId, reason: 'it has no committed offsets' })
    else movable.set(groupId, { read: committed.get(groupId) ?? new Map(), write: new Map(offsets) })
  }
  return { positions, movable, refused }
}

/** What was read of a group on the source, and what is to be written to the target. */
export interface Movable {
  readonly read: PartitionOffsets
  readonly write: PartitionOffsets
}

/** Writes every group to the target and reads both sides back; returns those that could not be written, with the reason. */
export async function writeAll(
  run: Pick<Execution, 'ports'>,
  { source, target }: Pick<GroupMove, 'source' | 'target'>,
  movable: ReadonlyMap<string, Movable>,
  deadline: Deadline,
): Promise<ReadonlyMap<string, string>> {
  const failed = new Map<string, string>()
  const ids = [...movable.keys()]
  const [from, to] = [run.ports.clusters[source].groups, run.ports.clusters[target].groups]
  const each = async (step: (groupId: string, movable: Movable) => Promise<void>) => {
    const open = [...movable].filter(([groupId]) => !failed.has(groupId))
    await Promise.all(open.map(([groupId, own]) => step(groupId, own).catch((thrown: unknown) => failed.set(groupId, messageOf(thrown)))))
  }
  try {
    const before = await to.committedOfAll(ids, deadline)
    await each(async (groupId, { write }) => refuseForeign(groupId, target, before.get(groupId), write))
    await each((groupId, { write }) => to.commit(groupId, write, deadline))
    const [after, now] = await Promise.all([to.committedOfAll(ids, deadline), from.committedOfAll(ids, deadline)])
    await each(async (groupId, { write }) => requireWritten(groupId, target, after.get(groupId), write))
    await each(async (groupId, { read }) => requireAsRead(groupId, source, now.get(groupId), read))
    await each(await stillEmpty(run, source, deadline))
  } catch (thrown) {
    await each(() => Promise.reject(thrown)) // what can't be read is proven of no group
  }
  return failed
}

/** What stands there already and would be read past or forgotten. An earlier position of the group is overwritten; one ahead of it was committed by somebody else. */
function refuseForeign(groupId: string, target: Colour, before: PartitionOffsets = new Map(), write: PartitionOffsets): void {
  const foreign = [...before.keys()].filter((partition) => !write.has(partition))
  const ahead = [...before].filter(([partition, offset]) => offset > (write.get(partition) ?? offset)).map(([partition]) => partition)
  if (foreign.length + ahead.length === 0) return
  const what = foreign.length > 0 ? 'that no translation covers' : 'ahead of its translation'
  throw new KbgError('group-poisoned', `${groupId} has commits on ${target} ${what}.`, {
    facts: { observed: firstFive(foreign.length > 0 ? foreign : ahead), required: 'none' },
    remedy: `See kbg groups; kbg groups --reset ${groupId} clears it.`,
  })
}

function requireWritten(groupId: string, target: Colour, after: PartitionOffsets = new Map(), write: PartitionOffsets): void {
  const differing = [...write].filter(([partition, offset]) => after.get(partition) !== offset).map(([partition]) => partition)
  if (differing.length === 0 && after.size === write.size) return
  throw new KbgError('group-not-written', `${groupId} reads back other offsets than were written to ${target}.`, {
    facts: { observed: firstFive(differing), required: 'as written' },
  })
}

/** A last commit may have landed behind the reading: then what was written is of an older position. */
function requireAsRead(groupId: string, source: Colour, now: PartitionOffsets = new Map(), read: PartitionOffsets): void {
  const changed = [...new Set([...read.keys(), ...now.keys()])].filter((partition) => read.get(partition) !== now.get(partition))
  if (changed.length === 0) return
  throw new KbgError('group-committed', `${groupId} has committed on ${source} again since its position was read.`, {
    facts: { observed: firstFive(changed), required: 'as read' },
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
export async function release(run: Execution, { source, target, wave }: Pick<GroupMove, 'source' | 'target' | 'wave'>, outcome: GroupsOutcome): Promise<void> {
  const routes: Record<string, GroupRoute> = Object.fromEntries(outcome.moved.map((groupId) => [groupId, { colour: target, state: 'running' }]))
  for (const { groupId } of outcome.stayed) routes[groupId] = { colour: source, state: 'running' }
  const chunks = positionChunks(outcome.positions)
  for (const positions of chunks.slice(0, -1)) await run.record({ kind: 'positions', positions: [...positions] })
  const counted = { positions: [...(chunks.at(-1) ?? [])], positionEntriesBefore: chunks.length - 1 }
  const ofWave = wave === null ? {} : { wave }
  const fact: JournalFact = { kind: 'groups', ...ofWave, ...counted, moved: [...outcome.moved], stayed: outcome.stayed.map(stayedText) }
  await run.record(fact, groupsSet(run.route, routes, run.term))
  run.mark('groups-released')
}

/** Reasons of a hundred groups tell what is wrong; those of thousands, mostly the same, wouldn't fit into the entry. */
function stayedText({ groupId, reason }: GroupsOutcome['stayed'][number], index: number): string {
  return index < reasonsJournaled ? `${groupId}: ${reason.slice(0, reasonCharacters)}` : groupId
}
