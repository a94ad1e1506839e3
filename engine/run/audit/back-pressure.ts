import { type Colour, colours, otherColour } from '../../model/colour.ts'
import type { TopicPartition } from '../../model/partition.ts'

/** Records of each side that wait for their counterparts. */
export type PendingRecords = Readonly<Record<Colour, number>>

/** A side of a partition that is to be read no more for now, or again. */
export interface PressureChange {
  readonly partition: TopicPartition
  readonly colour: Colour
  readonly paused: boolean
}

/** What bounds the records that are kept, some 150 bytes each. */
export interface PressureLimits {
  /** A side with so many pending ones is paused; with half of them it is read again. */
  readonly perSide: number
  /** With so many in all, each side that is ahead of its other one is paused, until there are four fifths. */
  readonly inAll: number
}

const resumeShare = 0.5
const easedShare = 0.8
const nothing: PendingRecords = { blue: 0, green: 0 }

/**
 * Decides which sides are paused (pure). A side without pending records is never paused, so whichever is behind can always catch up, and the other one with it.
 */
export class BackPressure {
  readonly #limits: PressureLimits
  readonly #pending = new Map<TopicPartition, PendingRecords>()
  readonly #paused: Readonly<Record<Colour, Set<TopicPartition>>> = { blue: new Set(), green: new Set() }
  #inAll = 0
  #isTight = false

  constructor(limits: PressureLimits) {
    this.#limits = limits
  }

  /** Pending records in all. */
  get inAll(): number {
    return this.#inAll
  }

  /** How a partition stands now. @returns what changes, for it or for others */
  update(partition: TopicPartition, pending: PendingRecords): readonly PressureChange[] {
    const before = this.#pending.get(partition) ?? nothing
    this.#inAll += pending.blue + pending.green - before.blue - before.green
    this.#pending.set(partition, pending)
    const wasTight = this.#isTight
    this.#isTight = this.#inAll >= this.#limits.inAll || (wasTight && this.#inAll >= this.#limits.inAll * easedShare)
    const others = wasTight && !this.#isTight ? colours.flatMap((colour) => [...this.#paused[colour]]) : []
    return [...new Set([partition, ...others])].flatMap((each) => this.#changes(each))
  }

  /** It is no longer read. @returns what changes for others */
  forget(partition: TopicPartition): readonly PressureChange[] {
    for (const colour of colours) this.#paused[colour].delete(partition)
    const changes = this.update(partition, nothing)
    this.#pending.delete(partition)
    return changes
  }

  #changes(partition: TopicPartition): readonly PressureChange[] {
    const pending = this.#pending.get(partition) ?? nothing
    return colours.flatMap((colour) => {
      const paused = this.#wants(colour, pending, this.#paused[colour].has(partition))
      if (paused === this.#paused[colour].has(partition)) return []
      if (paused) this.#paused[colour].add(partition)
      else this.#paused[colour].delete(partition)
      return [{ partition, colour, paused }]
    })
  }

  #wants(colour: Colour, pending: PendingRecords, isPaused: boolean): boolean {
    const { perSide } = this.#limits
    if (pending[colour] >= (isPaused ? perSide * resumeShare : perSide)) return true
    return this.#isTight && pending[colour] > 0 && pending[otherColour(colour)] === 0
  }
}
