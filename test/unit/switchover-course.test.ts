import { describe, expect, it } from 'vitest'
import { noGuardian } from '../../engine/gate/guardians.ts'
import type { JournalEntry, JournalFact } from '../../engine/model/journal.ts'
import { Limits } from '../../engine/model/limits.ts'
import { RouteDocument, writableColour } from '../../engine/model/route.ts'
import type { Intent } from '../../engine/model/wiring.ts'
import { mirrorRecord, openSwitch } from '../../engine/switchover/journal-reading.ts'
import { planText } from '../../engine/switchover/plan.ts'
import { chooseCourse } from '../../engine/switchover/resume.ts'
import { aborting, consumersDefault, deciding, groupsSet, held, published, restored } from '../../engine/switchover/route-moves.ts'
import { steps } from '../../engine/switchover/steps.ts'
import { soundRoute } from '../support/sample-snapshot.ts'

function journal(...facts: readonly JournalFact[]): readonly JournalEntry[] {
  return facts.map((fact, index) => ({ ...fact, number: index + 1, term: '100', atWallClock: '2026-01-01T00:00:00Z', atMonotonicMs: index }) as JournalEntry)
}

const opened: JournalFact = { kind: 'opened', source: 'blue', target: 'green', attempt: 0, epoch: 7 }
const cut = { source: 'blue', target: 'green', sourceEnds: { 'orders-0': '5' }, targetEnds: { 'orders-0': '6' } } as const
const decidedSwitch: JournalFact = { kind: 'decided', outcome: 'switch', cut, reason: '', graceful: true }
const decidedAbort: JournalFact = { kind: 'decided', outcome: 'abort', cut: null, reason: 'x', graceful: false }
const closed: JournalFact = { kind: 'closed', outcome: 'switched', live: 'green', epoch: 10, graceful: true, reason: '', timeline: [] }

const toGreen = { live: 'green', attempt: 0, consumers: {} } as const
const courseOf = (route: RouteDocument, entries: readonly JournalEntry[], intent: Intent) => chooseCourse(route, entries, intent, {})
const heldRoute = held(soundRoute, 'green', 0, '101', soundRoute.colours)

describe('the course of a run', () => {
  it('is a whole switch when the route is open and differs', () => {
    expect(courseOf(soundRoute, [], toGreen)).toEqual({ kind: 'switch', source: 'blue', target: 'green', lossy: null, sick: null })
  })

  it('is nothing when the route is as wanted and every switchover is closed', () => {
    expect(courseOf({ ...soundRoute, live: 'green' }, journal(opened, decidedSwitch, closed), toGreen)).toEqual({ kind: 'nothing' })
  })

  it('closes one that ended before the hold, then switches', () => {
    expect(courseOf(soundRoute, journal(opened), toGreen)).toMatchObject({ kind: 'close-untouched', next: { kind: 'switch' } })
  })

  it('aborts one that was left held, whatever the intent', () => {
    expect(courseOf(heldRoute, journal(opened), toGreen).kind).toBe('abort')
    expect(courseOf(heldRoute, journal(opened), { ...toGreen, ...{ live: 'blue', attempt: 3 } }).kind).toBe('abort')
  })

  it('finishes an abort, also one that had published already', () => {
    expect(courseOf(aborting(heldRoute, '102'), journal(opened, decidedAbort), toGreen).kind).toBe('finish-abort')
    expect(courseOf(soundRoute, journal(opened, decidedAbort), toGreen).kind).toBe('finish-abort')
  })

  it('finishes a decided switch, even when the intent has turned round', () => {
    const decidingRoute = deciding(heldRoute, '102')
    expect(courseOf(decidingRoute, journal(opened, decidedSwitch), { ...toGreen, ...{ live: 'blue', attempt: 1 } })).toMatchObject({
      kind: 'finish-switch',
      from: 'lift',
    })
    expect(courseOf(published(decidingRoute, '102'), journal(opened, decidedSwitch), toGreen)).toMatchObject({ kind: 'finish-switch', from: 'reverse' })
  })

  it('refuses a route and a journal that contradict each other', () => {
    expect(() => courseOf(heldRoute, [], toGreen)).toThrow(/journal-mismatch/)
    expect(() => courseOf(deciding(heldRoute, '102'), journal(opened), toGreen)).toThrow(/journal-mismatch/)
  })
})

describe('route moves', () => {
  const legal = { open: soundRoute, held: heldRoute, aborting: aborting(heldRoute, '102'), deciding: deciding(heldRoute, '102') }
  const latch = { attempt: 0, reason: 'x', atWallClock: '2026-01-01T00:00:00Z' }
  const moves: readonly [string, (route: RouteDocument) => RouteDocument, readonly (keyof typeof legal)[]][] = [
    ['held', (route) => held(route, 'green', 0, '1', route.colours), ['open']],
    ['aborting', (route) => aborting(route, '1'), ['held']],
    ['restored', (route) => restored(route, latch, '1'), ['aborting']],
    ['deciding', (route) => deciding(route, '1'), ['held']],
    ['published', (route) => published(route, '1'), ['deciding']],
    ['groupsSet', (route) => groupsSet(route, { billing: { colour: 'green', state: 'running' } }, '1'), ['open']],
    ['consumersDefault', (route) => consumersDefault(route, 'green', '1'), ['open']],
  ]

  it.each(moves)('%s starts from its states only, raises the epoch and gives a valid document', (_name, move, from) => {
    for (const [state, route] of Object.entries(legal)) {
      if (!from.includes(state as keyof typeof legal)) {
        expect(() => move(route)).toThrow(/route-move/)
        continue
      }
      const next = move(route)
      expect(next.epoch).toBeGreaterThan(route.epoch)
      expect(RouteDocument.parse(next)).toEqual(next)
    }
  })

  it('never leave two writable colours, and none between hold and release', () => {
    expect(Object.values(legal).map(writableColour)).toEqual(['blue', null, null, null])
    expect(writableColour(published(legal.deciding, '1'))).toBe('green')
    expect(writableColour(restored(legal.aborting, latch, '1'))).toBe('blue')
  })

  it('keep the latch of a way back that was latched under its own attempt, and drop that of an earlier one', () => {
    const latched = { ...soundRoute, latch }
    const moved = (attempt: number) => published(deciding(held(latched, 'green', attempt, '101', soundRoute.colours), '101'), '101')
    expect([moved(0).latch, moved(1).latch]).toEqual([latch, null])
  })

  it('keep groups where they are until they are moved', () => {
    const released = published(legal.deciding, '1')
    expect(released.defaultConsumerColour).toBe('blue')
    const moved = consumersDefault(
      groupsSet(released, { billing: { colour: 'green', state: 'running' }, stuck: { colour: 'blue', state: 'running' } }, '1'),
      'green',
      '1',
    )
    expect(moved.groups).toEqual({ stuck: { colour: 'blue', state: 'running' } })
  })
})

describe('the journal', () => {
  it('knows the newest connector of a direction, not a deleted one', () => {
    const mirror = (connector: string, source: 'blue' | 'green', what: 'created' | 'running' | 'deleted'): JournalFact => ({
      kind: 'mirror',
      connector,
      source,
      target: source === 'blue' ? 'green' : 'blue',
      what,
    })
    const entries = journal(mirror('a', 'blue', 'running'), mirror('b', 'green', 'created'), mirror('a', 'blue', 'deleted'))
    expect(mirrorRecord(entries, 'blue')).toBeNull()
    expect(mirrorRecord(entries, 'green')?.connector).toBe('b')
  })

  it('counts only what came after the last opening', () => {
    expect(openSwitch(journal(opened, decidedSwitch, closed, opened))?.decided).toBeNull()
  })
})

describe('the plan', () => {
  it('names all twelve steps in order, and that nothing is watched without a guardian', () => {
    expect(steps.map((step) => step.number)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])
    const text = planText({ kind: 'switch', source: 'blue', target: 'green', lossy: null, sick: null }, Limits.parse({}), null, ['blue', 'green'])
    for (const step of steps) expect(text).toContain(`${step.number}. ${step.name}`)
    expect(text).toMatch(/watch .*for 60000 ms, behind the update/)
    expect(text).toContain('guardians see that producers are held for 126 s at most, while the route store, the brokers of both colours and one of them live')
    const unguarded = planText({ kind: 'switch', source: 'blue', target: 'green', lossy: null, sick: null }, Limits.parse({}), null, [])
    expect(unguarded).toContain(noGuardian)
    expect(unguarded).toMatch(/watch .*skipped: no guardian is wired/)
  })
})
