import { createAPI, type Reader, Writer } from '@platformatic/kafka'
import { parseTopicPartition, type TopicPartition, topicPartition } from '../../model/partition.ts'
import type { AbortedTransaction } from './record-batches.ts'

/** Where to read one partition. */
export interface FetchPosition {
  readonly partition: TopicPartition
  readonly offset: bigint
  readonly maxBytes: number
}

/** One partition's part of a Fetch response. */
export interface FetchedPartition {
  readonly partition: TopicPartition
  readonly errorCode: number
  readonly lastStableOffset: bigint
  readonly logStartOffset: bigint
  readonly aborted: readonly AbortedTransaction[]
  /** Record batches as the broker keeps them; the last may be cut short. */
  readonly records: Buffer
}

const readCommitted = 1
const noEpoch = -1

function byTopic(positions: readonly FetchPosition[]): readonly (readonly [string, readonly (FetchPosition & { readonly index: number })[]])[] {
  const topics = new Map<string, (FetchPosition & { readonly index: number })[]>()
  for (const position of positions) {
    const { topic, partition } = parseTopicPartition(position.partition)
    const entries = topics.get(topic) ?? []
    entries.push({ ...position, index: partition })
    topics.set(topic, entries)
  }
  return [...topics]
}

/** Answers at once, full session, as an ordinary read_committed consumer. */
function createRequest(positions: readonly FetchPosition[], maxBytes: number): Writer {
  return Writer.create()
    .appendInt32(-1) // replica id: a consumer
    .appendInt32(0) // max wait
    .appendInt32(0) // min bytes
    .appendInt32(maxBytes)
    .appendInt8(readCommitted)
    .appendInt32(0) // session id: none
    .appendInt32(-1) // session epoch: full fetch without a session
    .appendArray([...byTopic(positions)], (writer, [topic, partitions]) => {
      writer.appendString(topic).appendArray([...partitions], (inner, position) => {
        inner
          .appendInt32(position.index)
          .appendInt32(noEpoch)
          .appendInt64(position.offset)
          .appendInt32(noEpoch)
          .appendInt64(-1n) // log start offset: followers only
          .appendInt32(position.maxBytes)
      })
    })
    .appendArray([], () => undefined) // forgotten topics
    .appendString('') // rack
    .appendTaggedFields()
}

interface FetchResponse {
  readonly errorCode: number
  readonly partitions: readonly FetchedPartition[]
}

function parseResponse(_correlationId: number, _apiKey: number, _apiVersion: number, reader: Reader): FetchResponse {
  reader.readInt32() // throttle time
  const errorCode = reader.readInt16()
  reader.readInt32() // session id
  const topics = reader.readArray((topicReader) => {
    const topic = topicReader.readString()
    return topicReader.readArray((partitionReader) => parsePartition(topic, partitionReader))
  })
  return { errorCode, partitions: topics.flat() }
}

function parsePartition(topic: string, reader: Reader): FetchedPartition {
  const partition = topicPartition(topic, reader.readInt32())
  const errorCode = reader.readInt16()
  reader.readInt64() // high watermark
  const lastStableOffset = reader.readInt64()
  const logStartOffset = reader.readInt64()
  const aborted = reader.readNullableArray((inner) => ({ producerId: inner.readInt64(), firstOffset: inner.readInt64() })) ?? []
  reader.readInt32() // preferred read replica
  const length = reader.readUnsignedVarInt() - 1
  const records = length > 0 ? reader.buffer.slice(reader.position, reader.position + length) : Buffer.alloc(0)
  if (length > 0) reader.skip(length)
  return { partition, errorCode, lastStableOffset, logStartOffset, aborted, records }
}

/** Fetch version 12, the last one that names topics by name (3.9: 0-17, 4.3: 4-18); its records stay undecoded, so that thousands of them cost one pass. */
export const fetchV12 = createAPI<[positions: readonly FetchPosition[], maxBytes: number], FetchResponse>(1, 12, createRequest, parseResponse)
