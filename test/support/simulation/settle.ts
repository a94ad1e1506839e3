/** The end of a run: faults are over, what was on its way has landed, one more run puts things right, and clients catch up. */
import { type Colour, colours, otherColour } from '../../../engine/model/colour.ts'
import { JournalEntry } from '../../../engine/model/journal.ts'
import { lateRecords } from '../../../engine/model/late-records.ts'
import { groupRoute, routeKeys } from '../../../engine/model/route.ts'
import type { Intent } from '../../../engine/model/wiring.ts'
import { departures } from '../../../engine/switchover/conformance.ts'
import { openSwitch } from '../../../engine/switchover/journal-reading.ts'
import type { Outcome } from './actor.ts'
import { logOf, visibleValues } from './brokers.ts'
import { following } from './clients.ts'
import { after } from './events.ts'
import { type SimulatedIntent, startMove, usualHabits } from './fleet.ts'
import { checkEnd, checkOneWritable, routeOf, violate } from './invariants.ts'
import { wakeConnectors } from './mirror.ts'
import { fleet, groups } from './names.ts'
import { checkParameter, healParameter } from './parameter.ts'
import { isBusy } from './sending.ts'
import type { Simulation } from './simulation.ts'
import { applicationPartitions, type World } from './world.ts'

const keys = routeKeys(fleet)
/** Longer than any pause, outage, lease and lost request of a run. */
const longestMs = 900_000
/** Longer than brokers and clients take to learn of something. */
const learnedMs = 500
const caughtUpMs = 20_000

export interface SettleOptions {
  /** What the run after the faults is asked for. */
  readonly intent: Pick<Intent, 'live' | 'attempt'>
  /** Nothing happened that a client may notice. */
  readonly isGraceful?: boolean
  /** A whole switchover afterwards shows that nothing is stuck. */
  readonly movesOn?: boolean
}

/**
 * Ends the faults and judges. Violations stand in the world's history.
 *
 * @returns how the one run ended; a refusal is an outcome like another, as long as exactly one colour is writable
 */
export async function settle(simulation: Simulation, { intent, isGraceful = false, movesOn = false }: SettleOptions): Promise<Outcome | null> {
  const { world } = simulation
  heal(simulation)
  await simulation.run(() => isOver(simulation), longestMs, 'everything that is under way to end')
  await pass(simulation, learnedMs) // what has just landed can be seen on every broker
  const outcome = await runOnce(simulation, 'the rerun', intent)
  await pass(simulation, learnedMs)
  checkOneWritable(world)
  checkClosed(world)
  if (movesOn) await moveOn(simulation, intent.attempt)
  await catchUp(simulation)
  checkParameter(world)
  checkEnd(world, { isGraceful })
  for (const text of departures(journalOf(world), world.history.routes)) violate(world, 'protocol', text)
  return outcome
}

/** Everything that was broken works again. */
function heal(simulation: Simulation): void {
  const { world } = simulation
  simulation.faults = () => null
  simulation.onRequest.length = 0
  world.habits = { ...usualHabits, aborts: world.habits.aborts }
  healParameter(world)
  for (const guardian of simulation.guardians) guardian.hearsLateMs = 0
  for (const entry of world.agenda) {
    // A transaction that hangs, and a worker that was killed.
    if (entry.event.kind === 'end-transaction' || entry.event.kind === 'connector') entry.atMs = Math.min(entry.atMs, world.nowMs + 5)
  }
  for (const worker of Object.values(world.workers)) worker.upAtMs = Math.min(worker.upAtMs, world.nowMs + 5)
  if (world.etcd.isAway) after(world, 1, { kind: 'store-back' })
  for (const cluster of Object.values(world.clusters)) {
    for (const broker of cluster.brokers) {
      broker.extraLearnMs = 0
      if (broker.state !== 'up') after(world, 1, { kind: 'broker-back', colour: cluster.colour, broker: broker.id, outage: broker.outage })
    }
    for (const [partition, log] of Object.entries(cluster.logs)) {
      if (log.isStalled) after(world, 1, { kind: 'follower-back', colour: cluster.colour, partition })
    }
  }
  for (const { connectors } of Object.values(world.workers)) for (const connector of Object.values(connectors)) connector.isMute = false
  for (const colour of colours) wakeConnectors(world, colour)
  for (const client of [...Object.values(world.producers), ...Object.values(world.consumers)]) client.follows.extraMs = 0
}

/** Nobody acts any more, the lock is free, and no lost request is still to land. */
function isOver({ world, actors, guardians }: Simulation): boolean {
  const acts = actors.some((actor) => actor.isAlive && actor.outcome === null && !guardians.includes(actor))
  return !acts && world.etcd.keys[keys.lock] === undefined && !world.agenda.some(({ event }) => event.kind === 'land') && !world.etcd.isAway
}

/** One update, from its beginning to its end. */
export async function runOnce(simulation: Simulation, name: string, intent: SimulatedIntent): Promise<Outcome | null> {
  const actor = startMove(simulation, name, intent)
  await simulation.run(() => actor.outcome !== null, longestMs, name)
  return actor.outcome
}

export async function pass(simulation: Simulation, ms: number): Promise<void> {
  const untilMs = simulation.world.nowMs + ms
  after(simulation.world, ms, { kind: 'nothing' })
  await simulation.run(() => simulation.world.nowMs >= untilMs, ms + 100, 'time to pass')
}

export function journalOf(world: World): readonly JournalEntry[] {
  const head = Number(world.etcd.keys[keys.journalHead]?.value ?? 0)
  return Array.from({ length: head }, (_, index) => world.etcd.keys[keys.journalEntry(index + 1)]).flatMap((stored) =>
    stored === undefined ? [] : [JournalEntry.parse(JSON.parse(stored.value))],
  )
}

/** Every switchover is closed, and one mirror runs: from the live colour to the other one. */
function checkClosed(world: World): void {
  const open = openSwitch(journalOf(world))
  if (open !== null) violate(world, 'I8', `the switchover ${open.source} -> ${open.target} is still open`)
  const live = routeOf(world)?.live ?? 'blue'
  const running = Object.values(world.workers).flatMap(({ connectors }) =>
    Object.values(connectors).filter(({ name, wanted }) => name.startsWith('kbg-mirror-') && wanted === 'RUNNING'),
  )
  const isRight = running.length === 1 && running[0]?.source === live
  if (!isRight)
    violate(
      world,
      'I10',
      `mirrors that run: ${running.map(({ name, source, target }) => `${source} -> ${target} (${name})`).join(', ') || 'none'}, live is ${live}`,
    )
}

/** To the other colour, by as many updates as it takes: one may only finish what is open. Where late records stand the gate has to refuse. */
async function moveOn(simulation: Simulation, attempt: number): Promise<void> {
  await simulation.run(() => allFollow(simulation.world), longestMs, 'clients to know of the route')
  const wanted: Colour = otherColour(routeOf(simulation.world)?.live ?? 'blue')
  for (let tries = 1; tries <= 3; tries += 1) {
    const outcome = await runOnce(simulation, `move on ${tries}`, { live: wanted, attempt: attempt + tries })
    if (outcome?.kind === 'done') break
  }
  await pass(simulation, learnedMs)
  const isLate = lateRecords(journalOf(simulation.world)).some(({ colour }) => colour === wanted)
  if (isLate && routeOf(simulation.world)?.live === wanted) violate(simulation.world, 'I14', `${wanted} is live again with late records`)
  if (isLate) return
  if (routeOf(simulation.world)?.live !== wanted) violate(simulation.world, 'I9', `no further move to ${wanted} succeeds`)
  checkOneWritable(simulation.world)
  checkClosed(simulation.world)
}

function allFollow(world: World): boolean {
  const epoch = routeOf(world)?.epoch ?? 0
  const clients = [...Object.values(world.producers), ...Object.values(world.consumers)]
  return clients.every(
    ({ clientId }) => (JSON.parse(world.etcd.keys[keys.client(clientId)]?.value ?? '{"ackedEpoch":0}') as { ackedEpoch: number }).ackedEpoch >= epoch,
  )
}

/** Producers stop, mirror and consumers come to their ends; the idle group gets a member, so that its position is judged by what it reads. */
async function catchUp(simulation: Simulation): Promise<void> {
  const { world } = simulation
  for (const producer of Object.values(world.producers)) producer.left = 0
  world.consumers.c2 ??= { clientId: 'c2', groupId: groups.idle, follows: following(), joined: null, isMoving: false, positions: {}, uncommitted: 0 }
  after(world, 1, { kind: 'read-again', clientId: 'c2' })
  const endMs = world.nowMs + caughtUpMs
  after(world, caughtUpMs, { kind: 'nothing' })
  await simulation.run(() => isCaughtUp(world) || world.nowMs >= endMs, caughtUpMs + 100, 'clients to catch up')
  if (!isCaughtUp(world)) violate(world, 'I9', `clients don't come to an end: ${unsettled(world).join(', ')}`)
}

function isCaughtUp(world: World): boolean {
  return unsettled(world).length === 0
}

function unsettled(world: World): readonly string[] {
  const sending = Object.values(world.producers).flatMap((producer) =>
    isBusy(producer) || Object.values(producer.waiting).some((values) => values.length > 0) ? [`${producer.clientId} still has something to send`] : [],
  )
  const count = (colour: Colour, partition: string) =>
    visibleValues(logOf(world.clusters[colour], partition)).filter((value) => !world.history.late.includes(value)).length
  const lagging = applicationPartitions.filter((partition) => count('blue', partition) !== count('green', partition))
  const route = routeOf(world)
  const reading = Object.values(world.consumers).flatMap(({ clientId, groupId, joined, positions }) => {
    const colour = route === null ? null : groupRoute(route, groupId).colour
    const isAtEnd =
      joined !== null &&
      joined === colour &&
      applicationPartitions.every((partition) => (positions[partition] ?? 0) >= logOf(world.clusters[joined], partition).records.length)
    return isAtEnd ? [] : [`${clientId} (${groupId}) has not read all`]
  })
  return [...sending, ...lagging.map((partition) => `${partition} differs in length`), ...reading]
}
