import type { PartitionFacts } from '../../audit/facts.ts'
import type { OffsetPair } from '../../audit/record.ts'
import { type Colour, otherColour } from '../../model/colour.ts'
import type { OffsetMap } from '../../offsets/offset-map.ts'
import type { LogFacts } from '../../ports/audit-reader.ts'

/** How many more equal records lie before green's beginning than before blue's, by the offset map. What lies before a beginning that is compared never changes, so it is counted once. */
export class AheadOfBeginnings {
  #known: { readonly starts: OffsetPair; readonly greenAhead: bigint } | null = null

  of(starts: OffsetPair, map: () => OffsetMap, watermark: OffsetPair): bigint {
    if (starts.blue === 0n && starts.green === 0n) return 0n
    if (this.#known?.starts.blue === starts.blue && this.#known.starts.green === starts.green) return this.#known.greenAhead
    const opened = map()
    const greenAhead = opened.place('green', starts.green).recordsBefore - opened.place('blue', starts.blue).recordsBefore
    if (starts.blue <= watermark.blue && starts.green <= watermark.green) this.#known = { starts, greenAhead }
    return greenAhead
  }
}

/**
 * Records that each side's log doesn't hold any more and the other one's still does, at most (pure): those that were compared and deleted since, and those that were deleted before they could
 * be compared, for as long as the other side's log begins before what the map says something of.
 *
 * @param greenAhead see {@link AheadOfBeginnings}
 */
export function lostRecords(facts: PartitionFacts, starts: OffsetPair, auditedFrom: OffsetPair, greenAhead: bigint): Record<Colour, number> {
  const uncompared = (lost: Colour) => {
    const holder = otherColour(lost)
    return starts[holder] < auditedFrom[holder] ? facts[holder].retention : 0
  }
  const ahead = Number(greenAhead)
  return { blue: uncompared('blue') + Math.max(0, -ahead), green: uncompared('green') + Math.max(0, ahead) }
}

/** Whether retention has deleted all that was ever in this log. */
export function isEmptied({ logStartOffset, lastStableOffset, readUpTo }: LogFacts): boolean {
  return logStartOffset > 0n && logStartOffset === lastStableOffset && readUpTo === lastStableOffset
}
