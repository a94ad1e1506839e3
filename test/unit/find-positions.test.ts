import { beforeEach, describe, expect, test, vi } from 'vitest'
import type { Cut, GroupPosition } from '../../engine/model/journal.ts'
import type { PartitionOffsets } from '../../engine/model/partition.ts'
import type { Audit } from '../../engine/ports/audit.ts'
import { Deadline, systemClock } from '../../engine/ports/clock.ts'
import { findPositions } from '../../engine/run/find-positions.ts'
import type { Ports } from '../../engine/run/ports.ts'

const { counting } = vi.hoisted(() => ({ counting: { asked: [] as string[][], answer: (_groups: string[]): unknown => [] } }))
vi.mock('../../engine/run/translate-groups.ts', () => ({
  translateGroups: async ({ committed }: { committed: ReadonlyMap<string, PartitionOffsets> }) => {
    counting.asked.push([...committed.keys()])
    return counting.answer([...committed.keys()])
  },
}))

const cut: Cut = { source: 'blue', target: 'green', sourceEnds: { 'orders-0': '9000000' }, targetEnds: { 'orders-0': '9000500' } }
const committed = (offsets: Readonly<Record<string, bigint>>) =>
  new Map(Object.entries(offsets).map(([groupId, offset]) => [groupId, new Map([['orders-0', offset]])]))

function position(groupId: string, method: GroupPosition['method'], verdict: GroupPosition['verdict'] = 'exact'): GroupPosition {
  return {
    groupId,
    topic: 'orders',
    partition: 0,
    sourceOffset: '5',
    targetOffset: verdict === 'exact' ? '6' : null,
    lagRecords: 1,
    method,
    verdict,
    reason: '',
  }
}

const told: string[] = []

function search(audit: Pick<Audit, 'translate'> | null, offsets: Readonly<Record<string, bigint>>, redeliver: readonly string[] = []) {
  const ports = { audit, clusters: { blue: {}, green: {} } } as unknown as Ports
  const subject = { source: 'blue', target: 'green', cut, committed: committed(offsets), redeliver } as const
  return findPositions(ports, subject, (text) => told.push(text), new Deadline(systemClock, 5_000, 'the test'))
}

const shown = (positions: readonly GroupPosition[]) => positions.map(({ groupId, method, verdict }) => `${groupId} ${method} ${verdict}`)

beforeEach(() => {
  told.length = 0
  counting.asked = []
  counting.answer = (groups) => groups.map((groupId) => position(groupId, 'count-back'))
})

describe('finding positions', () => {
  test('by the map alone where it proves every group: nothing is read', async () => {
    const asked: unknown[] = []
    const translate: Audit['translate'] = async (from, groups, ends) => {
      asked.push([from, [...groups.keys()], ends?.blue.get('orders-0'), ends?.green.get('orders-0')])
      return [position('a', 'map'), position('b', 'map', 'without offsets')]
    }
    expect(shown(await search({ translate }, { a: 8_999_000n, b: 5n }))).toEqual(['a map exact', 'b map without offsets'])
    expect(asked).toEqual([['blue', ['a', 'b'], 9_000_000n, 9_000_500n]])
    expect(counting.asked).toEqual([])
  })

  test('what the map can’t prove is counted back, and only that; the map’s reason stays where counting doesn’t help', async () => {
    const translate = async () => [position('a', 'map'), position('b', 'map', 'not provable'), position('c', 'map', 'not provable')]
    counting.answer = () => [position('b', 'count-back'), position('c', 'count-back', 'not provable')]
    const found = await search({ translate }, { a: 8_999_000n, b: 8_999_000n, c: 8_999_000n })
    expect(shown(found)).toEqual(['a map exact', 'c map not provable', 'b count-back exact'])
    expect(counting.asked).toEqual([['b', 'c']])
  })

  test('a group that is millions behind is not read for, and a failed reading holds up nobody', async () => {
    const translate = async () => [position('a', 'map'), position('far', 'map', 'not provable'), position('near', 'map', 'not provable')]
    counting.answer = () => Promise.reject(new Error('too much to read'))
    const found = await search({ translate }, { a: 8_999_000n, far: 0n, near: 8_999_000n })
    expect(shown(found)).toEqual(['a map exact', 'far map not provable', 'near map not provable'])
    expect(counting.asked).toEqual([['near']])
    expect(told).toEqual([expect.stringContaining('too much to read')])
  })

  test('what can’t be proven at all goes to the nearest proven place, of those only that are named', async () => {
    const asked: unknown[] = []
    const translate: Audit['translate'] = async (_from, groups, _ends, _deadline, redeliver = []) => {
      asked.push([[...groups.keys()], redeliver])
      return [...groups.keys()].map((groupId) => position(groupId, 'map', redeliver.includes(groupId) ? 'redeliver' : 'not provable'))
    }
    counting.answer = () => [position('near', 'count-back')]
    const found = await search({ translate }, { far: 0n, named: 0n, near: 8_999_000n }, ['named', 'near'])
    expect(shown(found)).toEqual(['far map not provable', 'near count-back exact', 'named map redeliver'])
    expect(asked).toEqual([
      [['far', 'named', 'near'], []],
      [['named'], ['named']],
    ])
  })

  test('without an audit, or with one that can’t be asked, everything is counted back', async () => {
    expect(shown(await search(null, { a: 0n }))).toEqual(['a count-back exact'])
    const translate = () => Promise.reject(new Error('refused'))
    expect(shown(await search({ translate }, { a: 8_999_000n, far: 0n }))).toEqual(['a count-back exact', 'far count-back exact'])
    expect(told).toEqual([expect.stringContaining('refused')])
  })
})
