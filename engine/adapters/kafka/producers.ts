import { describeProducersV0, initProducerIdV5 } from '@platformatic/kafka'
import { KbgError } from '../../model/error.ts'
import { parseTopicPartition, type TopicPartition, topicPartition } from '../../model/partition.ts'
import type { ProducerIds } from '../../model/producer-ids.ts'
import type { Deadline } from '../../ports/clock.ts'
import type { Producers } from '../../ports/cluster.ts'
import type { BrokerConnection } from './broker-connection.ts'
import type { BrokerConnections } from './connections.ts'
import type { Leaders } from './leaders.ts'
import { persistently, requireNone } from './refusal.ts'

/** A producer as a partition's leader keeps it. */
export interface ProducerState extends describeProducersV0.DescribeProducersResponsePartitionProducer {
  readonly partition: TopicPartition
}

/** {@link Producers} by DescribeProducers on the leaders and InitProducerId on every broker. */
export class KafkaProducers implements Producers {
  readonly #connections: BrokerConnections
  readonly #leaders: Leaders

  constructor(connections: BrokerConnections, leaders: Leaders) {
    this.#connections = connections
    this.#leaders = leaders
  }

  async ids(topics: readonly string[], deadline: Deadline): Promise<ProducerIds> {
    const active = persistently(deadline, async () => this.states(await this.#leaders.partitionsOf(topics, deadline), deadline))
    const [states, next] = await Promise.all([active, this.#next(deadline)])
    return {
      active: states.map(({ partition, producerId, producerEpoch, coordinatorEpoch, currentTxnStartOffset }) => {
        return { partition, producerId, producerEpoch, transactional: coordinatorEpoch >= 0 || currentTxnStartOffset >= 0n }
      }),
      next,
    }
  }

  /** Every producer whose state the leaders of these partitions keep. */
  states(partitions: readonly TopicPartition[], deadline: Deadline): Promise<readonly ProducerState[]> {
    return persistently(deadline, async () => {
      try {
        const byLeader = await this.#leaders.byLeader(partitions, deadline)
        const asked = [...byLeader].map(async ([leader, own]) => statesOn(await this.#connections.broker(leader, deadline), own, deadline))
        return (await Promise.all(asked)).flat()
      } catch (thrown) {
        if (thrown instanceof KbgError && thrown.retriable) this.#leaders.forget()
        throw thrown
      }
    })
  }

  /** Each broker gives out the ids of a block of its own, and takes a block behind all others when that is used up: so the least of what they give out now bounds all later ones. */
  #next(deadline: Deadline): Promise<bigint> {
    return persistently(deadline, async () => {
      const { brokers } = await this.#connections.metadata([], deadline)
      const ids = brokers.map(async ({ nodeId }) => givenBy(await this.#connections.broker(nodeId, deadline), deadline))
      const [first, ...others] = await Promise.all(ids)
      if (first === undefined) throw new KbgError('kafka', 'No broker is registered.', { retriable: true })
      return others.reduce((least, id) => (id < least ? id : least), first)
    })
  }
}

/** The id that this broker gives to one more producer; nobody uses it. */
async function givenBy(broker: BrokerConnection, deadline: Deadline): Promise<bigint> {
  const args: Parameters<typeof initProducerIdV5.createRequest> = [null, 0, -1n, -1]
  const answer = await broker.request('InitProducerId', initProducerIdV5.api, args, 'none', deadline)
  requireNone(answer.errorCode, "Can't get a producer id.")
  return answer.producerId
}

async function statesOn(broker: BrokerConnection, partitions: readonly TopicPartition[], deadline: Deadline): Promise<readonly ProducerState[]> {
  const topics = [...Map.groupBy(partitions.map(parseTopicPartition), ({ topic }) => topic)].map(([name, parts]) => ({
    name,
    partitionIndexes: parts.map(({ partition }) => partition),
  }))
  const answer = await broker.request('DescribeProducers', describeProducersV0.api, [topics], 'none', deadline)
  return answer.topics.flatMap(({ name, partitions: told }) =>
    told.flatMap(({ partitionIndex, errorCode, errorMessage, activeProducers }) => {
      const partition = topicPartition(name, partitionIndex)
      requireNone(errorCode, `Can't describe the producers of ${partition}.`, {}, errorMessage)
      return activeProducers.map((producer) => ({ ...producer, partition }))
    }),
  )
}
