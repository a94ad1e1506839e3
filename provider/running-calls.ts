/** The operations that run in this process, and how they are told to stop. */

/** Why everything that runs is aborted. */
export class Cancelled extends Error {
  constructor(why: string) {
    super(`Cancelled: ${why}.`)
    this.name = 'Cancelled'
  }
}

/** Runs operations under one signal; knows when none is left. */
export class RunningCalls {
  readonly #stop = new AbortController()
  #running = 0
  #whenIdle: (() => void)[] = []

  /** Aborted once anybody cancelled: operations that start later see it at once. */
  get cancelled(): AbortSignal {
    return this.#stop.signal
  }

  /** Asks every operation to stop. What each makes of it is its own affair: before its point of no return it aborts, after it it finishes. */
  cancel(why: string): void {
    if (!this.#stop.signal.aborted) this.#stop.abort(new Cancelled(why))
  }

  /** Runs an operation. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    this.#running += 1
    try {
      return await work()
    } finally {
      this.#running -= 1
      if (this.#running === 0) for (const resolve of this.#whenIdle.splice(0)) resolve()
    }
  }

  /** Resolves when nothing runs. Unbounded on purpose: each operation has its own deadline. */
  idle(): Promise<void> {
    return this.#running === 0 ? Promise.resolve() : new Promise((resolve) => this.#whenIdle.push(resolve))
  }
}
