import type { Cut, GroupPosition } from '../model/journal.ts'
import { offsetsFromJson } from '../model/offset-json.ts'
import { type PartitionOffsets, parseTopicPartition, type TopicPartition } from '../model/partition.ts'
import { type BeyondReading, planBeyond } from '../offsets/beyond-cut.ts'
import { type CutEnds, type GroupOffsets, type PartitionReading, planReads, translateAll } from '../offsets/count-back.ts'
import { type RecordRun, RecordRunBuilder } from '../offsets/record-run.ts'
import type { Deadline } from '../ports/clock.ts'
import type { Cluster, Logs } from '../ports/cluster.ts'

/** Partitions read at the same time: enough to keep the brokers busy, few enough that deep groups don't fill the memory. */
const partitionsAtOnce = 4
/** Offsets asked for in one read. */
const offsetsAtOnce = 20_000

/** Which groups are translated over which cut. */
export interface GroupTranslation {
  readonly source: Pick<Cluster, 'logs'>
  readonly target: Pick<Cluster, 'logs'>
  readonly cut: Cut
  /** Committed offsets on the source, by group. */
  readonly committed: ReadonlyMap<string, PartitionOffsets>
}

/**
 * Finds every group's position on the target of a cut. Each partition is read once for all groups, from the lowest committed
 * offset on, on both sides; and from the cut on, where a group went on past it.
 *
 * Memory: about 140 bytes for each record that the slowest group of a partition still has to read, four partitions at a time.
 *
 * @throws KbgError `deadline`, and what {@link Logs} throws: then nothing is known of any group
 */
export async function translateGroups(subject: GroupTranslation, deadline: Deadline): Promise<readonly GroupPosition[]> {
  const groups = [...subject.committed].map(([groupId, committed]): GroupOffsets => ({ groupId, committed }))
  const [sourceEnds, targetEnds] = [offsetsFromJson(subject.cut.sourceEnds), offsetsFromJson(subject.cut.targetEnds)]
  const ends = { sourceStarts: await logStarts(subject.source.logs, sourceEnds, deadline), sourceEnds, targetEnds }
  const readings = new Map<TopicPartition, PartitionReading>()
  const waiting = [...planReads(groups, ends)]
  const worker = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [partition, from] = next
      const source = await readForwards(subject.source.logs, partition, from, sourceEnds.get(partition) ?? from, deadline)
      const target = await readBackwards(subject.target.logs, partition, targetEnds.get(partition) ?? 0n, source.offsets.length, deadline)
      readings.set(partition, { from, source, target })
    }
  }
  await Promise.all(Array.from({ length: partitionsAtOnce }, worker))
  return translateAll(groups, ends, readings, await readBeyond(subject, groups, ends, deadline))
}

/** What lies between the cut and the highest position past it, on both sides: a few seconds' records at most. */
async function readBeyond(
  subject: GroupTranslation,
  groups: readonly GroupOffsets[],
  ends: CutEnds,
  deadline: Deadline,
): Promise<ReadonlyMap<TopicPartition, BeyondReading>> {
  const plan = planBeyond(groups, ends)
  if (plan.size === 0) return new Map()
  const targetNow = new Map((await subject.target.logs.ends(topicsOf(plan), deadline)).map((end) => [end.partition, end.lastStableOffset]))
  const readings = await Promise.all(
    [...plan].map(async ([partition, highest]) => {
      const source = await readForwards(subject.source.logs, partition, ends.sourceEnds.get(partition) ?? highest, highest, deadline)
      const target = await readForwards(subject.target.logs, partition, ends.targetEnds.get(partition) ?? 0n, targetNow.get(partition) ?? 0n, deadline)
      return [partition, { source, target }] as const
    }),
  )
  return new Map(readings)
}

function topicsOf(offsets: PartitionOffsets): readonly string[] {
  return [...new Set([...offsets.keys()].map((partition) => parseTopicPartition(partition).topic))]
}

async function logStarts(source: Logs, ends: PartitionOffsets, deadline: Deadline): Promise<PartitionOffsets> {
  return new Map((await source.ends(topicsOf(ends), deadline)).map((end) => [end.partition, end.logStartOffset]))
}

/** All visible records with `from <= offset < to`. */
async function readForwards(logs: Logs, partition: TopicPartition, from: bigint, to: bigint, deadline: Deadline): Promise<RecordRun> {
  const run = new RecordRunBuilder()
  for (let at = from; at < to; at += BigInt(offsetsAtOnce)) {
    const until = at + BigInt(offsetsAtOnce)
    run.append(await logs.visible(partition, at, until < to ? until : to, deadline))
  }
  return run.build()
}

/** The last `count` visible records before `end`, or all if there are fewer. */
async function readBackwards(logs: Logs, partition: TopicPartition, end: bigint, count: number, deadline: Deadline): Promise<RecordRun> {
  const run = new RecordRunBuilder()
  let before = end
  while (run.length < count) {
    const records = await logs.lastVisible(partition, before, Math.min(offsetsAtOnce, count - run.length), deadline)
    const first = records[0]
    if (first === undefined) break
    run.prepend(records)
    before = first.offset
  }
  return run.build()
}
