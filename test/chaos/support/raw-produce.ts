/** A record as an idempotent producer sends it that has its id from somewhere else. */
import { ProduceAcks, produceV11 } from '@platformatic/kafka'
import { BrokerConnections } from '../../../engine/adapters/kafka/connections.ts'
import { Leaders } from '../../../engine/adapters/kafka/leaders.ts'
import type { ClusterAccess } from '../../../engine/model/cluster-access.ts'
import { parseTopicPartition, type TopicPartition } from '../../../engine/model/partition.ts'
import type { Deadline } from '../../../engine/ports/clock.ts'

/** Sends one record under this producer's id, epoch 0 and sequence 0. @returns Kafka's error code */
export async function produceAs(access: ClusterAccess, partition: TopicPartition, producerId: bigint, value: string, deadline: Deadline): Promise<number> {
  const connections = new BrokerConnections(access, 'operator')
  try {
    const [leader] = (await new Leaders(connections).byLeader([partition], deadline)).keys()
    const broker = await connections.broker(leader ?? -1, deadline)
    const messages = [{ ...parseTopicPartition(partition), value: Buffer.from(value), timestamp: BigInt(deadline.clock.wallClock().getTime()) }]
    const answer = await broker.request('Produce', produceV11.api, [ProduceAcks.ALL, 5_000, messages, { producerId, producerEpoch: 0 }], 'once', deadline)
    if (typeof answer === 'boolean') return -1
    return answer.responses[0]?.partitionResponses[0]?.errorCode ?? -1
  } finally {
    connections.close()
  }
}
