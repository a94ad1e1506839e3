import { KbgError } from '../model/error.ts'

/** Time, injected so that tests own it. Nothing that is decided depends on the wall clock. */
export interface Clock {
  /** Monotonic milliseconds (CLOCK_MONOTONIC: comparable between the processes of one machine). */
  monotonicMs(): number
  /** For people only. */
  wallClock(): Date
  /** Resolves after `ms`, rejects with the signal's reason when it aborts first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

/** The machine's clock. */
export const systemClock: Clock = {
  monotonicMs: () => Number(process.hrtime.bigint() / 1_000n) / 1_000,
  wallClock: () => new Date(),
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const onAbort = () => {
        clearTimeout(timer)
        reject(signal?.reason)
      }
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', onAbort)
        resolve()
      }, ms)
      signal?.addEventListener('abort', onAbort, { once: true })
    }),
}

/** Ends the timer of a race that is over. One for all: without a reason each would get an exception of its own, with its stack, which cost more than a request's answer. */
const raceIsOver = new Error('the race is over')

/** A point in monotonic time after which a wait refuses. Every wait of this project has one. */
export class Deadline {
  readonly clock: Clock
  /** What is waited for; it names the refusal. */
  readonly what: string
  readonly totalMs: number
  readonly #endsAtMs: number
  readonly #parent: AbortSignal | undefined

  constructor(clock: Clock, totalMs: number, what: string, cancelled?: AbortSignal) {
    this.clock = clock
    this.what = what
    this.totalMs = totalMs
    this.#endsAtMs = clock.monotonicMs() + totalMs
    this.#parent = cancelled
  }

  remainingMs(): number {
    return Math.max(0, this.#endsAtMs - this.clock.monotonicMs())
  }

  get over(): boolean {
    return this.remainingMs() === 0
  }

  /** The signal of the caller's cancellation, if there is one. */
  get cancelled(): AbortSignal | undefined {
    return this.#parent
  }

  /** A shorter deadline inside this one: it never ends later than this. */
  within(totalMs: number, what: string): Deadline {
    return new Deadline(this.clock, Math.min(totalMs, this.remainingMs()), what, this.#parent)
  }

  /** @throws KbgError `deadline` when it is over; the signal's reason when cancelled */
  check(): void {
    this.#parent?.throwIfAborted()
    if (this.over) throw this.error()
  }

  error(): KbgError {
    return new KbgError('deadline', `Gave up waiting for ${this.what}.`, { retriable: true, facts: { waitedMs: Math.round(this.totalMs) } })
  }

  /** The promise's result, or a rejection when the deadline ends first. The work itself is not undone: its outcome is unknown. */
  async race<T>(work: Promise<T>): Promise<T> {
    work.catch(() => undefined) // a late failure of an abandoned call has nobody to go to; its outcome is already reported as unknown
    this.check()
    const stop = new AbortController()
    const signal = this.#parent ? AbortSignal.any([stop.signal, this.#parent]) : stop.signal
    try {
      return await Promise.race([
        work,
        this.clock.sleep(this.remainingMs(), signal).then(() => {
          throw this.error()
        }),
      ])
    } finally {
      stop.abort(raceIsOver)
    }
  }

  /** Asks `probe` until it answers something other than undefined; `pauseMs` apart. */
  async poll<T>(pauseMs: number, probe: () => Promise<T | undefined>): Promise<T> {
    for (;;) {
      this.check()
      const answer = await this.race(probe())
      if (answer !== undefined) return answer
      if (this.remainingMs() <= pauseMs) throw this.error()
      await this.clock.sleep(pauseMs, this.#parent)
    }
  }
}
