/** One switchover, broken at every one of its requests: killed before and after, answers lost, paused past its lease; each continued by a rerun, a way back, and two at once. */
import type { Intent } from '../../../engine/model/wiring.ts'
import type { CallFault } from './actor.ts'
import { fingerprint } from './fingerprint.ts'
import { type FleetOptions, newFleet, startMove } from './fleet.ts'
import { isEffect, type OperationName } from './operations.ts'
import { settle } from './settle.ts'
import { Simulation } from './simulation.ts'
import { copyOf, type World } from './world.ts'

/** How far the exploration goes: of the kinds of faults every n-th place is tried; 1: all. */
export interface Reach {
  readonly fleet: FleetOptions
  /** Crashes where the switchover stands at a point that was not tried before; 0: none. */
  readonly crashEvery: number
  /** Crash also where it stands at the same point as before, and only clients have gone on. */
  readonly isExhaustive: boolean
  readonly lostEvery: number
  readonly pauseEvery: number
  /** How many choices of what takes effect next are tried in all ways, where two orchestrators begin at once. */
  readonly depth: number
}

/** What an exploration has found. */
export interface Explored {
  readonly scenarios: number
  /** Points that a switchover stood at, see {@link fingerprint}. */
  readonly states: number
  readonly requests: number
  readonly excepted: number
  readonly failures: readonly Failure[]
}

export interface Failure {
  /** What was done, so that it can be repeated. */
  readonly scenario: string
  readonly simulation: Simulation
}

type Wanted = Pick<Intent, 'live' | 'attempt'>

const forward: Wanted = { live: 'green', attempt: 0 }
const back: Wanted = { live: 'blue', attempt: 1 }
/** Of those due next so many may be chosen. */
const choices = 3
const longMs = 900_000

/** A request of the undisturbed switchover. */
interface Place {
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
  return explorer.explored(places.length)
}

class Explorer {
  readonly #reach: Reach
  readonly #states = new Set<string>()
  readonly #tried = new Set<string>()
  readonly #failures: Failure[] = []
  #scenarios = 0
  #excepted = 0

  constructor(reach: Reach) {
    this.#reach = reach
  }

  explored(requests: number): Explored {
    return { scenarios: this.#scenarios, states: this.#states.size, requests, excepted: this.#excepted, failures: this.#failures }
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
    await this.#judge('no fault', simulation, async () => {
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
    const { crashEvery } = this.#reach
    if (crashEvery === 0) return
    for (const [index, place] of places.entries()) {
      for (const [when, world] of [['before', place.before] as const, ['after', place.after] as const]) {
        if (world === null || !this.#isNew(world) || index % crashEvery > 0) continue
        const what = `killed ${when} request ${place.call} (${place.name})`
        for (const intent of [forward, back]) {
          const simulation = new Simulation(copyOf(world))
          await this.#judge(`${what}, then ${intent.live}`, simulation, () => settle(simulation, { intent }))
        }
        await this.#twoAtOnce(what, world)
      }
    }
  }

  /** Two orchestrators that want different things begin when the lock is free, in every order of their first effects. */
  async #twoAtOnce(what: string, world: World): Promise<void> {
    for (let order = 0; order < choices ** this.#reach.depth; order += 1) {
      const simulation = new Simulation(copyOf(world))
      await this.#judge(`${what}, then two at once, order ${order}`, simulation, async () => {
        await simulation.run(() => simulation.world.etcd.keys['/kbg/sim/lock'] === undefined, longMs, 'the lease to end')
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
    const { lostEvery } = this.#reach
    if (lostEvery === 0) return
    for (const [index, place] of places.entries()) {
      if (index % lostEvery > 0) continue
      for (const fault of lossesOf(place)) await this.#disturbed(place, fault, index % 2 === 0 ? forward : back)
    }
  }

  /** Paused past its lease, before the request is sent or behind it; somebody else goes on meanwhile. */
  async pauses(places: readonly Place[]): Promise<void> {
    const { pauseEvery } = this.#reach
    if (pauseEvery === 0) return
    for (const [index, place] of places.filter((one) => one.isEffect).entries()) {
      if (index % pauseEvery > 0) continue
      for (const when of ['before', 'after'] as const) {
        for (const ms of [11_000, 13_000]) {
          const simulation = new Simulation(await newFleet(this.#reach.fleet), { faults: at(place.call, { kind: 'pause', when, ms }) })
          await this.#judge(`paused ${when} request ${place.call} (${place.name}) for ${ms} ms`, simulation, async () => {
            const first = startMove(simulation, 'O1', forward)
            await simulation.run(() => first.isPaused || first.outcome !== null, longMs, 'the pause')
            await simulation.run(() => simulation.world.etcd.keys['/kbg/sim/lock'] === undefined || first.outcome !== null, longMs, 'the lease to end')
            const second = startMove(simulation, 'O2', index % 2 === 0 ? back : forward)
            await simulation.run(() => first.outcome !== null && second.outcome !== null, longMs, 'both to end')
            await settle(simulation, { intent: forward })
          })
        }
      }
    }
  }

  async #disturbed(place: Place, fault: CallFault, intent: Wanted): Promise<void> {
    const simulation = new Simulation(await newFleet(this.#reach.fleet), { faults: at(place.call, fault) })
    await this.#judge(`request ${place.call} (${place.name}): ${JSON.stringify(fault)}, then ${intent.live}`, simulation, async () => {
      const first = startMove(simulation, 'O1', forward)
      await simulation.run(() => first.outcome !== null, longMs, 'the switchover')
      await settle(simulation, { intent })
    })
  }

  async #judge(scenario: string, simulation: Simulation, work: () => Promise<unknown>): Promise<void> {
    this.#scenarios += 1
    simulation.onEffect.push(() => this.#states.add(fingerprint(simulation.world)))
    const { history } = simulation.world
    try {
      await work()
    } catch (thrown) {
      history.violations.push({ invariant: 'the run itself', text: String(thrown), atMs: simulation.world.nowMs })
    }
    this.#excepted += history.excepted.length
    if (history.violations.length > 0) this.#failures.push({ scenario, simulation })
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
