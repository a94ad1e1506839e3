import { describe, expect, test } from 'vitest'
import { KbgError } from '../../engine/model/error.ts'
import type { PartitionOffsets } from '../../engine/model/partition.ts'
import type { RouteDocument } from '../../engine/model/route.ts'
import { Deadline, systemClock } from '../../engine/ports/clock.ts'
import type { Ports } from '../../engine/run/ports.ts'
import { writeBackOnce } from '../../engine/run/write-back/round.ts'
import { soundRoute } from '../support/sample-snapshot.ts'

const route: RouteDocument = {
  ...{ ...soundRoute, live: 'blue', defaultConsumerColour: 'blue' },
  groups: { archive: { colour: 'green', state: 'running' }, dashboard: { colour: 'green', state: 'running' }, moving: { colour: 'green', state: 'held' } },
}
const at = (offset: bigint): PartitionOffsets => new Map([['orders-0', offset]])

interface Sides {
  readonly green: Record<string, PartitionOffsets>
  readonly blue?: Record<string, PartitionOffsets>
  /** The group whose coordinator on green doesn't answer. */
  readonly away?: string
  readonly refuse?: KbgError
  readonly notProvable?: readonly string[]
}

/** One round over two sides whose offsets differ by a hundred. */
async function round({ green, blue = {}, away, refuse, notProvable = [] }: Sides, over: { route?: RouteDocument; isCurrent?: () => boolean } = {}) {
  const commits: string[] = []
  const port = (offsets: Record<string, PartitionOffsets>) => ({
    committed: async (groupId: string) => {
      if (groupId === away && offsets === green) throw new KbgError('connection', 'its coordinator is away')
      return offsets[groupId] ?? new Map()
    },
    commit: async (groupId: string, own: PartitionOffsets) => {
      if (refuse !== undefined) throw refuse
      commits.push(`${groupId} ${[...own].map(([partition, offset]) => `${partition}=${offset}`)}`)
    },
  })
  const translate = async (_from: string, groups: ReadonlyMap<string, PartitionOffsets>) =>
    [...groups].flatMap(([groupId, own]) =>
      [...own.values()].map((offset) => {
        const verdict = notProvable.includes(groupId) ? 'not provable' : 'exact'
        return { groupId, topic: 'orders', partition: 0, targetOffset: String(offset - 100n), verdict, reason: 'the audit is behind' }
      }),
    )
  const ports = { clusters: { green: { groups: port(green) }, blue: { groups: port(blue) } }, audit: { translate } } as unknown as Ports
  const deadline = new Deadline(systemClock, 5_000, 'the test')
  return { outcomes: await writeBackOnce({ ports, route, isCurrent: () => true, ...over }, deadline), commits }
}

describe('a round of the write-back', () => {
  test('writes what groups have committed on the standby through the inverse of the map, and only what has changed', async () => {
    const { commits } = await round({ green: { archive: at(140n), dashboard: at(150n) }, blue: { archive: at(40n), dashboard: at(20n) } })
    expect(commits).toEqual(['dashboard orders-0=50'])
  })

  test('leaves alone what reads on the live side, what is held, and everything while a switchover is open', async () => {
    const green = { archive: at(140n), moving: at(140n), elsewhere: at(140n) }
    expect((await round({ green })).commits).toEqual(['archive orders-0=40'])
    expect((await round({ green }, { route: { ...route, state: 'held', target: 'green' } })).commits).toEqual([])
    // Behind a release everybody reads, by default, on what is the standby by then: their mover comes next.
    expect((await round({ green }, { route: { ...route, live: 'green', groups: {} } })).commits).toEqual([])
  })

  test('commits nothing once a newer route is known: from then on the offsets are the mover’s', async () => {
    expect((await round({ green: { archive: at(140n) } }, { isCurrent: () => false })).commits).toEqual([])
  })

  test('one group that can not be read or proven holds up no other', async () => {
    const away = await round({ green: { archive: at(140n), dashboard: at(150n) }, away: 'archive' })
    expect(away.commits).toEqual(['dashboard orders-0=50'])
    expect(away.outcomes).toContainEqual({ groupId: 'archive', refused: expect.stringContaining('its coordinator is away') })
    const behind = await round({ green: { archive: at(140n), dashboard: at(150n) }, notProvable: ['archive'] })
    expect(behind.commits).toEqual(['dashboard orders-0=50'])
    expect(behind.outcomes).toContainEqual({ groupId: 'archive', refused: 'orders-0: the audit is behind' })
  })

  test('says which commit may land yet', async () => {
    const unknown = await round({ green: { archive: at(140n) }, refuse: new KbgError('outcome-unknown', 'no answer') })
    expect(unknown.outcomes).toEqual([{ groupId: 'archive', refused: expect.stringContaining('no answer'), mayLand: true }])
    const active = await round({ green: { archive: at(140n) }, refuse: new KbgError('group-not-empty', 'it has members') })
    expect(active.outcomes).toEqual([{ groupId: 'archive', refused: expect.stringContaining('it has members') }])
  })
})
