import type { Clock } from '../../engine/ports/clock.ts'

interface Timer {
  readonly atMs: number
  readonly ring: () => void
}

/** Time that passes only when nothing else is left to do: each sleep ends in the order of its time, at once. For programs whose every effect is in memory. */
export class VirtualClock implements Clock {
  #nowMs = 0
  #timers: Timer[] = []
  #isStepping = false

  monotonicMs(): number {
    return this.#nowMs
  }

  wallClock(): Date {
    return new Date(Date.UTC(2026, 0, 1) + this.#nowMs)
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const onAbort = () => {
        this.#timers = this.#timers.filter((one) => one !== timer)
        reject(signal?.reason)
      }
      const timer: Timer = {
        atMs: this.#nowMs + ms,
        ring: () => {
          signal?.removeEventListener('abort', onAbort)
          resolve()
        },
      }
      signal?.addEventListener('abort', onAbort, { once: true })
      this.#timers.push(timer)
      this.#stepSoon()
    })
  }

  /** An immediate comes behind everything that only promises wait for. */
  #stepSoon(): void {
    if (this.#isStepping) return
    this.#isStepping = true
    setImmediate(() => {
      this.#isStepping = false
      const [next] = this.#timers.toSorted((a, b) => a.atMs - b.atMs)
      if (next === undefined) return
      this.#timers = this.#timers.filter((one) => one !== next)
      this.#nowMs = Math.max(this.#nowMs, next.atMs)
      next.ring()
      if (this.#timers.length > 0) this.#stepSoon()
    })
  }
}
