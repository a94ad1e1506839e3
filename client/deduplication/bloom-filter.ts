import { hash, randomBytes } from 'node:crypto'
import { checkRecordsPerPartition, type Deduplicator, optionError, type SightedRecord, type Sighting } from './deduplicator.ts'

/** What a Bloom filter remembers, and what that may cost. */
export interface BloomFilterOptions {
  /** At least the last so many records of each partition, at most twice as many. */
  readonly recordsPerPartition: number
  /**
   * At most this part of new records is taken for duplicates, **which is this part of all records lost**: 0.001 loses up to one record in a thousand. Memory
   * for each partition grows with its logarithm: 0.001 takes 4 bytes for each of `recordsPerPartition`.
   */
  readonly falsePositiveRate: number
}

/**
 * Remembers ids as bits of a Bloom filter, in two generations: when the younger is full the older is forgotten. A twentieth of an exact window's memory, and
 * records are lost for it: **a false positive is a record that is dropped from both colours and never handed over**. Use it only where that is acceptable;
 * `expectedLost` says how many it was likely to have been so far.
 *
 * Never the other error: what is remembered is a `duplicate`. A record that may be forgotten is `unknown`, as with the exact window.
 * Source: Bloom 1970; double hashing as Kirsch and Mitzenmacher 2006.
 */
export class BloomFilter implements Deduplicator {
  readonly #recordsPerPartition: number
  readonly #shape: Shape
  readonly #salt: Buffer
  readonly #partitions = new Map<string, Generations>()
  #expectedLost = 0

  /**
   * @param salt goes into every hash, so that nobody can choose ids that meet the bits of somebody else's; random unless a test wants repeatable hashes
   * @throws KbgError `deduplication-options`
   */
  constructor({ recordsPerPartition, falsePositiveRate }: BloomFilterOptions, salt: Buffer = randomBytes(16)) {
    checkRecordsPerPartition(recordsPerPartition)
    if (!(falsePositiveRate >= 1e-9 && falsePositiveRate <= 0.1)) throw optionError('falsePositiveRate', falsePositiveRate, 'from 1e-9 to 0.1')
    this.#recordsPerPartition = recordsPerPartition
    this.#shape = shapeFor(recordsPerPartition, falsePositiveRate / 2) // both generations are asked, so that each may err half as often
    this.#salt = salt
  }

  look({ id, partition, timestampMs }: SightedRecord): Sighting {
    const generations = this.#partitions.get(partition)
    if (generations === undefined) return 'new'
    const bits = this.#bitsOf(id)
    if (generations.younger.has(bits) || generations.older?.has(bits)) return 'duplicate'
    return timestampMs > generations.forgottenMs ? 'new' : 'unknown'
  }

  remember({ id, partition, timestampMs }: SightedRecord): void {
    const generations = this.#partitions.get(partition) ?? new Generations(this.#shape)
    this.#partitions.set(partition, generations)
    const rate = generations.falsePositiveRate
    this.#expectedLost += rate / (1 - rate) // for each record that passed, so many did not
    if (generations.younger.count >= this.#recordsPerPartition) generations.rotate(this.#shape)
    generations.younger.add(this.#bitsOf(id), timestampMs)
  }

  get expectedLost(): number {
    return this.#expectedLost
  }

  /** The part of new records of a partition that would be lost now, from the bits that are set. */
  falsePositiveRate(partition: string): number {
    return this.#partitions.get(partition)?.falsePositiveRate ?? 0
  }

  /** Memory of the bits of one partition. */
  get bytesPerPartition(): number {
    return 2 * 4 * Math.ceil(this.#shape.bits / 32)
  }

  #bitsOf(id: string | Buffer): readonly number[] {
    const bytes = typeof id === 'string' ? Buffer.from(id, 'utf8') : id
    const digest = hash('sha256', Buffer.concat([this.#salt, bytes]), 'buffer')
    const first = digest.readUIntBE(0, 6)
    const step = digest.readUIntBE(6, 6)
    return Array.from({ length: this.#shape.hashes }, (_, index) => (first + index * step) % this.#shape.bits) // below 2^53: exact
  }
}

interface Shape {
  readonly bits: number
  readonly hashes: number
}

/** The smallest filter that holds `records` at `rate`: m = -n ln p / (ln 2)^2 bits, k = m / n ln 2 hashes. */
function shapeFor(records: number, rate: number): Shape {
  const bits = Math.max(64, Math.ceil((-records * Math.log(rate)) / Math.LN2 ** 2))
  return { bits, hashes: Math.max(1, Math.round(-Math.log2(rate))) }
}

class Generations {
  younger: Generation
  older: Generation | undefined
  /** The latest timestamp that was forgotten. */
  forgottenMs = Number.NEGATIVE_INFINITY

  constructor(shape: Shape) {
    this.younger = new Generation(shape)
  }

  rotate(shape: Shape): void {
    this.forgottenMs = Math.max(this.forgottenMs, this.older?.newestMs ?? Number.NEGATIVE_INFINITY)
    this.older = this.younger
    this.younger = new Generation(shape)
  }

  get falsePositiveRate(): number {
    return 1 - (1 - this.younger.falsePositiveRate) * (1 - (this.older?.falsePositiveRate ?? 0))
  }
}

class Generation {
  count = 0
  newestMs = Number.NEGATIVE_INFINITY
  readonly #shape: Shape
  readonly #words: Uint32Array
  #set = 0

  constructor(shape: Shape) {
    this.#shape = shape
    this.#words = new Uint32Array(Math.ceil(shape.bits / 32))
  }

  get falsePositiveRate(): number {
    return (this.#set / this.#shape.bits) ** this.#shape.hashes
  }

  has(bits: readonly number[]): boolean {
    return bits.every((bit) => this.#isSet(bit))
  }

  add(bits: readonly number[], timestampMs: number): void {
    this.count += 1
    this.newestMs = Math.max(this.newestMs, timestampMs)
    for (const bit of bits) {
      if (this.#isSet(bit)) continue
      this.#words[bit >>> 5] = (this.#words[bit >>> 5] ?? 0) | (1 << (bit & 31))
      this.#set += 1
    }
  }

  #isSet(bit: number): boolean {
    return (((this.#words[bit >>> 5] ?? 0) >>> (bit & 31)) & 1) === 1
  }
}
