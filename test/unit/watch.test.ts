/** The watch behind a switchover, on a fleet in memory and in virtual time: real brokers would show the same more slowly (test/integration/watch.test.ts). */
import { describe, expect, test } from 'vitest'
import { KbgError } from '../../engine/model/error.ts'
import { Limits } from '../../engine/model/limits.ts'
import type { OversightPorts, Ports } from '../../engine/run/ports.ts'
import { describeStatus } from '../../engine/run/status.ts'
import { Watcher } from '../../engine/run/watch/keep-watch.ts'
import { FakeFleet } from '../support/watched-fleet.ts'
import { automatic, expectNothingLost, expectNotMoved, limits, never, switched, told, up, watch, whats } from '../support/watched-switch.ts'

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
      const glance: OversightPorts['store']['glance'] = async (deadline) => {
        if (isAway) throw new KbgError('route-store-unreachable', 'The store is away.', { retriable: true })
        return await ports.store.glance(deadline)
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
      expect(await watch(one, { ports: { ...ports, store: { ...ports.store, glance } } })).toMatchObject({ what: 'passed' })
      await back
      expect(one.clock.monotonicMs()).toBeGreaterThan(45_000)
    })
    expectNotMoved(fleet)
    expect(told.filter((line) => line === 'nothing can be decided now: route-store-unreachable: The store is away.')).toHaveLength(1)
  })

  test('read the journal once, and again only when something was written', async () => {
    const fleet = await switched(async (one) => {
      const { ports } = one
      let reads = 0
      const read: Ports['store']['read'] = async (deadline) => {
        reads += 1
        return await ports.store.read(deadline)
      }
      const watcher = new Watcher(
        { ...ports, store: { ...ports.store, read } },
        { wiring: one.wiring, limits, holder: 'guardian', tell: () => undefined, cancelled: never },
      )
      expect(await watcher.untilEnded()).toMatchObject({ what: 'passed' })
      expect(reads).toBe(2) // and once under the lock of its last word
      expect([await watcher.untilEnded(), await watcher.untilEnded()]).toEqual([{ kind: 'none' }, { kind: 'none' }])
      expect(reads).toBe(3)
    })
    expectNotMoved(fleet)
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
