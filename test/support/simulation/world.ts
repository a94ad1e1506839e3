/** A simulated fleet as plain data: what brokers, Connect, etcd, the audit and clients hold. It can be copied, so that a run is explored from any of its moments. */
import type { Colour } from '../../../engine/model/colour.ts'
import type { TopicPartition } from '../../../engine/model/partition.ts'
import type { RouteDocument } from '../../../engine/model/route.ts'
import type { WorldEvent } from './events.ts'
import type { SimulatedParameter } from './parameter.ts'

/** A record's place in the log is its offset, `sinceMs` when it got its state, or could be seen: nothing is removed from a simulated log but what a leader change truncates. */
export type SimulatedRecord =
  | { readonly kind: 'data'; readonly value: string; readonly transaction: string | null; state: 'open' | 'committed' | 'aborted'; sinceMs: number }
  | { readonly kind: 'marker'; readonly transaction: string; readonly commit: boolean }

export interface SimulatedLog {
  leader: number
  leaderEpoch: number
  records: SimulatedRecord[]
  highWatermark: number
  /** A follower in the ISR doesn't fetch: nothing gets committed until it does again, or is put out of the ISR. */
  isStalled: boolean
}

export interface SimulatedBroker {
  readonly id: number
  state: 'up' | 'paused' | 'dead'
  /** What the controller holds of it: a broker whose session is over leads nothing. */
  isRegistered: boolean
  /** The newest fence change that it has learnt of, and what that said. */
  fenceVersion: number
  isFenced: boolean
  /** How long metadata takes to reach it, beyond what is usual. */
  extraLearnMs: number
  /** When a paused or dead one comes back, or has come back. */
  backAtMs: number
  /** Counts its outages: an event of an earlier one says nothing. */
  outage: number
}

/** Of one transactional id. */
export interface SimulatedTransaction {
  epoch: number
  /** Name of the open transaction; null: none. */
  open: string | null
  /** Partitions that it has records in. */
  partitions: TopicPartition[]
}

export interface SimulatedGroup {
  members: string[]
  offsets: Record<TopicPartition, number>
}

export interface SimulatedCluster {
  readonly colour: Colour
  brokers: SimulatedBroker[]
  /** What the controller's log says: version and content of the fence. */
  fenceVersion: number
  isFenced: boolean
  /** The fence was last changed by a request that landed after its sender had given it up: nobody could have known. */
  isChangedLate: boolean
  /** Such a request has lifted it, and some broker still is open. */
  isOpenedLate: boolean
  openedLateAtMs: number
  /** A failover has left it: what groups had committed there nobody could read. */
  isLeft: boolean
  /** It was gone, was left without a fence, and is back: until its brokers learn of one, clients that don't follow the route can write there. */
  isReturning: boolean
  /** The mirror that reads it was fenced off since its fence was raised: what is appended from here on comes behind every proof but the cut's last reading. */
  isMirrorFenced: boolean
  logs: Record<TopicPartition, SimulatedLog>
  groups: Record<string, SimulatedGroup>
  transactions: Record<string, SimulatedTransaction>
}

export interface SimulatedConnector {
  readonly name: string
  readonly source: Colour
  readonly target: Colour
  readonly topics: readonly string[]
  state: 'RUNNING' | 'STOPPED'
  wanted: 'RUNNING' | 'STOPPED'
  task: 'none' | 'RUNNING' | 'FAILED'
  /** Counts starts: an event of an earlier one says nothing. */
  generation: number
  /** Epoch of the transactional id under which the task writes. */
  epoch: number
  /** Next source offset that the task reads. */
  positions: Record<TopicPartition, number>
  /** Last source offsets of the open transaction. */
  uncommitted: Record<TopicPartition, number>
  isCopying: boolean
  /** RUNNING, and copies nothing (F29). */
  isMute: boolean
}

/** The Connect worker beside the colour that is copied into. */
export interface SimulatedWorker {
  connectors: Record<string, SimulatedConnector>
  /** By connector name: last source offset that was committed as copied. They survive their connector. */
  offsets: Record<string, Record<TopicPartition, number>>
  /** Off: tasks write without transactions, and commit how far they came now and then. */
  isExactlyOnce: boolean
  /** Before that it is away, or hasn't read its configuration, which is the same to who asks. */
  upAtMs: number
}

export interface StoredKey {
  readonly value: string
  readonly create: number
  readonly mod: number
  readonly lease: string | null
}

export interface StoreChange {
  readonly revision: number
  readonly key: string
  /** null: deleted. */
  readonly stored: StoredKey | null
}

export interface SimulatedEtcd {
  revision: number
  keys: Record<string, StoredKey>
  leases: Record<string, { readonly ttlMs: number; endsAtMs: number }>
  /** What watchers are told. */
  changes: StoreChange[]
  isAway: boolean
}

/** What a client knows of the route. */
export interface Following {
  epoch: number
  route: RouteDocument | null
  /** The newest acknowledgement that was sent. */
  told: string
  /** How late news comes, beyond what is usual. */
  extraMs: number
}

/** One value on its way to a partition. */
export interface Sending {
  readonly value: string
  readonly colour: Colour
  /** Counts the tries of all sendings: an event of an earlier one says nothing. */
  attempt: number
  /** Where it stands; null: not appended, as far as its leader knows. */
  offset: number | null
  /** An earlier try may have been written. */
  isInDoubt: boolean
}

export interface SimulatedProducer {
  readonly clientId: string
  readonly kind: 'producer' | 'transactional-producer'
  follows: Following
  /** Next number of each partition's values. */
  next: Record<TopicPartition, number>
  left: number
  waiting: Record<TopicPartition, string[]>
  underWay: Record<TopicPartition, Sending>
  attempts: number
  /** Transactional producers: the one that is open. */
  transaction: {
    readonly name: string
    readonly startedAtMs: number
    readonly colour: Colour
    readonly values: readonly (readonly [TopicPartition, string])[]
    isRefused: boolean
    isEnding: boolean
  } | null
  transactions: number
}

export interface SimulatedConsumer {
  readonly clientId: string
  readonly groupId: string
  follows: Following
  joined: Colour | null
  isMoving: boolean
  positions: Record<TopicPartition, number>
  /** Reads that were not committed yet. */
  uncommitted: number
}

/** What clients saw, and what the checker noted. */
export interface History {
  /** Values that were acknowledged to their producer, with the colour. */
  acknowledged: Record<string, Colour>
  /** Values whose producer was told that the outcome is unknown. */
  unknown: string[]
  /** Values of transactions that their producer has aborted, or had aborted. */
  aborted: string[]
  /** What each group was given, in order. */
  consumed: Record<string, { readonly value: string; readonly colour: Colour }[]>
  /** Every version of the route with the journal entry that was written with it. */
  routes: { readonly entryNumber: number; readonly route: RouteDocument }[]
  /**
   * Values of requests that were past their permission check before the fence, and were appended so late that no proof could have seen them: behind the moment
   * when the mirror was fenced off. What came before that has to be found at the cut.
   */
  late: string[]
  /** What each group has committed, by value. */
  committed: Record<string, Record<string, true>>
  /** Broken invariants, as they were found. */
  violations: Violation[]
  /** What the checker excepts: late fence changes that opened a second colour for a while. */
  excepted: string[]
  /** Whether a fault has happened that may make a switchover ungraceful. */
  isFaulty: boolean
  /** How long producers were held at most while a guardian could help. */
  longestStallMs: number
}

export interface Violation {
  readonly invariant: string
  readonly text: string
  readonly atMs: number
}

export interface AgendaEntry {
  atMs: number
  readonly sequence: number
  readonly event: WorldEvent
}

/** How long things take, as [least, most] in milliseconds; news of the route may also get lost or come twice. */
export interface Habits {
  readonly request: readonly [number, number]
  readonly replicate: readonly [number, number]
  readonly learn: readonly [number, number]
  readonly news: readonly [number, number]
  readonly copy: readonly [number, number]
  readonly connector: readonly [number, number]
  readonly produceEvery: readonly [number, number]
  readonly consumeEvery: readonly [number, number]
  readonly newsLost: number
  readonly newsTwice: number
  /** From a transaction's last record to its end. */
  readonly transaction: readonly [number, number]
  /** How often a transactional producer aborts. */
  readonly aborts: number
}

export interface World {
  nowMs: number
  /** By how much people's clocks are off: nothing may depend on it. */
  wallOffsetMs: number
  /** State of the random numbers. */
  random: number
  sequence: number
  habits: Habits
  agenda: AgendaEntry[]
  clusters: Record<Colour, SimulatedCluster>
  /** By the colour that is copied into. */
  workers: Record<Colour, SimulatedWorker>
  etcd: SimulatedEtcd
  /** Where the route is published; null: nowhere. */
  parameter: SimulatedParameter | null
  hasAudit: boolean
  producers: Record<string, SimulatedProducer>
  consumers: Record<string, SimulatedConsumer>
  /** The request that takes effect at this moment was given up by its sender. */
  isLateRequest: boolean
  /** The next request that passes its permission check is appended so much later; null: at once. */
  straggleMs: number | null
  history: History
  /** Up to which journal entry the checker has looked. */
  checkedEntry: number
}

/** Topics and their partitions that applications use. */
export const applicationPartitions: readonly TopicPartition[] = ['orders-0', 'orders-1']

/** A world of its own, in the same state. */
export function copyOf(world: World): World {
  return structuredClone(world)
}

/** The next random number, `0 <= n < 1` (mulberry32). A world's state is part of it, so that a copy goes on as the original does. */
export function randomOf(holder: { random: number }): number {
  holder.random = (holder.random + 0x6d2b79f5) | 0
  let mixed = Math.imul(holder.random ^ (holder.random >>> 15), 1 | holder.random)
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
}

/** A time within a habit. */
export function between(world: World, [least, most]: readonly [number, number]): number {
  return least === most ? least : least + randomOf(world) * (most - least)
}

export function chance(world: World, probability: number): boolean {
  return probability > 0 && randomOf(world) < probability
}
