import { checkRecordsPerPartition, type Deduplicator, idKey, optionError, type SightedRecord, type Sighting } from './deduplicator.ts'

/** What an exact window remembers. */
export interface ExactWindowOptions {
  /** The last so many records of each partition. About 100 bytes of memory each, for ids of 36 bytes. */
  readonly recordsPerPartition: number
  /** And of those, as records come, only the ones at most so much older than the newest by their own timestamps. */
  readonly maxAgeMs: number
}

interface Window {
  /** Each id with its timestamp, in the order of remembering. */
  readonly timestamps: Map<string, number>
  /** The latest timestamp that was forgotten: behind it nothing was. */
  forgottenMs: number
}

/**
 * Remembers ids themselves, in a window bounded by count and by age: `duplicate` and `new` are certain. A record that may have left the window is `unknown`,
 * never lost: a window that is too small for the distance between the colours shows as `unknown` and as records handed over twice.
 *
 * `new` relies on both copies having one timestamp: with LogAppendTime, or written by a program that doesn't set it, a copy younger than the forgotten ones
 * is taken for new.
 */
export class ExactWindow implements Deduplicator {
  readonly expectedLost = 0
  readonly #recordsPerPartition: number
  readonly #maxAgeMs: number
  readonly #windows = new Map<string, Window>()

  /** @throws KbgError `deduplication-options` */
  constructor({ recordsPerPartition, maxAgeMs }: ExactWindowOptions) {
    checkRecordsPerPartition(recordsPerPartition)
    if (!(maxAgeMs > 0)) throw optionError('maxAgeMs', maxAgeMs, 'above 0')
    this.#recordsPerPartition = recordsPerPartition
    this.#maxAgeMs = maxAgeMs
  }

  look({ id, partition, timestampMs }: SightedRecord): Sighting {
    const window = this.#windows.get(partition)
    if (window === undefined) return 'new'
    if (window.timestamps.has(idKey(id))) return 'duplicate'
    return timestampMs > window.forgottenMs ? 'new' : 'unknown'
  }

  remember({ id, partition, timestampMs }: SightedRecord): void {
    const window = this.#windows.get(partition) ?? { timestamps: new Map<string, number>(), forgottenMs: Number.NEGATIVE_INFINITY }
    this.#windows.set(partition, window)
    const key = idKey(id)
    window.timestamps.delete(key) // to the end of the order
    window.timestamps.set(key, timestampMs)
    // Age is counted from this record, not from the newest ever: one record from the future empties the window once and not for ever.
    for (const [oldest, oldestMs] of window.timestamps) {
      const isTooMany = window.timestamps.size > this.#recordsPerPartition
      if (!isTooMany && !(oldestMs < timestampMs - this.#maxAgeMs)) break
      window.timestamps.delete(oldest)
      window.forgottenMs = Math.max(window.forgottenMs, oldestMs)
    }
  }

  /** How many ids are remembered now, over all partitions. */
  get size(): number {
    return [...this.#windows.values()].reduce((sum, window) => sum + window.timestamps.size, 0)
  }
}
