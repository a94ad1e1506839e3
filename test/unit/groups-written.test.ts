import { expect, test } from 'vitest'
import type { PartitionOffsets } from '../../engine/model/partition.ts'
import { Deadline, systemClock } from '../../engine/ports/clock.ts'
import { type Movable, writeAll } from '../../engine/run/group-move.ts'
import type { Ports } from '../../engine/run/ports.ts'

const offsets: PartitionOffsets = new Map([['orders-0', 7n]])
const read: PartitionOffsets = new Map([['orders-0', 5n]])
const movable = new Map<string, Movable>(['a', 'b', 'poisoned'].map((groupId) => [groupId, { read, write: offsets }]))

/** Two clusters of which blue lists these groups, by their members. */
function written(list: () => Promise<readonly { groupId: string; memberCount: number }[]>, onBlue: (groupId: string) => PartitionOffsets = () => read) {
  const events: string[] = []
  const green = new Map<string, PartitionOffsets>([['poisoned', new Map([['orders-1', 1n]])]])
  const groups = {
    committed: async (groupId: string) => green.get(groupId) ?? new Map(),
    commit: async (groupId: string, own: PartitionOffsets) => {
      green.set(groupId, own)
      events.push(`written ${groupId}`)
    },
  }
  const listing = async () => {
    events.push('listed')
    return await list()
  }
  const ports = {
    clusters: { blue: { groups: { list: listing, committed: async (groupId: string) => onBlue(groupId) } }, green: { groups } },
  } as unknown as Ports
  const failed = writeAll({ ports }, { source: 'blue', target: 'green' }, movable, new Deadline(systemClock, 5_000, 'the test'))
  return { failed, events, green }
}

test('groups are written, and one listing behind all of them finds those whose members came back', async () => {
  const { failed, events, green } = written(async () => [
    { groupId: 'a', memberCount: 2 },
    { groupId: 'b', memberCount: 0 },
    { groupId: 'poisoned', memberCount: 1 },
    { groupId: 'other', memberCount: 1 },
  ])
  const reasons = Object.fromEntries(await failed)
  expect(Object.keys(reasons).sort()).toEqual(['a', 'poisoned'])
  expect(reasons.a).toMatch(/a has members on blue again/)
  expect(reasons.poisoned).toMatch(/commits on green that no translation covers/)
  expect(events).toEqual(['written a', 'written b', 'listed'])
  expect(green.get('b')).toEqual(offsets)
})

test('no group is moved when nobody can say whether its members came back', async () => {
  const { failed } = written(() => Promise.reject(new Error('a broker is gone')))
  expect([...(await failed).keys()].sort()).toEqual(['a', 'b', 'poisoned'])
  expect((await failed).get('b')).toMatch(/a broker is gone/)
})

test('a group that committed on the source behind the reading is not moved', async () => {
  const late: PartitionOffsets = new Map([['orders-0', 6n]])
  const { failed } = written(
    async () => [],
    (groupId) => (groupId === 'b' ? late : read),
  )
  expect([...(await failed).keys()].sort()).toEqual(['b', 'poisoned'])
  expect((await failed).get('b')).toMatch(/group-committed: b has committed on blue again/)
})
