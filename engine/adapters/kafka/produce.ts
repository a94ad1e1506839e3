import { type MessageRecord, metadataV12, ProduceAcks, produceV11 } from '@platformatic/kafka'
import { parseTopicPartition, type TopicPartition, topicPartition } from '../../model/partition.ts'
import type { Deadline } from '../../ports/clock.ts'
import type { RecordCopy } from '../../ports/cluster.ts'
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
  return await produce(broker, messages, effect, deadline)
}

/** Sends records as they are to one partition, which this broker must lead, in one batch; acks=all. A second request would append them a second time. */
export async function produceCopies(
  broker: BrokerConnection,
  partition: TopicPartition,
  records: readonly RecordCopy[],
  deadline: Deadline,
): Promise<readonly ProduceAnswer[]> {
  const place = parseTopicPartition(partition)
  const messages = records.map(({ key, value, headers, timestamp }) => {
    // A map's keys are the buffers themselves, so that a name may come twice; the library writes null as Kafka does, which its types leave out.
    const entries = new Map(headers.map(([name, content]) => [Buffer.from(name), content === null ? null : Buffer.from(content)]))
    return { ...place, key: key === null ? null : Buffer.from(key), value: value === null ? null : Buffer.from(value), headers: entries, timestamp }
  })
  return await produce(broker, messages as unknown as MessageRecord[], 'once', deadline)
}

async function produce(broker: BrokerConnection, messages: MessageRecord[], effect: Effect, deadline: Deadline): Promise<readonly ProduceAnswer[]> {
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
