/** For tests of what is asked of MSK Connect, without brokers: declarations that Connect's offsets topic would hold, and time that passes by the pauses between two looks alone. */
import type { Declarations, Declared } from '../../../engine/adapters/connect/offsets-store.ts'
import type { Clock } from '../../../engine/ports/clock.ts'

export class DeclarationsInMemory implements Declarations {
  readonly held = new Map<string, Declared>()
  /** What was written of whether MSK Connect was asked, in order; `none` for a withdrawal. */
  readonly marks: string[] = []

  async declared(): Promise<ReadonlyMap<string, Declared>> {
    return new Map(this.held)
  }

  async declare(connector: string, declared: Declared): Promise<void> {
    this.held.set(connector, declared)
    this.marks.push(declared.asked)
  }

  async withdraw(connector: string): Promise<void> {
    this.held.delete(connector)
    this.marks.push('none')
  }
}

/** Real requests take no time on it; a pause passes at once, anything longer is a deadline and ends when pauses have come so far. */
export class PausesOnly implements Clock {
  readonly #longestPauseMs: number
  #nowMs = 0
  #waiting: { readonly atMs: number; readonly ring: () => void }[] = []

  constructor(longestPauseMs: number) {
    this.#longestPauseMs = longestPauseMs
  }

  monotonicMs(): number {
    return this.#nowMs
  }

  wallClock(): Date {
    return new Date(Date.UTC(2026, 0, 1) + this.#nowMs)
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (ms <= this.#longestPauseMs) {
        this.#nowMs += ms
        const due = this.#waiting.filter(({ atMs }) => atMs <= this.#nowMs)
        this.#waiting = this.#waiting.filter(({ atMs }) => atMs > this.#nowMs)
        for (const { ring } of due) ring()
        return resolve()
      }
      const waiting = { atMs: this.#nowMs + ms, ring: resolve }
      this.#waiting.push(waiting)
      signal?.addEventListener('abort', () => {
        this.#waiting = this.#waiting.filter((one) => one !== waiting)
        reject(signal.reason)
      })
    })
  }
}
