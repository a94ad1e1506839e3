/** One consistent look at a fleet: the small keys in one transaction, then the journal in pages, all at that transaction's revision. */
import { type Etcd3, type IKeyValue, type IRangeResponse, Range } from 'etcd3'
import { KbgError } from '../../model/error.ts'
import { routeKeys } from '../../model/route.ts'
import { type FleetRanges, readBase } from './route-reading.ts'

/** Entries in one page. The largest allowed ones, all of them in one page, still fit into what a client takes (`maxAnswerBytes`). */
const pageEntries = 48

/** Where the journal is read from: what decisions need, or all that is kept. */
export type JournalReach = 'newest switchover' | 'all that is kept'

/** Pages at one revision hang together however long they take; etcd keeps revisions for an hour. */
export async function fetchFleet(etcd: Etcd3, fleet: string, reach: JournalReach): Promise<FleetRanges> {
  const keys = routeKeys(fleet)
  const ranges = [single(keys.route), single(keys.lock), single(keys.journalHead), single(keys.journalBase), prefixed(keys.clientPrefix)]
  const answer = await etcd.kv.txn({ success: ranges.map((range) => ({ request_range: range })) })
  const [route, lock, journalHead, journalBase, clients] = answer.responses.map((response) => response.response_range)
  const base = readBase(present(journalBase))
  const from = keys.journalEntry(reach === 'newest switchover' ? base.first : base.oldest)
  return {
    route: present(route),
    lock: present(lock),
    journalHead: present(journalHead),
    journalBase: present(journalBase),
    journal: await pages(etcd, from, keys.journalPrefix, answer.header.revision),
    clients: present(clients),
  }
}

async function pages(etcd: Etcd3, from: string, prefix: string, revision: string): Promise<readonly IKeyValue[]> {
  const { range_end } = prefixed(prefix)
  const found: IKeyValue[] = []
  for (let key = Buffer.from(from); ; ) {
    const page = await etcd.kv.range({ key, range_end, limit: pageEntries, revision })
    found.push(...page.kvs)
    const last = page.kvs.at(-1)
    if (!page.more || last === undefined) return found
    key = Buffer.concat([last.key, Buffer.from([0])]) // the smallest key behind the last one
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
