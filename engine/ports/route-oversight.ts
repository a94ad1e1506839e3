import type { RouteDocument } from '../model/route.ts'
import type { Deadline } from './clock.ts'
import type { LockFacts } from './route-store.ts'

/** The small part of what the store holds: what somebody looks at who looks often. */
export interface RouteGlance {
  readonly route: RouteDocument | null
  /** Modification revision of the route key; 0 when absent. */
  readonly routeRevision: string
  /** Number of the newest journal entry; 0 when there is none. */
  readonly journalHead: number
  readonly lock: LockFacts | null
}

/** What may be done about a lock that somebody else holds. For guardians and for a person's `kbg abort`; a run of the switchover has no use for it. */
export interface RouteOversight {
  /** @throws KbgError `route-store-unreachable`, `route-corrupt`, `deadline` */
  glance(deadline: Deadline): Promise<RouteGlance>
  /**
   * Takes the lock away from a holder that is overdue: one transaction that compares the lock's create revision and the route's revision. Every later write of
   * that holder loses its comparison.
   *
   * @returns false when either has moved meanwhile: nothing was done
   */
  breakLock(overdue: { readonly term: string; readonly routeRevision: string }, deadline: Deadline): Promise<boolean>
  /**
   * Asks the holder of that lock to take its switchover back, see {@link RouteLock.abortRequested}. The request ends with the lock.
   *
   * @param by who asks, in words
   * @returns false when the lock isn't held under that term any more
   */
  requestAbort(term: string, by: string, deadline: Deadline): Promise<boolean>
}
