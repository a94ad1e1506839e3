/** Waits for both sides of a pair to stand still with the same records: what a bench of positions begins with. */
import { firstFive, KbgError } from '../../engine/model/error.ts'
import type { Cut } from '../../engine/model/journal.ts'
import { offsetsToJson } from '../../engine/model/offset-json.ts'
import type { PartitionOffsets } from '../../engine/model/partition.ts'
import { Deadline, systemClock } from '../../engine/ports/clock.ts'
import type { Cluster } from '../../engine/ports/cluster.ts'
import type { Pair } from '../support/pair.ts'
import { interrupted } from './harness/index.ts'

const pollMs = 200

/**
 * The ends of both sides once the mirror blue -> green has copied everything, in the form of a cut, proven by the audit where the pair has one. Nobody may be writing.
 *
 * @throws KbgError `deadline`; `bench` when the audit calls the sides unequal
 */
export async function cutAtRest(pair: Pair, topics: readonly string[], seconds: number): Promise<Cut> {
  const deadline = new Deadline(systemClock, seconds * 1_000, 'both sides to hold the same', interrupted)
  const { blue, green } = pair.ports.clusters
  const sourceEnds = await endsOf(blue, topics, deadline)
  const last = await blue.logs.lastVisibleOfAll(sourceEnds, 1, deadline)
  const targetEnds = await deadline.poll(pollMs, async () => {
    const ends = await endsOf(green, topics, deadline)
    const copied = await green.logs.lastVisibleOfAll(ends, 1, deadline)
    return [...last].every(([partition, [record]]) => copied.get(partition)?.[0]?.digest === record?.digest) ? ends : undefined
  })
  const proof = await pair.ports.audit?.prove({ blue: sourceEnds, green: targetEnds }, deadline)
  if (proof?.kind === 'unproven') throw new KbgError('bench', 'The audit calls both sides unequal.', { facts: { observed: firstFive(proof.reasons) } })
  return { source: 'blue', target: 'green', sourceEnds: offsetsToJson(sourceEnds), targetEnds: offsetsToJson(targetEnds) }
}

async function endsOf(cluster: Cluster, topics: readonly string[], deadline: Deadline): Promise<PartitionOffsets> {
  return new Map((await cluster.logs.ends(topics, deadline)).map((end) => [end.partition, end.lastStableOffset]))
}
