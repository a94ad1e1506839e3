import type { Difference } from '../../audit/record.ts'
import type { ToldDifference } from '../../model/audit-facts.ts'
import { type Colour, colours } from '../../model/colour.ts'
import { messageOf } from '../../model/error.ts'
import type { TopicPartition } from '../../model/partition.ts'
import type { AuditReader, RecordParts } from '../../ports/audit-reader.ts'
import { type Clock, Deadline } from '../../ports/clock.ts'

/** What of a record differs. */
export type ChangedPart = ToldDifference['what'][number]

/** Answers that are kept, and questions that wait; more are left unanswered. */
const mostKept = 1_000
const mostWaiting = 100
const withinMs = 5_000

/** Finds out what of a changed record differs, one at a time in the background: both sides' records are read again. */
export class ChangedParts {
  readonly #readers: Readonly<Record<Colour, AuditReader>>
  readonly #clock: Clock
  readonly #tell: (line: string) => void
  readonly #known = new Map<string, readonly ChangedPart[]>()
  #waiting: { readonly key: string; readonly partition: TopicPartition; readonly blue: bigint; readonly green: bigint }[] = []
  #isBusy = false

  constructor(readers: Readonly<Record<Colour, AuditReader>>, clock: Clock, tell: (line: string) => void) {
    this.#readers = readers
    this.#clock = clock
    this.#tell = tell
  }

  /** What differs, as far as that is known; otherwise it is looked up for the next time. */
  of(partition: TopicPartition, { kind, blue, green }: Difference): readonly ChangedPart[] {
    if (kind !== 'changed' || blue === null || green === null) return []
    const key = `${partition} ${blue} ${green}`
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const isAsked = this.#waiting.some((one) => one.key === key)
    if (!isAsked && this.#waiting.length < mostWaiting && this.#known.size < mostKept) this.#waiting.push({ key, partition, blue, green })
    if (!this.#isBusy) void this.#lookUp()
    return []
  }

  /** Forgets a partition that is compared afresh. */
  forget(partition: TopicPartition): void {
    this.#waiting = this.#waiting.filter((one) => one.partition !== partition)
    for (const key of this.#known.keys()) if (key.startsWith(`${partition} `)) this.#known.delete(key)
  }

  async #lookUp(): Promise<void> {
    this.#isBusy = true
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      const { key, partition, ...offsets } = next
      try {
        const deadline = new Deadline(this.#clock, withinMs, `the changed record of ${partition}`)
        const [blue, green] = await Promise.all(colours.map((colour) => this.#readers[colour].recordParts(partition, offsets[colour], deadline)))
        if (this.#waiting.includes(next)) this.#known.set(key, blue && green ? changedParts(blue, green) : [])
      } catch (thrown) {
        this.#tell(`${partition}: what of blue ${offsets.blue} and green ${offsets.green} differs could not be looked up: ${messageOf(thrown)}`)
        this.#known.set(key, [])
      }
      this.#waiting = this.#waiting.filter((one) => one !== next)
    }
    this.#isBusy = false
  }
}

/** In which parts two records differ. */
export function changedParts(blue: RecordParts, green: RecordParts): readonly ChangedPart[] {
  const differs: Readonly<Record<ChangedPart, boolean>> = {
    key: blue.keyDigest !== green.keyDigest,
    value: blue.valueDigest !== green.valueDigest,
    headers: blue.headersDigest !== green.headersDigest,
    timestamp: blue.timestamp !== green.timestamp,
  }
  return (['key', 'value', 'headers', 'timestamp'] as const).filter((part) => differs[part])
}
