import type { Colour } from '../../model/colour.ts'
import { firstFive, KbgError } from '../../model/error.ts'
import type { PartitionEnd, VisibleRecord } from '../../model/facts.ts'
import type { TopicPartition } from '../../model/partition.ts'
import { Deadline } from '../../ports/clock.ts'
import type { Cluster } from '../../ports/cluster.ts'
import { mirrorRecord } from '../../switchover/journal-reading.ts'
import type { Execution } from '../execution.ts'
import { askHolders } from './holders.ts'
import { grownPartitions, namingWriters } from './written-behind.ts'

const pauseMs = 4
/** How often a drain that waits looks whether somebody writes on behind the fence: it would wait in vain. One that is quick never looks. */
const writersLookMs = 500

/** A partition's last visible record; null: it never had one; `emptied`: retention or DeleteRecords has taken all it had. */
export type LastVisible = VisibleRecord | 'emptied' | null

/** The ends at which both sides were proven to hold the same last visible records. The cut must find them unchanged. */
export interface DrainProof {
  readonly sourceEnds: readonly PartitionEnd[]
  readonly lastVisible: ReadonlyMap<TopicPartition, LastVisible>
}

/**
 * Step 6: nothing is visible on the source beyond what Connect committed as copied, each partition's last visible records are equal on both sides,
 * no transaction is open on either, the mirror's included; then the mirror's transactional ids are fenced on the target, so that it can't write any more.
 */
export async function drain(run: Execution, source: Colour, target: Colour): Promise<DrainProof> {
  let first: readonly PartitionEnd[] = []
  try {
    return await drained(run, source, target, (ends) => {
      first = ends
    })
  } catch (thrown) {
    throw await namingWriters(run, source, first, thrown)
  }
}

async function drained(run: Execution, source: Colour, target: Colour, seen: (first: readonly PartitionEnd[]) => void): Promise<DrainProof> {
  const deadline = run.untilCancelled(run.limits.drainDeadlineMs, 'the target to hold all that the source holds')
  const record = mirrorRecord(run.journal, source)
  if (record === null) throw new KbgError('drain', `No mirror ${source} -> ${target} is known.`, { facts: { required: 'a running mirror' } })
  const { clusters, mirrors } = run.ports
  const sourceEnds = await settledEnds(clusters[source], run.wiring.topics, deadline, seen)
  seen(sourceEnds)
  const lastVisible = await lastVisibleOf(clusters[source], sourceEnds, deadline)
  await bothOrNeither(deadline, [
    (within) => sameLastRecords(run, source, target, { sourceEnds, lastVisible }, within),
    (within) => copiedUpTo(() => mirrors[source].copiedOffsets(record.connector, within), lastVisible, within),
  ])
  const ids = await mirrors[source].transactionalIds(record.connector, deadline)
  await clusters[target].transactions.fenceIds(ids, deadline)
  run.mark('drained')
  return { sourceEnds, lastVisible }
}

/** Two waits side by side. One that fails ends the other: it would ask Connect every few milliseconds while the abort lets the mirror run again. */
async function bothOrNeither(deadline: Deadline, waits: readonly ((within: Deadline) => Promise<void>)[]): Promise<void> {
  const failed = new AbortController()
  const ends = deadline.cancelled === undefined ? failed.signal : AbortSignal.any([deadline.cancelled, failed.signal])
  const within = new Deadline(deadline.clock, deadline.remainingMs(), deadline.what, ends)
  try {
    await Promise.all(waits.map((wait) => wait(within)))
  } catch (thrown) {
    failed.abort(thrown)
    throw thrown
  }
}

/**
 * Ends of every partition once log end = high watermark = last stable offset everywhere: nothing uncommitted, no transaction open.
 *
 * @param seen is told the ends that were read first, settled or not
 */
export async function settledEnds(
  cluster: Cluster,
  topics: readonly string[],
  deadline: Deadline,
  seen: (first: readonly PartitionEnd[]) => void = () => undefined,
): Promise<readonly PartitionEnd[]> {
  let open: readonly PartitionEnd[] = []
  let holders: (() => string) | null = null
  while (!deadline.over) {
    const ends = await endsBefore(cluster, topics, deadline, open.length > 0)
    if (ends === null) break
    if (open.length === 0) seen(ends)
    open = ends.filter((end) => end.logEndOffset !== end.highWatermark || end.highWatermark !== end.lastStableOffset)
    if (open.length === 0) return ends
    if (deadline.remainingMs() < deadline.totalMs / 2) holders ??= askHolders(cluster, open, deadline)
    await deadline.clock.sleep(Math.min(pauseMs, deadline.remainingMs()), deadline.cancelled)
  }
  throw new KbgError('not-settled', `${cluster.colour} still has unsettled partitions.`, {
    facts: {
      observed: firstFive(
        open.map((end) => `${end.partition} end ${end.logEndOffset} high watermark ${end.highWatermark} last stable ${end.lastStableOffset}`),
      ),
      'open transactions': holders?.() ?? 'nobody was asked',
      required: 'log end = high watermark = last stable offset',
      waitedMs: Math.round(deadline.totalMs),
    },
    remedy: 'End the transactions that are named (their client, or kafka-transactions.sh abort); a log end beyond the high watermark is a follower that lags.',
  })
}

/** null: the deadline ended the reading, and what was open before is the better reason to tell. */
async function endsBefore(cluster: Cluster, topics: readonly string[], deadline: Deadline, isReasonKnown: boolean): Promise<readonly PartitionEnd[] | null> {
  try {
    return await cluster.logs.ends(topics, deadline)
  } catch (thrown) {
    if (isReasonKnown && deadline.over && !deadline.cancelled?.aborted) return null
    throw thrown
  }
}

/** The last visible record of every partition before its end, or why there is none. */
export async function lastVisibleOf(cluster: Cluster, ends: readonly PartitionEnd[], deadline: Deadline): Promise<DrainProof['lastVisible']> {
  const last = await cluster.logs.lastVisibleOfAll(new Map(ends.map((end) => [end.partition, end.lastStableOffset])), 1, deadline)
  return new Map(ends.map((end) => [end.partition, last.get(end.partition)?.[0] ?? (end.logStartOffset > 0n ? 'emptied' : null)]))
}

/**
 * Partitions whose last visible record on the source isn't the target's. A source that was emptied has nothing to be held any more, whatever the target still has;
 * a target that was emptied is believed only where an audit compares all that went by.
 */
export function differingPartitions(source: DrainProof['lastVisible'], target: DrainProof['lastVisible'], isAudited: boolean): readonly TopicPartition[] {
  const isSame = (own: LastVisible, other: LastVisible) => {
    if (own === 'emptied' || (other === 'emptied' && isAudited)) return true
    return other !== 'emptied' && (other?.digest ?? null) === (own?.digest ?? null)
  }
  return [...source].filter(([partition, record]) => !isSame(record, target.get(partition) ?? null)).map(([partition]) => partition)
}

async function sameLastRecords(run: Execution, source: Colour, target: Colour, proof: DrainProof, deadline: Deadline): Promise<void> {
  const { clusters, audit } = run.ports
  let differing: readonly TopicPartition[] = []
  let lookAgainMs = deadline.remainingMs() - writersLookMs
  while (!deadline.over) {
    const ends = await settledEnds(clusters[target], run.wiring.topics, deadline)
    differing = differingPartitions(proof.lastVisible, await lastVisibleOf(clusters[target], ends, deadline), audit !== null)
    if (differing.length === 0) return
    if (deadline.remainingMs() < lookAgainMs) {
      const grown = grownPartitions(proof.sourceEnds, await clusters[source].logs.ends(run.wiring.topics, deadline))
      if (grown.length > 0) break // what is copied from now on only goes further away from what was proven
      lookAgainMs = deadline.remainingMs() - writersLookMs
    }
    await deadline.clock.sleep(Math.min(pauseMs, deadline.remainingMs()), deadline.cancelled)
  }
  throw notDrained('last visible records differ', differing, deadline)
}

async function copiedUpTo(copied: () => Promise<ReadonlyMap<TopicPartition, bigint>>, wanted: DrainProof['lastVisible'], deadline: Deadline): Promise<void> {
  let behind: readonly TopicPartition[] = []
  while (!deadline.over) {
    const offsets = await copied()
    const isBehind = (partition: TopicPartition, record: LastVisible) =>
      record !== null && record !== 'emptied' && (offsets.get(partition) ?? -1n) < record.offset
    behind = [...wanted].filter(([partition, record]) => isBehind(partition, record)).map(([partition]) => partition)
    if (behind.length === 0) return
    await deadline.clock.sleep(Math.min(pauseMs, deadline.remainingMs()), deadline.cancelled)
  }
  throw notDrained('Connect has not committed as copied', behind, deadline)
}

function notDrained(what: string, where: readonly TopicPartition[], deadline: Deadline): KbgError {
  return new KbgError('not-drained', `The target does not hold all that the source holds: ${what}.`, {
    retriable: true,
    facts: { observed: firstFive(where), required: 'no such partition', waitedMs: Math.round(deadline.totalMs - deadline.remainingMs()) },
    remedy: 'See that the mirror runs and is fast enough.',
  })
}
