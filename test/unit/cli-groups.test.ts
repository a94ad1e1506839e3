import { describe, expect, test } from 'vitest'
import { groupsJson, groupsLines, resetLine } from '../../cli/groups/lines.ts'
import type { GroupSide, LookedGroup } from '../../engine/run/look-at-groups.ts'

const side = (over: Partial<GroupSide> = {}): GroupSide => ({ state: 'Empty', members: 0, partitions: 3, lagRecords: 40, ...over })
const absent: GroupSide = { state: 'absent', members: 0, partitions: null, lagRecords: null }

function looked(groupId: string, over: Partial<LookedGroup> = {}): LookedGroup {
  const base = {
    colour: 'blue',
    held: false,
    blue: side(),
    green: absent,
    fate: { kind: 'translated', lagRecords: 40 },
    poison: [],
    alsoWrites: null,
    inWave: false,
    positions: [],
    alternatives: [],
  } as const
  return { groupId, ...base, ...over }
}

describe('kbg groups', () => {
  test('a table with where each group reads and how far it is', () => {
    const live = looked('billing', { blue: side({ state: 'Stable', members: 2 }), green: side({ partitions: 3, lagRecords: null }) })
    expect(groupsLines({ groups: [live, looked('audit-log')], outcome: 'movable', notes: [] }, false)).toEqual([
      'MOVABLE  2 groups',
      '  GROUP      READS ON  BLUE                                          GREEN                   A MOVE',
      '  billing    blue      Stable, 2 members, 40 behind in 3 partitions  Empty, in 3 partitions  exact',
      '  audit-log  blue      Empty, 40 behind in 3 partitions              -                       exact',
    ])
  })

  test('who can’t be moved stands first, with the reasons; long lists end with how many more', () => {
    const reasons = Array.from({ length: 7 }, (_, partition) => `orders-${partition}: retention passed it`)
    const refused = looked('zebra', { fate: { kind: 'refused', reasons }, poison: ['orders-0 at 9 on green, its position 5 is 7 there'] })
    const fine = Array.from({ length: 9 }, (_, index) => looked(`fine-${index}`))
    const lines = groupsLines({ groups: [...fine, refused], outcome: 'refused', notes: ['groups that read on green: refused'] }, false)
    expect(lines[0]).toBe('REFUSED  10 groups, 1 of them not movable now')
    expect(lines[1]).toBe('  not seen: groups that read on green: refused')
    expect(lines[3]).toMatch(/^ {2}zebra .* REFUSED, POISONED$/)
    expect(lines).toContain('and 4 more (--all)')
    expect(lines.filter((line) => line.includes('retention passed it'))).toHaveLength(5)
    expect(lines).toContain('    and 2 more')
    expect(lines).toContain('    poison: orders-0 at 9 on green, its position 5 is 7 there')
    const everything = groupsLines({ groups: [...fine, refused], outcome: 'refused', notes: [] }, true)
    expect(everything.filter((line) => line.includes('retention passed it'))).toHaveLength(7)
    expect(everything.some((line) => line.includes('more'))).toBe(false)
  })

  test('what the alternatives would have done, and which nobody looked at', () => {
    const alternatives = [
      { method: 'timestamp', worth: null, note: 'not looked at: it has to read records (--alternatives)' },
      { method: 'snapshot', worth: { redelivered: 12, skipped: 0, partitions: 3 }, note: '' },
      { method: 'count-back', worth: { redelivered: 0, skipped: 4, partitions: 2 }, note: '1 partitions without a position of this kind' },
    ] as const
    expect(groupsLines({ groups: [looked('billing', { alternatives })], outcome: 'movable', notes: [] }, false).slice(3)).toEqual([
      '  billing',
      '    by timestamp: not looked at: it has to read records (--alternatives)',
      '    by the last cut noted: 12 records read again, 0 skipped',
      '    by counting back: 0 records read again, 4 skipped (1 partitions without a position of this kind)',
    ])
  })

  test('a group whose application also writes is told, and stands among the troubled ones when it is in a wave', () => {
    const alsoWrites = 'Kafka Streams, 2 internal topics on blue'
    const groups = [looked('billing'), looked('shop', { alsoWrites }), looked('totals', { alsoWrites, inWave: true })]
    const lines = groupsLines({ groups, outcome: 'refused', notes: [] }, false)
    expect(lines[0]).toBe('REFUSED  3 groups, 1 of them not movable now')
    expect(lines.slice(2, 5).map((line) => line.trim().split(' ')[0])).toEqual(['totals', 'billing', 'shop'])
    expect(lines.slice(5)).toEqual([
      '  totals',
      `    also writes (${alsoWrites}): it must be in no wave`,
      '  shop',
      `    also writes (${alsoWrites}): it moves with the producers`,
    ])
  })

  test('groups that are left out by rule are counted and stand last', () => {
    const lines = groupsLines({ groups: [looked('connect-x', { fate: { kind: 'excluded' } }), looked('zebra')], outcome: 'movable', notes: [] }, false)
    expect(lines[0]).toBe('MOVABLE  1 groups, 1 left out by rule')
    expect(lines.slice(2).map((line) => line.trim().split(' ')[0])).toEqual(['zebra', 'connect-x'])
  })

  test('JSON for tools is what was looked at', () => {
    const look = { groups: [looked('billing')], outcome: 'movable', notes: [] } as const
    expect(JSON.parse(groupsJson(look))).toEqual(look)
  })

  test('a reset says what it deleted', () => {
    const reset = { colour: 'green', offsets: new Map([['orders-0', 9n]]) } as const
    expect(resetLine('billing', reset, false)).toBe('billing has no offsets on green any more; deleted were 1: orders-0 at 9.')
    expect(JSON.parse(resetLine('billing', reset, true))).toEqual({ groupId: 'billing', colour: 'green', offsets: { 'orders-0': '9' } })
  })
})
