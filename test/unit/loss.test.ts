import { describe, expect, test } from 'vitest'
import { assess, purposeOf } from '../../engine/gate/assess.ts'
import { checkLine, refusals } from '../../engine/gate/check.ts'
import { lossWithout } from '../../engine/gate/unmirrored.ts'
import type { AuditedPartition } from '../../engine/model/audit-facts.ts'
import type { GuardianSight } from '../../engine/model/guardian-sight.ts'
import type { JournalEntry, JournalFact } from '../../engine/model/journal.ts'
import { firstBase, nextBase } from '../../engine/model/journal-base.ts'
import { Limits } from '../../engine/model/limits.ts'
import { divergedBecause, type Loss } from '../../engine/model/loss.ts'
import type { ClientRegistration } from '../../engine/model/route.ts'
import type { Snapshot } from '../../engine/model/snapshot.ts'
import { lossLines } from '../../engine/switchover/loss-text.ts'
import { leftWordLines, planText } from '../../engine/switchover/plan.ts'
import { seen, soundColour, soundRoute, soundSnapshot, unseen } from '../support/sample-snapshot.ts'

const limits = Limits.parse({})
const ranges = { 'orders-0': { from: '10', to: '22', records: 12 } }
const left = { records: 12, bound: 'exactly', ranges, by: "behind the audit's watermark" } as const
const behind: Partial<Snapshot> = {
  mirror: { forward: seen(null), runningBackwards: seen([]), lag: [{ kind: 'unseen', why: 'no mirror' }] },
  unmirrored: seen(left),
}
const gone = soundColour('blue', { cluster: unseen('refused'), quorum: unseen('refused'), probes: unseen('refused'), topics: unseen('refused') })
const without = (over: Partial<Snapshot> = {}) =>
  soundSnapshot({ ...behind, colours: { blue: gone, green: soundColour('green') }, unmirrored: unseen('refused'), sights: seen([]), ...over })

function partition(name: string, blue: number): AuditedPartition {
  const side = { visible: 5, extra: 0, retention: 0, compacted: 0, digest: '' }
  return {
    ...{
      partition: name,
      state: { kind: 'equal' },
      alignedRecords: 5,
      blue: side,
      green: side,
      watermark: { blue: '7', green: '5' },
      watermarkAgeMs: 4_100,
      runs: 1,
    },
    ...{ differences: { total: 0, shown: [] }, lost: { blue: 0, green: 0 }, emptied: null, trouble: '', unmatched: { blue, green: 0 } },
  }
}
const audited = seen({ partitions: [partition('orders-0', 3), partition('orders-1', 0), partition('payments-0', 1)], unreachable: [] })

const refused = (snapshot: Snapshot, intent: Parameters<typeof purposeOf>[0]) =>
  refusals(assess(snapshot, limits, 0, 1, purposeOf(intent)).checks).map(checkLine)

describe('an ordinary gate whose mirror does not keep up', () => {
  test('says what would be left behind, by partition, and how to accept it', () => {
    expect(refused(soundSnapshot(behind), {}).join('\n')).toContain(
      "records left behind: fail; observed 12 records of blue aren't on green: orders-0 12 (from 10 to before 22); behind the audit's watermark; required every record of blue on green -> Let the mirror catch up. To move without them: pulumi config set acceptLoss",
    )
  })

  test('says nothing of it while the mirror keeps up', () => {
    expect(assess(soundSnapshot(), limits, 0, 5).checks.map(({ name }) => name)).not.toContain('records left behind')
  })

  test('says of a source that is gone what a failover would lose', () => {
    expect(refused(without({ audit: audited }), {}).join('\n')).toMatch(
      /blue is gone: at least 4 records of blue would be lost: orders-0 3 \(from 7\), payments-0 1 \(from 7\); the audit has seen the ends of both colours 4 s ago; what came since is lost too/,
    )
    expect(refused(without(), {}).join('\n')).toContain("how many records of blue would be lost isn't known: the fleet has no audit; ")
  })
})

describe('a forced move', () => {
  test('passes with as many as are accepted, and not with fewer', () => {
    expect(refused(soundSnapshot(behind), { acceptLoss: 12 })).toEqual([])
    expect(refused(soundSnapshot(behind), { acceptLoss: 11 })).toEqual([expect.stringContaining('required at most 11 (acceptLoss)')])
  })

  test('is refused while the mirror keeps up: nothing has to be left behind', () => {
    expect(refused(soundSnapshot(), { acceptLoss: 1_000 })).toEqual([expect.stringContaining('loss accepted: fail; observed the mirror keeps up')])
  })

  test('goes with 0 while the mirror keeps up: nothing is left behind, and a colour that takes no mirror can be left by no ordinary move', () => {
    expect(refused(soundSnapshot(), { acceptLoss: 0 })).toEqual([])
  })

  test('needs a mirror worker that can be told to stop, and a count', () => {
    expect(
      refused(soundSnapshot({ mirror: { forward: unseen('refused'), runningBackwards: seen([]), lag: [] }, unmirrored: seen(left) }), { acceptLoss: 12 }),
    ).toEqual([expect.stringContaining('mirror worker: inconclusive')])
    expect(refused(soundSnapshot({ unmirrored: unseen('too slow') }), { acceptLoss: 12 })).toEqual([expect.stringContaining('loss accepted: inconclusive')])
  })
})

describe('a failover', () => {
  test('asks that the word is repeated: the number, or that nothing is known, the route’s epoch, and how far the audit had come', () => {
    expect(refused(without({ audit: audited }), { failover: '4@7.21' })).toEqual([])
    expect(refused(without({ audit: audited }), { failover: '5@7.21' })).toEqual([expect.stringContaining('pulumi config set failover 4@7.21 on')])
    expect(refused(without({ audit: audited }), { failover: 'unknown@7.21' })).toHaveLength(1)
    expect(refused(without(), { failover: 'unknown@7' })).toEqual([])
    expect(refused(without({ audit: unseen('gone too') }), { failover: '4@7' })).toEqual([expect.stringContaining('pulumi config set failover unknown@7 on')])
  })

  test('refuses a word that was stated for another time: before the route moved, before the colour lived on, or with another audit', () => {
    const stale = (observed: string) => [expect.stringContaining(`failover stated for now: fail; observed ${observed}`)]
    expect(refused(without({ audit: audited }), { failover: '4@6.21' })).toEqual(stale('it was stated at epoch 6, the route is at 7: it has moved since'))
    expect(refused(without({ audit: audited }), { failover: '4@7.20' })).toEqual(
      stale('it was stated when the audit had compared blue up to 20, and it has come to 21: blue has lived on since'),
    )
    expect(refused(without({ audit: audited }), { failover: '4@7' })).toEqual(stale('it was stated without an audit, which has compared blue up to 21'))
    expect(refused(without(), { failover: 'unknown@7.21' })).toEqual(stale('it was stated when the audit had compared blue up to 21, and no audit tells now'))
    expect(refused(without({ audit: audited, route: unseen('away') }), { failover: '4@7.21' }).join('\n')).toContain('failover stated for now: inconclusive')
  })

  test('is refused while a quorum answers, and while a broker that nothing could fence does', () => {
    expect(refused(soundSnapshot({ sights: seen([]) }), { failover: 'unknown@7' })).toEqual([
      expect.stringContaining('blue is gone: fail; observed its metadata quorum answers (leader 1)'),
    ])
    const rest = { ...gone, probes: seen([{ brokerId: 3, answer: 'open', detail: '' } as const, { brokerId: 1, answer: 'unreachable', detail: '' } as const]) }
    expect(refused(without({ colours: { blue: rest, green: soundColour('green') } }), { failover: 'unknown@7' })).toEqual([
      expect.stringContaining('observed broker 3 answers (open)'),
    ])
  })

  test('is refused while a guardian reaches a broker of it, and by whom that is; who reaches none, or has ended, speaks against nothing', () => {
    const sees = (beside: 'blue' | 'green', ...blue: string[]): GuardianSight => ({
      ...{ version: 1, instanceId: `kbg-guardian-${beside}-7`, beside, reaches: { blue, green: ['broker 4 (fenced)'] } },
    })
    const asked = (...sights: readonly GuardianSight[]) => refused(without({ sights: seen(sights) }), { failover: 'unknown@7' })
    expect([asked(), asked(sees('blue'), sees('green'))]).toEqual([[], []])
    expect(asked(sees('blue'), sees('green', 'broker 2 (open)', 'broker 3 (open)'))).toEqual([
      expect.stringContaining(
        'guardians reach no broker of blue: fail; observed the guardian beside green (kbg-guardian-green-7) reaches broker 2 (open), broker 3 (open)',
      ),
    ])
    expect(refused(without({ sights: unseen('away') }), { failover: 'unknown@7' })).toEqual([
      expect.stringContaining('guardians reach no broker of blue: inconclusive'),
    ])
    const guardian = (beside: 'blue' | 'green'): ClientRegistration => ({
      ...{ version: 1, clientId: 'kbg-guardian', instanceId: `kbg-guardian-${beside}-7`, kind: 'guardian', groupId: null, transactionalId: null },
      ...{ ackedEpoch: 7, state: 'running', colour: beside, software: 'a test' },
    })
    const registered = { clients: seen([guardian('blue'), guardian('green')]) }
    expect(refused(without({ ...registered, sights: seen([sees('green')]) }), { failover: 'unknown@7' })).toEqual([
      expect.stringContaining('guardians reach no broker of blue: inconclusive; observed not said yet by kbg-guardian-blue-7'),
    ])
    expect(refused(without({ ...registered, sights: seen([sees('green'), sees('blue')]) }), { failover: 'unknown@7' })).toEqual([])
    expect(assess(without(), limits, 0, 1).checks.map(({ name }) => name)).not.toContain('guardians reach no broker of blue')
  })

  test('is refused while any broker tells of its topics, though neither quorum nor probe answers', () => {
    const rest = { ...gone, topics: soundColour('blue').topics }
    expect(refused(without({ colours: { blue: rest, green: soundColour('green') } }), { failover: 'unknown@7' })).toEqual([
      expect.stringContaining('observed a broker of blue tells of its topics'),
    ])
  })

  test('counts what the audit has passed and misses on the other colour', () => {
    const whole = partition('orders-0', 3)
    const shown: AuditedPartition['differences']['shown'] = [{ kind: 'missing', on: 'green', blue: '4', green: '4', what: [] }]
    const lacking = { ...whole, blue: { ...whole.blue, extra: 2 }, differences: { total: 2, shown } }
    expect(lossWithout(seen({ partitions: [lacking], unreachable: [] }), 'blue', ['orders'])).toMatchObject({
      records: 5,
      ranges: { 'orders-0': { from: '4', to: null, records: 5 } },
    })
    expect(lossWithout(seen({ partitions: [lacking], unreachable: [] }), 'green', ['orders']).records).toBe(0)
  })

  test('knows no number when the audit can not tell of every partition', () => {
    const { unmatched: _, ...untold } = partition('orders-0', 3)
    expect(lossWithout(seen({ partitions: [untold], unreachable: [] }), 'blue', ['orders']).records).toBeNull()
    expect(lossWithout(seen({ partitions: [partition('orders-0', 3)], unreachable: ['worker 2'] }), 'blue', ['orders']).records).toBeNull()
    expect(lossWithout(seen({ partitions: [partition('orders-0', 3)], unreachable: [] }), 'blue', ['orders', 'payments']).records).toBeNull()
  })
})

describe('a colour that has diverged', () => {
  const loss: Loss = { how: 'forced', colour: 'green', clusterId: 'id-green', attempt: 0, records: 12, bound: 'exactly', ranges }
  const anotherGreen = soundColour('green', { expectedClusterId: 'fresh', cluster: seen({ clusterId: 'fresh', controllerId: 1, brokers: [] }) })
  const head = { term: '1', atWallClock: '2026-01-01T00:00:00Z', atMonotonicMs: 0 }
  const entry = (fact: JournalFact, number: number) => ({ ...head, ...fact, number }) as JournalEntry
  const decided = (outcome: 'switch' | 'abort') => entry({ kind: 'decided', outcome, cut: null, reason: '', graceful: true, loss }, 2)

  test('refuses to be moved to, until it is another cluster', () => {
    const snapshot = soundSnapshot({ route: seen({ route: soundRoute, journal: [decided('switch')] }) })
    expect(refused(snapshot, {})).toEqual([
      expect.stringContaining('diverged: fail; observed green has diverged: a forced move left it at 2026-01-01T00:00:00Z with 12 records'),
    ])
    expect(divergedBecause([decided('switch')], 'green', 'another')).toBeNull()
    expect(divergedBecause([decided('abort')], 'green', 'id-green')).toBeNull()
  })

  test('what was accepted is used up: another move that leaves records behind takes a new attempt', () => {
    const journal = [decided('switch')]
    const snapshot = soundSnapshot({ ...behind, route: seen({ route: soundRoute, journal }), colours: { blue: soundColour('blue'), green: anotherGreen } })
    expect(refused(snapshot, { acceptLoss: 12 })).toEqual([
      expect.stringContaining('accepted anew: fail; observed attempt 0 has, this is attempt 0; required an attempt above'),
    ])
    expect(refusals(assess(snapshot, limits, 1, 1, purposeOf({ acceptLoss: 12 })).checks)).toEqual([])
  })

  test('is told by the status with what it holds, and outlives later switchovers in the base of the journal', () => {
    const clusterIds = { blue: 'id-blue', green: 'id-green' }
    expect(lossLines({ journal: [decided('switch')], clusterIds }, soundRoute).join('\n')).toMatch(
      /^diverged {2}green has diverged: .*: orders-0 12 \(from 10 to before 22\)/,
    )
    expect(lossLines({ journal: [], clusterIds }, soundRoute)).toEqual([])
    const base = nextBase(firstBase, [decided('switch')], 7)
    expect(divergedBecause(base.carried, 'green', 'id-green')).not.toBeNull()
  })
})

test('a plan says before anything else that it loses, and what a failover can not prove', () => {
  const course = { kind: 'switch', source: 'blue', target: 'green', sick: null } as const
  expect(planText({ ...course, lossy: 'failover' }, limits, null, [])).toMatch(
    /^FAILOVER, with loss, blue -> green:\n.*no hold, no fence, no drain[\s\S]*nobody can prove that blue takes no writes/,
  )
  expect(leftWordLines({ kind: 'nothing' }, { failover: 'unknown@7' })).toEqual([expect.stringContaining('failover in the config would let a later move')])
  expect([leftWordLines({ kind: 'nothing' }, {}), leftWordLines({ ...course, lossy: 'forced' }, { acceptLoss: 3 })]).toEqual([[], []])
  expect(planText({ ...course, lossy: 'forced' }, limits, null, [])).toMatch(/^FORCED move, with loss, blue -> green:\n/)
})
