import { PendingRecords } from './pending-records.ts'
import type { AuditRecord } from './record.ts'
import type { Lookahead, ResyncLimits } from './resync.ts'
import { RollingDigest } from './rolling-digest.ts'

/** Records of one side, counted as they leave the queue. */
export interface SideCounts {
  /** Visible ones below the watermark that had to have a counterpart. */
  visible: number
  /** Of these, the ones that only this side holds. */
  extra: number
  /** Held by this side only, because retention took them from the other: not in `visible`. */
  retention: number
  /** Held by this side only, because compaction removed them from the other: not in `visible`. */
  compacted: number
}

/** What a side is restored from. */
export interface SideState {
  readonly next: bigint
  readonly headless: boolean
  readonly counts: SideCounts
  readonly digest: string | undefined
}

/** The state of one side: what was read and isn't aligned yet, and what it has come to so far. */
export class Side implements Lookahead {
  readonly pending = new PendingRecords()
  readonly digest: RollingDigest
  readonly counts: SideCounts
  /** Retention took what stood right before the first pending record, so the other side may hold more there. */
  headless: boolean
  /** Where the comparison ends for now; null: nowhere. */
  end: bigint | null = null
  #readUpTo: bigint
  #dropped = 0
  /** How many records had been queued when retention passed the reading. */
  #holes: number[] = []
  #visibleNow = 0
  #comparedUpTo = 0n

  constructor(state: SideState = { next: 0n, headless: false, counts: { visible: 0, extra: 0, retention: 0, compacted: 0 }, digest: undefined }) {
    this.#readUpTo = state.next
    this.headless = state.headless
    this.counts = { ...state.counts }
    this.digest = new RollingDigest(state.digest)
  }

  /** Everything below this offset is aligned or told as a difference: where a reader has to go on after a restart. */
  get next(): bigint {
    return this.pending.at(0)?.offset ?? this.#readUpTo
  }

  /** Everything below this offset was read, visible or not. */
  get readUpTo(): bigint {
    return this.#readUpTo
  }

  /** Behind the last record that left the queue since the start or the restart. */
  get comparedUpTo(): bigint {
    return this.#comparedUpTo
  }

  /** Records that may be compared now: up to the next hole, and below the end. */
  get length(): number {
    return this.#visibleNow
  }

  get ended(): boolean {
    return this.isCutShort || this.isRead
  }

  get isCutShort(): boolean {
    return this.#holes.length > 0
  }

  /** Whether all below the end was read. */
  get isRead(): boolean {
    return this.end !== null && this.#readUpTo >= this.end
  }

  at(index: number): AuditRecord | undefined {
    return index < this.#visibleNow ? this.pending.at(index) : undefined
  }

  feed(records: readonly AuditRecord[], readUpTo: bigint): void {
    let from = 0
    while (from < records.length && (records[from]?.offset ?? 0n) < this.#readUpTo) from++
    this.pending.append(records, from)
    if (readUpTo > this.#readUpTo) this.#readUpTo = readUpTo
  }

  retentionPassed(logStart: bigint): void {
    if (logStart <= this.#readUpTo) return
    this.#readUpTo = logStart
    this.#holes.push(this.#dropped + this.pending.length)
  }

  /** Feeds another side with what waits here, holes included. */
  replayInto(other: Side): void {
    let from = 0
    for (const hole of this.#holes) {
      const to = hole - this.#dropped
      if (to > from) other.feed(this.#pendingBetween(from, to), (this.pending.at(to - 1)?.offset ?? -1n) + 1n)
      other.retentionPassed(this.pending.at(to)?.offset ?? this.#readUpTo)
      from = to
    }
    other.feed(this.#pendingBetween(from, this.pending.length), this.#readUpTo)
  }

  #pendingBetween(from: number, to: number): readonly AuditRecord[] {
    return Array.from({ length: to - from }, (_, index) => this.pending.at(from + index)).filter((record) => record !== undefined)
  }

  /** Works out anew what may be compared; a hole that has come to the front makes the side headless. */
  look(): void {
    while (this.#holes[0] === this.#dropped) {
      this.#holes.shift()
      this.headless = true
    }
    const toHole = this.#holes[0] === undefined ? this.pending.length : this.#holes[0] - this.#dropped
    this.#visibleNow = this.end === null ? toHole : Math.min(toHole, this.pending.countBelow(this.end))
  }

  /** Drops the first `count` records. */
  drop(count: number): void {
    this.#comparedUpTo = (this.pending.at(count - 1)?.offset ?? 0n) + 1n
    this.pending.drop(count)
    this.#dropped += count
    this.#visibleNow -= count
  }
}

/** The limits of a search between two sides; where only one of them has lost its head, the other slides past it in steps. */
export function limitsBetween(blue: Side, green: Side, lookaheadRecords: number, confirmRecords: number): ResyncLimits {
  const short = Math.min(headRecords, lookaheadRecords)
  const long = Math.min(headRecords * slideFactor, lookaheadRecords)
  const limits = { lookaheadRecords, confirmRecords }
  if (blue.headless === green.headless) return { ...limits, skipBlue: lookaheadRecords, skipGreen: lookaheadRecords }
  return blue.headless ? { ...limits, skipBlue: short, skipGreen: long } : { ...limits, skipBlue: long, skipGreen: short }
}

/** So many records after a lost head may differ before the rest is no longer recognized. */
export const headRecords = 16
const slideFactor = 4
