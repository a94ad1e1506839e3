/** From the config store's bytes to the model: everything is parsed, and what can't be parsed is never taken as absent. */
import type { IKeyValue, IRangeResponse } from 'etcd3'
import { z } from 'zod'
import { DrillMark } from '../../model/drill.ts'
import { firstFive, KbgError } from '../../model/error.ts'
import { GuardianSight } from '../../model/guardian-sight.ts'
import { JournalEntry } from '../../model/journal.ts'
import { firstBase, JournalBase } from '../../model/journal-base.ts'
import { ClientRegistration, RouteDocument, routeKeys } from '../../model/route.ts'
import type { LockFacts, RouteReading } from '../../ports/route-store.ts'
import { parseJson } from './etcd-connection.ts'

/** The value of the lock key. `token` tells one holder's attempts from another's with the same name. */
export const LockValue = z.strictObject({ holder: z.string().min(1), token: z.string().min(1) })
export type LockValue = z.infer<typeof LockValue>

/** What a fleet's keys hold at one revision of the store. */
export interface FleetRanges {
  readonly route: IRangeResponse
  readonly lock: IRangeResponse
  readonly journalHead: IRangeResponse
  readonly journalBase: IRangeResponse
  /** The entries from where the journal was read. */
  readonly journal: readonly IKeyValue[]
  readonly clients: IRangeResponse
}

/** @throws KbgError `route-corrupt`: names the key and every problem; nothing is guessed and nothing is repaired */
export function readFleet(fleet: string, ranges: FleetRanges): RouteReading {
  const route = ranges.route.kvs[0]
  const base = readBase(ranges.journalBase)
  const journalHead = readHead(ranges.journalHead)
  const entries = readEntries(fleet, ranges, base.first)
  if (base.first > 1 && entries[0]?.kind !== 'opened') {
    throw corrupt(routeKeys(fleet).journalBase, `the journal's base`, [
      `entry ${base.first} has to open a switchover, it is ${entries[0]?.kind ?? 'not there'}`,
    ])
  }
  const journal = [...base.carried, ...entries]
  return {
    route: route === undefined ? null : readRoute(fleet, route),
    routeRevision: route?.mod_revision ?? '0',
    journal,
    journalHead,
    lock: readLock(ranges.lock),
    highestClientEpoch: Math.max(0, ...ranges.clients.kvs.map((pair) => readClient(pair).ackedEpoch)),
  }
}

/**
 * All entries from number `from` to the head.
 *
 * @throws KbgError `route-corrupt` when one is damaged or missing
 */
export function readEntries(fleet: string, ranges: Pick<FleetRanges, 'journal' | 'journalHead'>, from: number): readonly JournalEntry[] {
  const journal = ranges.journal.map((pair) => parseValue(pair, JournalEntry, 'a journal entry'))
  checkJournal(fleet, journal, from, readHead(ranges.journalHead))
  return journal
}

/** Where reading begins; a store without the key is read from its first entry. @throws KbgError `route-corrupt` */
export function readBase(range: IRangeResponse): JournalBase {
  const pair = range.kvs[0]
  return pair === undefined ? firstBase : parseValue(pair, JournalBase, `the journal's base`)
}

/** One client's registration. @throws KbgError `route-corrupt` */
export function readClient(pair: IKeyValue): ClientRegistration {
  return parseValue(pair, ClientRegistration, 'a client registration')
}

/** What one guardian sees. @throws KbgError `route-corrupt` */
export function readSight(pair: IKeyValue): GuardianSight {
  return parseValue(pair, GuardianSight, 'what a guardian sees')
}

/** Who began a drill. @throws KbgError `route-corrupt` */
export function readDrillMark(pair: IKeyValue): DrillMark {
  return parseValue(pair, DrillMark, 'the mark of a drill')
}

/** Who holds the lock; null when nobody does. @throws KbgError `route-corrupt` */
export function readLock(range: IRangeResponse): LockFacts | null {
  const pair = range.kvs[0]
  return pair === undefined ? null : { holder: parseValue(pair, LockValue, 'the lock').holder, term: pair.create_revision }
}

/** The route document. @throws KbgError `route-corrupt` */
export function readRoute(fleet: string, pair: IKeyValue): RouteDocument {
  const route = parseValue(pair, RouteDocument, 'the route document')
  if (route.fleet !== fleet) throw corrupt(pair.key.toString(), 'the route document', [`fleet: is ${route.fleet}, expected ${fleet}`])
  return route
}

/** Number of the newest journal entry; 0 when there is none. @throws KbgError `route-corrupt` */
export function readHead(range: IRangeResponse): number {
  const pair = range.kvs[0]
  return pair === undefined ? 0 : parseValue(pair, z.int().positive(), `the journal's head`)
}

function checkJournal(fleet: string, journal: readonly JournalEntry[], from: number, head: number): void {
  const numbers = journal.map((entry) => entry.number)
  const complete = numbers.length === head - from + 1 && numbers.every((number, index) => number === from + index)
  if (complete) return
  throw corrupt(routeKeys(fleet).journalPrefix, 'the journal', [`entries ${from} to ${head} have to be there, found ${numbers.length}: ${firstFive(numbers)}`])
}

function parseValue<T>(pair: IKeyValue, schema: z.ZodType<T>, what: string): T {
  const parsed = schema.safeParse(parseJson(pair.value.toString('utf8')))
  if (parsed.success) return parsed.data
  throw corrupt(
    pair.key.toString(),
    what,
    parsed.error.issues.map((issue) => `${issue.path.join('.') || 'value'}: ${issue.message}`),
  )
}

function corrupt(key: string, what: string, problems: readonly string[]): KbgError {
  return new KbgError('route-corrupt', `The config store holds ${what} that can't be read, so nobody knows what was decided.`, {
    facts: { key, problems },
    remedy: `Nothing was changed, and running clients go on with the epoch they have. Look at it with \`etcdctl get ${key}\` and restore the last good value, or a backup of the store; deleting it would forget which colour is live.`,
  })
}
