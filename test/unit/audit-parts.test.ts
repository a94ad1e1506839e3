import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { alignmentConfig, PartitionAlignment } from '../../engine/audit/alignment.ts'
import { auditPhases } from '../../engine/audit/phases.ts'
import { RecentDigests } from '../../engine/audit/recent-digests.ts'
import type { AuditRecord } from '../../engine/audit/record.ts'
import { RollingDigest } from '../../engine/audit/rolling-digest.ts'
import { colours } from '../../engine/model/colour.ts'

const digest64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })

function digestOf(records: readonly bigint[]): string {
  const digest = new RollingDigest()
  for (const record of records) digest.add(record)
  return digest.toString()
}

describe('the rolling digest', () => {
  test('another record, another order, one more or one less give another digest; also of equal and zero records', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(digest64, fc.constant(0n), fc.constant(1n)), { minLength: 2, maxLength: 30 }),
        fc.nat(),
        digest64,
        (records, nth, other) => {
          const at = nth % (records.length - 1)
          const whole = digestOf(records)
          const [first = 0n, second = 0n] = records.slice(at)
          if (other !== first) expect(digestOf(records.with(at, other))).not.toBe(whole)
          if (first !== second) expect(digestOf(records.with(at, second).with(at + 1, first))).not.toBe(whole)
          expect(digestOf(records.toSpliced(at, 1))).not.toBe(whole)
          expect(digestOf(records.toSpliced(at, 0, first))).not.toBe(whole)
          expect(digestOf(records.toSpliced(at, 0, first, first))).not.toBe(whole)
        },
      ),
      { numRuns: 2_000 },
    )
  })

  test('no two of many short sequences of the same records share a digest', () => {
    const sequences = Array.from({ length: 8 }, (_, length) => length).flatMap((length) =>
      Array.from({ length: 3 ** length }, (_, nth) => nth.toString(3).padStart(length, '0').slice(0, length)),
    )
    const distinct = new Set(sequences)
    expect(new Set([...distinct].map((sequence) => digestOf([...sequence].map(BigInt)))).size).toBe(distinct.size)
  })

  test('each of its halves hangs on the order of all that came, whichever half of the records differs', () => {
    for (const step of [0x1n, 0x1_0000_0000n, 0x1e3779b97f4a7c15n]) {
      const [a, b, c, d] = [step, 2n * step, 3n * step, 7n]
      const orders = [a, b, c].flatMap((first, at, all) =>
        [all.toSpliced(at, 1), all.toSpliced(at, 1).reverse()].map((rest) => digestOf([first, ...rest, d, d])),
      )
      expect(new Set(orders.map((digest) => digest.slice(0, 8))).size).toBe(6)
      expect(new Set(orders.map((digest) => digest.slice(8))).size).toBe(6)
    }
  })

  test('goes on from its text', () => {
    fc.assert(
      fc.property(fc.array(digest64), fc.array(digest64), (before, after) => {
        const resumed = new RollingDigest(digestOf(before))
        for (const record of after) resumed.add(record)
        expect(resumed.toString()).toBe(digestOf([...before, ...after]))
      }),
    )
  })
})

test('recent digests: the last ones and no others, also after being written down', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.integer({ min: 0, max: 2 ** 32 - 1 }), { maxLength: 40 }), fc.integer({ min: 1, max: 16 }), (digests, capacity) => {
      const recent = new RecentDigests(capacity)
      for (const digest of digests) recent.add(BigInt(digest))
      const restored = new RecentDigests(capacity, recent.toString())
      const kept = new Set(digests.slice(-capacity))
      for (const digest of digests) expect([recent.has(BigInt(digest)), restored.has(BigInt(digest))]).toEqual([kept.has(digest), kept.has(digest)])
      expect(restored.toString()).toBe(recent.toString())
    }),
  )
})

describe('memory', () => {
  const recordsOf = (from: number, count: number) =>
    Array.from({ length: count }, (_, index): AuditRecord => ({ offset: BigInt(from + index), digest: BigInt(from + index) * 0x1e3779b97f4a7c15n, key: null }))

  test('a million records on each side with drained runs: pending stays bounded, and so does the checkpoint', () => {
    const alignment = new PartitionAlignment(alignmentConfig(false))
    let [most, drained] = [0, 0]
    for (let at = 0; at < 1_000_000; at += 1_000) {
      alignment.feed('blue', recordsOf(at, 1_000), BigInt(at + 1_000))
      if (at > 0) alignment.feed('green', recordsOf(at - 1_000, 1_000), BigInt(at))
      alignment.advance()
      drained += alignment.drain().runs.length
      most = Math.max(most, ...colours.map((colour) => alignment.pending(colour).records))
    }
    expect(alignment.facts()).toMatchObject({ alignedRecords: 999_000, state: { kind: 'equal' } })
    expect(most).toBeLessThanOrEqual(1_000)
    expect(drained).toBeLessThanOrEqual(1_000)
    expect(JSON.stringify(alignment.checkpoint()).length).toBeLessThan(8_000)
  })

  test('fed beyond all reason after losing its way it takes nothing more', () => {
    const alignment = new PartitionAlignment({ ...alignmentConfig(false), lookaheadRecords: 100 })
    alignment.feed('blue', recordsOf(0, 100), 100n)
    alignment.feed('green', recordsOf(5_000, 100), 5_100n)
    alignment.advance()
    for (let at = 100; at < 10_000; at += 100) {
      alignment.feed('blue', recordsOf(at, 100), BigInt(at + 100))
      alignment.advance()
    }
    expect(alignment.pending('blue')).toEqual({ records: 100, restartFrom: 0n, readUpTo: 100n })
  })
})

describe('what is told', () => {
  test('a checkpoint with undrained findings is refused', () => {
    const alignment = new PartitionAlignment(alignmentConfig(false))
    for (const colour of colours) alignment.feed(colour, [{ offset: 0n, digest: 1n, key: null }], 1n)
    alignment.advance()
    expect(() => alignment.checkpoint()).toThrow(/audit-undrained/)
    alignment.drain()
    expect(alignment.checkpoint().version).toBe(1)
  })

  test('the phases: evidence, and inconclusive where nothing was compared', () => {
    const alignment = new PartitionAlignment(alignmentConfig(false))
    alignment.feed('blue', [{ offset: 0n, digest: 1n, key: null }], 1n)
    alignment.advance()
    expect(auditPhases('orders-0', alignment.facts()).map(({ verdict }) => verdict)).toEqual(['inconclusive', 'inconclusive', 'inconclusive'])
    alignment.atEnd(1n, 0n)
    alignment.advance()
    expect(auditPhases('orders-0', alignment.facts())).toMatchObject([
      { name: 'counts of orders-0', verdict: 'fail', observed: 'blue 1, green 0 visible records; no record in common', required: 'as many on both sides' },
      { name: 'checksums of orders-0', verdict: 'fail' },
      { name: 'sequence of orders-0', verdict: 'fail', observed: '1 missing: missing on green at blue 0, green end' },
    ])
  })

  test('the first five findings in order, and how many more', () => {
    const alignment = new PartitionAlignment(alignmentConfig(false))
    alignment.feed(
      'blue',
      Array.from({ length: 8 }, (_, index) => ({ offset: BigInt(index), digest: BigInt(index + 1), key: null })),
      8n,
    )
    alignment.atEnd(8n, 0n)
    alignment.advance()
    expect(auditPhases('orders-0', alignment.facts())[2]?.observed).toMatch(/^8 missing: missing on green at blue 0, .*at blue 4, green end and 3 more$/)
    expect(alignment.drain().differences).toHaveLength(8)
  })

  test('a certain mismatch is told before it can be named', () => {
    const alignment = new PartitionAlignment(alignmentConfig(false))
    alignment.feed('blue', [{ offset: 0n, digest: 1n, key: null }], 1n)
    alignment.feed('green', [{ offset: 4n, digest: 2n, key: null }], 5n)
    alignment.advance()
    expect(alignment.facts().state).toMatchObject({ kind: 'differs', reason: expect.stringContaining('blue 0 and green 4 are not the same record') })
    expect(auditPhases('orders-0', alignment.facts())[2]?.verdict).toBe('fail')
  })
})
