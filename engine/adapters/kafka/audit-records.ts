import createHasher from 'xxhash-wasm'
import type { AuditRecord, RecordParts } from '../../ports/audit-reader.ts'
import { ByteCursor } from './byte-cursor.ts'
import { openBatch, type RecordBatch } from './record-batches.ts'

/** xxHash64 of the bytes, in WebAssembly; without a seed it is 0. */
export type Hash64 = (bytes: Uint8Array, seed?: bigint) => bigint

/** The hash function, compiled once for each process. */
export async function openHash64(): Promise<Hash64> {
  hasher ??= createHasher()
  return (await hasher).h64Raw
}

let hasher: ReturnType<typeof createHasher> | undefined

/** What is wanted of each record: see ReadFrom. */
export interface DigestOptions {
  readonly keys: boolean
  readonly timestamps: boolean
}

/**
 * Appends a batch's records from offset `from` on, in order, to `records`.
 *
 * The digest is over the record's own bytes from its key on (key, value, header count, then each header, every one behind its length, -1 for null) with the timestamp as the hash's
 * seed, or 0 when timestamps are left out. That encoding is what the format prescribes, so equal records have equal bytes, however they are batched or compressed; offsets are not part of it.
 * @throws KbgError `compression` when the codec can't be read here; RangeError when the batch is shorter than it says
 */
export function appendAuditRecords(batch: RecordBatch, from: bigint, options: DigestOptions, hash64: Hash64, records: AuditRecord[]): void {
  const { payload, count, firstTimestamp, appendTimestamp } = openBatch(batch)
  const cursor = new ByteCursor(payload, 0)
  for (let index = 0; index < count; index++) {
    const end = endOfRecord(payload, cursor)
    cursor.skip(1) // attributes: none are defined
    const timestampDelta = cursor.varlong()
    const offset = batch.baseOffset + BigInt(cursor.varint())
    if (offset >= from) {
      const seed = options.timestamps ? (appendTimestamp ?? firstTimestamp + timestampDelta) : 0n
      const digest = hash64(payload.subarray(cursor.position, end), seed)
      if (options.keys) {
        const key = digestOfField(payload, cursor, hash64)
        records.push(cursor.varint() < 0 ? { offset, digest, key, tombstone: true } : { offset, digest, key })
      } else records.push({ offset, digest, key: null })
    }
    cursor.position = end
  }
}

/** The parts of the record at `offset`; undefined when the batch doesn't hold it. @throws as {@link appendAuditRecords} */
export function recordPartsOf(batch: RecordBatch, offset: bigint, hash64: Hash64): RecordParts | undefined {
  const { payload, count, firstTimestamp, appendTimestamp } = openBatch(batch)
  const cursor = new ByteCursor(payload, 0)
  for (let index = 0; index < count; index++) {
    const end = endOfRecord(payload, cursor)
    cursor.skip(1)
    const timestampDelta = cursor.varlong()
    if (batch.baseOffset + BigInt(cursor.varint()) === offset) {
      const keyDigest = digestOfField(payload, cursor, hash64)
      const valueDigest = digestOfField(payload, cursor, hash64)
      const headersDigest = hash64(payload.subarray(cursor.position, end))
      return { timestamp: appendTimestamp ?? firstTimestamp + timestampDelta, keyDigest, valueDigest, headersDigest }
    }
    cursor.position = end
  }
  return undefined
}

/** Where the record ends whose length comes next. */
function endOfRecord(payload: Buffer, cursor: ByteCursor): number {
  const length = cursor.varint()
  const end = cursor.position + length
  if (length < 0 || end > payload.length) throw new RangeError('a record is longer than its batch')
  return end
}

/** Digest of a field behind its length, null for null; the cursor stands behind it then. */
function digestOfField(payload: Buffer, cursor: ByteCursor, hash64: Hash64): bigint | null {
  const length = cursor.varint()
  if (length < 0) return null
  const start = cursor.position
  cursor.skip(length)
  return hash64(payload.subarray(start, cursor.position))
}
