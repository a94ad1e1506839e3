/** Guardians of a simulated fleet: the real ones, round by round, on simulated ports. What they owe to producers is judged behind everything that happens. */
import { type Colour, colours, otherColour } from '../../../engine/model/colour.ts'
import { type ClientRegistration, routeKeys } from '../../../engine/model/route.ts'
import { publicationSeenMs, publishMs } from '../../../engine/model/route-publication.ts'
import { keepGuarding } from '../../../engine/run/guardian/keeper.ts'
import { lookMs } from '../../../engine/run/guardian/publishing.ts'
import { openSwitch } from '../../../engine/switchover/journal-reading.ts'
import { longestStallMs } from '../../../engine/switchover/stall.ts'
import type { Actor } from './actor.ts'
import { after } from './events.ts'
import { limits } from './fleet.ts'
import { isOpen, routeOf, violate } from './invariants.ts'
import { fleet, guardianName, wiring } from './names.ts'
import { isPublished } from './parameter.ts'
import { journalOf } from './settle.ts'
import type { Simulation } from './simulation.ts'
import type { World } from './world.ts'

const keys = routeKeys(fleet)
/** Behind the opened colour: the mirror is turned round, groups are moved. */
const finishedMs = 60_000
/** Process ids, of which the jitter follows that keeps two guardians apart. */
const processIds: Readonly<Record<Colour, number>> = { blue: 101, green: 102 }

/** A guardian beside that colour; it registers and goes on until it is killed. */
export function startGuardian(simulation: Simulation, colour: Colour, processId = processIds[colour]): Actor {
  const name = guardianName(colour)
  const parts = { wiring, limits, colour, processId, stop: new AbortController().signal, tell: (line: string) => simulation.note(name, `says: ${line}`) }
  const guardian = simulation.start(name, (ports) => keepGuarding({ ports, ...parts }))
  if (simulation.guardians.length === 0) {
    judgeStalls(simulation)
    judgePublished(simulation)
  }
  simulation.guardians.push(guardian)
  return guardian
}

export function startGuardians(simulation: Simulation): Readonly<Record<Colour, Actor>> {
  return { blue: startGuardian(simulation, 'blue'), green: startGuardian(simulation, 'green') }
}

/** I9: while store, brokers and one guardian live, producers are held no longer than is documented. */
function judgeStalls(simulation: Simulation): void {
  const boundMs = longestStallMs(limits)
  let sinceMs: number | null = null
  simulation.onStep.push(() => {
    const { world } = simulation
    sinceMs = isStalled(world) && isHelped(simulation) ? (sinceMs ?? world.nowMs) : null
    if (sinceMs === null) return
    const stalledMs = world.nowMs - sinceMs
    world.history.longestStallMs = Math.max(world.history.longestStallMs, stalledMs)
    if (stalledMs > boundMs) violate(world, 'I9', `producers were held for more than ${boundMs} ms, though the store, all brokers and a guardian lived`)
  })
}

/** Until a guardian has looked, and two of its tries, of which one was lost. */
export const publishedAgainMs = lookMs + 2 * (publicationSeenMs + publishMs)

/** I18: while store, parameter and one guardian live, what is published is the route of the store before long, whatever has been put over it. */
function judgePublished(simulation: Simulation): void {
  const { world } = simulation
  if (world.parameter === null) return
  let sinceMs: number | null = null
  simulation.onStep.push(() => {
    const { parameter, nowMs } = world
    const isReached = parameter !== null && nowMs >= Math.max(parameter.awayUntilMs, parameter.silentUntilMs, parameter.readOnlyUntilMs)
    sinceMs = isReached && isHelped(simulation) && !isPublished(world) ? (sinceMs ?? nowMs) : null
    if (sinceMs !== null && nowMs - sinceMs > publishedAgainMs)
      violate(world, 'I18', `something else than the route was published for more than ${publishedAgainMs} ms beside a guardian`)
  })
}

function isStalled(world: World): boolean {
  const { blue, green } = world.clusters
  return (!isOpen(blue) && !isOpen(green)) || routeOf(world)?.state !== 'open'
}

function isHelped({ world, guardians }: Simulation): boolean {
  const { etcd, clusters } = world
  const isUp = !etcd.isAway && colours.every((colour) => clusters[colour].brokers.every(({ state }) => state === 'up'))
  return isUp && guardians.some(({ isAlive, isPaused }) => isAlive && !isPaused)
}

/** Nothing is left open, nobody holds the lock, and the fences follow the route. */
export function isAtRest(world: World): boolean {
  const route = routeOf(world)
  if (route?.state !== 'open' || world.etcd.keys[keys.lock] !== undefined) return false
  return isOpen(world.clusters[route.live]) && !isOpen(world.clusters[otherColour(route.live)]) && openSwitch(journalOf(world)) === null
}

/** Nobody but guardians acts, until nothing is left open: within the documented bound, and the time that finishing takes. */
export async function untilAtRest(simulation: Simulation): Promise<void> {
  const { world } = simulation
  const withinMs = longestStallMs(limits) + finishedMs
  const endMs = world.nowMs + withinMs
  after(world, withinMs, { kind: 'nothing' })
  await simulation.run(() => isAtRest(world) || world.nowMs >= endMs, withinMs + 100, 'guardians to bring the fleet to rest')
  if (!isAtRest(world)) violate(world, 'I9', `guardians did not bring the fleet to rest within ${withinMs} ms`)
}

function isCurrent(world: World, registration: string): boolean {
  return (JSON.parse(registration) as ClientRegistration).ackedEpoch >= (routeOf(world)?.epoch ?? 0)
}

/** Each has seen the newest epoch: the gate asks for that. */
export async function untilRegistered(simulation: Simulation): Promise<void> {
  const { world, guardians } = simulation
  const isThere = (colour: Colour) =>
    Object.entries(world.etcd.keys).some(([key, { value }]) => key.startsWith(keys.client(`kbg-guardian-${colour}-`)) && isCurrent(world, value))
  const wanted = colours.filter((colour) => guardians.some(({ name }) => name === guardianName(colour)))
  await simulation.run(() => wanted.every(isThere), 60_000, 'the guardians to register')
}
