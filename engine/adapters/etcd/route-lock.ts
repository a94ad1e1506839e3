/** The fleet's lock: a key bound to a lease, whose create revision is the term. */
import { randomUUID } from 'node:crypto'
import { CompareResult, CompareTarget } from 'etcd3'
import { KbgError } from '../../model/error.ts'
import { routeKeys } from '../../model/route.ts'
import { type Clock, Deadline } from '../../ports/clock.ts'
import type { RouteLock } from '../../ports/route-store.ts'
import type { EtcdConnection } from './etcd-connection.ts'
import { type GrantedLease, grantLease, KeptLease } from './lease.ts'
import { LockWatch } from './lock-watch.ts'
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
    if (answer.succeeded) return new HeldLock(connection, fleet, lease, answer.header.revision, deadline.clock)
    const found = answer.responses[0]?.response_range
    // A repeated try finds the key that a lost answer had created: the token tells that it is ours.
    const pair = found?.kvs[0]
    if (pair?.value.toString('utf8') === JSON.stringify(value)) return new HeldLock(connection, fleet, lease, pair.create_revision, deadline.clock)
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

class HeldLock implements RouteLock {
  readonly term: string
  readonly abortRequested: AbortSignal
  readonly #lease: KeptLease
  readonly #watch: LockWatch

  constructor(connection: EtcdConnection, fleet: string, granted: GrantedLease, term: string, clock: Clock) {
    const lease = new KeptLease(granted, clock, (reason) => lockLost(term, reason))
    const asked = new AbortController()
    this.term = term
    this.abortRequested = asked.signal
    this.#lease = lease
    this.#watch = new LockWatch(connection, fleet, term, clock, {
      gone: () => lease.lose('somebody has taken it away, or etcd has ended its lease'),
      refused: (why) => lease.lose(`it can't be watched, so nobody would tell that it is gone: ${why}`),
      abortRequested: (by) => asked.abort(new KbgError('abort-requested', `Taken back by order of ${by}.`)),
    })
  }

  get lost(): AbortSignal {
    return this.#lease.lost
  }

  async release(): Promise<void> {
    await this.#watch.close() // before its key goes: that is no loss
    await this.#lease.release()
  }
}

function lockLost(term: string, reason: string): KbgError {
  return new KbgError('lock-lost', 'The lock is lost: nothing more may be written under it.', {
    facts: { term, reason },
    remedy: 'Run it again: a rerun goes on from what was journaled.',
  })
}
