/** The registered clients as they change: read once, then watched. */
import type { IKeyValue, Watcher } from 'etcd3'
import { Range } from 'etcd3'
import { KbgError } from '../../model/error.ts'
import type { GuardianSight } from '../../model/guardian-sight.ts'
import { type ClientRegistration, routeKeys } from '../../model/route.ts'
import type { Deadline } from '../../ports/clock.ts'
import { type EtcdConnection, retryPauseMs } from './etcd-connection.ts'
import { readClient, readSight } from './route-reading.ts'

/** What a wait for clients ended with. */
export interface ClientsSeen {
  readonly satisfied: boolean
  readonly clients: readonly ClientRegistration[]
}

/** All registrations now. @throws KbgError `route-corrupt`, `route-store-unreachable`, `deadline` */
export async function readClients(connection: EtcdConnection, fleet: string, deadline: Deadline): Promise<readonly ClientRegistration[]> {
  return (await readAll(connection, fleet, deadline)).clients.map(([, client]) => client)
}

/** What guardians say that they see. @throws KbgError `route-corrupt`, `route-store-unreachable`, `deadline` */
export async function readSights(connection: EtcdConnection, fleet: string, deadline: Deadline): Promise<readonly GuardianSight[]> {
  const range = Range.prefix(routeKeys(fleet).sightPrefix)
  const answer = await connection.repeatedly('tell what guardians see', deadline, (etcd) => etcd.kv.range({ key: range.start, range_end: range.end }))
  return answer.kvs.map(readSight)
}

/**
 * Watches until the registrations satisfy `until`. A watch that breaks is opened again behind a fresh read, so that no change is missed.
 *
 * @returns the last seen registrations; `satisfied: false` when the deadline ended first
 * @throws KbgError `route-corrupt`; what {@link readClients} throws before the first complete read
 */
export async function waitForClients(
  connection: EtcdConnection,
  fleet: string,
  until: (clients: readonly ClientRegistration[]) => boolean,
  deadline: Deadline,
): Promise<ClientsSeen> {
  let last: readonly ClientRegistration[] | undefined
  for (;;) {
    try {
      const { clients, revision } = await readAll(connection, fleet, deadline)
      const byKey = new Map(clients)
      last = [...byKey.values()]
      if (until(last)) return { satisfied: true, clients: last }
      const outcome = await watchFrom(connection, fleet, revision, deadline, (change) => {
        if (change.removed) byKey.delete(change.key)
        else byKey.set(change.key, readClient(change.pair))
        last = [...byKey.values()]
        return until(last)
      })
      if (outcome === 'satisfied') return { satisfied: true, clients: last }
      await deadline.clock.sleep(Math.min(retryPauseMs, deadline.remainingMs()), deadline.cancelled) // broken: the store is restarting, or about to
    } catch (error) {
      // Both mean that the deadline is over: a store that can't be reached is tried until then.
      const isOver = error instanceof KbgError && ['deadline', 'route-store-unreachable'].includes(error.code)
      if (last === undefined || !isOver) throw error
      return { satisfied: false, clients: last }
    }
  }
}

async function readAll(connection: EtcdConnection, fleet: string, deadline: Deadline) {
  const range = Range.prefix(routeKeys(fleet).clientPrefix)
  const answer = await connection.repeatedly('tell the registered clients', deadline, (etcd) => etcd.kv.range({ key: range.start, range_end: range.end }))
  return {
    revision: BigInt(answer.header.revision),
    clients: answer.kvs.map((pair): [string, ClientRegistration] => [pair.key.toString(), readClient(pair)]),
  }
}

interface Change {
  readonly key: string
  readonly pair: IKeyValue
  readonly removed: boolean
}

/** Watches from behind `revision`; resolves when `satisfied` answers true, or when the watch breaks. */
async function watchFrom(
  connection: EtcdConnection,
  fleet: string,
  revision: bigint,
  deadline: Deadline,
  satisfied: (change: Change) => boolean,
): Promise<'satisfied' | 'broken'> {
  const watcher: Watcher = connection.etcd
    .watch()
    .prefix(routeKeys(fleet).clientPrefix)
    .startRevision(String(revision + 1n))
    .watcher()
  try {
    return await deadline.race(
      new Promise<'satisfied' | 'broken'>((resolve, reject) => {
        watcher.on('data', (response) => {
          try {
            for (const event of response.events) {
              if (satisfied({ key: event.kv.key.toString(), pair: event.kv, removed: String(event.type).toLowerCase() === 'delete' }))
                return resolve('satisfied')
            }
          } catch (error) {
            reject(error)
          }
        })
        watcher.on('disconnected', () => resolve('broken'))
        watcher.on('error', () => resolve('broken')) // cancelled by etcd, for example when its revision was compacted: read afresh
      }),
    )
  } finally {
    watcher.cancel().catch(() => undefined) // a watch that is gone already is what was wanted
  }
}
