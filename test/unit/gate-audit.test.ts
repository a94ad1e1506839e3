import { describe, expect, test } from 'vitest'
import { assess } from '../../engine/gate/assess.ts'
import { checkAudit, noAudit } from '../../engine/gate/audit.ts'
import type { AuditedPartition, AuditFacts } from '../../engine/model/audit-facts.ts'
import { Limits } from '../../engine/model/limits.ts'
import { planText } from '../../engine/switchover/plan.ts'
import { statusText } from '../../engine/switchover/status-text.ts'
import { seen, soundRoute, soundSnapshot, unseen } from '../support/sample-snapshot.ts'

const limits = Limits.parse({})
const counts = new Map([['orders', 2]])
const side = { visible: 10, extra: 0, retention: 0, compacted: 0, digest: 'd' }

function audited(partition: string, over: Partial<AuditedPartition> = {}): AuditedPartition {
  return {
    partition,
    state: { kind: 'equal' },
    alignedRecords: 10,
    blue: side,
    green: side,
    watermark: { blue: '10', green: '12' },
    watermarkAgeMs: 40,
    differences: { total: 0, shown: [] },
    runs: 1,
    lost: { blue: 0, green: 0 },
    emptied: null,
    trouble: '',
    ...over,
  }
}

function facts(...partitions: AuditedPartition[]): AuditFacts {
  return { partitions, unreachable: [] }
}

function verdicts(audit: AuditFacts): readonly string[] {
  return checkAudit(seen(audit), counts, limits, 'green').map(({ verdict }) => verdict)
}

const both = [audited('orders-0'), audited('orders-1')] as const

describe("the gate's audit checks", () => {
  test('pass when every partition is equal and was at its ends a moment ago', () => {
    const [verdict, watermark] = checkAudit(seen(facts(...both)), counts, limits, 'green')
    expect(verdict).toMatchObject({ name: 'audit', verdict: 'pass', observed: '2 partitions equal, 20 records on both sides' })
    expect(watermark).toMatchObject({ name: 'audit watermark', verdict: 'pass', observed: '40 ms ago' })
  })

  test('a partition that nobody compares is not passed over', () => {
    expect(verdicts(facts(audited('orders-0')))).toEqual(['inconclusive', 'inconclusive', 'inconclusive'])
    expect(verdicts(facts())).toEqual(['inconclusive', 'inconclusive', 'inconclusive'])
  })

  test('a difference fails, and is named before what is merely unknown', () => {
    const differing = audited('orders-1', { state: { kind: 'differs', reason: '1 differences' } })
    const [verdict] = checkAudit(seen({ partitions: [both[0], differing], unreachable: ['worker 2'] }), counts, limits, 'green')
    expect(verdict).toMatchObject({ verdict: 'fail', observed: expect.stringContaining('orders-1: 1 differences') })
  })

  test('undecided, troubled and unreachable are inconclusive', () => {
    expect(verdicts(facts(both[0], audited('orders-1', { state: { kind: 'undecided', reason: 'no record yet' } })))[0]).toBe('inconclusive')
    expect(verdicts(facts(both[0], audited('orders-1', { trouble: 'no leader' })))[0]).toBe('inconclusive')
    expect(verdicts({ partitions: both, unreachable: ['worker 1: refused'] })[0]).toBe('inconclusive')
  })

  test('an old watermark fails, one that was never there is inconclusive', () => {
    const at = (watermarkAgeMs: number | null) => verdicts(facts(both[0], audited('orders-1', { watermarkAgeMs })))[1]
    expect(at(limits.maxWatermarkAgeMs)).toBe('pass')
    expect(at(limits.maxWatermarkAgeMs + 1)).toBe('fail')
    expect(at(null)).toBe('inconclusive')
    expect(at(Number.NaN)).toBe('inconclusive')
    expect(verdicts(facts(both[0], audited('orders-1', { watermarkAgeMs: 60_000, trouble: 'no leader' })))).toEqual(['inconclusive', 'inconclusive', 'pass'])
  })

  test('what the target deleted first fails, by its partition, unless that is accepted; what the source did passes', () => {
    const losing = facts(both[0], audited('orders-1', { lost: { blue: 0, green: 12 } }))
    const kept = (target: 'blue' | 'green', over: Partial<Limits> = {}) => checkAudit(seen(losing), counts, { ...limits, ...over }, target)[2]
    expect(kept('green')).toMatchObject({ name: 'audit retention', verdict: 'fail', observed: 'green deleted first in orders-1 (up to 12 records)' })
    expect(kept('green', { expiredRecords: 'accept' })).toMatchObject({ verdict: 'pass', observed: expect.stringContaining('orders-1') })
    expect(kept('blue')?.verdict).toBe('pass')
    expect(verdicts(facts(both[0], audited('orders-1', { lost: null })))).toEqual(['pass', 'pass', 'inconclusive'])
  })

  test('a partition that retention emptied on the source is no doubt, on the target it is', () => {
    const state = { kind: 'undecided', reason: 'no record has been compared yet' } as const
    const own = facts(both[0], audited('orders-1', { state, emptied: 'blue', lost: { blue: 20, green: 0 } }))
    const at = (target: 'blue' | 'green') => checkAudit(seen(own), counts, limits, target).map(({ verdict }) => verdict)
    expect([at('green'), at('blue')]).toEqual([['pass', 'pass', 'pass'], ['inconclusive', 'pass', 'fail']]) // biome-ignore format: one line
  })

  test('what could not be observed is inconclusive', () => {
    expect(checkAudit(unseen('refused'), counts, limits, 'green').map(({ verdict }) => verdict)).toEqual(['inconclusive', 'inconclusive', 'inconclusive'])
    expect(checkAudit(seen(facts(...both)), null, limits, 'green').map(({ verdict }) => verdict)).toEqual(['inconclusive', 'inconclusive', 'inconclusive'])
  })
})

describe('the whole gate', () => {
  test('asks the audit of a fleet that has one, topic by topic', () => {
    const complete = facts(...['orders-0', 'orders-1', 'payments-0', 'payments-1'].map((partition) => audited(partition)))
    expect(assess(soundSnapshot({ audit: seen(complete) }), limits, 1, 5).verdict).toBe('pass')
    expect(assess(soundSnapshot({ audit: seen(facts(...both)) }), limits, 1, 5).verdict).toBe('inconclusive')
    expect(assess(soundSnapshot({ audit: unseen('refused') }), limits, 1, 5).verdict).toBe('inconclusive')
  })

  test('asks for what the target of this very move has lost', () => {
    const partitions = ['orders-0', 'orders-1', 'payments-0', 'payments-1'].map((partition) => audited(partition, { lost: { blue: 3, green: 0 } }))
    const at = (source: 'blue' | 'green', target: 'blue' | 'green') =>
      assess(soundSnapshot({ audit: seen(facts(...partitions)), source, target }), limits, 1, 5).checks.find(({ name }) => name === 'audit retention')?.verdict
    expect([at('blue', 'green'), at('green', 'blue')]).toEqual(['pass', 'fail'])
  })

  test('says of a fleet without one what the cut rests on, and so do preview and status', () => {
    const verdict = assess(soundSnapshot(), limits, 1, 5)
    expect(verdict.checks.find(({ name }) => name === 'audit')).toMatchObject({ verdict: 'pass', observed: noAudit })
    const move = { kind: 'switch', source: 'blue', target: 'green', lossy: null, sick: null } as const
    expect(planText(move, limits, verdict, [])).toContain(noAudit)
    expect(planText(move, limits, assess(soundSnapshot({ audit: seen(facts(...both)) }), limits, 1, 5), [])).not.toContain(noAudit)
    const probes = { blue: soundSnapshot().colours.blue.probes, green: soundSnapshot().colours.green.probes }
    const told = { route: soundRoute, journal: [], lockHolder: null, clients: [], probes, publications: [], waves: {}, guardians: [], limits }
    const status = (isAudited: boolean) => statusText({ ...told, isAudited })
    expect([status(false).includes(`audit     ${noAudit}`), status(true).includes(noAudit)]).toEqual([true, false])
  })
})
