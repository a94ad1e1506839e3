import type { Consumer, Producer, ProducerRecord, Transaction } from 'kafkajs'
import { type Batch, Kafka, type KafkaConfig, logLevel, type Message, Partitioners, type RecordMetadata, type SASLOptions } from 'kafkajs'
import type { Colour } from '../../../engine/model/colour.ts'
import { messageOf } from '../../../engine/model/error.ts'
import { nowNs, type SendOutcome } from '../history/index.ts'
import type { AssignedPartitions, ClientFactory, TopicPartitionOffset, WorkloadBatch, WorkloadConsumer, WorkloadProducer, WorkloadRecord } from './factory.ts'

/** Fetches wait a little for more: at a few records for each poll the load would measure its own consumers' requests. */
const fetch = { minBytes: 64 * 1024, maxWaitTimeInMs: 200 } as const

export interface PlainClientsConfig {
  readonly colour: Colour
  readonly produceBootstrapServers: readonly string[]
  readonly consumeBootstrapServers: readonly string[]
  /** The login of a user; undefined for brokers without logins. */
  readonly sasl: (user: string) => SASLOptions | undefined
  readonly security?: Pick<KafkaConfig, 'ssl'>
}

/** Clients of one cluster, by kafkajs as it is: the baseline. */
export function plainClients(config: PlainClientsConfig): ClientFactory {
  const kafka = (clientId: string, brokers: readonly string[], user: string) => {
    const sasl = config.sasl(user)
    return new Kafka({ clientId, brokers: [...brokers], ...(sasl ? { sasl } : {}), ...config.security, ...loggedToStderr })
  }
  return {
    producer: ({ id, user, transactionalId }) => {
      const producer = kafka(id, config.produceBootstrapServers, user).producer(producerConfig(transactionalId))
      return plainProducer(producer, config.colour)
    },
    consumer: ({ groupId, instanceId, user }) => {
      const consumer = kafka(instanceId, config.consumeBootstrapServers, user).consumer(consumerConfig(groupId))
      return plainConsumer(consumer, config.colour)
    },
  }
}

/** What the load's producers are configured with, whatever makes them. Idempotent: a retry inside the client must not double a record. */
export function producerConfig(transactionalId: string | null) {
  const common = { createPartitioner: Partitioners.DefaultPartitioner, allowAutoTopicCreation: false, idempotent: true, maxInFlightRequests: 1 }
  return transactionalId === null ? common : { ...common, transactionalId }
}

/** What the load's consumers are configured with. */
export function consumerConfig(groupId: string) {
  return { groupId, allowAutoTopicCreation: false, readUncommitted: false, sessionTimeout: 30_000, heartbeatInterval: 1_000, ...fetch }
}

/** kafkajs writes to stdout by default, which belongs to the workload's reports. Text of its warnings goes to stderr, without their data. */
export const loggedToStderr = {
  logLevel: logLevel.WARN,
  logCreator: () => (entry) => process.stderr.write(`${entry.label} ${entry.namespace}: ${entry.log.message}\n`),
} satisfies Pick<KafkaConfig, 'logLevel' | 'logCreator'>

/** A kafkajs record of the load's. */
export function producerRecord(topic: string, records: readonly WorkloadRecord[]): ProducerRecord {
  const messages = records.map(({ key, value, partition, explicitPartition }): Message => ({ key, value, ...(explicitPartition ? { partition } : {}) }))
  return { topic, messages, acks: -1 }
}

/** The outcomes of an acknowledged call. */
export function ackedOutcomes(metadata: readonly RecordMetadata[], colour: Colour, ackedAtNs: number): SendOutcome[] {
  return metadata.map(({ partition, baseOffset }) => {
    const known = baseOffset !== undefined && /^\d+$/.test(baseOffset)
    return { outcome: 'acked', colour, partition, baseOffset: known ? baseOffset : null, ackedAtNs }
  })
}

/**
 * A call by plain kafkajs. Its error says nothing of the partitions: kafkajs hides which were written before it gave up, and whether an earlier attempt than the one
 * that was refused had got through.
 */
async function plainSend(send: () => Promise<RecordMetadata[]>, colour: Colour): Promise<SendOutcome[]> {
  try {
    const metadata = await send()
    return ackedOutcomes(metadata, colour, nowNs())
  } catch (error) {
    return [{ outcome: 'unknown', partition: null, error: messageOf(error) }]
  }
}

function plainProducer(producer: Producer, colour: Colour): WorkloadProducer {
  return {
    connect: () => producer.connect(),
    send: (topic, records) => plainSend(() => producer.send(producerRecord(topic, records)), colour),
    transact: async (work) => {
      const transaction = await producer.transaction()
      const wanted = await abortOnError(
        transaction,
        work({ send: (topic, records) => plainSend(() => transaction.send(producerRecord(topic, records)), colour) }),
      )
      await transaction[wanted]()
      return wanted === 'commit' ? colour : null
    },
    disconnect: () => producer.disconnect(),
  }
}

async function abortOnError<T>(transaction: Transaction, work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    await transaction.abort()
    throw error
  }
}

/** Whether the broker itself refused, directly or as the cause of kafkajs' own error. By name: kafkajs' error classes can't be imported from an ES module. */
export function refusedByBroker(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  return error.name === 'KafkaJSProtocolError' || refusedByBroker(error.cause)
}

function plainConsumer(consumer: Consumer, colour: Colour): WorkloadConsumer {
  return {
    connect: () => consumer.connect(),
    subscribe: (topics) => consumer.subscribe({ topics: [...topics], fromBeginning: true }),
    run: (handle) => consumer.run({ autoCommit: false, partitionsConsumedConcurrently: 16, eachBatch: (payload) => handle(workloadBatch(payload, colour)) }),
    commit: (offsets) => consumer.commitOffsets(offsets.map(kafkajsOffset)),
    onAssignment: (listener) => {
      consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => listener('assigned', colour, assignments(payload.memberAssignment)))
      consumer.on(consumer.events.REBALANCING, () => listener('revoked', colour, []))
    },
    pause: (topics) => consumer.pause(topics.map((topic) => ({ topic }))),
    resume: (topics) => consumer.resume(topics.map((topic) => ({ topic }))),
    disconnect: () => consumer.disconnect(),
    refused: refusedByBroker,
  }
}

/** A batch of kafkajs' as the load sees it. */
export function workloadBatch({ batch }: { readonly batch: Batch }, colour: Colour): WorkloadBatch {
  return {
    colour,
    topic: batch.topic,
    partition: batch.partition,
    records: batch.messages.map((message) => ({ offset: BigInt(message.offset), key: message.key, value: message.value })),
    nextOffset: BigInt(batch.lastOffset()) + 1n,
  }
}

/** kafkajs' assignment as a list. */
export function assignments(memberAssignment: Readonly<Record<string, number[]>>): AssignedPartitions[] {
  return Object.entries(memberAssignment).map(([topic, partitions]) => ({ topic, partitions }))
}

/** An offset to commit, as kafkajs takes it. */
export function kafkajsOffset({ topic, partition, offset }: TopicPartitionOffset) {
  return { topic, partition, offset: offset.toString() }
}
