import { KbgError } from '../model/error.ts'
import type { GroupPosition, JournalEntry } from '../model/journal.ts'

/** Bytes of positions in one journal entry: well below etcd's 1.5 MiB for a request, which also carries the route. */
const chunkBytes = 256 * 1_024

/** The positions of a batch in pieces that a journal entry holds, by their encoded size; one empty piece when there are none (pure). */
export function positionChunks(positions: readonly GroupPosition[], maxBytes = chunkBytes): readonly (readonly GroupPosition[])[] {
  const chunks: GroupPosition[][] = [[]]
  let bytes = 0
  for (const position of positions) {
    const size = Buffer.byteLength(JSON.stringify(position)) + 1
    if (bytes > 0 && bytes + size > maxBytes) {
      chunks.push([])
      bytes = 0
    }
    chunks.at(-1)?.push(position)
    bytes += size
  }
  return chunks
}

/**
 * The positions of a batch of groups: those of its `groups` entry and of the entries that belong to it. What a crash left without a `groups` entry doesn't
 * count: those groups weren't moved, and the rerun has written their positions again (pure).
 *
 * @throws KbgError `journal-mismatch` when a batch's earlier positions aren't there
 */
export function batchPositions(journal: readonly JournalEntry[], batch: Extract<JournalEntry, { kind: 'groups' }>): readonly GroupPosition[] {
  const first = batch.number - batch.positionEntriesBefore
  const before = journal.flatMap((entry) => (entry.kind === 'positions' && entry.number >= first && entry.number < batch.number ? [entry] : []))
  if (before.length === batch.positionEntriesBefore) return [...before.flatMap((entry) => entry.positions), ...batch.positions]
  throw new KbgError('journal-mismatch', 'The positions of moved groups are not where the journal says.', {
    facts: { groupsEntry: batch.number, observed: before.length, required: batch.positionEntriesBefore },
  })
}
