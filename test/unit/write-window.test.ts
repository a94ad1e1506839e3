/** What keeps an orchestrator from acting too late: the window's deadline, and a lock that is looked at. */
import { expect, test } from 'vitest'
import { type GrantedLease, KeptLease } from '../../engine/adapters/etcd/lease.ts'
import { KbgError } from '../../engine/model/error.ts'
import { Limits } from '../../engine/model/limits.ts'
import type { Wiring } from '../../engine/model/wiring.ts'
import { Execution } from '../../engine/run/execution.ts'
import { FakeFleet } from '../support/fake-fleet.ts'
import { soundRoute } from '../support/sample-snapshot.ts'

function running(stop = new AbortController()) {
  const fleet = new FakeFleet(soundRoute, [])
  const run = new Execution({
    ...{ ports: fleet.ports, wiring: { waves: {} } as unknown as Wiring, limits: Limits.parse({ windowDeadlineMs: 5_000 }), tell: () => undefined },
    ...{ intent: { live: 'green', attempt: 0, consumers: {} }, lock: fleet.take('pulumi up'), cancelled: stop.signal },
    ...{ route: soundRoute, journal: [], routeRevision: '1', journalHead: 0 },
  })
  return { fleet, run, stop }
}

test('every wait between hold and decision ends with the window, and none behind the decision', () => {
  const { fleet, run } = running()
  expect(run.untilCancelled(60_000, 'before').remainingMs()).toBe(60_000)
  run.beginWindow()
  fleet.nowMs = 2_000
  expect([run.untilCancelled(60_000, 'the drain').remainingMs(), run.untilCancelled(100, 'the fence').remainingMs()]).toEqual([3_000, 100])
  fleet.nowMs = 6_000
  expect(run.untilCancelled(60_000, 'the cut').over).toBe(true)
  expect(run.untilLockLost(60_000, 'the source to open again').remainingMs()).toBe(60_000)
  run.endWindow()
  expect(run.untilCancelled(60_000, 'behind').remainingMs()).toBe(60_000)
})

test('an order to take it back cancels like ^C, and its reason names who gave it', () => {
  const ordered = running()
  const waiting = ordered.run.untilCancelled(60_000, 'the drain')
  expect(ordered.run.whyCancelled).toBeNull()
  ordered.fleet.lock?.asked.abort(new KbgError('abort-requested', 'Taken back by order of ann.'))
  expect(ordered.run.whyCancelled).toContain('by order of ann')
  expect(() => waiting.check()).toThrow(/by order of ann/)
  const interrupted = running()
  interrupted.stop.abort(new Error('SIGINT'))
  expect(interrupted.run.whyCancelled).toBe('cancelled')
})

test('a lease is over when its time is, also for a process whose timers have not run since', async () => {
  const fleet = new FakeFleet(soundRoute, [])
  const answers = { alive: true }
  const granted: GrantedLease = { id: '1', ttlMs: 3_000, askedAtMs: 0, keepAlive: async () => answers.alive, revoke: async () => undefined }
  const clock = { ...fleet.clock, sleep: () => new Promise<void>(() => undefined) } // stopped: no timer ends
  const lease = new KeptLease(granted, clock, (reason) => new KbgError('lock-lost', 'The lock is lost.', { facts: { reason } }))
  fleet.nowMs = 2_999
  expect(lease.lost.aborted).toBe(false)
  fleet.nowMs = 3_001
  expect(lease.lost.aborted).toBe(true)
  expect(lease.lost.reason).toMatchObject({ code: 'lock-lost' })
})
