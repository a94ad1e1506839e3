import { messageOf } from '../model/error.ts'
import type { VisibleRecord } from '../model/facts.ts'
import type { PartitionOffsets, TopicPartition } from '../model/partition.ts'
import type { LagSample } from '../model/snapshot.ts'
import { type Clock, Deadline } from '../ports/clock.ts'
import type { Cluster } from '../ports/cluster.ts'
import type { Mirror } from '../ports/mirror.ts'

/** How many of the target's newest records are searched for the source's last one at first: more have seldom come meanwhile. */
const firstDepthRecords = 40
/** Of a busy partition as much as has come since, but no more than this: some MB, and a mirror that copies more while it is measured isn't measured by this. */
const mostDepthRecords = 100_000
const pauseMs = 20

/** What one lag sample looks at. */
export interface LagSubject {
  readonly clock: Clock
  readonly source: Cluster
  readonly target: Cluster
  readonly mirror: Mirror
  readonly connector: string
  readonly topics: readonly string[]
  /** Whether an audit compares all that goes by: then a target whose partition was emptied since is believed to have had the record. */
  readonly isAudited?: boolean
}

/**
 * One lag sample, measured at both logs: notes the source's last visible record of every partition, then waits until Connect has committed them as
 * copied *and* each stands on the target. The time that took is the lag; no clock but the monotonic one is read.
 */
export async function sampleLag(subject: LagSubject, maxWaitMs: number): Promise<LagSample> {
  const deadline = new Deadline(subject.clock, maxWaitMs, 'the mirror to copy what the source held')
  try {
    const before = await stableEnds(subject.target, subject.topics, deadline)
    const marks = await lastVisibleMarks(subject.source, subject.topics, deadline)
    const startedMs = subject.clock.monotonicMs()
    let behind = await notCopied(subject, marks, deadline)
    const lagRecords = sumOf(behind)
    while (behind.size > 0) {
      if (deadline.remainingMs() <= pauseMs) return { kind: 'behind', waitedMs: maxWaitMs, lagRecords: sumOf(behind), where: [...behind.keys()] }
      await subject.clock.sleep(pauseMs)
      behind = await notCopied(subject, marks, deadline)
    }
    // A transaction's marker may reach Connect's offsets before it reaches the data: then the records are there and not yet visible.
    let absent = await notOnTarget(subject, marks, before, deadline)
    while (absent.length > 0) {
      if (deadline.remainingMs() <= pauseMs) return { kind: 'behind', waitedMs: maxWaitMs, lagRecords: absent.length, where: absent }
      await subject.clock.sleep(pauseMs)
      absent = await notOnTarget(subject, marks, before, deadline)
    }
    return { kind: 'caught-up', lagMs: subject.clock.monotonicMs() - startedMs, lagRecords }
  } catch (thrown) {
    return { kind: 'unseen', why: messageOf(thrown) }
  }
}

/** The last visible record of every partition that has one. */
async function lastVisibleMarks(cluster: Cluster, topics: readonly string[], deadline: Deadline): Promise<ReadonlyMap<TopicPartition, VisibleRecord>> {
  const ends = await cluster.logs.ends(topics, deadline)
  const last = await cluster.logs.lastVisibleOfAll(new Map(ends.map((end) => [end.partition, end.lastStableOffset])), 1, deadline)
  return new Map([...last].flatMap(([partition, records]) => (records[0] ? [[partition, records[0]] as const] : [])))
}

/** Partitions whose mark Connect hasn't committed as copied, with how many offsets are missing. */
async function notCopied(subject: LagSubject, marks: ReadonlyMap<TopicPartition, VisibleRecord>, deadline: Deadline): Promise<PartitionOffsets> {
  const copied = await subject.mirror.copiedOffsets(subject.connector, deadline)
  return new Map(
    [...marks].flatMap(([partition, mark]) => {
      const upTo = copied.get(partition) ?? -1n
      return upTo >= mark.offset ? [] : [[partition, mark.offset - upTo] as const]
    }),
  )
}

/**
 * Connect's word isn't enough: its commits can advance while nothing arrives. The marks must stand among the target's newest records: one that was copied before the target's end was asked is the
 * newest below that end, since nothing had come behind it on the source yet, and any other one is above it.
 *
 * @param before the target's ends, asked before the marks were noted
 */
async function notOnTarget(
  { target, isAudited = false }: LagSubject,
  marks: ReadonlyMap<TopicPartition, VisibleRecord>,
  before: PartitionOffsets,
  deadline: Deadline,
): Promise<readonly TopicPartition[]> {
  const topics = [...new Set([...marks.keys()].map((partition) => partition.replace(/-\d+$/, '')))]
  const ends = await target.logs.ends(topics, deadline)
  const endOf = new Map(ends.map((end) => [end.partition, end.lastStableOffset]))
  const isEmptied = new Set(
    ends.flatMap(({ partition, logStartOffset, logEndOffset }) => (logStartOffset > 0n && logStartOffset === logEndOffset ? [partition] : [])),
  )
  let missing = [...marks.keys()].filter((partition) => !isAudited || !isEmptied.has(partition))
  const search = async (partitions: readonly TopicPartition[], depthRecords: number) => {
    if (partitions.length === 0) return
    const newest = await target.logs.lastVisibleOfAll(new Map(partitions.map((partition) => [partition, endOf.get(partition) ?? 0n])), depthRecords, deadline)
    const found = new Set(partitions.filter((partition) => newest.get(partition)?.some((record) => record.digest === marks.get(partition)?.digest)))
    missing = missing.filter((partition) => !found.has(partition))
  }
  await search(missing, firstDepthRecords)
  const comeSince = (partition: TopicPartition) => Number((endOf.get(partition) ?? 0n) - (before.get(partition) ?? 0n))
  // Busy and quiet partitions apart, in few requests: each is searched as deep as it has to be, or up to twice that.
  const busy = missing.filter((partition) => comeSince(partition) > 0)
  for (const [depthRecords, partitions] of Map.groupBy(busy, (partition) => 2 ** Math.ceil(Math.log2(comeSince(partition) + firstDepthRecords))))
    await search(partitions, Math.min(mostDepthRecords, depthRecords))
  return missing
}

async function stableEnds(cluster: Cluster, topics: readonly string[], deadline: Deadline): Promise<PartitionOffsets> {
  return new Map((await cluster.logs.ends(topics, deadline)).map((end) => [end.partition, end.lastStableOffset]))
}

function sumOf(offsets: PartitionOffsets): number {
  return [...offsets.values()].reduce((sum, records) => sum + Number(records), 0)
}
