import { type Admin, Kafka, type KafkaConfig, type SASLOptions } from 'kafkajs'
import type { Colour } from '../../../engine/model/colour.ts'
import { KbgError } from '../../../engine/model/error.ts'
import { type PartitionOffsets, topicPartition } from '../../../engine/model/partition.ts'
import { type Clock, Deadline } from '../../../engine/ports/clock.ts'
import { decodeValue, HistoryWriter, writeManifest } from '../history/index.ts'
import { loggedToStderr } from './kafkajs-clients.ts'

/** A cluster that is to be read as a whole, by a user that may read everything and make groups. */
export interface FullReadRequest {
  readonly colour: Colour
  readonly bootstrapServers: readonly string[]
  readonly sasl: SASLOptions | undefined
  readonly security?: Pick<KafkaConfig, 'ssl'>
  readonly topics: readonly string[]
  readonly historyDir: string
  readonly timeoutMs: number
}

/**
 * Reads every committed record of the topics, from the first to what is the end when it starts, into a history of its own: the view of the truth that depends on no
 * group, no route and no client of the run. To be called when nobody writes any more. The group that it reads with commits nothing and is deleted.
 *
 * @returns the number of records
 * @throws KbgError `deadline` when the end is not reached in time (an open transaction, an unavailable partition); the history then has no end and is refused
 */
export async function readWholeCluster(request: FullReadRequest, clock: Clock): Promise<number> {
  const { colour, topics, historyDir } = request
  const instance = `full-read-${colour}`
  writeManifest(historyDir, instance, [instance])
  const history = new HistoryWriter(historyDir, instance, { kind: 'fullReader', colour, topics: [...topics] })
  const deadline = new Deadline(clock, request.timeoutMs, `the end of everything on ${colour}`)
  const kafka = new Kafka({
    clientId: instance,
    brokers: [...request.bootstrapServers],
    ...(request.sasl ? { sasl: request.sasl } : {}),
    ...request.security,
    ...loggedToStderr,
  })
  const admin = kafka.admin()
  await deadline.race(admin.connect())
  try {
    const records = await read(kafka, admin, request, history, deadline)
    history.close()
    return records
  } finally {
    await admin.disconnect()
  }
}

async function read(kafka: Kafka, admin: Admin, request: FullReadRequest, history: HistoryWriter, deadline: Deadline): Promise<number> {
  const remaining = new Map(await deadline.race(endOffsets(admin, request.topics)))
  if (remaining.size === 0) return 0
  const groupId = `kbg-full-read-${request.colour}-${process.pid}`
  // Its end waits for the fetch that is open: five seconds by default.
  const fetching = { maxWaitTimeInMs: 100, maxBytesPerPartition: 4 * 1024 * 1024 }
  const consumer = kafka.consumer({ groupId, readUncommitted: false, allowAutoTopicCreation: false, ...fetching })
  let records = 0
  let crashed: Error | undefined
  consumer.on(consumer.events.CRASH, ({ payload }) => {
    crashed = payload.error
  })
  // kafkajs reports here also batches of which nothing is visible: markers and aborted records at a partition's end.
  consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload }) => {
    const partition = topicPartition(payload.topic, payload.partition)
    if (BigInt(payload.lastOffset) + 1n >= (remaining.get(partition) ?? 0n)) remaining.delete(partition)
  })
  await deadline.race(consumer.connect())
  await consumer.subscribe({ topics: [...request.topics], fromBeginning: true })
  await consumer.run({
    autoCommit: false,
    partitionsConsumedConcurrently: 16,
    eachBatch: async ({ batch }) => {
      const first = BigInt(batch.messages[0]?.offset ?? '0')
      const offsetDeltas = batch.messages.map((message) => Number(BigInt(message.offset) - first))
      const values = batch.messages.map((message) => decodeValue(message.key, message.value))
      const timestampsMs = batch.messages.map((message) => Number(message.timestamp))
      const { topic, partition } = batch
      history.write({ type: 'finalRead', colour: request.colour, topic, partition, firstOffset: first.toString(), offsetDeltas, values, timestampsMs })
      records += values.length
    },
  })
  try {
    await deadline.poll(20, async () => {
      if (crashed) throw new KbgError('full-read', `Reading ${request.colour} failed.`, { cause: crashed })
      return remaining.size === 0 ? true : undefined
    })
  } finally {
    await consumer.disconnect()
    await admin.deleteGroups([groupId])
  }
  return records
}

/** The end of every partition that holds anything. */
async function endOffsets(admin: Admin, topics: readonly string[]): Promise<PartitionOffsets> {
  const ends = new Map<string, bigint>()
  for (const topic of topics) {
    for (const { partition, low, high } of await admin.fetchTopicOffsets(topic)) {
      if (BigInt(high) > BigInt(low)) ends.set(topicPartition(topic, partition), BigInt(high))
    }
  }
  return ends
}
