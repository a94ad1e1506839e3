import { describe, expect, it } from 'vitest'
import type { JournalEntry, JournalFact } from '../../engine/model/journal.ts'
import type { RouteDocument } from '../../engine/model/route.ts'
import { departures, type RouteWrite } from '../../engine/switchover/conformance.ts'
import { aborting, consumersDefault, deciding, groupsSet, held, published, restored } from '../../engine/switchover/route-moves.ts'
import { soundRoute } from '../support/sample-snapshot.ts'

/** A fact, with the term under which it was written where that isn't 100. */
type Written = JournalFact | readonly [JournalFact, string]

function journal(...facts: readonly Written[]): readonly JournalEntry[] {
  return facts.map((written, index) => {
    const [fact, term] = Array.isArray(written) ? written : [written, '100']
    return { ...fact, number: index + 1, term, atWallClock: '2026-01-01T00:00:00Z', atMonotonicMs: index } as JournalEntry
  })
}

const opened: JournalFact = { kind: 'opened', source: 'blue', target: 'green', attempt: 0, epoch: 7 }
const mirror = (what: 'created' | 'seeded' | 'running' | 'stopped' | 'deleted', source: 'blue' | 'green'): JournalFact => ({
  ...{ kind: 'mirror', connector: `from-${source}`, source, target: source === 'blue' ? 'green' : 'blue', what },
})
const step = (name: 'hold' | 'release' | 'groups', what: 'begin' | 'done' | 'skipped'): JournalFact => ({ kind: 'step', step: name, what, detail: '' })
const fence = (what: 'raising' | 'lifting', colour: 'blue' | 'green' = 'blue'): JournalFact => ({ kind: 'fence', colour, what, bindings: [] })
const cut = { source: 'blue', target: 'green', sourceEnds: { 'orders-0': '5' }, targetEnds: { 'orders-0': '6' } } as const
const decidedSwitch: JournalFact = { kind: 'decided', outcome: 'switch', cut, reason: '', graceful: true }
const decidedAbort: JournalFact = { kind: 'decided', outcome: 'abort', cut: null, reason: 'x', graceful: false }
const closed = (outcome: 'switched' | 'aborted', live: 'blue' | 'green'): JournalFact => ({
  ...{ kind: 'closed', outcome, live, epoch: 10, graceful: true, reason: '', timeline: [] },
})
const groups: JournalFact = { kind: 'groups', positions: [], positionEntriesBefore: 0, moved: ['billing'], stayed: [] }

const untilHeld = [opened, mirror('created', 'green'), step('hold', 'begin'), fence('raising')]
const turned = [mirror('stopped', 'blue'), mirror('seeded', 'green'), mirror('running', 'green')]
const afterRelease = [...turned, step('groups', 'begin'), groups, step('groups', 'done'), mirror('deleted', 'blue')]
const switched = [...untilHeld, decidedSwitch, step('release', 'done'), ...afterRelease, closed('switched', 'green')]
/** The way off a colour that has failed its watch: no connector before the release, groups before the mirror if it must be. */
const offSick: JournalFact = { ...opened, sick: 'canary accepted: refused' }
const leftSick = [offSick, step('hold', 'begin'), fence('raising'), decidedSwitch, step('release', 'done'), mirror('stopped', 'blue')]
const turnedLate = [groups, mirror('created', 'green'), ...turned.slice(1), mirror('deleted', 'blue'), closed('switched', 'green')]
const takenBack = [...untilHeld, decidedAbort, step('release', 'skipped'), mirror('deleted', 'green'), closed('aborted', 'blue')]

describe('a journal that keeps to the protocol', () => {
  it.each([
    ['a whole switchover', switched],
    ['one that was taken back', takenBack],
    ['one that ended before the hold', [opened, mirror('created', 'green'), mirror('deleted', 'green'), closed('aborted', 'blue')]],
    ['one after the other, with fences put right between them', [...takenBack, fence('lifting'), ...switched, fence('raising')]],
    ['one that is open', untilHeld],
    ['one off a colour that has failed its watch', [...leftSick, ...turnedLate]],
  ])('%s', (_, facts) => {
    expect(departures(journal(...facts))).toEqual([])
  })

  it('may be finished, or taken back, by a later term', () => {
    const later = (facts: readonly JournalFact[]) => facts.map((fact) => [fact, '200'] as const)
    expect(
      departures(journal(...untilHeld, decidedSwitch, ...later([fence('raising'), step('release', 'done'), ...afterRelease, closed('switched', 'green')]))),
    ).toEqual([])
    expect(departures(journal(...untilHeld, ...later([decidedAbort, step('release', 'skipped'), closed('aborted', 'blue')])))).toEqual([])
  })
})

describe('departures', () => {
  const cases: readonly (readonly [string, readonly Written[], RegExp])[] = [
    ['an entry of an older term', [...untilHeld, [decidedAbort, '99']], /entry 5 is of term 99, behind one of term 100/],
    ['a decision under another term than the hold', [...untilHeld, [decidedSwitch, '200']], /decided under term 200, held under 100/],
    ['a decision without a fence', [opened, step('hold', 'begin'), decidedSwitch], /fenced under none/],
    ['a fence of another term than the hold', [opened, step('hold', 'begin'), [fence('raising'), '200']], /fenced under term 200, held under 100/],
    ['two decisions', [...untilHeld, decidedAbort, decidedSwitch], /decided to switch while it is aborting/],
    [
      'a decision on a cut of the other direction',
      [...untilHeld, { ...decidedSwitch, cut: { ...cut, source: 'green', target: 'blue' } }],
      /the cut is of green -> blue/,
    ],
    ['a decision without a cut', [...untilHeld, { ...decidedSwitch, cut: null }], /decided without a cut/],
    ['a fence that is lifted while nothing is decided', [...untilHeld, fence('lifting', 'green')], /the fence of green is lifted while it is held/],
    ['a publication before the decision', [...untilHeld, step('release', 'done')], /the target is published while it is held/],
    ['the wrong publication', [...untilHeld, decidedSwitch, step('release', 'skipped')], /the source is published while it is switching/],
    ['a mirror that is stopped before the release', [...untilHeld, mirror('stopped', 'blue')], /a mirror is stopped while it is held/],
    ['two mirrors at once', [...untilHeld, decidedSwitch, step('release', 'done'), mirror('seeded', 'green')], /seeded before the forward one is stopped/],
    [
      'a reverse mirror that is not seeded',
      [...untilHeld, decidedSwitch, step('release', 'done'), mirror('stopped', 'blue'), mirror('running', 'green')],
      /runs unseeded/,
    ],
    [
      'a connector into a colour that has failed its watch, before the release',
      [offSick, mirror('created', 'green')],
      /a connector is made while it is opened/,
    ],
    [
      'the way off such a colour from one that counted as sound',
      [opened, ...leftSick.slice(1), ...turnedLate],
      /groups move before the reverse mirror runs[\s\S]*a connector is made while it is published/,
    ],
    ['groups that move before the release', [...untilHeld, groups], /groups move while it is held/],
    ['groups that move before the reverse mirror runs', [...untilHeld, decidedSwitch, step('release', 'done'), groups], /before the reverse mirror runs/],
    [
      'a close that contradicts the decision',
      [...untilHeld, decidedAbort, step('release', 'skipped'), closed('switched', 'green')],
      /closed as switched while it is restored/,
    ],
    ['a close with the wrong colour', [...takenBack.slice(0, -1), closed('aborted', 'green')], /closed as aborted with green live/],
    ['a switchover inside another one', [...untilHeld, opened], /opens a switchover before that of entry 1 is closed/],
    ['a decision outside of any', [decidedSwitch], /belongs to no switchover/],
    ['groups of no wave outside of any', [groups], /belongs to no switchover/],
  ]

  it.each(cases)('%s', (_, facts, text) => {
    expect(departures(journal(...facts)).join('\n')).toMatch(text)
  })

  it('a gap in the numbers', () => {
    const entries = journal(...takenBack)
    expect(departures(entries.filter(({ number }) => number !== 3))[0]).toBe('entry 4 stands where 3 belongs')
  })
})

describe('the route as it was written', () => {
  const heldRoute = held(soundRoute, 'green', 0, '100', soundRoute.colours)
  const open = published(deciding(heldRoute, '100'), '100')
  const writes = (...written: readonly (readonly [number, RouteDocument])[]): readonly RouteWrite[] =>
    written.map(([entryNumber, route]) => ({ entryNumber, route }))
  const legal = [
    [3, heldRoute],
    [5, deciding(heldRoute, '100')],
    [6, open],
    [10, groupsSet(open, {}, '100')],
  ] as const

  it('moves with its entries', () => {
    expect(departures(journal(...switched), writes(...legal))).toEqual([])
    const back = [
      [3, heldRoute],
      [5, aborting(heldRoute, '100')],
    ] as const
    const latch = { attempt: 0, reason: 'x', atWallClock: '2026-01-01T00:00:00Z' }
    expect(departures(journal(...takenBack), writes(...back, [6, restored(aborting(heldRoute, '100'), latch, '100')]))).toEqual([])
  })

  it.each([
    ['an epoch that does not grow', [...legal.slice(0, 2), [6, { ...open, epoch: heldRoute.epoch }]], /follows epoch/],
    ['another term than its entry', [...legal.slice(0, 2), [6, { ...open, term: '99' }]], /is of term 99, its entry of term 100/],
    ['a state that is passed over', [legal[0], [6, { ...open, live: 'blue' }]], /goes from held to open/],
    ['a decision that is turned round', [...legal.slice(0, 2), [6, { ...aborting(heldRoute, '100'), epoch: open.epoch }]], /goes from deciding to aborting/],
    [
      'a colour that becomes live unasked',
      [legal[0], [5, { ...deciding(heldRoute, '100'), live: 'green', target: 'blue' }]],
      /makes green live, where blue belongs/,
    ],
    ['a state with the wrong entry', [[4, heldRoute]], /is held by "fence" instead of "hold begin"/],
    ['an entry that is not there', [[99, heldRoute]], /written with entry 99, which is not there/],
    [
      'a default that changes at the release',
      [...legal.slice(0, 2), [7, consumersDefault(open, 'green', '100')]],
      /is open by "mirror" instead of "release done"/,
    ],
  ] as readonly (readonly [string, readonly (readonly [number, RouteDocument])[], RegExp])[])('%s', (_, written, text) => {
    expect(departures(journal(...switched), writes(...written)).join('\n')).toMatch(text)
  })
})
