/** One switchover, broken at every one of its requests: killed before and after, answers lost, paused past its lease; each continued by a rerun, a way back, two at once, and guardians. */
import { routeKeys } from '../../../engine/model/route.ts'
import type { Intent } from '../../../engine/model/wiring.ts'
import type { CallFault } from './actor.ts'
import { killBroker, pauseBroker, stallFollower } from './brokers.ts'
import { takeStoreAway } from './etcd.ts'
import { exploreGuardians, type GuardianReach } from './explore-guardians.ts'
import { fingerprint } from './fingerprint.ts'
import { newFleet, startMove } from './fleet.ts'
import { restartWorker } from './mirror.ts'
import { fleet } from './names.ts'
import { isEffect, type OperationName } from './operations.ts'
import { settle } from './settle.ts'
import { Simulation } from './simulation.ts'
import { type Failure, Tally } from './tally.ts'
import { copyOf, type World } from './world.ts'

/** How far an exploration goes: of each kind of fault every n-th one is tried; 1: all, 0: none. */
export interface Reach extends GuardianReach {
  /** Points that a switchover stands at when it is killed before or behind one of its requests. */
  readonly crashEvery: number
  /** Of these points those from which two orchestrators go on at once. */
  readonly twoAtOnceEvery: number
  /** Killed also where it stands at the same point as before, and only clients have gone on. */
  readonly isExhaustive: boolean
  readonly lostEvery: number
  readonly pauseEvery: number
  readonly outageEvery: number
  /** How many choices of what takes effect next are tried in all ways, where two orchestrators begin at once. */
  readonly depth: number
}

/** Everything. */
export const farthest: Omit<Reach, 'fleet'> = {
  ...{ crashEvery: 1, twoAtOnceEvery: 1, isExhaustive: false, lostEvery: 1, pauseEvery: 1, outageEvery: 1, depth: 2 },
  ...{ guardedEvery: 1, besideEvery: 1, guardianFaultEvery: 1, resumeEvery: 1 },
}

/** What an exploration has found. */
export interface Explored {
  readonly scenarios: number
  /** Points that a switchover stood at, see {@link fingerprint}. */
  readonly states: number
  readonly requests: number
  readonly excepted: number
  /** How long producers were held at most while a guardian could help. */
  readonly longestStallMs: number
  readonly failures: readonly Failure[]
}

type Wanted = Pick<Intent, 'live' | 'attempt'>

const forward: Wanted = { live: 'green', attempt: 0 }
const back: Wanted = { live: 'blue', attempt: 1 }
/** Of those due next so many may be chosen. */
const choices = 3
const longMs = 900_000
const lockKey = routeKeys(fleet).lock

/** What may go wrong beside the orchestrator, F57, F58, F63, F71, F87, F88. */
const outages: readonly { readonly what: string; readonly happens: (world: World) => void }[] = [
  { what: 'a follower of orders-0 on blue stalls for 20 s', happens: (world) => stallFollower(world, world.clusters.blue, 'orders-0', 20_000) },
  { what: 'a follower of orders-1 on green stalls for 3 s', happens: (world) => stallFollower(world, world.clusters.green, 'orders-1', 3_000) },
  { what: 'broker 2 of blue is paused for 3 s', happens: (world) => pauseBroker(world, world.clusters.blue, 2, 3_000) },
  { what: 'broker 12 of green is paused for 12 s', happens: (world) => pauseBroker(world, world.clusters.green, 12, 12_000) },
  { what: 'broker 1 of blue is killed for 20 s', happens: (world) => killBroker(world, world.clusters.blue, 1, 20_000) },
  { what: 'broker 11 of green is killed for 20 s', happens: (world) => killBroker(world, world.clusters.green, 11, 20_000) },
  { what: 'the store is away for 2 s', happens: (world) => takeStoreAway(world, 2_000) },
  { what: 'the store is away for 30 s', happens: (world) => takeStoreAway(world, 30_000) },
  { what: 'the worker beside green is killed for 4 s', happens: (world) => restartWorker(world, 'green', 4_000) },
  { what: 'one broker of each colour learns of fences 3 s late', happens: slowBrokers },
  { what: 'the next request is held up between its permission check and the log', happens: (world) => void Object.assign(world, { straggleMs: 120 }) },
]

function slowBrokers({ clusters }: World): void {
  for (const { brokers } of [clusters.blue, clusters.green]) for (const broker of brokers.slice(1, 2)) broker.extraLearnMs = 3_000
}

/** Every n-th, with its index; none for 0. */
export function everyNth<T>(all: readonly T[], every: number): readonly (readonly [number, T])[] {
  if (every === 0) return []
  return all.flatMap((one, index) => (index % every === 0 ? [[index / every, one] as const] : []))
}

/** A request of the undisturbed switchover. */
export interface Place {
  readonly call: number
  readonly name: OperationName
  readonly isEffect: boolean
  /** The worlds in which its sender is killed just before it is sent, and just behind its effect. */
  readonly before: World
  after: World | null
}

export async function explore(reach: Reach): Promise<Explored> {
  const explorer = new Explorer(reach)
  const places = await explorer.undisturbed()
  await explorer.crashes(places)
  await explorer.lostAnswers(places)
  await explorer.pauses(places)
  await explorer.outages(places)
  await exploreGuardians(explorer.tally, reach, places)
  return explorer.tally.explored(places.length)
}

class Explorer {
  readonly #reach: Reach
  readonly #tried = new Set<string>()
  readonly tally = new Tally()

  constructor(reach: Reach) {
    this.#reach = reach
  }

  /** The switchover without faults, with a copy of the world at each of its requests. */
  async undisturbed(): Promise<readonly Place[]> {
    const simulation = new Simulation(await newFleet(this.#reach.fleet))
    const places = new Map<number, Place>()
    simulation.onRequest.push((_, call, name, args) => {
      places.set(call, { call, name, isEffect: isEffect(name, args), before: simulation.withoutActors(), after: null })
    })
    simulation.onEffect.push((_, call) => {
      const place = places.get(call)
      if (place !== undefined) place.after = simulation.withoutActors()
    })
    await this.tally.judge('no fault', simulation, async () => {
      const first = startMove(simulation, 'O1', forward)
      await simulation.run(() => first.outcome !== null, longMs, 'the switchover')
      simulation.onEffect.length = 0
      await settle(simulation, { intent: forward, isGraceful: true, movesOn: true })
      if (first.outcome?.kind === 'failed') throw first.outcome.error
    })
    return [...places.values()]
  }

  /** (a) the same again, (b) back with a new attempt, (c) both at once. */
  async crashes(places: readonly Place[]): Promise<void> {
    const { crashEvery, twoAtOnceEvery } = this.#reach
    const points = places.flatMap(({ call, name, before, after }) =>
      [
        { what: `killed before request ${call} (${name})`, world: before },
        { what: `killed behind request ${call} (${name})`, world: after },
      ].flatMap(({ what, world }) => (world !== null && this.#isNew(world) ? [{ what, world }] : [])),
    )
    for (const [, { what, world }] of everyNth(points, crashEvery)) {
      for (const intent of [forward, back]) {
        const simulation = new Simulation(copyOf(world))
        await this.tally.judge(`${what}, then ${intent.live}`, simulation, () => settle(simulation, { intent }))
      }
    }
    for (const [, { what, world }] of everyNth(points, twoAtOnceEvery)) await this.#twoAtOnce(what, world)
  }

  /** Two orchestrators that want different things begin when the lock is free, in every order of their first effects. */
  async #twoAtOnce(what: string, world: World): Promise<void> {
    for (let order = 0; order < choices ** this.#reach.depth; order += 1) {
      const simulation = new Simulation(copyOf(world))
      await this.tally.judge(`${what}, then two at once, order ${order}`, simulation, async () => {
        await simulation.run(() => simulation.world.etcd.keys[lockKey] === undefined, longMs, 'the lease to end')
        const both = [startMove(simulation, 'O2', forward), startMove(simulation, 'O3', back)]
        let left = order
        let depth = this.#reach.depth
        simulation.choose = (count) => {
          if (depth === 0) return 0
          depth -= 1
          const choice = left % choices
          left = Math.floor(left / choices)
          return Math.min(choice, count - 1)
        }
        await simulation.run(() => both.every(({ outcome }) => outcome !== null), longMs, 'both to end')
        await settle(simulation, { intent: forward })
      })
    }
  }

  /** The answer is lost while the effect comes at once, soon, minutes later, or never. */
  async lostAnswers(places: readonly Place[]): Promise<void> {
    const all = places.flatMap((place) => lossesOf(place).map((fault) => ({ place, fault })))
    for (const [index, { place, fault }] of everyNth(all, this.#reach.lostEvery)) {
      const simulation = new Simulation(await newFleet(this.#reach.fleet), { faults: at(place.call, fault) })
      await this.#undergoes(`request ${place.call} (${place.name}): ${JSON.stringify(fault)}`, simulation, index)
    }
  }

  /** Brokers, followers, the worker, the store, or a client's request, at the moment of each request. */
  async outages(places: readonly Place[]): Promise<void> {
    const all = places.flatMap((place) => outages.map((outage) => ({ place, outage })))
    for (const [index, { place, outage }] of everyNth(all, this.#reach.outageEvery)) {
      const simulation = new Simulation(await newFleet(this.#reach.fleet))
      simulation.onRequest.push((_, call) => {
        if (call !== place.call) return
        simulation.note('the machine', outage.what)
        outage.happens(simulation.world)
      })
      await this.#undergoes(`at request ${place.call} (${place.name}): ${outage.what}`, simulation, index)
    }
  }

  /** Paused past its lease, before the request is sent or behind it; somebody else goes on meanwhile. */
  async pauses(places: readonly Place[]): Promise<void> {
    const pauses = [11_000, 13_000].flatMap((ms) => (['before', 'after'] as const).map((when) => ({ kind: 'pause', when, ms }) as const))
    const all = places.filter((place) => place.isEffect).flatMap((place) => pauses.map((pause) => ({ place, pause })))
    for (const [index, { place, pause }] of everyNth(all, this.#reach.pauseEvery)) {
      const simulation = new Simulation(await newFleet(this.#reach.fleet), { faults: at(place.call, pause) })
      await this.tally.judge(`paused ${pause.when} request ${place.call} (${place.name}) for ${pause.ms} ms`, simulation, async () => {
        const first = startMove(simulation, 'O1', forward)
        await simulation.run(() => first.isPaused || first.outcome !== null, longMs, 'the pause')
        await simulation.run(() => simulation.world.etcd.keys[lockKey] === undefined || first.outcome !== null, longMs, 'the lease to end')
        const second = startMove(simulation, 'O2', index % 2 === 0 ? back : forward)
        await simulation.run(() => first.outcome !== null && second.outcome !== null, longMs, 'both to end')
        await settle(simulation, { intent: forward })
      })
    }
  }

  /** One switchover under its faults, then the same again or back. */
  async #undergoes(what: string, simulation: Simulation, index: number): Promise<void> {
    const intent = index % 2 === 0 ? forward : back
    await this.tally.judge(`${what}, then ${intent.live}`, simulation, async () => {
      const first = startMove(simulation, 'O1', forward)
      await simulation.run(() => first.outcome !== null, longMs, 'the switchover')
      await settle(simulation, { intent })
    })
  }

  #isNew(world: World): boolean {
    const point = fingerprint(world)
    const isNew = !this.#tried.has(point)
    this.#tried.add(point)
    return isNew || this.#reach.isExhaustive
  }
}

function at(call: number, fault: CallFault): (actor: { readonly name: string }, made: number) => CallFault | null {
  return (actor, made) => (actor.name === 'O1' && made === call ? fault : null)
}

function lossesOf({ isEffect: hasEffect }: Place): readonly CallFault[] {
  if (!hasEffect) return [{ kind: 'lost', landsAfterMs: null, heard: 'silence' }]
  return [
    { kind: 'lost', landsAfterMs: 0, heard: 'break' },
    { kind: 'lost', landsAfterMs: null, heard: 'break' },
    { kind: 'lost', landsAfterMs: 0, heard: 'silence' },
    { kind: 'lost', landsAfterMs: 6_000, heard: 'silence' },
    { kind: 'lost', landsAfterMs: 240_000, heard: 'silence' },
  ]
}
