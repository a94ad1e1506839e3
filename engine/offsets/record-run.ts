import type { VisibleRecord } from '../model/facts.ts'

/** Consecutive visible records of one partition, without what translation doesn't need: about 70 bytes each (a 40 character digest), so 70 MB for a million. */
export interface RecordRun {
  /** Ascending. */
  readonly offsets: BigInt64Array
  readonly digests: readonly string[]
}

export const emptyRun: RecordRun = { offsets: new BigInt64Array(0), digests: [] }

/** Grows a {@link RecordRun} piece by piece, so that the large form of a record lives only as long as one read. */
export class RecordRunBuilder {
  readonly #pieces: RecordRun[] = []

  /** @param records the next ones in order of offsets */
  append(records: readonly VisibleRecord[]): void {
    this.#pieces.push(pieceOf(records))
  }

  /** @param records those right before all that were added so far */
  prepend(records: readonly VisibleRecord[]): void {
    this.#pieces.unshift(pieceOf(records))
  }

  get length(): number {
    return this.#pieces.reduce((sum, piece) => sum + piece.digests.length, 0)
  }

  build(): RecordRun {
    const offsets = new BigInt64Array(this.length)
    let at = 0
    for (const piece of this.#pieces) {
      offsets.set(piece.offsets, at)
      at += piece.offsets.length
    }
    return { offsets, digests: this.#pieces.flatMap((piece) => piece.digests) }
  }
}

function pieceOf(records: readonly VisibleRecord[]): RecordRun {
  return { offsets: BigInt64Array.from(records, (record) => record.offset), digests: records.map((record) => record.digest) }
}

/** How many records of the run have an offset of at least `offset`. */
export function countFrom(run: RecordRun, offset: bigint): number {
  let low = 0
  let high = run.offsets.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((run.offsets[middle] ?? offset) < offset) low = middle + 1
    else high = middle
  }
  return run.offsets.length - low
}

/** How many records, counted from both ends backwards, are pairwise equal in content. */
export function equalTail(left: RecordRun, right: RecordRun): number {
  const most = Math.min(left.digests.length, right.digests.length)
  let equal = 0
  while (equal < most && left.digests[left.digests.length - 1 - equal] === right.digests[right.digests.length - 1 - equal]) equal++
  return equal
}

/** The offset of the `count`-th record from the end (1: the last); undefined if the run is shorter. */
export function offsetFromEnd(run: RecordRun, count: number): bigint | undefined {
  return run.offsets[run.offsets.length - count]
}
