import { describe, expect, test } from 'vitest'
import type { AuditFacts } from '../../engine/model/audit-facts.ts'
import { Limits } from '../../engine/model/limits.ts'
import type { PartitionOffsets } from '../../engine/model/partition.ts'
import { groupRoute, type RouteDocument } from '../../engine/model/route.ts'
import type { Wiring } from '../../engine/model/wiring.ts'
import type { Audit } from '../../engine/ports/audit.ts'
import { type Clock, Deadline } from '../../engine/ports/clock.ts'
import { observeGroups } from '../../engine/run/observe-groups.ts'
import type { Ports } from '../../engine/run/ports.ts'
import { seen, soundRoute, unseen } from '../support/sample-snapshot.ts'

const limits = Limits.parse({})
const classic = (groupId: string) => ({ groupId, state: 'Empty', type: 'classic', memberCount: 0 }) as const

/** Two colours whose groups all stand at one place, and an audit that comes so far with every look. */
function setting({ stands = 50n, comesTo = [100n], groups = ['a', 'b'], unreachable = false } = {}) {
  const did: string[] = []
  let [nowMs, atOnce, most, looks] = [0, 0, 0, 0]
  const clock: Clock = {
    monotonicMs: () => nowMs,
    wallClock: () => new Date(0),
    sleep: async (ms) => {
      nowMs += ms
    },
  }
  const side = (colour: string) => ({
    groups: {
      committed: async (groupId: string): Promise<PartitionOffsets> => {
        did.push(`${colour} ${groupId}`)
        most = Math.max(most, ++atOnce)
        await new Promise((resolve) => setImmediate(resolve))
        atOnce--
        if (groupId === 'unreadable') throw new Error('no coordinator')
        return new Map([['orders-0', stands]])
      },
    },
  })
  const audit: Pick<Audit, 'hurry' | 'facts' | 'translate'> = {
    hurry: async () => {
      did.push('hurry')
    },
    facts: async () => {
      const upTo = `${comesTo[Math.min(looks++, comesTo.length - 1)]}`
      did.push(`compared up to ${upTo}`)
      return { partitions: [{ partition: 'orders-0', watermark: { blue: upTo, green: upTo } }], unreachable: [] } as unknown as AuditFacts
    },
    translate: async (from, asked, _ends, _deadline, redeliver) => {
      did.push(`translate from ${from}: ${[...asked.keys()]} (${redeliver})`)
      if (unreachable) throw new Error('no worker answers')
      return []
    },
  }
  const ports = { clock, clusters: { blue: side('blue'), green: side('green') }, audit } as unknown as Ports
  const listed = { blue: seen(groups.map(classic)), green: seen(groups.map(classic)) }
  const observe = (
    route: RouteDocument | null = soundRoute,
    wiring: Partial<Wiring> = {},
    lists: Partial<Parameters<typeof observeGroups>[3]['listed']> = {},
  ) =>
    observeGroups(
      ports,
      { unprovenGroups: {}, ...wiring } as Wiring,
      limits,
      { source: 'blue', target: 'green', route, listed: { ...listed, ...lists } },
      new Deadline(clock, 30_000, 'the gate'),
    )
  return { did, observe, ports, most: () => most, elapsedMs: () => nowMs }
}

describe('observing groups', () => {
  test('reads the target before the source, and translates once the audit is past both', async () => {
    const { did, observe } = setting({ comesTo: [10n, 40n, 50n] })
    const reading = await observe()
    expect(did).toEqual([
      ...['green a', 'green b', 'blue a', 'blue b'],
      ...['hurry', 'compared up to 10', 'compared up to 40', 'compared up to 50'],
      'translate from blue: a,b ()',
    ])
    expect(reading.seen && reading.value.compared.get('orders-0')).toEqual({ blue: 50n, green: 50n })
  })

  test('waits no longer than mirror and audit may lag, and then says how far the audit had come', async () => {
    const { observe, elapsedMs } = setting({ comesTo: [10n] })
    const reading = await observe()
    expect(reading.seen && reading.value.compared.get('orders-0')?.blue).toBe(10n)
    expect(elapsedMs()).toBeLessThanOrEqual(limits.maxMirrorLagMs + limits.maxWatermarkAgeMs)
    expect(elapsedMs()).toBeGreaterThan(limits.maxWatermarkAgeMs)
  })

  test('asks for thousands of groups a few at a time, and one that can’t be read hides no other', async () => {
    const names = [...Array.from({ length: 2_000 }, (_, index) => `g${String(index).padStart(4, '0')}`), 'unreadable']
    const { observe, most } = setting({ groups: names })
    const reading = await observe()
    expect(most()).toBeLessThanOrEqual(32)
    expect(most()).toBeGreaterThan(8)
    const commits = reading.seen ? reading.value.commits : []
    expect(commits).toHaveLength(2_001)
    expect(commits.filter(({ onSource }) => !onSource.seen).map(({ groupId }) => groupId)).toEqual(['unreadable'])
  })

  test('leaves out who stays by name or by rule, and who reads on the target already; the named for redelivery are told to the audit', async () => {
    const { did, observe } = setting({ groups: ['a', 'b', 'connect-x', 'legacy', 'moved'] })
    const route: RouteDocument = { ...soundRoute, groups: { moved: { colour: 'green', state: 'running' } } }
    expect(groupRoute(route, 'moved').colour).toBe('green')
    const reading = await observe(route, { unprovenGroups: { legacy: 'stay', b: 'redeliver' } })
    expect(reading.seen && reading.value.commits.map(({ groupId }) => groupId)).toEqual(['a', 'b'])
    expect(did.at(-1)).toBe('translate from blue: a,b (b)')
  })

  test('what can’t be asked is a reading with its reason', async () => {
    const away = await setting({ unreachable: true }).observe()
    expect(away.seen && away.value.positions).toEqual(unseen('no worker answers'))
    expect(await setting().observe(soundRoute, {}, { green: unseen('refused') })).toEqual(unseen('refused'))
    const { observe, ports } = setting()
    Object.assign(ports, { audit: null })
    const without = await observe()
    expect(without.seen && without.value.positions).toBeNull()
  })
})
