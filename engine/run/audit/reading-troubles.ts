import { type Colour, colours } from '../../model/colour.ts'
import { messageOf } from '../../model/error.ts'
import type { TopicPartition } from '../../model/partition.ts'
import type { AuditReader, ReadingTrouble } from '../../ports/audit-reader.ts'
import type { Clock } from '../../ports/clock.ts'

interface NotedTrouble {
  readonly atMs: number
  readonly text: string
}

/** Partitions whose leaders don't answer. A reader tells that again and again, and never that it is over: an answer that came later says so. */
export class ReadingTroubles {
  readonly #clock: Clock
  readonly #tell: (line: string) => void
  readonly #noted: Readonly<Record<Colour, Map<TopicPartition, NotedTrouble>>> = { blue: new Map(), green: new Map() }

  constructor(clock: Clock, tell: (line: string) => void) {
    this.#clock = clock
    this.#tell = tell
  }

  note(colour: Colour, { partitions, lastingMs, error }: ReadingTrouble): void {
    const seconds = Math.round(lastingMs / 1_000)
    this.#tell(`${colour}: ${partitions.length} partitions can't be read for ${seconds} s: ${messageOf(error)}`)
    const noted = { atMs: this.#clock.monotonicMs(), text: `can't be read on ${colour}: ${error.message}` }
    for (const partition of partitions) this.#noted[colour].set(partition, noted)
  }

  /** Why a partition isn't read at the moment; empty when it is. */
  of(partition: TopicPartition, readers: Readonly<Record<Colour, Pick<AuditReader, 'facts'>>>): string {
    const texts = colours.flatMap((colour) => {
      const noted = this.#noted[colour].get(partition)
      if (noted === undefined) return []
      if ((readers[colour].facts(partition)?.answeredAtMs ?? Number.NEGATIVE_INFINITY) < noted.atMs) return [noted.text]
      this.#noted[colour].delete(partition)
      return []
    })
    return texts.join('; ')
  }
}
