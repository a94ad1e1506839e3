/** A simulated fleet as it stands before a switchover: born fenced, its route created by the real engine, mirrored, with clients at work. */
import { type Colour, colours } from '../../../engine/model/colour.ts'
import { KbgError } from '../../../engine/model/error.ts'
import { Limits } from '../../../engine/model/limits.ts'
import { notPublishedYet } from '../../../engine/model/route-publication.ts'
import type { Intent } from '../../../engine/model/wiring.ts'
import { Deadline } from '../../../engine/ports/clock.ts'
import { createRoute } from '../../../engine/run/create-route.ts'
import type { Ports } from '../../../engine/run/ports.ts'
import { moveLive } from '../../../engine/run/switchover.ts'
import type { Actor } from './actor.ts'
import { logOf, newCluster, valueAt, visibleOffsets } from './brokers.ts'
import { following } from './clients.ts'
import { allPartitions } from './cluster-port.ts'
import { groupOf } from './consumers.ts'
import { newEtcd } from './etcd.ts'
import { after } from './events.ts'
import { groups, guardianName, wiring } from './names.ts'
import { loadPublication } from './ports.ts'
import { Simulation } from './simulation.ts'
import { applicationPartitions, copyOf, type Habits, type SimulatedConsumer, type SimulatedProducer, type World } from './world.ts'

export const usualHabits: Habits = {
  request: [0.3, 1.2],
  replicate: [1, 4],
  learn: [5, 40],
  news: [1, 6],
  copy: [3, 12],
  connector: [40, 120],
  transaction: [1, 5],
  produceEvery: [20, 60],
  consumeEvery: [15, 30],
  newsLost: 0,
  newsTwice: 0,
  aborts: 0.2,
}

export interface FleetOptions {
  readonly hasAudit?: boolean
  readonly hasTransactions?: boolean
  /** Whether the route is published in a parameter. */
  readonly isPublished?: boolean
  readonly seed?: number
  /** How many times each producer sends something to every partition. */
  readonly records?: number
  readonly habits?: Partial<Habits>
}

export const limits = Limits.parse({})

/** Two colours, both born fenced; no route, no mirror, no client. */
export function newWorld({ hasAudit = false, isPublished = false, seed = 1, habits = {} }: FleetOptions): World {
  return {
    ...{ nowMs: 0, wallOffsetMs: 0, random: seed, sequence: 0, habits: { ...usualHabits, ...habits }, agenda: [] },
    clusters: { blue: newCluster('blue', allPartitions), green: newCluster('green', allPartitions) },
    workers: { blue: { connectors: {}, offsets: {}, isExactlyOnce: true, upAtMs: 0 }, green: { connectors: {}, offsets: {}, isExactlyOnce: true, upAtMs: 0 } },
    etcd: newEtcd(),
    parameter: isPublished ? { values: [notPublishedYet], awayUntilMs: 0, silentUntilMs: 0, readOnlyUntilMs: 0 } : null,
    ...{ hasAudit, producers: {}, consumers: {}, straggleMs: null, isLateRequest: false, checkedEntry: 0 },
    history: {
      acknowledged: {},
      unknown: [],
      aborted: [],
      consumed: {},
      routes: [],
      late: [],
      committed: {},
      violations: [],
      excepted: [],
      isFaulty: false,
      longestStallMs: 0,
    },
  }
}

function producer(clientId: string, kind: SimulatedProducer['kind'], left: number): SimulatedProducer {
  return { clientId, kind, follows: following(), next: {}, left, waiting: {}, underWay: {}, attempts: 0, transaction: null, transactions: 0 }
}

function consumer(clientId: string, groupId: string): SimulatedConsumer {
  return { clientId, groupId, follows: following(), joined: null, isMoving: false, positions: {}, uncommitted: 0 }
}

/** What the operator wants. */
export type SimulatedIntent = Pick<Intent, 'live' | 'attempt' | 'acceptLoss' | 'failover'>

/** What a run of the provider asks for. */
function requestOf(intent: SimulatedIntent, holder: string, gateEpoch: number, cancelled = new AbortController().signal) {
  return { wiring, intent: { consumers: {}, ...intent }, limits, holder, gateEpoch, tell: () => undefined, cancelled }
}

/** One update: the gate's resource has judged the route as it is now, the switchover acts; through ports that may be `changed`. Declared are the guardians that live. */
export function startMove(simulation: Simulation, name: string, intent: SimulatedIntent, changed = (ports: Ports) => ports, wired = wiring): Actor {
  return simulation.start(name, async (own) => {
    const ports = changed(own)
    const { route } = await ports.store.read(new Deadline(ports.clock, 5_000, 'the route store'))
    const guardians = colours.filter((colour) => simulation.guardians.some(({ isAlive, name: own }) => isAlive && own === guardianName(colour)))
    return await moveLive(ports, { ...requestOf(intent, name, route?.epoch ?? 0), wiring: { ...wired, guardians } })
  })
}

const made = new Map<string, World>()

/** The fleet, blue live, some records written and read. Equal options give equal worlds. */
export async function newFleet(options: FleetOptions = {}): Promise<World> {
  const name = JSON.stringify(options)
  const known = made.get(name) ?? (await makeFleet(options))
  made.set(name, known)
  return copyOf(known)
}

async function makeFleet(options: FleetOptions): Promise<World> {
  const world = newWorld(options)
  const { records = 30, hasTransactions = false, isPublished = false } = options
  if (isPublished) await loadPublication()
  const simulation = new Simulation(world)
  const creator = simulation.start('creation', (ports) => createRoute(ports, requestOf({ live: 'blue', attempt: 0 }, 'creation', 0)))
  await simulation.run(() => creator.outcome !== null, 60_000, 'creating the route')
  if (creator.outcome?.kind !== 'done') throw creator.outcome?.error ?? new KbgError('simulation', 'The route was not created.')
  const producers = [
    producer('p1', 'producer', records),
    producer(hasTransactions ? 't1' : 'p2', hasTransactions ? 'transactional-producer' : 'producer', records),
  ]
  for (const one of producers) world.producers[one.clientId] = one
  world.consumers.c1 = consumer('c1', groups.reading)
  for (const clientId of [...Object.keys(world.producers), 'c1']) after(world, 1, { kind: 'read-again', clientId })
  for (const { clientId } of producers) after(world, 5, { kind: 'produce-next', clientId })
  await simulation.run(() => producers.every(({ left }) => left < records - 5), 60_000, 'clients to begin')
  parkIdleGroup(world, 'blue')
  return world
}

/** A group that has read some records and has no member now. */
function parkIdleGroup(world: World, colour: Colour): void {
  groupOf(world, colour, groups.idle).offsets = Object.fromEntries(applicationPartitions.map((partition, index) => [partition, 1 + index]))
  const read = applicationPartitions.flatMap((partition, index) => {
    const log = logOf(world.clusters[colour], partition)
    return visibleOffsets(log, 0, 1 + index).map((offset) => ({ value: valueAt(log, offset), colour }))
  })
  world.history.consumed[groups.idle] = read
  world.history.committed[groups.idle] = Object.fromEntries(read.map(({ value }) => [value, true]))
}
