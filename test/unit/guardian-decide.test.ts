import { describe, expect, test } from 'vitest'
import { Limits } from '../../engine/model/limits.ts'
import type { RouteDocument } from '../../engine/model/route.ts'
import { decide, jitterOf, restAfterMs, type Sight } from '../../engine/switchover/guardian.ts'
import { aborting, deciding, held } from '../../engine/switchover/route-moves.ts'
import { guardianLookMs, leaseMs, longestStallMs, overdueMs, stallWithoutHolderMs } from '../../engine/switchover/stall.ts'
import { soundRoute } from '../support/sample-snapshot.ts'

const limits = Limits.parse({})
const jitterMs = 100
const heldRoute = held(soundRoute, 'green', 0, '101', soundRoute.colours)
const routes = { open: soundRoute, held: heldRoute, aborting: aborting(heldRoute, '102'), deciding: deciding(heldRoute, '102') } as const
const lock = { holder: 'pulumi up by ann', term: '101' }
const at = (route: RouteDocument | null, more: Partial<Extract<Sight, { kind: 'seen' }>> = {}): Sight => ({
  ...{ kind: 'seen', route, lock: null, isLeftOpen: false, heldMs: 0, freeMs: 60_000, fencesDiffer: false, restMs: 0 },
  ...more,
})
const kindOf = (sight: Sight) => decide(sight, limits, jitterMs).kind

describe('what a guardian decides', () => {
  const times = [0, overdueMs(limits) - 1, overdueMs(limits), 1_000_000]
  const all = Object.entries(routes).flatMap(([state, route]) =>
    [null, lock].flatMap((own) =>
      [false, true].flatMap((isLeftOpen) =>
        [null, false, true].flatMap((fencesDiffer) =>
          times.flatMap((heldMs) =>
            [0, 5_000].flatMap((restMs) =>
              [0, jitterMs].map((freeMs) => ({
                state,
                sight: at(route, { lock: own, isLeftOpen, fencesDiffer, heldMs, restMs, freeMs }),
                own,
                isLeftOpen,
                heldMs,
                restMs,
                freeMs,
              })),
            ),
          ),
        ),
      ),
    ),
  )

  test('in every state: a lock that is held is taken away only while producers are held past the deadline, and nothing else is done beside it', () => {
    for (const { state, sight, own, heldMs, restMs } of all) {
      if (own === null) continue
      const expected = state !== 'open' && heldMs >= overdueMs(limits) && restMs === 0 ? 'overrule' : 'watch'
      expect(kindOf(sight)).toBe(expected)
    }
  })

  test('in every state: with the lock free, what is left open is finished first, then fences are mended, and otherwise nothing is done', () => {
    for (const { state, sight, own, isLeftOpen, restMs, freeMs } of all) {
      if (own !== null || sight.kind !== 'seen') continue
      const due = restMs === 0 && freeMs >= jitterMs
      const isLeft = state !== 'open' || isLeftOpen
      expect(kindOf(sight)).toBe(isLeft && due ? 'finish' : !isLeft && sight.fencesDiffer === true && due ? 'mend-fences' : 'watch')
    }
  })

  test('looks again in time: before the deadline of a holder, before its own rest is over, and often while producers are held', () => {
    for (const { sight, state } of all) {
      const action = decide(sight, limits, jitterMs)
      if (action.kind !== 'watch') continue
      expect(action.againMs).toBeGreaterThan(0)
      expect(action.againMs).toBeLessThanOrEqual(state === 'open' ? guardianLookMs : 250)
    }
    expect(decide(at(heldRoute, { lock, heldMs: overdueMs(limits) - 7 }), limits, jitterMs)).toMatchObject({ kind: 'watch', againMs: 7 })
  })

  test('nothing without a store that can be read, or without a route, and says so', () => {
    expect(decide({ kind: 'blind', why: 'refused' }, limits, jitterMs)).toMatchObject({ kind: 'watch', why: expect.stringMatching(/can't be read.*refused/) })
    expect(decide(at(null, { fencesDiffer: true, isLeftOpen: true }), limits, jitterMs)).toMatchObject({ kind: 'watch', why: 'there is no route' })
  })

  test('names the lock that it takes away: no other one is meant', () => {
    expect(decide(at(heldRoute, { lock, heldMs: overdueMs(limits) }), limits, jitterMs)).toMatchObject({
      kind: 'overrule',
      term: '101',
      why: expect.stringContaining('pulumi up by ann has not come to an end'),
    })
  })
})

describe('the times of a guardian', () => {
  test('its jitter follows from its process id, and spreads', () => {
    const spread = Array.from({ length: 200 }, (_, index) => jitterOf(30_000 + index))
    expect(spread.every((ms) => Number.isInteger(ms) && ms >= 0 && ms < 400)).toBe(true)
    expect(new Set(spread).size).toBeGreaterThan(100)
    expect(jitterOf(4_711)).toBe(jitterOf(4_711))
  })

  test('it rests longer with each failure, and less long while producers are held', () => {
    expect([0, 1, 2, 3, 20].map((failures) => restAfterMs(failures, soundRoute))).toEqual([0, 1_000, 2_000, 4_000, 900_000])
    expect([1, 3, 4, 20].map((failures) => restAfterMs(failures, heldRoute))).toEqual([1_000, 4_000, 5_000, 5_000])
  })

  test('the longest stall is made of the limits: look, the window and a moment to take back, the lease of a second one that ends, and opening the colour', () => {
    expect(longestStallMs(limits)).toBe(126_000)
    expect(longestStallMs(Limits.parse({ windowDeadlineMs: 10_000, lockLeaseSeconds: 3 }))).toBe(59_000)
    // whoever holds the lock, and whenever it ends: waiting for the deadline and for one lease more is within the bound
    for (const [windowDeadlineMs, lockLeaseSeconds] of [
      [1_000, 2],
      [30_000, 10],
      [5_000, 120],
    ] as const) {
      const own = Limits.parse({ windowDeadlineMs, lockLeaseSeconds })
      expect(longestStallMs(own)).toBe(2 * overdueMs(own) + leaseMs(own) + stallWithoutHolderMs(own))
      expect(stallWithoutHolderMs(own)).toBeGreaterThan(windowDeadlineMs)
    }
  })
})
