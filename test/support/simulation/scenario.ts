/** A scenario: one switchover blue -> green, with faults at chosen moments and how it has to end. */
import type { Colour } from '../../../engine/model/colour.ts'
import { KbgError } from '../../../engine/model/error.ts'
import type { RouteState } from '../../../engine/model/route.ts'
import type { Intent } from '../../../engine/model/wiring.ts'
import type { Actor, CallFault, Outcome } from './actor.ts'
import { type FleetOptions, newFleet, startMove } from './fleet.ts'
import { routeOf } from './invariants.ts'
import { isEffect, type OperationName } from './operations.ts'
import { settle } from './settle.ts'
import { Simulation } from './simulation.ts'
import type { World } from './world.ts'

/** How the switchover under faults has to end, and where traffic is when everything is settled. */
export interface Expected {
  /** `done`, or the code of the refusal; several: any of them. */
  readonly ends: readonly string[]
  readonly live: Colour
  /** Clients notice nothing. */
  readonly isGraceful?: boolean
}

export interface Scenario {
  readonly faults: string
  readonly expected: Expected
  readonly fleet?: FleetOptions
  /** What the run after the faults wants; the same again unless said otherwise. */
  readonly intent?: Pick<Intent, 'live' | 'attempt'>
  /** Puts the faults where they belong; asynchronous for what has to happen before the switchover begins. */
  readonly arrange?: (simulation: Simulation) => Promise<void> | void
  /** Instead of one orchestrator. */
  readonly act?: (simulation: Simulation) => Promise<Outcome | null>
}

export const forward = { live: 'green', attempt: 0 } as const
export const longMs = 900_000

/** What a scenario ended with. */
export interface ScenarioRun {
  readonly simulation: Simulation
  /** How it ended: `done`, or the code of the refusal. */
  readonly ended: string
}

export async function runScenario({ fleet, expected, intent = forward, arrange, act = oneOrchestrator }: Scenario): Promise<ScenarioRun> {
  const simulation = new Simulation(await newFleet(fleet))
  await arrange?.(simulation)
  const outcome = await act(simulation)
  await settle(simulation, { intent, isGraceful: expected.isGraceful ?? false, movesOn: true })
  return { simulation, ended: endOf(outcome) }
}

function endOf(outcome: Outcome | null): string {
  if (outcome === null) return 'killed'
  if (outcome.kind === 'done') return 'done'
  return outcome.error instanceof KbgError ? outcome.error.code : String(outcome.error)
}

async function oneOrchestrator(simulation: Simulation): Promise<Outcome | null> {
  const first = startMove(simulation, 'O1', forward)
  await simulation.run(() => first.outcome !== null || !first.isAlive, longMs, 'the switchover')
  return first.outcome
}

/** Does something once, behind the first effect of which the condition holds. */
export function once(simulation: Simulation, isMoment: (name: OperationName, world: World) => boolean, what: string, happens: (world: World) => void): void {
  let isOver = false
  simulation.onEffect.push((_, __, name) => {
    if (isOver || !isMoment(name, simulation.world)) return
    isOver = true
    simulation.note('the machine', what)
    happens(simulation.world)
  })
}

/** Behind an operation of that name. */
export const behind = (wanted: OperationName) => (name: OperationName) => name === wanted
/** Behind the first effect under a route of that state. */
export const whenRoute = (state: RouteState) => (_: OperationName, world: World) => routeOf(world)?.state === state

/** A fault of an orchestrator's first request of that name under a route of that state. */
export function faultAt(simulation: Simulation, state: RouteState, wanted: OperationName, fault: CallFault, actor = 'O1'): void {
  let isOver = false
  simulation.faults = ({ name: who }: Actor, _, name, args) => {
    if (isOver || who !== actor || name !== wanted || !isEffect(name, args) || routeOf(simulation.world)?.state !== state) return null
    isOver = true
    return fault
  }
}

/** The write that decides: the first one behind the proofs, when the mirror is fenced off. */
export function faultAtDecision(simulation: Simulation, fault: CallFault): void {
  let isOver = false
  simulation.faults = ({ name: who }, _, name, args) => {
    if (isOver || who !== 'O1' || name !== 'etcd transaction' || !isEffect(name, args) || !simulation.world.clusters.blue.isMirrorFenced) return null
    isOver = true
    return fault
  }
}
