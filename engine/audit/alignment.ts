import { type Colour, colours, otherColour } from '../model/colour.ts'
import { KbgError } from '../model/error.ts'
import { nothingCompared } from '../model/momentary-reason.ts'
import type { AlignmentCheckpoint } from './checkpoint.ts'
import { ledgerFrom, takeCheckpoint } from './checkpoint-form.ts'
import type { AuditState, PartitionFacts, SideFacts } from './facts.ts'
import type { Ledger, LedgerLimits } from './ledger.ts'
import type { AlignedRun, AmbiguousRange, AuditRecord, Difference, OffsetPair } from './record.ts'
import { findHead, findNearestEqual, findResync, type Resync } from './resync.ts'
import { headRecords, limitsBetween, type Side } from './side.ts'

/** How one partition is compared, and what bounds the memory for it. */
export interface AlignmentConfig extends LedgerLimits {
  /** Records of a side that are looked at to find where both go on equally; a reader pauses where so many are pending. */
  readonly lookaheadRecords: number
  /** So many equal records confirm such a place. Not asked for on compacted topics, where one is enough. */
  readonly confirmRecords: number
}

/** About a megabyte per side at most, and a checkpoint of some kilobytes. */
export function alignmentConfig(compacted: boolean): AlignmentConfig {
  return { compacted, lookaheadRecords: 4096, confirmRecords: 3, recentRecords: 1024, shownDifferences: 5, openRemovals: 4096, keyFilterBytes: 16_384 }
}

/** What was found since the last time. A run may continue the one before it; an ambiguous range may repeat the last one with a later end. */
export interface Drained {
  readonly runs: readonly AlignedRun[]
  readonly differences: readonly Difference[]
  readonly ambiguous: readonly AmbiguousRange[]
}

/**
 * The comparison of one partition of two clusters as a stream. The records that a read_committed consumer sees are the same sequence on both sides, whichever way the mirror runs, but for
 * what retention took from a head, what compaction removed, and what isn't copied yet; so it needs no direction. What it finds depends on the records alone, not on how they are
 * fed (on a damaged compacted topic the kind and the place of a finding may).
 */
export class PartitionAlignment {
  readonly #config: AlignmentConfig
  readonly #ledger: Ledger
  #end: OffsetPair | null
  #reachedEnd: OffsetPair | null
  /** Places nearer than this are refuted already. */
  #searchFrom: number | null = null
  #lost: Exclude<AuditState, { kind: 'equal' }> | null = null

  /** @param checkpoint what {@link PartitionAlignment.checkpoint} gave under the same configuration; without one the comparison begins at each log's beginning */
  constructor(config: AlignmentConfig, checkpoint?: AlignmentCheckpoint) {
    this.#config = config
    this.#ledger = ledgerFrom(config, checkpoint)
    this.#end = null
    this.#reachedEnd = pairOf(checkpoint?.reachedEnd)
    const end = pairOf(checkpoint?.end)
    if (end !== null) this.#setEnd(end)
  }

  /**
   * The next visible records of one side, in order; those that were fed before are ignored.
   *
   * @param readUpTo everything below this offset of that side has been read, visible or not
   */
  feed(colour: Colour, records: readonly AuditRecord[], readUpTo: bigint): void {
    if (this.#lost === null) this.#ledger[colour].feed(records, readUpTo)
  }

  /** That side's log begins at `logStart`: what wasn't read below is gone, and the other side isn't reproached with still having it. */
  retentionPassed(colour: Colour, logStart: bigint): void {
    if (this.#lost === null) this.#ledger[colour].retentionPassed(logStart)
  }

  /** Which side the mirror reads now; null when that isn't known. A record on the other side only is `foreign` there, instead of `missing` here; nothing else hangs on it. */
  copiedFrom(source: Colour | null): void {
    this.#ledger.copiedFrom = source
  }

  /**
   * The logs end here: what one side still holds below its end when the other has been read to its own is missing there. Records behind are compared once that is settled.
   *
   * @throws KbgError `audit-end-passed` when records at or behind an end have been compared already
   */
  atEnd(blueEnd: bigint, greenEnd: bigint): void {
    const end = { blue: blueEnd, green: greenEnd }
    for (const colour of colours) {
      const comparedUpTo = this.#ledger[colour].comparedUpTo
      if (comparedUpTo <= end[colour]) continue
      throw new KbgError('audit-end-passed', 'Records behind the asked end have been compared already.', {
        facts: { colour, end: end[colour].toString(), comparedUpTo: comparedUpTo.toString() },
      })
    }
    this.#setEnd(end)
  }

  /** Nothing is compared any more: behind some place both sides have nothing in common within reach. What is fed is ignored. */
  get isOver(): boolean {
    return this.#lost !== null
  }

  /** Aligns as far as what was fed allows. */
  advance(): void {
    while (this.#lost === null && this.#step());
  }

  /** Hands out what was found since the last time, so that memory stays flat. */
  drain(): Drained {
    return this.#ledger.drain()
  }

  /** Records of one side that wait for their counterparts, the offset from which a restart has to read, and the one up to which it was read. */
  pending(colour: Colour): { readonly records: number; readonly restartFrom: bigint; readonly readUpTo: bigint } {
    const side = this.#ledger[colour]
    return { records: side.pending.length, restartFrom: side.next, readUpTo: side.readUpTo }
  }

  /**
   * What the facts were if the logs ended here: {@link atEnd} on a copy, so that this comparison goes on as if nobody had asked, and a record that is copied later isn't told as missing.
   *
   * @throws KbgError `audit-undrained` as {@link checkpoint}
   */
  factsAtEnd(blueEnd: bigint, greenEnd: bigint): PartitionFacts {
    if (this.#lost !== null) return this.facts()
    const copy = new PartitionAlignment(this.#config, this.checkpoint())
    for (const colour of colours) this.#ledger[colour].replayInto(copy.#ledger[colour])
    copy.atEnd(blueEnd, greenEnd)
    copy.advance()
    return copy.facts()
  }

  /** @throws KbgError `audit-undrained` when something was found that hasn't been drained: it would be in neither the checkpoint nor the map */
  checkpoint(): AlignmentCheckpoint {
    if (this.#ledger.hasUndrained) throw new KbgError('audit-undrained', 'Drain what was found before the checkpoint.')
    return takeCheckpoint(this.#ledger, this.#end, this.#reachedEnd)
  }

  facts(): PartitionFacts {
    const { findings, blue, green, alignedRecords, ambiguousRanges, removals } = this.#ledger
    const { counts, shown } = findings.state
    return {
      alignedRecords,
      blue: sideFacts(blue),
      green: sideFacts(green),
      watermark: { blue: blue.next, green: green.next },
      reachedEnd: this.#reachedEnd,
      differences: { total: findings.total, byKind: counts, shown },
      ambiguousRanges,
      waitingKeys: removals?.waitingKeys ?? 0,
      doubt: this.#lost?.reason ?? this.#removalsDoubt(),
      state: this.#state(),
    }
  }

  #setEnd(end: OffsetPair | null): void {
    this.#end = end
    for (const colour of colours) this.#ledger[colour].end = end?.[colour] ?? null
  }

  /** @returns whether another step may do something */
  #step(): boolean {
    const { blue, green } = this.#ledger
    this.#look()
    if (!this.#mustFindHead) {
      this.#ledger.pairEqual()
      this.#look()
      if (this.#mustFindHead) return true
    }
    if (blue.length > 0 && green.length > 0) return this.#mustFindHead ? this.#passHead() : this.#passDifference()
    if (blue.length === 0 && green.length === 0) return this.#settleEnd()
    const colour = blue.length > 0 ? 'blue' : 'green'
    if (!this.#ledger[otherColour(colour)].isRead) return false
    this.#ledger.lone(colour, this.#ledger[colour].length)
    return true
  }

  #look(): void {
    this.#ledger.blue.look()
    this.#ledger.green.look()
  }

  get #mustFindHead(): boolean {
    return !this.#config.compacted && (this.#ledger.blue.headless || this.#ledger.green.headless)
  }

  #settleEnd(): boolean {
    if (this.#end === null || !this.#ledger.blue.isRead || !this.#ledger.green.isRead) return false
    this.#ledger.settleEnd()
    this.#reachedEnd = this.#end
    this.#setEnd(null)
    return true
  }

  /** Both sides' next records differ. */
  #passDifference(): boolean {
    const { blue, green } = this.#ledger
    const { compacted, lookaheadRecords, confirmRecords } = this.#config
    const limits = limitsBetween(blue, green, lookaheadRecords, confirmRecords)
    const found = compacted ? findNearestEqual(blue, green, lookaheadRecords) : findResync(blue, green, limits, this.#searchFrom ?? 1)
    if (found.kind === 'none') return this.#passToHole()
    if (!this.#isFound(found)) return false
    if (compacted) {
      this.#ledger.lone('blue', found.blue)
      this.#ledger.lone('green', found.green)
    } else this.#ledger.settleStretch(found.blue, found.green)
    return true
  }

  /** One side's log begins later than the other's, or both begin anew: what stands before the first record in common is excused. */
  #passHead(): boolean {
    const { blue, green } = this.#ledger
    const limits = limitsBetween(blue, green, this.#config.lookaheadRecords, this.#config.confirmRecords)
    const found = findHead(blue, green, limits, { blue: blue.headless, green: green.headless })
    if (found.kind === 'none') {
      if (blue.headless && green.headless) return this.#passToHole()
      this.#ledger.lone(blue.headless ? 'green' : 'blue', Math.max(1, Math.max(limits.skipBlue, limits.skipGreen) - headRecords))
      this.#searchFrom = null
      return true
    }
    if (!this.#isFound(found)) return false
    const isWhole = found.blue === blue.length && found.green === green.length
    this.#ledger.settleHead(found.blue, found.green, isWhole)
    return true
  }

  #isFound(found: Resync): found is Extract<Resync, { kind: 'found' }> {
    this.#searchFrom = found.kind === 'open' ? found.combined : null
    return found.kind === 'found'
  }

  /** Nothing goes on equally within reach. Before what retention took that is no wonder; elsewhere the comparison ends. */
  #passToHole(): boolean {
    this.#searchFrom = null
    const colour = colours.find((each) => this.#ledger[each].isCutShort)
    if (colour !== undefined) {
      this.#ledger.lone(colour, this.#ledger[colour].length)
      return true
    }
    const { blue, green } = this.#ledger
    const where = `behind blue ${blue.next} and green ${green.next} no place within ${this.#config.lookaheadRecords} records of each side`
    const isCertain = !this.#config.compacted && !blue.headless && !green.headless
    this.#lost = { kind: isCertain ? 'differs' : 'undecided', reason: `${where} from which both go on equally` }
    return false
  }

  #state(): AuditState {
    const { findings, blue, green, alignedRecords } = this.#ledger
    if (findings.total > 0) return { kind: 'differs', reason: this.#lost?.kind === 'differs' ? this.#lost.reason : `${findings.total} differences` }
    if (this.#lost !== null) return this.#lost
    const isWaiting = blue.pending.length + green.pending.length > 0
    if (this.#searchFrom !== null && !this.#config.compacted && !this.#mustFindHead) {
      return { kind: 'differs', reason: `blue ${blue.next} and green ${green.next} are not the same record; what the difference is takes more records to say` }
    }
    const doubt = this.#removalsDoubt()
    if (doubt !== null) return { kind: 'undecided', reason: doubt }
    if (isWaiting && alignedRecords === 0 && this.#reachedEnd === null) return { kind: 'undecided', reason: nothingCompared }
    return { kind: 'equal' }
  }

  /** Removals that nothing accounts for stand nowhere among the differences. */
  #removalsDoubt(): string | null {
    const { removals } = this.#ledger
    const waitingKeys = removals?.waitingKeys ?? 0
    return removals?.unproven ?? (waitingKeys > 0 ? `${waitingKeys} keys have a record on one side only, and no newer one yet` : null)
  }
}

function sideFacts(side: Side): SideFacts {
  return { ...side.counts, digest: side.digest.toString() }
}

function pairOf(text: { readonly blue: string; readonly green: string } | null | undefined): OffsetPair | null {
  return text === null || text === undefined ? null : { blue: BigInt(text.blue), green: BigInt(text.green) }
}
