import { hash } from 'node:crypto'
import { compressionsAlgorithmsByBitmask } from '@platformatic/kafka'
import { KbgError } from '../../model/error.ts'
import type { RecordCopy, VisibleRecord } from '../../ports/cluster.ts'
import { ByteCursor } from './byte-cursor.ts'

/** Record batches of format 2 (KIP-98, org.apache.kafka.common.record.DefaultRecordBatch), read without copying and without decoding what nobody asks for. */
const magicOffset = 16
const attributesOffset = 21
const recordsOffset = 61
const lengthEnd = 12
const compressionMask = 0x07
const logAppendTimeMask = 0x08
const transactionalMask = 0x10
const controlMask = 0x20

/** One batch's header, and its bytes. */
export interface RecordBatch {
  readonly baseOffset: bigint
  readonly lastOffset: bigint
  /** The leader's epoch when it was appended. */
  readonly leaderEpoch: number
  readonly transactional: boolean
  /** Holds one control record (commit or abort marker) that no consumer sees. */
  readonly control: boolean
  readonly producerId: bigint
  readonly bytes: Buffer
}

/** An aborted transaction's producer and first offset, as a Fetch response names it. */
export interface AbortedTransaction {
  readonly producerId: bigint
  readonly firstOffset: bigint
}

/** The whole batches at the start of a Fetch response's records; brokers may cut the last one short. @throws KbgError `record-format` */
export function* wholeBatches(records: Buffer): Generator<RecordBatch> {
  let position = 0
  while (records.length - position >= recordsOffset) {
    const end = position + lengthEnd + records.readInt32BE(position + 8)
    if (end > records.length) return
    if (end < position + recordsOffset) throw new KbgError('record-format', 'A record batch is shorter than its header.', { facts: { position } })
    yield readHeader(records.subarray(position, end))
    position = end
  }
}

function readHeader(bytes: Buffer): RecordBatch {
  const magic = bytes.readInt8(magicOffset)
  if (magic !== 2) throw new KbgError('record-format', 'A record batch has a format that is not supported.', { facts: { observed: magic, required: 2 } })
  const attributes = bytes.readInt16BE(attributesOffset)
  const baseOffset = bytes.readBigInt64BE(0)
  return {
    baseOffset,
    lastOffset: baseOffset + BigInt(bytes.readInt32BE(23)),
    leaderEpoch: bytes.readInt32BE(lengthEnd),
    transactional: (attributes & transactionalMask) !== 0,
    control: (attributes & controlMask) !== 0,
    producerId: bytes.readBigInt64BE(43),
    bytes,
  }
}

/**
 * The batches that a read_committed consumer sees, as Kafka's own consumer decides it (CompletedFetch): a transaction's batches between its first offset and its abort marker are left
 * out, and so are control batches.
 */
export function* committedBatches(batches: Iterable<RecordBatch>, aborted: readonly AbortedTransaction[]): Generator<RecordBatch> {
  const waiting = [...aborted].sort((a, b) => (a.firstOffset < b.firstOffset ? -1 : a.firstOffset > b.firstOffset ? 1 : 0))
  const abortedProducers = new Set<bigint>()
  for (const batch of batches) {
    while (waiting[0] !== undefined && waiting[0].firstOffset <= batch.lastOffset) {
      abortedProducers.add(waiting[0].producerId)
      waiting.shift()
    }
    if (batch.control) {
      if (isAbortMarker(batch)) abortedProducers.delete(batch.producerId)
    } else if (!(batch.transactional && abortedProducers.has(batch.producerId))) yield batch
  }
}

/** A control record's key is its version and type, both int16; type 0 is an abort (ControlRecordType). */
function isAbortMarker(batch: RecordBatch): boolean {
  const cursor = new ByteCursor(batch.bytes, recordsOffset)
  skipToKey(cursor)
  const keyLength = cursor.varint()
  return keyLength >= 4 && batch.bytes.readInt16BE(cursor.position + 2) === 0
}

/** Skips a record's length, attributes, timestamp delta and offset delta. */
function skipToKey(cursor: ByteCursor): void {
  cursor.varint()
  cursor.skip(1)
  cursor.varlong()
  cursor.varint()
}

/** A batch's records as one piece, uncompressed, with what its header says about all of them. */
export interface BatchRecords {
  readonly payload: Buffer
  readonly count: number
  readonly firstTimestamp: bigint
  /** With LogAppendTime every record's timestamp; else undefined. */
  readonly appendTimestamp: bigint | undefined
}

/** @throws KbgError `compression` when the codec can't be read here */
export function openBatch(batch: RecordBatch): BatchRecords {
  const attributes = batch.bytes.readInt16BE(attributesOffset)
  return {
    payload: decompressed(batch.bytes.subarray(recordsOffset), attributes & compressionMask),
    count: batch.bytes.readInt32BE(57),
    firstTimestamp: batch.bytes.readBigInt64BE(27),
    appendTimestamp: (attributes & logAppendTimeMask) === 0 ? undefined : batch.bytes.readBigInt64BE(35),
  }
}

/** Who appended a batch that reaches into `from <= offset < to`, without opening it. */
export interface BatchWriter {
  /** -1: not idempotent. */
  readonly producerId: bigint
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly maxTimestamp: bigint
  readonly transactional: boolean
  readonly records: number
}

export function* writerOf(batch: RecordBatch, from: bigint, to: bigint): Generator<BatchWriter> {
  if (batch.lastOffset < from || batch.baseOffset >= to) return
  const { bytes, producerId, transactional } = batch
  const header = { producerEpoch: bytes.readInt16BE(51), baseSequence: bytes.readInt32BE(53), maxTimestamp: bytes.readBigInt64BE(35) }
  yield { producerId, transactional, ...header, records: bytes.readInt32BE(57) }
}

/** The records of a batch with `from <= offset < to`, in order. @throws KbgError `compression` when the codec can't be read here */
export function* recordsOf(batch: RecordBatch, from: bigint, to: bigint): Generator<VisibleRecord> {
  if (batch.lastOffset < from || batch.baseOffset >= to) return
  const { payload, count, firstTimestamp, appendTimestamp } = openBatch(batch)
  const cursor = new ByteCursor(payload, 0)
  for (let index = 0; index < count; index++) {
    const length = cursor.varint()
    const end = cursor.position + length
    cursor.skip(1)
    const timestampDelta = cursor.varlong()
    const offset = batch.baseOffset + BigInt(cursor.varint())
    if (offset >= to) return
    if (offset >= from) {
      const timestamp = appendTimestamp ?? firstTimestamp + timestampDelta
      yield { offset, timestamp, digest: digestOf(payload, cursor.position, end, appendTimestamp === undefined ? timestamp : 0n) }
    }
    cursor.position = end
  }
}

/** {@link recordsOf} with key, value and headers. Seldom needed, so it doesn't slow the other one down. @throws KbgError `compression` */
export function* copiesOf(batch: RecordBatch, from: bigint, to: bigint): Generator<RecordCopy> {
  if (batch.lastOffset < from || batch.baseOffset >= to) return
  const { payload, count, firstTimestamp, appendTimestamp } = openBatch(batch)
  const cursor = new ByteCursor(payload, 0)
  for (let index = 0; index < count; index++) {
    const length = cursor.varint()
    const end = cursor.position + length
    cursor.skip(1)
    const delta = cursor.varlong()
    const timestamp = appendTimestamp ?? firstTimestamp + delta
    const offset = batch.baseOffset + BigInt(cursor.varint())
    if (offset >= to) return
    if (offset >= from) {
      const digest = digestOf(payload, cursor.position, end, appendTimestamp === undefined ? timestamp : 0n)
      const [key, value] = [fieldOf(payload, cursor), fieldOf(payload, cursor)]
      const headers = Array.from({ length: cursor.varint() }, () => [fieldOf(payload, cursor) ?? Buffer.alloc(0), fieldOf(payload, cursor)] as const)
      yield { offset, timestamp, digest, key, value, headers }
    }
    cursor.position = end
  }
}

/** A field behind its length, null for -1; the cursor stands behind it then. */
function fieldOf(payload: Buffer, cursor: ByteCursor): Buffer | null {
  const length = cursor.varint()
  if (length < 0) return null
  const start = cursor.position
  cursor.skip(length)
  return payload.subarray(start, cursor.position)
}

function decompressed(bytes: Buffer, codec: number): Buffer {
  if (codec === 0) return bytes
  const algorithms: Readonly<Record<string, { readonly decompressSync: (data: Buffer) => Buffer }>> = compressionsAlgorithmsByBitmask
  const algorithm = algorithms[String(codec)]
  if (!algorithm) throw new KbgError('compression', 'A record batch is compressed in a way that is not known here.', { facts: { observed: codec } })
  return algorithm.decompressSync(bytes)
}

let scratch = Buffer.allocUnsafe(16 * 1024)

/**
 * SHA-1 over the timestamp (0 with LogAppendTime: each side stamps its copy itself) and the record's own bytes from its key on: key, value, header count, then each
 * header, every one behind its length (-1 for null). That encoding is what the format prescribes, so equal records have equal bytes; offsets are not part of it. Against
 * accident, not against an adversary.
 */
function digestOf(payload: Buffer, start: number, end: number, timestamp: bigint): string {
  const length = 8 + end - start
  if (scratch.length < length) scratch = Buffer.allocUnsafe(length * 2)
  scratch.writeBigInt64BE(timestamp, 0)
  payload.copy(scratch, 8, start, end)
  return hash('sha1', scratch.subarray(0, length), 'base64')
}
