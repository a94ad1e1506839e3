import type { Colour } from '../model/colour.ts'
import { KeyFilter } from './key-filter.ts'
import type { AuditRecord } from './record.ts'

/**
 * Records of one key that only one side holds, on a compacted topic. They are accounted for when the side that lacks them holds a newer one of that key, or when the newest of them
 * is a tombstone and that side has no value of the key either.
 */
export interface Removal {
  readonly heldBy: Colour
  /** The newest of them. */
  readonly record: AuditRecord
  /** Before which offset it should stand on the side that lacks it; null: at its end. */
  readonly before: bigint | null
  readonly records: number
}

/** What a record that only one side holds has come to. */
export type RemovalVerdict =
  | { readonly kind: 'open' }
  /** The side that lacked `removal` holds this record of the same key, which the other lacks: compaction keeps the newest ones, so one of both is wrong. */
  | { readonly kind: 'contradicted'; readonly removal: Removal }
  /** Compaction doesn't remove such a record. */
  | { readonly kind: 'not-removable' }

/** Removals that wait for a newer record of their key, and the keys that both sides hold. */
export interface RemovalsState {
  readonly open: readonly Removal[]
  readonly keys: string
  readonly unproven: string | null
}

/**
 * What compaction removed from one side only. In a compacted log each key's records are a suffix of all it ever had (tombstones go last), so one that is lacking needs a newer one.
 * Memory: the open ones up to a limit, and a filter of fixed size.
 */
export class Removals {
  readonly #limit: number
  readonly #open: Map<bigint, Removal>
  readonly #keys: KeyFilter
  #unproven: string | null

  constructor(limit: number, keyFilterBytes: number, state: RemovalsState = { open: [], keys: '', unproven: null }) {
    this.#limit = limit
    this.#open = new Map(state.open.map((removal) => [removal.record.key ?? 0n, removal]))
    this.#keys = new KeyFilter(keyFilterBytes, state.keys)
    this.#unproven = state.unproven
  }

  get state(): RemovalsState {
    return { open: [...this.#open.values()], keys: this.#keys.toString(), unproven: this.#unproven }
  }

  /** Why what was removed can't be accounted for any more; null when it can. */
  get unproven(): string | null {
    return this.#unproven
  }

  /** How many keys wait for a newer record; those whose newest record is a tombstone don't. */
  get waitingKeys(): number {
    return this.#open.values().reduce((count, { record }) => count + (record.tombstone === true ? 0 : 1), 0)
  }

  /** Both sides hold this record. @returns what it accounts for */
  held(record: AuditRecord): Removal | undefined {
    if (record.key === null) return undefined
    if (record.tombstone !== true) this.#keys.add(record.key)
    if (this.#open.size === 0) return undefined
    return this.#take(record.key)
  }

  /** Only one side holds this record. */
  lone(heldBy: Colour, record: AuditRecord, before: bigint | null): RemovalVerdict {
    if (record.key === null) return { kind: 'not-removable' }
    const earlier = this.#open.get(record.key)
    if (earlier !== undefined && earlier.heldBy !== heldBy) {
      this.#open.delete(record.key)
      return { kind: 'contradicted', removal: earlier }
    }
    // A tombstone went with its values. Where a value of the key stands on both sides it may have stayed there, whatever came between the two.
    if (record.tombstone === true && this.#keys.mayHave(record.key)) {
      this.#unproven ??= `the tombstone at offset ${record.offset} of ${heldBy} is on that side only, and the other one may still hold a value of its key`
    }
    this.#open.set(record.key, { heldBy, record, before, records: (earlier?.records ?? 0) + 1 })
    if (this.#open.size > this.#limit) {
      this.#unproven ??= `more than ${this.#limit} keys have records on one side only and none on both since: too many to keep, so nothing can be said of this partition before it is compared afresh`
      for (const key of this.#open.keys().take(1)) this.#open.delete(key)
    }
    return { kind: 'open' }
  }

  /** Both sides are at their end: what still waits for a newer record. */
  *settle(): Generator<Removal> {
    for (const removal of this.#open.values()) yield removal
    this.#open.clear()
  }

  #take(key: bigint): Removal | undefined {
    const removal = this.#open.get(key)
    if (removal !== undefined) this.#open.delete(key)
    return removal
  }
}
