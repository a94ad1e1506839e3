/** The fleet's lock: a key bound to a lease, whose create revision is the term. */
import { randomUUID } from 'node:crypto'
import type { Etcd3, Lease } from 'etcd3'
import { CompareResult, CompareTarget } from 'etcd3'
import { KbgError, messageOf } from '../../model/error.ts'
import { routeKeys } from '../../model/route.ts'
import { type Clock, Deadline } from '../../ports/clock.ts'
import type { RouteLock } from '../../ports/route-store.ts'
import { type EtcdConnection, retryPauseMs } from './etcd-connection.ts'
import { type LockValue, readLock } from './route-reading.ts'

/**
 * Takes the lock, or says who has it.
 *
 * @throws KbgError `locked` when somebody else holds it; `deadline` or `route-store-unreachable`
 */
export async function takeLock(connection: EtcdConnection, fleet: string, holder: string, leaseSeconds: number, deadline: Deadline): Promise<RouteLock> {
  const key = Buffer.from(routeKeys(fleet).lock)
  const value: LockValue = { holder, token: randomUUID() }
  const lease = await grantLease(connection, leaseSeconds, deadline)
  try {
    const answer = await connection.repeatedly('take the lock', deadline, async (etcd) =>
      etcd.kv.txn({
        compare: [{ key, target: CompareTarget.Create, result: CompareResult.Equal, create_revision: '0' }],
        success: [{ request_put: { key, value: Buffer.from(JSON.stringify(value)), lease: lease.id } }],
        failure: [{ request_range: { key } }],
      }),
    )
    if (answer.succeeded) return new HeldLock(lease, answer.header.revision, deadline.clock)
    const found = answer.responses[0]?.response_range
    // A repeated try finds the key that a lost answer had created: the token tells that it is ours.
    const pair = found?.kvs[0]
    if (pair?.value.toString('utf8') === JSON.stringify(value)) return new HeldLock(lease, pair.create_revision, deadline.clock)
    throw lockedBy(found === undefined ? 'unknown' : (readLock(found)?.holder ?? 'nobody any more'), fleet)
  } catch (error) {
    await lease.revoke(new Deadline(deadline.clock, 1_000, 'the lease to be given back')).catch(() => undefined) // it ends by itself; the first error says why
    throw error
  }
}

function lockedBy(holder: string, fleet: string): KbgError {
  return new KbgError('locked', `Somebody else is moving the traffic of this fleet.`, {
    retriable: true,
    facts: { fleet, holder },
    remedy: 'Wait until it has ended. If it was killed, its lock ends by itself within its lease (10 seconds by default).',
  })
}

/** A lease as this adapter uses it: granted, kept alive by its owner, revoked. */
interface GrantedLease {
  readonly id: string
  readonly ttlMs: number
  /** Monotonic time at which the grant was asked for: the lease lives at least until `ttlMs` later. */
  readonly askedAtMs: number
  /** Asks for another `ttlMs`; false when the lease is gone. */
  keepAlive(deadline: Deadline): Promise<boolean>
  revoke(deadline: Deadline): Promise<void>
}

async function grantLease(connection: EtcdConnection, ttlSeconds: number, deadline: Deadline): Promise<GrantedLease> {
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

class HeldLock implements RouteLock {
  readonly term: string
  readonly lost: AbortSignal
  readonly #lease: GrantedLease
  readonly #clock: Clock
  readonly #lost = new AbortController()
  readonly #released = new AbortController()
  readonly #keeping: Promise<void>
  #goodUntilMs: number

  constructor(lease: GrantedLease, term: string, clock: Clock) {
    this.#lease = lease
    this.#clock = clock
    this.term = term
    this.lost = this.#lost.signal
    this.#goodUntilMs = lease.askedAtMs + lease.ttlMs
    this.#keeping = this.#keep()
  }

  /** Every third of the lease; lost when it ended, or when nobody answered for as long as it lasts, counted from when the last answered request was sent. */
  async #keep(): Promise<void> {
    while (!this.#released.signal.aborted) {
      const askedAtMs = this.#clock.monotonicMs()
      if (askedAtMs >= this.#goodUntilMs) return this.#lose('no keep-alive was answered for as long as the lease lasts')
      let pauseMs = this.#lease.ttlMs / 3
      try {
        const alive = await this.#lease.keepAlive(new Deadline(this.#clock, this.#goodUntilMs - askedAtMs, 'a keep-alive', this.#released.signal))
        if (!alive) return this.#lose('etcd has ended the lease')
        this.#goodUntilMs = askedAtMs + this.#lease.ttlMs
      } catch (error) {
        if (this.#released.signal.aborted) return
        if (/expired or revoked|lease not found/.test(messageOf(error))) return this.#lose('etcd has ended the lease')
        pauseMs = retryPauseMs // unreachable: tried again until the lease is over
      }
      const waitMs = Math.min(pauseMs, this.#goodUntilMs - this.#clock.monotonicMs())
      if (waitMs > 0) await this.#clock.sleep(waitMs, this.#released.signal).catch(() => undefined) // woken by the release: the loop's condition ends it
    }
  }

  #lose(reason: string): void {
    this.#lost.abort(
      new KbgError('lock-lost', 'The lock is lost: nothing more may be written under it.', {
        facts: { term: this.term, reason },
        remedy: 'Run it again: a rerun goes on from what was journaled.',
      }),
    )
  }

  /** Gives the lock back. When the store can't be reached the lease ends it, so that is no error. */
  async release(): Promise<void> {
    if (this.#released.signal.aborted) return
    this.#released.abort()
    await this.#keeping
    if (this.#lost.signal.aborted) return
    await this.#lease.revoke(new Deadline(this.#clock, 2_000, 'the lock to be given back')).catch(() => undefined)
  }
}
