/** One record of MirrorMaker's offset-syncs topic: the source's record at `upstreamOffset` was written to the target at `downstreamOffset`. */
export interface OffsetSync {
  readonly upstreamOffset: bigint
  readonly downstreamOffset: bigint
}

/** Slots for one partition: one for each bit of an offset. */
const slots = 64
const most = 2n ** 63n - 1n

/**
 * What MirrorMaker keeps of a partition's offset syncs, and how it translates by them: a model of its `OffsetSyncStore` (Kafka 4.3.1; the same since 3.5).
 *
 * It keeps at most 64 syncs. Slot 0 has the newest; the further back a slot, the further apart its neighbours lie (about 2^i offsets in slot i), so a group that lags
 * is translated from a sync that can lie as far before it as the group lags. A sync that goes back empties all slots.
 */
export class OffsetSyncStore {
  #syncs: readonly OffsetSync[] = []
  #isLoading: boolean

  /**
   * @param isLoading true while the topic is read at start and no checkpoint was found: then only the newest sync is kept, so that a restart of MirrorMaker
   *   forgets all earlier ones
   */
  constructor(isLoading: boolean) {
    this.#isLoading = isLoading
  }

  /** The topic is read to its end: from here on older syncs are kept as well. */
  loaded(): void {
    this.#isLoading = false
  }

  /** The next sync, in the topic's order. */
  add(sync: OffsetSync): void {
    const newest = this.#syncs[0]
    if (newest === undefined || this.#isLoading || newest.upstreamOffset > sync.upstreamOffset) this.#syncs = Array.from({ length: slots }, () => sync)
    else this.#syncs = withNewest(this.#syncs, sync)
  }

  /** The sync to translate by: the newest at or before the offset; else the oldest that there is; null: none. */
  syncFor(upstreamOffset: bigint): OffsetSync | null {
    return this.#syncs.find((sync) => sync.upstreamOffset <= upstreamOffset) ?? this.#syncs.at(-1) ?? null
  }

  /** The distinct syncs that are kept, the newest first. */
  get kept(): readonly OffsetSync[] {
    return [...new Set(this.#syncs)]
  }
}

/**
 * Puts a newer sync into slot 0 and repairs the slots behind it, as far as needed: a slot that has become too old for its place takes the newest of the
 * syncs pushed out in front of it that is neither too old nor too near to its neighbours.
 */
function withNewest(old: readonly OffsetSync[], sync: OffsetSync): readonly OffsetSync[] {
  const now = [...old]
  now[0] = sync
  let replacement = sync
  let candidateSlot = 0
  for (let slot = 1; slot < slots; slot++) {
    const [before, own] = [now[slot - 1] ?? sync, now[slot] ?? sync]
    for (;;) {
      const candidate = old[candidateSlot] ?? sync
      const isApart = farEnough(before, candidate, slot - 1)
      const behind = now[slot + 1]
      const fits = isApart && recentEnough(before, candidate, slot - 1, slot) && (behind === undefined || farEnough(candidate, behind, slot))
      const isUseless = !isApart || candidate === old[candidateSlot + 1]
      if (fits) replacement = candidate
      if (fits || isUseless) candidateSlot++
      if (!isUseless || candidateSlot >= slot) break
    }
    if (recentEnough(before, own, slot - 1, slot)) break
    now[slot] = replacement
  }
  return now
}

/** MirrorMaker's invariant B: a sync in slot j is at most `2^j - 2^i` offsets older than the one in slot i. Bounds beyond a 64 bit number hold. */
function recentEnough(newer: OffsetSync, older: OffsetSync, i: number, j: number): boolean {
  const bound = older.upstreamOffset + 2n ** BigInt(j) - 2n ** BigInt(i)
  return newer === older || bound > most || newer.upstreamOffset <= bound
}

/** MirrorMaker's invariant C: a sync behind slot i is at least `2^(i-2)` offsets older than the one in it. Bounds beyond a 64 bit number don't hold. */
function farEnough(newer: OffsetSync, older: OffsetSync, i: number): boolean {
  const bound = older.upstreamOffset + 2n ** BigInt(Math.max(i - 2, 0))
  return newer === older || (bound <= most && newer.upstreamOffset >= bound)
}
