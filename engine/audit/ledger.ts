import { type Colour, otherColour } from '../model/colour.ts'
import { Findings, type FindingsState } from './findings.ts'
import { type Block, PairedRuns } from './paired-runs.ts'
import { RecentDigests } from './recent-digests.ts'
import type { AlignedRun, AmbiguousRange, AuditRecord, Difference } from './record.ts'
import { type Fate, fatesOf } from './region.ts'
import { type Removal, Removals, type RemovalsState } from './removals.ts'
import type { Side } from './side.ts'

/** What bounds the ledger's memory, and whether compaction may remove records. */
export interface LedgerLimits {
  readonly compacted: boolean
  /** Of so many aligned records a copy is known as one. */
  readonly recentRecords: number
  readonly shownDifferences: number
  /** On compacted topics: keys that may wait for a newer record, and the bytes of the filter over the keys that both sides hold. */
  readonly openRemovals: number
  readonly keyFilterBytes: number
}

/** What a ledger is restored from. */
export interface LedgerState {
  readonly blue: Side
  readonly green: Side
  readonly alignedRecords: number
  readonly ambiguousRanges: number
  readonly block: Block | null
  readonly recent: string
  readonly findings: FindingsState | undefined
  readonly removals: RemovalsState | undefined
}

/** Takes records off both sides and keeps what they have come to: runs, differences, counts and digests. It decides nothing about where both sides go on equally. */
export class Ledger {
  readonly blue: Side
  readonly green: Side
  readonly findings: Findings
  /** The side that the mirror reads, for naming alone: a record that only the other one has is foreign there. */
  copiedFrom: Colour | null = null
  readonly removals: Removals | null
  readonly #recent: RecentDigests
  #alignedRecords: number
  readonly #paired: PairedRuns

  constructor(limits: LedgerLimits, state: LedgerState) {
    this.blue = state.blue
    this.green = state.green
    this.#alignedRecords = state.alignedRecords
    this.#paired = new PairedRuns(state.block, state.ambiguousRanges)
    this.#recent = new RecentDigests(limits.recentRecords, state.recent)
    this.findings = new Findings(limits.shownDifferences, state.findings)
    this.removals = limits.compacted ? new Removals(limits.openRemovals, limits.keyFilterBytes, state.removals) : null
  }

  get alignedRecords(): number {
    return this.#alignedRecords
  }

  get ambiguousRanges(): number {
    return this.#paired.ambiguousRanges
  }

  get recent(): string {
    return this.#recent.toString()
  }

  get block(): Block | null {
    return this.#paired.block
  }

  get hasUndrained(): boolean {
    return this.#paired.hasUndrained || this.findings.hasUndrained
  }

  drain(): { readonly runs: readonly AlignedRun[]; readonly ambiguous: readonly AmbiguousRange[]; readonly differences: readonly Difference[] } {
    return { ...this.#paired.drain(), differences: this.findings.drain() }
  }

  /** Pairs records from the front for as long as they are equal. */
  pairEqual(): void {
    const { blue, green } = this
    const most = Math.min(blue.length, green.length)
    let count = 0
    for (; count < most; count++) {
      const left = blue.pending.at(count)
      const right = green.pending.at(count)
      if (left === undefined || right === undefined || left.digest !== right.digest) break
      this.#pair(left, right)
    }
    if (count === 0) return
    this.#alignedRecords += count
    this.#paired.settle()
    this.#passBoth(count)
  }

  /** Settles a stretch behind which both sides go on equally: what is equal in it is paired, the rest told. */
  settleStretch(blueRecords: number, greenRecords: number): void {
    for (const fate of this.#fatesOf(blueRecords, greenRecords)) {
      if (fate === 'blue' || fate === 'green') this.lone(fate, 1)
      else if (fate === 'pair') this.#pairOne()
      else this.#unequal(fate)
    }
  }

  /**
   * Settles what stands before the first record in common where retention took a head: the surplus of the side that kept its own is excused, what is left counts as a stretch.
   *
   * @param isWhole nothing stands behind on either side: without a single record in common there is nothing to compare
   */
  settleHead(blueRecords: number, greenRecords: number, isWhole: boolean): void {
    const fates = isWhole ? this.#fatesOf(blueRecords, greenRecords) : []
    if (isWhole && !fates.includes('pair') && !fates.includes('swapped')) {
      this.lone('green', greenRecords)
      this.lone('blue', blueRecords)
    } else {
      const surplusBlue = this.green.headless && !isWhole ? Math.max(0, blueRecords - greenRecords) : 0
      const surplusGreen = this.blue.headless && !isWhole ? Math.max(0, greenRecords - blueRecords) : 0
      this.lone('blue', surplusBlue)
      this.lone('green', surplusGreen)
      this.settleStretch(blueRecords - surplusBlue, greenRecords - surplusGreen)
    }
    this.blue.headless = false
    this.green.headless = false
  }

  /** The first `count` records of one side have no counterpart on the other. */
  lone(colour: Colour, count: number): void {
    const [side, other] = colour === 'blue' ? [this.blue, this.green] : [this.green, this.blue]
    for (let index = 0; index < count; index++) {
      const record = side.at(0)
      if (record === undefined) return
      side.drop(1)
      if (other.headless) side.counts.retention++
      else this.#loneOne(colour, record, other.at(0)?.offset ?? null)
    }
  }

  /** Both sides are at their end: what compaction should have left a newer record for is missing, and nothing is left to be excused by what retention took. */
  settleEnd(): void {
    this.blue.headless = false
    this.green.headless = false
    for (const removal of this.removals?.settle() ?? []) {
      if (removal.record.tombstone === true) this.#removed(removal)
      else {
        this.#side(removal.heldBy).counts.compacted += removal.records - 1
        this.#tellLone(removal.heldBy, removal.record, removal.before)
      }
    }
  }

  #fatesOf(blueRecords: number, greenRecords: number): readonly Fate[] {
    return fatesOf(firstOf(this.blue, blueRecords), firstOf(this.green, greenRecords), (digest) => this.#recent.has(digest))
  }

  #side(colour: Colour): Side {
    return colour === 'blue' ? this.blue : this.green
  }

  #passBoth(count: number): void {
    for (const side of [this.blue, this.green]) {
      side.drop(count)
      side.headless = false
      side.counts.visible += count
    }
  }

  #pairOne(): void {
    const [left, right] = [this.blue.at(0), this.green.at(0)]
    if (left === undefined || right === undefined) return
    this.#pair(left, right)
    this.#alignedRecords++
    this.#paired.settle()
    this.#passBoth(1)
  }

  #pair(left: AuditRecord, right: AuditRecord): void {
    this.#paired.add(left, right)
    this.#recent.add(left.digest)
    this.blue.digest.add(left.digest)
    this.green.digest.add(left.digest)
    const removed = this.removals?.held(left)
    if (removed !== undefined) this.#removed(removed)
  }

  #removed({ heldBy, records }: Removal): void {
    this.#side(heldBy).counts.compacted += records
  }

  /** Another record in the same place, or the same ones in another order. */
  #unequal(kind: 'changed' | 'swapped'): void {
    const [left, right] = [this.blue.at(0), this.green.at(0)]
    if (left === undefined || right === undefined) return
    const isCopyOnBlue = this.#recent.has(left.digest)
    // A record can't change into a copy of a neighbour by accident: that copy is one too many, and the other record is lacking.
    if (kind === 'changed' && (isCopyOnBlue || this.#recent.has(right.digest))) {
      this.lone(isCopyOnBlue ? 'green' : 'blue', 1)
      this.lone(isCopyOnBlue ? 'blue' : 'green', 1)
      return
    }
    this.#passBoth(1)
    this.#tellBoth(kind, left, right)
    if (kind === 'swapped') this.#recent.add(left.digest)
  }

  #tellBoth(kind: 'changed' | 'swapped', left: AuditRecord, right: AuditRecord): void {
    this.blue.digest.add(left.digest)
    this.green.digest.add(right.digest)
    this.#paired.pass('blue', left)
    this.#paired.pass('green', right)
    this.findings.add({ kind, on: null, blue: left.offset, green: right.offset }, left, right)
  }

  #loneOne(colour: Colour, record: AuditRecord, before: bigint | null): void {
    const verdict = this.removals === null || this.#recent.has(record.digest) ? null : this.removals.lone(colour, record, before)
    if (verdict?.kind === 'open') return
    if (verdict?.kind !== 'contradicted') {
      this.#tellLone(colour, record, before)
      return
    }
    const { removal } = verdict
    this.#side(removal.heldBy).counts.compacted += removal.records - 1
    this.blue.counts.visible++
    this.green.counts.visible++
    const [left, right] = colour === 'blue' ? [record, removal.record] : [removal.record, record]
    this.#tellBoth(left.digest === right.digest ? 'swapped' : 'changed', left, right)
  }

  #tellLone(colour: Colour, record: AuditRecord, before: bigint | null): void {
    const side = this.#side(colour)
    side.counts.visible++
    side.counts.extra++
    side.digest.add(record.digest)
    const other = otherColour(colour)
    const kind = this.#recent.has(record.digest) ? 'duplicate' : this.copiedFrom === other ? 'foreign' : 'missing'
    const at = colour === 'blue' ? { blue: record.offset, green: before } : { blue: before, green: record.offset }
    const [left, right] = colour === 'blue' ? [record, null] : [null, record]
    this.findings.add({ kind, on: kind === 'missing' ? other : colour, ...at }, left, right)
    this.#paired.pass(colour, record)
  }
}

function firstOf(side: Side, count: number): readonly AuditRecord[] {
  return Array.from({ length: count }, (_, index) => side.at(index)).filter((record) => record !== undefined)
}
