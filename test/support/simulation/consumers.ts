/** Consumers: one member for each group, which reads what is visible, commits, and leaves with a last commit when its group is held. */
import type { Colour } from '../../../engine/model/colour.ts'
import { groupRoute } from '../../../engine/model/route.ts'
import { firstBroker, lastStable, logOf, valueAt, visibleOffsets } from './brokers.ts'
import { register } from './clients.ts'
import { after, Unanswered, type WorldEvent } from './events.ts'
import { noteGiven } from './invariants.ts'
import { applicationPartitions, between, type SimulatedConsumer, type SimulatedGroup, type World } from './world.ts'

const retryMs = 100
/** Records of a partition in one poll. */
const polledRecords = 3
/** So many polls that brought something are committed at once. */
const pollsPerCommit = 2

export function groupOf(world: World, colour: Colour, groupId: string): SimulatedGroup {
  const { groups } = world.clusters[colour]
  groups[groupId] ??= { members: [], offsets: {} }
  return groups[groupId]
}

/** Brings a member to where the newest route wants it. */
export function moveConsumer(world: World, consumer: SimulatedConsumer): void {
  const { route } = consumer.follows
  if (route === null || consumer.isMoving) return
  const wanted = groupRoute(route, consumer.groupId)
  const colour = wanted.state === 'running' ? wanted.colour : null
  if (consumer.joined === colour) {
    register(world, consumer, colour === null ? 'held' : 'running', consumer.follows.epoch)
    return
  }
  consumer.isMoving = true
  const kind = consumer.joined === null ? 'join' : 'left'
  after(world, between(world, world.habits.request), { kind, clientId: consumer.clientId })
}

function commit(world: World, consumer: SimulatedConsumer): void {
  if (consumer.joined === null) return
  firstBroker(world.clusters[consumer.joined])
  Object.assign(groupOf(world, consumer.joined, consumer.groupId).offsets, consumer.positions)
  consumer.uncommitted = 0
  const committed = world.history.committed[consumer.groupId] ?? {}
  world.history.committed[consumer.groupId] = committed
  const given = world.history.consumed[consumer.groupId] ?? []
  for (let index = given.length - 1; index >= 0; index -= 1) {
    const { value } = given[index] ?? { value: '' }
    if (committed[value]) break // all before it were committed with it
    committed[value] = true
  }
}

/** The last commit, then LeaveGroup. */
function leave(world: World, consumer: SimulatedConsumer): void {
  commit(world, consumer)
  if (consumer.joined !== null) {
    const group = groupOf(world, consumer.joined, consumer.groupId)
    group.members = group.members.filter((member) => member !== consumer.clientId)
  }
  consumer.joined = null
  consumer.isMoving = false
  moveConsumer(world, consumer)
}

/** Where the group's offsets are; a partition without one from its beginning. */
function join(world: World, consumer: SimulatedConsumer): void {
  consumer.isMoving = false
  const { route } = consumer.follows
  if (route === null) return
  const { colour, state } = groupRoute(route, consumer.groupId)
  if (state === 'held') {
    moveConsumer(world, consumer)
    return
  }
  firstBroker(world.clusters[colour])
  const group = groupOf(world, colour, consumer.groupId)
  group.members = [...group.members, consumer.clientId]
  consumer.joined = colour
  consumer.positions = Object.fromEntries(applicationPartitions.map((partition) => [partition, group.offsets[partition] ?? 0]))
  moveConsumer(world, consumer)
  const isPolling = world.agenda.some(({ event }) => event.kind === 'consume' && event.clientId === consumer.clientId)
  if (!isPolling) after(world, between(world, world.habits.consumeEvery), { kind: 'consume', clientId: consumer.clientId })
}

function consume(world: World, consumer: SimulatedConsumer): void {
  const colour = consumer.joined
  if (colour === null) return
  let polled = 0
  if (!consumer.isMoving) {
    for (const partition of applicationPartitions) polled += poll(world, consumer, colour, partition)
    if (polled > 0) consumer.uncommitted += 1
    if (consumer.uncommitted >= pollsPerCommit) commit(world, consumer)
  }
  after(world, between(world, world.habits.consumeEvery), { kind: 'consume', clientId: consumer.clientId })
}

function poll(world: World, consumer: SimulatedConsumer, colour: Colour, partition: string): number {
  const log = logOf(world.clusters[colour], partition)
  const position = consumer.positions[partition] ?? 0
  const found = visibleOffsets(log, position, log.records.length)
  const offsets = found.slice(0, polledRecords)
  const given = world.history.consumed[consumer.groupId] ?? []
  world.history.consumed[consumer.groupId] = given
  for (const offset of offsets) {
    noteGiven(world, consumer.groupId, valueAt(log, offset), colour)
    given.push({ value: valueAt(log, offset), colour })
  }
  const last = offsets.at(-1)
  // Behind the last record stand markers and aborted records: a consumer's position goes past them.
  if (offsets.length === found.length) consumer.positions[partition] = Math.max(position, lastStable(log))
  else if (last !== undefined) consumer.positions[partition] = last + 1
  return offsets.length
}

type ConsumerEvent = Extract<WorldEvent, { kind: 'consume' | 'left' | 'join' }>

export function performConsumerEvent(world: World, event: ConsumerEvent): void {
  const consumer = world.consumers[event.clientId]
  if (consumer === undefined) return
  try {
    if (event.kind === 'consume') {
      consume(world, consumer)
      return
    }
    if (event.kind === 'left') {
      leave(world, consumer)
      return
    }
    join(world, consumer)
    return
  } catch (thrown) {
    if (!(thrown instanceof Unanswered)) throw thrown
    if (event.kind === 'join') consumer.isMoving = true
    after(world, retryMs, event)
  }
}
