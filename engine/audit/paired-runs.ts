import type { Colour } from '../model/colour.ts'
import type { AlignedRun, AmbiguousRange, AuditRecord, OffsetPair } from './record.ts'

/** Neighbours with the same digest that were paired last. */
export interface Block {
  readonly digest: bigint
  readonly from: OffsetPair
  readonly to: OffsetPair
  /** Whether nothing was told of that side since. */
  readonly beside: Readonly<Record<Colour, boolean>>
  /** Whether an {@link AmbiguousRange} was told of it. */
  readonly isAmbiguous: boolean
}

/** The pairs of one partition as runs, and the blocks of equal neighbours in which it is open who is whose copy. Nothing is allocated for a pair that continues a run. */
export class PairedRuns {
  #runs: AlignedRun[] = []
  #ambiguous: AmbiguousRange[] = []
  #ambiguousInAll: number
  #first: OffsetPair | null = null
  #records = 0
  #lastBlue: bigint
  #lastGreen: bigint
  #digest: bigint | null
  #blockBlue: bigint
  #blockGreen: bigint
  #beside: Record<Colour, boolean>
  #isAmbiguous: boolean

  /** @param ambiguousInAll how many ambiguous ranges were told before */
  constructor(block: Block | null, ambiguousInAll: number) {
    this.#ambiguousInAll = ambiguousInAll
    this.#digest = block?.digest ?? null
    this.#blockBlue = block?.from.blue ?? 0n
    this.#blockGreen = block?.from.green ?? 0n
    this.#lastBlue = (block?.to.blue ?? 0n) - 1n
    this.#lastGreen = (block?.to.green ?? 0n) - 1n
    this.#beside = { blue: block?.beside.blue ?? false, green: block?.beside.green ?? false }
    this.#isAmbiguous = block?.isAmbiguous ?? false
  }

  get ambiguousRanges(): number {
    return this.#ambiguousInAll
  }

  get block(): Block | null {
    if (this.#digest === null) return null
    const from = { blue: this.#blockBlue, green: this.#blockGreen }
    const to = { blue: this.#lastBlue + 1n, green: this.#lastGreen + 1n }
    return { digest: this.#digest, from, to, beside: { ...this.#beside }, isAmbiguous: this.#isAmbiguous }
  }

  get hasUndrained(): boolean {
    return this.#first !== null || this.#runs.length > 0 || this.#ambiguous.length > 0
  }

  /** What was added since the last time, the run that may go on included. */
  drain(): { readonly runs: readonly AlignedRun[]; readonly ambiguous: readonly AmbiguousRange[] } {
    this.#close()
    const drained = { runs: this.#runs, ambiguous: this.#ambiguous }
    this.#runs = []
    this.#ambiguous = []
    return drained
  }

  /** The next pair. */
  add(left: AuditRecord, right: AuditRecord): void {
    if (this.#first === null || left.offset !== this.#lastBlue + 1n || right.offset !== this.#lastGreen + 1n) {
      this.#close()
      this.#first = { blue: left.offset, green: right.offset }
    }
    this.#records++
    this.#lastBlue = left.offset
    this.#lastGreen = right.offset
    if (left.digest === this.#digest) return
    this.#digest = left.digest
    this.#blockBlue = left.offset
    this.#blockGreen = right.offset
    this.#isAmbiguous = false
  }

  /** Pairs were added: what comes next stands right beside them. */
  settle(): void {
    this.#beside.blue = true
    this.#beside.green = true
  }

  /** A record of one side without a counterpart in its place. If it is one more of the equal neighbours that were paired last, nobody can say which of them it is. */
  pass(colour: Colour, record: AuditRecord): void {
    if (record.digest === this.#digest && this.#beside[colour]) this.#tellAmbiguous(colour, record.offset + 1n)
    else this.#beside[colour] = false
  }

  #tellAmbiguous(colour: Colour, to: bigint): void {
    const from = { blue: this.#blockBlue, green: this.#blockGreen }
    const last = this.#ambiguous.at(-1)
    const isLonger = last !== undefined && last.from.blue === from.blue && last.from.green === from.green
    const reached = isLonger ? last.to : { blue: this.#lastBlue + 1n, green: this.#lastGreen + 1n }
    if (isLonger) this.#ambiguous.pop()
    if (!this.#isAmbiguous) this.#ambiguousInAll++
    this.#isAmbiguous = true
    this.#ambiguous.push({ from, to: { ...reached, [colour]: to } })
  }

  #close(): void {
    if (this.#first !== null) this.#runs.push({ ...this.#first, records: this.#records })
    this.#first = null
    this.#records = 0
  }
}
