import { createRecordsBatch } from '@platformatic/kafka'

/** KRaft's ProducerIdsRecord, version 0, in the frame of a metadata record (org.apache.kafka.server.common.serialization.AbstractApiMessageSerde). */
const frameVersion = 1
const producerIdsRecord = 15
const lengthEnd = 12
const lastOffsetDeltaOffset = 23
const bootstrapEpoch = 1

/**
 * A `bootstrap.checkpoint` after which the controller's first block of producer ids begins here. Kafka's own format tool has no option for it; giving out all ids before would take a request each.
 *
 * @param checkpoint what Kafka's format tool wrote: a header, the features' levels and a footer, a batch each
 */
export function withFirstProducerId(checkpoint: Buffer, firstProducerId: bigint): Buffer {
  const batches: Buffer[] = []
  for (let position = 0; position < checkpoint.length; ) {
    const end = position + lengthEnd + checkpoint.readInt32BE(position + 8)
    batches.push(Buffer.from(checkpoint.subarray(position, end)))
    position = end
  }
  const footer = batches.pop() ?? Buffer.alloc(0)
  const offset = footer.readBigInt64BE(0)
  const value = Buffer.alloc(24) // and no tagged fields
  value.writeUInt8(frameVersion, 0)
  value.writeUInt8(producerIdsRecord, 1)
  value.writeInt32BE(0, 3) // the broker of the last block, which nobody asks for
  value.writeBigInt64BE(firstProducerId, 15)
  const timestamp = footer.readBigInt64BE(27)
  const batch = Buffer.from(createRecordsBatch([{ topic: '', partition: 0, value, timestamp }] as never, { compression: 'none' }).buffer)
  batch.writeBigInt64BE(offset, 0)
  batch.writeInt32BE(bootstrapEpoch, lengthEnd)
  footer.writeBigInt64BE(offset + BigInt(batch.readInt32BE(lastOffsetDeltaOffset)) + 1n, 0) // a batch's checksum begins behind its offset
  return Buffer.concat([...batches, batch, footer])
}
