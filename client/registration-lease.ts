/** Registrations of one application in the config store: they live under a lease, and are written again when it was lost. */
import type { Etcd3, Lease } from 'etcd3'
import { messageOf } from '../engine/model/error.ts'
import type { ClientRegistration } from '../engine/model/route.ts'
import { type Timing, within } from './timing.ts'

/** A client that died is forgotten after this. */
const leaseSeconds = 10
const retryPauseMs = 100
const callDeadlineMs = 2_000

/** What the lease works with. */
export interface RegistrationLeaseOptions {
  /** The connection of now. */
  readonly etcd: () => Etcd3
  readonly keyOf: (instanceId: string) => string
  readonly timing: Timing
  readonly closed: AbortSignal
  readonly onError: (error: unknown) => void
}

interface Pending {
  readonly registration: ClientRegistration
  readonly written: () => void
}

/** Keeps the newest value of each registration in the store. One write at a time, so that an older value never lands on a newer one. */
export class RegistrationLease {
  readonly #options: RegistrationLeaseOptions
  readonly #wanted = new Map<string, ClientRegistration>()
  readonly #pending: Pending[] = []
  #lease: Lease | undefined
  #writing: Promise<void> | undefined
  #keeping: Promise<void> | undefined

  constructor(options: RegistrationLeaseOptions) {
    this.#options = options
  }

  /** Resolves when the store has this value or a newer one of the same client, or when the session is closed. */
  put(registration: ClientRegistration): Promise<void> {
    this.#wanted.set(registration.instanceId, registration)
    return new Promise((written) => {
      this.#pending.push({ registration, written })
      this.#writing ??= this.#write()
    })
  }

  /** Takes a registration out of the store. When that fails it is gone with the lease's end. */
  async remove(instanceId: string): Promise<void> {
    this.#wanted.delete(instanceId)
    await this.#writing
    await this.#bounded(this.#options.etcd().delete().key(this.#options.keyOf(instanceId)).exec()).catch(this.#options.onError)
  }

  async close(): Promise<void> {
    await this.#writing
    await this.#keeping
    const lease = this.#lease
    if (lease !== undefined) await this.#bounded(lease.revoke()).catch(this.#options.onError)
  }

  async #write(): Promise<void> {
    while (this.#pending.length > 0 && !this.#options.closed.aborted) {
      const batch = [...this.#pending]
      const newest = new Map(batch.map((each) => [each.registration.instanceId, each.registration]))
      try {
        const lease = await this.#leaseInForce()
        await Promise.all([...newest.values()].map((registration) => this.#bounded(this.#putUnder(lease, registration))))
        for (const each of this.#pending.splice(0, batch.length)) each.written()
      } catch (error) {
        this.#options.onError(error)
        if (/lease not found|expired or revoked/.test(messageOf(error))) this.#lease = undefined
        await this.#pause(retryPauseMs)
      }
    }
    for (const each of this.#pending.splice(0)) each.written()
    this.#writing = undefined
  }

  #putUnder(lease: Lease, registration: ClientRegistration): Promise<unknown> {
    return lease.put(this.#options.keyOf(registration.instanceId)).value(JSON.stringify(registration)).exec()
  }

  async #leaseInForce(): Promise<Lease> {
    if (this.#lease !== undefined) return this.#lease
    const lease = this.#options.etcd().lease(leaseSeconds, { autoKeepAlive: false })
    await this.#bounded(lease.grant())
    this.#lease = lease
    this.#keeping ??= this.#keep()
    return lease
  }

  /** Every third of the lease. A lost one is replaced, and everything that is wanted written again. */
  async #keep(): Promise<void> {
    while (!this.#options.closed.aborted) {
      await this.#pause((leaseSeconds * 1_000) / 3)
      const lease = this.#lease
      if (lease === undefined || this.#options.closed.aborted) continue
      try {
        await this.#bounded(lease.keepaliveOnce())
      } catch (error) {
        this.#options.onError(error)
        this.#lease = undefined // gone, or its connection is: a new lease and the same registrations are right in both cases
        for (const registration of this.#wanted.values()) void this.put(registration) // repeats by itself until written or closed
      }
    }
  }

  #bounded<T>(call: Promise<T>): Promise<T> {
    return within(this.#options.timing, callDeadlineMs, call, () => new Error(`the route store didn't answer within ${callDeadlineMs} ms`))
  }

  async #pause(ms: number): Promise<void> {
    await this.#options.timing.sleep(ms, this.#options.closed).catch(() => undefined) // woken by close: the loops' conditions end them
  }
}
