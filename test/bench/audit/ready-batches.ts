import { crc32c, createRecordsBatch } from '@platformatic/kafka'
import { systemClock } from '../../../engine/ports/clock.ts'

/** Byte positions in a record batch (magic 2): what stands behind `crc` is what it is over. */
const layout = { crc: 17, attributes: 21, baseTimestamp: 27, maxTimestamp: 35 } as const

/**
 * Record batches that cost next to nothing to make: one that was encoded once, with another timestamp each time. Within a batch the values differ, between batches
 * the timestamps, so that no two records of a partition are equal. Uncompressed, without keys, of no producer id.
 */
export class ReadyBatches {
  readonly records: number
  readonly #template: Buffer
  #lastTimestamp = 0n

  constructor(records: number, recordBytes: number) {
    this.records = records
    const messages = Array.from({ length: records }, (_, index) => ({
      topic: '',
      partition: 0,
      key: null,
      value: Buffer.from(`${index} `.padEnd(recordBytes, 'kafka blue-green ')),
      headers: new Map(),
      timestamp: 0n,
    }))
    this.#template = Buffer.from(createRecordsBatch(messages as never, { compression: 'none' }).buffer)
  }

  /** The next batch; timestamps ascend. */
  next(): Buffer {
    const now = BigInt(systemClock.wallClock().getTime())
    this.#lastTimestamp = now > this.#lastTimestamp ? now : this.#lastTimestamp + 1n
    const batch = Buffer.from(this.#template)
    batch.writeBigInt64BE(this.#lastTimestamp, layout.baseTimestamp)
    batch.writeBigInt64BE(this.#lastTimestamp, layout.maxTimestamp)
    batch.writeUInt32BE(crc32c(batch.subarray(layout.attributes)) >>> 0, layout.crc)
    return batch
  }
}
