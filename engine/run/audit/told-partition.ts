import type { AuditedPartition } from '../../model/audit-facts.ts'
import { type Colour, otherColour } from '../../model/colour.ts'
import type { TopicPartition } from '../../model/partition.ts'
import type { AuditReader, LogFacts } from '../../ports/audit-reader.ts'
import type { ChangedParts } from './changed-parts.ts'
import type { HeldPartition } from './holding.ts'

/** What is told of a partition that is compared. */
export function toldPartition({ audit, plan }: HeldPartition, logs: BothLogs | null, trouble: string, changed: ChangedParts, nowMs: number): AuditedPartition {
  const { state, alignedRecords, blue, green, watermark, differences } = audit.facts()
  const emptied = logs === null ? null : audit.emptiedSide(logs)
  return {
    partition: audit.partition,
    state,
    alignedRecords,
    blue,
    green,
    watermark: { blue: watermark.blue.toString(), green: watermark.green.toString() },
    watermarkAgeMs: emptied === null || logs === null ? audit.watermarkAgeMs(nowMs) : Math.max(0, nowMs - logs[emptied].askedAtMs),
    differences: {
      total: differences.total,
      shown: differences.shown.map((difference) => ({
        ...difference,
        blue: textOf(difference.blue),
        green: textOf(difference.green),
        what: [...changed.of(audit.partition, difference)],
      })),
    },
    unmatched: { blue: audit.pendingRecords('blue'), green: audit.pendingRecords('green') },
    runs: audit.runs,
    lost: logs === null ? null : lostOf(audit, logs),
    emptied,
    trouble,
    notes: [
      ...plan.notes,
      ...audit.notes,
      ...(emptied === null ? [] : [`retention has emptied ${emptied}: what ${otherColour(emptied)} holds can't be compared`]),
    ],
  }
}

/** null: the map's stored blocks can't be read, so it isn't known; whoever translates by them is told why. */
function lostOf(audit: HeldPartition['audit'], logs: BothLogs): AuditedPartition['lost'] {
  try {
    return audit.lost(logs)
  } catch {
    return null
  }
}

/** What is told of a partition that should be compared and isn't. */
export function untoldPartition(partition: TopicPartition, trouble: string): AuditedPartition {
  const side = { visible: 0, extra: 0, retention: 0, compacted: 0, digest: '' }
  return {
    partition,
    state: { kind: 'undecided', reason: trouble },
    alignedRecords: 0,
    blue: side,
    green: side,
    watermark: { blue: '0', green: '0' },
    watermarkAgeMs: null,
    differences: { total: 0, shown: [] },
    runs: 0,
    lost: null,
    emptied: null,
    trouble,
  }
}

/** What the readers know of both logs of a partition. */
export type BothLogs = Readonly<Record<Colour, LogFacts>>

/** What the readers know of both logs of a partition; null until both leaders have answered. */
export function logsOf(partition: TopicPartition, readers: Readonly<Record<Colour, Pick<AuditReader, 'facts'>>>): BothLogs | null {
  const [blue, green] = [readers.blue.facts(partition), readers.green.facts(partition)]
  return blue === undefined || green === undefined ? null : { blue, green }
}

/** Where both logs of a partition begin; null until both leaders have answered. */
export function logStartsOf(partition: TopicPartition, readers: Readonly<Record<Colour, Pick<AuditReader, 'facts'>>>): Readonly<Record<Colour, bigint>> | null {
  const logs = logsOf(partition, readers)
  return logs === null ? null : { blue: logs.blue.logStartOffset, green: logs.green.logStartOffset }
}

function textOf(offset: bigint | null): string | null {
  return offset === null ? null : offset.toString()
}
