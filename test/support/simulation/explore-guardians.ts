/** What an orchestrator leaves at any of its requests, brought to rest by guardians: by both, by one, beside an orchestrator, and while they are broken themselves. */
import { colours } from '../../../engine/model/colour.ts'
import { routeKeys } from '../../../engine/model/route.ts'
import type { CallFault } from './actor.ts'
import { everyNth, type Place } from './explore.ts'
import { type FleetOptions, newFleet, startMove } from './fleet.ts'
import { isAtRest, startGuardian, startGuardians, untilAtRest, untilRegistered } from './guardians.ts'
import { routeOf } from './invariants.ts'
import { fleet } from './names.ts'
import { isEffect } from './operations.ts'
import { forward } from './scenario.ts'
import { settle } from './settle.ts'
import { Simulation } from './simulation.ts'
import type { Tally } from './tally.ts'
import { copyOf, type World } from './world.ts'

/** How far guardians are explored: every n-th of each kind; 0: none. */
export interface GuardianReach {
  readonly fleet: FleetOptions
  /** Points at which an orchestrator is killed, and nobody but guardians goes on. */
  readonly guardedEvery: number
  /** Of these points those from which guardians and an orchestrator go on at once. */
  readonly besideEvery: number
  /** Faults of a guardian's own requests while it brings a fleet to rest. */
  readonly guardianFaultEvery: number
  /** Effects before or behind which an orchestrator is paused until guardians have acted. */
  readonly resumeEvery: number
}

/** A world in which somebody was killed just now. */
interface Point {
  readonly what: string
  readonly world: World
}

const back = { live: 'blue', attempt: 1 } as const
const longMs = 900_000
/** Past the lease, and past what guardians take behind it. */
const pausedMs = 45_000
const lockKey = routeKeys(fleet).lock
/** Both, or one alone. */
const besides = [colours, ['blue'], ['green']] as const
const guardianFaults: readonly CallFault[] = [
  { kind: 'crash', when: 'before' },
  { kind: 'crash', when: 'after' },
  { kind: 'pause', when: 'before', ms: pausedMs },
  { kind: 'lost', landsAfterMs: null, heard: 'silence' },
  { kind: 'lost', landsAfterMs: 0, heard: 'break' },
  { kind: 'lost', landsAfterMs: 12_000, heard: 'silence' },
]

export async function exploreGuardians(tally: Tally, reach: GuardianReach, places: readonly Place[]): Promise<void> {
  const points = places.filter(({ isEffect: hasEffect }) => hasEffect).flatMap(pointsOf)
  for (const [index, point] of everyNth(points, reach.guardedEvery)) await alone(tally, point, index)
  for (const [index, point] of everyNth(points, reach.besideEvery)) await beside(tally, point, index)
  await broken(tally, points, reach.guardianFaultEvery)
  await resumed(tally, reach, places)
}

function pointsOf({ call, name, before, after }: Place): readonly Point[] {
  const behind = after === null ? [] : [{ what: `killed behind request ${call} (${name})`, world: after }]
  return [{ what: `killed before request ${call} (${name})`, world: before }, ...behind]
}

async function alone(tally: Tally, { what, world }: Point, index: number): Promise<void> {
  const standing = besides[index % besides.length] ?? colours
  const simulation = new Simulation(copyOf(world))
  await tally.judge(`${what}, then nobody but guardians beside ${standing.join(' and ')}`, simulation, async () => {
    for (const colour of standing) startGuardian(simulation, colour)
    await untilAtRest(simulation)
    await settle(simulation, { intent: index % 2 === 0 ? forward : back })
  })
}

/** A run of somebody who wants something begins in the moment in which the lock is free, and so do two guardians that wait equally long. */
async function beside(tally: Tally, { what, world }: Point, index: number): Promise<void> {
  const intent = index % 2 === 0 ? back : forward
  const simulation = new Simulation(copyOf(world))
  let left = index
  await tally.judge(`${what}, then two guardians and an orchestrator at once, order ${index}`, simulation, async () => {
    for (const colour of colours) startGuardian(simulation, colour, 101)
    await simulation.run(() => simulation.world.etcd.keys[lockKey] === undefined, longMs, 'the lease to end')
    const run = startMove(simulation, 'O2', intent)
    simulation.choose = (count) => {
      const choice = left % count
      left = Math.floor(left / count)
      return choice
    }
    await simulation.run(() => run.outcome !== null, longMs, 'the orchestrator to end')
    simulation.choose = null
    await untilAtRest(simulation)
    await settle(simulation, { intent: forward })
  })
}

/** A guardian that acts is killed, paused, or loses an answer; the other one is there. */
async function broken(tally: Tally, points: readonly Point[], every: number): Promise<void> {
  if (every === 0) return
  const open = points.filter(({ world }) => routeOf(world)?.state !== 'open')
  const faults: { readonly point: Point; readonly who: string; readonly call: number; readonly fault: CallFault }[] = []
  for (const point of [open[0], open.at(-1)].flatMap((found) => (found === undefined ? [] : [found]))) {
    const acts = await callsOfGuardians(point.world)
    for (const { who, call } of acts) for (const fault of guardianFaults) faults.push({ point, who, call, fault })
  }
  for (const [index, { point, who, call, fault }] of everyNth(faults, every)) {
    const simulation = new Simulation(copyOf(point.world), { faults: (actor, made) => (actor.name === who && made === call ? fault : null) })
    await tally.judge(`${point.what}; request ${call} of ${who}: ${JSON.stringify(fault)}`, simulation, async () => {
      startGuardians(simulation)
      await untilAtRest(simulation)
      await settle(simulation, { intent: index % 2 === 0 ? forward : back })
    })
  }
}

/** Each request with an effect that guardians make until the fleet is at rest. */
async function callsOfGuardians(world: World): Promise<readonly { readonly who: string; readonly call: number }[]> {
  const simulation = new Simulation(copyOf(world))
  const calls: { readonly who: string; readonly call: number }[] = []
  simulation.onRequest.push(({ name: who }, call, name, args) => {
    if (name !== 'etcd keep alive' && isEffect(name, args)) calls.push({ who, call })
  })
  startGuardians(simulation)
  await simulation.run(() => isAtRest(simulation.world), longMs, 'guardians to bring the fleet to rest')
  return calls
}

/** F56, F90: paused past its lease; guardians bring the fleet to rest, then it goes on. */
async function resumed(tally: Tally, { fleet: options, resumeEvery }: GuardianReach, places: readonly Place[]): Promise<void> {
  const all = places.filter((place) => place.isEffect).flatMap((place) => (['before', 'after'] as const).map((when) => ({ ...place, when })))
  for (const [index, { call, name, when }] of everyNth(all, resumeEvery)) {
    const fault = { kind: 'pause', when, ms: pausedMs } as const
    const simulation = new Simulation(await newFleet(options), { faults: (actor, made) => (actor.name === 'O1' && made === call ? fault : null) })
    await tally.judge(`guardians stand by; paused ${when} request ${call} (${name}) for ${pausedMs} ms`, simulation, async () => {
      startGuardians(simulation)
      await untilRegistered(simulation)
      const first = startMove(simulation, 'O1', forward)
      await simulation.run(() => first.outcome !== null, longMs, 'the orchestrator to end')
      await untilAtRest(simulation)
      await settle(simulation, { intent: index % 2 === 0 ? forward : back })
    })
  }
}
