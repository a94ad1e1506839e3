import { describe, expect, test } from 'vitest'
import { type AbortedTransaction, committedBatches, copiesOf, type RecordBatch, recordsOf, wholeBatches } from '../../engine/adapters/kafka/record-batches.ts'
import { batchOf, type Message, marker, message } from '../support/record-batches.ts'

const read = (bytes: Buffer, from = 0n, to = 1_000_000n) => [...wholeBatches(bytes)].flatMap((batch) => [...recordsOf(batch, from, to)])
const digestOf = (one: Message): string | undefined => read(batchOf([one]))[0]?.digest
const visibleOffsets = (bytes: Buffer, aborted: readonly AbortedTransaction[]): readonly bigint[] =>
  [...committedBatches(wholeBatches(bytes), aborted)].flatMap((batch: RecordBatch) => [...recordsOf(batch, 0n, 1_000n)].map((record) => record.offset))

describe('records of a batch', () => {
  test('carry offset and timestamp, and only those asked for come', () => {
    const bytes = Buffer.concat([batchOf([message('a', '1'), message('b', '2', { timestamp: 1_700_086_400_123n })], 40n), batchOf([message('c', '3')], 50n)])
    expect(read(bytes).map(({ offset, timestamp }) => [offset, timestamp])).toEqual([
      [40n, 1_700_000_000_000n],
      [41n, 1_700_086_400_123n],
      [50n, 1_700_000_000_000n],
    ])
    expect(read(bytes, 41n, 50n).map((record) => record.offset)).toEqual([41n])
  })

  test.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const)('have the same digest whatever the compression and the offset: %s', (compression) => {
    const messages = Array.from({ length: 300 }, (_, index) => message(`k${index}`, 'v'.repeat(index)))
    const plain = read(batchOf(messages)).map((record) => record.digest)
    expect(read(batchOf(messages, 7_000n, compression)).map((record) => record.digest)).toEqual(plain)
    expect(new Set(plain).size).toBe(300)
  })

  test('differ in digest when anything of them differs: nulls, lengths, order of headers, timestamp', () => {
    const [a, b] = [Buffer.from('a'), Buffer.from('b')]
    const variants = [
      message('ab', 'c'),
      message('a', 'bc'),
      message(null, 'abc'),
      message('', 'abc'),
      message('abc', null),
      message('abc', ''),
      message('abc', '', { timestamp: 1_700_000_000_001n }),
      message('abc', '', { headers: new Map([[a, b]]) }),
      message('abc', '', { headers: new Map([[b, a]]) }),
      message('abc', '', { headers: new Map([[a, b], [b, a]]) }), // biome-ignore format: one variant a line
      message('abc', '', { headers: new Map([[b, a], [a, b]]) }), // biome-ignore format: one variant a line
    ]
    expect(new Set(variants.map(digestOf)).size).toBe(variants.length)
    expect(digestOf(message('abc', '', { headers: new Map([[a, b]]) }))).toBe(digestOf(message('abc', '', { headers: new Map([[a, b]]) })))
  })

  test('of a topic with LogAppendTime carry the time of the append, which is no part of the digest: each side has its own', () => {
    const appended = (atMs: bigint) => {
      const bytes = batchOf([message('a', '1'), message('b', '2', { timestamp: atMs })])
      const logAppendTimeMask = 0x08
      bytes.writeInt16BE(logAppendTimeMask, 21)
      return read(bytes)
    }
    const [earlier, later] = [appended(1_700_000_000_500n), appended(1_700_000_000_900n)]
    expect(earlier.map((record) => record.timestamp)).toEqual([1_700_000_000_500n, 1_700_000_000_500n])
    expect(later.map((record) => record.digest)).toEqual(earlier.map((record) => record.digest))
    expect(new Set(earlier.map((record) => record.digest)).size).toBe(2)
  })

  test('are copied with all that they are made of: nulls, empty values, headers that come twice, in order', () => {
    const [name, other] = [Buffer.from('h'), Buffer.from('i')]
    const headers = new Map<Buffer, Buffer | null>([[name, Buffer.from('1')], [other, null], [Buffer.from('h'), Buffer.alloc(0)]]) // biome-ignore format: one line
    const bytes = batchOf([message(null, ''), message('', null, { headers, timestamp: 1_700_000_000_001n }), message('k', 'v')], 7n, 'zstd')
    const copies = [...wholeBatches(bytes)].flatMap((batch) => [...copiesOf(batch, 7n, 9n)])
    const told = copies.map(({ key, value, headers: own }) => [key, value, own.map(([one, content]) => `${one} ${content === null ? 'null' : `"${content}"`}`)])
    expect(told).toEqual([
      [null, Buffer.alloc(0), []],
      [Buffer.alloc(0), null, ['h "1"', 'i null', 'h ""']],
    ])
    expect(copies.map(({ offset, timestamp, digest }) => ({ offset, timestamp, digest }))).toEqual(read(bytes, 7n, 9n))
  })

  test('a batch that was cut short is left for the next fetch', () => {
    const [first, second] = [batchOf([message('a', '1')]), batchOf([message('b', '2')], 1n)]
    const cut = Buffer.concat([first, second]).subarray(0, first.length + second.length - 1)
    expect(read(cut).map((record) => record.offset)).toEqual([0n])
    expect(read(first.subarray(0, 30))).toEqual([])
  })

  test('a batch that says it is shorter than its header is refused, not read for ever', () => {
    const bytes = Buffer.concat([batchOf([message('a', '1')]), batchOf([message('b', '2')])])
    bytes.writeInt32BE(-12, 8)
    expect(() => read(bytes)).toThrow(/record-format/)
  })

  test('older formats are refused, not misread', () => {
    const bytes = batchOf([message('a', '1')])
    bytes.writeInt8(1, 16)
    expect(() => read(bytes)).toThrow(/record-format/)
  })
})

describe('what a read_committed consumer sees', () => {
  const one = [message('k', 'v')]

  test('leaves out an aborted transaction up to its marker, and every marker', () => {
    const log = Buffer.concat([
      batchOf(one, 0n),
      batchOf(one, 1n, 'none', { producerId: 9n }),
      batchOf(one, 2n, 'none', { producerId: 8n }),
      marker('abort', 9n, 3n),
      batchOf(one, 4n, 'none', { producerId: 9n }),
      marker('commit', 8n, 5n),
      marker('commit', 9n, 6n),
      batchOf(one, 7n),
    ])
    expect(visibleOffsets(log, [{ producerId: 9n, firstOffset: 1n }])).toEqual([0n, 2n, 4n, 7n])
  })

  test('knows two aborted transactions of one producer, in whatever order the broker names them', () => {
    const log = Buffer.concat([
      batchOf(one, 10n, 'none', { producerId: 9n }),
      marker('abort', 9n, 11n),
      batchOf(one, 12n, 'none', { producerId: 9n }),
      marker('commit', 9n, 13n),
      batchOf(one, 14n, 'none', { producerId: 9n }),
      marker('abort', 9n, 15n),
    ])
    const aborted = [
      { producerId: 9n, firstOffset: 14n },
      { producerId: 9n, firstOffset: 10n },
    ]
    expect(visibleOffsets(log, aborted)).toEqual([12n])
  })

  test('a transaction that began before what was fetched stays out', () => {
    const log = Buffer.concat([batchOf(one, 20n, 'none', { producerId: 9n }), batchOf(one, 21n), marker('abort', 9n, 22n)])
    expect(visibleOffsets(log, [{ producerId: 9n, firstOffset: 3n }])).toEqual([21n])
  })
})
