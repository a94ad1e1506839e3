import { describe, expect, test } from 'vitest'
import type { JournalFact } from '../../engine/model/journal.ts'
import { Limits } from '../../engine/model/limits.ts'
import type { RouteDocument } from '../../engine/model/route.ts'
import type { Wiring } from '../../engine/model/wiring.ts'
import { GuardianRounds } from '../../engine/run/guardian/round.ts'
import { aborting, deciding, held } from '../../engine/switchover/route-moves.ts'
import { longestStallMs, overdueMs } from '../../engine/switchover/stall.ts'
import { FakeFleet } from '../support/fake-fleet.ts'
import { soundRoute } from '../support/sample-snapshot.ts'

const limits = Limits.parse({})
const wiring = { waves: {}, hooks: [], unprovenGroups: {}, groups: [], topics: ['orders'], guardians: [] } as unknown as Wiring
const mirror = (source: 'blue' | 'green', what: 'created' | 'running'): JournalFact => ({
  ...{ kind: 'mirror', connector: `m-${source}`, source, target: source === 'blue' ? 'green' : 'blue', what },
})
const opened: JournalFact = { kind: 'opened', source: 'blue', target: 'green', attempt: 3, epoch: 7, consumers: {} }
const cut = { source: 'blue', target: 'green', sourceEnds: { 'orders-0': '5' }, targetEnds: { 'orders-0': '6' } } as const
const decided = (outcome: 'switch' | 'abort'): JournalFact => ({ kind: 'decided', outcome, cut: outcome === 'switch' ? cut : null, reason: '', graceful: true })
const before = [mirror('blue', 'running'), opened, mirror('green', 'created')]
const heldRoute = held(soundRoute, 'green', 3, '101', soundRoute.colours)

/** A fleet that an orchestrator left, with blue fenced where clients are held. */
function left(route: RouteDocument, ...facts: readonly JournalFact[]): FakeFleet {
  const fleet = new FakeFleet(route, [...before, ...facts])
  if (route.state !== 'open') fleet.fences.blue = 'fenced'
  return fleet
}

/** A guardian that has seen nothing yet, with its rounds and what it says. */
function guardian(fleet: FakeFleet, processId = 4_711) {
  const said: string[] = []
  const stop = new AbortController().signal
  const parts = { ports: fleet.ports, wiring, limits, colour: 'blue', processId, tell: (line: string) => void said.push(line), stop } as const
  const rounds = new GuardianRounds(parts)
  return {
    said,
    /** Rounds until `until`, or so many milliseconds of the fleet's own clock have passed. */
    async guard(until: () => boolean, atMostMs: number): Promise<void> {
      const endMs = fleet.nowMs + atMostMs
      while (!until() && fleet.nowMs < endMs) fleet.nowMs += Math.max(1, await rounds.next(stop))
    },
  }
}

const isClosed = (fleet: FakeFleet) => () => fleet.journal.at(-1)?.kind === 'closed' || fleet.journal.some(({ kind }) => kind === 'closed')

describe('a guardian', () => {
  test('gives the source its writers back when nobody decided and nobody holds the lock: decided first, then lifted', async () => {
    const fleet = left(heldRoute)
    await guardian(fleet).guard(isClosed(fleet), 10_000)
    expect(fleet.done).toEqual(['decided abort', 'lift blue', 'step', 'resume blue', 'restart blue', 'delete green', 'mirror', 'closed'])
    expect(fleet.route).toMatchObject({ state: 'open', live: 'blue', latch: { attempt: 3, reason: 'it was left while clients were held' } })
    expect([fleet.fences, fleet.lock]).toEqual([{ blue: 'open', green: 'fenced' }, null])
    expect(fleet.nowMs).toBeLessThan(2_000)
  })

  test('finishes what was decided, either way', async () => {
    const switched = left(deciding(heldRoute, '101'), decided('switch'))
    await guardian(switched).guard(isClosed(switched), 10_000)
    expect(switched.done.slice(0, 2)).toEqual(['lift green', 'step'])
    expect(switched.done.filter((line) => / (blue|green)$/.test(line))).toEqual(['lift green', 'stop blue', 'seed green', 'resume green', 'delete blue'])
    expect(switched.route).toMatchObject({ state: 'open', live: 'green', latch: null, defaultConsumerColour: 'green' })
    const aborted = left(aborting(heldRoute, '101'), decided('abort'))
    await guardian(aborted).guard(isClosed(aborted), 10_000)
    expect(aborted.done).not.toContain('decided abort')
    expect(aborted.route).toMatchObject({ state: 'open', live: 'blue', latch: { attempt: 3 } })
  })

  test('closes what had touched nothing, and goes on with a switchover whose release was published', async () => {
    const untouched = left(soundRoute)
    await guardian(untouched).guard(isClosed(untouched), 10_000)
    expect(untouched.done).toEqual(['delete green', 'mirror', 'closed'])
    const released = left({ ...soundRoute, epoch: 10, live: 'green' }, decided('switch'))
    Object.assign(released.fences, { blue: 'fenced', green: 'open' })
    await guardian(released).guard(isClosed(released), 10_000)
    expect(released.route).toMatchObject({ live: 'green', defaultConsumerColour: 'green' })
    expect(released.done.some((line) => line.startsWith('lift'))).toBe(false)
  })

  test('leaves a holder of the lock alone until producers are held past the deadline, then takes the lock, and the holder can write nothing more', async () => {
    const fleet = left(heldRoute)
    const hanging = fleet.take('a hanging orchestrator')
    const { guard, said } = guardian(fleet)
    await guard(() => fleet.done.length > 0, overdueMs(limits) - 1)
    expect(fleet.done).toEqual([])
    await guard(isClosed(fleet), longestStallMs(limits) - overdueMs(limits))
    expect(fleet.done.slice(0, 3)).toEqual(['broke the lock of a hanging orchestrator', 'decided abort', 'lift blue'])
    expect(fleet.route.latch?.reason).toMatch(/past the window's deadline of 30000 ms, and a hanging orchestrator has not come to an end/)
    expect(said.some((line) => line.startsWith('took the lock away'))).toBe(true)
    const entry = { ...decided('switch'), number: fleet.journal.length + 1, term: hanging.term, atWallClock: '', atMonotonicMs: 0 }
    const late = fleet.ports.store.write(
      hanging,
      { route: null, entry, expectedRouteRevision: '4', expectedJournalHead: fleet.journal.length } as never,
      {} as never,
    )
    await expect(late).rejects.toThrow(/lost-race/)
  })

  test('takes no lock away when the holder decides in that very moment, nor one that has just been taken', async () => {
    const fleet = left(heldRoute)
    fleet.take('a slow orchestrator')
    const { guard } = guardian(fleet)
    await guard(() => false, overdueMs(limits) - 300)
    // between the guardian's look and its transaction
    const { store } = fleet.ports
    const glance = await store.glance({} as never)
    fleet.publish(deciding(fleet.route, '1001'))
    expect(await store.breakLock({ term: glance.lock?.term ?? '', routeRevision: glance.routeRevision }, {} as never)).toBe(false)
    await guard(() => fleet.done.length > 0, overdueMs(limits) - 1_000)
    expect(fleet.done).toEqual([]) // a decision gives its holder as long again
    fleet.lock = null
    fleet.take('the other guardian')
    await guard(() => fleet.done.length > 0, overdueMs(limits) - 1_000)
    expect(fleet.done).toEqual([]) // counted afresh for whoever holds the lock now
  })

  test('does nothing while the store is away, says so once, and acts when it is back', async () => {
    const fleet = left(heldRoute)
    fleet.isAway = true
    const { guard, said } = guardian(fleet)
    await guard(() => false, 20_000)
    expect(fleet.done).toEqual([])
    expect(said).toEqual([expect.stringMatching(/the route store can't be read, so nothing is done: route-store-unreachable/)])
    fleet.isAway = false
    await guard(isClosed(fleet), 10_000)
    expect(fleet.route).toMatchObject({ state: 'open', live: 'blue' })
  })

  test('puts fences back that a late request has moved, journaled before the effect, the standby first', async () => {
    const fleet = new FakeFleet(soundRoute, [])
    Object.assign(fleet.fences, { blue: 'fenced', green: 'open' })
    await guardian(fleet).guard(() => fleet.fences.blue === 'open', 10_000)
    expect(fleet.done).toEqual(['fence raising green', 'raise green', 'fence lifting blue', 'lift blue'])
    expect(fleet.lock).toBeNull()
  })

  test('lets no late request stand for more than two seconds beside what its own requests take, whenever it lands and however the guardian’s jitter falls', async () => {
    let longestMs = 0
    for (const processId of [4_711, 4_712, 4_999]) {
      for (let landsMs = 5_000; landsMs < 8_000; landsMs += 150) {
        for (const late of [{ blue: 'fenced' }, { green: 'open' }] as const) {
          const fleet = new FakeFleet(soundRoute, [])
          const { guard } = guardian(fleet, processId)
          const isWrong = () => fleet.fences.blue !== 'open' || fleet.fences.green !== 'fenced'
          let landedMs = Number.NaN
          await guard(() => {
            if (Number.isNaN(landedMs) && fleet.nowMs >= landsMs) landedMs = Object.assign(fleet, { fences: Object.assign(fleet.fences, late) }).nowMs
            return !Number.isNaN(landedMs) && !isWrong()
          }, 20_000)
          expect(isWrong()).toBe(false)
          longestMs = Math.max(longestMs, fleet.nowMs - landedMs)
        }
      }
    }
    expect(longestMs).toBeGreaterThan(500)
    expect(longestMs).toBeLessThan(2_000)
  })

  test('touches no fence of a colour that can not be asked, and none beside an orchestrator at work', async () => {
    const fleet = new FakeFleet(soundRoute, [])
    fleet.fences.green = 'unreachable'
    await guardian(fleet).guard(() => false, 10_000)
    fleet.fences.green = 'open'
    fleet.take('pulumi up')
    await guardian(fleet).guard(() => false, 10_000)
    expect(fleet.done).toEqual([])
  })

  test('fences a colour that comes back with its fence open, as soon as it answers', async () => {
    const fleet = new FakeFleet(soundRoute, [])
    fleet.fences.green = 'unreachable'
    const { guard } = guardian(fleet)
    await guard(() => false, 5_000)
    fleet.fences.green = 'open'
    const backAtMs = fleet.nowMs
    await guard(() => fleet.fences.green === 'fenced', 10_000)
    expect(fleet.nowMs - backAtMs).toBeLessThan(4_000)
  })

  test('rests longer and longer after what fails, sooner again while producers are held', async () => {
    const fleet = new FakeFleet(soundRoute, [])
    fleet.fences.green = 'open'
    const tries: number[] = []
    fleet.beforeWrite = () => {
      tries.push(fleet.nowMs)
      throw new Error('the entry is refused')
    }
    await guardian(fleet).guard(() => false, 120_000)
    const pauses = tries.slice(1).map((atMs, index) => Math.round((atMs - (tries[index] ?? 0)) / 1_000))
    expect(pauses.slice(0, 6).every((pause, index) => pause >= 2 ** index && pause <= 2 ** index + 3)).toBe(true)
    const stalled = left(heldRoute)
    stalled.beforeWrite = fleet.beforeWrite
    tries.length = 0
    await guardian(stalled).guard(() => false, 60_000)
    expect(tries.length).toBeGreaterThan(9)
  })
})

describe('two guardians', () => {
  test('act once: the lock decides, and the slower one finds nothing left to do', async () => {
    const fleet = left(heldRoute)
    const [one, other] = [guardian(fleet, 4_711), guardian(fleet, 4_712)]
    await Promise.all([one.guard(isClosed(fleet), 10_000), other.guard(isClosed(fleet), 10_000)])
    await other.guard(() => false, 5_000)
    expect(fleet.done.filter((line) => line === 'decided abort' || line === 'closed')).toEqual(['decided abort', 'closed'])
  })
})
