/** The config store on etcd: one fleet's route, lock, journal and client registrations under `/kbg/<fleet>/`. */

import { isDeepStrictEqual } from 'node:util'
import { CompareResult, CompareTarget, type ICompare, type IRangeResponse, type ITxnRequest, Range } from 'etcd3'
import { KbgError } from '../../model/error.ts'
import { JournalEntry } from '../../model/journal.ts'
import { type ClientRegistration, RouteDocument, routeKeys } from '../../model/route.ts'
import type { RouteStoreAccess } from '../../model/wiring.ts'
import type { Clock, Deadline } from '../../ports/clock.ts'
import type { RouteLock, RouteReading, RouteStore, RouteWrite } from '../../ports/route-store.ts'
import { EtcdConnection, retryPauseMs } from './etcd-connection.ts'
import { readClients, waitForClients } from './registrations.ts'
import { takeLock } from './route-lock.ts'
import { readFleet } from './route-reading.ts'

/**
 * Opens the route store of a fleet. Connections are made when they are needed, so a store that is down is told by the first call.
 *
 * @throws KbgError `route-store-credentials` when the password can't be read
 */
export function openRouteStore(access: RouteStoreAccess, fleet: string, clock: Clock): RouteStore {
  return new EtcdRouteStore(new EtcdConnection(access), fleet, clock)
}

class EtcdRouteStore implements RouteStore {
  readonly #connection: EtcdConnection
  readonly #fleet: string
  readonly #clock: Clock

  constructor(connection: EtcdConnection, fleet: string, clock: Clock) {
    this.#connection = connection
    this.#fleet = fleet
    this.#clock = clock
  }

  async read(deadline: Deadline): Promise<RouteReading> {
    const keys = routeKeys(this.#fleet)
    const ranges = [single(keys.route), single(keys.lock), single(keys.journalHead), prefixed(keys.journalPrefix), prefixed(keys.clientPrefix)]
    const request: ITxnRequest = { success: ranges.map((range) => ({ request_range: range })) }
    const answer = await this.#connection.repeatedly('tell the route', deadline, (etcd) => etcd.kv.txn(request))
    const [route, lock, journalHead, journal, clients] = answer.responses.map((response) => response.response_range)
    return readFleet(this.#fleet, {
      route: present(route),
      lock: present(lock),
      journalHead: present(journalHead),
      journal: present(journal),
      clients: present(clients),
    })
  }

  clients(deadline: Deadline): Promise<readonly ClientRegistration[]> {
    return readClients(this.#connection, this.#fleet, deadline)
  }

  lock(holder: string, leaseSeconds: number, deadline: Deadline): Promise<RouteLock> {
    return takeLock(this.#connection, this.#fleet, holder, leaseSeconds, deadline)
  }

  waitForClients(until: (clients: readonly ClientRegistration[]) => boolean, deadline: Deadline) {
    return waitForClients(this.#connection, this.#fleet, until, deadline)
  }

  /**
   * When an answer is lost the same transaction is sent again: at most one of both can win the comparisons, so either this one writes, or a
   * read tells whose entry stands there.
   *
   * @throws KbgError `lost-race` (nothing was written), `outcome-unknown` when the store stays away until the deadline, `lock-lost`
   */
  async write(lock: RouteLock, write: RouteWrite, deadline: Deadline): Promise<{ readonly routeRevision: string; readonly journalHead: number }> {
    const transaction = this.#transaction(lock, write)
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

  #transaction(lock: RouteLock, write: RouteWrite): ITxnRequest {
    const { entry, route, expectedJournalHead } = write
    if (entry.number !== expectedJournalHead + 1 || entry.term !== lock.term) {
      throw new KbgError('journal-entry', 'A journal entry must follow the head and carry the term of the lock.', {
        facts: { number: entry.number, head: expectedJournalHead, entryTerm: entry.term, lockTerm: lock.term },
      })
    }
    const keys = routeKeys(this.#fleet)
    const head = Buffer.from(keys.journalHead)
    const compare: ICompare[] = [
      { key: Buffer.from(keys.lock), target: CompareTarget.Create, result: CompareResult.Equal, create_revision: lock.term },
      { key: Buffer.from(keys.route), target: CompareTarget.Mod, result: CompareResult.Equal, mod_revision: write.expectedRouteRevision },
      expectedJournalHead === 0
        ? { key: head, target: CompareTarget.Create, result: CompareResult.Equal, create_revision: '0' }
        : { key: head, target: CompareTarget.Value, result: CompareResult.Equal, value: Buffer.from(String(expectedJournalHead)) },
    ]
    const puts: [string, string][] = [
      [keys.journalEntry(entry.number), JSON.stringify(JournalEntry.parse(entry))],
      [keys.journalHead, String(entry.number)],
      ...(route === null ? [] : [[keys.route, JSON.stringify(RouteDocument.parse(route))] satisfies [string, string]]),
    ]
    return { compare, success: puts.map(([key, value]) => ({ request_put: { key: Buffer.from(key), value: Buffer.from(value) } })) }
  }

  /** After a lost answer and a failed comparison: our own entry at its number means that the first try had won. */
  async #whoseEntry(lock: RouteLock, write: RouteWrite, deadline: Deadline) {
    const reading = await this.read(deadline)
    const standing = reading.journal[write.entry.number - 1]
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

function single(key: string) {
  return { key: Buffer.from(key) }
}

function prefixed(prefix: string) {
  const range = Range.prefix(prefix)
  return { key: range.start, range_end: range.end }
}

/** etcd answers each range of a transaction; one that is missing is a fault of the store. */
function present(range: IRangeResponse | undefined): IRangeResponse {
  if (range === undefined) throw new KbgError('route-store-answer', 'The route store answered with fewer ranges than were asked for.')
  return range
}
