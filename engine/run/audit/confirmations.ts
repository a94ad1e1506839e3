import { type Colour, colours } from '../../model/colour.ts'
import type { TopicPartition } from '../../model/partition.ts'
import type { AuditReader } from '../../ports/audit-reader.ts'
import { type Clock, Deadline } from '../../ports/clock.ts'

const answerWithinMs = 2_000
/** Between two questions: a leader that couldn't confirm (it is being elected, or its log is another one) is not asked without a pause. */
const pauseMs = 3

/**
 * Asks both sides' leaders whether their logs still are the ones that were read: an answer that was sent for before a question came proves nothing for it. One question at a time for each
 * side; what is wanted meanwhile is asked for together with the next.
 */
export class Confirmations {
  readonly #readers: Readonly<Record<Colour, AuditReader>>
  readonly #clock: Clock
  readonly #stop: AbortSignal
  readonly #onAnswer: (partition: TopicPartition) => void
  readonly #wanted: Readonly<Record<Colour, Set<TopicPartition>>> = { blue: new Set(), green: new Set() }
  readonly #isBusy: Record<Colour, boolean> = { blue: false, green: false }

  /** @param onAnswer called for each partition that was asked for, confirmed or not */
  constructor(readers: Readonly<Record<Colour, AuditReader>>, clock: Clock, stop: AbortSignal, onAnswer: (partition: TopicPartition) => void) {
    this.#readers = readers
    this.#clock = clock
    this.#stop = stop
    this.#onAnswer = onAnswer
  }

  /** Whether both sides' leaders have confirmed that they hold what was read up to these ends (null: whatever was read), asked at `sinceMs` or later; if not, they are asked. */
  has(partition: TopicPartition, ends: Readonly<Record<Colour, bigint | null>>, sinceMs: number): boolean {
    const missing = colours.filter((colour) => {
      const facts = this.#readers[colour].facts(partition)
      return facts === undefined || facts.askedAtMs < sinceMs || facts.confirmedUpTo < (ends[colour] ?? facts.readUpTo)
    })
    for (const colour of missing) this.want(colour, partition)
    return missing.length === 0
  }

  /** Asks for it, with what else is asked for in this moment. */
  want(colour: Colour, partition: TopicPartition): void {
    this.#wanted[colour].add(partition)
    if (this.#isBusy[colour]) return
    this.#isBusy[colour] = true
    this.#askAll(colour).catch(() => undefined) // stopped while it paused
  }

  async #askAll(colour: Colour): Promise<void> {
    const wanted = this.#wanted[colour]
    try {
      await Promise.resolve() // whoever asks for one partition asks for the others in the same turn
      while (wanted.size > 0 && !this.#stop.aborted) {
        const asked = [...wanted]
        wanted.clear()
        await this.#readers[colour].confirm(asked, new Deadline(this.#clock, answerWithinMs, `${colour} to confirm its logs`))
        for (const partition of asked) this.#onAnswer(partition)
        if (wanted.size > 0) await this.#clock.sleep(pauseMs, this.#stop)
      }
    } finally {
      this.#isBusy[colour] = false
    }
  }
}
