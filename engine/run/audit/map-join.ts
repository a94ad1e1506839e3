import type { Drained } from '../../audit/alignment.ts'
import type { PartitionFacts } from '../../audit/facts.ts'
import type { AlignedRun, OffsetPair } from '../../audit/record.ts'
import { type Colour, colours, otherColour } from '../../model/colour.ts'
import type { OffsetMapBuilder } from '../../offsets/offset-map-builder.ts'

/**
 * Carries what a comparison finds into the offset map.
 *
 * What retention took from one side before it was compared stays on the other without a counterpart: no difference, and no run either. A position there would be sent past records that the
 * group has still to read, so behind each such stretch the map begins anew.
 */
export class MapJoin {
  readonly #builder: OffsetMapBuilder
  /** Behind the latest stretch that retention took from each side; runs before it may stand before the stretch. */
  readonly #hole: Record<Colour, bigint>
  readonly #excused: Record<Colour, number>

  /** @param facts those of the comparison as it begins or goes on, before anything new */
  constructor(builder: OffsetMapBuilder, facts: PartitionFacts) {
    this.#builder = builder
    this.#hole = { ...facts.watermark }
    this.#excused = { blue: facts.blue.retention, green: facts.green.retention }
  }

  /** Retention took what that side had not shown yet, up to here. */
  retentionPassed(colour: Colour, logStart: bigint): void {
    this.#hole[colour] = logStart
  }

  /** @throws KbgError `offset-map-order`, `offset-map-incomplete` when the map and the comparison contradict each other */
  carry({ runs, differences, ambiguous }: Drained, facts: PartitionFacts): void {
    for (const difference of differences) this.#builder.noteDifference(difference)
    for (const range of ambiguous) this.#builder.noteAmbiguous(range)
    for (const run of runs) this.#builder.append(run)
    for (const holder of colours) this.#startAgain(holder, runs, facts)
    this.#builder.advanceTo(facts.watermark, BigInt(facts.alignedRecords))
  }

  /** Behind what only `holder` still has: at the first run behind the hole, or as far as the comparison has come. */
  #startAgain(holder: Colour, runs: readonly AlignedRun[], { watermark, ...facts }: PartitionFacts): void {
    const excused = facts[holder].retention
    if (excused === this.#excused[holder]) return
    this.#excused[holder] = excused
    const lost = otherColour(holder)
    const behind: OffsetPair = runs.find((run) => run[lost] >= this.#hole[lost]) ?? watermark
    this.#builder.startAgainAt({ blue: behind.blue, green: behind.green })
  }
}
