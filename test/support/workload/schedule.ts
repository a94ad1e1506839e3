import { Partitioners } from 'kafkajs'
import type { ProducerLoad, TopicLoad } from './config.ts'

/** A record of the schedule: what is sent when, fixed before the run. */
export interface PlannedRecord {
  readonly seq: number
  readonly topic: string
  readonly key: string | null
  readonly partition: number
  /** Whether the partition is chosen here and not by the client's partitioner. */
  readonly explicitPartition: boolean
  readonly intendedAtNs: number
}

/** So many records in a row go to the same topic: a call for each topic and tick would double the requests. */
const recordsInARow = 50

/**
 * A producer's send times and records: an open loop. They depend on nothing that happens in the run, so that a pause of the cluster shows as late
 * acknowledgements and not as a lower rate ("coordinated omission").
 */
export class Schedule {
  readonly #load: ProducerLoad
  readonly #topics: readonly TopicLoad[]
  readonly #startNs: number
  readonly #partitioners = new Map<string, (key: string) => number>()
  #next = 0

  constructor(load: ProducerLoad, topics: readonly TopicLoad[], startNs: number) {
    this.#load = load
    this.#topics = load.topics.flatMap((name) => topics.filter((topic) => topic.name === name))
    this.#startNs = startNs
    for (const topic of this.#topics) this.#partitioners.set(topic.name, partitionerOf(topic))
  }

  /** Removes and returns the records that are due at `atNs`, at most `most`. */
  takeDue(atNs: number, most: number): PlannedRecord[] {
    const until = Math.min(this.dueBy(atNs), this.#next + most)
    const records: PlannedRecord[] = []
    while (this.#next < until) records.push(this.record(this.#next++))
    return records
  }

  /** How many records are due by then, sent ones included. */
  dueBy(atNs: number): number {
    if (atNs < this.#startNs) return 0
    return this.#load.preloadRecords + Math.floor(((atNs - this.#startNs) / 1e9) * this.#load.ratePerSecond) + 1
  }

  /** The record with this sequence number. */
  record(seq: number): PlannedRecord {
    const topic = this.#topics[Math.floor(seq / recordsInARow) % this.#topics.length] as TopicLoad
    const intendedAtNs = Math.round(this.#startNs + (Math.max(0, seq - this.#load.preloadRecords) / this.#load.ratePerSecond) * 1e9)
    const key = topic.keys === 0 ? null : `${topic.name}-${scatter(seq) % topic.keys}`
    const partition = key === null ? seq % topic.partitions : (this.#partitioners.get(topic.name)?.(key) ?? 0)
    return { seq, topic: topic.name, key, partition, explicitPartition: key === null, intendedAtNs }
  }
}

/** Kafka's default partitioner for keyed records; its answers are remembered, there are few keys. */
function partitionerOf(topic: TopicLoad): (key: string) => number {
  const choose = Partitioners.DefaultPartitioner()
  const partitionMetadata = Array.from({ length: topic.partitions }, (_, partitionId) => ({
    partitionErrorCode: 0,
    partitionId,
    leader: 0,
    replicas: [],
    isr: [],
  }))
  const known = new Map<string, number>()
  return (key) => {
    const partition = known.get(key) ?? choose({ topic: topic.name, partitionMetadata, message: { key, value: null } })
    known.set(key, partition)
    return partition
  }
}

/** Spreads sequence numbers over keys (Knuth's multiplicative hash), so that neighbours have different ones. */
function scatter(seq: number): number {
  return Math.imul(seq, 2_654_435_761) >>> 0
}
