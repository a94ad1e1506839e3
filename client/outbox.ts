/** What waits to be written, by partition and in order: pure, no I/O and no clock of its own. */
import type { Message } from 'kafkajs'
import type { Colour } from '../engine/model/colour.ts'
import type { PartitionAnswer } from './kafkajs-internals.ts'

/** How a `send` is to be written; only sends that agree share a request. */
export interface SendOptions {
  readonly acks: number
  readonly timeout: number | undefined
  readonly compression: number | undefined
}

/** What became of a parcel. */
export type ParcelOutcome =
  | { readonly kind: 'written'; readonly colour: Colour; readonly answer: PartitionAnswer | undefined; readonly baseOffset: string | undefined }
  | { readonly kind: 'failed'; readonly error: Error }

/** The messages of one `send` for one partition: written together or not at all, and behind everything that was sent before. */
export interface Parcel {
  readonly topic: string
  readonly partition: number
  readonly messages: readonly Message[]
  /** About as many bytes as they take in a record batch. */
  readonly bytes: number
  readonly options: SendOptions
  readonly settle: (outcome: ParcelOutcome) => void
  /** Tries that were surely not written, the first denial (monotonic ms), and whether it must go alone (a merged batch was refused). */
  readonly history: { tries: number; firstTryAtMs: number | undefined; deniedAtMs: number | undefined; alone: boolean }
}

/** Parcels of one partition that go as one record batch. */
export interface PartitionBatch {
  readonly topic: string
  readonly partition: number
  readonly options: SendOptions
  readonly parcels: readonly Parcel[]
}

/** Everything that may go to one leader now, in one request. */
export interface LeaderLoad {
  readonly leader: number
  readonly options: SendOptions
  readonly batches: readonly PartitionBatch[]
}

/** Merged batches stay well below Kafka's default `max.message.bytes` of 1 MiB; a single send is never split. */
const mergedBatchBytes = 262_144

interface Queue {
  readonly topic: string
  readonly partition: number
  readonly parcels: Parcel[]
  busy: boolean
  notBeforeMs: number
}

/** Queues by partition. At most one batch of a partition is out at a time, so that nothing overtakes. */
export class Outbox {
  readonly #queues = new Map<string, Queue>()
  #busy = 0
  #queuedBytes = 0

  /** Partitions whose batch is out. */
  get busyPartitions(): number {
    return this.#busy
  }

  get queuedBytes(): number {
    return this.#queuedBytes
  }

  add(parcel: Parcel): void {
    this.#queueOf(parcel.topic, parcel.partition).parcels.push(parcel)
    this.#queuedBytes += parcel.bytes
  }

  /**
   * Takes what can go now: for each leader that isn't occupied, the front of every idle partition of it, with one set of options.
   *
   * @param leaderOf undefined: the leader isn't known now
   */
  take(nowMs: number, leaderOf: (topic: string, partition: number) => number | undefined, occupied: (leader: number) => boolean): readonly LeaderLoad[] {
    const loads = new Map<number, { options: SendOptions; batches: PartitionBatch[] }>()
    for (const queue of this.#queues.values()) {
      const first = queue.parcels[0]
      if (queue.busy || first === undefined || queue.notBeforeMs > nowMs) continue
      const leader = leaderOf(queue.topic, queue.partition)
      if (leader === undefined || occupied(leader)) continue
      const load = loads.get(leader) ?? { options: first.options, batches: [] }
      if (!sameOptions(load.options, first.options)) continue
      loads.set(leader, load)
      load.batches.push(this.#takeBatch(queue, first))
    }
    return [...loads].map(([leader, load]) => ({ leader, ...load }))
  }

  /** Surely not written: back to the front, in order. */
  putBack(batch: PartitionBatch, notBeforeMs: number): void {
    const queue = this.#release(batch)
    queue.parcels.unshift(...batch.parcels)
    queue.notBeforeMs = notBeforeMs
    for (const parcel of batch.parcels) this.#queuedBytes += parcel.bytes
  }

  /** Settled, one way or the other. */
  finish(batch: PartitionBatch): void {
    this.#release(batch)
  }

  /** A new epoch: pauses and denials of an older one count no more. */
  beginEpoch(): void {
    for (const queue of this.#queues.values()) {
      queue.notBeforeMs = 0
      for (const { history } of queue.parcels) history.deniedAtMs = undefined
    }
  }

  /** The earliest time at which a paused partition may go; undefined when none is paused. */
  nextPauseEndMs(nowMs: number): number | undefined {
    const ends = [...this.#queues.values()].filter((queue) => !queue.busy && queue.parcels.length > 0 && queue.notBeforeMs > nowMs)
    return ends.length === 0 ? undefined : Math.min(...ends.map((queue) => queue.notBeforeMs))
  }

  /** Topics that have something queued or were ever sent to. */
  topics(): readonly string[] {
    return [...new Set([...this.#queues.values()].map((queue) => queue.topic))]
  }

  /** Takes everything out that isn't on its way: nothing of it was written. */
  drain(): readonly Parcel[] {
    const drained = [...this.#queues.values()].flatMap((queue) => queue.parcels.splice(0))
    this.#queuedBytes = 0
    return drained
  }

  #takeBatch(queue: Queue, first: Parcel): PartitionBatch {
    let count = 1
    let bytes = first.bytes
    for (const parcel of queue.parcels.slice(1)) {
      if (first.history.alone || parcel.history.alone || bytes + parcel.bytes > mergedBatchBytes || !sameOptions(first.options, parcel.options)) break
      bytes += parcel.bytes
      count += 1
    }
    queue.busy = true
    this.#busy += 1
    this.#queuedBytes -= bytes
    return { topic: queue.topic, partition: queue.partition, options: first.options, parcels: queue.parcels.splice(0, count) }
  }

  #release(batch: PartitionBatch): Queue {
    const queue = this.#queueOf(batch.topic, batch.partition)
    queue.busy = false
    this.#busy -= 1
    return queue
  }

  #queueOf(topic: string, partition: number): Queue {
    const key = `${topic}-${partition}`
    const known = this.#queues.get(key)
    if (known !== undefined) return known
    const queue: Queue = { topic, partition, parcels: [], busy: false, notBeforeMs: 0 }
    this.#queues.set(key, queue)
    return queue
  }
}

function sameOptions(a: SendOptions, b: SendOptions): boolean {
  return a.acks === b.acks && a.timeout === b.timeout && a.compression === b.compression
}
