/** A small look at a fleet's keys, and what may be done about a lock that somebody else holds. */
import { CompareResult, CompareTarget, type IKeyValue } from 'etcd3'
import { KbgError } from '../../model/error.ts'
import { routeKeys } from '../../model/route.ts'
import type { Deadline } from '../../ports/clock.ts'
import type { RouteGlance } from '../../ports/route-oversight.ts'
import type { EtcdConnection } from './etcd-connection.ts'
import type { AbortRequest } from './lock-watch.ts'
import { readHead, readLock, readRoute } from './route-reading.ts'

/** Route, lock and the journal's head, at one revision. @throws KbgError `route-corrupt`, `route-store-unreachable`, `deadline` */
export async function glance(connection: EtcdConnection, fleet: string, deadline: Deadline): Promise<RouteGlance> {
  const keys = routeKeys(fleet)
  const wanted = [keys.route, keys.lock, keys.journalHead].map((key) => ({ request_range: { key: Buffer.from(key) } }))
  const answer = await connection.repeatedly('tell the route', deadline, (etcd) => etcd.kv.txn({ success: wanted }))
  const [route, lock, head] = answer.responses.map((response) => response.response_range)
  if (route === undefined || lock === undefined || head === undefined) {
    throw new KbgError('route-store-answer', 'The route store answered with fewer ranges than were asked for.')
  }
  const pair = route.kvs[0]
  return {
    route: pair === undefined ? null : readRoute(fleet, pair),
    routeRevision: pair?.mod_revision ?? '0',
    journalHead: readHead(head),
    lock: readLock(lock),
  }
}

/** See {@link RouteOversight.breakLock}. */
export async function breakLock(
  connection: EtcdConnection,
  fleet: string,
  { term, routeRevision }: { readonly term: string; readonly routeRevision: string },
  deadline: Deadline,
): Promise<boolean> {
  const keys = routeKeys(fleet)
  const key = Buffer.from(keys.lock)
  const answer = await connection.repeatedly('take the lock away', deadline, (etcd) =>
    etcd.kv.txn({
      compare: [
        { key, target: CompareTarget.Create, result: CompareResult.Equal, create_revision: term },
        { key: Buffer.from(keys.route), target: CompareTarget.Mod, result: CompareResult.Equal, mod_revision: routeRevision },
      ],
      success: [{ request_delete_range: { key, prev_kv: true } }],
    }),
  )
  // An answer that was lost on the way reads as "not done" when it is asked again; whoever asks looks at the lock afresh.
  if (!answer.succeeded) return false
  const taken = answer.responses[0]?.response_delete_range?.prev_kvs[0]
  if (taken !== undefined) await endLease(connection, taken, deadline)
  return true
}

/** The key is gone already; with its lease the holder learns of it by its own keep-alives too. */
async function endLease(connection: EtcdConnection, { lease }: IKeyValue, deadline: Deadline): Promise<void> {
  if (lease === '0') return
  await connection.once('end the lease', deadline, (etcd) => etcd.leaseClient.leaseRevoke({ ID: lease })).catch(() => undefined) // it was given back meanwhile, or ends by itself
}

/** See {@link RouteOversight.requestAbort}. The request hangs on the lock's own lease, so that it ends with the lock and no later term ever reads it. */
export async function requestAbort(connection: EtcdConnection, fleet: string, term: string, by: string, deadline: Deadline): Promise<boolean> {
  const keys = routeKeys(fleet)
  const key = Buffer.from(keys.lock)
  const value: AbortRequest = { term, by }
  return await connection.repeatedly('take the request', deadline, async (etcd) => {
    const lock = (await etcd.kv.range({ key })).kvs[0]
    if (lock?.create_revision !== term) return false
    const answer = await etcd.kv.txn({
      compare: [{ key, target: CompareTarget.Create, result: CompareResult.Equal, create_revision: term }],
      success: [{ request_put: { key: Buffer.from(keys.abortRequest), value: Buffer.from(JSON.stringify(value)), lease: lock.lease } }],
    })
    return answer.succeeded
  })
}
