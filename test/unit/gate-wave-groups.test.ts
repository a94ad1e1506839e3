import { describe, expect, test } from 'vitest'
import { coordinatingPartition } from '../../engine/adapters/kafka/commit-history.ts'
import { checkWaveGroups } from '../../engine/gate/wave-groups.ts'
import type { CommitsHow } from '../../engine/model/facts.ts'
import type { Snapshot } from '../../engine/model/snapshot.ts'
import { forwardGroups } from '../../engine/switchover/waves.ts'
import { seen, soundRoute, soundSnapshot, unseen } from '../support/sample-snapshot.ts'

function told(waveGroups: readonly string[], waveCommits: Snapshot['waveCommits']): string {
  const { verdict, observed } = checkWaveGroups(soundSnapshot({ waveGroups, waveCommits }))
  return `${verdict}: ${observed}`
}
const commits = (of: Readonly<Record<string, CommitsHow>>) => seen(new Map(Object.entries(of)))

describe('groups of waves', () => {
  test('that commit in transactions are refused by name: the standby would refuse what they write', () => {
    expect(told(['totals', 'billing'], commits({ totals: 'in transactions', billing: 'plainly' }))).toBe('fail: commit in transactions: totals')
    const many = Array.from({ length: 7 }, (_, index) => `g${index}`)
    const all = commits(Object.fromEntries(many.map((groupId) => [groupId, 'in transactions'])))
    expect(told(many, all)).toBe('fail: commit in transactions: g0, g1, g2, g3, g4 and 2 more')
  })

  test('that commit by themselves go, and a move without a wave has none', () => {
    expect(told(['billing'], commits({ billing: 'plainly' }))).toBe('pass: 1 groups')
    expect(told([], unseen('nobody asked'))).toBe('pass: no wave moves')
  })

  test('of which nothing is known decide nothing', () => {
    expect(told(['billing', 'totals'], commits({ totals: 'unknown' }))).toBe('inconclusive: not known how they commit: billing, totals')
    expect(told(['billing'], unseen('no leader'))).toBe('inconclusive: no leader')
  })

  test('are those that have to go to the standby; a move of the producers has none', () => {
    const waves = { 'wave-1': ['archive'], 'wave-2': ['billing'] }
    const route = { ...soundRoute, groups: { billing: { colour: 'green', state: 'running' } } } as const
    expect(forwardGroups(route, waves, { live: 'blue', consumers: { 'wave-1': 'green' } })).toEqual(['archive'])
    expect(forwardGroups(route, waves, { live: 'green', consumers: { 'wave-1': 'green' } })).toEqual([])
  })

  test("belong to the coordinator's partition that Java's hash of their name says: negative ones, the one without a positive, surrogates", () => {
    expect(['', 'a', 'billing', 'parked', 'polygenelubricants', 'é😀'].map((name) => coordinatingPartition(name, 50))).toEqual([0, 47, 9, 15, 0, 12])
    expect(coordinatingPartition('parked', 10)).toBe(5) // where a 3.9.2 broker has written its commit
  })
})
