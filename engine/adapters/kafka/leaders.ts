import { KbgError } from '../../model/error.ts'
import { parseTopicPartition, type TopicPartition, topicPartition } from '../../model/partition.ts'
import type { Deadline } from '../../ports/clock.ts'
import type { BrokerConnections } from './connections.ts'
import { kafkaRefusal } from './refusal.ts'

/** Which broker leads each partition, as last heard from Metadata; asked again after a leader has refused. */
export class Leaders {
  readonly #connections: BrokerConnections
  readonly #topics = new Map<string, ReadonlyMap<number, number>>()

  constructor(connections: BrokerConnections) {
    this.#connections = connections
  }

  /** Learns the leaders of all topics at once. */
  async learnAll(deadline: Deadline): Promise<void> {
    await this.#ask(null, deadline)
  }

  /** Forgets what was learnt, so that the next question asks Metadata: a leader has refused or is gone. */
  forget(): void {
    this.#topics.clear()
  }

  /** All partitions of these topics. @throws KbgError `unknown-topic`; `kafka` LEADER_NOT_AVAILABLE (retriable) */
  async partitionsOf(topics: readonly string[], deadline: Deadline): Promise<readonly TopicPartition[]> {
    await this.#require(topics, deadline)
    return topics.flatMap((topic) => [...(this.#topics.get(topic)?.keys() ?? [])].map((partition) => topicPartition(topic, partition)))
  }

  /** The partitions grouped by the broker that leads them. @throws KbgError `unknown-topic`; `kafka` LEADER_NOT_AVAILABLE (retriable) */
  async byLeader(partitions: readonly TopicPartition[], deadline: Deadline): Promise<ReadonlyMap<number, readonly TopicPartition[]>> {
    await this.#require([...new Set(partitions.map((name) => parseTopicPartition(name).topic))], deadline)
    const grouped = new Map<number, TopicPartition[]>()
    for (const name of partitions) {
      const { topic, partition } = parseTopicPartition(name)
      const leader = this.#topics.get(topic)?.get(partition)
      if (leader === undefined) throw this.#unknown([name])
      const group = grouped.get(leader) ?? []
      group.push(name)
      grouped.set(leader, group)
    }
    return grouped
  }

  async #require(topics: readonly string[], deadline: Deadline): Promise<void> {
    const unknown = topics.filter((topic) => !this.#topics.has(topic))
    if (unknown.length > 0) await this.#ask(unknown, deadline)
  }

  async #ask(topics: readonly string[] | null, deadline: Deadline): Promise<void> {
    const metadata = await this.#connections.metadata(topics, deadline)
    const leaderless: string[] = []
    for (const topic of metadata.topics) {
      const name = topic.name ?? ''
      if (topic.errorCode !== 0)
        throw topic.errorCode === unknownTopicOrPartition ? this.#unknown([name]) : kafkaRefusal(`No metadata of ${name}.`, topic.errorCode)
      const leaders = new Map(topic.partitions.map((partition) => [partition.partitionIndex, partition.leaderId]))
      if ([...leaders.values()].every((leader) => leader >= 0)) this.#topics.set(name, leaders)
      else leaderless.push(name)
    }
    if (topics !== null && leaderless.length > 0) {
      throw kafkaRefusal(`Partitions on ${this.#connections.access.colour} have no leader.`, leaderNotAvailable, { topics: leaderless })
    }
  }

  #unknown(names: readonly string[]): KbgError {
    return new KbgError('unknown-topic', `Not on ${this.#connections.access.colour}: ${names.join(', ')}.`, { facts: { missing: names } })
  }
}

const unknownTopicOrPartition = 3
const leaderNotAvailable = 5
