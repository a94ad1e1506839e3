import type { AuditedPartition } from '../../model/audit-facts.ts'
import type { Colour } from '../../model/colour.ts'
import type { TopicPartition } from '../../model/partition.ts'
import type { AuditReader } from '../../ports/audit-reader.ts'
import type { ChangedParts } from './changed-parts.ts'
import type { HeldPartition } from './holding.ts'

/** What is told of a partition that is compared. */
export function toldPartition({ audit, plan }: HeldPartition, trouble: string, changed: ChangedParts, nowMs: number): AuditedPartition {
  const { state, alignedRecords, blue, green, watermark, differences } = audit.facts()
  return {
    partition: audit.partition,
    state,
    alignedRecords,
    blue,
    green,
    watermark: { blue: watermark.blue.toString(), green: watermark.green.toString() },
    watermarkAgeMs: audit.watermarkAgeMs(nowMs),
    differences: {
      total: differences.total,
      shown: differences.shown.map((difference) => ({
        ...difference,
        blue: textOf(difference.blue),
        green: textOf(difference.green),
        what: [...changed.of(audit.partition, difference)],
      })),
    },
    runs: audit.runs,
    trouble,
    notes: [...plan.notes],
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
    trouble,
  }
}

/** Where both logs of a partition begin; null until both leaders have answered. */
export function logStartsOf(partition: TopicPartition, readers: Readonly<Record<Colour, Pick<AuditReader, 'facts'>>>): Readonly<Record<Colour, bigint>> | null {
  const [blue, green] = [readers.blue.facts(partition), readers.green.facts(partition)]
  return blue === undefined || green === undefined ? null : { blue: blue.logStartOffset, green: green.logStartOffset }
}

function textOf(offset: bigint | null): string | null {
  return offset === null ? null : offset.toString()
}
