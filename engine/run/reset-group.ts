import { isExcludedGroup } from '../gate/group-states.ts'
import { type Colour, otherColour } from '../model/colour.ts'
import { KbgError } from '../model/error.ts'
import type { JournalEntry } from '../model/journal.ts'
import { offsetsToJson } from '../model/offset-json.ts'
import type { PartitionOffsets } from '../model/partition.ts'
import { groupRoute } from '../model/route.ts'
import { Deadline } from '../ports/clock.ts'
import type { RouteLock, RouteReading } from '../ports/route-store.ts'
import { openSwitch } from '../switchover/journal-reading.ts'
import type { Ports } from './ports.ts'

const resetMs = 20_000
const leaseSeconds = 10

/** What was cleared. */
export interface GroupReset {
  readonly colour: Colour
  readonly offsets: PartitionOffsets
}

/**
 * Deletes a group's offsets on the colour where the route does not have it: the explicit order that a poisoned group needs. It holds the route store's lock, so no
 * move runs meanwhile, and journals what it deletes before it does.
 *
 * @param holder who asks, for the lock
 * @throws KbgError `reset-refused` with the reason; `locked`; `group-not-empty` when a member joins in between (the broker refuses then); what store and brokers throw
 */
export async function resetGroup(ports: Ports, groupId: string, holder: string): Promise<GroupReset> {
  const lock = await ports.store.lock(holder, leaseSeconds, new Deadline(ports.clock, resetMs, 'the lock'))
  try {
    const deadline = new Deadline(ports.clock, resetMs, `${groupId} to be reset`, lock.lost)
    const reading = await ports.store.read(deadline)
    const colour = standbySide(reading, groupId)
    await requireEmpty(ports, groupId, colour, deadline)
    const port = ports.clusters[colour].groups
    const offsets = await port.committed(groupId, deadline)
    await journaled(ports, lock, reading, { groupId, colour, offsets: offsetsToJson(offsets) }, deadline)
    await port.deleteGroup(groupId, deadline)
    const left = await port.committed(groupId, deadline)
    if (left.size === 0) return { colour, offsets }
    throw refused(groupId, `${left.size} offsets on ${colour} after they were deleted`, 'none', 'Somebody commits there at this moment: stop who it is.')
  } finally {
    await lock.release()
  }
}

/** The colour where the route doesn't have the group. */
function standbySide({ route, journal }: RouteReading, groupId: string): Colour {
  if (isExcludedGroup(groupId))
    throw refused(groupId, 'a group of Connect, a console, Kafka or this project', "an application's group", 'No switchover touches it.')
  if (route === null) throw refused(groupId, 'no route', 'a route that says where the group reads', 'Run pulumi up on the traffic stack first.')
  if (route.state !== 'open' || openSwitch(journal) !== null)
    throw refused(groupId, 'a switchover is open', 'none', 'kbg status says what has to be finished; pulumi up finishes it.')
  const { colour, state } = groupRoute(route, groupId)
  if (state === 'held') throw refused(groupId, 'the group is held: it is being moved', 'a group that runs', 'Wait until the move has ended.')
  return otherColour(colour)
}

async function requireEmpty(ports: Ports, groupId: string, colour: Colour, deadline: Deadline): Promise<void> {
  const group = (await ports.clusters[colour].groups.list(deadline)).find((each) => each.groupId === groupId)
  if (group === undefined)
    throw refused(groupId, `no such group on ${colour}`, `a group with offsets on ${colour}, where the route does not have it`, 'Nothing has to be reset.')
  if (group.state === 'Empty' && group.memberCount === 0) return
  throw refused(groupId, `${group.state} with ${group.memberCount} members on ${colour}`, 'Empty', `Stop its members on ${colour} first.`)
}

async function journaled(
  ports: Ports,
  lock: RouteLock,
  { routeRevision, journalHead }: RouteReading,
  what: Pick<Extract<JournalEntry, { kind: 'group-reset' }>, 'groupId' | 'colour' | 'offsets'>,
  deadline: Deadline,
): Promise<void> {
  const head = { number: journalHead + 1, term: lock.term, atWallClock: ports.clock.wallClock().toISOString(), atMonotonicMs: ports.clock.monotonicMs() }
  const entry: JournalEntry = { ...head, kind: 'group-reset', ...what }
  await ports.store.write(lock, { route: null, entry, expectedRouteRevision: routeRevision, expectedJournalHead: journalHead }, deadline)
}

function refused(groupId: string, observed: string, required: string, remedy: string): KbgError {
  return new KbgError('reset-refused', `The group ${groupId} is not reset.`, { facts: { observed, required }, remedy })
}
