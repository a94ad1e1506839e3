import type { Colour } from '../../../engine/model/colour.ts'
import type { Cut, JournalEntry } from '../../../engine/model/journal.ts'
import { offsetsFromJson } from '../../../engine/model/offset-json.ts'
import type { PartitionOffsets } from '../../../engine/model/partition.ts'
import { groupOutcome } from '../../report/journal-parts.ts'
import type { GroupReport } from '../../report/report.ts'
import { switchedChapters } from '../chapters.ts'

/** Some groups that moved together, and where both sides stood then. */
export interface GroupMove {
  /** Counted from 1; null: a wave. */
  readonly switchover: number | null
  /** null: a switchover. */
  readonly wave: string | null
  readonly source: Colour
  readonly target: Colour
  /** Ends of both sides that were proven equal: the cut; for a wave, what the audit had come to. */
  readonly ends: { readonly source: PartitionOffsets; readonly target: PartitionOffsets }
  /** From which source offset on the mirror of this direction had copied; an absent partition: from its beginning. */
  readonly mirroredFrom: PartitionOffsets
  /** When the move was opened, in the machine's monotonic milliseconds. */
  readonly openedAtMonotonicMs: number
  /** Positions of the groups that moved. */
  readonly positions: readonly GroupReport[]
}

/** The groups of every switchover that switched, from the journal (pure). */
export function switchoverMoves(journal: readonly JournalEntry[]): readonly GroupMove[] {
  let before: Cut | null = null
  return switchedChapters(journal).flatMap(({ entries }, index) => {
    const cut = entries.findLast((entry) => entry.kind === 'decided')?.cut ?? null
    const opened = entries.find((entry) => entry.kind === 'opened')
    const lastCut = before
    before = cut
    if (cut === null) return []
    const { groups, moved } = groupOutcome(entries)
    return {
      switchover: index + 1,
      wave: null,
      source: cut.source,
      target: cut.target,
      ends: { source: offsetsFromJson(cut.sourceEnds), target: offsetsFromJson(cut.targetEnds) },
      mirroredFrom: lastCut?.target === cut.source ? offsetsFromJson(lastCut.targetEnds) : new Map(),
      openedAtMonotonicMs: (opened ?? entries[0])?.atMonotonicMs ?? 0,
      positions: groups.filter(({ group }) => moved.includes(group)),
    }
  })
}
