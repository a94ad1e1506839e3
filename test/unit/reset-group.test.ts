import { describe, expect, test } from 'vitest'
import type { GroupFacts } from '../../engine/model/facts.ts'
import { JournalEntry } from '../../engine/model/journal.ts'
import type { RouteDocument } from '../../engine/model/route.ts'
import { systemClock } from '../../engine/ports/clock.ts'
import type { Ports } from '../../engine/run/ports.ts'
import { resetGroup } from '../../engine/run/reset-group.ts'
import { soundRoute } from '../support/sample-snapshot.ts'

const empty: GroupFacts = { groupId: 'billing', state: 'Empty', type: 'classic', memberCount: 0 }
const opened: JournalEntry = {
  ...{ number: 3, term: '90', atWallClock: '2026-01-01T00:00:00.000Z', atMonotonicMs: 1, kind: 'opened' },
  ...{ source: 'blue', target: 'green', attempt: 0, epoch: 7 },
}

/** A fleet in which nothing is wrong; every test breaks one thing. */
function fleet(
  over: {
    readonly route?: RouteDocument | null
    readonly journal?: readonly JournalEntry[]
    readonly onGreen?: readonly GroupFacts[]
    readonly comesBack?: boolean
  } = {},
) {
  const did: string[] = []
  const { route = soundRoute, journal = [], onGreen = [empty], comesBack = false } = over
  let offsets = new Map([['orders-0', 9n]])
  const colour = (name: string) => ({
    groups: {
      list: async () => onGreen,
      committed: async () => offsets,
      deleteGroup: async (groupId: string) => {
        did.push(`delete ${groupId} on ${name}`)
        if (!comesBack) offsets = new Map()
      },
    },
  })
  const store = {
    lock: async (holder: string) => {
      did.push(`lock by ${holder}`)
      return { term: '101', lost: new AbortController().signal, release: async () => did.push('release') }
    },
    read: async () => ({ route, journal, routeRevision: '5', journalHead: 3 }),
    write: async (_lock: unknown, write: { readonly entry: unknown; readonly route: unknown; readonly expectedJournalHead: number }) => {
      const entry = JournalEntry.parse(write.entry)
      did.push(
        `journal ${entry.number} ${entry.kind} ${JSON.stringify(entry.kind === 'group-reset' ? entry.offsets : null)} behind ${write.expectedJournalHead}`,
      )
      expect(write.route).toBeNull()
    },
  }
  const ports = { clock: systemClock, store, clusters: { blue: colour('blue'), green: colour('green') } } as unknown as Ports
  return { did, reset: (groupId = 'billing') => resetGroup(ports, groupId, 'me') }
}

describe('the reset of a group', () => {
  test('deletes it on the colour where the route does not have it, under the lock, journaled before', async () => {
    const { did, reset } = fleet()
    expect(await reset()).toEqual({ colour: 'green', offsets: new Map([['orders-0', 9n]]) })
    expect(did).toEqual(['lock by me', 'journal 4 group-reset {"orders-0":"9"} behind 3', 'delete billing on green', 'release'])
    const moved = fleet({ route: { ...soundRoute, groups: { billing: { colour: 'green', state: 'running' } } } })
    expect((await moved.reset()).colour).toBe('blue')
  })

  test.each([
    ['a switchover is open', { journal: [opened] }, 'a switchover is open'],
    ['the route is held', { route: { ...soundRoute, state: 'held', target: 'green' } as const }, 'a switchover is open'],
    [
      'the group is being moved',
      { route: { ...soundRoute, groups: { billing: { colour: 'blue', state: 'held' } } } as const },
      'the group is held: it is being moved',
    ],
    ['there is no route', { route: null }, 'no route'],
    ['it has members there', { onGreen: [{ ...empty, state: 'Stable', memberCount: 2 }] as const }, 'Stable with 2 members on green'],
    ['it is rebalancing there', { onGreen: [{ ...empty, state: 'PreparingRebalance' }] as const }, 'PreparingRebalance with 0 members on green'],
    ['it is not there', { onGreen: [] }, 'no such group on green'],
  ])('is refused when %s, and nothing is touched', async (_, over, observed) => {
    const { did, reset } = fleet(over)
    await expect(reset()).rejects.toMatchObject({ code: 'reset-refused', facts: { observed } })
    expect(did).toEqual(['lock by me', 'release'])
  })

  test('is refused for groups that no switchover touches', async () => {
    await expect(fleet().reset('connect-sink')).rejects.toMatchObject({ code: 'reset-refused' })
  })

  test('says when somebody commits there all the same', async () => {
    const { did, reset } = fleet({ comesBack: true })
    await expect(reset()).rejects.toMatchObject({ code: 'reset-refused', facts: { observed: '1 offsets on green after they were deleted' } })
    expect(did.at(-1)).toBe('release')
  })
})
