import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { assess } from '../../engine/gate/assess.ts'
import { groupFates } from '../../engine/gate/group-fates.ts'
import { isExcludedGroup } from '../../engine/gate/group-states.ts'
import { checkGroupsTranslatable } from '../../engine/gate/groups-translatable.ts'
import { checkPoisonedGroups, poisonedGroups } from '../../engine/gate/poisoned-groups.ts'
import type { GroupFacts } from '../../engine/model/facts.ts'
import type { GroupPosition } from '../../engine/model/journal.ts'
import { Limits } from '../../engine/model/limits.ts'
import { unconfirmed } from '../../engine/model/momentary-reason.ts'
import { parseTopicPartition } from '../../engine/model/partition.ts'
import type { GroupsSnapshot, Snapshot } from '../../engine/model/snapshot.ts'
import { namedFor } from '../../engine/model/wiring.ts'
import { seen, soundColour, soundRoute, soundSnapshot, unseen } from '../support/sample-snapshot.ts'

const limits = Limits.parse({})

function group(groupId: string, over: Partial<GroupFacts> = {}): GroupFacts {
  return { groupId, state: 'Empty', type: 'classic', memberCount: 0, ...over }
}

/** A position: `orders-0` committed at this on the source, and so far on the target. */
function at(groupId: string, partition: string, sourceOffset: bigint, targetOffset: bigint | null, over: Partial<GroupPosition> = {}): GroupPosition {
  const verdict = targetOffset === null ? 'not provable' : 'exact'
  const places = { sourceOffset: `${sourceOffset}`, targetOffset: targetOffset === null ? null : `${targetOffset}` }
  return { groupId, ...parseTopicPartition(partition), ...places, lagRecords: 3, method: 'map', verdict, reason: 'why', ...over }
}

interface Setting {
  /** By group, `partition: offset` on the source and on the target. */
  readonly source?: Readonly<Record<string, Readonly<Record<string, bigint>>>>
  readonly target?: Readonly<Record<string, Readonly<Record<string, bigint>>>>
  readonly positions?: readonly GroupPosition[] | 'no audit' | 'unreachable'
  readonly facts?: { readonly blue?: readonly GroupFacts[]; readonly green?: readonly GroupFacts[] }
  readonly compared?: GroupsSnapshot['compared']
  readonly over?: Partial<Snapshot>
}

function snapshotOf({ source = {}, target = {}, positions = [], facts = {}, compared = new Map(), over = {} }: Setting): Snapshot {
  const names = [...new Set([...Object.keys(source), ...Object.keys(target)])].sort()
  const offsets = (of: Readonly<Record<string, bigint>> | undefined) => seen(new Map(Object.entries(of ?? {})))
  const commits = names.map((groupId) => ({ groupId, onTarget: offsets(target[groupId]), onSource: offsets(source[groupId]) }))
  const told: GroupsSnapshot['positions'] = positions === 'no audit' ? null : positions === 'unreachable' ? unseen('no worker answers') : seen(positions)
  return soundSnapshot({
    catalogGroups: [],
    colours: {
      blue: soundColour('blue', { groups: seen(facts.blue ?? Object.keys(source).map((groupId) => group(groupId))) }),
      green: soundColour('green', { groups: seen(facts.green ?? Object.keys(target).map((groupId) => group(groupId))) }),
    },
    groups: seen({ commits, positions: told, compared }),
    ...over,
  })
}

const translatable = (setting: Setting) => checkGroupsTranslatable(snapshotOf(setting))
const poisoned = (setting: Setting) => checkPoisonedGroups(snapshotOf(setting))

describe('groups translatable', () => {
  test('passes when every position is exact, and says how many', () => {
    const [check, compared] = translatable({ source: { billing: { 'orders-0': 5n } }, positions: [at('billing', 'orders-0', 5n, 7n)] })
    expect(check).toMatchObject({ name: 'groups translatable', verdict: 'pass', observed: '1 translated' })
    expect(compared).toMatchObject({ name: 'group positions compared', verdict: 'pass' })
  })

  test('a position that can’t be proven fails, with group, partition and reason', () => {
    const [check] = translatable({
      source: { billing: { 'orders-0': 5n }, fine: { 'orders-0': 1n } },
      positions: [at('billing', 'orders-0', 5n, null, { reason: 'retention passed it' }), at('fine', 'orders-0', 1n, 1n)],
    })
    expect(check).toMatchObject({ verdict: 'fail', observed: 'billing: orders-0: retention passed it', remedy: expect.stringContaining('unprovenGroups') })
  })

  test('a committed partition that the audit says nothing of is not passed over', () => {
    const [check] = translatable({ source: { billing: { 'orders-0': 5n, 'orders-1': 2n } }, positions: [at('billing', 'orders-0', 5n, 7n)] })
    expect(check).toMatchObject({ verdict: 'fail', observed: expect.stringContaining('orders-1') })
  })

  test('the audit unreachable is inconclusive; without audit the positions are to be counted back, and that is said', () => {
    const source = { billing: { 'orders-0': 5n } }
    expect(translatable({ source, positions: 'unreachable' })[0]).toMatchObject({ verdict: 'inconclusive', observed: 'billing: no worker answers' })
    const without = translatable({ source, positions: 'no audit' })
    expect(without.map(({ name, verdict }) => `${name} ${verdict}`)).toEqual(['groups translatable pass'])
    expect(without[0]?.observed).toMatch(/1 to be counted back/)
  })

  test('commits beyond what the audit has compared, on either side, are a check of their own', () => {
    const compared = new Map([['orders-0', { blue: 100n, green: 120n }]])
    const source = { live: { 'orders-0': 130n } }
    const [whole, momentary] = translatable({ source, positions: [at('live', 'orders-0', 130n, null)], compared })
    expect([whole?.verdict, momentary?.verdict]).toEqual(['pass', 'inconclusive'])
    expect(momentary?.observed).toBe('live: orders-0: committed 130, compared up to 100')
    // The worker says so itself, of a moment in which a leader was busy: what was compared may be far ahead of the commit.
    const busy = translatable({ source, positions: [at('live', 'orders-0', 30n, null, { reason: unconfirmed })], compared })
    expect(busy.map(({ verdict }) => verdict)).toEqual(['pass', 'inconclusive'])
    expect(busy[1]?.observed).toBe('live: orders-0: its leaders have not confirmed what was compared')
    const there = translatable({ source: { a: { 'orders-0': 5n } }, target: { a: { 'orders-0': 121n } }, positions: [at('a', 'orders-0', 5n, 7n)], compared })
    expect(there[1]).toMatchObject({ verdict: 'inconclusive', observed: 'a: orders-0: committed 121 on green, compared up to 120' })
    const inside = translatable({ source: { live: { 'orders-0': 90n } }, positions: [at('live', 'orders-0', 90n, null)], compared })
    expect(inside[0]?.verdict).toBe('fail')
  })

  test('a group that is named to stay passes; one named to be redelivered says how far back it goes', () => {
    const positions = [at('old', 'orders-0', 5n, 2n, { verdict: 'redeliver', reason: 'from source offset 2 on, at most 3 records again: why' })]
    const [check] = translatable({
      source: { legacy: { 'orders-0': 5n }, old: { 'orders-0': 5n } },
      positions,
      over: { unprovenGroups: { legacy: 'stay', old: 'redeliver', misspelt: 'stay' } },
    })
    expect(check?.verdict).toBe('pass')
    expect(check?.observed).toBe(
      '1 moved back to a proven place (old orders-0 from source offset 2 on, at most 3 records again: why), 1 stay by name (legacy), 1 not there (misspelt)',
    )
  })

  test('what is left out by rule, has no offsets, is on the target already or isn’t there is told', () => {
    const [check] = translatable({
      source: { 'connect-sink': {}, idle: {}, moved: { 'orders-0': 1n } },
      facts: { blue: ['connect-sink', 'console-consumer-7', '__internal', 'idle', 'moved'].map((name) => group(name)) },
      over: { route: seen({ route: { ...soundRoute, groups: { moved: { colour: 'green', state: 'running' } } }, journal: [] }), catalogGroups: ['later'] },
    })
    expect(check?.verdict).toBe('pass')
    expect(check?.observed).toBe(
      '1 without offsets (idle), 3 left out by rule (__internal, connect-sink, console-consumer-7), 1 on the target already, 1 not there (later)',
    )
  })

  test('groups of the new protocol and share groups are refused by name', () => {
    const facts = { blue: [group('new', { type: 'consumer', state: 'Stable' }), group('queue', { type: 'share' })] }
    expect(translatable({ facts })[0]).toMatchObject({
      verdict: 'fail',
      observed: "new: a consumer group can't be moved yet, queue: a share group can't be moved yet",
    })
    const named = { unprovenGroups: { new: 'stay', queue: 'stay' } } as const
    expect(assess(snapshotOf({ facts, over: named }), limits, 1, 5).verdict).toBe('pass')
    expect(assess(snapshotOf({ facts }), limits, 1, 5).verdict).toBe('fail')
  })

  test('what couldn’t be read is inconclusive, a single group’s commits too', () => {
    expect(translatable({ over: { groups: unseen('refused') } })[0]).toMatchObject({ verdict: 'inconclusive', observed: 'refused' })
    const commits = [{ groupId: 'a', onTarget: seen(new Map()), onSource: unseen<never>('no coordinator') }]
    const one = translatable({ facts: { blue: [group('a')] }, over: { groups: seen({ commits, positions: seen([]), compared: new Map() }) } })
    expect(one[0]).toMatchObject({ verdict: 'inconclusive', observed: 'a: no coordinator' })
  })

  test('a group named like a property of every object is no named group', () => {
    expect(['constructor', '__proto__', 'toString'].map((groupId) => namedFor({ legacy: 'stay' }, groupId))).toEqual([null, null, null])
    expect(namedFor({ legacy: 'stay' }, 'legacy')).toBe('stay')
  })

  test('every group has just one fate, and only known kinds let the gate pass', () => {
    const name = fc.constantFrom('a', 'b', 'c', 'connect-x', '__y', 'console-consumer-1', 'kbg-z')
    const offset = fc.bigInt({ min: 0n, max: 9n })
    const one = fc.record({
      groupId: name,
      type: fc.constantFrom('classic', 'classic', 'classic', 'consumer', 'share'),
      where: fc.constantFrom('blue', 'green', 'both'),
      committed: fc.dictionary(fc.constantFrom('orders-0', 'orders-1'), offset, { maxKeys: 2 }),
      target: fc.option(offset, { nil: null }),
      named: fc.constantFrom('stay', 'redeliver', null),
      routed: fc.constantFrom('blue', 'green'),
    })
    const kinds = new Set<string>()
    fc.assert(
      fc.property(fc.uniqueArray(one, { selector: ({ groupId }) => groupId }), fc.constantFrom('no audit', 'unreachable', 'there'), (groups, audit) => {
        const on = (colour: 'blue' | 'green') =>
          groups.filter(({ where }) => where === colour || where === 'both').map(({ groupId, type }) => group(groupId, { type }))
        const source = Object.fromEntries(groups.filter(({ where }) => where !== 'green').map(({ groupId, committed }) => [groupId, committed]))
        const positions = groups.flatMap(({ groupId, committed, target }) =>
          Object.entries(committed).map(([partition, from]) => at(groupId, partition, from, target)),
        )
        const snapshot = snapshotOf({
          source,
          facts: { blue: on('blue'), green: on('green') },
          positions: audit === 'there' ? positions : (audit as 'no audit' | 'unreachable'),
          over: {
            catalogGroups: ['catalogued'],
            unprovenGroups: Object.fromEntries(groups.flatMap(({ groupId, named }) => (named === null ? [] : [[groupId, named]]))),
            route: seen({
              route: {
                ...soundRoute,
                groups: Object.fromEntries(groups.map(({ groupId, routed }) => [groupId, { colour: routed, state: 'running' as const }])),
              },
              journal: [],
            }),
          },
        })
        const fates = groupFates(snapshot)
        expect([...(fates?.keys() ?? [])].sort()).toEqual([...new Set([...groups.map(({ groupId }) => groupId), 'catalogued'])].sort())
        for (const { kind } of fates?.values() ?? []) kinds.add(kind)
        for (const { groupId, type, named, routed, where, committed, target } of groups) {
          const isMoved = !isExcludedGroup(groupId) && named !== 'stay' && routed === 'blue'
          const isUnproven = audit === 'there' && target === null && where !== 'green' && Object.keys(committed).length > 0
          if (isMoved && (type !== 'classic' || isUnproven)) expect(checkGroupsTranslatable(snapshot)[0]?.verdict).toBe('fail')
        }
      }),
      { numRuns: 200 },
    )
    const expected = ['absent', 'counted back', 'excluded', 'on target', 'refused', 'stays', 'translated', 'unknown', 'without offsets']
    expect([...kinds].filter((kind) => kind !== 'beyond' && kind !== 'redelivered').sort()).toEqual(expected)
  })
})

describe('poisoned groups', () => {
  const source = { billing: { 'orders-0': 5n } }
  const positions = [at('billing', 'orders-0', 5n, 7n)]

  test('none while every commit on the target is at or before the translation', () => {
    for (const there of [0n, 6n, 7n])
      expect(poisoned({ source, positions, target: { billing: { 'orders-0': there } } })).toMatchObject({ verdict: 'pass', observed: 'none of 1 groups' })
    expect(poisoned({ source, positions })).toMatchObject({ verdict: 'pass' })
  })

  test('a commit ahead of the translation is named with both offsets', () => {
    expect(poisoned({ source, positions, target: { billing: { 'orders-0': 8n } } })).toMatchObject({
      verdict: 'fail',
      observed: 'billing: orders-0 at 8 on green, its position 5 is 7 there',
      remedy: expect.stringContaining('kbg groups --reset'),
    })
  })

  test('where nothing is left to read, the target’s end is the other check’s', () => {
    const ended = [at('billing', 'orders-0', 5n, 7n, { lagRecords: 0 })]
    expect(poisoned({ source, positions: ended, target: { billing: { 'orders-0': 8n } } }).verdict).toBe('pass')
  })

  test('commits that no translation covers are foreign, with or without an audit', () => {
    const target = { billing: { 'orders-0': 5n, 'payments-0': 3n } }
    expect(poisoned({ source, positions, target }).observed).toBe('billing: payments-0 at 3 on green, where no translation leads')
    expect(poisoned({ source, positions: 'no audit', target }).observed).toBe('billing: payments-0 at 3 on green, where no translation leads')
    const empty = { billing: { 'orders-0': 5n, 'orders-1': 0n } }
    expect(poisoned({ source, positions: 'no audit', target: empty }).verdict).toBe('pass')
    expect(poisoned({ source: { billing: {} }, target: { billing: { 'orders-0': 1n } } }).verdict).toBe('fail')
    expect(poisoned({ source: {}, target: { rehearsal: { 'orders-0': 1n } } }).observed).toMatch(/^rehearsal: orders-0 at 1/)
  })

  test('members on the target are named', () => {
    const facts = { blue: [group('billing')], green: [group('billing', { state: 'Stable', memberCount: 2 })] }
    expect(poisoned({ source, positions, facts })).toMatchObject({ verdict: 'fail', observed: 'billing: 2 members on green' })
  })

  test('a group that stays by name is nobody’s poison', () => {
    const target = { billing: { 'orders-0': 8n } }
    expect(poisoned({ source, positions, target, over: { unprovenGroups: { billing: 'stay' } } }).verdict).toBe('pass')
  })

  test('what couldn’t be read is inconclusive', () => {
    expect(poisoned({ over: { groups: unseen('refused') } }).verdict).toBe('inconclusive')
    const commits = [{ groupId: 'a', onTarget: unseen<never>('no coordinator'), onSource: seen(new Map([['orders-0', 1n]])) }]
    const one = poisoned({ over: { groups: seen({ commits, positions: seen([]), compared: new Map() }) } })
    expect(one).toMatchObject({ verdict: 'inconclusive', observed: 'a: no coordinator' })
  })

  test('a live group, the target read before the source, is never ahead of itself', () => {
    // The group goes on while it is looked at; a standby's reader has left where it was at any moment before.
    const moment = fc.nat(50)
    fc.assert(
      fc.property(moment, moment, moment, fc.nat(3), (left, read, later, difference) => {
        const [writtenBack, , sourceRead] = [left, read, later].sort((a, b) => a - b) as [number, number, number]
        const own = at('billing', 'orders-0', BigInt(sourceRead), BigInt(sourceRead + difference))
        const setting = { source: { billing: { 'orders-0': BigInt(sourceRead) } }, target: { billing: { 'orders-0': BigInt(writtenBack + difference) } } }
        expect(poisonedGroups(snapshotOf({ ...setting, positions: [own] }))).toEqual([])
      }),
    )
  })
})

test('the whole gate holds both checks', () => {
  const names = assess(soundSnapshot(), limits, 1, 5).checks.map(({ name }) => name)
  expect(names).toEqual(expect.arrayContaining(['groups translatable', 'poisoned groups']))
  const poison = snapshotOf({ source: { a: { 'orders-0': 5n } }, positions: [at('a', 'orders-0', 5n, 7n)], target: { a: { 'orders-0': 9n } } })
  expect(assess(poison, limits, 1, 5).verdict).toBe('fail')
})
