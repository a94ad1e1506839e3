/** One reading of a list: when it was asked for, when its answer was there (monotonic ms), and whether the name stood in it. */
export interface ListReading {
  readonly askedMs: number
  readonly answeredMs: number
  readonly isListed: boolean
}

/** Two readings may be of one stale copy; so may many in a moment, which is what the span is for. */
export const fewestReadings = 5

/**
 * Whether a name is gone, by a list of which nobody promises that it is current: once so many readings one behind the other don't name it, over a span longer than a change takes to be seen
 * everywhere. A reading that names it is believed at once, and starts the span anew.
 */
export class Unlisted {
  readonly #spanMs: number
  #sinceMs = Number.POSITIVE_INFINITY
  #readings = 0

  constructor(spanMs: number) {
    this.#spanMs = spanMs
  }

  /** @returns whether it is gone */
  heard({ askedMs, answeredMs, isListed }: ListReading): boolean {
    if (isListed) {
      this.#sinceMs = Number.POSITIVE_INFINITY
      this.#readings = 0
      return false
    }
    this.#readings += 1
    // The shortest that the span can have been: what the first reading said is as old as its answer at most, what this one says as young as its question.
    this.#sinceMs = Math.min(this.#sinceMs, answeredMs)
    return this.#readings >= fewestReadings && askedMs - this.#sinceMs >= this.#spanMs
  }
}
