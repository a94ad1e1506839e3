/** Faults of what is published of the route, in a parameter of AWS. It decides nothing, so it holds nobody up; and what comes late to it stays no longer than until a guardian looks. */
import { colours } from '../../../engine/model/colour.ts'
import { routeKeys } from '../../../engine/model/route.ts'
import { publishMs } from '../../../engine/model/route-publication.ts'
import type { Actor, CallFault, Outcome } from './actor.ts'
import { startMove } from './fleet.ts'
import { guarded } from './guardian-scenarios.ts'
import { publishedAgainMs, startGuardian, untilRegistered } from './guardians.ts'
import { routeOf, violate } from './invariants.ts'
import { fleet } from './names.ts'
import { checkParameter, type SimulatedParameter } from './parameter.ts'
import { faultAt, forward, longMs, once, type Scenario, whenRoute } from './scenario.ts'
import { pass } from './settle.ts'
import type { Simulation } from './simulation.ts'

const lockKey = routeKeys(fleet).lock
/** Producers of this fleet are held for a tenth of that where nothing goes wrong. */
const heldMs = 1_000
/** Behind the lock: the write that has begun, and the newest one. */
const lastWordMs = 2 * publishMs + 1_000

/** One orchestrator, which nothing that is published holds up: no producer, no lock, and its own end by some seconds at most. */
async function unhindered(simulation: Simulation): Promise<Outcome | null> {
  const { world } = simulation
  let heldSinceMs: number | null = null
  let freeSinceMs: number | null = null
  const first = startMove(simulation, 'O1', forward)
  simulation.onStep.push(() => {
    if (first.outcome !== null) return
    heldSinceMs = routeOf(world)?.state === 'open' ? null : (heldSinceMs ?? world.nowMs)
    if (heldSinceMs !== null && world.nowMs - heldSinceMs > heldMs) violate(world, 'I9', `producers were held for more than ${heldMs} ms, by what is published`)
    if (routeOf(world)?.live === 'green' && world.etcd.keys[lockKey] === undefined) freeSinceMs ??= world.nowMs
  })
  await simulation.run(() => first.outcome !== null, longMs, 'the switchover')
  if (freeSinceMs === null) violate(world, 'I9', 'the lock was not free before the run had ended')
  else if (world.nowMs - freeSinceMs > lastWordMs) violate(world, 'I9', `the run ended more than ${lastWordMs} ms behind its lock`)
  return first.outcome
}

/** What `act` leaves is put right by guardians alone. */
function thenPublished(act: (simulation: Simulation) => Promise<Outcome | null>): (simulation: Simulation) => Promise<Outcome | null> {
  return async (simulation) => {
    const outcome = await act(simulation)
    await simulation.run(() => !simulation.world.agenda.some(({ event }) => event.kind === 'land'), longMs, 'what was lost to land')
    await pass(simulation, publishedAgainMs)
    checkParameter(simulation.world)
    return outcome
  }
}

/** Its orchestrator says it itself, to the end. */
async function toldAtItsEnd(simulation: Simulation): Promise<Outcome | null> {
  const outcome = await unhindered(simulation)
  checkParameter(simulation.world)
  return outcome
}

/** Both guardians find what a killed orchestrator hasn't published at the same moment, and one of them is held up before it writes. */
async function together(simulation: Simulation): Promise<Outcome | null> {
  for (const colour of colours) startGuardian(simulation, colour, 101)
  await untilRegistered(simulation)
  const faults: readonly (readonly [string, CallFault])[] = [
    ['O1', { kind: 'crash', when: 'before' }],
    ['guardian blue', { kind: 'pause', when: 'before', ms: 3_000 }],
  ]
  const left = new Map(faults)
  simulation.faults = ({ name: who }: Actor, _, name) => {
    const fault = left.get(who)
    if (fault === undefined || name !== 'put parameter' || routeOf(simulation.world)?.state !== 'deciding') return null
    left.delete(who)
    return fault
  }
  const first = startMove(simulation, 'O1', forward)
  await simulation.run(() => !first.isAlive || first.outcome !== null, longMs, 'the switchover')
  return first.outcome
}

/** At the moment of the hold. */
function sick(what: string, change: (nowMs: number) => Partial<SimulatedParameter>): (simulation: Simulation) => void {
  return (simulation) => once(simulation, whenRoute('held'), what, ({ parameter, nowMs }) => void Object.assign(parameter ?? {}, change(nowMs)))
}

const done = { fleet: { isPublished: true }, faults: '', expected: { ends: ['done'], live: 'green', isGraceful: true } } as const
const killed = { fleet: { isPublished: true }, faults: 'F54', expected: { ends: ['killed'], live: 'green' } } as const

export const publicationScenarios: Readonly<Record<string, Scenario>> = {
  'the route is published, and nothing goes wrong': { ...done, act: toldAtItsEnd },
  'what is published can not be reached while traffic moves': {
    ...{ ...done, act: unhindered },
    arrange: sick('the parameter is away for a minute', (nowMs) => ({ awayUntilMs: nowMs + 60_000 })),
  },
  'where the route is published nobody answers while traffic moves': {
    ...{ ...done, act: unhindered },
    arrange: sick('the parameter is silent for a minute', (nowMs) => ({ silentUntilMs: nowMs + 60_000 })),
  },
  'what is published is read-only while traffic moves, beside two guardians': {
    ...{ ...done, act: thenPublished(guarded({ live: 'green' })) },
    arrange: sick('the parameter refuses writes for ten seconds', (nowMs) => ({ readOnlyUntilMs: nowMs + 10_000 })),
  },
  'the hold is published half a minute late, over what was published since': {
    ...{ ...done, act: thenPublished(guarded({ live: 'green' })) },
    arrange: (simulation) => faultAt(simulation, 'held', 'put parameter', { kind: 'lost', landsAfterMs: 30_000, heard: 'break' }),
  },
  'an orchestrator is killed between its decision and what it would publish of it, beside two guardians': {
    ...killed,
    act: thenPublished(
      guarded({ live: 'green', arrange: (simulation) => faultAt(simulation, 'deciding', 'put parameter', { kind: 'crash', when: 'before' }) }),
    ),
  },
  'an orchestrator is killed behind its decision, and two guardians publish it at once, one of them late': { ...killed, act: thenPublished(together) },
  'an orchestrator hangs before it publishes the hold, and goes on when a guardian has taken that back and published it': {
    ...{ ...killed, faults: 'F56', expected: { ends: ['lock-lost', 'lost-race'], live: 'green' }, intent: { live: 'green', attempt: 1 } },
    act: thenPublished(
      guarded({
        ...{ beside: ['blue'], live: 'blue' },
        arrange: (simulation) => faultAt(simulation, 'held', 'put parameter', { kind: 'pause', when: 'before', ms: 40_000 }),
      }),
    ),
  },
}
