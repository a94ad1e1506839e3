import type { AuditRecord } from './record.ts'

/** Records that were dropped from the front stay in the array until it is worth moving the others. */
const sweepAt = 4096

/** What was read of one side and isn't aligned yet: a queue that is appended to in chunks and read by index. */
export class PendingRecords {
  #records: AuditRecord[] = []
  #head = 0

  get length(): number {
    return this.#records.length - this.#head
  }

  /** The `index`-th from the front; undefined behind the last one. */
  at(index: number): AuditRecord | undefined {
    return this.#records[this.#head + index]
  }

  /** @param from index in `records` of the first one to take */
  append(records: readonly AuditRecord[], from: number): void {
    for (let index = from; index < records.length; index++) {
      const record = records[index]
      if (record !== undefined) this.#records.push(record)
    }
  }

  /** Drops the first `count`. */
  drop(count: number): void {
    this.#head += count
    if (this.#head === this.#records.length) {
      this.#records = []
      this.#head = 0
    } else if (this.#head >= sweepAt && this.#head * 2 >= this.#records.length) {
      this.#records = this.#records.slice(this.#head)
      this.#head = 0
    }
  }

  /** How many from the front have an offset below `offset`. */
  countBelow(offset: bigint): number {
    let low = 0
    let high = this.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.at(middle)?.offset ?? offset) < offset) low = middle + 1
      else high = middle
    }
    return low
  }
}
