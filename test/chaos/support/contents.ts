/**
 * What a cluster holds, read by a client of its own (kafkajs) that shares no code with the audit: the truth that its verdicts are held against.
 */
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import kafkajs, { type Kafka } from 'kafkajs'
import { type PartitionOffsets, type TopicPartition, topicPartition } from '../../../engine/model/partition.ts'
import { Deadline, systemClock } from '../../../engine/ports/clock.ts'

/** kafkajs brings no codec of its own for it. */
kafkajs.CompressionCodecs[kafkajs.CompressionTypes.ZSTD] = () => ({
  compress: async ({ buffer }: { readonly buffer: Buffer }) => zstdCompressSync(buffer),
  decompress: async (buffer: Buffer) => zstdDecompressSync(buffer),
})

/** One record as a consumer was given it. */
export interface ReadRecord {
  readonly offset: bigint
  readonly key: string | null
  readonly value: string | null
  readonly headers: string
  readonly timestamp: string
}

/** Every record of some topics, by partition and in order; a partition without records has an empty list. */
export type Contents = ReadonlyMap<TopicPartition, readonly ReadRecord[]>

let readers = 0

/**
 * Reads topics from the first record to what is the end when it starts, with a group of its own that commits nothing and is deleted.
 *
 * @param uncommitted also what was aborted or isn't committed yet
 */
export async function readContents(kafka: Kafka, topics: readonly string[], uncommitted = false): Promise<Contents> {
  const deadline = new Deadline(systemClock, 120_000, 'everything to be read')
  const admin = kafka.admin()
  await admin.connect()
  const contents = new Map<TopicPartition, ReadRecord[]>()
  const open = new Map<TopicPartition, bigint>()
  for (const topic of topics) {
    for (const { partition, low, high } of await admin.fetchTopicOffsets(topic)) {
      contents.set(topicPartition(topic, partition), [])
      if (BigInt(high) > BigInt(low)) open.set(topicPartition(topic, partition), BigInt(high))
    }
  }
  const groupId = `kbg-chaos-read-${process.pid}-${readers++}`
  const consumer = kafka.consumer({
    groupId,
    readUncommitted: uncommitted,
    allowAutoTopicCreation: false,
    maxWaitTimeInMs: 100,
    maxBytesPerPartition: 4_194_304,
  })
  let crash: Error | undefined
  consumer.on(consumer.events.CRASH, ({ payload }) => {
    crash = payload.error
  })
  // Told also of batches of which nothing is visible: markers and aborted records at a partition's end.
  consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload }) => {
    const partition = topicPartition(payload.topic, payload.partition)
    if (BigInt(payload.lastOffset) + 1n >= (open.get(partition) ?? 0n)) open.delete(partition)
  })
  try {
    if (open.size === 0) return contents
    await consumer.connect()
    await consumer.subscribe({ topics: [...topics], fromBeginning: true })
    await consumer.run({
      autoCommit: false,
      partitionsConsumedConcurrently: 16,
      eachBatch: async ({ batch }) => {
        const records = contents.get(topicPartition(batch.topic, batch.partition))
        for (const { offset, key, value, headers, timestamp } of batch.messages) {
          records?.push({ offset: BigInt(offset), key: textOf(key), value: textOf(value), headers: headersOf(headers), timestamp })
        }
      },
    })
    await deadline.poll(20, async () => {
      if (crash) throw crash
      return open.size === 0 ? true : undefined
    })
    return contents
  } finally {
    await consumer.disconnect()
    await admin.deleteGroups([groupId]).catch(() => undefined) // one that never joined doesn't exist
    await admin.disconnect()
  }
}

function textOf(bytes: Buffer | null | undefined): string | null {
  return bytes === null || bytes === undefined ? null : bytes.toString('latin1')
}

function headersOf(headers: Readonly<Record<string, Buffer | string | (Buffer | string)[] | undefined>> | undefined): string {
  const text = (value: unknown): unknown => (Array.isArray(value) ? value.map(text) : Buffer.isBuffer(value) ? value.toString('hex') : (value ?? null))
  return JSON.stringify(Object.entries(headers ?? {}).map(([key, value]) => [key, text(value)]))
}

/** All but the offset, which two clusters needn't share. */
export const contentOf = ({ key, value, headers, timestamp }: ReadRecord): string => JSON.stringify([key, value, headers, timestamp])

export const valuesOf = (contents: Contents, partition: TopicPartition): readonly (string | null)[] => (contents.get(partition) ?? []).map(({ value }) => value)

/** By key, the newest value: what a reader of a compacted topic ends up with. */
export function latestByKey(contents: Contents, partition: TopicPartition): Readonly<Record<string, string>> {
  const latest = new Map<string, string>()
  for (const { key, value } of contents.get(partition) ?? []) {
    if (value === null) latest.delete(key ?? '')
    else latest.set(key ?? '', value)
  }
  return Object.fromEntries([...latest].toSorted())
}

/** What a group with these committed offsets still has to read, by partition: the truth that a translated position has to keep. */
export function remaining(contents: Contents, committed: PartitionOffsets): Readonly<Record<TopicPartition, readonly string[]>> {
  const partitions = [...committed].toSorted(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(partitions.map(([name, from]) => [name, (contents.get(name) ?? []).filter(({ offset }) => offset >= from).map(contentOf)]))
}
