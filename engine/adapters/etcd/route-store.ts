/** The config store on etcd: one fleet's route, lock, journal and client registrations under `/kbg/<fleet>/`. */

import { isDeepStrictEqual } from 'node:util'
import type { DrillMark } from '../../model/drill.ts'
import { KbgError } from '../../model/error.ts'
import type { GuardianSight } from '../../model/guardian-sight.ts'
import { JournalEntry } from '../../model/journal.ts'
import { nextBase } from '../../model/journal-base.ts'
import { type ClientRegistration, routeKeys } from '../../model/route.ts'
import type { RouteStoreAccess } from '../../model/wiring.ts'
import type { Clock, Deadline } from '../../ports/clock.ts'
import type { RouteGlance, RouteOversight } from '../../ports/route-oversight.ts'
import type { RouteFollowing, RouteLock, RouteReading, RouteStore, RouteWrite } from '../../ports/route-store.ts'
import { EtcdConnection, retryPauseMs } from './etcd-connection.ts'
import { fetchFleet, type JournalReach } from './fleet-fetch.ts'
import { type BaseMove, writeTransaction } from './journal-writes.ts'
import { breakLock, glance, requestAbort } from './oversight.ts'
import { readClients, readSights, waitForClients } from './registrations.ts'
import { followRoute } from './route-following.ts'
import { takeLock } from './route-lock.ts'
import { readBase, readDrillMark, readEntries, readFleet } from './route-reading.ts'

/**
 * Opens the route store of a fleet. Connections are made when they are needed, so a store that is down is told by the first call.
 *
 * @throws KbgError `route-store-credentials` when the password can't be read
 */
export function openRouteStore(access: RouteStoreAccess, fleet: string, clock: Clock): RouteStore & RouteOversight {
  return routeStoreOver(new EtcdConnection(access), fleet, clock)
}

/** The route store over a connection that is there already. */
export function routeStoreOver(connection: EtcdConnection, fleet: string, clock: Clock): RouteStore & RouteOversight {
  return new EtcdRouteStore(connection, fleet, clock)
}

class EtcdRouteStore implements RouteStore, RouteOversight {
  readonly #connection: EtcdConnection
  readonly #fleet: string
  readonly #clock: Clock

  constructor(connection: EtcdConnection, fleet: string, clock: Clock) {
    this.#connection = connection
    this.#fleet = fleet
    this.#clock = clock
  }

  async read(deadline: Deadline): Promise<RouteReading> {
    return readFleet(this.#fleet, await this.#fetch('newest switchover', deadline))
  }

  async history(deadline: Deadline): Promise<readonly JournalEntry[]> {
    const ranges = await this.#fetch('all that is kept', deadline)
    return readEntries(this.#fleet, ranges, readBase(ranges.journalBase).oldest)
  }

  #fetch(reach: JournalReach, deadline: Deadline) {
    return this.#connection.repeatedly('tell the route', deadline, (etcd) => fetchFleet(etcd, this.#fleet, reach))
  }

  clients(deadline: Deadline): Promise<readonly ClientRegistration[]> {
    return readClients(this.#connection, this.#fleet, deadline)
  }

  sights(deadline: Deadline): Promise<readonly GuardianSight[]> {
    return readSights(this.#connection, this.#fleet, deadline)
  }

  async drillMark(deadline: Deadline): Promise<DrillMark | null> {
    const key = Buffer.from(routeKeys(this.#fleet).drillMark)
    const pair = (await this.#connection.repeatedly('tell of a drill', deadline, (etcd) => etcd.kv.range({ key }))).kvs[0]
    return pair === undefined ? null : readDrillMark(pair)
  }

  lock(holder: string, leaseSeconds: number, deadline: Deadline): Promise<RouteLock> {
    return takeLock(this.#connection, this.#fleet, holder, leaseSeconds, deadline)
  }

  glance(deadline: Deadline): Promise<RouteGlance> {
    return glance(this.#connection, this.#fleet, deadline)
  }

  breakLock(overdue: { readonly term: string; readonly routeRevision: string }, deadline: Deadline): Promise<boolean> {
    return breakLock(this.#connection, this.#fleet, overdue, deadline)
  }

  requestAbort(term: string, by: string, deadline: Deadline): Promise<boolean> {
    return requestAbort(this.#connection, this.#fleet, term, by, deadline)
  }

  follow(registration: ClientRegistration, deadline: Deadline): Promise<RouteFollowing> {
    return followRoute(this.#connection, this.#fleet, registration, this.#clock, deadline)
  }

  waitForClients(until: (clients: readonly ClientRegistration[]) => boolean, deadline: Deadline) {
    return waitForClients(this.#connection, this.#fleet, until, deadline)
  }

  /**
   * When an answer is lost the same transaction is sent again: at most one of both can win the comparisons, so either this one writes, or a
   * read tells whose entry stands there.
   *
   * @throws KbgError `lost-race`, `journal-entry-too-large`, `route-too-large` (nothing was written), `outcome-unknown` when the store stays away until the deadline, `lock-lost`
   */
  async write(lock: RouteLock, write: RouteWrite, deadline: Deadline): Promise<{ readonly routeRevision: string; readonly journalHead: number }> {
    const transaction = writeTransaction(this.#fleet, lock, write, await this.#baseMove(write, deadline))
    let answersLost = 0
    for (;;) {
      lock.lost.throwIfAborted()
      try {
        const answer = await this.#connection.once('write route and journal', deadline, (etcd) => etcd.kv.txn(transaction))
        const journalHead = write.entry.number
        if (answer.succeeded) return { routeRevision: write.route === null ? write.expectedRouteRevision : answer.header.revision, journalHead }
        if (answersLost === 0) throw this.#lostRace(lock, write)
        return await this.#whoseEntry(lock, write, deadline)
      } catch (cause) {
        if (!(cause instanceof KbgError) || !['route-store-unreachable', 'deadline'].includes(cause.code)) throw cause
        answersLost += 1
        if (deadline.remainingMs() <= retryPauseMs) throw this.#unknown(write, cause)
        await this.#clock.sleep(retryPauseMs, deadline.cancelled)
      }
    }
  }

  async close(): Promise<void> {
    this.#connection.close()
  }

  /** The base moves with an `opened` entry. What it is made of can't change in between: the transaction compares the journal's head. */
  async #baseMove({ entry }: RouteWrite, deadline: Deadline): Promise<BaseMove | null> {
    if (entry.kind !== 'opened') return null
    const ranges = await this.#fetch('newest switchover', deadline)
    const from = readBase(ranges.journalBase)
    return { from, to: nextBase(from, readFleet(this.#fleet, ranges).journal, entry.number) }
  }

  /** After a lost answer and a failed comparison: our own entry at its number means that the first try had won. */
  async #whoseEntry(lock: RouteLock, write: RouteWrite, deadline: Deadline) {
    const reading = await this.read(deadline)
    const standing = reading.journal.find((entry) => entry.number === write.entry.number)
    if (!isDeepStrictEqual(standing, JournalEntry.parse(write.entry))) throw this.#lostRace(lock, write)
    if (write.route !== null && reading.journalHead === write.entry.number) return { routeRevision: reading.routeRevision, journalHead: reading.journalHead }
    if (write.route === null) return { routeRevision: write.expectedRouteRevision, journalHead: write.entry.number }
    throw this.#lostRace(lock, write) // ours, but a later writer of a later term stands behind it
  }

  #lostRace(lock: RouteLock, write: RouteWrite): KbgError {
    return new KbgError('lost-race', 'Somebody else changed the route or took the lock first: nothing was written.', {
      facts: {
        fleet: this.#fleet,
        term: lock.term,
        journalEntry: write.entry.number,
        entryKind: write.entry.kind,
        expectedRouteRevision: write.expectedRouteRevision,
        lockLost: lock.lost.aborted,
      },
      remedy: 'Read the route again: what was decided there counts.',
    })
  }

  #unknown(write: RouteWrite, cause: unknown): KbgError {
    return new KbgError('outcome-unknown', 'The route store went away while writing: whether the entry stands there is unknown.', {
      facts: { fleet: this.#fleet, journalEntry: write.entry.number, entryKind: write.entry.kind },
      remedy: 'Run it again when the store is back: a rerun reads the journal and goes on from what stands there.',
      cause,
    })
  }
}
