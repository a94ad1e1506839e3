/** Record batches made by hand, as a broker would keep them. */
import { type CompressionAlgorithmValue, createRecordsBatch } from '@platformatic/kafka'

/** A record to be put into a batch; a header may come twice, and have no value. */
export interface Message {
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers?: ReadonlyMap<Buffer, Buffer | null>
  readonly timestamp?: bigint
}

/** A record with text as key and value. */
export const message = (key: string | null, value: string | null, more: Partial<Message> = {}): Message => ({
  key: key === null ? null : Buffer.from(key),
  value: value === null ? null : Buffer.from(value),
  timestamp: 1_700_000_000_000n,
  ...more,
})

/** A batch as a broker would keep it at `baseOffset`. */
export function batchOf(
  messages: readonly Message[],
  baseOffset = 0n,
  compression: CompressionAlgorithmValue = 'none',
  transaction?: { readonly producerId: bigint },
): Buffer {
  const mutable = messages.map((each) => ({ topic: 't', partition: 0, ...each, headers: each.headers ?? new Map() }))
  const options = { compression, ...(transaction ? { producerId: transaction.producerId, transactionalId: 'x' } : {}) }
  const bytes = Buffer.from(createRecordsBatch(mutable as never, options).buffer)
  bytes.writeBigInt64BE(baseOffset, 0)
  return bytes
}

/** A commit or abort marker: a control batch of one record whose key is (version 0, type). */
export function marker(type: 'abort' | 'commit', producerId: bigint, offset: bigint): Buffer {
  const key = Buffer.from([0, 0, 0, type === 'abort' ? 0 : 1])
  const bytes = batchOf([{ key, value: Buffer.alloc(6), timestamp: 1n }], offset, 'none', { producerId })
  const controlMask = 0x20
  bytes.writeInt16BE(bytes.readInt16BE(21) | controlMask, 21)
  return bytes
}
