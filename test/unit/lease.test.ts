import { expect, test } from 'vitest'
import { type GrantedLease, KeptLease } from '../../engine/adapters/etcd/lease.ts'
import { KbgError } from '../../engine/model/error.ts'
import { VirtualClock } from '../support/virtual-clock.ts'

test('a lease lasts from when its keep-alive was asked for, not from when the answer was seen: the store counts from before that', async () => {
  const clock = new VirtualClock()
  const askedAtMs: number[] = []
  const lease: GrantedLease = {
    ...{ id: 'l', ttlMs: 9_000, askedAtMs: 0, revoke: async () => undefined },
    keepAlive: async () => {
      askedAtMs.push(clock.monotonicMs())
      await clock.sleep(askedAtMs.length === 1 ? 2_000 : 60_000) // the first answer is slow, the second one never comes in time
      return true
    },
  }
  const kept = new KeptLease(lease, clock, (reason) => new KbgError('lock-lost', reason))
  await clock.sleep(8_999)
  expect([askedAtMs, kept.lost.aborted]).toEqual([[0, 5_000], false])
  await clock.sleep(1)
  expect(kept.lost.reason).toMatchObject({ code: 'lock-lost' })
  await kept.release()
})
