import { describe, expect, it } from 'vitest'
import { type GroupLook, isPaceSeen, notReadingOn, paceOf } from '../../engine/analysis/group-pace.ts'
import type { JournalEntry, JournalFact } from '../../engine/model/journal.ts'
import { Limits } from '../../engine/model/limits.ts'
import { inWaveOrder, wavesOf } from '../../engine/model/wave.ts'
import { planText } from '../../engine/switchover/plan.ts'
import { chooseCourse } from '../../engine/switchover/resume.ts'
import { groupsSet, heldGroupsReleased, latched } from '../../engine/switchover/route-moves.ts'
import { consumersOf, isForward, isLeftOpen, openWaves, wantedGroupColour, waveMoves } from '../../engine/switchover/waves.ts'
import { soundRoute } from '../support/sample-snapshot.ts'

const waves = wavesOf({
  groups: {
    ledger: { wave: 10, alsoProduces: false },
    archive: { wave: 1, alsoProduces: false },
    dashboard: { wave: 1, alsoProduces: false },
    billing: { wave: 2, alsoProduces: false },
    shop: { alsoProduces: true },
  },
})
const route = { ...soundRoute, live: 'blue', defaultConsumerColour: 'blue', groups: {} } as const
const onGreen = (...groups: readonly string[]) => groupsSet(route, Object.fromEntries(groups.map((one) => [one, { colour: 'green', state: 'running' }])), '9')

function journal(...facts: readonly JournalFact[]): readonly JournalEntry[] {
  return facts.map((fact, index) => ({ ...fact, number: index + 1, term: '100', atWallClock: '2026-01-01T00:00:00Z', atMonotonicMs: index }) as JournalEntry)
}
const entry = (wave: string, what: Extract<JournalFact, { kind: 'wave' }>['what'], pace = {}): JournalFact => ({
  ...{ kind: 'wave', wave, source: 'blue', target: 'green', what, groups: waves[wave] ?? [], pace, reason: '' },
})

describe('waves of the catalog', () => {
  it('stand in the order of their numbers, groups without one in none', () => {
    expect(Object.entries(waves)).toEqual([
      ['wave-1', ['archive', 'dashboard']],
      ['wave-2', ['billing']],
      ['wave-10', ['ledger']],
    ])
    expect(inWaveOrder(['wave-10', 'wave-2', 'wave-1'])).toEqual(['wave-1', 'wave-2', 'wave-10'])
  })
})

describe('what has to move', () => {
  it('is nothing while every wave reads where it is wanted', () => {
    expect(waveMoves(route, waves, {})).toEqual([])
    expect(waveMoves(onGreen('archive', 'dashboard'), waves, { 'wave-1': 'green' })).toEqual([])
  })

  it('is the least critical wave first, and of a wave just the groups that are not there', () => {
    expect(waveMoves(onGreen('archive'), waves, { 'wave-10': 'green', 'wave-1': 'green' })).toEqual([
      { wave: 'wave-1', source: 'blue', target: 'green', groups: ['dashboard'] },
      { wave: 'wave-10', source: 'blue', target: 'green', groups: ['ledger'] },
    ])
  })

  it('is the way back for a wave that the intent no longer names', () => {
    const [move, ...others] = waveMoves(onGreen('billing'), waves, {})
    expect(move).toEqual({ wave: 'wave-2', source: 'green', target: 'blue', groups: ['billing'] })
    expect(others).toEqual([])
    expect(move !== undefined && isForward(move, 'blue')).toBe(false)
  })

  it('is no move of a group that was left held where it is wanted: that one is released', () => {
    const held = groupsSet(route, { ledger: { colour: 'blue', state: 'held' } }, '9')
    expect(waveMoves(held, waves, {})).toEqual([])
    expect(waveMoves(held, waves, { 'wave-10': 'green' })).toMatchObject([{ wave: 'wave-10', source: 'blue', groups: ['ledger'] }])
    expect([consumersOf(held, waves)['wave-10'], isLeftOpen(held, [])]).toEqual(['held', true])
    expect(isLeftOpen(heldGroupsReleased(held, '10'), [])).toBe(false)
  })

  it('is the ways back before the moves to the standby', () => {
    expect(waveMoves(onGreen('ledger'), waves, { 'wave-1': 'green' }).map(({ wave, target }) => `${wave} ${target}`)).toEqual(['wave-10 blue', 'wave-1 green'])
  })

  it('with the live colour: a wave that is wanted elsewhere stays there, the others and groups of no wave follow', () => {
    const wanted = (groupId: string) => wantedGroupColour(waves, { 'wave-2': 'blue' }, 'green', groupId)
    expect(['archive', 'billing', 'ledger', 'shop', 'nobody-knows'].map(wanted)).toEqual(['green', 'blue', 'green', 'green', 'green'])
  })

  it('tells where each wave reads', () => {
    expect(consumersOf(onGreen('archive', 'billing'), waves)).toEqual({ 'wave-1': 'mixed', 'wave-2': 'green', 'wave-10': 'blue' })
  })
})

describe('the course of a run with waves', () => {
  const intent = (consumers: Record<string, 'blue' | 'green'>, live: 'blue' | 'green' = 'blue') => ({ live, attempt: 0, consumers })

  it('moves waves while the live colour stays, and the live colour first when it differs', () => {
    expect(chooseCourse(route, [], intent({ 'wave-2': 'green' }), waves)).toMatchObject({ kind: 'waves', moves: [{ wave: 'wave-2' }], open: [] })
    expect(chooseCourse(route, [], intent({ 'wave-2': 'green' }, 'green'), waves).kind).toBe('switch')
    expect(chooseCourse(route, [], intent({}), waves).kind).toBe('nothing')
  })

  it('brings what an earlier run moved to its end, by the pace that it had noted', () => {
    const pace = { billing: { members: 2, offsetsPerSecond: 40 } }
    const entries = journal(
      entry('wave-1', 'moving'),
      entry('wave-1', 'moved'),
      entry('wave-1', 'settled'),
      entry('wave-2', 'moving', pace),
      entry('wave-2', 'moved'),
    )
    expect(openWaves(entries)).toEqual([{ wave: 'wave-2', source: 'blue', target: 'green', groups: ['billing'], pace, returning: null }])
    expect(chooseCourse(onGreen('billing'), entries, intent({ 'wave-2': 'green' }), waves)).toMatchObject({
      kind: 'waves',
      moves: [],
      open: [{ wave: 'wave-2' }],
    })
  })

  it('knows a wave as open that ended between its release and its own entry, and one that was going back', () => {
    const groups: JournalFact = { kind: 'groups', wave: 'wave-2', positions: [], positionEntriesBefore: 0, moved: ['billing'], stayed: [] }
    expect(openWaves(journal(entry('wave-2', 'moving'), groups))).toMatchObject([{ groups: ['billing'], returning: null }])
    expect(openWaves(journal(groups, entry('wave-2', 'moving')))).toEqual([])
    const back = { ...entry('wave-2', 'returning'), reason: 'billing: slow' } as JournalFact
    expect(openWaves(journal(entry('wave-2', 'moving'), groups, entry('wave-2', 'moved'), back))).toMatchObject([{ returning: 'billing: slow' }])
    expect(openWaves(journal(entry('wave-2', 'moved'), back, entry('wave-2', 'returned')))).toEqual([])
  })

  it('is told in the plan', () => {
    const course = chooseCourse(route, [], intent({ 'wave-1': 'green' }), waves)
    expect(planText(course, Limits.parse({}), null, [])).toBe(
      'wave-1 moves blue -> green while the producers stay (archive, dashboard): held, translated, written, read back, released, and watched.',
    )
  })
})

/** Looks half a second apart. */
const looks = (...all: readonly (readonly [committed: number, members?: number, lagRecords?: number])[]): readonly GroupLook[] =>
  all.map(([committed, members = 1, lagRecords = 7], index) => ({ atMs: index * 500, committed: BigInt(committed), members, lagRecords }))

describe('the pace of a group', () => {
  it('is told from commit to commit: one that commits seldom shows five seconds of work at once', () => {
    const seldom = looks([100], [100], [600], [600], [600], [600], [600], [600], [600], [600], [600], [600], [1_100], [1_100])
    expect(paceOf(seldom)).toEqual({ members: 1, offsetsPerSecond: 100 })
    expect(isPaceSeen(seldom)).toBe(true)
  })

  it('is not told by a single commit, and is 0 without any', () => {
    expect(paceOf(looks([100], [600], [600]))).toEqual({ members: 1, offsetsPerSecond: null })
    expect(paceOf(looks([100], [100]))).toEqual({ members: 1, offsetsPerSecond: 0 })
    expect([looks([100], [600]), looks([100], [100])].map(isPaceSeen)).toEqual([false, false])
    expect(isPaceSeen(looks([100, 0]))).toBe(true)
  })
})

describe('a group that was moved', () => {
  const before = { members: 2, offsetsPerSecond: 100 }

  it('reads on when it has members and half of its former pace, or nothing left to read', () => {
    expect(notReadingOn(before, looks([0], [25], [50]))).toBeNull()
    expect(notReadingOn(before, looks([0, 1, 0]))).toBeNull()
    expect(notReadingOn({ members: 1, offsetsPerSecond: 0 }, looks([0, 1, 9_000]))).toBeNull()
  })

  it('does not when its members are away, when it is slower, and when nobody could see', () => {
    expect(notReadingOn(before, looks([0, 0, 0]))).toBe('none of its 2 members has joined')
    expect(notReadingOn(before, looks([0], [20], [40]))).toBe('it reads 40 offsets per second, before 100')
    expect(notReadingOn(before, looks([0], [20]))).toBe('it has committed once: its pace is not seen yet')
    expect(notReadingOn(before, [])).toBe('it was not seen yet')
  })

  it('whose pace was not seen before has to commit at least', () => {
    expect(notReadingOn({ members: 1, offsetsPerSecond: null }, looks([0], [0]))).toBe('it has committed nothing')
    expect(notReadingOn({ members: 1, offsetsPerSecond: null }, looks([0], [9]))).toBeNull()
  })

  it('that had no members needs none', () => {
    expect(notReadingOn({ members: 0, offsetsPerSecond: 0 }, [])).toBeNull()
  })
})

describe('a latch on an open route', () => {
  it('keeps everything else, under a new epoch', () => {
    const latch = { attempt: 3, reason: 'wave-1 went back', atWallClock: '2026-01-01T00:00:00.000Z' }
    expect(latched(route, latch, '12')).toEqual({ ...route, epoch: route.epoch + 1, latch, term: '12' })
    expect(() => latched({ ...route, state: 'held', target: 'green' }, latch, '12')).toThrow(/route-move/)
  })
})
