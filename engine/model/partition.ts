import { KbgError } from './error.ts'

/** `<topic>-<partition>`, as Kafka prints a TopicPartition. */
export type TopicPartition = string

export interface TopicPartitionParts {
  readonly topic: string
  readonly partition: number
}

/** Kafka's own form of a topic's partition. */
export function topicPartition(topic: string, partition: number): TopicPartition {
  return `${topic}-${partition}`
}

/** The inverse of {@link topicPartition}; topics may contain dashes, so the last one counts. */
export function parseTopicPartition(name: TopicPartition): TopicPartitionParts {
  const match = /^(.+)-(\d+)$/.exec(name)
  if (!match?.[1] || match[2] === undefined) {
    throw new KbgError('topic-partition', 'Not a topic partition.', { facts: { observed: name, required: '<topic>-<partition>' } })
  }
  return { topic: match[1], partition: Number(match[2]) }
}

/** An offset of every partition; an absent partition has none. */
export type PartitionOffsets = ReadonlyMap<TopicPartition, bigint>
