import type { Colour } from '../model/colour.ts'
import { KbgError } from '../model/error.ts'
import { type Anchor, type BlockSpan, blockOf, decodeBlock, type MapBlock, type MapRun, type OffsetPair, runOf } from './map-block.ts'
import type { MapCoverage } from './map-coverage.ts'
import { discontinuity } from './map-scan.ts'

export type { OffsetMap }

/** Where stored blocks come from, one at a time. */
export interface BlockSource {
  /**
   * The bytes of one block.
   *
   * @param index its place among the map's anchors, from 0
   * @throws what reading throws; the lookup then has no answer
   */
  read(index: number): Buffer
}

/** A map as it is kept between two lookups: blocks stored, the rest here. */
export interface MapState {
  readonly anchors: readonly Anchor[]
  /** The latest runs, behind all blocks: at most a block's worth. */
  readonly openRuns: readonly MapRun[]
  readonly coverage: MapCoverage
}

/** Where an offset of one side lies in the map. */
export interface MapPlace {
  /** The first aligned record at or behind the offset, on both sides; null: there is none. */
  readonly next: OffsetPair | null
  /** Aligned records before the offset, since the map's beginning. */
  readonly recordsBefore: bigint
}

/** Decoded blocks that a map keeps: 24 KiB each. Sorted lookups need one, a growing map's end another. */
const defaultDecodedBlocks = 4

/**
 * The offset map of one partition: the audit's runs, in which the difference between both sides' offsets is constant. It serves both directions over any
 * number of switches, because both logs hold the same visible records in the same order whichever way they were copied.
 */
class OffsetMap {
  readonly coverage: MapCoverage
  readonly #anchors: readonly Anchor[]
  readonly #blocks: BlockSource
  readonly #open: MapBlock | null
  readonly #most: number
  /** Decoded blocks, the one used last at the end. */
  readonly #decoded = new Map<number, MapBlock>()

  constructor({ anchors, openRuns, coverage }: MapState, blocks: BlockSource, decodedBlocks: number) {
    this.coverage = coverage
    this.#anchors = anchors
    this.#blocks = blocks
    this.#open = openRuns.length === 0 ? null : blockOf(openRuns, coverage.alignedRecords - recordsIn(openRuns))
    this.#most = decodedBlocks
  }

  /**
   * Where an offset lies, in O(log runs): a binary search over the anchors, one over a block.
   *
   * @throws KbgError `offset-map-damaged` when the block isn't what its anchor says, and what {@link BlockSource.read} throws
   */
  place(side: Colour, offset: bigint): MapPlace {
    const holder = firstWhere(this.#anchors.length, (each) => (this.#anchors[each]?.end[side] ?? offset) > offset)
    const block = holder < this.#anchors.length ? this.#block(holder) : this.#open
    if (block === null || block.span.end[side] <= offset) return { next: null, recordsBefore: this.coverage.alignedRecords }
    const index = runAt(block, side, offset)
    const run = runOf(block, index)
    const inside = offset > run[side] ? offset - run[side] : 0n
    return {
      next: { blue: run.blue + inside, green: run.green + inside },
      recordsBefore: block.span.recordsBefore + BigInt(block.recordsUpTo[index] ?? 0) + inside,
    }
  }

  #block(index: number): MapBlock {
    const kept = this.#decoded.get(index)
    if (kept !== undefined) {
      this.#decoded.delete(index)
      this.#decoded.set(index, kept)
      return kept
    }
    const block = decodeBlock(this.#blocks.read(index))
    if (!sameSpan(block.span, this.#anchors[index])) {
      throw new KbgError('offset-map-damaged', 'A block of the offset map is not the one that its anchor names.', { facts: { block: index } })
    }
    this.#decoded.set(index, block)
    const [oldest] = this.#decoded.keys()
    if (this.#decoded.size > this.#most && oldest !== undefined) this.#decoded.delete(oldest)
    return block
  }
}

/**
 * Opens a stored map for lookups.
 *
 * @throws KbgError `offset-map-incomplete` when blocks and open runs don't continue each other, or don't add up to what the coverage says: runs that were
 *   lost would let a group skip their records
 */
export function openMap(state: MapState, blocks: BlockSource, decodedBlocks: number = defaultDecodedBlocks): OffsetMap {
  const reason = whatIsMissing(state)
  if (reason === null) return new OffsetMap(state, blocks, decodedBlocks)
  throw new KbgError('offset-map-incomplete', 'The offset map is not the one that the audit had built.', {
    facts: { observed: reason },
    remedy: 'The audit has to go on from an older checkpoint, or to compare this partition again.',
  })
}

/** Why the parts of a map aren't all of it; null when they are. */
function whatIsMissing({ anchors, openRuns, coverage }: MapState): string | null {
  let before: BlockSpan = { runs: 0, records: 0n, recordsBefore: coverage.prunedRecords, first: noOffsets, end: noOffsets }
  for (const [index, anchor] of anchors.entries()) {
    const reason = discontinuity(before, anchor)
    if (reason !== null) return `block ${index}: ${reason}`
    before = anchor
  }
  const [stored, open] = [before.recordsBefore + before.records, openRuns[0]]
  if (open !== undefined && (open.blue < before.end.blue || open.green < before.end.green)) return 'the open runs begin before the end of the last block'
  const held = stored + recordsIn(openRuns)
  return held === coverage.alignedRecords ? null : `${held} aligned records, where the audit has counted ${coverage.alignedRecords}`
}

const noOffsets: OffsetPair = { blue: 0n, green: 0n }

/** Records of some runs. */
export function recordsIn(runs: readonly MapRun[]): bigint {
  return BigInt(runs.reduce((sum, run) => sum + run.records, 0))
}

/** The first run of a block that ends behind the offset; there is one. */
function runAt(block: MapBlock, side: Colour, offset: bigint): number {
  const starts = block.starts[side]
  const wanted = Number(offset - block.span.first[side])
  return firstWhere(block.span.runs, (each) => (starts[each] ?? 0) + (block.recordsUpTo[each + 1] ?? 0) - (block.recordsUpTo[each] ?? 0) > wanted)
}

/** The first index for which a condition holds that holds for all behind it too; `length` if there is none. */
function firstWhere(length: number, holds: (index: number) => boolean): number {
  let [low, high] = [0, length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (holds(middle)) high = middle
    else low = middle + 1
  }
  return low
}

function sameSpan(a: BlockSpan, b: BlockSpan | undefined): boolean {
  return b !== undefined && a.recordsBefore === b.recordsBefore && a.records === b.records && samePlace(a.first, b.first) && samePlace(a.end, b.end)
}

function samePlace(a: OffsetPair, b: OffsetPair): boolean {
  return a.blue === b.blue && a.green === b.green
}
