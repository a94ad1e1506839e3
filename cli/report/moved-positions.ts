import type { JournalEntry } from '../../engine/model/journal.ts'
import { batchPositions } from '../../engine/switchover/group-positions.ts'
import type { GroupReport } from './report.ts'

/**
 * The positions of one batch of groups as a report shows them (pure).
 *
 * @param switchover number of the switchover among those of its report; null where there is only one
 * @throws KbgError `journal-mismatch` when a batch's earlier positions aren't there
 */
export function positionsOfBatch(
  journal: readonly JournalEntry[],
  batch: Extract<JournalEntry, { kind: 'groups' }>,
  switchover: number | null,
): readonly GroupReport[] {
  return batchPositions(journal, batch).map(({ groupId, topic, partition, method, verdict, lagRecords, sourceOffset, targetOffset, reason }) => ({
    group: groupId,
    topic,
    partition,
    method,
    verdict,
    lagRecords,
    switchover,
    sourceOffset,
    targetOffset,
    reason,
  }))
}
