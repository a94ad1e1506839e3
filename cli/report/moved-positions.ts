import type { JournalEntry } from '../../engine/model/journal.ts'
import { batchPositions } from '../../engine/switchover/group-positions.ts'
import type { GroupReport } from './report.ts'

/**
 * The positions of one batch of groups as a report of one switchover shows them (pure).
 *
 * @throws KbgError `journal-mismatch` when a batch's earlier positions aren't there
 */
export function positionsOfBatch(journal: readonly JournalEntry[], batch: Extract<JournalEntry, { kind: 'groups' }>): readonly GroupReport[] {
  return batchPositions(journal, batch).map(({ groupId, topic, partition, method, verdict, lagRecords, sourceOffset, targetOffset, reason }) => ({
    group: groupId,
    topic,
    partition,
    method,
    verdict,
    lagRecords,
    switchover: null,
    wave: null,
    sourceOffset,
    targetOffset,
    reason,
  }))
}
