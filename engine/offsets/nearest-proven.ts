import type { Colour } from '../model/colour.ts'
import { KbgError } from '../model/error.ts'
import { ambiguousAt } from './map-coverage.ts'
import type { OffsetMap } from './offset-map.ts'
import { type PartitionMapEnds, translateByMap } from './translate-by-map.ts'

/** The last exact place at or before a position that isn't exact itself. */
export interface ProvenPlace {
  /** Where the group would go on, had it committed this on the source. */
  readonly sourceOffset: bigint
  readonly targetOffset: bigint
  /** Records from there up to what is compared, or to the cut. */
  readonly lagRecords: number | null
  /** How many records that the group has processed it reads again, at most. */
  readonly mostRedelivered: bigint
}

/**
 * The nearest proven place at or before a committed offset: a group that goes on there skips nothing that it hasn't processed, and reads again what lies between.
 *
 * Going back helps inside a block of equal neighbours (to right before it) and behind what the audit has compared (to its watermark). It doesn't where the group
 * would still come upon a difference, or where the map begins behind it: then there is no such place, and the reason says why. Where retention has
 * passed the position on the source only, the target may hold its copy still: then that is the place.
 *
 * @param ends as for {@link translateByMap}
 * @throws what the map's BlockSource throws; a damaged block is a reason
 */
export function nearestProven(map: OffsetMap, from: Colour, committed: bigint, ends: PartitionMapEnds): ProvenPlace | { readonly reason: string } {
  try {
    return goBack(map, from, committed, ends)
  } catch (thrown) {
    if (thrown instanceof KbgError && thrown.code === 'offset-map-damaged') return { reason: thrown.message }
    throw thrown
  }
}

function goBack(map: OffsetMap, from: Colour, committed: bigint, ends: PartitionMapEnds): ProvenPlace | { readonly reason: string } {
  const { auditedUpTo } = map.coverage
  const anyStart = { ...ends, sourceStart: 0n }
  for (let offset = committed < auditedUpTo[from] ? committed : auditedUpTo[from]; ; ) {
    const found = translateByMap(map, from, offset, anyStart)
    if (found.verdict === 'exact' && found.targetOffset !== null) {
      const mostRedelivered = recordsBetween(map, from, offset, committed)
      return { sourceOffset: offset, targetOffset: BigInt(found.targetOffset), lagRecords: found.lagRecords, mostRedelivered }
    }
    // Each range is left through its beginning, so this ends.
    const range = ambiguousAt(map.coverage, from, offset)
    if (range === undefined || range.from[from] === 0n) return { reason: found.reason }
    offset = range.from[from] - 1n
  }
}

/** Visible records in between; behind what was compared every offset may be one. */
function recordsBetween(map: OffsetMap, from: Colour, offset: bigint, committed: bigint): bigint {
  const compared = committed < map.coverage.auditedUpTo[from] ? committed : map.coverage.auditedUpTo[from]
  return map.place(from, compared).recordsBefore - map.place(from, offset).recordsBefore + (committed - compared)
}
