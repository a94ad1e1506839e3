/** Hands each record over once, although it comes twice: from whichever colour brings it first. */
import type { Colour } from '../../engine/model/colour.ts'
import { type Deduplicator, idKey, type SightedRecord } from './deduplicator.ts'

/** What became of the copies so far. */
export interface HandOverCounts {
  /** Records whose handler has ended well, by the colour that they came from. */
  readonly handedOver: Readonly<Record<Colour, number>>
  /** Copies that were dropped. With a Bloom filter, some of them were no copies: see `expectedLost`. */
  readonly duplicatesDropped: number
  /** Of those handed over: nobody could tell whether they had been before, because the deduplicator's memory doesn't reach back that far. */
  readonly unknown: number
  /** Of those handed over: they have no id, so that each copy was. */
  readonly withoutId: number
  /** How many records a Bloom filter is likely to have dropped on both colours; 0 with an exact window. */
  readonly expectedLost: number
}

/**
 * Decides for each copy whether its record is handed over now, was before, or is in hand on the other side, whose end is waited for: when that handler fails,
 * this copy is handed over instead.
 *
 * So a side that has passed a record knows it handled, and of two records of a partition that both sides hold in the same order the first one's handler has
 * ended before the second one's begins.
 */
export class HandOver {
  readonly #deduplicator: Deduplicator
  readonly #inHand = new Map<string, Promise<void>>()
  readonly #handedOver: Record<Colour, number> = { blue: 0, green: 0 }
  #duplicatesDropped = 0
  #unknown = 0
  #withoutId = 0

  constructor(deduplicator: Deduplicator) {
    this.#deduplicator = deduplicator
  }

  get counts(): HandOverCounts {
    return {
      handedOver: { ...this.#handedOver },
      duplicatesDropped: this.#duplicatesDropped,
      unknown: this.#unknown,
      withoutId: this.#withoutId,
      expectedLost: this.#deduplicator.expectedLost,
    }
  }

  /**
   * Resolves when the record is handled, by this copy or another. `wait` is how this side waits for the other one.
   *
   * @param record null when it has no id
   * @throws what `handle` throws: the record is not handled, and has to come again
   */
  async copy(colour: Colour, record: SightedRecord | null, handle: () => Promise<void>, wait: (other: Promise<void>) => Promise<void>): Promise<void> {
    if (record === null) {
      await handle()
      this.#withoutId += 1
      this.#handedOver[colour] += 1
      return
    }
    const key = `${record.partition} ${idKey(record.id)}`
    for (let other = this.#inHand.get(key); other !== undefined; other = this.#inHand.get(key)) await wait(other)
    const sighting = this.#deduplicator.look(record)
    if (sighting === 'duplicate') {
      this.#duplicatesDropped += 1
      return
    }
    const { promise: ended, resolve: end } = Promise.withResolvers<void>()
    this.#inHand.set(key, ended) // in the turn of the look: the other side sees either this or the memory
    try {
      await handle()
      this.#deduplicator.remember(record)
      this.#handedOver[colour] += 1
      if (sighting === 'unknown') this.#unknown += 1
    } finally {
      this.#inHand.delete(key)
      end()
    }
  }
}
