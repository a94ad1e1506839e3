import { murmur2 } from '@platformatic/kafka'
import type { Colour } from '../../model/colour.ts'
import { KbgError } from '../../model/error.ts'
import { parseTopicPartition, type TopicPartition, topicPartition } from '../../model/partition.ts'
import type { Committed } from './offsets-topic.ts'

/**
 * A record of Connect's offsets topic is found again by the bytes of its key, so they have to be those that Connect itself writes for a MirrorSourceConnector: `OffsetStorageWriter` writes
 * `[connector, partition]` through `JsonConverter` without schemas, and the partition is the HashMap of `MirrorUtils.wrapPartition`, whose order is cluster, partition, topic.
 */
export function offsetKey(connector: string, source: Colour, partition: TopicPartition): string {
  const { topic, partition: number } = parseTopicPartition(partition)
  return keyOf(connector, source, topic, number)
}

function keyOf(connector: string, cluster: string, topic: string, partition: number): string {
  return JSON.stringify([connector, { cluster, partition, topic }])
}

/** As `MirrorUtils.wrapOffset`; by hand, because JSON's numbers as JavaScript writes them lose int64. */
export function offsetValue(offset: bigint): string {
  return `{"offset":${offset}}`
}

/** The partition that Connect's producer takes for a key (Kafka's `BuiltInPartitioner.partitionForKey`). */
export function partitionForKey(topic: string, key: string, partitions: number): TopicPartition {
  return topicPartition(topic, (murmur2(Buffer.from(key)) & 0x7f_ff_ff_ff) % partitions)
}

/**
 * Proves the form of {@link offsetKey} by what stands in the topic: Connect has written there for connectors that ran before, the canaries' at least.
 * @throws KbgError `offset-key-form`
 */
export function requireKeyForm(entries: ReadonlyMap<string, Committed>): void {
  const other = [...entries].find(([key, { connector, entry }]) => {
    if ('foreign' in entry) return false
    const { cluster, topic, partition } = entry.partition
    return key !== keyOf(connector, cluster, topic, partition)
  })
  if (other === undefined) return
  throw new KbgError('offset-key-form', "Connect writes the keys of a mirror's offsets in another form: what would be seeded it would not find.", {
    facts: { observed: other[0], required: '["connector",{"cluster":...,"partition":...,"topic":...}]' },
    remedy: 'Another version of Kafka Connect runs there than was tested: nothing was written.',
  })
}
