/** Deduplicators against a naive reference that forgets nothing, and what a Bloom filter really loses. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BloomFilter } from '../../client/deduplication/bloom-filter.ts'
import type { Deduplicator, SightedRecord } from '../../client/deduplication/deduplicator.ts'
import { ExactWindow } from '../../client/deduplication/exact-window.ts'

const salt = Buffer.from('a test')

/** Few ids, so that they repeat; an id's timestamp is its own, as both copies of a record have the same. */
const streams = fc
  .array(fc.record({ id: fc.nat(60), partition: fc.constantFrom('a', 'b') }), { maxLength: 400 })
  .map((sightings) => sightings.map(({ id, partition }): SightedRecord => ({ id: `id-${id}`, partition, timestampMs: 1_000 + ((id * 37) % 61) })))

/** What a reader does: hands over what is no duplicate, and remembers that. */
function readAll(deduplicator: Deduplicator, records: readonly SightedRecord[]) {
  return records.map((record) => {
    const sighting = deduplicator.look(record)
    if (sighting !== 'duplicate') deduplicator.remember(record)
    return sighting
  })
}

/** The ids of the record's partition that were handed over before `index`, in order; a repeated one counts from its last time. */
function handedOver(records: readonly SightedRecord[], sightings: readonly string[], index: number): readonly SightedRecord[] {
  const before = records.slice(0, index).filter((record, at) => record.partition === records[index]?.partition && sightings[at] !== 'duplicate')
  return [...new Map(before.toReversed().map((record) => [String(record.id), record])).values()].toReversed()
}

describe('an exact window', () => {
  test('with room for everything is a set', () => {
    fc.assert(
      fc.property(streams, (records) => {
        const sets = { a: new Set<string>(), b: new Set<string>() }
        const expected = records.map(({ id, partition }) => {
          const set = sets[partition === 'a' ? 'a' : 'b']
          const known = set.has(String(id))
          set.add(String(id))
          return known ? 'duplicate' : 'new'
        })
        expect(readAll(new ExactWindow({ recordsPerPartition: 61, maxAgeMs: 61 }), records)).toEqual(expected)
      }),
    )
  })

  test('says duplicate only of what it has seen, new only of what it has not, and tells where its window ends', () => {
    fc.assert(
      fc.property(streams, fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 60 }), (records, recordsPerPartition, maxAgeMs) => {
        const window = new ExactWindow({ recordsPerPartition, maxAgeMs })
        const sightings = readAll(window, records)
        expect(window.size).toBeLessThanOrEqual(2 * recordsPerPartition)
        for (const [index, record] of records.entries()) {
          const before = handedOver(records, sightings, index)
          const known = before.some(({ id }) => id === record.id)
          if (sightings[index] === 'duplicate') expect(known).toBe(true)
          if (sightings[index] === 'new') expect(known).toBe(false)
          const inWindow = before.slice(-recordsPerPartition)
          const aged = inWindow.some((each, at) => inWindow.slice(at + 1).some((later) => each.timestampMs < later.timestampMs - maxAgeMs))
          if (!aged && inWindow.some(({ id }) => id === record.id)) expect(sightings[index]).toBe('duplicate')
          if (sightings[index] === 'unknown') expect(before.some(({ timestampMs }) => timestampMs >= record.timestampMs)).toBe(true)
        }
      }),
    )
  })

  test('too small for the distance between the colours, it delivers and says that it can not tell', () => {
    const window = new ExactWindow({ recordsPerPartition: 10, maxAgeMs: 1_000_000 })
    const records = Array.from({ length: 30 }, (_, index) => ({ id: `${index}`, partition: 'orders-0', timestampMs: index }))
    expect(new Set(readAll(window, records))).toEqual(new Set(['new']))
    expect(window.look({ id: '25', partition: 'orders-0', timestampMs: 25 })).toBe('duplicate')
    expect(window.look({ id: '5', partition: 'orders-0', timestampMs: 5 })).toBe('unknown')
    expect(window.look({ id: '25', partition: 'orders-1', timestampMs: 25 })).toBe('new')
  })

  test('is bounded by age too, and one record from the future does not stay in the way', () => {
    const window = new ExactWindow({ recordsPerPartition: 1_000, maxAgeMs: 100 })
    const at = (timestampMs: number) => ({ id: `${timestampMs}`, partition: 'p', timestampMs })
    readAll(window, [at(0), at(50), at(101)])
    expect([window.look(at(0)), window.look(at(50)), window.size]).toEqual(['unknown', 'duplicate', 2])
    readAll(window, [at(9_999_999), at(102), at(103)])
    expect(window.look(at(101))).toBe('unknown')
    expect([window.look(at(102)), window.look(at(103))]).toEqual(['duplicate', 'duplicate'])
  })

  test('ids are bytes: text is its UTF-8, long ones are told apart, and no short one is a long one', () => {
    const window = new ExactWindow({ recordsPerPartition: 10, maxAgeMs: 10 })
    const look = (id: string | Buffer) => window.look({ id, partition: 'p', timestampMs: 0 })
    for (const id of ['é', 'x'.repeat(10_000)]) window.remember({ id, partition: 'p', timestampMs: 0 })
    expect([look(Buffer.from('é')), look(Buffer.from('é', 'latin1'))]).toEqual(['duplicate', 'new'])
    expect([look('x'.repeat(10_000)), look(`${'x'.repeat(9_999)}y`)]).toEqual(['duplicate', 'new'])
  })
})

describe('a Bloom filter', () => {
  test('says new only of what it has not seen, and duplicate of everything in its window', () => {
    fc.assert(
      fc.property(streams, fc.integer({ min: 1, max: 20 }), (records, recordsPerPartition) => {
        const sightings = readAll(new BloomFilter({ recordsPerPartition, falsePositiveRate: 0.1 }, salt), records)
        for (const [index, record] of records.entries()) {
          const before = handedOver(records, sightings, index)
          if (sightings[index] === 'new') expect(before.some(({ id }) => id === record.id)).toBe(false)
          if (before.slice(-recordsPerPartition).some(({ id }) => id === record.id)) expect(sightings[index]).toBe('duplicate')
        }
      }),
    )
  })

  test.each([0.01, 0.001])('at a rate of %d loses at most that part of all records, and knows how many', (falsePositiveRate) => {
    const filter = new BloomFilter({ recordsPerPartition: 10_000, falsePositiveRate }, salt)
    const records = 200_000
    const next = generator(1)
    const sightings = readAll(
      filter,
      Array.from({ length: records }, (_, index) => ({ id: `order-${index}-${next()}`, partition: 'orders-0', timestampMs: index })),
    )
    const lost = sightings.filter((sighting) => sighting === 'duplicate').length // every id is new: each of these is a record that nobody gets
    console.info(JSON.stringify({ falsePositiveRate, records, lost, expectedLost: Math.round(filter.expectedLost), bytes: filter.bytesPerPartition }))
    expect(lost).toBeGreaterThan(0)
    expect(lost).toBeLessThanOrEqual(records * falsePositiveRate)
    expect(Math.abs(lost - filter.expectedLost)).toBeLessThan(5 * Math.sqrt(filter.expectedLost))
    expect(filter.falsePositiveRate('orders-0')).toBeLessThanOrEqual(falsePositiveRate * 1.1)
    expect(filter.falsePositiveRate('orders-1')).toBe(0)
  })

  test('what left both generations is unknown', () => {
    const filter = new BloomFilter({ recordsPerPartition: 10, falsePositiveRate: 1e-6 }, salt)
    const records = Array.from({ length: 30 }, (_, index) => ({ id: `${index}`, partition: 'p', timestampMs: index }))
    readAll(filter, records)
    expect(records.map((record) => filter.look(record))).toEqual([...Array(10).fill('unknown'), ...Array(20).fill('duplicate')])
    expect(filter.look({ id: '30', partition: 'p', timestampMs: 30 })).toBe('new')
  })
})

test('options that make no sense are refused', () => {
  for (const recordsPerPartition of [0, 1.5, Number.NaN, 1e9]) {
    expect(() => new ExactWindow({ recordsPerPartition, maxAgeMs: 1 })).toThrow('recordsPerPartition')
    expect(() => new BloomFilter({ recordsPerPartition, falsePositiveRate: 0.01 })).toThrow('recordsPerPartition')
  }
  for (const maxAgeMs of [0, Number.NaN]) expect(() => new ExactWindow({ recordsPerPartition: 1, maxAgeMs })).toThrow('maxAgeMs')
  for (const falsePositiveRate of [0, 0.5, Number.NaN]) {
    expect(() => new BloomFilter({ recordsPerPartition: 1, falsePositiveRate })).toThrow('falsePositiveRate')
  }
})

/** Mulberry32: the same numbers in every run. */
function generator(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return (mixed ^ (mixed >>> 14)) >>> 0
  }
}
