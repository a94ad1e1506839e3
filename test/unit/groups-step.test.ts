import { describe, expect, test } from 'vitest'
import type { GroupFacts } from '../../engine/model/facts.ts'
import { Limits } from '../../engine/model/limits.ts'
import type { PartitionOffsets } from '../../engine/model/partition.ts'
import type { Clock } from '../../engine/ports/clock.ts'
import { Execution } from '../../engine/run/execution.ts'
import type { Ports } from '../../engine/run/ports.ts'
import { groups } from '../../engine/run/steps/groups.ts'
import { deciding, held, published } from '../../engine/switchover/route-moves.ts'
import { soundRoute } from '../support/sample-snapshot.ts'

const released = published(deciding(held(soundRoute, 'green', 0, '101', soundRoute.colours), '101'), '101')
const group = (groupId: string, over: Partial<GroupFacts> = {}): GroupFacts => ({ groupId, state: 'Empty', type: 'classic', memberCount: 0, ...over })

/** Both ways of asking for committed offsets; `onFetch` is told of each question. */
const positionsOf = (of: (groupId: string) => PartitionOffsets, onFetch: () => void = () => undefined) => ({
  committed: async (groupId: string) => {
    onFetch()
    return of(groupId)
  },
  committedOfAll: async (ids: readonly string[]) => {
    onFetch()
    return new Map(ids.map((id) => [id, of(id)]))
  },
})

/**
 * The step on groups of blue that are listed like this one time after the other, the last list for ever; everything is committed at 0. Time passes by sleeping
 * alone. `calls`: fetches on the source and publications, in their order.
 */
async function moved(lists: readonly (readonly GroupFacts[])[], withAudit = true) {
  let nowMs = 0
  const clock: Clock = {
    monotonicMs: () => nowMs,
    wallClock: () => new Date(0),
    sleep: async (ms) => {
      nowMs += ms
    },
  }
  let asked = 0
  const written = new Map<string, PartitionOffsets>()
  const calls: ('fetch' | 'publish')[] = []
  const committed = positionsOf(() => new Map([['orders-0', 0n]]), () => calls.push('fetch')) // biome-ignore format: one line
  const blue = { list: async () => lists[Math.min(asked++, lists.length - 1)] ?? [], ...committed }
  const green = {
    ...positionsOf((groupId) => written.get(groupId) ?? new Map()),
    commit: async (groupId: string, offsets: PartitionOffsets) => void written.set(groupId, offsets),
  }
  const position = { topic: 'orders', partition: 0, sourceOffset: '0', targetOffset: '5', lagRecords: 1, method: 'map', verdict: 'exact', reason: '' }
  const audit = { translate: async (_from: unknown, asking: ReadonlyMap<string, unknown>) => [...asking.keys()].map((groupId) => ({ groupId, ...position })) }
  const write = async () => {
    calls.push('publish')
    return { routeRevision: '1', journalHead: 1 }
  }
  const store = { waitForClients: async () => ({ clients: [] }), write }
  const logs = { ends: async () => [], visible: async () => [] }
  const run = new Execution({
    ...{
      ports: {
        clock,
        publications: [],
        audit: withAudit ? audit : null,
        store,
        clusters: { blue: { groups: blue, logs }, green: { groups: green, logs } },
      } as unknown as Ports,
      limits: Limits.parse({}),
    },
    ...{
      lock: { term: '101', lost: new AbortController().signal } as never,
      wiring: { waves: {}, hooks: [], unprovenGroups: {} } as never,
      intent: { live: 'green', attempt: 0, consumers: {} },
    },
    ...{ tell: () => undefined, cancelled: new AbortController().signal, route: released, journal: [], routeRevision: '0', journalHead: 0 },
  })
  const outcomes = await groups(run, 'blue', 'green', { source: 'blue', target: 'green', sourceEnds: { 'orders-0': '1' }, targetEnds: { 'orders-0': '6' } })
  return { moved: outcomes.flatMap((each) => each.moved), stayed: outcomes.flatMap((each) => each.stayed), written: [...written.keys()], tookMs: nowMs, calls }
}

describe('the groups step', () => {
  test('does not wait for a group that was deleted meanwhile, and says that it vanished', async () => {
    const outcome = await moved([[group('a'), group('gone')], [group('a'), group('gone')], [group('a')]])
    expect(outcome).toMatchObject({ moved: ['a'], written: ['a'], stayed: [{ groupId: 'gone', reason: 'it vanished meanwhile' }] })
    expect(outcome.tookMs).toBeLessThan(1_000)
  })

  test('waits for members to leave, and leaves a group where it is whose member stays', async () => {
    const busy = group('busy', { state: 'Stable', memberCount: 1 })
    const outcome = await moved([[group('a'), busy]])
    expect(outcome).toMatchObject({ moved: ['a'], written: ['a'], stayed: [{ groupId: 'busy', reason: 'still Stable with 1 members' }] })
    expect(outcome.tookMs).toBeGreaterThanOrEqual(Limits.parse({}).groupMoveDeadlineMs / 2)
  })

  test('takes a group for empty only when it was seen so twice', async () => {
    const busy = group('flickering', { state: 'Stable', memberCount: 1 })
    const outcome = await moved([[group('flickering')], [group('flickering')], [busy], [group('flickering')], [busy]])
    expect(outcome).toMatchObject({ moved: [], written: [], stayed: [{ groupId: 'flickering' }] })
  })

  test('fetches nothing before the hold with an audit; without one it asks once how far behind the groups are', async () => {
    const lists = [[group('a'), group('b')]]
    const { moved: ids, calls } = await moved(lists)
    expect([ids, calls.slice(0, 2)]).toEqual([
      ['a', 'b'],
      ['publish', 'fetch'],
    ])
    expect((await moved(lists, false)).calls.slice(0, 3)).toEqual(['fetch', 'publish', 'fetch'])
  })
})
