/**
 * The one place that knows kafkajs' insides (2.2.4, the last release).
 *
 * Its public `send` hides what a move between clusters must know: which partitions of a request were written, whether an earlier try of the same
 * request may have been, and it reuses sequence numbers after an unknown outcome. So the routed producer sends its own Produce requests over the
 * connections, logins, metadata and events of a kafkajs producer.
 */
import { createRequire } from 'node:module'
import type { Kafka, PartitionMetadata, Producer, ProducerConfig } from 'kafkajs'
import { KbgError } from '../engine/model/error.ts'
import type { CoordinatedCluster } from './transaction-coordinator.ts'

/** One partition's records as kafkajs encodes them. */
export interface TopicData {
  readonly topic: string
  readonly partitions: readonly { readonly partition: number; readonly firstSequence: number; readonly messages: readonly object[] }[]
}

/** A broker's answer for one partition of a Produce request. */
export interface PartitionAnswer {
  readonly partition: number
  readonly errorCode: number
  readonly baseOffset?: string
  readonly logAppendTime?: string
  readonly logStartOffset?: string
}

interface WireRequest {
  readonly request: { encode(): Promise<unknown> }
  readonly response: { decode(raw: Buffer): Promise<unknown>; parse(data: unknown): Promise<unknown> }
}

interface InternalBroker {
  readonly nodeId: number
  lookupRequest(apiKey: number, definition: unknown): (args: object) => WireRequest
  readonly connectionPool: { send(request: WireRequest): Promise<unknown> }
  initProducerId(args: { transactionalId?: string; transactionTimeout: number }): Promise<{ producerId: string; producerEpoch: number }>
}

/** What is used of kafkajs' Cluster. */
export interface InternalCluster {
  isConnected(): boolean
  connect(): Promise<void>
  refreshMetadata(): Promise<void>
  refreshMetadataIfNecessary(): Promise<void>
  addMultipleTargetTopics(topics: readonly string[]): Promise<void>
  findTopicPartitionMetadata(topic: string): PartitionMetadata[]
  findBroker(args: { nodeId: number | string }): Promise<InternalBroker>
  findControllerBroker(): Promise<InternalBroker>
  removeBroker(address: { host: string; port: number }): void
  findGroupCoordinator: CoordinatedCluster['findGroupCoordinator']
}

const load = createRequire(import.meta.url)
const { requests } = load('kafkajs/src/protocol/requests') as { requests: Record<string, unknown> }
const apiKeys = load('kafkajs/src/protocol/requests/apiKeys') as Record<string, number>
const protocolErrors = load('kafkajs/src/protocol/error') as { createErrorFromCode(code: number): Error }

/** kafkajs' own error of a broker's error code. */
export function protocolError(code: number): Error {
  return protocolErrors.createErrorFromCode(code)
}

/** A kafkajs producer, and the cluster object that it keeps to itself. @throws KbgError `kafkajs-version` when this isn't the kafkajs that is known here */
export function producerWithCluster(kafka: Kafka, config: ProducerConfig): { readonly producer: Producer; readonly cluster: InternalCluster } {
  const key = Object.getOwnPropertySymbols(kafka).find((symbol) => symbol.description === 'private:Kafka:createCluster')
  const holder = kafka as unknown as Record<symbol, unknown>
  const create = key === undefined ? undefined : holder[key]
  if (key === undefined || typeof create !== 'function') throw unknownVersion()
  let cluster: InternalCluster | undefined
  holder[key] = (args: unknown) => {
    cluster = create(args)
    return cluster
  }
  try {
    const producer = kafka.producer(config)
    if (cluster === undefined) throw unknownVersion()
    return { producer, cluster }
  } finally {
    holder[key] = create
  }
}

function unknownVersion(): KbgError {
  return new KbgError('kafkajs-version', 'This kafkajs is not the one that the routed client knows.', { remedy: 'Install kafkajs 2.2.4 beside it.' })
}

/** What a Produce request carries beside its records. */
export interface ProduceRequest {
  readonly acks: number
  /** How long the leader waits for its replicas, in ms. */
  readonly timeout: number
  readonly compression: number
  readonly producerId?: string
  readonly producerEpoch?: number
  readonly topicData: readonly TopicData[]
}

/** A Produce request that got no answer. */
export class NoAnswer extends Error {
  /** The request never went out: the broker can't have written anything. */
  readonly neverSent: boolean
  /** A later try may succeed: not so when the request can't even be built. */
  readonly retriable: boolean

  constructor(cause: unknown, neverSent: boolean) {
    super(cause instanceof Error ? cause.message : String(cause), { cause })
    this.name = 'NoAnswer'
    this.neverSent = neverSent
    this.retriable = cause instanceof Error && 'retriable' in cause && cause.retriable !== false
  }
}

/**
 * One Produce request, sent once. Resolves with the answer of every partition, errors included; undefined with acks=0.
 *
 * @throws NoAnswer
 */
export async function produceOnce(broker: InternalBroker, produce: ProduceRequest): Promise<ReadonlyMap<string, readonly PartitionAnswer[]> | undefined> {
  let encoded = false
  try {
    const { request, response } = broker.lookupRequest(apiKeys.Produce ?? 0, requests.Produce)(produce)
    const encode = async () => {
      const bytes = await request.encode()
      encoded = true // from here on it may reach the broker
      return bytes
    }
    const answer = await broker.connectionPool.send({ request: { ...request, encode }, response: { decode: response.decode, parse: async (data) => data } })
    if (answer === undefined) return undefined
    const { topics } = answer as { topics: readonly { topicName: string; partitions: readonly PartitionAnswer[] }[] }
    return new Map(topics.map(({ topicName, partitions }) => [topicName, partitions]))
  } catch (error) {
    throw new NoAnswer(error, !encoded)
  }
}

interface InternalRunner {
  running: boolean
  readonly consumerGroup: { leave(): Promise<void> }
}

let runnersEnd = false

/**
 * Makes kafkajs' consumers end when they were stopped; once for all consumers of this process. Two races that `stop` loses:
 * - It comes while the consumer is still joining: the runner isn't `running` yet, nothing is stopped, and when it has joined it reads, with nobody left who could stop it.
 * - Brokers come or go at that moment, so that kafkajs makes new fetchers: they belong to a consumer that no longer runs, their fetches answer nothing at once, and they
 *   ask again without ever letting a timer or a socket have its turn: the whole process hangs.
 *
 * @throws KbgError `kafkajs-version` when this isn't the kafkajs that is known here
 */
export function endStoppedRunners(): void {
  if (runnersEnd) return
  const runner = (load('kafkajs/src/consumer/runner') as { prototype?: Record<string, unknown> }).prototype
  const { fetch, stop, scheduleFetchManager } = runner ?? {}
  if (runner === undefined || typeof fetch !== 'function' || typeof stop !== 'function' || typeof scheduleFetchManager !== 'function') throw unknownVersion()
  const { KafkaJSError } = load('kafkajs/src/errors') as { KafkaJSError: new (message: string) => Error }
  const stopped = new WeakSet<InternalRunner>()
  runner.stop = async function stopForGood(this: InternalRunner): Promise<unknown> {
    stopped.add(this)
    return await stop.call(this)
  }
  runner.scheduleFetchManager = function scheduleUnlessStopped(this: InternalRunner): unknown {
    if (this.running && stopped.has(this)) {
      this.running = false
      this.consumerGroup.leave().catch(() => undefined) // as kafkajs' own stop: a member that can't say goodbye is dropped by its session's timeout
    }
    return scheduleFetchManager.call(this)
  }
  runner.fetch = async function fetchWhileRunning(this: InternalRunner, nodeId: unknown): Promise<unknown> {
    // Retriable, so that kafkajs asks once more whether the consumer runs, and then ends in peace.
    if (!this.running) throw new KafkaJSError('The consumer was stopped.')
    return await fetch.call(this, nodeId)
  }
  runnersEnd = true
}
