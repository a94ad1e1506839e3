import { crc32 as zlibCrc32 } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { crc32 } from '../../engine/offsets/crc32.ts'
import { blockOf, decodeBlock, encodeBlock, type MapRun, runOf, runsPerBlock } from '../../engine/offsets/map-block.ts'
import { scanBlocks } from '../../engine/offsets/map-scan.ts'
import { maxVarintBytes, VarintReader, writeVarint } from '../../engine/offsets/varint.ts'

/** Runs from how far each begins behind the one before it, on both sides, and its records. */
function runsOf(steps: readonly (readonly [number, number, number])[], blueStart = 0n, greenStart = 0n): readonly MapRun[] {
  let [blue, green] = [blueStart, greenStart]
  return steps.map(([blueGap, greenGap, records]) => {
    const run = { blue: blue + BigInt(blueGap), green: green + BigInt(greenGap), records }
    blue = run.blue + BigInt(records)
    green = run.green + BigInt(records)
    return run
  })
}

const gap = fc.oneof(fc.nat(3), fc.nat(200), fc.nat(2 ** 40))
const step = fc.tuple(
  gap,
  gap,
  fc.nat(2 ** 33).map((records) => records + 1),
)
const anyRuns = fc
  .tuple(fc.array(step, { minLength: 1, maxLength: 60 }), fc.bigInt({ min: 0n, max: 2n ** 61n }), fc.bigInt({ min: 0n, max: 2n ** 61n }))
  .map(([steps, blue, green]) => runsOf(steps, blue, green))

describe('the checksum', () => {
  it("is zlib's", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(crc32(bytes)).toBe(zlibCrc32(bytes))
      }),
    )
  })
})

describe('varints', () => {
  it('come back as they were, up to the largest safe integer', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.nat(300), fc.maxSafeNat()), { maxLength: 20 }), (values) => {
        const bytes = new Uint8Array(values.length * maxVarintBytes)
        const end = values.reduce((at, value) => writeVarint(bytes, at, value), 0)
        const reader = new VarintReader(bytes.subarray(0, end), 0)
        expect(values.map(() => reader.next())).toEqual(values)
        expect(reader.at).toBe(end)
        expect(reader.next()).toBeNaN()
      }),
    )
    const longest = new Uint8Array(maxVarintBytes)
    expect(writeVarint(longest, 0, Number.MAX_SAFE_INTEGER)).toBe(maxVarintBytes)
    expect(new VarintReader(Uint8Array.of(0x80), 0).next()).toBeNaN()
    expect(new VarintReader(new Uint8Array(9).fill(0xff), 0).next()).toBeNaN()
  })
})

describe('a block', () => {
  it('comes back as it was written, with what its anchor needs', () => {
    fc.assert(
      fc.property(anyRuns, fc.bigInt({ min: 0n, max: 2n ** 60n }), (runs, recordsBefore) => {
        const block = decodeBlock(encodeBlock(blockOf(runs, recordsBefore)))
        expect(runs.map((_, index) => runOf(block, index))).toEqual(runs)
        const last = runs[runs.length - 1] ?? { blue: 0n, green: 0n, records: 0 }
        expect(block.span).toEqual({
          runs: runs.length,
          records: runs.reduce((sum, run) => sum + BigInt(run.records), 0n),
          recordsBefore,
          first: { blue: runs[0]?.blue, green: runs[0]?.green },
          end: { blue: last.blue + BigInt(last.records), green: last.green + BigInt(last.records) },
        })
      }),
    )
  })

  it('takes about four bytes for a run of an exactly-once mirror that commits every few hundred records', () => {
    const runs = runsOf(Array.from({ length: runsPerBlock }, (_, index) => [index % 3 === 0 ? 1 : 0, 1, 100 + ((index * 7919) % 400)] as const))
    expect(encodeBlock(blockOf(runs, 0n)).length / runs.length).toBeLessThan(4.1)
  })

  it('refuses what is no block: too many, none, empty, descending, too far apart', () => {
    const far = 2n ** 53n
    const wrong: readonly (readonly MapRun[])[] = [
      [],
      runsOf(Array.from({ length: runsPerBlock + 1 }, () => [0, 1, 1] as const)),
      [{ blue: 0n, green: 0n, records: 0 }],
      [
        { blue: 5n, green: 5n, records: 2 },
        { blue: 6n, green: 9n, records: 1 },
      ],
      [
        { blue: 5n, green: 5n, records: 2 },
        { blue: 9n, green: 6n, records: 1 },
      ],
      [
        { blue: 0n, green: 0n, records: 1 },
        { blue: 1n, green: far, records: 1 },
      ],
    ]
    for (const runs of wrong) expect(() => blockOf(runs, 0n)).toThrow(/offset-map-order/)
  })

  it('with any bit flipped is refused', () => {
    fc.assert(
      fc.property(anyRuns, fc.nat(), fc.nat(7), (runs, at, bit) => {
        const bytes = encodeBlock(blockOf(runs, 7n))
        const index = at % bytes.length
        bytes.writeUInt8(bytes.readUInt8(index) ^ (1 << bit), index)
        expect(() => decodeBlock(bytes)).toThrow(/offset-map-damaged/)
      }),
      { numRuns: 500 },
    )
  })

  it('with a good checksum over nonsense is refused as well', () => {
    const bytes = Buffer.from(encodeBlock(blockOf(runsOf([[0, 0, 300]]), 0n)))
    const resigned = (change: (copy: Buffer) => void): Buffer => {
      const copy = Buffer.from(bytes)
      change(copy)
      copy.writeUInt32BE(crc32(copy.subarray(4)), 0)
      return copy
    }
    expect(decodeBlock(resigned(() => undefined)).span.records).toBe(300n)
    expect(() => decodeBlock(resigned((copy) => copy.writeUInt8(2, 8)))).toThrow(/its head/)
    expect(() => decodeBlock(resigned((copy) => copy.writeUInt16BE(2, 9)))).toThrow(/its runs/)
    expect(() => decodeBlock(resigned((copy) => copy.writeUInt16BE(0, 9)))).toThrow(/its head/)
    expect(() => decodeBlock(resigned((copy) => copy.writeUInt8(1, copy.length - 2)))).toThrow(/its runs/)
  })

  it('whose offsets add up beyond what a double holds is refused', () => {
    const [most, zero] = [Number.MAX_SAFE_INTEGER, { blue: 0n, green: 0n }]
    const span = { runs: 2, records: 0n, recordsBefore: 0n, first: zero, end: zero }
    const [near, far, recordsUpTo] = [Float64Array.of(0, 1), Float64Array.of(0, most), Float64Array.of(0, 1, 2)]
    const bytes = (blue: Float64Array, green: Float64Array) => encodeBlock({ span, starts: { blue, green }, recordsUpTo })
    expect(decodeBlock(bytes(near, near)).span.end).toEqual({ blue: 2n, green: 2n })
    expect(() => decodeBlock(bytes(far, near))).toThrow(/its runs/)
    expect(() => decodeBlock(bytes(near, far))).toThrow(/its runs/)
  })
})

describe('a scan over stored blocks', () => {
  const steps = Array.from({ length: 10 }, (_, index) => [index % 2, 1, 5 + index] as const)
  const runs = runsOf(steps, 100n, 2_000n)
  const before = (count: number) => runs.slice(0, count).reduce((sum, run) => sum + BigInt(run.records), 40n)
  const blocks = [0, 4, 8].map((from) => blockOf(runs.slice(from, from + 4), before(from)))
  const stored = blocks.map(encodeBlock)
  const anchors = blocks.map((block, index) => ({ ...block.span, bytes: stored[index]?.length }))
  const all = Buffer.concat(stored)

  it('rebuilds the anchors', () => {
    expect(scanBlocks(all)).toEqual({ anchors, goodBytes: all.length, end: { kind: 'complete' } })
    expect(scanBlocks(Buffer.alloc(0))).toEqual({ anchors: [], goodBytes: 0, end: { kind: 'complete' } })
    expect(scanBlocks(all.subarray(stored[0]?.length)).anchors).toEqual(anchors.slice(1))
  })

  it('tells a truncated last block, wherever it ends, and ignores it', () => {
    const two = (stored[0]?.length ?? 0) + (stored[1]?.length ?? 0)
    for (let length = two + 1; length < all.length; length++) {
      const end = { kind: 'truncated', ignoredBytes: length - two }
      expect(scanBlocks(all.subarray(0, length))).toEqual({ anchors: anchors.slice(0, 2), goodBytes: two, end })
    }
  })

  it('stops at a flipped bit anywhere, before the block that has it', () => {
    for (let at = 0; at < all.length; at++) {
      const bytes = Buffer.from(all)
      bytes.writeUInt8(bytes.readUInt8(at) ^ 0x10, at)
      const scan = scanBlocks(bytes)
      expect(scan.end.kind).not.toBe('complete')
      expect(scan.goodBytes).toBeLessThanOrEqual(at)
      expect(scan.anchors).toEqual(anchors.slice(0, scan.anchors.length))
    }
  })

  it('stops where a block is missing, comes twice, or comes too early', () => {
    const [a, b, c] = stored as [Buffer, Buffer, Buffer]
    const reasonOf = (...order: readonly Buffer[]) => JSON.stringify(scanBlocks(Buffer.concat(order)).end)
    expect(reasonOf(a, c)).toMatch(/damaged.*records lie before it/)
    expect(reasonOf(a, b, b)).toMatch(/damaged.*before the end of the block in front/)
    expect(reasonOf(b, a)).toMatch(/damaged.*before the end of the block in front/)
  })
})
