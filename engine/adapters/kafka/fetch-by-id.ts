import { createAPI, type Reader, readKnownTaggedFields, Writer } from '@platformatic/kafka'
import type { AbortedTransaction } from './record-batches.ts'

/** Where to read one partition of one topic, which its id names: a topic of the same name that was made later is another one. */
export interface FetchTarget {
  readonly topicId: string
  readonly index: number
  /** As Metadata named it with the leader; a leader of another epoch refuses. */
  readonly leaderEpoch: number
  readonly offset: bigint
  /** Leader epoch of the last batch that was read, -1 for none: a log that was truncated below it and written anew is told as diverged (KIP-595). */
  readonly lastFetchedEpoch: number
  readonly maxBytes: number
}

/** One Fetch: what it changes in its session (KIP-227), or all of it when `sessionEpoch` is 0. */
export interface FetchByIdRequest {
  readonly maxWaitMs: number
  /** With so many there is no waiting. */
  readonly minBytes: number
  readonly maxBytes: number
  readonly sessionId: number
  readonly sessionEpoch: number
  readonly targets: readonly FetchTarget[]
  readonly forgotten: readonly { readonly topicId: string; readonly index: number }[]
}

/** One partition's part of the answer. */
export interface FetchedById {
  readonly topicId: string
  readonly index: number
  readonly errorCode: number
  readonly lastStableOffset: bigint
  readonly logStartOffset: bigint
  /** The log isn't the one that was read: it goes another way after an earlier offset. */
  readonly diverged: boolean
  readonly aborted: readonly AbortedTransaction[]
  /** Record batches as the broker keeps them; the last may be cut short. */
  readonly records: Buffer
}

/** A Fetch answer; session id 0 when the broker keeps no session. */
export interface FetchByIdResponse {
  readonly throttleMs: number
  readonly errorCode: number
  readonly sessionId: number
  readonly partitions: readonly FetchedById[]
}

const consumer = -1
const readCommitted = 1

function createRequest(request: FetchByIdRequest): Writer {
  return Writer.create()
    .appendInt32(consumer)
    .appendInt32(request.maxWaitMs)
    .appendInt32(request.minBytes)
    .appendInt32(request.maxBytes)
    .appendInt8(readCommitted)
    .appendInt32(request.sessionId)
    .appendInt32(request.sessionEpoch)
    .appendArray([...Map.groupBy(request.targets, (target) => target.topicId)], (writer, [topicId, targets]) => {
      writer.appendUUID(topicId).appendArray(targets, appendTarget)
    })
    .appendArray([...Map.groupBy(request.forgotten, (one) => one.topicId)], (writer, [topicId, ones]) => {
      writer.appendUUID(topicId).appendArray(ones, (inner, { index }) => inner.appendInt32(index), true, false)
    })
    .appendString('') // rack
    .appendTaggedFields()
}

function appendTarget(writer: Writer, target: FetchTarget): void {
  writer
    .appendInt32(target.index)
    .appendInt32(target.leaderEpoch)
    .appendInt64(target.offset)
    .appendInt32(target.lastFetchedEpoch)
    .appendInt64(-1n) // log start offset: followers only
    .appendInt32(target.maxBytes)
}

function parseResponse(_correlationId: number, _apiKey: number, _apiVersion: number, reader: Reader): FetchByIdResponse {
  const throttleMs = reader.readInt32()
  const errorCode = reader.readInt16()
  const sessionId = reader.readInt32()
  const topics = reader.readArray((topicReader) => {
    const topicId = topicReader.readUUID()
    return topicReader.readArray((partitionReader) => parsePartition(topicId, partitionReader), true, false)
  })
  return { throttleMs, errorCode, sessionId, partitions: topics.flat() }
}

function parsePartition(topicId: string, reader: Reader): FetchedById {
  const index = reader.readInt32()
  const errorCode = reader.readInt16()
  reader.readInt64() // high watermark
  const lastStableOffset = reader.readInt64()
  const logStartOffset = reader.readInt64()
  const aborted = reader.readNullableArray((inner) => ({ producerId: inner.readInt64(), firstOffset: inner.readInt64() })) ?? []
  reader.readInt32() // preferred read replica
  const length = reader.readUnsignedVarInt() - 1
  const records = length > 0 ? reader.buffer.slice(reader.position, reader.position + length) : Buffer.alloc(0)
  if (length > 0) reader.skip(length)
  const divergingEpochTag = 0
  let diverged = false
  readKnownTaggedFields(reader, {
    [divergingEpochTag]: (inner) => {
      diverged = inner.readInt32() >= 0 // -1: none
    },
  })
  return { topicId, index, errorCode, lastStableOffset, logStartOffset, diverged, aborted, records }
}

/** Fetch version 13, the first that names topics by id (3.9: 0-17, 4.3: 4-18); its records stay undecoded. */
export const fetchV13 = createAPI<[request: FetchByIdRequest], FetchByIdResponse>(1, 13, createRequest, parseResponse)
