import type { AuditedPartition, AuditFacts } from '../../../engine/model/audit-facts.ts'
import type { JournalEntry } from '../../../engine/model/journal.ts'
import type { TopicPartition } from '../../../engine/model/partition.ts'
import type { NotedPlace } from '../../../engine/offsets/by-snapshot.ts'
import type { AuditReport, CutAuditReport, PartitionAudit } from '../../report/audit-evidence.ts'
import type { AuditLook, AuditSeen } from './audit-watch.ts'
import type { GroupMove } from './group-moves.ts'
import { tenth } from './quantiles.ts'

/**
 * The audit over a run, as a report has it (pure); null: nobody looked. Looks from before the load are left out.
 *
 * @param originNs when the first record was due, in the machine's monotonic nanoseconds
 */
export function auditReport({ looks, unanswered }: AuditSeen, originNs: number): AuditReport | null {
  const last = looks.at(-1)
  if (last === undefined) return null
  const timed = looks.map((look) => ({ ...look, atMs: tenth(look.atMonotonicMs - originNs / 1e6) })).filter(({ atMs }) => atMs >= 0)
  const column = <T>(of: (facts: AuditFacts) => T) => timed.map(({ facts }) => of(facts))
  return {
    samples: {
      atMs: timed.map(({ atMs }) => atMs),
      watermarkAgeMs: column(oldestWatermarkMs),
      alignedRecords: column(({ partitions }) => sum(partitions, (one) => one.alignedRecords)),
      partitions: column(({ partitions }) => partitions.length),
      notEqual: column(({ partitions }) => partitions.filter(({ state }) => state.kind !== 'equal').length),
      runs: column(runsOf),
    },
    unanswered,
    atEnd: last.facts.partitions.map(partitionAudit),
  }
}

/** null: a partition never was at both ends, or some of them are not known. */
function oldestWatermarkMs({ partitions, unreachable }: AuditFacts): number | null {
  const ages = partitions.map(({ watermarkAgeMs }) => watermarkAgeMs)
  const known = ages.filter((age) => age !== null)
  return known.length === 0 || known.length < ages.length || unreachable.length > 0 ? null : tenth(Math.max(...known))
}

function runsOf({ partitions }: AuditFacts): number {
  return sum(partitions, ({ runs }) => runs)
}

function sum(partitions: readonly AuditedPartition[], of: (partition: AuditedPartition) => number): number {
  return partitions.reduce((total, partition) => total + of(partition), 0)
}

function partitionAudit({ partition, state, trouble, alignedRecords, runs, watermarkAgeMs, differences }: AuditedPartition): PartitionAudit {
  const reason = state.kind === 'equal' ? trouble : [...new Set([state.reason, trouble].filter((text) => text !== ''))].join('; ')
  return {
    ...{ partition, verdict: state.kind, reason, alignedRecords, runs },
    watermarkAgeMs: watermarkAgeMs === null ? null : tenth(watermarkAgeMs),
    differences: differences.total,
    shown: [...differences.shown],
  }
}

/** What the audit had proven of a switchover's cut, with what it had last said before the hold (pure); null: it decided without an audit. */
export function cutAudit(entries: readonly JournalEntry[], looks: readonly AuditLook[]): CutAuditReport | null {
  const proven = entries.findLast((entry) => entry.kind === 'decided' && entry.outcome === 'switch')
  const audit = proven?.kind === 'decided' ? proven.cut?.audit : undefined
  if (audit === undefined) return null
  const held = entries.find((entry) => entry.kind === 'step' && entry.step === 'hold') ?? proven
  const before = looks.findLast(({ atMonotonicMs }) => atMonotonicMs <= (held?.atMonotonicMs ?? 0))?.facts
  return {
    partitions: audit.partitions,
    comparedRecords: audit.alignedRecords,
    watermarkAgeMs: before === undefined ? null : oldestWatermarkMs(before),
    runs: before === undefined ? null : runsOf(before),
  }
}

/**
 * The places that a snapshot of both sides would have noted before a move (pure): the audit's watermarks, of the first look and of one each `everySeconds` behind it; null: nobody
 * had looked by then.
 */
export function notedPlaces(looks: readonly AuditLook[], move: GroupMove, everySeconds: number): ReadonlyMap<TopicPartition, readonly NotedPlace[]> | null {
  const noted = new Map<TopicPartition, NotedPlace[]>()
  let lastMs = Number.NEGATIVE_INFINITY
  for (const { atMonotonicMs, facts } of looks) {
    if (atMonotonicMs > move.openedAtMonotonicMs) break
    if (atMonotonicMs - lastMs < everySeconds * 1_000) continue
    lastMs = atMonotonicMs
    for (const { partition, watermark } of facts.partitions) {
      const own = noted.get(partition) ?? []
      own.push({ sourceOffset: BigInt(watermark[move.source]), targetOffset: BigInt(watermark[move.target]) })
      noted.set(partition, own)
    }
  }
  return lastMs === Number.NEGATIVE_INFINITY ? null : noted
}
