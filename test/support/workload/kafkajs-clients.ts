import {
  type Consumer,
  type EachBatchPayload,
  Kafka,
  type KafkaConfig,
  logLevel,
  type Message,
  Partitioners,
  type Producer,
  type RecordMetadata,
  type SASLOptions,
  type Transaction,
} from 'kafkajs'
import type { Colour } from '../../../engine/model/colour.ts'
import { messageOf } from '../../../engine/model/error.ts'
import type { SendOutcome } from '../history/index.ts'
import type {
  ClientFactory,
  PartitionAck,
  TopicPartitionOffset,
  WorkloadBatch,
  WorkloadConsumer,
  WorkloadProducer,
  WorkloadRecord,
  WorkloadTransaction,
} from './factory.ts'

/** Fetches wait a little for more: at a few records for each poll the load would measure its own consumers' requests. */
const fetch = { minBytes: 64 * 1024, maxWaitTimeInMs: 200 } as const

/** How a client tells where something happened. Plain kafkajs knows one colour, the routed client says it with each answer. */
export interface ColourSource {
  ofAck(metadata: RecordMetadata): { readonly colour: Colour; readonly ackedAtNs: number | undefined }
  ofBatch(payload: EachBatchPayload): Colour
  ofCommit(transaction: Transaction): Colour
  ofConsumer(consumer: Consumer): Colour
}

/** Everything is on one colour. */
export function oneColour(colour: Colour): ColourSource {
  return { ofAck: () => ({ colour, ackedAtNs: undefined }), ofBatch: () => colour, ofCommit: () => colour, ofConsumer: () => colour }
}

export interface PlainClientsConfig {
  readonly colour: Colour
  readonly produceBootstrapServers: readonly string[]
  readonly consumeBootstrapServers: readonly string[]
  /** The login of a user; undefined for brokers without logins. */
  readonly sasl: (user: string) => SASLOptions | undefined
}

/** Clients of one cluster, by kafkajs as it is: the baseline. */
export function plainClients(config: PlainClientsConfig): ClientFactory {
  const kafka = (clientId: string, brokers: readonly string[], user: string) => {
    const sasl = config.sasl(user)
    return new Kafka({ clientId, brokers: [...brokers], ...(sasl ? { sasl } : {}), ...loggedToStderr })
  }
  const colours = oneColour(config.colour)
  return {
    producer: ({ id, user, transactionalId }) => {
      const client = kafka(id, config.produceBootstrapServers, user)
      return adaptProducer(client.producer(producerConfig(transactionalId)), colours)
    },
    consumer: ({ groupId, instanceId, user }) => {
      const client = kafka(instanceId, config.consumeBootstrapServers, user)
      return adaptConsumer(client.consumer(consumerConfig(groupId)), colours)
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

/** A producer with kafkajs' interface as the load drives it. */
export function adaptProducer(producer: Producer, colours: ColourSource): WorkloadProducer {
  return {
    connect: () => producer.connect(),
    send: async (topic, records) => acks(await producer.send({ topic, messages: messages(records), acks: -1 }), colours),
    begin: async () => adaptTransaction(await producer.transaction(), colours),
    disconnect: () => producer.disconnect(),
    outcomesOf,
  }
}

function adaptTransaction(transaction: Transaction, colours: ColourSource): WorkloadTransaction {
  return {
    send: async (topic, records) => acks(await transaction.send({ topic, messages: messages(records), acks: -1 }), colours),
    commit: async () => {
      await transaction.commit()
      return colours.ofCommit(transaction)
    },
    abort: () => transaction.abort(),
  }
}

function messages(records: readonly WorkloadRecord[]): Message[] {
  return records.map(({ key, value, partition }) => ({ key, value, ...(partition === undefined ? {} : { partition }) }))
}

function acks(metadata: readonly RecordMetadata[], colours: ColourSource): PartitionAck[] {
  return metadata.map((one) => {
    const known = one.baseOffset !== undefined && /^\d+$/.test(one.baseOffset)
    return { ...colours.ofAck(one), partition: one.partition, baseOffset: known ? BigInt(one.baseOffset as string) : null }
  })
}

/**
 * What an error of a call says of its partitions: nothing. kafkajs hides which partitions were written before it gave up, and whether an earlier attempt than the one
 * that was refused had got through.
 */
function outcomesOf(error: unknown): SendOutcome[] {
  return [{ outcome: 'unknown', partition: null, error: messageOf(error) }]
}

/** Whether the broker itself refused, directly or as the cause of kafkajs' own error. By name: kafkajs' error classes can't be imported from an ES module. */
function refusedByBroker(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  return error.name === 'KafkaJSProtocolError' || refusedByBroker(error.cause)
}

/** A consumer with kafkajs' interface as the load drives it. */
export function adaptConsumer(consumer: Consumer, colours: ColourSource): WorkloadConsumer {
  return {
    connect: () => consumer.connect(),
    subscribe: (topics) => consumer.subscribe({ topics: [...topics], fromBeginning: true }),
    run: (handle) =>
      consumer.run({
        autoCommit: false,
        partitionsConsumedConcurrently: 16,
        eachBatch: (payload) => handle(workloadBatch(payload, colours)),
      }),
    commit: (offsets) => consumer.commitOffsets(offsets.map(kafkajsOffset)),
    onAssignment: (listener) => {
      consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
        const partitions = Object.entries(payload.memberAssignment).map(([topic, assigned]) => ({ topic, partitions: assigned }))
        listener('assigned', colours.ofConsumer(consumer), partitions)
      })
      consumer.on(consumer.events.REBALANCING, () => listener('revoked', colours.ofConsumer(consumer), []))
    },
    pause: (topics) => consumer.pause(topics.map((topic) => ({ topic }))),
    resume: (topics) => consumer.resume(topics.map((topic) => ({ topic }))),
    disconnect: () => consumer.disconnect(),
    refused: refusedByBroker,
  }
}

function workloadBatch(payload: EachBatchPayload, colours: ColourSource): WorkloadBatch {
  const { batch } = payload
  return {
    colour: colours.ofBatch(payload),
    topic: batch.topic,
    partition: batch.partition,
    records: batch.messages.map((message) => ({ offset: BigInt(message.offset), key: message.key, value: message.value })),
    nextOffset: BigInt(batch.lastOffset()) + 1n,
  }
}

function kafkajsOffset({ topic, partition, offset }: TopicPartitionOffset) {
  return { topic, partition, offset: offset.toString() }
}
