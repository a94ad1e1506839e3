/** What hooks are asked and told in whole switchovers, on a fleet in memory: a refused question touches nothing, and a notice changes nothing. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { AclBinding } from '../../engine/model/facts.ts'
import { type Hook, HookPayload, Hooks } from '../../engine/model/hook.ts'
import type { JournalEntry, JournalFact } from '../../engine/model/journal.ts'
import { Deadline } from '../../engine/ports/clock.ts'
import type { HookAnswer } from '../../engine/ports/hooks.ts'
import type { OversightPorts, Ports } from '../../engine/run/ports.ts'
import { describePlan } from '../../engine/run/switchover.ts'
import { departures } from '../../engine/switchover/conformance.ts'
import { noticeOf } from '../../engine/switchover/notices.ts'
import { projectDir } from '../../tools/paths.ts'
import { FakeFleet } from '../support/watched-fleet.ts'
import { expectNothingLost, limits, switched, told, up, watch } from '../support/watched-switch.ts'

const everything = ['confirm', 'pre', 'post', 'rollback', 'abort', 'halt'] as const
const hook = (name: string, events: readonly string[] = everything) => ({ name, events, command: ['told'] })
const agrees = async (): Promise<HookAnswer> => ({ ok: true, said: '' })

/** A fleet with hooks of these names and answers; what each was told stands in `calls`. */
class HookedFleet extends FakeFleet {
  readonly calls: { readonly hook: string; readonly payload: HookPayload; readonly state: string; readonly entries: number }[] = []
  answer: (hook: Hook, payload: HookPayload, deadline: Deadline) => Promise<HookAnswer> = agrees

  constructor(hooks: readonly object[] = [hook('pager')]) {
    super()
    Object.assign(this.wiring, { hooks: Hooks.parse(hooks) })
  }

  override get ports(): OversightPorts {
    const call = async (called: Hook, payload: HookPayload, deadline: Deadline) => {
      this.calls.push({ hook: called.name, payload: HookPayload.parse(payload), state: this.route.state, entries: this.journal.length })
      return await this.answer(called, payload, deadline)
    }
    return { ...super.ports, hooks: { call } }
  }

  get events(): readonly string[] {
    return this.calls.map(({ payload }) => payload.event)
  }
}

const within = (fleet: FakeFleet) => new Deadline(fleet.clock, 10_000, 'the preview')
const notices = (fleet: FakeFleet) => fleet.journal.filter((entry) => entry.kind === 'notice')

describe('a question', () => {
  test('is asked behind the gate and before anything is written, and a refusal leaves everything as it was', async () => {
    const fleet = new HookedFleet()
    fleet.answer = async () => ({ ok: false, said: 'exit code 1: change freeze' })
    await fleet.withApp(async () => {
      const before = structuredClone({ route: fleet.route, journal: fleet.journal, connectors: [...fleet.connectors.green.keys()] })
      await expect(up(fleet, 'green')).rejects.toMatchObject({
        code: 'not-confirmed',
        message: expect.stringMatching(
          /The hook pager doesn't confirm the switchover blue -> green, so nothing was touched.*said: exit code 1: change freeze.*required: exit code 0/,
        ),
      })
      expect({ route: fleet.route, journal: fleet.journal, connectors: [...fleet.connectors.green.keys()] }).toEqual(before)
      expect(fleet.lockHolder).toBeNull()
      fleet.answer = agrees
      expect(await up(fleet, 'green')).toMatchObject({ live: 'green', latch: null }) // no latch: the same attempt
    })
    expect(fleet.events).toEqual(['confirm', 'confirm', 'pre', 'post'])
    expect(fleet.calls[0]?.payload).toMatchObject({ fleet: 'main', source: 'blue', target: 'green', journalEntry: null, attempt: 0, wave: null })
  })

  test('is not asked when the gate refuses, and the first refusal is the last question', async () => {
    const fleet = new HookedFleet([hook('first'), hook('second', ['confirm']), hook('third', ['abort'])])
    fleet.colours.blue.health.refuses = 'all'
    fleet.connectors.blue.clear()
    await expect(up(fleet, 'green')).rejects.toMatchObject({ code: 'gate' })
    expect(fleet.calls).toEqual([])
    const other = new HookedFleet([hook('first'), hook('second', ['confirm']), hook('third', ['abort'])])
    other.answer = async ({ name }) => ({ ok: name !== 'first', said: '' })
    await other.withApp(async () => {
      await other.clock.sleep(1_000)
      await expect(up(other, 'green')).rejects.toThrow(/The hook first .*said: nothing/)
    })
    expect(other.calls.map(({ hook: name }) => name)).toEqual(['first'])
  })

  test('that takes longer than the evidence lasts has the gate look again', async () => {
    const fleet = new HookedFleet()
    fleet.answer = async (_hook, { event }) => {
      if (event === 'confirm') {
        await fleet.clock.sleep(limits.maxEvidenceAgeMs + 1)
        fleet.connectors.blue.clear() // what the gate saw is gone
      }
      return { ok: true, said: '' }
    }
    await fleet.withApp(async () => {
      await fleet.clock.sleep(1_000)
      await expect(up(fleet, 'green')).rejects.toMatchObject({ code: 'gate' })
    })
    expect(fleet.events).toEqual(['confirm'])
  })

  test('that takes so long makes nothing drift of what both colours were given meanwhile: the gate that looked again has seen it', async () => {
    const fleet = new HookedFleet()
    let acls: readonly AclBinding[] = []
    fleet.answer = async (_hook, { event }) => {
      if (event === 'confirm') {
        await fleet.clock.sleep(limits.maxEvidenceAgeMs + 1)
        acls = [
          { principal: 'User:new', host: '*', resourceType: 'topic', resourceName: 'orders', patternType: 'literal', operation: 'Read', permission: 'allow' },
        ]
      }
      return { ok: true, said: '' }
    }
    const { ports } = fleet
    const given = (name: 'blue' | 'green') => {
      const colour = ports.clusters[name]
      return { ...colour, inventory: { ...colour.inventory, acls: async () => acls } }
    }
    await fleet.withApp(async () => {
      await fleet.clock.sleep(1_000)
      expect(await up(fleet, 'green', 0, { ...ports, clusters: { blue: given('blue'), green: given('green') } })).toMatchObject({ live: 'green', latch: null })
    })
  })

  test('is announced by a preview, which asks nobody', async () => {
    const fleet = new HookedFleet([hook('change-board', ['confirm']), hook('pager', ['abort'])])
    const deadline = { ...limits, lagSamples: 1 }
    const plan = (live: 'blue' | 'green') => describePlan(fleet.ports, fleet.wiring, { live, attempt: 0, consumers: {} }, deadline, within(fleet))
    expect(await plan('green')).toContain(
      "Behind the gate these hooks are asked, and any of them can refuse: change-board; within 10000 ms, under the fleet's lock.",
    )
    expect(await plan('blue')).not.toContain('change-board')
    expect(fleet.calls).toEqual([])
  })
})

describe('a notice', () => {
  test('is sent aside: a hook that hangs holds up nothing of a switchover, nor the lock behind it; what did not take one is told, and journaled as far as it is known by then', async () => {
    const fleet = new HookedFleet([hook('hangs'), hook('refuses', ['post']), hook('throws', ['pre'])])
    const lockBehind: (string | null)[] = []
    fleet.answer = async ({ name }, { event }, deadline) => {
      if (event === 'confirm') return { ok: true, said: 'go' }
      if (name === 'throws') throw new Error('a bug of its caller')
      if (name === 'hangs') {
        await fleet.clock.sleep(deadline.totalMs)
        lockBehind.push(fleet.lockHolder)
      }
      return { ok: false, said: `no answer to ${event}` }
    }
    await switched(async () => {
      const closed = fleet.journal.find((entry) => entry.kind === 'closed')
      const opened = fleet.journal.find((entry) => entry.kind === 'opened')
      expect((closed?.atMonotonicMs ?? 0) - (opened?.atMonotonicMs ?? 0)).toBeLessThan(10_000) // less than one hook may take
      expect(notices(fleet)).toMatchObject([
        { hook: 'throws', event: 'pre', journalEntry: opened?.number, said: 'a bug of its caller' },
        { hook: 'refuses', event: 'post', journalEntry: closed?.number, said: 'no answer to post' },
      ])
      const lastMs = notices(fleet).at(-1)?.atMonotonicMs ?? 0
      expect(lastMs - (closed?.atMonotonicMs ?? 0)).toBeLessThanOrEqual(1_000)
    }, fleet)
    expect(lockBehind).toEqual([null, null]) // a guardian could have moved traffic back meanwhile
    for (const event of ['pre', 'post']) expect(told).toContain(`the hook hangs didn't take the notice ${event}: no answer to ${event}`)
    expect(departures(fleet.journal)).toEqual([])
    expect([fleet.route.live, fleet.lockHolder]).toEqual(['green', null])
    expectNothingLost(fleet)
  })

  test('of what was taken back says why, and so does one of a run that was killed, by whoever closes it', async () => {
    const fleet = new HookedFleet()
    await fleet.withApp(async () => {
      await fleet.clock.sleep(1_000)
      const { ports } = fleet
      const killed = async () => Promise.reject(fleet.kill())
      const dying = {
        ...ports,
        clusters: { ...ports.clusters, blue: { ...ports.clusters.blue, fence: { ...ports.clusters.blue.fence, raise: killed } } },
      } as Ports
      await expect(up(fleet, 'green', 0, dying)).rejects.toMatchObject({ code: 'lock-lost' })
      expect(fleet.events).toEqual(['confirm', 'pre'])
      await up(fleet, 'blue')
      expect(fleet.events).toEqual(['confirm', 'pre', 'abort'])
      expect(await up(fleet, 'blue')).toMatchObject({ live: 'blue', unfinished: false })
    })
    expect(fleet.events).toEqual(['confirm', 'pre', 'abort']) // nothing is told twice
    expect(fleet.calls.at(-1)?.payload).toMatchObject({ source: 'blue', target: 'green', reason: expect.stringMatching(/was left while clients were held/) })
  })

  test('of a way back by itself comes from whoever makes it, who asks nobody', async () => {
    const fleet = new HookedFleet()
    await switched(async () => {
      fleet.colours.green.health.refuses = true
      await watch(fleet)
    }, fleet)
    expect(fleet.events).toEqual(['confirm', 'pre', 'post', 'pre', 'rollback'])
    expect(fleet.calls.at(-1)?.payload).toMatchObject({ source: 'green', target: 'blue', reason: expect.stringMatching(/green failed its watch/) })
    expect(fleet.route.live).toBe('blue')
  })

  test('of a watch that halts names the colour that failed', async () => {
    const fleet = new HookedFleet()
    await switched(async () => {
      fleet.colours.green.health.refuses = true
      await watch(fleet, { limits: { ...limits, maxAutomaticRollbacks: 0 } })
    }, fleet)
    expect(fleet.events).toEqual(['confirm', 'pre', 'post', 'halt'])
    expect(fleet.calls.at(-1)?.payload).toMatchObject({ source: 'green', target: 'blue', reason: expect.stringMatching(/maxAutomaticRollbacks is 0/) })
  })

  test('of the operator’s way back off a colour that failed its watch: he is asked, as by any move of his, and hooks are told that it is done', async () => {
    const fleet = new HookedFleet()
    await switched(async () => {
      fleet.colours.green.health.refuses = true
      await watch(fleet, { limits: { ...limits, maxAutomaticRollbacks: 0 } })
      await up(fleet, 'blue')
    }, fleet)
    expect(fleet.events).toEqual(['confirm', 'pre', 'post', 'halt', 'confirm', 'pre', 'post'])
    expect(fleet.calls.at(-2)?.payload).toMatchObject({ source: 'green', target: 'blue', reason: expect.stringMatching(/^canary accepted: 5 failed samples/) })
    expect(fleet.route.live).toBe('blue')
  })

  test('that hangs keeps no guardian from looking again', async () => {
    const fleet = new HookedFleet()
    let lookedAgainMs = 0
    const answeredMs: number[] = []
    fleet.answer = async (_hook, { event }, deadline) => {
      if (event !== 'halt') return { ok: true, said: '' }
      await fleet.clock.sleep(deadline.totalMs)
      answeredMs.push(fleet.clock.monotonicMs())
      return { ok: false, said: 'no answer' }
    }
    await switched(async () => {
      fleet.colours.green.health.refuses = true
      await watch(fleet, { limits: { ...limits, maxAutomaticRollbacks: 0 }, holder: 'guardian beside blue, pid 1' })
      lookedAgainMs = fleet.clock.monotonicMs()
      await fleet.clock.sleep(20_000)
    }, fleet)
    expect(answeredMs).toHaveLength(1)
    expect((answeredMs[0] ?? 0) - lookedAgainMs).toBeGreaterThan(8_000)
    expect(told).toContain("the hook pager didn't take the notice halt: no answer")
  })

  test('goes with the entries of a wave that say something to people, and with no other', () => {
    const entry = (what: string) => ({ ...waveEntry, what }) as JournalEntry
    const events = ['moving', 'moved', 'settled', 'returning', 'returned'].map((what) => noticeOf(entry(what), [], 4)?.event ?? null)
    expect(events).toEqual(['pre', null, 'post', null, 'rollback'])
    expect(noticeOf(entry('returned'), [], 4)).toMatchObject({
      wave: 'wave-1',
      attempt: 4,
      source: 'blue',
      target: 'green',
      reason: 'too slow',
      journalEntry: 5,
    })
  })
})

test('the schema of what hooks are told stands in the docs', () => {
  const documented: unknown = JSON.parse(readFileSync(join(projectDir, 'docs', 'hook-payload.schema.json'), 'utf8'))
  expect(documented).toEqual(JSON.parse(JSON.stringify(z.toJSONSchema(HookPayload))))
})

const wave: JournalFact = { kind: 'wave', wave: 'wave-1', source: 'blue', target: 'green', what: 'returned', groups: ['billing'], pace: {}, reason: 'too slow' }
const waveEntry = { ...wave, number: 5, term: '7', atWallClock: '2026-01-01T00:00:00.000Z', atMonotonicMs: 0 }
