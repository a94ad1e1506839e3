import type { ClusterAccess } from '../../../engine/model/cluster-access.ts'
import { KbgError } from '../../../engine/model/error.ts'
import { type PartitionOffsets, parseTopicPartition, type TopicPartition } from '../../../engine/model/partition.ts'
import type { Deadline } from '../../../engine/ports/clock.ts'
import type { SeenRecord } from '../translate/ground-truth.ts'
import { readTopic } from '../translate/read-topic.ts'

/** One side, read whole: where each visible record stands, which record it is, and the end. */
export interface ReadSide {
  readonly records: ReadonlyMap<TopicPartition, readonly SeenRecord[]>
  readonly ends: PartitionOffsets
}

/** Reads every visible record below the ends with a plain client: what judges the engine's positions shares none of its code for reading. */
export async function readSide(access: ClusterAccess, ends: PartitionOffsets, deadline: Deadline): Promise<ReadSide> {
  const records = new Map<TopicPartition, SeenRecord[]>([...ends.keys()].map((partition) => [partition, []]))
  const topics = new Set([...ends.keys()].map((partition) => parseTopicPartition(partition).topic))
  for (const topic of topics) {
    const take: Parameters<typeof readTopic>[2] = (partition, { offset, timestamp, key, value }) => {
      if (BigInt(offset) >= (ends.get(partition) ?? 0n)) return
      const content = `${timestamp} ${key?.toString('latin1') ?? ''} ${value?.toString('latin1') ?? ''}`
      records.get(partition)?.push({ offset: BigInt(offset), content })
    }
    await readTopic(access, topic, take, deadline)
  }
  return { records, ends }
}

/**
 * Where a group that committed `offset` on the source has to go on: at the copy of the first visible record from there on, found by its place in the log and
 * by its content; at the target's end when there is none.
 *
 * @throws KbgError `bench` when the record in that place is another one: then nothing can be told
 */
export function truePosition(source: ReadSide, target: ReadSide, partition: TopicPartition, offset: bigint): bigint | undefined {
  const [own, other] = [source.records.get(partition) ?? [], target.records.get(partition) ?? []]
  const index = firstFrom(own, offset)
  const [record, copy] = [own[index], other[index]]
  if (record?.content !== copy?.content)
    throw new KbgError('bench', 'The sides differ, so nobody can say where a group belongs.', { facts: { partition, record: index } })
  return copy?.offset ?? target.ends.get(partition)
}

/** Index of the first record at or behind an offset. */
export function firstFrom(records: readonly { readonly offset: bigint }[], offset: bigint): number {
  let [low, high] = [0, records.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((records[middle]?.offset ?? offset) < offset) low = middle + 1
    else high = middle
  }
  return low
}
