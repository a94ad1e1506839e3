/** A kafkajs consumer whose connections can be opened before it joins its group: kafkajs opens each when it first needs it. */
import kafkajs, { type Cluster, type Consumer, type ConsumerConfig, type Kafka } from 'kafkajs'

/** A consumer, and how to connect it. */
export interface WarmConsumer {
  readonly consumer: Consumer
  /**
   * Connects a consumer that is connected and subscribed to its group's coordinator and to the leaders of these topics. Joins nothing and reads nothing.
   * Settles when nothing is being connected any more.
   *
   * @throws kafkajs' error of a broker that can't be reached
   */
  warmUp(topics: readonly string[]): Promise<void>
}

/** Makes a consumer. kafkajs shows the cluster object of a consumer to its assigners only. */
export function warmConsumer(kafka: Kafka, config: ConsumerConfig): WarmConsumer {
  let cluster: Cluster | undefined
  const assigners = config.partitionAssigners ?? [kafkajs.PartitionAssigners.roundRobin]
  const consumer = kafka.consumer({
    ...config,
    partitionAssigners: assigners.map((assigner) => (parts) => {
      cluster = parts.cluster
      return assigner(parts)
    }),
  })
  const warmUp = async (topics: readonly string[]) => {
    const known = cluster
    if (known === undefined) return // without assigners it can't join either
    const leaders = new Set(topics.flatMap((topic) => known.findTopicPartitionMetadata(topic).map(({ leader }) => leader)))
    const brokers = [...leaders].filter((leader) => leader >= 0).map((leader) => known.findBroker({ nodeId: String(leader) }))
    const tried = await Promise.allSettled([known.findGroupCoordinator({ groupId: config.groupId }), ...brokers])
    const failed = tried.find((one) => one.status === 'rejected')
    if (failed !== undefined) throw failed.reason
  }
  return { consumer, warmUp }
}
