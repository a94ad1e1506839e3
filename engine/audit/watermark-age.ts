import { type Colour, colours } from '../model/colour.ts'
import type { OffsetPair } from './record.ts'

/** A last stable offset, and when the fetch that saw it was sent. */
interface Sighting {
  readonly lastStableOffset: bigint
  readonly atMs: number
}

/** Sightings of one side that wait for the watermark; of more every second one is left out, which can only make the age larger. */
const mostSightings = 128

/**
 * How long ago the watermark was the end of both logs, in monotonic time: never from records' timestamps. A fetch that was sent at t and saw the last stable offset L shows that nothing
 * beyond L was stable at t; so once the watermark has reached L, everything that was there at t is compared. Idle logs stay fresh for as long as fetches answer.
 */
export class WatermarkAge {
  readonly #waiting: Readonly<Record<Colour, Sighting[]>> = { blue: [], green: [] }
  readonly #reachedAtMs: Record<Colour, number | null> = { blue: null, green: null }
  readonly #watermark: Record<Colour, bigint>

  constructor(watermark: OffsetPair) {
    this.#watermark = { ...watermark }
  }

  /** A fetch of that side was sent at `askedAtMs` and saw this last stable offset. */
  saw(colour: Colour, lastStableOffset: bigint, askedAtMs: number): void {
    const waiting = this.#waiting[colour]
    const last = waiting.at(-1)
    if (last !== undefined && (lastStableOffset < last.lastStableOffset || askedAtMs <= last.atMs)) return // told late: a newer one is known
    if (last?.lastStableOffset === lastStableOffset) waiting.pop()
    waiting.push({ lastStableOffset, atMs: askedAtMs })
    if (waiting.length > mostSightings) this.#thin(waiting)
    this.#reach(colour)
  }

  /** The comparison has come to here; it never goes back. */
  reached(watermark: OffsetPair): void {
    for (const colour of colours) {
      this.#watermark[colour] = watermark[colour]
      this.#reach(colour)
    }
  }

  /** null: it never was the end of both. */
  ageMs(nowMs: number): number | null {
    const { blue, green } = this.#reachedAtMs
    return blue === null || green === null ? null : Math.max(0, nowMs - Math.min(blue, green))
  }

  #reach(colour: Colour): void {
    const waiting = this.#waiting[colour]
    const behind = waiting.findIndex(({ lastStableOffset }) => lastStableOffset > this.#watermark[colour])
    const reached = waiting.splice(0, behind === -1 ? waiting.length : behind).at(-1)
    if (reached !== undefined) this.#reachedAtMs[colour] = Math.max(this.#reachedAtMs[colour] ?? reached.atMs, reached.atMs)
  }

  #thin(waiting: Sighting[]): void {
    const kept = waiting.filter((_, index) => index % 2 === 0)
    waiting.splice(0, waiting.length, ...kept)
  }
}
