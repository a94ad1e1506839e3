import { type Colour, colours } from '../../../engine/model/colour.ts'
import { nowNs } from '../history/index.ts'
import type { GroupLoad, WorkloadStatus } from './config.ts'

/** Which values a group has got: a bit for each sequence number of each producer. */
class SeenValues {
  readonly #byProducer = new Map<string, Uint8Array>()

  /** Whether it is new. */
  add(id: string): boolean {
    const colon = id.lastIndexOf(':')
    const producer = id.slice(0, colon)
    const seq = Number(id.slice(colon + 1))
    if (!Number.isSafeInteger(seq)) return false
    const bits = this.#bits(producer, seq)
    const mask = 1 << (seq & 7)
    const old = bits[seq >> 3] as number
    bits[seq >> 3] = old | mask
    return (old & mask) === 0
  }

  #bits(producer: string, seq: number): Uint8Array {
    const known = this.#byProducer.get(producer)
    if (known && seq >> 3 < known.length) return known
    const larger = new Uint8Array(Math.max(1024, (seq >> 3) * 2))
    larger.set(known ?? [])
    this.#byProducer.set(producer, larger)
    return larger
  }
}

interface GroupTally {
  readonly topics: readonly string[]
  readonly seen: SeenValues
  distinct: number
  polled: number
  reading: Colour | null
}

/** The run in numbers while it runs, for a live view and to know when everything was read. The verdict comes from the histories, never from here. */
export class RunTally {
  readonly #ackedByColour: Record<Colour, number> = { blue: 0, green: 0 }
  readonly #ackedByTopic = new Map<string, number>()
  readonly #groups = new Map<string, GroupTally>()
  #due: () => number = () => 0
  #settled = 0
  #errors = 0
  #writing: Colour | null = null
  #lastAckNs: number | null = null
  #longestWithoutAckMs = 0
  #lastStatus = { atNs: nowNs(), acked: 0 }

  constructor(groups: readonly GroupLoad[]) {
    for (const group of groups) this.#groups.set(group.groupId, { topics: group.topics, seen: new SeenValues(), distinct: 0, polled: 0, reading: null })
  }

  /** Where to ask how many records are due so far. */
  countDue(due: () => number): void {
    this.#due = due
  }

  acked(colour: Colour, topic: string, records: number): void {
    this.#ackedByColour[colour] += records
    this.#ackedByTopic.set(topic, (this.#ackedByTopic.get(topic) ?? 0) + records)
    this.#settled += records
    this.#writing = colour
    const now = nowNs()
    this.#longestWithoutAckMs = Math.max(this.#longestWithoutAckMs, (now - (this.#lastAckNs ?? now)) / 1e6)
    this.#lastAckNs = now
  }

  /** Records whose end is known though it is no acknowledgement: aborted on purpose, refused, unknown. */
  settledOtherwise(records: number): void {
    this.#settled += records
  }

  failed(): void {
    this.#errors++
  }

  polled(groupId: string, colour: Colour, ids: readonly string[]): void {
    const group = this.#groups.get(groupId)
    if (!group) return
    group.reading = colour
    group.polled += ids.length
    for (const id of ids) if (group.seen.add(id)) group.distinct++
  }

  get ackedRecords(): number {
    return this.#ackedByColour.blue + this.#ackedByColour.green
  }

  /** By group: acknowledged records that it has not got yet. Records of an unknown outcome may make it smaller than 0: that counts as 0. */
  lagRecords(): Record<string, number> {
    const wanted = (group: GroupTally) => group.topics.reduce((sum, topic) => sum + (this.#ackedByTopic.get(topic) ?? 0), 0)
    return Object.fromEntries([...this.#groups].map(([name, group]) => [name, Math.max(0, wanted(group) - group.distinct)]))
  }

  status(): WorkloadStatus {
    const atNs = nowNs()
    const lag = this.lagRecords()
    const seconds = (atNs - this.#lastStatus.atNs) / 1e9
    const waiting = this.#lastAckNs === null ? 0 : (atNs - this.#lastAckNs) / 1e6
    const groups = [...this.#groups].map(
      ([name, group]) => [name, { lagRecords: lag[name] ?? 0, reading: group.reading, polledRecords: group.polled }] as const,
    )
    const status: WorkloadStatus = {
      type: 'status',
      atNs,
      ackedRecords: Object.fromEntries(colours.map((colour) => [colour, this.#ackedByColour[colour]])) as Record<Colour, number>,
      ratePerSecond: seconds > 0 ? Math.round((this.ackedRecords - this.#lastStatus.acked) / seconds) : 0,
      dueUnackedRecords: Math.max(0, this.#due() - this.#settled),
      errors: this.#errors,
      writing: this.#writing,
      longestWithoutAckMs: Math.round(Math.max(this.#longestWithoutAckMs, waiting)),
      groups: Object.fromEntries(groups),
    }
    this.#lastStatus = { atNs, acked: this.ackedRecords }
    this.#longestWithoutAckMs = 0
    return status
  }
}
