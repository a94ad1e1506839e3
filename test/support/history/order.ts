import type { Colour } from '../../../engine/model/colour.ts'
import type { Ledger, ValueNumber } from './ledger.ts'
import type { PartitionStory, View, Views } from './views.ts'

const none = -1

/**
 * The order of all values that anybody saw, by partition: the one truth that two clusters share, since offsets differ between them.
 *
 * The first view to see a value decides its place: right behind the value that it saw before. Full reads come first, that of the live colour before the other,
 * so that they order the truth and groups are measured against it. (Jepsen's `version-orders` do the same from offsets.)
 */
export class TruthOrder {
  readonly #next: Int32Array
  readonly #heads: Int32Array
  readonly #rank: Int32Array
  readonly #partition: Int32Array
  /** Values of each partition in order. */
  readonly sequences: Int32Array[]

  constructor(ledger: Ledger, views: Views, inOrder: readonly View[]) {
    this.#next = new Int32Array(ledger.size).fill(none)
    this.#rank = new Int32Array(ledger.size).fill(none)
    this.#partition = new Int32Array(ledger.size).fill(none)
    this.#heads = new Int32Array(views.partitions).fill(none)
    for (const view of inOrder) for (const [partition, story] of view.stories) this.#insert(partition, story, views)
    this.sequences = Array.from(this.#heads, (head) => this.#number(head))
  }

  /** The value's place within its partition, or -1 if nobody saw it. */
  rankOf(value: ValueNumber): number {
    return this.#rank[value] as number
  }

  /** The partition that the value was first seen in, or -1. */
  partitionOf(value: ValueNumber): number {
    return this.#partition[value] as number
  }

  #insert(partition: number, story: PartitionStory, views: Views): void {
    let previous = none
    for (const entry of story) {
      if (entry.kind === 'commit') continue
      for (let row = entry.first; row < entry.end; row++) {
        const value = views.values.at(row)
        if (this.#partition[value] === none) this.#insertAfter(previous, value, partition)
        if (this.#partition[value] === partition) previous = value
      }
    }
  }

  #insertAfter(previous: ValueNumber, value: ValueNumber, partition: number): void {
    this.#partition[value] = partition
    if (previous === none) {
      this.#next[value] = this.#heads[partition] as number
      this.#heads[partition] = value
    } else {
      this.#next[value] = this.#next[previous] as number
      this.#next[previous] = value
    }
  }

  #number(head: ValueNumber): Int32Array {
    const sequence: number[] = []
    for (let value = head; value !== none; value = this.#next[value] as number) sequence.push(value)
    sequence.forEach((value, rank) => {
      this.#rank[value] = rank
    })
    return Int32Array.from(sequence)
  }
}

/** Offsets of one partition on one colour with their values' ranks: tells how far in the truth a committed offset is. */
export class ColourLog {
  readonly #offsets: Float64Array
  readonly #ranks: Int32Array

  constructor(rows: readonly (readonly [offset: number, rank: number])[]) {
    const sorted = [...rows].sort((a, b) => a[0] - b[0])
    this.#offsets = Float64Array.from(sorted, (row) => row[0])
    this.#ranks = Int32Array.from(sorted, (row) => row[1])
  }

  /** How many values of the truth lie before the committed offset: everything up to the last one with a lower offset. */
  ranksBefore(offset: number): number {
    let low = 0
    let high = this.#offsets.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#offsets[middle] as number) < offset) low = middle + 1
      else high = middle
    }
    return low === 0 ? 0 : (this.#ranks[low - 1] as number) + 1
  }
}

/** The logs of all partitions on both colours, each from the full read of its colour, or from what all groups polled of it. */
export class ColourLogs {
  readonly #inOrder: readonly View[]
  readonly #views: Views
  readonly #order: TruthOrder
  readonly #logs = new Map<string, ColourLog>()

  constructor(inOrder: readonly View[], views: Views, order: TruthOrder) {
    this.#inOrder = inOrder
    this.#views = views
    this.#order = order
  }

  log(colour: Colour, partition: number): ColourLog {
    const key = `${colour} ${partition}`
    const log = this.#logs.get(key) ?? this.#read(colour, partition)
    this.#logs.set(key, log)
    return log
  }

  #read(colour: Colour, partition: number): ColourLog {
    const whole = this.#inOrder.filter((view) => view.colour === colour)
    const rows = new Map<number, number>()
    for (const view of whole.length > 0 ? whole : this.#inOrder) {
      for (const entry of view.stories.get(partition) ?? []) {
        if (entry.kind === 'commit' || entry.colour !== colour) continue
        for (let row = entry.first; row < entry.end; row++) {
          const value = this.#views.values.at(row)
          if (this.#order.partitionOf(value) === partition) rows.set(this.#views.offsets.at(row), this.#order.rankOf(value))
        }
      }
    }
    return new ColourLog([...rows])
  }
}
