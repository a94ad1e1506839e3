import { describe, expect, test } from 'vitest'
import { assess } from '../../engine/gate/assess.ts'
import { refusals } from '../../engine/gate/check.ts'
import { checkStreamsApplications, streamsApplications } from '../../engine/gate/streams-applications.ts'
import type { GroupFacts, TopicFacts } from '../../engine/model/facts.ts'
import { Limits } from '../../engine/model/limits.ts'
import type { Snapshot } from '../../engine/model/snapshot.ts'
import { seen, soundColour, soundSnapshot, topic, unseen } from '../support/sample-snapshot.ts'

const named = (topics: readonly string[]) => topics.map((name) => topic(name))
const group = (groupId: string): GroupFacts => ({ groupId, state: 'Stable', type: 'classic', memberCount: 1 })
const internal = ['totals-store-changelog', 'totals-by-key-repartition']

/** `declared` stand on both colours, `undeclared` on blue alone. */
function snapshotOf(declared: readonly string[], undeclared: readonly string[], over: Partial<Snapshot> = {}): Snapshot {
  const topics: readonly TopicFacts[] = named(['orders', 'payments', ...declared])
  return soundSnapshot({
    topics: ['orders', 'payments', ...declared],
    colours: {
      blue: soundColour('blue', { topics: seen([...topics, ...named(undeclared)]), groups: seen([group('totals'), group('billing')]) }),
      green: soundColour('green', { topics: seen(topics) }),
    },
    ...over,
  })
}

const told = (snapshot: Snapshot) => {
  const { verdict, observed } = checkStreamsApplications(snapshot)
  return `${verdict}: ${observed}`
}

describe('Streams applications are recognised by their internal topics', () => {
  test('a changelog, a repartition topic and those of a foreign-key join, by the longest group whose name fits', () => {
    const join = ['eu-KTABLE-FK-JOIN-SUBSCRIPTION-REGISTRATION-0000000007-topic', 'eu-x-subscription-response-topic'].map((name) => `totals-${name}`)
    const topics = named([...internal, ...join, 'orders', 'totals', 'totals-audit', 'else-store-changelog'])
    expect([...streamsApplications(topics, ['totals', 'totals-eu', 'billing'])]).toEqual([
      ['totals', internal],
      ['totals-eu', join],
    ])
  })

  test('one whose internal topics are not in the catalog is refused by name, and so is one in a wave', () => {
    expect(told(snapshotOf([], internal))).toBe('fail: totals: not in the catalog: totals-store-changelog, totals-by-key-repartition')
    expect(told(snapshotOf(internal, [], { waveGroups: ['totals'] }))).toBe('fail: totals (2 internal topics) is in a wave')
  })

  test('one whose internal topics are all in the catalog moves with the producers', () => {
    expect(told(snapshotOf(internal, []))).toBe('pass: totals with 2 internal topics')
    expect(told(snapshotOf(internal, [], { waveGroups: ['billing'] }))).toBe('pass: totals with 2 internal topics')
    expect(told(soundSnapshot())).toBe('pass: none')
  })

  test('one that is named to stay holds nobody up, on neither colour, and its internal topics are no difference between them', () => {
    const staying = snapshotOf([], internal, { unprovenGroups: { totals: 'stay' } })
    expect(told(staying)).toBe('pass: totals stays by name')
    const back = { ...staying, source: 'green', target: 'blue' } as const
    for (const snapshot of [staying, back]) {
      const names = refusals(assess(snapshot, Limits.parse({}), 0, 5).checks).map((check) => check.name)
      expect(names).not.toContain('catalog parity')
      expect(names).not.toContain('Streams applications')
    }
    const both = refusals(assess(snapshotOf([], internal), Limits.parse({}), 0, 5).checks).map((check) => check.name)
    expect(both).toEqual(expect.arrayContaining(['catalog parity', 'Streams applications']))
  })

  test('what was not read decides nothing', () => {
    const blind = (over: Parameters<typeof soundColour>[1]) => soundSnapshot({ colours: { blue: soundColour('blue', over), green: soundColour('green') } })
    expect(told(blind({ topics: unseen('timed out') }))).toBe('inconclusive: timed out')
    expect(told(blind({ groups: unseen('no coordinator') }))).toBe('inconclusive: no coordinator')
  })
})
