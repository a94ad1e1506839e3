import type { Clock } from '../../ports/clock.ts'

/** Wakes whoever waits, now; who comes later waits for the next time. */
export class Signal {
  #waiting = Promise.withResolvers<void>()

  raise(): void {
    this.#waiting.resolve()
    this.#waiting = Promise.withResolvers<void>()
  }

  wait(): Promise<void> {
    return this.#waiting.promise
  }

  /** Returns when raised, or after `ms`. */
  async waitFor(ms: number, clock: Clock): Promise<void> {
    const stop = new AbortController()
    const late = clock.sleep(ms, stop.signal).catch(() => undefined) // aborted below: raised in time
    try {
      await Promise.race([this.wait(), late])
    } finally {
      stop.abort()
    }
  }
}
