import { KbgError } from '../model/error.ts'
import { type Anchor, blockOf, encodeBlock, type MapRun, type OffsetPair, runsPerBlock, spansSafely } from './map-block.ts'
import { type AmbiguousRange, coverageFrom, laterOf, type MapCoverage, type MapDifference, withAmbiguous, withDifference } from './map-coverage.ts'
import { type MapState, recordsIn } from './offset-map.ts'

/** A block that is full, to be appended to the stored ones. */
export interface SealedBlock {
  readonly anchor: Anchor
  readonly bytes: Buffer
}

/** A map that begins at these offsets, without any run. */
export function emptyMap(from: OffsetPair): MapState {
  return { anchors: [], openRuns: [], coverage: coverageFrom(from) }
}

/**
 * Grows the offset map of one partition, run by run. It holds at most a block's worth of runs; full blocks are handed out with
 * {@link OffsetMapBuilder.drainSealed} and have to be stored before the {@link OffsetMapBuilder.state} that counts on them.
 */
export class OffsetMapBuilder {
  #anchors: Anchor[]
  readonly #open: MapRun[]
  #coverage: MapCoverage
  #sealed: SealedBlock[] = []
  readonly #blockRuns: number

  /**
   * @param state where to go on: {@link emptyMap}, or the state as it was saved, with just the blocks of its anchors stored
   * @param blockRuns runs in a full block, at most 1,024
   */
  constructor(state: MapState, blockRuns: number = runsPerBlock) {
    this.#blockRuns = blockRuns
    this.#anchors = [...state.anchors]
    this.#open = [...state.openRuns]
    this.#coverage = state.coverage
  }

  /** All that has to be saved beside the blocks, and what `openMap` takes. */
  get state(): MapState {
    return { anchors: [...this.#anchors], openRuns: [...this.#open], coverage: this.#coverage }
  }

  /**
   * Adds the next run; one that continues the last is merged with it. The watermark moves to its end: differences before it have to be noted first.
   *
   * @throws KbgError `offset-map-order` when it begins before the watermark on either side
   */
  append({ blue, green, records }: MapRun): void {
    const { auditedUpTo, alignedRecords } = this.#coverage
    if (blue < auditedUpTo.blue || green < auditedUpTo.green || records < 1) throw outOfOrder('append', { blue, green }, auditedUpTo)
    const end = { blue: blue + BigInt(records), green: green + BigInt(records) }
    const last = this.#open.at(-1)
    const continuesLast = last !== undefined && last.blue + BigInt(last.records) === blue && last.green + BigInt(last.records) === green
    if (continuesLast) this.#open[this.#open.length - 1] = { ...last, records: last.records + records }
    else this.#begin({ blue, green, records }, end)
    this.#coverage = { ...this.#coverage, alignedRecords: alignedRecords + BigInt(records), auditedUpTo: end }
  }

  /**
   * Moves the watermark over offsets without records (markers, aborted data) or with a difference that was noted.
   *
   * @param alignedRecords how many equal records the audit has counted before the watermark since the map's beginning. A map that lacks the run in which
   *   they lie would send a group past them, so the two counts are compared.
   * @throws KbgError `offset-map-order` when it would go back, `offset-map-incomplete` when runs before it weren't appended
   */
  advanceTo(watermark: OffsetPair, alignedRecords: bigint): void {
    const { auditedUpTo, alignedRecords: held } = this.#coverage
    if (watermark.blue < auditedUpTo.blue || watermark.green < auditedUpTo.green) throw outOfOrder('advanceTo', watermark, auditedUpTo)
    if (held !== alignedRecords) {
      throw new KbgError('offset-map-incomplete', 'The offset map holds not all runs before the watermark.', {
        facts: { observed: `${held} aligned records`, required: alignedRecords.toString() },
      })
    }
    this.#coverage = { ...this.#coverage, auditedUpTo: watermark }
  }

  /** Retention removed records on one side before they were compared: the map says nothing of what lies before these offsets, and goes on there. */
  startAgainAt(from: OffsetPair): void {
    const { auditedFrom, auditedUpTo } = this.#coverage
    this.#coverage = { ...this.#coverage, auditedFrom: laterOf(auditedFrom, from), auditedUpTo: laterOf(auditedUpTo, from) }
  }

  /** Every record that one side lacks or holds otherwise has to be told, at its offsets: a reader before it is refused. */
  noteDifference(difference: MapDifference): void {
    this.#coverage = withDifference(this.#coverage, difference)
  }

  noteAmbiguous(range: AmbiguousRange): void {
    this.#coverage = withAmbiguous(this.#coverage, range)
  }

  /** The full blocks since the last call, in order. */
  drainSealed(): readonly SealedBlock[] {
    const sealed = this.#sealed
    this.#sealed = []
    return sealed
  }

  /**
   * Forgets the blocks that lie before both logs' beginnings.
   *
   * @returns how many: as many have to go from the front of the stored ones, once the state is saved
   */
  prune(logStarts: OffsetPair): number {
    const kept = this.#anchors.findIndex((anchor) => anchor.end.blue > logStarts.blue || anchor.end.green > logStarts.green)
    const dropped = this.#anchors.slice(0, kept < 0 ? this.#anchors.length : kept)
    const last = dropped.at(-1)
    if (last === undefined) return 0
    this.#anchors = this.#anchors.slice(dropped.length)
    this.#coverage = {
      ...this.#coverage,
      auditedFrom: laterOf(this.#coverage.auditedFrom, last.end),
      prunedRecords: last.recordsBefore + last.records,
    }
    return dropped.length
  }

  #begin(run: MapRun, end: OffsetPair): void {
    const first = this.#open[0]
    if (first !== undefined && (this.#open.length >= this.#blockRuns || !spansSafely(first, end))) this.#seal()
    this.#open.push(run)
  }

  #seal(): void {
    const block = blockOf(this.#open, this.#coverage.alignedRecords - recordsIn(this.#open))
    const bytes = encodeBlock(block)
    const anchor = { ...block.span, bytes: bytes.length }
    this.#anchors.push(anchor)
    this.#sealed.push({ anchor, bytes })
    this.#open.length = 0
  }
}

function outOfOrder(call: string, observed: OffsetPair, least: OffsetPair): KbgError {
  const text = ({ blue, green }: OffsetPair) => `blue ${blue}, green ${green}`
  return new KbgError('offset-map-order', `The offset map only grows forwards (${call}).`, {
    facts: { observed: text(observed), required: `at least ${text(least)}` },
  })
}
