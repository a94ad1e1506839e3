import type { AuditRecord, Difference, DifferenceKind } from './record.ts'

/** Found differences of each kind. */
export type DifferenceCounts = Readonly<Record<DifferenceKind, number>>

/** A record without its like in its place. */
interface Lone {
  readonly kind: DifferenceKind
  readonly blue: bigint | null
  readonly green: bigint | null
  /** Which of the shown differences it is; -1: not shown. */
  readonly shown: number
}

/** What {@link Findings} is restored from; digests are decimal text. */
export interface FindingsState {
  readonly counts: DifferenceCounts
  readonly shown: readonly Difference[]
  readonly lone: readonly Lone[]
}

/** Records without their like that are kept, so that one which turns up elsewhere is known as swapped. */
const keptLone = 64

const none: DifferenceCounts = { missing: 0, duplicate: 0, foreign: 0, changed: 0, swapped: 0 }

/**
 * The differences of one partition: the first ones in order, and how many there are of each kind. A record that is lacking in one place and turns up in another within the last 64 is
 * `swapped` in both, which corrects what was told of the first.
 */
export class Findings {
  readonly #counts: Record<DifferenceKind, number>
  readonly #shown: Difference[]
  readonly #lone: Lone[]
  readonly #shownDifferences: number
  #undrained: Difference[] = []

  constructor(shownDifferences: number, state: FindingsState = { counts: none, shown: [], lone: [] }) {
    this.#shownDifferences = shownDifferences
    this.#counts = { ...state.counts }
    this.#shown = [...state.shown]
    this.#lone = [...state.lone]
  }

  get state(): FindingsState {
    return { counts: { ...this.#counts }, shown: [...this.#shown], lone: [...this.#lone] }
  }

  get total(): number {
    return Object.values(this.#counts).reduce((sum, count) => sum + count, 0)
  }

  /** @param blue the record that stands there on blue and doesn't on green; null without one */
  add(difference: Difference, blue: AuditRecord | null, green: AuditRecord | null): void {
    const lone = { kind: difference.kind, blue: blue?.digest ?? null, green: green?.digest ?? null, shown: -1 }
    const isMovable = difference.kind !== 'duplicate' && difference.kind !== 'swapped'
    const told = isMovable && this.#foundElsewhere(lone) ? swappedOf(difference, lone) : difference
    this.#counts[told.kind]++
    this.#undrained.push(told)
    const isShown = this.#shown.length < this.#shownDifferences
    if (isShown) this.#shown.push(told)
    if (!isMovable || told.kind === 'swapped') return
    this.#lone.push({ ...lone, shown: isShown ? this.#shown.length - 1 : -1 })
    if (this.#lone.length > keptLone) this.#lone.shift()
  }

  /** Those that were found since the last time. */
  drain(): readonly Difference[] {
    const drained = this.#undrained
    this.#undrained = []
    return drained
  }

  get hasUndrained(): boolean {
    return this.#undrained.length > 0
  }

  /** Whether the other side held the same record in an earlier place; that one is told as swapped, too. */
  #foundElsewhere(lone: Lone): boolean {
    const at = this.#lone.findIndex((earlier) => isSame(earlier.green, lone.blue) || isSame(earlier.blue, lone.green))
    const [earlier] = at === -1 ? [] : this.#lone.splice(at, 1)
    if (earlier === undefined) return false
    this.#counts[earlier.kind]--
    this.#counts.swapped++
    const shown = this.#shown[earlier.shown]
    if (shown !== undefined) this.#shown[earlier.shown] = swappedOf(shown, earlier)
    return true
  }
}

function swappedOf(difference: Difference, { blue, green }: Lone): Difference {
  return { ...difference, kind: 'swapped', on: green === null ? 'blue' : blue === null ? 'green' : null }
}

function isSame(a: bigint | null, b: bigint | null): boolean {
  return a !== null && a === b
}
