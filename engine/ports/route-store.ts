import type { DrillMark } from '../model/drill.ts'
import type { GuardianSight } from '../model/guardian-sight.ts'
import type { JournalEntry } from '../model/journal.ts'
import type { ClientRegistration, RouteDocument } from '../model/route.ts'
import type { Deadline } from './clock.ts'

/** What one consistent read of the config store showed. */
export interface RouteReading {
  /** null: there is no route document. The journal tells whether there was one. */
  readonly route: RouteDocument | null
  /** Modification revision of the route key; 0 when absent. */
  readonly routeRevision: string
  /**
   * The newest switchover's entries, from its `opened` on, and before them the newest `mirror` entry of each direction and `late` entry of each partition: all that a decision needs, however
   * long the fleet has been switching. {@link RouteStore.history} tells the rest.
   */
  readonly journal: readonly JournalEntry[]
  /** Number of the newest journal entry; 0 when there is none. */
  readonly journalHead: number
  readonly lock: LockFacts | null
  /** Highest epoch that any registered client has acted on; a new route starts above it. */
  readonly highestClientEpoch: number
}

export interface LockFacts {
  readonly holder: string
  /** Create revision of the lock key, as decimal text. */
  readonly term: string
}

/** The lock, held. It is gone when its lease ends: every write compares it. */
export interface RouteLock {
  readonly term: string
  /** Aborted when the lease was lost, or the lock was taken away. */
  readonly lost: AbortSignal
  /** Aborted when somebody asks for this term's switchover to be taken back, with a reason in words; absent where nobody can ask. */
  readonly abortRequested?: AbortSignal
  release(): Promise<void>
}

/** One write: route and journal entry together, bound to lock, route revision and journal head. */
export interface RouteWrite {
  /** null: the route stays. */
  readonly route: RouteDocument | null
  readonly entry: JournalEntry
  readonly expectedRouteRevision: string
  readonly expectedJournalHead: number
}

/** A process of this project that follows the route as clients do. */
export interface RouteFollowing {
  /** The newest route seen; null: none yet. */
  readonly newest: RouteDocument | null
  /** Aborted when the registration was lost: others no longer wait for this process. */
  readonly lost: AbortSignal
  /** The newest route if it is newer than `epoch`, as soon as there is one; null after `waitMs`. @throws KbgError `registration-lost` */
  newerThan(epoch: number, waitMs: number): Promise<RouteDocument | null>
  /** Says that everything of earlier epochs has ended. */
  acknowledge(epoch: number, deadline: Deadline): Promise<void>
  /** Says what it sees, under the lease of its registration. For guardians. */
  testify(sight: GuardianSight, deadline: Deadline): Promise<void>
  close(): Promise<void>
}

/** The config store: route, lock, journal and client registrations of one fleet. */
export interface RouteStore {
  read(deadline: Deadline): Promise<RouteReading>
  /** Every kept entry of the journal, in order: of the last 50 switchovers at least. For reports; nothing is decided by it. */
  history(deadline: Deadline): Promise<readonly JournalEntry[]>
  clients(deadline: Deadline): Promise<readonly ClientRegistration[]>
  /** Of a drill that runs, or has left something; null: neither. */
  drillMark(deadline: Deadline): Promise<DrillMark | null>
  /** What the guardians that live see of both colours' brokers; of one that has not looked yet nothing. */
  sights(deadline: Deadline): Promise<readonly GuardianSight[]>
  /** @throws KbgError `locked` when somebody else holds it: names the holder */
  lock(holder: string, leaseSeconds: number, deadline: Deadline): Promise<RouteLock>
  /**
   * One transaction: compares that `lock` is still held, and route and journal are as expected; then writes both.
   * @returns the new route revision and head
   * An `opened` entry also moves where {@link RouteStore.read} begins, and removes what is older than the history that is kept.
   * @throws KbgError `lost-race` when a comparison failed, `journal-entry-too-large` or `route-too-large` before anything is sent: nothing was written
   */
  write(lock: RouteLock, write: RouteWrite, deadline: Deadline): Promise<{ readonly routeRevision: string; readonly journalHead: number }>
  /** Resolves when the registrations satisfy `until`; watched, not polled. Returns the last seen registrations either way, `satisfied` tells. */
  waitForClients(
    until: (clients: readonly ClientRegistration[]) => boolean,
    deadline: Deadline,
  ): Promise<{ readonly satisfied: boolean; readonly clients: readonly ClientRegistration[] }>
  /** Registers a process of this project and follows the route for it. @throws KbgError `route-store-unreachable`, `deadline` */
  follow(registration: ClientRegistration, deadline: Deadline): Promise<RouteFollowing>
  close(): Promise<void>
}
