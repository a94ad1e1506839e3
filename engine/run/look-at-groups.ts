import { type GroupFate, type GroupsView, groupFates } from '../gate/group-fates.ts'
import { isExcludedGroup } from '../gate/group-states.ts'
import { poisonedGroups } from '../gate/poisoned-groups.ts'
import { type Colour, colours, otherColour } from '../model/colour.ts'
import { messageOf } from '../model/error.ts'
import type { GroupFacts } from '../model/facts.ts'
import type { GroupPosition } from '../model/journal.ts'
import { Limits } from '../model/limits.ts'
import type { PartitionOffsets } from '../model/partition.ts'
import { groupRoute, type RouteDocument } from '../model/route.ts'
import type { Reading } from '../model/snapshot.ts'
import type { Wiring } from '../model/wiring.ts'
import type { Deadline } from '../ports/clock.ts'
import { type AlsoWriting, alsoWriting } from './also-writing.ts'
import { type AlternativesOfGroup, alternativesOf } from './alternative-positions.ts'
import { observeGroups } from './observe-groups.ts'
import type { Ports } from './ports.ts'

/** A group on one colour. */
export interface GroupSide {
  readonly state: GroupFacts['state'] | 'absent'
  readonly members: number
  /** Partitions with a committed offset; null: not read. */
  readonly partitions: number | null
  /** Records from its commits up to what the audit has compared; null: that can't be told. */
  readonly lagRecords: number | null
}

/** One group, as the operator asks for it. */
export interface LookedGroup {
  readonly groupId: string
  /** Where the route has it; `held`: it is being moved. */
  readonly colour: Colour
  readonly held: boolean
  readonly blue: GroupSide
  readonly green: GroupSide
  /** What a move to the other colour would make of it now. */
  readonly fate: GroupFate
  readonly poison: readonly string[]
  /** What shows that its application also writes; null: nothing does. */
  readonly alsoWrites: string | null
  /** It stands in a wave of the catalog. */
  readonly inWave: boolean
  /** Where each partition would go on, on the other colour. */
  readonly positions: readonly GroupPosition[]
  readonly alternatives: AlternativesOfGroup
}

/** All groups of a fleet. */
export interface GroupsLook {
  readonly groups: readonly LookedGroup[]
  /** `movable`: every group has a proven position, or needs none. `refused`: one is refused or poisoned. `not shown`: neither can be said. */
  readonly outcome: 'movable' | 'refused' | 'not shown'
  /** What couldn't be looked at. */
  readonly notes: readonly string[]
}

/** One direction: the groups that the route has on `source`, observed as a move to the other colour would. */
interface Direction {
  readonly view: GroupsView
  /** Translated commits of the other side, where they are old or somebody else's. */
  readonly there: ReadonlyMap<string, readonly GroupPosition[]>
  readonly alternatives: ReadonlyMap<string, AlternativesOfGroup>
}

/**
 * Looks at every group of a fleet: read-only, bounded by the deadline.
 *
 * @param costly whether alternatives are looked at that have to read records
 * @throws KbgError what reading the route store throws
 */
export async function lookAtGroups(ports: Ports, wiring: Wiring, costly: boolean, deadline: Deadline): Promise<GroupsLook> {
  const { route } = await ports.store.read(deadline)
  const lists = { blue: await listed(ports, 'blue', deadline), green: await listed(ports, 'green', deadline) }
  const directions = {
    blue: await observed(ports, wiring, 'blue', route, lists, costly, deadline),
    green: await observed(ports, wiring, 'green', route, lists, costly, deadline),
  }
  const unlisted = colours.flatMap((colour) => why(lists[colour], `the groups of ${colour}`))
  const notes = unlisted.length > 0 ? unlisted : colours.flatMap((colour) => why(directions[colour].view.groups, `groups that read on ${colour}`))
  if (route === null) return { groups: [], outcome: 'not shown', notes: ['there is no route yet'] }
  const names = namesOf(wiring, lists)
  const writing = await alsoWriting(ports, wiring, route, names, deadline)
  const groups = groupsOf(route, wiring, lists, directions, writing.because)
  return { groups, outcome: outcomeOf(groups, [...notes, ...writing.notes]), notes: [...notes, ...writing.notes] }
}

async function observed(
  ports: Ports,
  wiring: Wiring,
  source: Colour,
  route: RouteDocument | null,
  lists: Readonly<Record<Colour, Reading<readonly GroupFacts[]>>>,
  costly: boolean,
  deadline: Deadline,
): Promise<Direction> {
  const target = otherColour(source)
  const groups = await observeGroups(ports, wiring, Limits.parse({}), { source, target, route, listed: lists }, deadline)
  const { groups: catalogGroups, unprovenGroups } = wiring
  const side = { blue: { groups: lists.blue }, green: { groups: lists.green } }
  const view: GroupsView = { source, target, route: { seen: true, value: { route, journal: [] } }, groups, catalogGroups, unprovenGroups, colours: side }
  if (!groups.seen) return { view, there: new Map(), alternatives: new Map() }
  const onTarget = new Map(
    groups.value.commits.flatMap(({ groupId, onTarget }) => (onTarget.seen && onTarget.value.size > 0 ? [[groupId, onTarget.value] as const] : [])),
  )
  const there = Map.groupBy(await translatedBack(ports, target, onTarget, deadline), ({ groupId }) => groupId)
  return { view, there, alternatives: await alternativesOf(ports, { source, target, groups: groups.value, costly }, deadline) }
}

/** The other side's commits translated to this one: only for how far they are behind, so a failure leaves that open. */
async function translatedBack(
  ports: Ports,
  from: Colour,
  commits: ReadonlyMap<string, PartitionOffsets>,
  deadline: Deadline,
): Promise<readonly GroupPosition[]> {
  if (ports.audit === null || commits.size === 0) return []
  return await ports.audit.translate(from, commits, null, deadline).catch(() => [])
}

function groupsOf(
  route: RouteDocument,
  wiring: Wiring,
  lists: Readonly<Record<Colour, Reading<readonly GroupFacts[]>>>,
  directions: Readonly<Record<Colour, Direction>>,
  writing: AlsoWriting['because'],
): readonly LookedGroup[] {
  const fates = { blue: groupFates(directions.blue.view), green: groupFates(directions.green.view) }
  const poison = Map.groupBy(
    [directions.blue.view, directions.green.view].flatMap((view) => poisonedGroups(view)),
    ({ groupId }) => groupId,
  )
  const facts = { blue: byName(factsOf(lists.blue)), green: byName(factsOf(lists.green)) }
  const known = { blue: knownOf(directions.blue.view), green: knownOf(directions.green.view) }
  const inWaves = new Set(Object.values(wiring.waves).flat())
  return namesOf(wiring, lists).map((groupId): LookedGroup => {
    const { colour, state } = groupRoute(route, groupId)
    const [direction, other] = [directions[colour], otherColour(colour)]
    const positions = known[colour].positions.get(groupId) ?? []
    const commits = known[colour].commits.get(groupId)
    const here = sideOf(lists[colour].seen, facts[colour].get(groupId), commits?.onSource, positions)
    const there = sideOf(lists[other].seen, facts[other].get(groupId), commits?.onTarget, direction.there.get(groupId) ?? [])
    return {
      ...{ groupId, colour, held: state === 'held', positions, alternatives: direction.alternatives.get(groupId) ?? [] },
      ...(colour === 'blue' ? { blue: here, green: there } : { blue: there, green: here }),
      fate: fates[colour]?.get(groupId) ?? { kind: 'unknown', why: 'the groups of one colour could not be read' },
      poison: (poison.get(groupId) ?? []).map(({ what }) => what),
      alsoWrites: writing.get(groupId) ?? null,
      inWave: inWaves.has(groupId),
    }
  })
}

function namesOf(wiring: Wiring, lists: Readonly<Record<Colour, Reading<readonly GroupFacts[]>>>): readonly string[] {
  const listed = colours.flatMap((colour) => factsOf(lists[colour]).map(({ groupId }) => groupId))
  return [...new Set([...listed, ...wiring.groups, ...Object.keys(wiring.unprovenGroups)])].sort()
}

/** By group: there may be thousands, each with positions on hundreds of partitions. */
function knownOf({ groups }: GroupsView) {
  const positions = groups.seen && groups.value.positions?.seen ? groups.value.positions.value : []
  return { positions: Map.groupBy(positions, ({ groupId }) => groupId), commits: byName(groups.seen ? groups.value.commits : []) }
}

function byName<T extends { readonly groupId: string }>(items: readonly T[]): ReadonlyMap<string, T> {
  return new Map(items.map((item) => [item.groupId, item]))
}

function sideOf(
  isListed: boolean,
  facts: GroupFacts | undefined,
  commits: Reading<PartitionOffsets> | undefined,
  positions: readonly GroupPosition[],
): GroupSide {
  const partitions = commits?.seen ? commits.value.size : null
  const behind = positions.filter(({ sourceOffset }) => !sourceOffset.startsWith('-'))
  const isTold = partitions !== null && partitions > 0 && behind.length >= partitions && behind.every(({ lagRecords }) => lagRecords !== null)
  const lagRecords = isTold ? behind.reduce((sum, position) => sum + (position.lagRecords ?? 0), 0) : null
  return { state: facts?.state ?? (isListed ? 'absent' : 'Unknown'), members: facts?.memberCount ?? 0, partitions, lagRecords }
}

function outcomeOf(groups: readonly LookedGroup[], notes: readonly string[]): GroupsLook['outcome'] {
  const moved = groups.filter(({ groupId }) => !isExcludedGroup(groupId))
  if (moved.some(({ fate, poison }) => fate.kind === 'refused' || poison.length > 0)) return 'refused'
  if (moved.some(({ alsoWrites, inWave }) => alsoWrites !== null && inWave)) return 'refused'
  const isOpen = ({ fate }: LookedGroup) => fate.kind === 'unknown' || fate.kind === 'beyond' || fate.kind === 'counted back'
  return notes.length > 0 || groups.length === 0 || moved.some(isOpen) ? 'not shown' : 'movable'
}

function factsOf(reading: Reading<readonly GroupFacts[]>): readonly GroupFacts[] {
  return reading.seen ? reading.value : []
}

function why(reading: Reading<unknown>, what: string): readonly string[] {
  return reading.seen ? [] : [`${what}: ${reading.why}`]
}

async function listed(ports: Ports, colour: Colour, deadline: Deadline): Promise<Reading<readonly GroupFacts[]>> {
  try {
    return { seen: true, value: await ports.clusters[colour].groups.list(deadline) }
  } catch (thrown) {
    return { seen: false, why: messageOf(thrown) }
  }
}
