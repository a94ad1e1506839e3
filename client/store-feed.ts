/** The route from the route store: watched, and every client registered under a lease. */
import { Etcd3, type IOptions, type Watcher } from 'etcd3'
import type { Logger } from 'kafkajs'
import { KbgError, messageOf } from '../engine/model/error.ts'
import { type ClientRegistration, type RouteDocument, routeKeys } from '../engine/model/route.ts'
import { tlsRefusal } from '../engine/model/tls-refusal.ts'
import type { StoreOptions } from './options.ts'
import { RegistrationLease } from './registration-lease.ts'
import { parseRoute, type RouteFeed, retryPauseMs } from './route-feed.ts'
import type { Timing } from './timing.ts'

type Policy = ReturnType<NonNullable<NonNullable<IOptions['faultHandling']>['host']>>
/** etcd3 repeats failed calls, then refuses all for 5 s, and opens lost watches after up to 30 s; here the session tries again itself. */
const onceOnly = { execute: async (call: (context: { signal: AbortSignal }) => unknown) => call({ signal: new AbortController().signal }) } as unknown as Policy
const watchBackoff = { duration: retryPauseMs, next: () => watchBackoff }

/** Watches the store from its making until it is closed. */
export class StoreFeed implements RouteFeed {
  readonly #options: StoreOptions
  readonly #timing: Timing
  readonly #log: Logger
  readonly #apply: (route: RouteDocument) => void
  readonly #closed = new AbortController()
  readonly #lease: RegistrationLease
  readonly #watching: Promise<void>
  #etcd: Etcd3
  #watcher: Watcher | undefined
  #refusal = newRefusal()
  lastError: unknown

  constructor(options: StoreOptions, timing: Timing, log: Logger, apply: (route: RouteDocument) => void) {
    this.#options = options
    this.#timing = timing
    this.#log = log
    this.#apply = apply
    this.#etcd = this.#connect()
    this.#lease = new RegistrationLease({
      etcd: () => this.#etcd,
      keyOf: routeKeys(options.fleet).client,
      timing,
      closed: this.#closed.signal,
      onError: (error) => this.#failed(error),
    })
    this.#watching = this.#watch()
  }

  /** Rejects when TLS with the store is refused from now on: waiting mends nothing. Who follows the route already stays on its epoch, and tries on. */
  get refused(): Promise<never> {
    return this.#refusal.promise
  }

  register(registration: ClientRegistration): Promise<void> {
    return this.#lease.put(registration)
  }

  unregister(instanceId: string): Promise<void> {
    return this.#lease.remove(instanceId)
  }

  /** Reads the route now. Repeats while the store can't be reached. @throws KbgError `route-missing`, `route-corrupt`, `route-session-closed` */
  async refresh(): Promise<bigint> {
    while (!this.#closed.signal.aborted) {
      try {
        return await this.#readOnce()
      } catch (error) {
        if (error instanceof KbgError) throw error
        this.#failed(error)
        await this.#pause()
      }
    }
    throw new KbgError('route-session-closed', 'The client was disconnected while it read the route.')
  }

  async close(): Promise<void> {
    this.#closed.abort()
    await this.#lease.close()
    this.#watcher?.cancel().catch(() => undefined) // closing: a watch that is gone already is what was wanted
    await this.#watching
    this.#etcd.close()
  }

  #connect(): Etcd3 {
    const { endpoints, username, password, ca } = this.#options
    return new Etcd3({
      hosts: [...endpoints],
      ...(ca === undefined ? {} : { credentials: { rootCertificate: ca } }),
      auth: { username, password },
      grpcOptions: {
        'grpc.initial_reconnect_backoff_ms': 100,
        'grpc.min_reconnect_backoff_ms': 100,
        'grpc.max_reconnect_backoff_ms': 1_000,
        'grpc.keepalive_time_ms': 10_000,
        'grpc.keepalive_timeout_ms': 5_000,
      },
      faultHandling: { host: () => onceOnly, global: onceOnly, watchBackoff },
    })
  }

  async #readOnce(): Promise<bigint> {
    const key = routeKeys(this.#options.fleet).route
    const answer = await this.#etcd.get(key).exec()
    const value = answer.kvs[0]?.value.toString('utf8')
    if (value === undefined) {
      throw new KbgError('route-missing', 'The route store has no route of this fleet.', {
        facts: { fleet: this.#options.fleet, key },
        remedy: 'It is written when the traffic stack is brought up; is the fleet right?',
      })
    }
    this.#apply(parseRoute(key, value))
    return BigInt(answer.header.revision)
  }

  /** Reads, then watches from behind that revision; when the watch breaks, from the start again: no change is missed, and repeated ones are ignored. */
  async #watch(): Promise<void> {
    while (!this.#closed.signal.aborted) {
      try {
        await this.#watchFrom(await this.#readOnce())
      } catch (error) {
        this.#failed(error)
      }
      await this.#pause()
    }
  }

  #watchFrom(revision: bigint): Promise<void> {
    const key = routeKeys(this.#options.fleet).route
    return new Promise((resolve) => {
      const watcher = this.#etcd
        .watch()
        .key(key)
        .startRevision(String(revision + 1n))
        .watcher()
      this.#watcher = watcher
      const end = () => {
        watcher.cancel().catch(() => undefined) // a watch that is gone already is what was wanted
        resolve()
      }
      watcher.on('put', (pair) => {
        try {
          this.#apply(parseRoute(key, pair.value.toString('utf8')))
        } catch (error) {
          this.#failed(error) // the epoch in force stays
        }
      })
      watcher.on('disconnected', end)
      watcher.on('error', end)
      this.#closed.signal.addEventListener('abort', end, { once: true })
    })
  }

  /** Etcd's users were changed: a token from before is outdated for ever, so a new connection logs in again. */
  #failed(error: unknown): void {
    this.lastError = error
    if (this.#closed.signal.aborted) return
    this.#log.debug('Route store', { error: messageOf(error) })
    const refusal = tlsRefusal(`the route store at ${this.#options.endpoints.join(', ')}`, error)
    if (refusal !== undefined) {
      this.#refusal.reject(refusal)
      this.#refusal = newRefusal()
    }
    if (!/revision of auth store is old|user name is empty/.test(messageOf(error))) return
    this.#etcd.close()
    this.#etcd = this.#connect()
  }

  async #pause(): Promise<void> {
    await this.#timing.sleep(retryPauseMs, this.#closed.signal).catch(() => undefined) // woken by close: the loops' conditions end them
  }
}

function newRefusal(): PromiseWithResolvers<never> {
  const refusal = Promise.withResolvers<never>()
  refusal.promise.catch(() => undefined) // nobody may be waiting
  return refusal
}
