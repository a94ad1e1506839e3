import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { appendAuditRecords, type DigestOptions, type Hash64, openHash64, recordPartsOf } from '../../engine/adapters/kafka/audit-records.ts'
import { committedBatches, wholeBatches } from '../../engine/adapters/kafka/record-batches.ts'
import type { AuditRecord, RecordParts } from '../../engine/ports/audit-reader.ts'
import { batchOf, type Message, marker, message } from '../support/record-batches.ts'

const everything: DigestOptions = { keys: true, timestamps: true }
const logAppendTimeMask = 0x08
let hash64: Hash64
beforeAll(async () => {
  hash64 = await openHash64()
})

function read(bytes: Buffer, options = everything, from = 0n): readonly AuditRecord[] {
  const records: AuditRecord[] = []
  for (const batch of wholeBatches(bytes)) appendAuditRecords(batch, from, options, hash64, records)
  return records
}

const digestOf = (one: Message, options = everything): bigint | undefined => read(batchOf([one]), options)[0]?.digest

function partsOf(bytes: Buffer, offset: bigint): RecordParts | undefined {
  return [...wholeBatches(bytes)].map((batch) => recordPartsOf(batch, offset, hash64)).find((parts) => parts !== undefined)
}

const text = (value: string): Buffer => Buffer.from(value)
const anyBytes = fc.option(fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)))
const anyHeaders = fc
  .array(fc.tuple(fc.constantFrom('a', 'b', ''), anyBytes), { maxLength: 4 })
  .map((pairs) => new Map(pairs.map(([key, value]) => [text(key), value])))
/** Within 24 days: the library that writes these batches encodes longer distances wrongly. */
const anyTimestamp = fc.bigInt({ min: 1_700_000_000_000n, max: 1_700_000_000_000n + 2n ** 31n - 1n })
const anyMessage: fc.Arbitrary<Message> = fc.record({ key: anyBytes, value: anyBytes, headers: anyHeaders, timestamp: anyTimestamp })

describe('the digest of a record', () => {
  test('is xxHash64 of its bytes from the key on, with the timestamp as the seed', () => {
    const bytes = Buffer.from([4, 0x6b, 0x31, 2, 0x76, 2, 2, 0x68, 1]) // varints are zig-zag: key k1, value v, one header h without a value
    const one = message('k1', 'v', { headers: new Map([[text('h'), null]]), timestamp: 77n })
    expect(digestOf(one)).toBe(hash64(bytes, 77n))
    expect(read(batchOf([one]))[0]?.key).toBe(hash64(text('k1')))
    expect(hash64(text(''))).toBe(0xef46db3751d8e999n) // the reference implementation's value
    expect(hash64(text('abc'))).toBe(0x44bc2cf5ad770999n)
  })

  test('differs when anything of the record differs, and only then', () => {
    const [a, b] = [text('a'), text('b')]
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
      message('abc', '', { headers: new Map([[a, null]]) }),
      message('abc', '', { headers: new Map([[a, text('')]]) }),
      message('abc', '', { headers: new Map([[a, b], [b, a]]) }), // biome-ignore format: one variant a line
      message('abc', '', { headers: new Map([[b, a], [a, b]]) }), // biome-ignore format: one variant a line
      message('abc', '', { headers: new Map([[a, b], [text('a'), b]]) }), // biome-ignore format: one variant a line
    ]
    expect(new Set(variants.map((one) => digestOf(one))).size).toBe(variants.length)
    expect(variants.map((one) => digestOf(one))).toEqual(variants.map((one) => digestOf(one)))
  })

  test('changes with each single flipped bit of key, value, header or timestamp', () => {
    fc.assert(
      fc.property(anyMessage, fc.nat(), (one, where) => {
        const fields = [one.key, one.value, ...[...(one.headers ?? [])].flat()].filter((field) => field !== null && field.length > 0) as Buffer[]
        const field = fields[where % fields.length]
        fc.pre(field !== undefined)
        const before = digestOf(one)
        const at = where % field.length
        field.writeUInt8(field.readUInt8(at) ^ (1 << (where % 8)), at)
        expect(digestOf(one)).not.toBe(before)
        expect(digestOf({ ...one, timestamp: (one.timestamp ?? 0n) ^ 1n })).not.toBe(digestOf(one))
      }),
    )
  })

  test('is the same however records are batched, compressed and numbered', () => {
    const anyCodec = fc.constantFrom('none', 'gzip', 'snappy', 'lz4', 'zstd')
    const anyLog = fc.array(fc.tuple(fc.array(anyMessage, { minLength: 1, maxLength: 5 }), anyCodec), { minLength: 1, maxLength: 5 })
    fc.assert(
      fc.property(anyLog, fc.bigInt({ min: 0n, max: 2n ** 40n }), (log, base) => {
        let next = base
        const framed = log.map(([messages, codec]) => {
          const batch = batchOf(messages, next, codec as 'none')
          next += BigInt(messages.length)
          return batch
        })
        const records = read(Buffer.concat(framed))
        const alone = log.flatMap(([messages]) => messages).map((one) => read(batchOf([one]))[0])
        expect(records.map(({ digest, key }) => [digest, key])).toEqual(alone.map((one) => [one?.digest, one?.key]))
        expect(records.map((one) => one.offset)).toEqual(alone.map((_, index) => base + BigInt(index)))
      }),
      { numRuns: 60 },
    )
  })

  test('leaves the timestamp out where that is asked for, and the key where it is not', () => {
    const [early, late] = [message('k', 'v', { timestamp: 1n }), message('k', 'v', { timestamp: 2n })]
    const without = { keys: false, timestamps: false }
    expect(digestOf(early)).not.toBe(digestOf(late))
    expect(digestOf(early, without)).toBe(digestOf(late, without))
    expect(read(batchOf([early]), without)[0]?.key).toBeNull()
    expect(read(batchOf([message(null, 'v'), message('', 'v')])).map((one) => one.key)).toEqual([null, hash64(text(''))])
  })

  test("has the append's time in a log with LogAppendTime", () => {
    const bytes = batchOf([message('a', '1'), message('a', '1', { timestamp: 1_700_000_000_500n })])
    bytes.writeInt16BE(logAppendTimeMask, 21)
    const appended = digestOf(message('a', '1', { timestamp: 1_700_000_000_500n }))
    expect(read(bytes).map((one) => one.digest)).toEqual([appended, appended])
    expect(partsOf(bytes, 0n)?.timestamp).toBe(1_700_000_000_500n)
  })
})

test('records below the position are left out, also inside a batch', () => {
  const bytes = batchOf([message('a', '1'), message('b', '2'), message('c', '3')], 40n)
  expect(read(bytes, everything, 41n).map((one) => one.offset)).toEqual([41n, 42n])
})

test('of transactions only what was committed is read', () => {
  const log = Buffer.concat([
    batchOf([message('k', 'aborted')], 0n, 'none', { producerId: 9n }),
    batchOf([message('k', 'committed')], 1n, 'lz4', { producerId: 8n }),
    marker('abort', 9n, 2n),
    marker('commit', 8n, 3n),
  ])
  const records: AuditRecord[] = []
  for (const batch of committedBatches(wholeBatches(log), [{ producerId: 9n, firstOffset: 0n }])) appendAuditRecords(batch, 0n, everything, hash64, records)
  expect(records).toEqual([{ offset: 1n, digest: digestOf(message('k', 'committed')), key: hash64(text('k')) }])
})

test('the parts of a record name what differs', () => {
  const headers = new Map([[text('h'), text('1')]])
  const one = message('k', 'v', { headers })
  const log = batchOf([message('other', 'other'), one], 7n, 'zstd')
  const parts = partsOf(log, 8n)
  expect(parts).toMatchObject({ timestamp: 1_700_000_000_000n, keyDigest: hash64(text('k')), valueDigest: hash64(text('v')) })
  expect(partsOf(log, 9n)).toBeUndefined()
  const changes: readonly [keyof RecordParts, Message][] = [
    ['timestamp', { ...one, timestamp: 1n }],
    ['keyDigest', { ...one, key: null }],
    ['valueDigest', { ...one, value: text('w') }],
    ['headersDigest', { ...one, headers: new Map([[text('h'), null]]) }],
    ['headersDigest', { ...one, headers: new Map([...headers, ...new Map([[text('h'), text('1')]])]) }],
  ]
  for (const [part, changed] of changes) {
    const other = partsOf(batchOf([changed], 8n), 8n)
    expect(other).not.toEqual(parts)
    expect({ ...other, [part]: parts?.[part] }).toEqual(parts)
  }
  expect(partsOf(batchOf([message(null, null)]), 0n)).toMatchObject({ keyDigest: null, valueDigest: null })
})
