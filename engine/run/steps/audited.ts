import type { Colour } from '../../model/colour.ts'
import { firstFive, KbgError, messageOf } from '../../model/error.ts'
import type { PartitionEnd } from '../../model/facts.ts'
import type { Cut } from '../../model/journal.ts'
import type { PartitionOffsets } from '../../model/partition.ts'
import type { Deadline } from '../../ports/clock.ts'
import type { Execution } from '../execution.ts'

const hurryMs = 1_000

/** Tells the audit that a proof will be asked for soon. It only makes the proof faster, so a refusal is told and changes nothing. */
export function hurryAudit(run: Execution): void {
  const { audit } = run.ports
  if (audit === null) return
  audit.hurry(run.untilCancelled(hurryMs, 'the audit to hurry')).catch((thrown: unknown) => run.tell({ step: 'hold', text: `audit: ${messageOf(thrown)}` }))
}

/**
 * The audit's verdict over a cut: every record below both sides' ends was compared. null: the fleet has no audit.
 *
 * @throws KbgError `cut-unproven` naming the partitions that differ or couldn't be compared; `deadline`, `audit-unreachable`
 */
export async function provenByAudit(
  run: Execution,
  source: Colour,
  ends: Readonly<Record<Colour, readonly PartitionEnd[]>>,
  deadline: Deadline,
): Promise<Cut['audit'] | null> {
  const { audit } = run.ports
  if (audit === null) return null
  const proof = await audit.prove({ blue: offsetsOf(ends.blue), green: offsetsOf(ends.green), source }, deadline)
  if (proof.kind === 'equal') return { partitions: proof.partitions, alignedRecords: proof.alignedRecords.toString(), emptied: [...proof.emptied] }
  throw new KbgError('cut-unproven', 'The audit has not shown that both sides hold the same up to the cut.', {
    facts: { observed: firstFive(proof.reasons), required: 'every partition equal' },
    remedy: 'kbg audit says where they differ. Mend that (reseed the topic on the standby), then try again with a new attempt.',
  })
}

function offsetsOf(ends: readonly PartitionEnd[]): PartitionOffsets {
  return new Map(ends.map((end) => [end.partition, end.logEndOffset]))
}
