import { describe, expect, test } from 'vitest'
import type { Colour } from '../../engine/model/colour.ts'
import type { GroupFacts } from '../../engine/model/facts.ts'
import type { GroupPosition, JournalEntry } from '../../engine/model/journal.ts'
import { type PartitionOffsets, parseTopicPartition } from '../../engine/model/partition.ts'
import type { RouteDocument } from '../../engine/model/route.ts'
import type { Wiring } from '../../engine/model/wiring.ts'
import type { Audit } from '../../engine/ports/audit.ts'
import { Deadline, systemClock } from '../../engine/ports/clock.ts'
import { lookAtGroups } from '../../engine/run/look-at-groups.ts'
import type { Ports } from '../../engine/run/ports.ts'
import { soundRoute, topic } from '../support/sample-snapshot.ts'

type Offsets = Readonly<Record<string, bigint>>
const end = 100n
/** Green's offsets are ahead of blue's by so many. */
const shift = 1_000n

interface Fleet {
  readonly route?: RouteDocument | null
  /** Committed on orders-0, by group. */
  readonly blue?: Offsets
  readonly green?: Offsets
  readonly members?: Offsets
  readonly journal?: readonly JournalEntry[]
  readonly audit?: 'none' | 'away' | 'there'
  readonly greenIsAway?: boolean
  readonly unprovenGroups?: Wiring['unprovenGroups']
  /** On both sides. */
  readonly topics?: readonly string[] | 'away'
  readonly waves?: Wiring['waves']
  readonly inTransactions?: readonly string[]
}

/** Two sides with a hundred records each, of which positions below ten can't be proven. */
function look(
  { route = soundRoute, blue = {}, green = {}, members = {}, journal = [], audit = 'there', greenIsAway = false, unprovenGroups = {}, ...writing }: Fleet,
  costly = false,
) {
  const { topics = [], waves = {}, inTransactions = [] } = writing
  const side = (colour: Colour, committed: Offsets) => ({
    inventory: {
      topics: async () => {
        if (topics === 'away') throw new Error('no broker answers')
        return topics.map((name) => topic(name))
      },
    },
    groups: {
      commitsHow: async (ids: readonly string[]) => new Map(ids.map((id) => [id, inTransactions.includes(id) ? 'in transactions' : 'plainly'])),
      list: async (): Promise<readonly GroupFacts[]> => {
        if (colour === 'green' && greenIsAway) throw new Error('green does not answer')
        return Object.keys(committed).map((groupId) => ({
          groupId,
          state: 'Empty',
          type: 'classic',
          memberCount: colour === 'green' ? Number(members[groupId] ?? 0n) : 0,
        }))
      },
      committed: async (groupId: string): Promise<PartitionOffsets> => new Map(committed[groupId] === undefined ? [] : [['orders-0', committed[groupId]]]),
    },
  })
  const translate: Audit['translate'] = async (from, groups) => {
    if (audit === 'away') throw new Error('no worker answers')
    return [...groups].flatMap(([groupId, offsets]) => [...offsets].map(([partition, offset]) => translated(from, groupId, partition, offset)))
  }
  const facts = async () => ({ partitions: [{ partition: 'orders-0', watermark: { blue: `${end}`, green: `${end + shift}` } }], unreachable: [] })
  const ports = {
    clock: systemClock,
    store: { read: async () => ({ route }), history: async () => journal },
    clusters: { blue: side('blue', blue), green: side('green', green) },
    audit: audit === 'none' ? null : { hurry: async () => undefined, facts, translate },
  } as unknown as Ports
  return lookAtGroups(ports, { groups: ['billing'], unprovenGroups, waves } as unknown as Wiring, costly, new Deadline(systemClock, 5_000, 'the look'))
}

function translated(from: Colour, groupId: string, partition: string, offset: bigint): GroupPosition {
  const place = from === 'blue' ? offset : offset - shift
  const base = { groupId, ...parseTopicPartition(partition), sourceOffset: `${offset}`, method: 'map' } as const
  if (place < 10n) return { ...base, targetOffset: null, lagRecords: null, verdict: 'not provable', reason: 'retention passed it' }
  return { ...base, targetOffset: `${from === 'blue' ? offset + shift : place}`, lagRecords: Number(end - place), verdict: 'exact', reason: '' }
}

const cutAt = (offset: bigint): JournalEntry => ({
  ...{ number: 1, term: '1', atWallClock: '2026-01-01T00:00:00.000Z', atMonotonicMs: 0, kind: 'decided', outcome: 'switch', graceful: true, reason: '' },
  cut: { source: 'green', target: 'blue', sourceEnds: { 'orders-0': `${offset + shift}` }, targetEnds: { 'orders-0': `${offset}` } },
})

describe('looking at groups', () => {
  test('each is seen on both sides, with what it has left to read on either', async () => {
    const { outcome, groups } = await look({ blue: { billing: 60n, free: 100n }, green: { billing: 1_040n } })
    expect(outcome).toBe('movable')
    expect(groups.map(({ groupId, colour, fate }) => `${groupId} ${colour} ${fate.kind}`)).toEqual(['billing blue translated', 'free blue translated'])
    expect(groups[0]).toMatchObject({ blue: { partitions: 1, lagRecords: 40 }, green: { partitions: 1, lagRecords: 60 }, poison: [] })
    expect(groups[1]).toMatchObject({ blue: { partitions: 1, lagRecords: 0 }, green: { state: 'absent', partitions: 0, lagRecords: null } })
  })

  test('a group that reads on the standby is judged for the way back', async () => {
    const route: RouteDocument = { ...soundRoute, groups: { billing: { colour: 'green', state: 'running' } } }
    const { groups } = await look({ route, blue: { billing: 30n }, green: { billing: 1_040n } })
    expect(groups).toMatchObject([
      { groupId: 'billing', colour: 'green', fate: { kind: 'translated', lagRecords: 60 }, positions: [{ targetOffset: '40' }], poison: [] },
    ])
  })

  test('refused and poisoned groups make it refused', async () => {
    expect((await look({ blue: { billing: 5n } })).outcome).toBe('refused')
    expect(await look({ blue: { billing: 60n }, green: { billing: 1_061n } })).toMatchObject({
      outcome: 'refused',
      groups: [{ fate: { kind: 'translated' }, poison: ['orders-0 at 1061 on green, its position 60 is 1060 there'] }],
    })
    expect((await look({ blue: { billing: 60n }, green: { billing: 1_060n }, members: { billing: 2n } })).groups[0]?.poison).toEqual(['2 members on green'])
    expect((await look({ blue: { billing: 5n }, unprovenGroups: { billing: 'stay' } })).outcome).toBe('movable')
  })

  test('what can’t be seen is not shown, and said', async () => {
    expect(await look({ blue: { billing: 60n }, audit: 'away' })).toMatchObject({
      outcome: 'not shown',
      groups: [{ fate: { kind: 'unknown', why: 'no worker answers' } }],
    })
    expect(await look({ blue: { billing: 60n }, audit: 'none' })).toMatchObject({ outcome: 'not shown', groups: [{ fate: { kind: 'counted back' } }] })
    expect(await look({ blue: { billing: 60n }, greenIsAway: true })).toMatchObject({
      outcome: 'not shown',
      notes: ['the groups of green: green does not answer'],
    })
    expect(await look({ route: null })).toMatchObject({ outcome: 'not shown', groups: [], notes: ['there is no route yet'] })
  })

  test('who also writes is told, and refused in a wave; only the groups of waves are asked how they commit', async () => {
    const blue = { billing: 60n, plain: 60n, totals: 60n }
    const told = async (over: Fleet) => {
      const { outcome, groups, notes } = await look({ blue, ...over })
      return [outcome, groups.flatMap(({ groupId, alsoWrites }) => (alsoWrites === null ? [] : [`${groupId}: ${alsoWrites}`])), notes]
    }
    const streams = 'totals: Kafka Streams, 1 internal topics on blue'
    const topics = ['orders', 'totals-store-changelog']
    expect(await told({ topics, inTransactions: ['billing'] })).toEqual(['movable', [streams], []])
    expect(await told({ topics, waves: { 'wave-1': ['totals'] } })).toEqual(['refused', [streams], []])
    const waves = { 'wave-1': ['billing', 'plain'] }
    expect(await told({ waves, inTransactions: ['billing'] })).toEqual(['refused', ['billing: commits in transactions on blue'], []])
    expect(await told({ waves })).toEqual(['movable', [], []])
    expect(await told({ waves, topics: 'away' })).toEqual(['not shown', [], ['who also writes on blue: no broker answers']])
  })

  test('the last cut is an alternative that costs nothing: what it would have redelivered is counted in records', async () => {
    const { groups } = await look({ blue: { billing: 60n, before: 20n }, journal: [cutAt(15n), cutAt(45n)] })
    const of = (groupId: string) => groups.find((group) => group.groupId === groupId)?.alternatives.find(({ method }) => method === 'snapshot')
    expect(of('billing')).toEqual({ method: 'snapshot', worth: { redelivered: 15, skipped: 0, partitions: 1 }, note: '' })
    expect(of('before')).toEqual({ method: 'snapshot', worth: { redelivered: 5, skipped: 0, partitions: 1 }, note: '' })
    const unseen = groups[0]?.alternatives.filter(({ worth }) => worth === null) ?? []
    expect(unseen.map(({ method, note }) => `${method}: ${note}`)).toEqual([
      'timestamp: not looked at: it has to read records (--alternatives)',
      "checkpoint: not looked at: this fleet's mirror writes no offset syncs",
      'count-back: not looked at: it has to read records (--alternatives)',
    ])
  })
})
