import type { AuditReport, PartitionAudit } from '../../cli/report/audit-evidence.ts'
import type { GroupReport, RolloutReport, WaveReport } from '../../cli/report/report.ts'
import type { GroupStrategies, StrategiesReport } from '../../cli/report/strategy-evidence.ts'
import { topicPartition } from '../../engine/model/partition.ts'

/**
 * What a run with an audit and waves adds to the sample, whose run had neither: made up from its own series and positions, the same every time. It shows how a page looks and
 * is no measurement.
 */
export function withAudit(sample: RolloutReport): RolloutReport {
  return {
    ...sample,
    switchovers: sample.switchovers.map((one, index) => ({
      ...one,
      audit: {
        partitions: 12,
        comparedRecords: String(ackedUntil(sample, (one.fromMs ?? 0) / 1_000)),
        watermarkAgeMs: 180 + 37.5 * index,
        runs: 9_000 * (index + 1),
      },
    })),
    waves: wavesOf(sample),
    groups: [...wavePositions(sample), ...sample.groups],
    audit: auditOf(sample),
    strategies: strategiesOf(sample),
  }
}

function ackedUntil({ perSecond }: RolloutReport, seconds: number): number {
  const { blue = [], green = [] } = perSecond?.acked ?? {}
  return [...blue, ...green].reduce((sum, records, index) => (index % Math.max(1, blue.length) < seconds ? sum + records : sum), 0)
}

function auditOf(sample: RolloutReport): AuditReport {
  const length = sample.perSecond?.acked.blue.length ?? 0
  const atMs = Array.from({ length }, (_, second) => second * 1_000 + ((second * 7) % 90))
  const moves = sample.switchovers.map(({ fromMs }) => (fromMs ?? 0) / 1_000)
  const ages = atMs.map((at, second) => {
    if (second < 4) return null
    const near = moves.some((move) => at / 1_000 - move > 0 && at / 1_000 - move < 4)
    return (near ? 1_900 : 110) + ((second * 53) % 240)
  })
  return {
    samples: {
      atMs,
      watermarkAgeMs: ages,
      alignedRecords: atMs.map((at) => ackedUntil(sample, at / 1_000 - 0.2)),
      partitions: atMs.map(() => 12),
      notEqual: atMs.map((_, second) => (second < 4 ? 12 : 0)),
      runs: atMs.map((_, second) => second * 180),
    },
    unanswered: 0,
    atEnd: partitionsOf(sample).map((partition, index) => ({
      ...{ partition, verdict: 'equal', reason: '', alignedRecords: 9_000 + 731 * index, runs: 1_800 + 40 * index },
      ...{ watermarkAgeMs: 90 + index, differences: 0, shown: [] },
    })),
  }
}

function partitionsOf({ configuration }: RolloutReport): readonly string[] {
  return (configuration?.load.topics ?? []).flatMap(({ topic, partitions }) => Array.from({ length: partitions }, (_, index) => topicPartition(topic, index)))
}

const waveGroups = [['orders-dashboard'], ['archive'], ['billing', 'ledger']] as const

function wavesOf(sample: RolloutReport): WaveReport[] {
  const firstMs = sample.switchovers[0]?.fromMs ?? 0
  return waveGroups.map((groups, index) => {
    const startedAtMs = firstMs - 30_000 + index * 8_000
    return {
      ...{ wave: `wave-${index + 1}`, source: 'blue', target: 'green', groups: [...groups], moved: [...groups], stayed: [], returned: false, reason: '' },
      groupPauses: groups.filter((group) => group !== 'archive').map((group, at) => ({ group, longestWithoutDeliveryMs: 640.5 + 90 * (index + at) })),
      ...{ startedAtMs, endedAtMs: startedAtMs + 2_400 + 350 * index },
    }
  })
}

function wavePositions(sample: RolloutReport): readonly GroupReport[] {
  const first = sample.groups.filter(({ switchover }) => switchover === 1)
  return waveGroups.flatMap((groups, index) =>
    first
      .filter(({ group }) => groups.some((own) => own === group))
      .map((position) => ({ ...position, method: 'map', reason: 'proven by the offset map', switchover: null, wave: `wave-${index + 1}` })),
  )
}

function strategiesOf(sample: RolloutReport): StrategiesReport {
  const moves = [...wavePositions(sample), ...sample.groups]
  const byMove = [...Map.groupBy(moves, ({ wave, switchover, group }) => `${wave ?? switchover} ${group}`).values()]
  return { groups: byMove.map(groupStrategies), notLookedAt: [], offsetLagMax: 100, snapshotSeconds: 60 }
}

function groupStrategies(positions: readonly GroupReport[]): GroupStrategies {
  const [{ group = '', switchover = null, wave = null } = {}] = positions
  const behind = positions.reduce((sum, { lagRecords }) => sum + (lagRecords ?? 0), 0)
  const outcome = { redeliveredRecords: 0, skippedRecords: 0, unansweredPositions: 0 }
  const beforeMirror = group === 'archive' && (switchover ?? 0) > 1 ? positions.length : 0
  return {
    ...{ group, switchover, wave, positions: positions.length, unknownPositions: 0 },
    outcomes: [
      { strategy: 'moved', ...outcome },
      { strategy: 'count-back', ...outcome },
      { strategy: 'timestamp', ...outcome },
      { strategy: 'snapshot', ...outcome, redeliveredRecords: 1_377 * positions.length },
      {
        strategy: 'checkpoint',
        ...outcome,
        redeliveredRecords: beforeMirror > 0 ? 0 : 43 * positions.length + Math.floor(behind / 3),
        unansweredPositions: beforeMirror,
      },
    ],
  }
}

const difference = { kind: 'changed', on: null, blue: '4711', green: '5303', what: ['value'] } as const satisfies PartitionAudit['shown'][number]

/** The same where a record was changed, a partition can't be decided and one isn't read; a wave went back, and one of its groups had stayed. */
export function withDamage(report: RolloutReport): RolloutReport {
  const { audit, waves } = withAudit(report)
  const damaged = audit?.atEnd.map((one, index): PartitionAudit => {
    if (index === 2) {
      const shown = [
        { ...difference, what: [...difference.what] },
        { kind: 'missing' as const, on: 'green' as const, blue: '4800', green: null, what: [] },
      ]
      return { ...one, verdict: 'differs', reason: '7 differences', differences: 7, shown }
    }
    if (index === 4) return { ...one, verdict: 'undecided', reason: '3 keys wait for a newer record', watermarkAgeMs: null }
    return index === 5 ? { ...one, reason: 'its leader on green is gone' } : one
  })
  return {
    ...withAudit(report),
    audit: audit && { ...audit, unanswered: 3, atEnd: damaged ?? [] },
    waves: waves.map((wave, index) => {
      if (index !== 2) return wave
      const stayed = [{ group: 'ledger', reason: 'its members did not leave' }]
      return {
        ...wave,
        moved: ['billing'],
        stayed,
        returned: true,
        reason: 'billing did not reach its progress of before within 60 s',
        groupPauses: wave.groupPauses.slice(0, 1),
      }
    }),
  }
}
