import { type Admin, Kafka, type KafkaMessage, logLevel } from 'kafkajs'
import type { ClusterAccess } from '../../../engine/model/cluster-access.ts'
import { KbgError } from '../../../engine/model/error.ts'
import { type PartitionOffsets, type TopicPartition, topicPartition } from '../../../engine/model/partition.ts'
import type { Deadline } from '../../../engine/ports/clock.ts'
import { loginsOf } from '../../support/workload/clients.ts'
import { cleaningUp } from '../harness/index.ts'

/** A plain kafkajs client of the operator: what judges the engine's work shares none of its code for reading. */
export function plainKafka({ internalBootstrapServers, credentialsFile }: ClusterAccess): Kafka {
  const sasl = loginsOf(credentialsFile)('operator')
  return new Kafka({ clientId: 'bench', brokers: internalBootstrapServers, ...(sasl ? { sasl } : {}), logLevel: logLevel.NOTHING })
}

/** Runs with an admin client that ends with it. */
export async function withAdmin<T>(access: ClusterAccess, deadline: Deadline, work: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = plainKafka(access).admin()
  return await cleaningUp(
    async () => {
      await deadline.race(admin.connect())
      return await deadline.race(work(admin))
    },
    () => admin.disconnect(),
  )
}

/**
 * Reads a topic's committed records from its beginning to its end as it is now; the group that it reads with is deleted.
 *
 * @throws KbgError `deadline`, `bench`
 */
export async function readTopic(
  access: ClusterAccess,
  topic: string,
  take: (partition: TopicPartition, message: KafkaMessage) => void,
  deadline: Deadline,
): Promise<void> {
  const remaining = new Map(await withAdmin(access, deadline, (admin) => endsOf(admin, topic)))
  if (remaining.size === 0) return
  const groupId = `kbg-bench-read-${process.pid}`
  // Its end waits for the fetch that is open: five seconds by default.
  const fetching = { maxWaitTimeInMs: 100, maxBytesPerPartition: 4 * 1024 * 1024 }
  const consumer = plainKafka(access).consumer({ groupId, readUncommitted: false, allowAutoTopicCreation: false, ...fetching })
  let crashed: Error | undefined
  consumer.on(consumer.events.CRASH, ({ payload }) => {
    crashed = payload.error
  })
  // kafkajs reports here also batches of which nothing is visible: markers and aborted records at a partition's end.
  consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload }) => {
    const partition = topicPartition(payload.topic, payload.partition)
    if (BigInt(payload.lastOffset) + 1n >= (remaining.get(partition) ?? 0n)) remaining.delete(partition)
  })
  await cleaningUp(
    async () => {
      await deadline.race(consumer.connect())
      await consumer.subscribe({ topics: [topic], fromBeginning: true })
      await consumer.run({
        autoCommit: false,
        partitionsConsumedConcurrently: 4,
        eachBatch: async ({ batch }) => {
          for (const message of batch.messages) take(topicPartition(topic, batch.partition), message)
        },
      })
      await deadline.poll(20, async () => {
        if (crashed) throw new KbgError('bench', `Reading ${topic} on ${access.colour} failed.`, { cause: crashed })
        return remaining.size === 0 ? true : undefined
      })
    },
    () => consumer.disconnect(),
    () => withAdmin(access, deadline, (admin) => admin.deleteGroups([groupId])),
  )
}

/** The end of every partition that holds anything. */
async function endsOf(admin: Admin, topic: string): Promise<PartitionOffsets> {
  const offsets = await admin.fetchTopicOffsets(topic)
  return new Map(offsets.flatMap(({ partition, low, high }) => (BigInt(high) > BigInt(low) ? [[topicPartition(topic, partition), BigInt(high)] as const] : [])))
}
