import { createAPI, produceV11, Writer } from '@platformatic/kafka'
import { BrokerConnections } from '../../../engine/adapters/kafka/connections.ts'
import { Leaders } from '../../../engine/adapters/kafka/leaders.ts'
import type { ClusterAccess } from '../../../engine/model/cluster-access.ts'
import { KbgError } from '../../../engine/model/error.ts'
import { parseTopicPartition, type TopicPartition } from '../../../engine/model/partition.ts'
import type { Deadline } from '../../../engine/ports/clock.ts'

type Parts = readonly (readonly [partition: TopicPartition, batch: Buffer])[]

const leaderAck = 1
const brokerTimeoutMs = 30_000

function createRequest(parts: Parts): Writer {
  const byTopic = [...Map.groupBy(parts, ([partition]) => parseTopicPartition(partition).topic)]
  return Writer.create()
    .appendString(null)
    .appendInt16(leaderAck)
    .appendInt32(brokerTimeoutMs)
    .appendArray(byTopic, (writer, [topic, own]) => {
      writer.appendString(topic).appendArray(own, (inner, [partition, batch]) => {
        inner
          .appendInt32(parseTopicPartition(partition).partition)
          .appendUnsignedVarInt(batch.length + 1)
          .append(batch)
      })
    })
    .appendTaggedFields()
}

/** Produce version 11 of batches that are encoded already. */
const produceReady = createAPI<[parts: Parts], produceV11.ProduceResponse>(0, 11, createRequest, produceV11.parseResponse)

/** Appends ready batches to one colour as its operator, whom no fence stops: what fills topics for a bench. */
export class Appender {
  readonly #connections: BrokerConnections
  readonly #leaders: Leaders

  constructor(access: ClusterAccess) {
    this.#connections = new BrokerConnections(access, 'operator')
    this.#leaders = new Leaders(this.#connections)
  }

  /**
   * Appends one batch to each partition, in one request for each leader. Calls that overlap are appended in their order.
   *
   * @throws KbgError `bench` when a broker refuses; what is appended then is anybody's guess
   */
  async append(batches: ReadonlyMap<TopicPartition, Buffer>, deadline: Deadline): Promise<void> {
    const byLeader = await this.#leaders.byLeader([...batches.keys()], deadline)
    await Promise.all(
      [...byLeader].map(async ([leader, partitions]) => {
        const broker = await this.#connections.broker(leader, deadline)
        const parts = partitions.map((partition) => [partition, batches.get(partition) ?? Buffer.alloc(0)] as const)
        const answer = await broker.request('Produce', produceReady, [parts], 'once', deadline)
        const refused = answer.responses.flatMap((topic) => topic.partitionResponses).find(({ errorCode }) => errorCode !== 0)
        if (refused) throw new KbgError('bench', 'A broker refused to be filled.', { facts: { error: refused.errorCode, leader } })
      }),
    )
  }

  close(): void {
    this.#connections.close()
  }
}
