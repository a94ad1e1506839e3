/** Lets batches in while open; closing waits for those inside and turns later ones away. Pure. */
export class BatchGate {
  readonly #inside = new Set<Promise<void>>()
  #closed: Promise<unknown> | undefined

  /** Whether work inside should come to an end. */
  get closing(): boolean {
    return this.#closed !== undefined
  }

  /** Runs `work` if open. Otherwise nothing is run, and the answer comes when all that was inside has ended. */
  async enter(work: () => Promise<void>): Promise<void> {
    if (this.#closed !== undefined) {
      await this.#closed // at once would make the consumer fetch the same batch again and again
      return
    }
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#inside.add(promise)
    try {
      await work()
    } finally {
      this.#inside.delete(promise)
      resolve()
    }
  }

  /** No work is begun from now on; resolves when all that was begun has ended. */
  close(): Promise<void> {
    this.#closed ??= Promise.all(this.#inside)
    return this.#closed.then(() => undefined)
  }

  open(): void {
    this.#closed = undefined
  }
}
