import type { Colour } from '../../model/colour.ts'
import { firstFive, KbgError } from '../../model/error.ts'
import type { PartitionEnd } from '../../model/facts.ts'
import type { Cut } from '../../model/journal.ts'
import { offsetsToJson } from '../../model/offset-json.ts'
import type { Deadline } from '../../ports/clock.ts'
import type { Execution } from '../execution.ts'
import { provenByAudit } from './audited.ts'
import { type DrainProof, differingPartitions, lastVisibleOf, settledEnds } from './drain.ts'
import { namingWriters } from './written-behind.ts'

/**
 * Step 7: both sides' ends re-read after the mirror was fenced off: the source's unchanged since the proof and at the same leader epochs, the
 * target's last visible records still equal, and every record below them compared by the audit. The pair of ends per partition is the cut.
 *
 * @throws KbgError `cut-moved` when anything has moved, `cut-unproven` when the audit can't show that both sides are equal
 */
export async function cut(run: Execution, source: Colour, target: Colour, proof: DrainProof): Promise<Cut> {
  const deadline = run.untilCancelled(run.limits.drainDeadlineMs, 'both sides to stand still')
  const { clusters } = run.ports
  const [sourceEnds, targetEnds] = await Promise.all([
    clusters[source].logs.ends(run.wiring.topics, deadline),
    settledEnds(clusters[target], run.wiring.topics, deadline),
  ])
  const moved = movedPartitions(proof.sourceEnds, sourceEnds)
  const byColour = source === 'blue' ? { blue: sourceEnds, green: targetEnds } : { blue: targetEnds, green: sourceEnds }
  const auditing = provenByAudit(run, source, byColour, deadline)
  auditing.catch(() => undefined) // it is awaited below: what has moved is the better reason
  const differing = differingPartitions(proof.lastVisible, await lastVisibleOf(clusters[target], targetEnds, deadline), run.ports.audit !== null)
  if (moved.length > 0 || differing.length > 0) {
    const error = new KbgError('cut-moved', 'The logs moved after they were proven equal.', {
      facts: { source: firstFive(moved), target: firstFive(differing), required: 'ends and leader epochs as proven' },
      remedy: 'Find who wrote or which leader changed; then try again with a new attempt.',
    })
    throw await namingWriters(run, source, proof.sourceEnds, error)
  }
  const audit = await auditing
  if (audit !== null) await stillThere(run, source, byColour, deadline)
  run.mark('cut')
  return { source, target, sourceEnds: endsJson(sourceEnds), targetEnds: endsJson(targetEnds), ...(audit === null ? {} : { audit }) }
}

/** Both sides' ends once more: a proof may have taken its time, and what came up meanwhile is in none. */
async function stillThere(run: Execution, source: Colour, proven: Readonly<Record<Colour, readonly PartitionEnd[]>>, deadline: Deadline): Promise<void> {
  const { clusters } = run.ports
  const ends = async (colour: Colour) => movedPartitions(proven[colour], await clusters[colour].logs.ends(run.wiring.topics, deadline))
  const [blue, green] = await Promise.all([ends('blue'), ends('green')])
  if (blue.length + green.length === 0) return
  const error = new KbgError('cut-moved', 'The logs moved while the audit proved them equal.', {
    facts: { blue: firstFive(blue), green: firstFive(green), required: 'ends and leader epochs as proven' },
    remedy: 'Find who wrote or which leader changed; then try again with a new attempt.',
  })
  throw await namingWriters(run, source, proven[source], error)
}

/** Partitions whose log end, watermark, last stable offset or leader epoch isn't as it was. */
export function movedPartitions(proven: readonly PartitionEnd[], now: readonly PartitionEnd[]): readonly string[] {
  const current = new Map(now.map((end) => [end.partition, end]))
  const same = (a: PartitionEnd, b: PartitionEnd | undefined) =>
    b !== undefined &&
    a.logEndOffset === b.logEndOffset &&
    b.highWatermark === b.logEndOffset &&
    b.lastStableOffset === b.logEndOffset &&
    a.leaderEpoch === b.leaderEpoch
  const changed = proven.filter((end) => !same(end, current.get(end.partition))).map((end) => end.partition)
  const known = new Set(proven.map((end) => end.partition))
  return [...changed, ...now.filter((end) => !known.has(end.partition)).map((end) => end.partition)]
}

function endsJson(ends: readonly PartitionEnd[]) {
  return offsetsToJson(new Map(ends.map((end) => [end.partition, end.logEndOffset])))
}
