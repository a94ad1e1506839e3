import type { AuditReader, ReadPace } from '../../ports/audit-reader.ts'
import type { Clock } from '../../ports/clock.ts'

/** How long a worker reads at once what comes, after it was told to. */
export const hurryMs = 15_000

/** Each append answered by itself would be a request for each: at most ten in a second and broker, unless there is much to read. */
export const steadyPace: ReadPace = { minBytes: 1024 * 1024, maxWaitMs: 100, tailPauseMs: 5 }
/** A record is there as soon as it is appended. */
export const hurriedPace: ReadPace = { minBytes: 1, maxWaitMs: 25, tailPauseMs: 0 }

/** How fast both readers ask: steadily, and without waiting for some seconds after somebody is in a hurry. */
export class Pacer {
  readonly #readers: readonly AuditReader[]
  readonly #clock: Clock
  readonly #stop: AbortSignal
  #untilMs = 0
  #isHurried = false

  constructor(readers: readonly AuditReader[], clock: Clock, stop: AbortSignal) {
    this.#readers = readers
    this.#clock = clock
    this.#stop = stop
    for (const reader of readers) reader.pace(steadyPace)
  }

  /** For the next {@link hurryMs}. */
  hurry(): void {
    this.#untilMs = this.#clock.monotonicMs() + hurryMs
    if (this.#isHurried) return
    this.#isHurried = true
    for (const reader of this.#readers) reader.pace(hurriedPace)
    this.#slowDown().catch(() => undefined) // stopped: the readers are closed
  }

  async #slowDown(): Promise<void> {
    for (let leftMs = hurryMs; leftMs > 0; leftMs = this.#untilMs - this.#clock.monotonicMs()) await this.#clock.sleep(leftMs, this.#stop)
    this.#isHurried = false
    for (const reader of this.#readers) reader.pace(steadyPace)
  }
}
