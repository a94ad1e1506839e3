/** One write of route and journal as an etcd transaction: what it compares, what it puts, and what it removes. */
import { CompareResult, CompareTarget, type ICompare, type IRequestOp, type ITxnRequest } from 'etcd3'
import { KbgError } from '../../model/error.ts'
import { JournalEntry, journalEntryText } from '../../model/journal.ts'
import { JournalBase } from '../../model/journal-base.ts'
import { RouteDocument, routeKeys } from '../../model/route.ts'
import type { RouteLock, RouteWrite } from '../../ports/route-store.ts'

/** The largest entry. etcd refuses requests of more than 1.5 MiB (`--max-request-bytes`), and the route travels in the same one. */
const maxEntryBytes = 1_024 * 1_024
/** All values of one write together, with room left for keys and comparisons. */
const maxWriteBytes = 1_408 * 1_024

/** The move of the journal's base that goes with an `opened` entry. */
export interface BaseMove {
  readonly from: JournalBase
  readonly to: JournalBase
}

/**
 * Compares lock, route and journal head; then writes entry, head, route if it moves, and the base if it moves, which also removes entries that nobody keeps.
 *
 * @throws KbgError `journal-entry` when the entry doesn't follow; `journal-entry-too-large` or `route-too-large`: nothing is sent
 */
export function writeTransaction(fleet: string, lock: RouteLock, write: RouteWrite, move: BaseMove | null): ITxnRequest {
  const { entry, route, expectedJournalHead } = write
  if (entry.number !== expectedJournalHead + 1 || entry.term !== lock.term) {
    throw new KbgError('journal-entry', 'A journal entry must follow the head and carry the term of the lock.', {
      facts: { number: entry.number, head: expectedJournalHead, entryTerm: entry.term, lockTerm: lock.term },
    })
  }
  const keys = routeKeys(fleet)
  const puts: readonly (readonly [string, string])[] = [
    [keys.journalEntry(entry.number), journalEntryText(JournalEntry.parse(entry))],
    [keys.journalHead, String(entry.number)],
    ...(route === null ? [] : [[keys.route, JSON.stringify(RouteDocument.parse(route))] as const]),
    ...(move === null ? [] : [[keys.journalBase, JSON.stringify(JournalBase.parse(move.to))] as const]),
  ]
  requireSize(
    entry,
    puts.map(([, value]) => Buffer.byteLength(value)),
  )
  const success: IRequestOp[] = puts.map(([key, value]) => ({ request_put: { key: Buffer.from(key), value: Buffer.from(value) } }))
  if (move !== null && move.to.oldest > move.from.oldest) {
    const [key, range_end] = [keys.journalEntry(move.from.oldest), keys.journalEntry(move.to.oldest)]
    success.push({ request_delete_range: { key: Buffer.from(key), range_end: Buffer.from(range_end) } })
  }
  return { compare: comparisons(fleet, lock, write), success }
}

function comparisons(fleet: string, lock: RouteLock, { expectedJournalHead, expectedRouteRevision }: RouteWrite): ICompare[] {
  const keys = routeKeys(fleet)
  const head = Buffer.from(keys.journalHead)
  return [
    { key: Buffer.from(keys.lock), target: CompareTarget.Create, result: CompareResult.Equal, create_revision: lock.term },
    { key: Buffer.from(keys.route), target: CompareTarget.Mod, result: CompareResult.Equal, mod_revision: expectedRouteRevision },
    expectedJournalHead === 0
      ? { key: head, target: CompareTarget.Create, result: CompareResult.Equal, create_revision: '0' }
      : { key: head, target: CompareTarget.Value, result: CompareResult.Equal, value: Buffer.from(String(expectedJournalHead)) },
  ]
}

function requireSize(entry: JournalEntry, [entryBytes = 0, ...others]: readonly number[]): void {
  const facts = { journalEntry: entry.number, entryKind: entry.kind }
  if (entryBytes > maxEntryBytes) {
    throw new KbgError('journal-entry-too-large', 'A journal entry is larger than the route store takes: nothing was written.', {
      facts: { ...facts, observedBytes: entryBytes, requiredBytesAtMost: maxEntryBytes },
      remedy: 'It names too much at once. Fewer topics or groups for each fleet, or shorter names, make it smaller.',
    })
  }
  const bytes = others.reduce((sum, size) => sum + size, entryBytes)
  if (bytes > maxWriteBytes) {
    throw new KbgError('route-too-large', 'The route and its journal entry are larger than the route store takes: nothing was written.', {
      facts: { ...facts, observedBytes: bytes, entryBytes, requiredBytesAtMost: maxWriteBytes },
      remedy: 'The route names each consumer group that is being moved: fewer groups for each fleet make it smaller.',
    })
  }
}
