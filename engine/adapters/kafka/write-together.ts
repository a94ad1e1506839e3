import { addPartitionsToTxnV3, endTxnV4, initProducerIdV5, type MessageRecord, ProduceAcks, produceV11 } from '@platformatic/kafka'
import { parseTopicPartition, type TopicPartition } from '../../model/partition.ts'
import type { Deadline } from '../../ports/clock.ts'
import type { BrokerConnection } from './broker-connection.ts'
import type { BrokerConnections } from './connections.ts'
import { Coordinators } from './coordinators.ts'
import { Leaders } from './leaders.ts'
import { persistently, requireNone } from './refusal.ts'

const transactionTimeoutMs = 30_000
const brokerTimeoutMs = 5_000

/** A record of a compacted topic. */
export interface KeyedRecord {
  readonly partition: TopicPartition
  readonly key: string
  /** null: a tombstone. */
  readonly value: string | null
}

interface Producer {
  readonly transactionalId: string
  readonly producerId: bigint
  readonly producerEpoch: number
}

/**
 * Writes records in one transaction: committed readers see all of them or none. Each attempt takes the transactional id anew, with a higher epoch, so that whatever an earlier one has sent and
 * comes late is refused: what stands when this returns is not overwritten by it later.
 *
 * @throws KbgError `kafka`, `outcome-unknown` when the last attempt may have been committed, `deadline`
 */
export async function writeTogether(
  connections: BrokerConnections,
  transactionalId: string,
  records: readonly KeyedRecord[],
  deadline: Deadline,
): Promise<void> {
  const coordinators = new Coordinators(connections, 'transaction')
  const leaders = new Leaders(connections)
  await persistently(deadline, async () => {
    try {
      const producer = await coordinators.ask(transactionalId, deadline, (coordinator) => takeId(coordinator, transactionalId, deadline))
      await coordinators.ask(transactionalId, deadline, (coordinator) => begin(coordinator, producer, records, deadline))
      const byLeader = await leaders.byLeader([...new Set(records.map(({ partition }) => partition))], deadline)
      await Promise.all([...byLeader].map(([leader, partitions]) => append(connections, leader, producer, ofThese(records, partitions), deadline)))
      await coordinators.ask(transactionalId, deadline, (coordinator) => commit(coordinator, producer, deadline))
    } catch (thrown) {
      leaders.forget()
      throw thrown
    }
  })
}

function ofThese(records: readonly KeyedRecord[], partitions: readonly TopicPartition[]): readonly KeyedRecord[] {
  return records.filter(({ partition }) => partitions.includes(partition))
}

async function takeId(coordinator: BrokerConnection, transactionalId: string, deadline: Deadline): Promise<Producer> {
  const args: [string, number, bigint, number] = [transactionalId, transactionTimeoutMs, -1n, -1]
  const answer = await coordinator.request('InitProducerId', initProducerIdV5.api, args, 'repeatable', deadline)
  requireNone(answer.errorCode, `Can't take the transactional id ${transactionalId}.`)
  return { transactionalId, producerId: answer.producerId, producerEpoch: answer.producerEpoch }
}

/** Version 3: the newer ones are for brokers among themselves. */
async function begin(coordinator: BrokerConnection, producer: Producer, records: readonly KeyedRecord[], deadline: Deadline): Promise<void> {
  const places = [...new Set(records.map(({ partition }) => partition))].map(parseTopicPartition)
  const topics = [...Map.groupBy(places, ({ topic }) => topic)].map(([name, own]) => ({ name, partitions: own.map(({ partition }) => partition) }))
  const transaction = { ...producer, verifyOnly: false, topics }
  const answer = await coordinator.request('AddPartitionsToTxn', addPartitionsToTxnV3.api, [[transaction]], 'repeatable', deadline)
  const results = answer.resultsByTransaction.flatMap(({ topicResults }) => topicResults.flatMap(({ resultsByPartition }) => resultsByPartition))
  for (const { partitionErrorCode } of results) requireNone(partitionErrorCode, `Can't begin the transaction of ${producer.transactionalId}.`)
}

async function append(connections: BrokerConnections, leader: number, producer: Producer, records: readonly KeyedRecord[], deadline: Deadline): Promise<void> {
  const broker = await connections.broker(leader, deadline)
  const messages = records.map(({ partition, key, value }) => ({
    ...parseTopicPartition(partition),
    key: Buffer.from(key),
    // The library writes null as Kafka does, which its types leave out.
    value: value === null ? null : Buffer.from(value),
  })) as MessageRecord[]
  const args: Parameters<typeof produceV11.createRequest> = [
    ProduceAcks.ALL,
    Math.min(brokerTimeoutMs, Math.max(1, Math.round(deadline.remainingMs()))),
    messages,
    producer,
  ]
  const answer = await broker.request('Produce', produceV11.api, args, 'repeatable', deadline)
  if (typeof answer === 'boolean') return // only with acks=0
  for (const { name, partitionResponses } of answer.responses) {
    for (const { index, errorCode } of partitionResponses) requireNone(errorCode, `Can't write to ${name}-${index} as ${producer.transactionalId}.`)
  }
}

async function commit(coordinator: BrokerConnection, producer: Producer, deadline: Deadline): Promise<void> {
  const args: [string, bigint, number, boolean] = [producer.transactionalId, producer.producerId, producer.producerEpoch, true]
  const answer = await coordinator.request('EndTxn', endTxnV4.api, args, 'repeatable', deadline)
  requireNone(answer.errorCode, `Can't commit the transaction of ${producer.transactionalId}.`)
}
