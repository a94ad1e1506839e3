/** One of this project's own processes that follows the route: registered under a lease like any client, so that a hold waits for its acknowledgement. */
import type { Watcher } from 'etcd3'
import { KbgError } from '../../model/error.ts'
import type { GuardianSight } from '../../model/guardian-sight.ts'
import { type ClientRegistration, type RouteDocument, routeKeys } from '../../model/route.ts'
import { type Clock, Deadline } from '../../ports/clock.ts'
import type { RouteFollowing } from '../../ports/route-store.ts'
import { type EtcdConnection, retryPauseMs } from './etcd-connection.ts'
import { grantLease, KeptLease } from './lease.ts'
import { readRoute } from './route-reading.ts'

/** A process that died is forgotten after this; the same as for applications. */
const leaseSeconds = 10
const readMs = 5_000

/** Registers, then reads the route: whoever publishes a hold either sees the registration, or its holder sees the hold. */
export async function followRoute(
  connection: EtcdConnection,
  fleet: string,
  registration: ClientRegistration,
  clock: Clock,
  deadline: Deadline,
): Promise<RouteFollowing> {
  const lostError = (reason: string) => new KbgError('registration-lost', 'The registration at the route store is lost.', { retriable: true, facts: { reason } }) // biome-ignore format: one line
  const lease = new KeptLease(await grantLease(connection, leaseSeconds, deadline), clock, lostError)
  const follower = new Follower(connection, fleet, registration, clock, lease)
  try {
    await follower.acknowledge(registration.ackedEpoch, deadline)
    follower.begin()
  } catch (thrown) {
    await follower.close()
    throw thrown
  }
  return follower
}

class Follower implements RouteFollowing {
  readonly lost: AbortSignal
  readonly #connection: EtcdConnection
  readonly #fleet: string
  readonly #registration: ClientRegistration
  readonly #clock: Clock
  readonly #lease: KeptLease
  readonly #closed = new AbortController()
  #watching: Promise<void> = Promise.resolve()
  #newest: RouteDocument | null = null
  #changed = Promise.withResolvers<void>()
  #watcher: Watcher | undefined

  constructor(connection: EtcdConnection, fleet: string, registration: ClientRegistration, clock: Clock, lease: KeptLease) {
    this.#connection = connection
    this.#fleet = fleet
    this.#registration = registration
    this.#clock = clock
    this.#lease = lease
    this.lost = lease.lost
  }

  /** Reads and watches from now on: behind the registration. */
  begin(): void {
    this.#watching = this.#watch()
  }

  get newest(): RouteDocument | null {
    return this.#newest
  }

  async acknowledge(epoch: number, deadline: Deadline): Promise<void> {
    const key = routeKeys(this.#fleet).client(this.#registration.instanceId)
    const value = Buffer.from(JSON.stringify({ ...this.#registration, ackedEpoch: epoch }))
    await this.#connection.repeatedly('take the registration', deadline, (etcd) => etcd.kv.put({ key: Buffer.from(key), value, lease: this.#lease.id }))
  }

  async testify(sight: GuardianSight, deadline: Deadline): Promise<void> {
    const key = Buffer.from(routeKeys(this.#fleet).sight(sight.instanceId))
    const value = Buffer.from(JSON.stringify(sight))
    await this.#connection.repeatedly('take what a guardian sees', deadline, (etcd) => etcd.kv.put({ key, value, lease: this.#lease.id }))
  }

  async newerThan(epoch: number, waitMs: number): Promise<RouteDocument | null> {
    const isNewer = () => this.#newest !== null && this.#newest.epoch > epoch
    const stop = new AbortController()
    const late = this.#clock.sleep(waitMs, AbortSignal.any([stop.signal, this.lost, this.#closed.signal])).catch(() => undefined) // woken by what ends the wait
    while (!isNewer() && !this.lost.aborted && !this.#closed.signal.aborted) {
      const changed = this.#changed.promise.then(() => 'changed' as const)
      if ((await Promise.race([changed, late])) === undefined) break
    }
    stop.abort()
    this.lost.throwIfAborted()
    return isNewer() ? this.#newest : null
  }

  async close(): Promise<void> {
    this.#closed.abort()
    this.#watcher?.cancel().catch(() => undefined) // a watch that is gone already is what was wanted
    await this.#watching
    await this.#lease.release()
  }

  /** Reads, then watches from behind that revision; when the watch breaks, from the start again: no change is missed, repeated ones are ignored. */
  async #watch(): Promise<void> {
    while (!this.#closed.signal.aborted && !this.lost.aborted) {
      try {
        await this.#watchFrom(await this.#readOnce())
      } catch {
        // Unreachable or unreadable: what was read last stays, and nothing is acknowledged beyond it.
      }
      await this.#clock.sleep(retryPauseMs, this.#closed.signal).catch(() => undefined) // woken by close: the loop's condition ends it
    }
  }

  async #readOnce(): Promise<bigint> {
    const key = Buffer.from(routeKeys(this.#fleet).route)
    const deadline = new Deadline(this.#clock, readMs, 'the route', this.#closed.signal)
    const answer = await this.#connection.repeatedly('tell the route', deadline, (etcd) => etcd.kv.range({ key }))
    const pair = answer.kvs[0]
    if (pair !== undefined) this.#take(readRoute(this.#fleet, pair))
    return BigInt(answer.header.revision)
  }

  #watchFrom(revision: bigint): Promise<void> {
    const watcher = this.#connection.etcd.watch().key(routeKeys(this.#fleet).route).startRevision(String(revision + 1n)).watcher() // biome-ignore format: one line
    this.#watcher = watcher
    return new Promise((resolve, reject) => {
      const end = () => {
        watcher.cancel().catch(() => undefined) // a watch that is gone already is what was wanted
        resolve()
      }
      if (this.#closed.signal.aborted) return end()
      watcher.on('put', (pair) => {
        try {
          this.#take(readRoute(this.#fleet, pair))
        } catch (thrown) {
          end()
          reject(thrown)
        }
      })
      watcher.on('disconnected', end)
      watcher.on('error', end)
      this.#closed.signal.addEventListener('abort', end, { once: true })
    })
  }

  #take(route: RouteDocument): void {
    if (this.#newest !== null && route.epoch <= this.#newest.epoch) return
    this.#newest = route
    this.#changed.resolve()
    this.#changed = Promise.withResolvers()
  }
}
