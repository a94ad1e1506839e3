/** Faults at chosen moments of a switchover beside which guardians stand: nobody else puts things right. */
import { type Colour, colours } from '../../../engine/model/colour.ts'
import type { Ports } from '../../../engine/run/ports.ts'
import type { Actor, CallFault, Outcome } from './actor.ts'
import { takeStoreAway } from './etcd.ts'
import { limits, startMove } from './fleet.ts'
import { startGuardian, startGuardians, untilAtRest, untilRegistered } from './guardians.ts'
import { routeOf, violate } from './invariants.ts'
import { faultAt, faultAtDecision, forward, longMs, once, type Scenario, whenRoute } from './scenario.ts'
import { journalOf, pass, runOnce } from './settle.ts'
import type { Simulation } from './simulation.ts'

interface Guarded {
  /** Beside which colours a guardian stands; both unless said otherwise. */
  readonly beside?: readonly Colour[]
  /** Who is live when the guardians have brought the fleet to rest. */
  readonly live: Colour
  readonly ports?: (ports: Ports) => Ports
  readonly arrange?: (simulation: Simulation, guardians: readonly Actor[]) => void
}

/** One orchestrator beside guardians; when it has ended or is dead, they alone bring the fleet to rest, and it hears of that when it goes on. */
export function guarded({ beside = colours, live, ports, arrange }: Guarded): (simulation: Simulation) => Promise<Outcome | null> {
  return async (simulation) => {
    const guardians = beside.map((colour) => startGuardian(simulation, colour))
    await untilRegistered(simulation)
    const first = startMove(simulation, 'O1', forward, ports)
    arrange?.(simulation, guardians)
    await simulation.run(() => first.outcome !== null || !first.isAlive || hasOvertaken(simulation), longMs, 'the switchover')
    await untilAtRest(simulation)
    const route = routeOf(simulation.world)
    if (route?.live !== live) violate(simulation.world, 'I8', `${route?.live} is live behind the guardians, where ${live} belongs`)
    if (first.isAlive) await simulation.run(() => first.outcome !== null, longMs, 'the orchestrator to go on')
    await pass(simulation, 5_000) // what it has sent late is put back
    return first.outcome
  }
}

/** The lock is a guardian's: whoever held it before is overdue, or has lost it. */
function hasOvertaken({ world }: Simulation): boolean {
  return Object.entries(world.etcd.keys).some(([key, { value }]) => key.endsWith('/lock') && value.includes('guardian beside'))
}

/** The orchestrator hangs before one effect while its keep-alives go on, and goes on long after. */
function hanging(colour: Colour, effect: 'raise' | 'lift', ms: number): (ports: Ports) => Ports {
  return (ports) => {
    const cluster = ports.clusters[colour]
    const fence = { ...cluster.fence }
    fence[effect] = async (deadline) => {
      await ports.clock.sleep(ms)
      await cluster.fence[effect](deadline)
    }
    return { ...ports, clusters: { ...ports.clusters, [colour]: { ...cluster, fence } } }
  }
}

/** Both guardians keep the watch behind the release; one of them is killed in the middle, and the other one ends it, once. */
async function watched(simulation: Simulation): Promise<Outcome | null> {
  const { blue } = startGuardians(simulation)
  await untilRegistered(simulation)
  const outcome = await runOnce(simulation, 'O1', forward)
  await pass(simulation, limits.watchWindowMs / 2)
  blue.crash()
  await pass(simulation, limits.watchWindowMs + 10_000)
  const told = journalOf(simulation.world).flatMap((entry) => (entry.kind === 'watch' ? [entry.what] : []))
  if (told.join() !== 'baseline,begun,passed') violate(simulation.world, 'protocol', `the watch was ${told.join(', ')}`)
  return outcome
}

/** Both see a free lock at the same moment. */
async function together(simulation: Simulation): Promise<Outcome | null> {
  for (const colour of colours) startGuardian(simulation, colour, 101)
  await untilRegistered(simulation)
  const first = startMove(simulation, 'O1', forward)
  await simulation.run(() => !first.isAlive || first.outcome !== null, longMs, 'the switchover')
  await untilAtRest(simulation)
  return first.outcome
}

/**
 * A guardian's request to take an overdue lock away is held up on the way, until the other guardian has done it and a later move holds producers. It has to find another lock there, and leave it alone.
 */
async function lateOverrule(simulation: Simulation): Promise<Outcome | null> {
  startGuardians(simulation)
  await untilRegistered(simulation)
  let isLost = false
  simulation.faults = (actor, _, name, args) => {
    if (isLost || !simulation.guardians.includes(actor) || name !== 'etcd transaction' || !isDeletion(args)) return null
    isLost = true
    return { kind: 'lost', landsAfterMs: longMs, heard: 'silence' }
  }
  const first = startMove(simulation, 'O1', forward, hanging('blue', 'raise', 60_000))
  await simulation.run(() => first.outcome !== null, longMs, 'the first switchover')
  await untilAtRest(simulation)
  once(simulation, whenRoute('held'), "the guardian's old request arrives", ({ agenda, nowMs }) => {
    for (const entry of agenda) if (entry.event.kind === 'land') entry.atMs = nowMs
  })
  const second = startMove(simulation, 'O2', { live: 'green', attempt: 1 })
  await simulation.run(() => second.outcome !== null, longMs, 'the second switchover')
  if (second.outcome?.kind !== 'done') violate(simulation.world, 'I8', 'a later move has lost its lock to a request that was meant for another one')
  return second.outcome
}

function isDeletion(args: unknown): boolean {
  return (args as { readonly success: readonly { readonly kind: string }[] }).success.some(({ kind }) => kind === 'delete')
}

/** A guardian's first request of that name under a route of that state. */
function faultOfGuardian(simulation: Simulation, state: 'held' | 'aborting' | 'deciding', name: 'lift fence' | 'etcd transaction', fault: CallFault): void {
  const before = simulation.faults
  let isOver = false
  simulation.faults = (actor, call, wanted, args) => {
    const isMeant = !isOver && simulation.guardians.includes(actor) && wanted === name && routeOf(simulation.world)?.state === state
    if (!isMeant || (name === 'etcd transaction' && !isWrite(args))) return before(actor, call, wanted, args)
    isOver = true
    return fault
  }
}

function isWrite(args: unknown): boolean {
  return (args as { readonly success: readonly { readonly kind: string; readonly key: string }[] }).success.some(
    ({ kind, key }) => kind === 'put' && key.includes('/journal/'),
  )
}

const killed = { ends: ['killed'], live: 'green' } as const
const again = { intent: { live: 'green', attempt: 1 } } as const
const killedInHold = (simulation: Simulation) => faultAt(simulation, 'held', 'raise fence', { kind: 'crash', when: 'before' })
const killedBehindDecision = (simulation: Simulation) => faultAt(simulation, 'deciding', 'lift fence', { kind: 'crash', when: 'before' })

export const guardianScenarios: Readonly<Record<string, Scenario>> = {
  'guardians stand by, and nothing goes wrong': {
    ...{ faults: '', expected: { ends: ['done'], live: 'green', isGraceful: true } },
    act: guarded({ live: 'green' }),
  },
  'a released target is watched, and one of two guardians is killed meanwhile': {
    ...{ faults: '', expected: { ends: ['done'], live: 'green', isGraceful: true } },
    fleet: { records: 420, habits: { produceEvery: [200, 300] } }, // they send on for as long as they are watched
    act: watched,
  },
  'an orchestrator is killed while producers are held, beside two guardians': {
    ...{ faults: 'F54', expected: killed, ...again },
    act: guarded({ live: 'blue', arrange: killedInHold }),
  },
  'an orchestrator is killed before the hold, beside two guardians': {
    ...{ faults: 'F54', expected: killed },
    act: guarded({ live: 'blue', arrange: (simulation) => faultAt(simulation, 'open', 'create connector', { kind: 'crash', when: 'before' }) }),
  },
  'an orchestrator is killed while producers are held, and only one guardian lives': {
    ...{ faults: 'F54', expected: killed, ...again },
    act: guarded({
      live: 'blue',
      arrange: (simulation, [blue]) => {
        killedInHold(simulation)
        once(simulation, whenRoute('held'), 'the guardian beside blue is killed', () => blue?.crash())
      },
    }),
  },
  'an orchestrator is killed behind its decision, and only the guardian beside blue stands': {
    ...{ faults: 'F54', expected: killed },
    act: guarded({ beside: ['blue'], live: 'green', arrange: killedBehindDecision }),
  },
  'an orchestrator is killed while producers are held, and both guardians see it at the same moment': {
    ...{ faults: 'F54', expected: killed, ...again },
    arrange: killedInHold,
    act: together,
  },
  'the guardian that takes a switchover back is killed before it opens the source': {
    ...{ faults: 'F54', expected: killed, ...again },
    act: guarded({
      live: 'blue',
      arrange: (simulation) => {
        killedInHold(simulation)
        faultOfGuardian(simulation, 'aborting', 'lift fence', { kind: 'crash', when: 'before' })
      },
    }),
  },
  'the guardian that finishes a switchover is killed before it opens the target': {
    ...{ faults: 'F54', expected: killed },
    act: guarded({
      live: 'green',
      arrange: (simulation) => {
        killedBehindDecision(simulation)
        faultOfGuardian(simulation, 'deciding', 'lift fence', { kind: 'crash', when: 'before' })
      },
    }),
  },
  'a guardian is paused past its lease before it decides': {
    ...{ faults: 'F54, F56', expected: killed, ...again },
    act: guarded({
      live: 'blue',
      arrange: (simulation) => {
        killedInHold(simulation)
        faultOfGuardian(simulation, 'held', 'etcd transaction', { kind: 'pause', when: 'before', ms: 40_000 })
      },
    }),
  },
  'the only guardian is paused past its lease before it decides': {
    ...{ faults: 'F54, F56', expected: killed, ...again },
    act: guarded({
      beside: ['blue'],
      live: 'blue',
      arrange: (simulation) => {
        killedInHold(simulation)
        faultOfGuardian(simulation, 'held', 'etcd transaction', { kind: 'pause', when: 'before', ms: 40_000 })
      },
    }),
  },
  'an orchestrator is paused past its lease before its decision, and a guardian takes the switchover back': {
    ...{ faults: 'F56', expected: { ends: ['lock-lost', 'lost-race'], live: 'green' }, ...again },
    act: guarded({ live: 'blue', arrange: (simulation) => faultAtDecision(simulation, { kind: 'pause', when: 'before', ms: 40_000 }) }),
  },
  'an orchestrator is paused past its lease behind its decision, and a guardian finishes the switchover': {
    ...{ faults: 'F56', expected: { ends: ['lock-lost', 'lost-race', 'unfinished'], live: 'green' } },
    act: guarded({ live: 'green', arrange: (simulation) => faultAtDecision(simulation, { kind: 'pause', when: 'after', ms: 40_000 }) }),
  },
  'an orchestrator hangs before the fence with its lock alive, and goes on when a guardian has taken that': {
    ...{ faults: 'F56, F90', expected: { ends: ['lock-lost', 'lost-race'], live: 'green' }, ...again },
    act: guarded({ live: 'blue', ports: hanging('blue', 'raise', 200_000) }),
  },
  'an orchestrator hangs behind its decision with its lock alive, and goes on when a guardian has taken that': {
    ...{ faults: 'F56, F90', expected: { ends: ['lock-lost', 'lost-race', 'unfinished'], live: 'green' } },
    act: guarded({ live: 'green', ports: hanging('green', 'lift', 200_000) }),
  },
  'a guardian takes an overdue lock away so late that it is the lock of a later move': {
    ...{ faults: 'F56, F90', expected: { ends: ['done'], live: 'green' } },
    intent: { live: 'green', attempt: 1 },
    act: lateOverrule,
  },
  'a decision lands while a guardian takes the switchover back': {
    ...{ faults: 'F90', expected: killed, ...again },
    act: guarded({
      live: 'blue',
      arrange: (simulation) => {
        faultAtDecision(simulation, { kind: 'lost', landsAfterMs: 10_335, heard: 'silence' })
        const lost = simulation.faults
        let isDecided = false
        simulation.faults = (actor, call, name, args) => {
          if (isDecided && actor.name === 'O1') return { kind: 'crash', when: 'before' }
          const fault = lost(actor, call, name, args)
          isDecided ||= fault !== null
          return fault
        }
      },
    }),
  },
  'guardians hear of the route a minute late': {
    ...{ faults: 'F54, F57', expected: killed, ...again },
    act: guarded({
      live: 'blue',
      arrange: (simulation, guardians) => {
        for (const guardian of guardians) guardian.hearsLateMs = 60_000
        killedInHold(simulation)
      },
    }),
  },
  'an orchestrator is killed while producers are held, and the store is away for half a minute': {
    ...{ faults: 'F54, F58', expected: killed, ...again },
    act: guarded({
      live: 'blue',
      arrange: (simulation) => {
        once(simulation, whenRoute('held'), 'the orchestrator is killed, and the store is away for 30 s', (world) => {
          for (const actor of simulation.actors) if (actor.name === 'O1') actor.crash()
          takeStoreAway(world, 30_000)
        })
      },
    }),
  },
  'the request that raises the fence lands minutes later, and nobody but guardians is there': {
    ...{ faults: 'F89', expected: { ends: ['aborted'], live: 'green' }, ...again },
    act: async (simulation) => {
      startGuardians(simulation)
      await untilRegistered(simulation)
      faultAt(simulation, 'held', 'raise fence', { kind: 'lost', landsAfterMs: 240_000, heard: 'silence' })
      const first = startMove(simulation, 'O1', forward)
      await simulation.run(() => first.outcome !== null, longMs, 'the switchover')
      await pass(simulation, 245_000)
      await untilAtRest(simulation)
      return first.outcome
    },
  },
}
