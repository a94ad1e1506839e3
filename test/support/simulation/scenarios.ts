/** Faults at chosen moments of one switchover blue -> green, each with how it has to end. Numbers are those of docs/faults.md. A trace that has broken something stays here. */
import type { Outcome } from './actor.ts'
import { killBroker, logOf, pauseBroker, stallFollower, valueAt, visibleOffsets } from './brokers.ts'
import { groupOf } from './consumers.ts'
import { takeStoreAway } from './etcd.ts'
import { startMove } from './fleet.ts'
import { guardianScenarios } from './guardian-scenarios.ts'
import { restartWorker } from './mirror.ts'
import { groups } from './names.ts'
import { publicationScenarios } from './publication-scenarios.ts'
import { behind, faultAt, faultAtDecision, forward, longMs, once, type Scenario, whenRoute } from './scenario.ts'
import { pass, runOnce } from './settle.ts'
import type { Simulation } from './simulation.ts'
import type { World } from './world.ts'

function jump(world: World, ms: number): void {
  world.wallOffsetMs = ms
}

function slowMirror(world: World): void {
  world.habits = { ...world.habits, copy: [500, 500] }
}

/** On the source, where the group has no member that anybody could see. */
function readOneMore(world: World): void {
  const offsets = groupOf(world, 'blue', groups.idle).offsets
  const log = logOf(world.clusters.blue, 'orders-0')
  const [offset] = visibleOffsets(log, offsets['orders-0'] ?? 0, log.records.length)
  if (offset === undefined) throw new Error('the idle group has nothing to read')
  offsets['orders-0'] = offset + 1
  const value = valueAt(log, offset)
  world.history.consumed[groups.idle]?.push({ value, colour: 'blue' })
  Object.assign(world.history.committed[groups.idle] ?? {}, { [value]: true })
}

/** A request that is past its permission check waits until it is let go. */
function letStragglerGo(world: World): void {
  for (const entry of world.agenda) if (entry.event.kind === 'append-late') entry.atMs = world.nowMs
}

function straggleBehindArm(simulation: Simulation): void {
  once(simulation, behind('create connector'), 'a request passes its permission check, and is held up before the log', (world) => {
    world.straggleMs = longMs
  })
}

/** Two moves: the first is taken back, and what it lost lands while the second is decided and its orchestrator is dead. */
async function lateLiftOverDecision(simulation: Simulation): Promise<Outcome | null> {
  once(simulation, behind('create connector'), 'a follower of orders-0 on blue stalls for 20 s', (world) =>
    stallFollower(world, world.clusters.blue, 'orders-0', 20_000),
  )
  faultAt(simulation, 'aborting', 'lift fence', { kind: 'lost', landsAfterMs: 60_000, heard: 'break' })
  await runOnce(simulation, 'O1', forward)
  await simulation.run(() => !simulation.world.clusters.blue.logs['orders-0']?.isStalled, longMs, 'the follower to fetch again')
  faultAt(simulation, 'deciding', 'lift fence', { kind: 'crash', when: 'before' }, 'O2')
  const second = startMove(simulation, 'O2', { live: 'green', attempt: 1 })
  await simulation.run(() => !second.isAlive || second.outcome !== null, longMs, 'the second switchover')
  return second.outcome
}

export const scenarios: Readonly<Record<string, Scenario>> = {
  ...guardianScenarios,
  ...publicationScenarios,
  'nothing goes wrong': { faults: '', expected: { ends: ['done'], live: 'green', isGraceful: true } },
  'nothing goes wrong, with an audit and transactions': {
    ...{ faults: '', fleet: { hasAudit: true, hasTransactions: true } },
    expected: { ends: ['done'], live: 'green', isGraceful: true },
  },
  'wall clocks jump by five minutes': {
    ...{ faults: 'F70', fleet: { hasAudit: true } },
    expected: { ends: ['done'], live: 'green', isGraceful: true },
    arrange: (simulation) => {
      once(simulation, whenRoute('held'), "people's clocks jump ahead", (world) => jump(world, 300_000))
      once(simulation, whenRoute('deciding'), "people's clocks jump back", (world) => jump(world, -300_000))
    },
  },
  'a follower stalls before the hold, for longer than the drain may take': {
    ...{ faults: 'F87', expected: { ends: ['aborted'], live: 'green' }, intent: { live: 'green', attempt: 1 } },
    arrange: (simulation) =>
      once(simulation, behind('create connector'), 'a follower of orders-0 on blue stalls', (world) =>
        stallFollower(world, world.clusters.blue, 'orders-0', 20_000),
      ),
  },
  'a follower stalls before the hold, for a moment': {
    ...{ faults: 'F87', expected: { ends: ['done'], live: 'green' } },
    arrange: (simulation) =>
      once(simulation, behind('create connector'), 'a follower of orders-0 on blue stalls', (world) =>
        stallFollower(world, world.clusters.blue, 'orders-0', 4_000),
      ),
  },
  'one broker learns of fences half a second late': {
    ...{ faults: 'F62', expected: { ends: ['done'], live: 'green', isGraceful: true } },
    arrange: ({ world }) => {
      for (const cluster of Object.values(world.clusters)) for (const broker of cluster.brokers.slice(1, 2)) broker.extraLearnMs = 500
    },
  },
  'a broker is paused through the fence': {
    ...{ faults: 'F88', expected: { ends: ['done'], live: 'green' } },
    arrange: (simulation) =>
      once(simulation, whenRoute('held'), 'broker 2 of blue is paused for 3 s', (world) => pauseBroker(world, world.clusters.blue, 2, 3_000)),
  },
  'a broker is paused for a moment, and learns of the fence two seconds late': {
    ...{ faults: 'F88', expected: { ends: ['done'], live: 'green' } },
    arrange: (simulation) =>
      once(simulation, whenRoute('held'), 'broker 2 of blue is paused for 2.2 s', ({ clusters }) => {
        pauseBroker(simulation.world, clusters.blue, 2, 2_200)
        for (const broker of clusters.blue.brokers) if (broker.id === 2) broker.extraLearnMs = 2_000
      }),
  },
  'a broker is paused for longer than the fence may take': {
    ...{ faults: 'F88', expected: { ends: ['aborted'], live: 'green' }, intent: { live: 'green', attempt: 1 } },
    arrange: (simulation) =>
      once(simulation, whenRoute('held'), 'broker 2 of blue is paused for 30 s', (world) => pauseBroker(world, world.clusters.blue, 2, 30_000)),
  },
  'a broker of the source is killed during the drain': {
    ...{ faults: 'F71', expected: { ends: ['aborted', 'done'], live: 'green' }, intent: { live: 'green', attempt: 1 } },
    arrange: (simulation) =>
      once(simulation, behind('raise fence'), 'broker 2 of blue is killed', (world) => killBroker(world, world.clusters.blue, 2, 20_000)),
  },
  'the worker that copies is killed behind the decision': {
    ...{ faults: 'F26', expected: { ends: ['unfinished', 'done'], live: 'green' } },
    arrange: (simulation) =>
      once(simulation, whenRoute('deciding'), 'the worker beside green is killed for 200 ms', (world) => restartWorker(world, 'green', 200)),
  },
  'a broker of the target is killed at the flip': {
    ...{ faults: 'F71', expected: { ends: ['done'], live: 'green' } },
    arrange: (simulation) =>
      once(simulation, whenRoute('deciding'), 'broker 12 of green is killed', (world) => killBroker(world, world.clusters.green, 12, 20_000)),
  },
  'the store is away while clients are held': {
    ...{ faults: 'F58', expected: { ends: ['done', 'aborted'], live: 'green' }, intent: { live: 'green', attempt: 1 } },
    arrange: (simulation) => once(simulation, whenRoute('held'), 'the store is away for 3 s', (world) => takeStoreAway(world, 3_000)),
  },
  'the store is away for longer than the lease': {
    ...{ faults: 'F58', expected: { ends: ['lock-lost', 'outcome-unknown'], live: 'green' }, intent: { live: 'green', attempt: 1 } },
    arrange: (simulation) => once(simulation, behind('raise fence'), 'the store is away for 30 s', (world) => takeStoreAway(world, 30_000)),
  },
  'the mirror is slow': {
    ...{ faults: 'F65', expected: { ends: ['done'], live: 'green', isGraceful: true } },
    arrange: (simulation) => once(simulation, whenRoute('held'), 'the mirror takes half a second for each step', slowMirror),
  },
  'the worker of the mirror is killed at the hold': {
    ...{ faults: 'F26', expected: { ends: ['done'], live: 'green' }, fleet: { hasTransactions: true } },
    arrange: (simulation) => once(simulation, whenRoute('held'), 'the worker beside green is killed for 4 s', (world) => restartWorker(world, 'green', 4_000)),
  },
  'a transaction is committed behind the fence': {
    ...{ faults: 'F94', expected: { ends: ['done'], live: 'green' }, fleet: { hasTransactions: true } },
    arrange: ({ world }) => {
      world.habits = { ...world.habits, transaction: [3_000, 3_000], aborts: 0 }
    },
  },
  'a transaction hangs at the fence': {
    ...{ faults: 'F11', expected: { ends: ['aborted'], live: 'green' }, intent: { live: 'green', attempt: 1 }, fleet: { hasTransactions: true } },
    arrange: ({ world }) => {
      world.habits = { ...world.habits, transaction: [16_000, 16_000], aborts: 0 }
    },
  },
  'somebody commits for a group while it is translated': {
    ...{ faults: 'F52', expected: { ends: ['done'], live: 'green' } },
    arrange: (simulation) => once(simulation, behind('commit offsets'), 'a member of the idle group has read one record more, and commits', readOneMore),
  },
  'a producer hears of the route five seconds late': {
    ...{ faults: 'F57', expected: { ends: ['done'], live: 'green' } },
    arrange: ({ world }) => void Object.assign(world.producers.p2?.follows ?? {}, { extraMs: 5_000 }),
  },
  'a consumer hears of the route a second late': {
    ...{ faults: 'F57', expected: { ends: ['done'], live: 'green', isGraceful: true } },
    arrange: ({ world }) => {
      Object.assign(world.consumers.c1?.follows ?? {}, { extraMs: 1_000 })
      Object.assign(world.consumers.c1 ?? {}, { uncommitted: -1_000 }) // it commits when it leaves, and not before
    },
  },
  'a consumer hears of the route a minute late': {
    ...{ faults: 'F57', expected: { ends: ['done'], live: 'green' } },
    arrange: ({ world }) => void Object.assign(world.consumers.c1?.follows ?? {}, { extraMs: 60_000 }),
  },
  'the mirror says that it runs, and copies nothing': {
    ...{ faults: 'F29', expected: { ends: ['gate'], live: 'green' }, intent: { live: 'green', attempt: 1 } },
    arrange: async (simulation) => {
      for (const connector of Object.values(simulation.world.workers.green.connectors)) connector.isMute = true
      await pass(simulation, 6_000)
    },
  },
  'a late request is appended between the drain and the cut': {
    ...{ faults: 'F63', expected: { ends: ['aborted'], live: 'green' }, intent: { live: 'green', attempt: 1 } },
    arrange: (simulation) => {
      straggleBehindArm(simulation)
      simulation.onRequest.push((_, __, name) => {
        if (name === 'fence transactional id') letStragglerGo(simulation.world)
      })
    },
  },
  'a late request is appended behind the decision': {
    ...{ faults: 'F63', expected: { ends: ['done'], live: 'green' } },
    arrange: (simulation) => {
      straggleBehindArm(simulation)
      once(simulation, whenRoute('deciding'), 'it is appended', letStragglerGo)
    },
  },
  'an orchestrator is killed between the hold and the fence': {
    ...{ faults: 'F54', expected: { ends: ['killed'], live: 'green' }, intent: { live: 'green', attempt: 1 } },
    arrange: (simulation) => faultAt(simulation, 'held', 'raise fence', { kind: 'crash', when: 'before' }),
  },
  'the answer to the decision is lost': {
    ...{ faults: 'F54', expected: { ends: ['lock-lost'], live: 'green' } },
    arrange: (simulation) => faultAtDecision(simulation, { kind: 'lost', landsAfterMs: 0, heard: 'silence' }),
  },
  'the decision lands while it is being taken back': {
    ...{ faults: 'F90', expected: { ends: ['aborted'], live: 'green' }, intent: { live: 'green', attempt: 1 } },
    arrange: (simulation) => faultAtDecision(simulation, { kind: 'lost', landsAfterMs: 5_020, heard: 'silence' }),
  },
  'an orchestrator is paused past its lease before a write': {
    ...{ faults: 'F56', expected: { ends: ['lock-lost', 'lost-race'], live: 'green' }, intent: { live: 'green', attempt: 1 } },
    arrange: (simulation) => faultAtDecision(simulation, { kind: 'pause', when: 'before', ms: 13_000 }),
  },
  'the request that raises the fence lands minutes later': {
    ...{ faults: 'F89', expected: { ends: ['aborted'], live: 'green' } },
    intent: { live: 'green', attempt: 1 },
    arrange: (simulation) => faultAt(simulation, 'held', 'raise fence', { kind: 'lost', landsAfterMs: 240_000, heard: 'silence' }),
  },
  'the request that lifted the fence lands once more, over a later decision': {
    ...{ faults: 'F89, F90', expected: { ends: ['killed'], live: 'green' }, intent: { live: 'green', attempt: 1 } },
    act: lateLiftOverDecision,
  },
}
