import type { AuditFacts } from '../model/audit-facts.ts'
import type { Colour } from '../model/colour.ts'
import type { GroupPosition } from '../model/journal.ts'
import type { PartitionOffsets } from '../model/partition.ts'
import type { Deadline } from './clock.ts'

export type { AuditedPartition, AuditFacts } from '../model/audit-facts.ts'

/** Both sides' ends of every partition that a proof is asked for. */
export interface AskedEnds {
  readonly blue: PartitionOffsets
  readonly green: PartitionOffsets
  /** The side that is copied from: a partition that retention has emptied there needs nothing on the other side. Unless somebody says so, nothing of one is proven. */
  readonly source?: Colour
}

/** What became of a proof. */
export type AuditProof =
  /** Every record below the asked ends was compared; `alignedRecords` of them stand on both sides in the same place. `emptied`: of the partitions, those that retention has emptied on the source, of which nothing was compared. */
  | { readonly kind: 'equal'; readonly partitions: number; readonly alignedRecords: bigint; readonly emptied: readonly string[] }
  /** Partitions that differ, or whose comparison can't say, with the reason. */
  | { readonly kind: 'unproven'; readonly reasons: readonly string[] }

/** The audit of a fleet: one or more workers, each with some of the partitions. */
export interface Audit {
  facts(deadline: Deadline): Promise<AuditFacts>
  /** Tells the workers to read at once what comes for the next seconds, instead of waiting for larger fetches: a proof will be asked for soon. */
  hurry(deadline: Deadline): Promise<void>
  /** Waits until both sides are compared up to these ends, and their leaders have confirmed that since. @throws KbgError `deadline`, `audit-unreachable` */
  prove(ends: AskedEnds, deadline: Deadline): Promise<AuditProof>
  /**
   * Translates committed offsets of groups from one colour to the other by the offset maps: one position for each committed partition, and for each partition
   * without a commit of a topic that the group has commits in. `ends`: the cut, or null for what the audit has come to now. Groups in `redeliver` get the nearest
   * proven place before a position that isn't provable, as `redeliver`; none unless said otherwise.
   */
  translate(
    from: Colour,
    groups: ReadonlyMap<string, PartitionOffsets>,
    ends: AskedEnds | null,
    deadline: Deadline,
    redeliver?: readonly string[],
  ): Promise<readonly GroupPosition[]>
  close(): Promise<void>
}
