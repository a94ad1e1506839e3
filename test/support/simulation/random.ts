/** A run of which everything is drawn from one number: the fleet, the order of effects, who acts, and what goes wrong. */
import { type Colour, colours } from '../../../engine/model/colour.ts'
import type { Intent } from '../../../engine/model/wiring.ts'
import type { Actor, CallFault } from './actor.ts'
import { killBroker, pauseBroker, stallFollower } from './brokers.ts'
import { takeStoreAway } from './etcd.ts'
import { newFleet, startMove } from './fleet.ts'
import { startGuardian } from './guardians.ts'
import { restartWorker } from './mirror.ts'
import { guardianName } from './names.ts'
import { pass, settle } from './settle.ts'
import { Simulation } from './simulation.ts'
import { applicationPartitions, randomOf, type World } from './world.ts'

/** What a run ended with. */
export interface Run {
  readonly simulation: Simulation
  /** One line for each fault that was planned. */
  readonly planned: readonly string[]
}

/** Numbers of a run's own: the world draws its own ones. */
class Dice {
  readonly #source: { random: number }

  constructor(seed: number) {
    this.#source = { random: Math.imul(seed, 0x9e3779b1) | 0 }
  }

  next(): number {
    return randomOf(this.#source)
  }

  isLucky(probability: number): boolean {
    return this.next() < probability
  }

  between(least: number, most: number): number {
    return least + this.next() * (most - least)
  }

  /** A whole number, `least <= n <= most`. */
  whole(least: number, most: number): number {
    return Math.floor(this.between(least, most + 1))
  }

  one<T>(items: readonly [T, ...T[]]): T {
    return items[this.whole(0, items.length - 1)] ?? items[0]
  }
}

type Wanted = Pick<Intent, 'live' | 'attempt'>

/** Forward, back, and forward by a new attempt. */
const intents: readonly [Wanted, Wanted, Wanted] = [
  { live: 'green', attempt: 0 },
  { live: 'blue', attempt: 1 },
  { live: 'green', attempt: 1 },
]

/** About as many requests as a switchover makes. */
const callsOfMove = 240
/** About as many as a guardian makes while it stands by for some seconds, and brings a fleet to rest. */
const callsOfGuardian = 400
/** Longer than guardians may take. */
const guardedMs = 200_000
/** Behind them the decision and everything after it. */
const lateCalls = 110

/** Far from every seed that is run. */
const publicationSeeds = 1_000_000

/** Runs the seed and judges it: violations stand in the world's history. */
export async function runSeed(seed: number): Promise<Run> {
  const dice = new Dice(seed)
  const ofPublication = new Dice(seed + publicationSeeds) // of its own, so that other seeds are what they were
  const isPublished = ofPublication.isLucky(0.25)
  const world = await newFleet({ hasAudit: dice.isLucky(0.5), hasTransactions: dice.isLucky(0.5), isPublished, seed: 1 + dice.whole(0, 3) })
  world.random = seed
  const simulation = new Simulation(world)
  if (dice.isLucky(0.5)) simulation.choose = (count) => (dice.isLucky(0.7) ? 0 : dice.whole(0, count - 1))
  const planned: string[] = []
  const tell = (line: string) => void planned.push(line)
  disturbClients(world, dice, tell)
  const plans = planCalls(dice, tell)
  const isGuarded = dice.isLucky(0.5)
  if (isGuarded) await planGuardians(simulation, dice, plans, tell)
  simulation.faults = (actor, call) => plans.get(`${actor.name} ${call}`) ?? null
  planActors(simulation, dice, tell)
  planOutages(simulation, dice, tell)
  if (isPublished) planPublication(simulation, ofPublication, tell)
  const first = startMove(simulation, 'O1', intents[0])
  await simulation.run(() => hasEnded(first), 900_000, 'the first orchestrator')
  if (isGuarded && dice.isLucky(0.5)) await pass(simulation, guardedMs)
  const intent = dice.one(intents)
  tell(`the rerun wants ${intent.live}, attempt ${intent.attempt}`)
  const isGraceful = planned.length === (isPublished ? 2 : 1) // the rerun's line, and where it is published
  await settle(simulation, { intent, isGraceful, movesOn: dice.isLucky(0.3) })
  return { simulation, planned }
}

function hasEnded(actor: Actor): boolean {
  return !actor.isAlive || actor.outcome !== null
}

type Tell = (line: string) => void

/** F57, F59, F60, F70. */
function disturbClients(world: World, dice: Dice, tell: Tell): void {
  if (dice.isLucky(0.3)) {
    world.habits = { ...world.habits, newsLost: dice.between(0, 0.5), newsTwice: dice.between(0, 0.5) }
    tell(`news of the route is lost (${world.habits.newsLost.toFixed(2)}) or comes twice (${world.habits.newsTwice.toFixed(2)})`)
  }
  if (dice.isLucky(0.3)) {
    const client = dice.one([...Object.values(world.producers), ...Object.values(world.consumers)] as never) as {
      clientId: string
      follows: { extraMs: number }
    }
    client.follows.extraMs = dice.one([50, 1_000, 5_000])
    tell(`${client.clientId} learns of the route ${client.follows.extraMs} ms late`)
  }
  if (dice.isLucky(0.3)) {
    world.habits = { ...world.habits, copy: [3, dice.one([50, 600])], transaction: [1, dice.one([5, 400, 6_000])], learn: [5, dice.one([40, 400])] }
    tell(
      `copying takes up to ${world.habits.copy[1]} ms, ending a transaction ${world.habits.transaction[1]} ms, learning of a fence ${world.habits.learn[1]} ms`,
    )
  }
  if (dice.isLucky(0.2)) {
    world.wallOffsetMs = dice.between(-300_000, 300_000)
    tell(`people's clocks are off by ${Math.round(world.wallOffsetMs)} ms`)
  }
}

function drawFault(dice: Dice): CallFault {
  const when = dice.one(['before', 'after'] as const)
  switch (dice.whole(0, 3)) {
    case 0:
    case 1:
      return { kind: 'crash', when }
    case 2:
      return { kind: 'pause', when, ms: dice.one([50, 3_000, 12_000, 40_000]) }
    default:
      return { kind: 'lost', landsAfterMs: dice.one([null, 0, 20, 300, 4_000, 60_000, 240_000]), heard: dice.one(['break', 'silence'] as const) }
  }
}

/** F54 to F56, F89, F90: what befalls the requests of up to three orchestrators. */
function planCalls(dice: Dice, tell: Tell): Map<string, CallFault> {
  const plans = new Map<string, CallFault>()
  for (const name of ['O1', 'O2', 'O3']) {
    const count = dice.whole(0, name === 'O1' ? 2 : 1)
    for (let index = 0; index < count; index += 1) {
      const call = dice.isLucky(0.3) ? dice.whole(1, lateCalls) : dice.whole(lateCalls, callsOfMove)
      const fault = drawFault(dice)
      plans.set(`${name} ${call}`, fault)
      tell(`request ${call} of ${name}: ${JSON.stringify(fault)}`)
    }
  }
  return plans
}

/** One guardian or both, from the beginning; what befalls them while they stand by, and while they act. */
async function planGuardians(simulation: Simulation, dice: Dice, plans: Map<string, CallFault>, tell: Tell): Promise<void> {
  const standing = dice.one<readonly Colour[]>([colours, colours, ['blue'], ['green']])
  tell(`guardians stand beside ${standing.join(' and ')}`)
  for (const colour of standing) {
    startGuardian(simulation, colour, 101 + dice.whole(0, 1))
    if (!dice.isLucky(0.5)) continue
    const call = dice.whole(1, callsOfGuardian)
    const fault = drawFault(dice)
    plans.set(`${guardianName(colour)} ${call}`, fault)
    tell(`request ${call} of the guardian beside ${colour}: ${JSON.stringify(fault)}`)
  }
  await pass(simulation, 1_000)
}

/** A second and a third orchestrator, begun in the middle of things. */
function planActors(simulation: Simulation, dice: Dice, tell: Tell): void {
  let requests = 0
  const starts = new Map<number, () => void>()
  for (const name of ['O2', 'O3']) {
    if (!dice.isLucky(0.4)) continue
    const at = dice.whole(20, callsOfMove * 2)
    const intent = dice.one(intents)
    starts.set(at, () => void startMove(simulation, name, intent))
    tell(`${name} begins behind ${at} requests and wants ${intent.live}, attempt ${intent.attempt}`)
  }
  simulation.onRequest.push(() => {
    requests += 1
    starts.get(requests)?.()
  })
}

/** F58, F71, F87, F88: brokers, followers, workers and the store, at the moment of some request. */
function planOutages(simulation: Simulation, dice: Dice, tell: Tell): void {
  const { world } = simulation
  const count = dice.isLucky(0.5) ? dice.whole(1, 2) : 0
  for (let index = 0; index < count; index += 1) {
    const at = dice.isLucky(0.3) ? dice.whole(1, lateCalls) : dice.whole(lateCalls, callsOfMove)
    const { text, happens } = drawOutage(world, dice)
    tell(`behind ${at} requests: ${text}`)
    let requests = 0
    simulation.onRequest.push(() => {
      requests += 1
      if (requests === at) {
        simulation.note('the machine', text)
        happens()
      }
    })
  }
}

/** The parameter that the route is published in is sick from some request on. */
function planPublication(simulation: Simulation, dice: Dice, tell: Tell): void {
  const what = dice.one(['awayUntilMs', 'silentUntilMs', 'readOnlyUntilMs', null] as const)
  const [at, ms] = [dice.whole(1, callsOfMove), dice.one([1_500, 6_000, 20_000])]
  tell(`the route is published${what === null ? '' : `; behind ${at} requests: ${what} for ${ms} ms`}`)
  let requests = 0
  simulation.onRequest.push(() => {
    requests += 1
    const { parameter, nowMs } = simulation.world
    if (requests === at && what !== null && parameter !== null) parameter[what] = nowMs + ms
  })
}

function drawOutage(world: World, dice: Dice): { readonly text: string; readonly happens: () => void } {
  const cluster = world.clusters[dice.one(['blue', 'green'] as const)]
  const { id } = dice.one(cluster.brokers as never) as { id: number }
  const ms = dice.one([30, 1_500, 6_000, 20_000])
  const partition = dice.one(applicationPartitions as never) as string
  switch (dice.whole(0, 5)) {
    case 0:
      return { text: `broker ${id} of ${cluster.colour} is paused for ${ms} ms`, happens: () => pauseBroker(world, cluster, id, ms) }
    case 1:
      return { text: `broker ${id} of ${cluster.colour} is killed and back after ${ms} ms`, happens: () => killBroker(world, cluster, id, ms) }
    case 2:
      return { text: `a follower of ${partition} on ${cluster.colour} stalls for ${ms} ms`, happens: () => stallFollower(world, cluster, partition, ms) }
    case 3:
      return { text: `the store is away for ${ms} ms`, happens: () => takeStoreAway(world, ms) }
    case 4:
      return { text: `the worker beside ${cluster.colour} is killed and back after ${ms} ms`, happens: () => restartWorker(world, cluster.colour, ms) }
    default:
      return { text: `broker ${id} of ${cluster.colour} learns of fences ${ms} ms late`, happens: () => slow(world, cluster.colour, id, ms) }
  }
}

function slow(world: World, colour: World['clusters']['blue']['colour'], id: number, ms: number): void {
  for (const broker of world.clusters[colour].brokers) if (broker.id === id) broker.extraLearnMs = ms
}
