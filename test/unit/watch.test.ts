/** The watch behind a switchover, on a fleet in memory and in virtual time: real brokers would show the same more slowly (test/integration/watch.test.ts). */
import { describe, expect, test } from 'vitest'
import { KbgError } from '../../engine/model/error.ts'
import { Limits } from '../../engine/model/limits.ts'
import type { Ports } from '../../engine/run/ports.ts'
import { describeStatus } from '../../engine/run/status.ts'
import { moveLive } from '../../engine/run/switchover.ts'
import { keepWatch, type WatchOutcome } from '../../engine/run/watch/keep-watch.ts'
import { FakeFleet } from '../support/watched-fleet.ts'

const limits = Limits.parse({ maxAutomaticRollbacks: 1, watchWindowMs: 20_000 })
const told: string[] = []
const tell = ({ text }: { readonly text: string }) => void told.push(text)
const never = new AbortController().signal

/** One update of the traffic stack. */
function up(fleet: FakeFleet, live: 'blue' | 'green', attempt = 0, ports: Ports = fleet.ports) {
  const request = { wiring: fleet.wiring, limits, holder: 'pulumi up', tell, cancelled: never }
  return moveLive(ports, { ...request, intent: { live, attempt, consumers: {} }, gateEpoch: fleet.route.epoch })
}

function watch(fleet: FakeFleet, more: { limits?: Limits; cancelled?: AbortSignal; ports?: Ports; holder?: string } = {}): Promise<WatchOutcome> {
  const { ports = fleet.ports, ...others } = more
  return keepWatch(ports, { wiring: fleet.wiring, limits, holder: 'guardian', tell, cancelled: never, ...others })
}

/** A fleet that was switched to green a moment ago, with an application writing. */
async function switched(work: (fleet: FakeFleet) => Promise<void>, fleet = new FakeFleet()): Promise<FakeFleet> {
  told.length = 0
  await fleet.withApp(async () => {
    await fleet.clock.sleep(2_000)
    await up(fleet, 'green')
    await work(fleet)
  })
  return fleet
}

const whats = (fleet: FakeFleet) => fleet.journal.flatMap((entry) => (entry.kind === 'watch' ? [entry.what] : []))
const automatic = (fleet: FakeFleet) => fleet.journal.flatMap((entry) => (entry.kind === 'opened' && entry.automatic !== undefined ? [entry.automatic] : []))

function expectNothingLost(fleet: FakeFleet): void {
  const there = new Set(fleet.colours[fleet.route.live].values())
  expect(fleet.accepted.filter((value) => !there.has(value))).toEqual([])
}

/** That traffic is on green as the switchover left it. */
function expectNotMoved(fleet: FakeFleet): void {
  expect(fleet.route).toMatchObject({ live: 'green', state: 'open' })
  expect(automatic(fleet)).toEqual([])
  expect([fleet.colours.blue.fenced, fleet.colours.green.fenced]).toEqual([true, false])
}

describe('a switchover', () => {
  test('takes a baseline before the hold and begins the watch behind the groups, without waiting for it', async () => {
    const fleet = await switched(async () => undefined)
    const kinds = fleet.journal.map((entry) =>
      entry.kind === 'watch' ? `watch ${entry.what}` : entry.kind === 'step' ? `${entry.step} ${entry.what}` : entry.kind,
    )
    const at = (kind: string) => kinds.indexOf(kind)
    expect(
      [at('opened'), at('watch baseline'), at('hold begin'), at('groups done'), at('watch begun'), at('closed')].every(
        (place, index, all) => index === 0 || place > (all[index - 1] ?? -1),
      ),
    ).toBe(true)
    const baseline = fleet.journal.find((entry) => entry.kind === 'watch' && entry.what === 'baseline')
    expect(baseline).toMatchObject({ colour: 'blue', baseline: { samples: 5, appendMs: 5, flows: { orders: expect.any(Number) }, groups: {}, reason: '' } })
    expect(fleet.clock.monotonicMs()).toBeLessThan(10_000)
    expect(await describeStatus(fleet.ports, fleet.wiring, Limits.parse({}))).toMatch(/watch {5}guardians watch green until 2026-01-01T00:00:\d/)
  })

  test('without guardians takes none, watches nothing, and says so', async () => {
    const fleet = new FakeFleet()
    Object.assign(fleet.wiring, { guardians: [] })
    await switched(async () => expect(await watch(fleet)).toEqual({ kind: 'none' }), fleet)
    expect(whats(fleet)).toEqual([])
    expect(fleet.journal).toContainEqual(expect.objectContaining({ kind: 'step', step: 'watch', what: 'skipped', detail: 'no guardian is wired' }))
    expect(told).toContain('skipped: no guardian is wired')
  })
})

describe('a watch', () => {
  test('of a sound colour passes after its window', async () => {
    const fleet = await switched(async (one) => {
      const fromMs = one.clock.monotonicMs()
      expect(await watch(one)).toEqual({ kind: 'ended', what: 'passed', reason: '' })
      expect(one.clock.monotonicMs() - fromMs).toBeGreaterThanOrEqual(20_000)
      expect(await watch(one)).toEqual({ kind: 'none' })
    })
    expect(whats(fleet)).toEqual(['baseline', 'begun', 'passed'])
    expectNotMoved(fleet)
  })

  test('of a colour that refuses writes moves traffic back, latched: the same attempt does not move again, a new one does', async () => {
    const fleet = await switched(async (one) => {
      await one.clock.sleep(3_000)
      one.colours.green.health.refuses = true
      expect(await watch(one)).toEqual({
        kind: 'ended',
        what: 'moved back',
        reason: expect.stringContaining('canary accepted: fail; observed 5 failed samples in a row'),
      })
      expect(one.route).toMatchObject({
        live: 'blue',
        state: 'open',
        attempt: 0,
        latch: { attempt: 0, reason: expect.stringMatching(/^green failed its watch: .*; traffic goes back to blue$/) },
      })
      await one.clock.sleep(1_000)
      await expect(up(one, 'green')).rejects.toThrow(/latched at attempt 0/)
      expect(await watch(one)).toEqual({ kind: 'none' })
      one.colours.green.health.refuses = false
      await up(one, 'green', 1)
      expect(one.route).toMatchObject({ live: 'green', latch: null })
    })
    expect(whats(fleet)).toEqual(['baseline', 'begun', 'failed', 'baseline', 'begun'])
    expect(automatic(fleet)).toHaveLength(1)
    expect(fleet.journal).toContainEqual(
      expect.objectContaining({ kind: 'step', step: 'watch', what: 'skipped', detail: 'this is the way back of a failed watch' }),
    )
    expectNothingLost(fleet)
  })

  test('of a colour that takes no write at all moves traffic back: nothing on the way needs one there, and the mirror into it comes when it is mended', async () => {
    const fleet = await switched(async (one) => {
      one.colours.green.health.refuses = 'all'
      expect(await watch(one)).toMatchObject({
        kind: 'ended',
        what: 'moved back',
        reason: expect.stringContaining("Can't create connector kbg-mirror-blue-green-"),
      })
      expect(one.route).toMatchObject({ live: 'blue', state: 'open', defaultConsumerColour: 'blue', latch: { attempt: 0 } })
      await one.clock.sleep(500)
      one.colours.green.health.refuses = false
      expect(await up(one, 'blue')).toMatchObject({ live: 'blue', unfinished: false })
      await one.clock.sleep(500)
    })
    expect(fleet.colours.green.values()).toEqual(fleet.colours.blue.values())
    expect(new Set(fleet.colours.blue.values()).size).toBe(fleet.colours.blue.values().length)
    expectNothingLost(fleet)
  })

  test('of a colour that is slow moves traffic back too', async () => {
    const fleet = await switched(async (one) => {
      one.colours.green.health.slowMs = 1_200
      expect(await watch(one)).toMatchObject({
        what: 'moved back',
        reason: expect.stringMatching(/canary visible: fail; .*the last one: 12\d\d ms; required at most 1000 ms/),
      })
    })
    expect(fleet.route.live).toBe('blue')
    expectNothingLost(fleet)
  })

  test('that saw four failures and then good samples passes (F31)', async () => {
    const fleet = await switched(async (one) => {
      const flapping = (async () => {
        one.colours.green.health.refuses = true
        await one.clock.sleep(3_500)
        one.colours.green.health.refuses = false
      })()
      expect(await watch(one)).toMatchObject({ what: 'passed' })
      await flapping
    })
    expectNotMoved(fleet)
    expect(told.some((text) => text.startsWith('4 of 5 failed samples in a row on green'))).toBe(true)
  })

  test('without writers is inconclusive and moves nothing', async () => {
    const fleet = await switched(async (one) => {
      one.hasProducer = false
    })
    expect(await watch(fleet)).toMatchObject({ kind: 'ended', what: 'inconclusive', reason: expect.stringContaining('no producer is known to be there') })
    expect(whats(fleet).at(-1)).toBe('inconclusive')
    expectNotMoved(fleet)
    expect(await describeStatus(fleet.ports, fleet.wiring, Limits.parse({}))).toContain(
      'watch     green was watched, and nothing can be said: writes: inconclusive',
    )
  })
})

describe('several guardians', () => {
  test('at once: one of them moves traffic back, once', async () => {
    const fleet = await switched(async (one) => {
      one.colours.green.health.refuses = true
      const outcomes = await Promise.all(['blue', 'green'].map((beside) => watch(one, { holder: `guardian beside ${beside}` })))
      expect(outcomes.map((outcome) => (outcome.kind === 'ended' ? outcome.what : outcome.kind)).toSorted()).toEqual(['moved back', 'none'])
    })
    expect(whats(fleet)).toEqual(['baseline', 'begun', 'failed'])
    expect(automatic(fleet)).toHaveLength(1)
    expect(fleet.route.live).toBe('blue')
    expectNothingLost(fleet)
  })

  test('at once: one of them says that it passed', async () => {
    const fleet = await switched(async (one) => {
      const outcomes = await Promise.all([watch(one), watch(one)])
      expect(outcomes.map(({ kind }) => kind).toSorted()).toEqual(['ended', 'none'])
    })
    expect(whats(fleet)).toEqual(['baseline', 'begun', 'passed'])
  })

  test('one behind the other: the second counts a whole window of its own', async () => {
    const fleet = await switched(async (one) => {
      const gone = new AbortController()
      const first = watch(one, { cancelled: gone.signal })
      const ends = one.clock.sleep(15_000).then(() => gone.abort(new KbgError('closed', 'gone')))
      await expect(first).rejects.toThrow('gone')
      await ends
      const fromMs = one.clock.monotonicMs()
      expect(await watch(one)).toMatchObject({ what: 'passed' })
      expect(one.clock.monotonicMs() - fromMs).toBeGreaterThanOrEqual(20_000)
    })
    expect(whats(fleet)).toEqual(['baseline', 'begun', 'passed'])
  })

  test('one behind the other: what the first had decided, the second carries out', async () => {
    const fleet = await switched(async (one) => {
      one.note({ kind: 'watch', what: 'failed', colour: 'green', untilWallClock: null, baseline: null, measures: [], reason: 'the first saw it' })
      one.colours.green.health.refuses = true
      expect(await watch(one)).toEqual({ kind: 'ended', what: 'moved back', reason: 'the first saw it' })
    })
    expect(automatic(fleet)).toEqual(['green failed its watch: the first saw it'])
    expect(fleet.route.live).toBe('blue')
  })

  test('one behind the other: what the first had decided is not carried out on a colour that the second sees answer', async () => {
    const fleet = await switched(async (one) => {
      one.note({ kind: 'watch', what: 'failed', colour: 'green', untilWallClock: null, baseline: null, measures: [], reason: 'the first saw it' })
      const reason = 'it failed (the first saw it), and answers again: nothing was moved'
      expect(await watch(one)).toEqual({ kind: 'ended', what: 'inconclusive', reason })
    })
    expectNotMoved(fleet)
  })

  test.each([
    ['begun', 'inconclusive'],
    ['failed', 'halted'],
  ] as const)('that come long behind its window carry out nothing: %s ends as %s', async (what, ends) => {
    const fleet = await switched(async (one) => {
      if (what === 'failed') one.note({ kind: 'watch', what, colour: 'green', untilWallClock: null, baseline: null, measures: [], reason: 'slow' })
      await one.clock.sleep(60_000) // the window and as long again are 40 s
      one.colours.green.health.refuses = true
      expect(await watch(one)).toMatchObject({ kind: 'ended', what: ends, reason: expect.stringContaining('nobody watched until its window was over') })
    })
    expectNotMoved(fleet)
  })

  test('forget nothing and decide nothing while the route store is away (F58)', async () => {
    const fleet = await switched(async (one) => {
      const { ports } = one
      let isAway = false
      const read: Ports['store']['read'] = async (deadline) => {
        if (isAway) throw new KbgError('route-store-unreachable', 'The store is away.', { retriable: true })
        return await ports.store.read(deadline)
      }
      const away = one.clock.sleep(6_000).then(() => {
        isAway = true
        one.colours.green.health.refuses = true
        return one.clock.sleep(30_000)
      })
      const back = away.then(() => {
        isAway = false
        one.colours.green.health.refuses = false
      })
      expect(await watch(one, { ports: { ...ports, store: { ...ports.store, read } } })).toMatchObject({ what: 'passed' })
      await back
      expect(one.clock.monotonicMs()).toBeGreaterThan(45_000)
    })
    expectNotMoved(fleet)
    expect(told).toContain('nothing can be decided now: route-store-unreachable: The store is away.')
  })

  test('that were stopped (SIGSTOP) do not count that time as watched', async () => {
    const fleet = await switched(async (one) => {
      const { ports } = one
      let samples = 0
      const clients: Ports['store']['clients'] = async (deadline) => {
        samples += 1
        if (samples === 3) await one.clock.sleep(60_000)
        return await ports.store.clients(deadline)
      }
      const fromMs = one.clock.monotonicMs()
      expect(await watch(one, { ports: { ...ports, store: { ...ports.store, clients } } })).toMatchObject({ what: 'passed' })
      expect(one.clock.monotonicMs() - fromMs).toBeGreaterThan(60_000 + 15_000)
    })
    expectNotMoved(fleet)
  })

  test('wait while somebody else holds the lock', async () => {
    const fleet = await switched(async (one) => {
      one.colours.green.health.refuses = true
      one.lockHolder = 'pulumi up'
      const free = one.clock.sleep(20_000).then(() => {
        one.lockHolder = null
      })
      expect(await watch(one)).toMatchObject({ what: 'moved back', reason: expect.stringContaining('canary accepted: fail') })
      await free
      expect(one.clock.monotonicMs()).toBeGreaterThan(20_000)
    })
    expect(fleet.route.live).toBe('blue')
  })
})

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
