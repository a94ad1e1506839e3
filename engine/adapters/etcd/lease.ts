/** Leases: granted, kept alive by their owner, revoked. */
import type { Etcd3, Lease } from 'etcd3'
import { KbgError, messageOf } from '../../model/error.ts'
import { type Clock, Deadline } from '../../ports/clock.ts'
import { type EtcdConnection, retryPauseMs } from './etcd-connection.ts'

/** A lease as this adapter uses it: granted, kept alive by its owner, revoked. */
export interface GrantedLease {
  readonly id: string
  readonly ttlMs: number
  /** Monotonic time at which the grant was asked for: the lease lives at least until `ttlMs` later. */
  readonly askedAtMs: number
  /** Asks for another `ttlMs`; false when the lease is gone. */
  keepAlive(deadline: Deadline): Promise<boolean>
  revoke(deadline: Deadline): Promise<void>
}

export async function grantLease(connection: EtcdConnection, ttlSeconds: number, deadline: Deadline): Promise<GrantedLease> {
  const askedAtMs = deadline.clock.monotonicMs()
  // A repeated grant may leave an empty lease behind, which ends by itself.
  const granted = await connection.repeatedly('grant a lease', deadline, async (etcd) => {
    const lease = etcd.lease(ttlSeconds, { autoKeepAlive: false })
    return { lease, id: await lease.grant(), etcd }
  })
  const { lease, etcd }: { lease: Lease; etcd: Etcd3 } = granted
  return {
    id: granted.id,
    ttlMs: ttlSeconds * 1_000,
    askedAtMs,
    keepAlive: async (within) => {
      if (etcd !== connection.etcd) throw new KbgError('route-store-unreachable', 'The connection was opened again.', { retriable: true })
      const answer = await connection.once('keep the lease alive', within, () => lease.keepaliveOnce())
      return answer.TTL !== '0'
    },
    revoke: async (within) => {
      await connection.repeatedly('end the lease', within, async (current) => {
        await current.leaseClient.leaseRevoke({ ID: granted.id })
      })
    },
  }
}

/** A lease that is kept alive until it is released. It is lost when etcd has ended it, or when nobody answered for as long as it lasts. */
export class KeptLease {
  readonly id: string
  readonly #lease: GrantedLease
  readonly #clock: Clock
  readonly #lostError: (reason: string) => KbgError
  readonly #lost = new AbortController()
  readonly #released = new AbortController()
  readonly #keeping: Promise<void>
  #goodUntilMs: number

  constructor(lease: GrantedLease, clock: Clock, lostError: (reason: string) => KbgError) {
    this.id = lease.id
    this.#lease = lease
    this.#clock = clock
    this.#lostError = lostError
    this.#goodUntilMs = lease.askedAtMs + lease.ttlMs
    this.#keeping = this.#keep()
  }

  /** Looked at, it also compares the time: a process that was stopped and goes on must not act before its timers have told it. */
  get lost(): AbortSignal {
    const isOver = !this.#released.signal.aborted && this.#clock.monotonicMs() >= this.#goodUntilMs
    if (isOver) this.lose('no keep-alive was answered for as long as the lease lasts')
    return this.#lost.signal
  }

  /** Every third of the lease; lost when it ended, or when nobody answered for as long as it lasts, counted from when the last answered request was sent. */
  async #keep(): Promise<void> {
    while (!this.#released.signal.aborted) {
      const askedAtMs = this.#clock.monotonicMs()
      if (this.lost.aborted) return
      let pauseMs = this.#lease.ttlMs / 3
      try {
        const alive = await this.#lease.keepAlive(new Deadline(this.#clock, this.#goodUntilMs - askedAtMs, 'a keep-alive', this.#released.signal))
        if (!alive) return this.lose('etcd has ended the lease')
        this.#goodUntilMs = askedAtMs + this.#lease.ttlMs
      } catch (error) {
        if (this.#released.signal.aborted) return
        if (/expired or revoked|lease not found/.test(messageOf(error))) return this.lose('etcd has ended the lease')
        pauseMs = retryPauseMs // unreachable: tried again until the lease is over
      }
      const waitMs = Math.min(pauseMs, this.#goodUntilMs - this.#clock.monotonicMs())
      if (waitMs > 0) await this.#clock.sleep(waitMs, this.#released.signal).catch(() => undefined) // woken by the release: the loop's condition ends it
    }
  }

  /** For whoever learns otherwise that nothing may be done under it any more. */
  lose(reason: string): void {
    if (!this.#lost.signal.aborted) this.#lost.abort(this.#lostError(reason))
  }

  /** Gives the lease back. When the store can't be reached it ends by itself, so that is no error. */
  async release(): Promise<void> {
    if (this.#released.signal.aborted) return
    this.#released.abort()
    await this.#keeping
    if (this.#lost.signal.aborted) return
    await this.#lease.revoke(new Deadline(this.#clock, 2_000, 'the lease to be given back')).catch(() => undefined)
  }
}
