import type { KafkaConfig, SASLOptions } from 'kafkajs'
import { Kafka, type RoutedConsumer, type RoutedKafkaConfig, type RoutedProducer, type RoutedTransaction } from '../../../client/index.ts'
import type { Colour } from '../../../engine/model/colour.ts'
import { KbgError, messageOf } from '../../../engine/model/error.ts'
import { nowNs, type SendOutcome } from '../history/index.ts'
import type { ClientFactory, WorkloadBatch, WorkloadConsumer, WorkloadProducer, WorkloadRecord } from './factory.ts'
import {
  ackedOutcomes,
  assignments,
  consumerConfig,
  kafkajsOffset,
  loggedToStderr,
  producerConfig,
  producerRecord,
  refusedByBroker,
  workloadBatch,
} from './kafkajs-clients.ts'

export interface RoutedClientsConfig {
  readonly fleet: string
  /** The route store, or where the route is published. */
  readonly from: Pick<RoutedKafkaConfig, 'routeStore' | 'routeParameter'>
  readonly sasl: (user: string) => SASLOptions | undefined
  readonly security?: Pick<KafkaConfig, 'ssl'>
}

/** Clients that follow the fleet's route. Each is an application of its own: it has its own view of the route and registers by itself. */
export function routedClients(config: RoutedClientsConfig): ClientFactory {
  const { fleet, from } = config
  const kafka = (clientId: string, user: string) => {
    const sasl = config.sasl(user)
    return new Kafka({ clientId, fleet, ...from, ...(sasl ? { sasl } : {}), ...config.security, ...loggedToStderr })
  }
  return {
    producer: ({ id, user, transactionalId }) => routedProducer(kafka(id, user).producer(producerConfig(transactionalId))),
    consumer: ({ groupId, instanceId, user }) => routedConsumer(kafka(instanceId, user).consumer(consumerConfig(groupId))),
  }
}

/** Thrown inside a transaction that is to be aborted: the client has no other way to be told so. */
class AbortWanted extends Error {}

function routedProducer(producer: RoutedProducer): WorkloadProducer {
  return {
    connect: () => producer.connect(),
    send: (topic, records) => sendEachPartition(producer, topic, records),
    transact: (work) => transact(producer, work),
    disconnect: () => producer.disconnect(),
  }
}

/** A call for each partition, all in the same turn (the client puts them into the same requests): so each partition has an outcome and a time of its own. */
async function sendEachPartition(producer: RoutedProducer, topic: string, records: readonly WorkloadRecord[]): Promise<SendOutcome[]> {
  const partitions = Map.groupBy(records, (record) => record.partition)
  const outcomes = await Promise.all(
    [...partitions].map(async ([partition, ofPartition]) => {
      try {
        const metadata = await producer.send(producerRecord(topic, ofPartition))
        const atNs = nowNs()
        return metadata.flatMap((one) => ackedOutcomes([one], one.colour, atNs))
      } catch (error) {
        return [failedOutcome(error, partition)]
      }
    }),
  )
  return outcomes.flat()
}

/** The routed client's contract: an error of kafkajs is a definite no, and so are its own refusals; what it calls unknown is. Everything else is taken for unknown. */
function failedOutcome(error: unknown, partition: number): SendOutcome {
  const refusal =
    error instanceof KbgError ? ['producer-disconnected', 'producer-full'].includes(error.code) : error instanceof Error && /^KafkaJS/.test(error.name)
  return { outcome: refusal ? 'denied' : 'unknown', partition, error: messageOf(error) }
}

async function transact(producer: RoutedProducer, work: Parameters<WorkloadProducer['transact']>[0]): Promise<Colour | null> {
  try {
    return await producer.runTransaction(async (transaction) => {
      const wanted = await work({ send: (topic, records) => sendInTransaction(transaction, topic, records) })
      if (wanted === 'abort') throw new AbortWanted()
      return transaction.colour
    })
  } catch (error) {
    if (error instanceof AbortWanted) return null
    throw error
  }
}

/** What a failed send inside a transaction wrote is of no consequence: the transaction can only be aborted. */
async function sendInTransaction(transaction: RoutedTransaction, topic: string, records: readonly WorkloadRecord[]): Promise<SendOutcome[]> {
  try {
    const metadata = await transaction.send(producerRecord(topic, records))
    return ackedOutcomes(metadata, transaction.colour, nowNs())
  } catch (error) {
    return [{ outcome: 'unknown', partition: null, error: messageOf(error) }]
  }
}

function routedConsumer(consumer: RoutedConsumer): WorkloadConsumer {
  return {
    connect: () => consumer.connect(),
    subscribe: (topics) => consumer.subscribe({ topics: [...topics], fromBeginning: true }),
    run: (handle: (batch: WorkloadBatch) => Promise<void>) =>
      consumer.run({
        autoCommit: false,
        partitionsConsumedConcurrently: 16,
        eachBatch: (payload) => handle(workloadBatch(payload, payload.colour)),
      }),
    commit: (offsets) => consumer.commitOffsets(offsets.map(kafkajsOffset)),
    onAssignment: (listener) => {
      // The client says where it reads only after it has joined there.
      consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => listener('assigned', consumer.colour, assignments(payload.memberAssignment)))
      consumer.on(consumer.events.REBALANCING, () => listener('revoked', consumer.colour, []))
    },
    pause: (topics) => consumer.pause(topics.map((topic) => ({ topic }))),
    resume: (topics) => consumer.resume(topics.map((topic) => ({ topic }))),
    disconnect: () => consumer.disconnect(),
    refused: (error) => refusedByBroker(error) || (error instanceof KbgError && error.code === 'consumer-held'),
  }
}
