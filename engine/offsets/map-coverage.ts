import type { Colour } from '../model/colour.ts'
import type { OffsetPair } from './map-block.ts'

/** Where equal neighbours leave open which record is whose copy: from (inclusive) to (exclusive), on both sides. */
export interface AmbiguousRange {
  readonly from: OffsetPair
  readonly to: OffsetPair
}

/** A place where the sides don't hold the same: the audit's Difference. On a side that lacks the record, the offset before which it should stand; null: at that side's end. */
export interface MapDifference {
  readonly kind: string
  readonly blue: bigint | null
  readonly green: bigint | null
}

/**
 * What an offset map says something about. Every record visible on either side between `auditedFrom` and `auditedUpTo` is in a run, or is told by a
 * difference at its offset, or was removed by compaction on the other side.
 */
export interface MapCoverage {
  /** Below these the map says nothing. */
  readonly auditedFrom: OffsetPair
  /** The watermark: below these, both sides agree but for the differences. */
  readonly auditedUpTo: OffsetPair
  /** Records in all runs since the map's beginning: what pruned blocks, blocks and open runs must add up to. */
  readonly alignedRecords: bigint
  /** Of these, how many were in blocks that are pruned. */
  readonly prunedRecords: bigint
  /** The latest ones, in order. */
  readonly ambiguous: readonly AmbiguousRange[]
  /** The latest ones, in order: an earlier one can't make a position unprovable that these don't. */
  readonly differences: readonly MapDifference[]
  readonly differencesInAll: number
}

/** Differences and ambiguous ranges that are kept of each, so that a partition that differs everywhere needs no more memory than another. */
export const keptPlaces = 1_024

/** The coverage of a map that begins here. */
export function coverageFrom(from: OffsetPair): MapCoverage {
  return { auditedFrom: from, auditedUpTo: from, alignedRecords: 0n, prunedRecords: 0n, ambiguous: [], differences: [], differencesInAll: 0 }
}

/** Adds a difference; of those in excess the oldest is dropped, which changes no answer: positions at or before it are behind by the later ones too. */
export function withDifference(coverage: MapCoverage, { kind, blue, green }: MapDifference): MapCoverage {
  return {
    ...coverage,
    differences: [...coverage.differences, { kind, blue, green }].slice(-keptPlaces),
    differencesInAll: coverage.differencesInAll + 1,
  }
}

/**
 * Adds an ambiguous range; one that begins where the last one does replaces it, as the audit tells it again with a later end. When the oldest has to be dropped,
 * the map says nothing any more up to its end.
 */
export function withAmbiguous(coverage: MapCoverage, range: AmbiguousRange): MapCoverage {
  const last = coverage.ambiguous.at(-1)
  const isLonger = last !== undefined && last.from.blue === range.from.blue && last.from.green === range.from.green
  const ambiguous = [...(isLonger ? coverage.ambiguous.slice(0, -1) : coverage.ambiguous), range]
  const dropped = ambiguous.length > keptPlaces ? ambiguous.shift() : undefined
  return { ...coverage, ambiguous, auditedFrom: dropped === undefined ? coverage.auditedFrom : laterOf(coverage.auditedFrom, dropped.to) }
}

/** The later of two places, side by side. */
export function laterOf(a: OffsetPair, b: OffsetPair): OffsetPair {
  return { blue: a.blue > b.blue ? a.blue : b.blue, green: a.green > b.green ? a.green : b.green }
}

/** The ambiguous range that an offset lies in; undefined: none. */
export function ambiguousAt(coverage: MapCoverage, side: Colour, offset: bigint): AmbiguousRange | undefined {
  return coverage.ambiguous.find(({ from, to }) => from[side] <= offset && offset < to[side])
}

/** The differences that a reader at this offset still has before it. */
export function differencesFrom(coverage: MapCoverage, side: Colour, offset: bigint): readonly MapDifference[] {
  return coverage.differences.filter((difference) => difference[side] === null || difference[side] >= offset)
}

/** The difference furthest behind on this side, of those with an offset on it; undefined: there is none. */
export function lastDifference(coverage: MapCoverage, side: Colour): MapDifference | undefined {
  return coverage.differences.reduce<MapDifference | undefined>((last, each) => ((each[side] ?? -1n) > (last?.[side] ?? -1n) ? each : last), undefined)
}
