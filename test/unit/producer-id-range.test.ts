import { crc32c } from '@platformatic/kafka'
import { describe, expect, test } from 'vitest'
import { wholeBatches } from '../../engine/adapters/kafka/record-batches.ts'
import { withFirstProducerId } from '../../engine/adapters/local/producer-id-range.ts'
import { firstProducerIds } from '../../engine/model/producer-ids.ts'
import { batchOf, marker, message } from '../support/record-batches.ts'

/** As `kafka-storage format` writes it: a header, the features' levels, a footer. */
const checkpoint = Buffer.concat([
  marker('commit', 0n, 0n),
  batchOf([message(null, 'metadata.version'), message(null, 'kraft.version')], 1n),
  marker('commit', 0n, 3n),
])

describe('the checkpoint that a colour is born with', () => {
  const batches = [...wholeBatches(withFirstProducerId(checkpoint, firstProducerIds.green))]

  test('keeps header and features, has one more record before the footer, and goes on in order', () => {
    expect(batches.map(({ baseOffset, lastOffset, control }) => [baseOffset, lastOffset, control])).toEqual([
      [0n, 0n, true],
      [1n, 2n, false],
      [3n, 3n, false],
      [4n, 4n, true],
    ])
    const original = [...wholeBatches(checkpoint)]
    expect(batches.slice(0, 2).map(({ bytes }) => bytes)).toEqual(original.slice(0, 2).map(({ bytes }) => bytes))
    expect(batches[3]?.bytes.subarray(8)).toEqual(original[2]?.bytes.subarray(8))
  })

  test('says where the ids begin, under a checksum that is right', () => {
    const bytes = batches[2]?.bytes ?? Buffer.alloc(0)
    const value = Buffer.concat([Buffer.from([1, 15, 0]), Buffer.alloc(12), idBytes(1_000_000_000_000n), Buffer.from([0])])
    expect(bytes.includes(value)).toBe(true)
    expect(crc32c(bytes.subarray(21))).toBe(bytes.readUInt32BE(17))
  })
})

function idBytes(id: bigint): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigInt64BE(id)
  return bytes
}
