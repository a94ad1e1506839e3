import { metadataV12, ProduceAcks, produceV11 } from '@platformatic/kafka'
import { parseTopicPartition, type TopicPartition, topicPartition } from '../../model/partition.ts'
import type { Deadline } from '../../ports/clock.ts'
import type { BrokerConnection } from './broker-connection.ts'
import type { Effect } from './refusal.ts'

/** A partition that no topic has: a broker that authorizes a write to it answers UNKNOWN_TOPIC_OR_PARTITION, and nothing is appended. */
export const nonexistentPartition = 2_147_483_000

const brokerTimeoutMs = 5_000

/** One partition's answer to a Produce request. */
export interface ProduceAnswer {
  readonly partition: TopicPartition
  /** Kafka's error code, 0 when appended. */
  readonly errorCode: number
  /** Offset of the record; -1 when refused. */
  readonly offset: bigint
}

/** Sends one record with an empty key to each of the partitions, which this broker must lead; acks=all. */
export async function produceOne(
  broker: BrokerConnection,
  partitions: readonly TopicPartition[],
  value: string,
  effect: Effect,
  deadline: Deadline,
): Promise<readonly ProduceAnswer[]> {
  const timestamp = BigInt(deadline.clock.wallClock().getTime())
  const messages = partitions.map((name) => ({ ...parseTopicPartition(name), key: Buffer.alloc(0), value: Buffer.from(value), timestamp }))
  const timeoutMs = Math.min(brokerTimeoutMs, Math.max(1, Math.round(deadline.remainingMs())))
  const answer = await broker.request('Produce', produceV11.api, [ProduceAcks.ALL, timeoutMs, messages, {}], effect, deadline)
  if (typeof answer === 'boolean') return [] // only with acks=0
  return answer.responses.flatMap((topic) =>
    topic.partitionResponses.map((partition) => ({
      partition: topicPartition(topic.name, partition.index),
      errorCode: partition.errorCode,
      offset: partition.baseOffset,
    })),
  )
}

/** What one broker said to a probe. */
export interface ProbeReply {
  /** Kafka's error code for the write to a partition that doesn't exist. */
  readonly errorCode: number
  /** The brokers that this one holds for registered. */
  readonly metadata: metadataV12.MetadataResponse
}

/** Asks one broker whether it authorizes a write, and who is registered; both requests travel together, so it costs one round trip. Nothing can be appended. */
export async function probeBroker(broker: BrokerConnection, topic: string, deadline: Deadline): Promise<ProbeReply> {
  const produced = produceOne(broker, [topicPartition(topic, nonexistentPartition)], '', 'none', deadline)
  const asked = broker.request('Metadata', metadataV12.api, [[], false, false], 'none', deadline)
  const [answers, metadata] = await Promise.all([produced, asked])
  const unknownServerError = -1
  return { errorCode: answers[0]?.errorCode ?? unknownServerError, metadata }
}
