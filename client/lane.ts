/** One colour's side of a routed producer: connections, metadata and a producer id, kept warm while the other colour is live. */
import type { Producer } from 'kafkajs'
import kafkajs from 'kafkajs'
import type { Colour } from '../engine/model/colour.ts'
import { type InternalCluster, NoAnswer, type PartitionAnswer, produceOnce } from './kafkajs-internals.ts'
import type { PartitionBatch, SendOptions } from './outbox.ts'
import { type Attempt, nextSequence } from './outcome.ts'
import type { Timing } from './timing.ts'

/** A producer id and the next sequence of each partition under it. */
export interface ProducerIdentity {
  readonly producerId: string
  readonly producerEpoch: number
  readonly sequences: Map<string, number>
}

/** A batch on its way, with what a repetition must repeat. */
export interface ShippedBatch {
  readonly batch: PartitionBatch
  /** null: not idempotent. */
  readonly identity: ProducerIdentity | null
  readonly firstSequence: number
}

/** One partition's part of a try. */
export interface LaneAnswer {
  readonly attempt: Attempt
  readonly answer: PartitionAnswer | undefined
  readonly error: unknown
}

/** What the dispatcher needs of a colour; tests put a fake in its place. */
export interface Lane {
  readonly colour: Colour
  /** undefined: not known now; `refresh` may help. */
  leaderOf(topic: string, partition: number): number | undefined
  /** Reads metadata again. Errors are for the next try to meet. */
  refresh(): Promise<void>
  /** The identity in force; a fresh one where there is none. Throws kafkajs' error when none can be had. */
  identity(): Promise<ProducerIdentity>
  /** The next `identity()` is a fresh one. */
  dropIdentity(identity: ProducerIdentity): void
  /** One request, once. Answers are in the order of the batches. */
  ship(leader: number, options: SendOptions, batches: readonly ShippedBatch[]): Promise<readonly LaneAnswer[]>
}

/** How long an InitProducerId is told that a transaction may last; unused without a transactional id. */
const transactionTimeoutMs = 60_000

/** How long a producer id is asked for, and the pause between two tries. */
const identityDeadlineMs = 30_000
const identityPauseMs = 50
/** kafkajs' default `timeout` of a send. */
const defaultTimeoutMs = 30_000

/** A lane over a kafkajs producer's cluster. */
export class KafkajsLane implements Lane {
  readonly colour: Colour
  readonly producer: Producer
  readonly #cluster: InternalCluster
  readonly #timing: Timing
  #identity: Promise<ProducerIdentity> | undefined
  #topics = new Set<string>()

  constructor(colour: Colour, producer: Producer, cluster: InternalCluster, timing: Timing) {
    this.colour = colour
    this.producer = producer
    this.#cluster = cluster
    this.#timing = timing
  }

  /** Partitions of a topic; its metadata is read when it isn't there. @throws kafkajs' error */
  async partitionsOf(topic: string) {
    if (!this.#topics.has(topic)) {
      await this.#cluster.addMultipleTargetTopics([topic])
      this.#topics.add(topic)
    }
    return this.#cluster.findTopicPartitionMetadata(topic)
  }

  /** {@link partitionsOf} when it is known already. */
  knownPartitionsOf(topic: string) {
    return this.#topics.has(topic) ? this.#cluster.findTopicPartitionMetadata(topic) : undefined
  }

  leaderOf(topic: string, partition: number): number | undefined {
    const leader = this.knownPartitionsOf(topic)?.find((each) => each.partitionId === partition)?.leader
    return leader === undefined || leader < 0 ? undefined : leader
  }

  async refresh(): Promise<void> {
    if (!this.#cluster.isConnected()) await this.#cluster.connect()
    await this.#cluster.refreshMetadata()
  }

  /** Connects, learns the topics' leaders, connects to each, and (if wanted) gets a producer id: the next request meets nothing cold. @throws kafkajs' error */
  async warm(topics: readonly string[], withIdentity: boolean): Promise<void> {
    if (!this.#cluster.isConnected()) await this.#cluster.connect()
    await this.#cluster.addMultipleTargetTopics(topics)
    for (const topic of topics) this.#topics.add(topic)
    await this.#cluster.refreshMetadataIfNecessary()
    const leaders = new Set(topics.flatMap((topic) => this.#cluster.findTopicPartitionMetadata(topic).map((partition) => partition.leader)))
    await Promise.all([...leaders].filter((leader) => leader >= 0).map((leader) => this.#cluster.findBroker({ nodeId: leader })))
    if (withIdentity) await this.identity()
  }

  identity(): Promise<ProducerIdentity> {
    this.#identity ??= this.#askIdentity().catch((error: unknown) => {
      this.#identity = undefined
      throw error
    })
    return this.#identity
  }

  /** Brokers that have just started answer "loading" for a while; the caller's records wait, unsent. */
  async #askIdentity(): Promise<ProducerIdentity> {
    const startedAtMs = this.#timing.monotonicMs()
    for (;;) {
      try {
        if (!this.#cluster.isConnected()) await this.#cluster.connect()
        await this.#cluster.refreshMetadataIfNecessary()
        const broker = await this.#cluster.findControllerBroker()
        const { producerId, producerEpoch } = await broker.initProducerId({ transactionTimeout: transactionTimeoutMs })
        return { producerId, producerEpoch, sequences: new Map() }
      } catch (error) {
        const mayPass = error instanceof Error && 'retriable' in error && error.retriable === true
        if (!mayPass || this.#timing.monotonicMs() - startedAtMs > identityDeadlineMs) throw error
        await this.#timing.sleep(identityPauseMs)
      }
    }
  }

  dropIdentity(identity: ProducerIdentity): void {
    const current = this.#identity
    void current?.then(
      (known) => {
        if (known === identity && this.#identity === current) this.#identity = undefined
      },
      () => undefined, // there is none to drop
    )
  }

  async ship(leader: number, options: SendOptions, batches: readonly ShippedBatch[]): Promise<readonly LaneAnswer[]> {
    let broker: Awaited<ReturnType<InternalCluster['findBroker']>>
    try {
      broker = await this.#cluster.findBroker({ nodeId: leader })
    } catch (error) {
      return batches.map(() => ({ attempt: { kind: 'not-sent', retriable: true }, answer: undefined, error }))
    }
    try {
      const answers = await produceOnce(broker, {
        acks: options.acks,
        timeout: options.timeout ?? defaultTimeoutMs,
        compression: options.compression ?? kafkajs.CompressionTypes.None,
        ...identityOf(batches),
        topicData: topicData(batches),
      })
      return batches.map(({ batch }) => {
        if (answers === undefined) return { attempt: { kind: 'answered', errorCode: 0 }, answer: undefined, error: undefined }
        const answer = answers.get(batch.topic)?.find((each) => each.partition === batch.partition)
        if (answer === undefined) return { attempt: { kind: 'lost' }, answer, error: new Error('the broker answered without this partition') }
        return { attempt: { kind: 'answered', errorCode: answer.errorCode }, answer, error: undefined }
      })
    } catch (thrown) {
      if (!(thrown instanceof NoAnswer)) throw thrown
      this.#forgetBroker(thrown.cause)
      const attempt: Attempt = thrown.neverSent ? { kind: 'not-sent', retriable: thrown.retriable } : { kind: 'lost' }
      return batches.map(() => ({ attempt, answer: undefined, error: thrown.cause }))
    }
  }

  /** As kafkajs' own producer does: a broker whose connection closed is looked up afresh. */
  #forgetBroker(error: unknown): void {
    if (error instanceof Error && error.name === 'KafkaJSConnectionClosedError' && 'host' in error && 'port' in error) {
      this.#cluster.removeBroker({ host: String(error.host), port: Number(error.port) })
    }
  }
}

/** All batches of a request share one identity: it is part of the request in kafkajs. */
function identityOf(batches: readonly ShippedBatch[]) {
  const identity = batches[0]?.identity
  return identity === null || identity === undefined ? {} : { producerId: identity.producerId, producerEpoch: identity.producerEpoch }
}

function topicData(batches: readonly ShippedBatch[]) {
  const topics = new Map<string, { partition: number; firstSequence: number; messages: object[] }[]>()
  for (const { batch, firstSequence } of batches) {
    const partitions = topics.get(batch.topic) ?? []
    topics.set(batch.topic, partitions)
    partitions.push({ partition: batch.partition, firstSequence, messages: batch.parcels.flatMap((parcel) => [...parcel.messages]) })
  }
  return [...topics].map(([topic, partitions]) => ({ topic, partitions }))
}

/** Gives a batch its sequence under an identity; repetitions keep it. */
export function stamp(batch: PartitionBatch, identity: ProducerIdentity | null): ShippedBatch {
  return { batch, identity, firstSequence: identity?.sequences.get(`${batch.topic}-${batch.partition}`) ?? 0 }
}

/** After a batch was written: the partition's next sequence. */
export function advance({ batch, identity, firstSequence }: ShippedBatch): void {
  const count = batch.parcels.reduce((sum, parcel) => sum + parcel.messages.length, 0)
  identity?.sequences.set(`${batch.topic}-${batch.partition}`, nextSequence(firstSequence, count))
}
