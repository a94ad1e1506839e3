import type { Colour } from './colour.ts'
import type { TopicPartition } from './partition.ts'

/**
 * Where a provisioned colour's producer ids begin, so far apart that neither colour ever gives out an id of the other. A client that crosses by its address alone keeps its id; where the other
 * colour knows that id, its records may be taken for ones that were appended before, acknowledged, and dropped.
 */
export const firstProducerIds: Readonly<Record<Colour, bigint>> = { blue: 0n, green: 1_000_000_000_000n }

/** A producer whose state a partition's leader keeps: it has written there within `producer.id.expiration.ms`, a day by default. */
export interface ProducerFacts {
  readonly partition: TopicPartition
  readonly producerId: bigint
  readonly producerEpoch: number
  /** Has ended or begun a transaction there. Its coordinator refuses it on another cluster, so it can't cross unseen. */
  readonly transactional: boolean
}

/** The producer ids of a colour. */
export interface ProducerIds {
  readonly active: readonly ProducerFacts[]
  /** No broker of this colour gives out a smaller one from now on. */
  readonly next: bigint
}
