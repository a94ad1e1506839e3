/** A failed watch that does not move traffic back, or not to its end: on a fleet in memory and in virtual time. */
import { describe, expect, test } from 'vitest'
import { KbgError } from '../../engine/model/error.ts'
import { Limits } from '../../engine/model/limits.ts'
import { Deadline } from '../../engine/ports/clock.ts'
import type { Ports } from '../../engine/run/ports.ts'
import { repair } from '../../engine/run/repair.ts'
import { describeStatus } from '../../engine/run/status.ts'
import { describePlan, moveLive } from '../../engine/run/switchover.ts'
import type { WatchOutcome } from '../../engine/run/watch/keep-watch.ts'
import { departures } from '../../engine/switchover/conformance.ts'
import type { FakeFleet } from '../support/watched-fleet.ts'
import { automatic, expectNothingLost, expectNotMoved, limits, never, switched, told, up, watch, whats } from '../support/watched-switch.ts'

describe('a way back that is killed (F67)', () => {
  type Fence = Ports['clusters']['blue']['fence']
  /** A watch on ports on which a step of a fence kills the guardian. */
  async function killedAt(one: FakeFleet, colour: 'blue' | 'green', step: keyof Fence): Promise<WatchOutcome> {
    one.colours.green.health.refuses = true
    const { ports } = one
    const dies = async () => Promise.reject(one.kill())
    const cluster = { ...ports.clusters[colour], fence: { ...ports.clusters[colour].fence, [step]: dies } }
    return await watch(one, { ports: { ...ports, clusters: { ...ports.clusters, [colour]: cluster } } })
  }

  test('before its decision is taken back by the next update, latched, and not tried again', async () => {
    const fleet = await switched(async (one) => {
      expect(await killedAt(one, 'green', 'raise')).toEqual({ kind: 'none' })
      expect(one.route).toMatchObject({ state: 'held', target: 'blue' })
      expect(await up(one, 'green')).toMatchObject({ live: 'green', unfinished: false })
      expect(one.route).toMatchObject({ state: 'open', latch: { attempt: 0, reason: expect.stringMatching(/^green failed its watch: .*taken back/) } })
      expect(await watch(one)).toEqual({ kind: 'none' })
    })
    expect(whats(fleet).at(-1)).toBe('halted')
    expect(await describeStatus(fleet.ports, fleet.wiring, Limits.parse({}))).toContain('HALTED: green failed')
    expect(automatic(fleet)).toHaveLength(1)
    expect([fleet.colours.blue.fenced, fleet.colours.green.fenced]).toEqual([true, false])
    expectNothingLost(fleet)
  })

  test('behind its decision is finished by the next update, latched: the config still wants green, and does not get it', async () => {
    const fleet = await switched(async (one) => {
      expect(await killedAt(one, 'blue', 'lift')).toEqual({ kind: 'none' })
      expect(one.route).toMatchObject({ state: 'deciding', target: 'blue' })
      await expect(up(one, 'green')).rejects.toThrow(/finished-earlier/)
      expect(one.route).toMatchObject({ live: 'blue', state: 'open', latch: { attempt: 0, reason: expect.stringContaining('green failed its watch') } })
      await one.clock.sleep(1_000)
      await expect(up(one, 'green')).rejects.toThrow(/latched at attempt 0/)
    })
    expect([fleet.colours.blue.fenced, fleet.colours.green.fenced]).toEqual([false, true])
    expect(whats(fleet)).toEqual(['baseline', 'begun', 'failed'])
    expectNothingLost(fleet)
  })
})

describe('a failed watch halts, and moves nothing,', () => {
  /** What a watch comes to on a green that refuses writes, with something else in the way. */
  async function halted(prepare: (fleet: FakeFleet) => void, more: { limits?: Limits } = {}): Promise<FakeFleet> {
    const fleet = await switched(async (one) => {
      one.colours.green.health.refuses = true
      prepare(one)
      const outcome = await watch(one, more)
      expect(outcome).toMatchObject({ kind: 'ended', what: 'halted' })
      expect(await watch(one)).toEqual({ kind: 'none' })
    })
    expectNotMoved(fleet)
    expect(whats(fleet).at(-1)).toBe('halted')
    return fleet
  }
  const reasonOf = (fleet: FakeFleet) => fleet.journal.findLast((entry) => entry.kind === 'watch')

  test('when the other colour is no better', async () => {
    const fleet = await halted((one) => {
      one.colours.blue.health.slowMs = 5_000
    })
    expect(reasonOf(fleet)).toMatchObject({ reason: expect.stringContaining('blue is no better: its canary failed') })
    expect(await describeStatus(fleet.ports, fleet.wiring, Limits.parse({}))).toContain(
      "HALTED: green failed, and traffic can't go back by itself: blue is no better",
    )
    expect(told.at(-1)).toContain("green has failed its watch, and traffic doesn't go back: blue is no better")
  })

  test('when the reverse mirror does not run (F68)', async () => {
    const fleet = await halted((one) => {
      for (const connector of one.connectors.green.values()) connector.state = 'STOPPED'
    })
    expect(reasonOf(fleet)).toMatchObject({ reason: expect.stringMatching(/gate: .*mirror connector: fail/s) })
  })

  test('when the attempt was moved back before', async () => {
    const fleet = await switched(async (one) => {
      one.colours.green.health.refuses = true
      const before = { kind: 'opened', source: 'green', target: 'blue', attempt: 0, epoch: 1, automatic: 'an earlier watch failed' } as const
      const history = async () => [{ ...before, number: 1, term: '1', atWallClock: '2026-01-01T00:00:00Z', atMonotonicMs: 0 }, ...one.journal]
      const { ports } = one
      expect(await watch(one, { ports: { ...ports, store: { ...ports.store, history } } })).toEqual({
        ...{ kind: 'ended', what: 'halted', reason: 'attempt 0 was moved back by itself before' },
      })
    })
    expectNotMoved(fleet)
  })

  test('also when another guardian says that it halts while this one still looks at the other colour', async () => {
    const fleet = await switched(async (one) => {
      one.colours.green.health.refuses = true
      one.note({ kind: 'watch', what: 'failed', colour: 'green', untilWallClock: null, baseline: null, measures: [], reason: 'refused' })
      const { ports } = one
      const { logs } = ports.clusters.blue
      const append: typeof logs.append = async (...given) => {
        if (whats(one).at(-1) !== 'halted')
          one.note({ kind: 'watch', what: 'halted', colour: 'green', untilWallClock: null, baseline: null, measures: [], reason: 'the other one' })
        return await logs.append(...given)
      }
      const blue = { ...ports.clusters.blue, logs: { ...logs, append } }
      expect(await watch(one, { ports: { ...ports, clusters: { ...ports.clusters, blue } } })).toEqual({ kind: 'none' })
    })
    expectNotMoved(fleet)
    expect(whats(fleet).filter((what) => what === 'halted')).toHaveLength(1)
  })

  test('not because the other guardian holds the lock while it tries: whoever tries last says why', async () => {
    const fleet = await switched(async (one) => {
      one.colours.green.health.refuses = true
      for (const connector of one.connectors.green.values()) connector.state = 'STOPPED'
      one.note({ kind: 'watch', what: 'failed', colour: 'green', untilWallClock: null, baseline: null, measures: [], reason: 'refused' })
      one.lockHolder = 'guardian beside green, pid 2'
      const released = one.clock.sleep(limits.windowDeadlineMs + 20_000).then(() => {
        one.lockHolder = null
      })
      expect(await watch(one)).toMatchObject({ kind: 'ended', what: 'halted', reason: expect.stringMatching(/gate: .*mirror connector: fail/s) })
      await released
    })
    expectNotMoved(fleet)
  })

  test('a colour that answers again before anybody could move is left where it is, though its failure still stands among the samples', async () => {
    const fleet = await switched(async (one) => {
      one.colours.green.health.refuses = true
      one.lockHolder = 'guardian beside green, pid 2'
      const recovered = one.clock.sleep(12_000).then(() => {
        one.colours.green.health.refuses = false
      })
      const released = one.clock.sleep(25_000).then(() => {
        one.lockHolder = null
      })
      expect(await watch(one)).toMatchObject({
        kind: 'ended',
        what: 'inconclusive',
        reason: expect.stringMatching(/^it failed.*and answers again: nothing was moved$/),
      })
      await Promise.all([recovered, released])
    })
    expectNotMoved(fleet)
  })

  test('a colour that can not be reached from the guardian is not known, and no failure', async () => {
    const fleet = await switched(async (one) => {
      const gone = async () => Promise.reject(new KbgError('connection', 'No way there.', { retriable: true }))
      const { ports } = one
      const { green } = ports.clusters
      const away = { ...green, fence: { ...green.fence, canary: gone }, logs: { ...green.logs, append: gone } }
      expect(await watch(one, { ports: { ...ports, clusters: { ...ports.clusters, green: away } } })).toMatchObject({
        ...{ kind: 'ended', what: 'inconclusive', reason: expect.stringContaining('it could not be reached') },
      })
    })
    expectNotMoved(fleet)
  })

  test('when it may not', async () => {
    const fleet = await halted(() => undefined, { limits: Limits.parse({ watchWindowMs: 20_000, maxAutomaticRollbacks: 0 }) })
    expect(reasonOf(fleet)).toMatchObject({ reason: 'limits.maxAutomaticRollbacks is 0' })
  })

  test('when the way back was begun and had to be taken back: green stays live, latched', async () => {
    const fleet = await switched(async (one) => {
      one.colours.green.health.refuses = true
      const raise = async () => Promise.reject(new KbgError('kafka', 'The controller is gone.'))
      const { ports } = one
      const green = { ...ports.clusters.green, fence: { ...ports.clusters.green.fence, raise } }
      expect(await watch(one, { ports: { ...ports, clusters: { ...ports.clusters, green } } })).toMatchObject({
        what: 'halted',
        reason: expect.stringContaining('aborted'),
      })
    })
    expect(fleet.route).toMatchObject({ live: 'green', state: 'open', latch: { attempt: 0, reason: expect.stringContaining('The controller is gone.') } })
    expect(whats(fleet).at(-1)).toBe('halted')
    expect(await describeStatus(fleet.ports, fleet.wiring, Limits.parse({}))).toContain('HALTED: green failed')
  })
})

describe('an operator’s way back off a colour that refuses every write', () => {
  /** A fleet whose green refuses all, behind a watch that has halted for want of the right to move. */
  const sick = (work: (one: FakeFleet) => Promise<void>) =>
    switched(async (one) => {
      one.colours.green.health.refuses = 'all'
      const outcome = await watch(one, { limits: Limits.parse({ watchWindowMs: 20_000 }) })
      expect(outcome).toMatchObject({ what: 'halted', reason: 'limits.maxAutomaticRollbacks is 0' })
      await work(one)
    })
  const forced = (one: FakeFleet, ports: Ports = one.ports) => {
    const intent = { live: 'blue', attempt: 1, consumers: {}, acceptLoss: 0 } as const
    return moveLive(ports, { wiring: one.wiring, limits, holder: 'pulumi up', tell: () => undefined, cancelled: never, intent, gateEpoch: one.route.epoch })
  }

  /** The plan that a preview shows of it. */
  const planOf = (one: FakeFleet) =>
    describePlan(one.ports, one.wiring, { live: 'blue', attempt: 0, consumers: {} }, limits, new Deadline(one.clock, 3_000, 'the plan'))

  test('asks it for nothing that it refuses, says so before, and loses nothing; the mirror into it comes when it is mended', async () => {
    const fleet = await sick(async (one) => {
      expect(await describeStatus(one.ports, one.wiring, Limits.parse({}))).toContain(
        'Your own way back off green asks it only what a fence, a drain and a copy need',
      )
      const plan = await planOf(one)
      expect(plan).toMatch(
        /^Switchover green -> blue:\n {2}green has failed its watch \(canary accepted: 5 failed samples in a row.*\): this is the way off it/,
      )
      expect(plan).toMatch(
        / 3\. arm {6}open connections; no canary crosses into S[\s\S]*\n {2}11\. watch {4}skipped: there is nothing sound to compare T with\n/,
      )
      expect(plan).toContain(` (within ${40_000 + 5 * Math.max(limits.maxMirrorLagMs, limits.drainDeadlineMs / 2)} ms; abort: nothing was touched)\n   3. arm`)
      expect(plan).toContain('Nothing would refuse it now')
      await expect(up(one, 'blue')).rejects.toThrow(/^unfinished: blue is live, .*connect: Can't create connector kbg-mirror-blue-green-/)
      expect(one.route).toMatchObject({ live: 'blue', state: 'open', latch: null })
      await one.clock.sleep(500)
      one.colours.green.health.refuses = false
      expect(await up(one, 'blue')).toMatchObject({ live: 'blue', unfinished: false })
      await one.clock.sleep(500)
    })
    expect(told.some((text) => text.startsWith('observing both colours; green has failed its watch (canary accepted: '))).toBe(true)
    expect(fleet.journal.findLast(({ kind }) => kind === 'opened')).toMatchObject({ source: 'green', sick: expect.stringContaining('canary accepted') })
    expect(automatic(fleet)).toEqual([])
    expect(fleet.journal.filter((entry) => entry.kind === 'decided').at(-1)).toMatchObject({ outcome: 'switch', cut: { source: 'green' } })
    expect(fleet.journal).toContainEqual(
      expect.objectContaining({ step: 'watch', what: 'skipped', detail: 'green had failed its watch, so there is nothing sound to compare with' }),
    )
    expect(departures(fleet.journal, [])).toEqual([])
    expect(fleet.colours.green.values()).toEqual(fleet.colours.blue.values())
    expectNothingLost(fleet)
  })

  test.each(['passed', 'inconclusive'] as const)('is asked everything, as before any move, when the watch is %s', async (what) => {
    const fleet = await switched(async (one) => {
      one.note({ kind: 'watch', what, colour: 'green', untilWallClock: null, baseline: null, measures: [], reason: '' })
      one.colours.green.health.refuses = 'all'
      expect(await planOf(one)).not.toContain('has failed its watch')
      await expect(up(one, 'blue')).rejects.toThrow(/^refused: .*ended before it touched traffic.*connect: Can't create connector/)
    })
    expect(fleet.route).toMatchObject({ live: 'green', state: 'open' })
  })

  test('is refused while its mirror does not bring every record over', async () => {
    const fleet = await sick(async (one) => {
      for (const connector of one.connectors.green.values()) connector.state = 'STOPPED'
      one.colours.green.append('orders-0', 'not copied')
      await expect(up(one, 'blue')).rejects.toThrow(/^gate: .*mirror connector: fail.*records left behind: fail; observed (at least )?1 records of green/s)
    })
    expectNotMoved(fleet)
  })

  test('that is taken back says that it halted, so that the next try is asked as little; its latch holds for the operator', async () => {
    const fleet = await sick(async (one) => {
      const { green, blue } = one.ports.clusters
      const raise: typeof green.fence.raise = async () => Promise.reject(new KbgError('kafka', 'The controller is gone.'))
      const ports = { ...one.ports, clusters: { blue, green: { ...green, fence: { ...green.fence, raise } } } }
      await expect(up(one, 'blue', 0, ports)).rejects.toThrow(/^aborted: .*The controller is gone/)
      expect(one.route).toMatchObject({ live: 'green', state: 'open', latch: { attempt: 0 } })
      expect(whats(one).at(-1)).toBe('halted')
      await expect(up(one, 'blue')).rejects.toThrow(/latched at attempt 0/)
      await expect(up(one, 'blue', 1)).rejects.toThrow(/^unfinished: blue is live/)
    })
    expect(fleet.route).toMatchObject({ live: 'blue', state: 'open' })
    expect(departures(fleet.journal, [])).toEqual([])
    expectNothingLost(fleet)
  })

  test('that is killed is finished by somebody who knows of it by the journal alone: behind the decision without a mirror into it, before it with no canary there', async () => {
    const killed = async (colour: 'blue' | 'green', step: 'raise' | 'lift', ends: 'blue' | 'green') => {
      const fleet = await sick(async (one) => {
        const { ports } = one
        const dies = async () => Promise.reject(one.kill())
        const cluster = { ...ports.clusters[colour], fence: { ...ports.clusters[colour].fence, [step]: dies } }
        await expect(up(one, 'blue', 0, { ...ports, clusters: { ...ports.clusters, [colour]: cluster } })).rejects.toThrow(/lock-lost/)
        const repairing = repair(one.ports, { wiring: one.wiring, limits, holder: 'guardian beside blue', tell: () => undefined, cancelled: never })
        if (ends === 'blue') await expect(repairing).rejects.toThrow(/^unfinished: blue is live, .*Can't create connector/)
        else expect((await repairing).left).toBe('abort')
        expect(one.route).toMatchObject({ live: ends, state: 'open' })
      })
      expectNothingLost(fleet)
      expect(departures(fleet.journal, [])).toEqual([])
      return fleet
    }
    expect(whats(await killed('green', 'raise', 'green')).at(-1)).toBe('halted')
    await killed('blue', 'lift', 'blue')
  })

  test('goes with acceptLoss 0 as well, and loses nothing', async () => {
    const fleet = await sick(async (one) => {
      await forced(one)
      expect(one.route).toMatchObject({ live: 'blue', state: 'open' })
    })
    const decided = fleet.journal.findLast((entry) => entry.kind === 'decided')
    expect(decided).toMatchObject({ outcome: 'switch', loss: { how: 'forced', colour: 'green', records: 0 } })
    expect([fleet.colours.blue.fenced, fleet.colours.green.fenced]).toEqual([false, true])
    expectNothingLost(fleet)
  })

  test('that is taken back behind its fence leaves nobody held, although no canary is accepted there', async () => {
    const fleet = await sick(async (one) => {
      const { green, blue } = one.ports.clusters
      const raise: typeof green.fence.raise = async (deadline) => {
        await green.fence.raise(deadline)
        for (const connector of one.connectors.green.values()) connector.state = 'STOPPED'
        one.colours.green.append('orders-0', 'not copied')
      }
      const ports = { ...one.ports, clusters: { blue, green: { ...green, fence: { ...green.fence, raise } } } }
      await expect(forced(one, ports)).rejects.toThrow(/^aborted: .*loss-refused/)
    })
    expect(fleet.route).toMatchObject({ live: 'green', state: 'open', latch: { attempt: 1 } })
    expect([fleet.colours.blue.fenced, fleet.colours.green.fenced]).toEqual([true, false])
  })
})
