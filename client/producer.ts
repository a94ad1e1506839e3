/** kafkajs' Producer that writes to the colour that is open, and to no other. */
import { randomUUID } from 'node:crypto'
import type { Message, PartitionMetadata, Producer, ProducerBatch, ProducerConfig, ProducerRecord, RetryOptions } from 'kafkajs'
import kafkajs from 'kafkajs'
import type { Colour } from '../engine/model/colour.ts'
import { KbgError } from '../engine/model/error.ts'
import { type RouteDocument, writableColour } from '../engine/model/route.ts'
import { Dispatcher } from './dispatcher.ts'
import type { KafkajsLane } from './lane.ts'
import type { ParcelOutcome, SendOptions } from './outbox.ts'
import { collect, parcelOf, type RoutedRecordMetadata } from './parcels.ts'
import { ProducerSides, type SidesParts } from './producer-sides.ts'
import type { RegisteredClient, RouteSession } from './route-session.ts'
import { software } from './software.ts'
import { within } from './timing.ts'
import { type OpenEpoch, type RoutedTransaction, Transactions } from './transactions.ts'

/** kafkajs' Producer with what a route adds. */
export type RoutedProducer = Omit<Producer, 'send' | 'sendBatch' | 'transaction'> & {
  send(record: ProducerRecord): Promise<RoutedRecordMetadata[]>
  sendBatch(batch: ProducerBatch): Promise<RoutedRecordMetadata[]>
  transaction(): Promise<RoutedTransaction>
  /** A transaction that is replayed whole when the fence refuses it: see {@link Transactions.run}. */
  runTransaction<T>(work: (transaction: RoutedTransaction) => Promise<T>): Promise<T>
  /** The colour that is written to; null while held or not connected. */
  readonly colour: Colour | null
  /** The epoch acted on; 0 before connecting. */
  readonly epoch: number
}

/** What a hold may pile up before sends are refused: Java's `buffer.memory`, doubled. */
const maxQueuedBytes = 67_108_864
/** A disconnect gives what is on its way this long. */
const endDeadlineMs = 30_000

/** What a routed producer is built from. */
export interface ProducerParts extends SidesParts {
  readonly session: RouteSession
  readonly clientId: string
}

/** Implementation of {@link RoutedProducer}. Made by `Kafka.producer()`. */
export class RoutedKafkaProducer implements RoutedProducer {
  readonly events: Producer['events']
  readonly #parts: ProducerParts
  readonly #config: ProducerConfig
  readonly #sides: ProducerSides
  readonly #dispatcher: Dispatcher
  readonly #transactions: Transactions
  readonly #partitioner: ReturnType<NonNullable<ProducerConfig['createPartitioner']>>
  readonly #waiters = new Set<() => void>()
  #client: RegisteredClient | undefined
  #unsubscribe: (() => void) | undefined
  #closed: AbortController | undefined
  #learning: Promise<void> | undefined
  #epoch = 0

  constructor(parts: ProducerParts, config: ProducerConfig) {
    this.#parts = parts
    this.#config = config
    this.#partitioner = (config.createPartitioner ?? kafkajs.Partitioners.DefaultPartitioner)()
    const idempotent = this.isIdempotent()
    this.#sides = new ProducerSides(parts, config, idempotent)
    this.events = this.#sides.any.events
    this.#dispatcher = new Dispatcher(
      { blue: this.#sides.lane('blue'), green: this.#sides.lane('green') },
      {
        idempotent,
        retry: retryOptions({ ...parts.retry, ...config.retry }, idempotent),
        denialPatienceMs: parts.session.denialPatienceMs,
        timing: parts.timing,
      },
    )
    const lanes = { blue: this.#sides.transactional('blue'), green: this.#sides.transactional('green') }
    const gate = {
      opened: (after: number) => this.#opened(after),
      whenOpen: (after: number, waitMs: number | null) => this.#whenOpen(after, waitMs),
      monotonicMs: () => parts.timing.monotonicMs(),
    }
    this.#transactions = new Transactions(
      lanes,
      gate,
      (topic, messages) => this.#split(topic, messages),
      () => this.#settleEpoch(),
    )
  }

  get colour(): Colour | null {
    return this.#dispatcher.colour
  }

  get epoch(): number {
    return this.#epoch
  }

  /** Idempotent unless the configuration says otherwise: only then an answer that was lost can be asked for again. */
  isIdempotent(): boolean {
    return this.#config.idempotent ?? true
  }

  logger() {
    return this.#sides.any.logger()
  }

  on: Producer['on'] = (event: string, listener: (event: never) => void) => this.#sides.on(event, listener)

  /**
   * Reads the route, registers, connects to the live colour, and warms the other one beside.
   *
   * @throws KbgError of the route; kafkajs' error when the live colour can't be reached
   */
  async connect(): Promise<void> {
    if (this.#client !== undefined) return
    const closed = new AbortController()
    this.#closed = closed
    const { session, clientId } = this.#parts
    const transactionalId = this.#config.transactionalId ?? null
    this.#unsubscribe = session.onRoute((route) => this.#follow(route))
    try {
      this.#client = await session.join({
        version: 1,
        ...{ clientId, instanceId: `${clientId}-${randomUUID()}`, kind: transactionalId === null ? 'producer' : 'transactional-producer', transactionalId },
        ...{ groupId: null, ackedEpoch: 0, state: 'held', colour: null, software },
      })
      await this.#sides.connect(session.route.live)
    } catch (error) {
      await this.disconnect()
      throw error
    }
    this.#dispatcher.begin()
    this.#follow(session.route)
    void this.#sides.keepWarm(closed.signal)
  }

  /** Waits for what is on its way; sends that are held fail, unwritten. */
  async disconnect(): Promise<void> {
    this.#unsubscribe?.()
    this.#closed?.abort()
    const client = this.#client
    this.#client = undefined
    for (const waiter of [...this.#waiters]) waiter()
    if (client !== undefined) {
      const error = new KbgError('producer-disconnected', 'The producer was disconnected before this was sent; it was not written.')
      const late = () => new KbgError('deadline', 'Gave up waiting for what is on its way.', { facts: { waitedMs: endDeadlineMs } })
      try {
        await within(this.#parts.timing, endDeadlineMs, this.#dispatcher.end(error), late)
      } finally {
        await client.leave()
      }
    }
    await this.#sides.disconnect()
  }

  send(record: ProducerRecord): Promise<RoutedRecordMetadata[]> {
    const { topic, messages, ...options } = record
    return this.sendBatch({ ...options, topicMessages: [{ topic, messages }] })
  }

  /**
   * Writes, in order per partition; waits while held. Resolves when every partition's part is written.
   *
   * @throws kafkajs' error (surely not written), KbgError `outcome-unknown`, or `partly-written` which says what was
   */
  async sendBatch(batch: ProducerBatch): Promise<RoutedRecordMetadata[]> {
    const options: SendOptions = { acks: batch.acks ?? -1, timeout: batch.timeout, compression: batch.compression }
    const topicMessages = batch.topicMessages ?? []
    this.#check(options, topicMessages)
    const unknown = topicMessages.map(({ topic }) => topic).filter((topic) => this.#lane().knownPartitionsOf(topic) === undefined)
    if (unknown.length > 0 || this.#learning !== undefined) await this.#learnInTurn(unknown)
    const pending: Promise<ParcelOutcome>[] = []
    const parcels = topicMessages.flatMap(({ topic, messages }) =>
      [...this.#byPartition(topic, messages)].map(([partition, part]) => {
        const { promise, resolve } = Promise.withResolvers<ParcelOutcome>()
        pending.push(promise)
        return parcelOf(topic, partition, part, options, resolve)
      }),
    )
    this.#dispatcher.add(parcels)
    return collect(parcels, await Promise.all(pending))
  }

  transaction(): Promise<RoutedTransaction> {
    return this.#transactions.begin()
  }

  runTransaction<T>(work: (transaction: RoutedTransaction) => Promise<T>): Promise<T> {
    return this.#transactions.run(work)
  }

  /** The lane whose metadata decides about partitions: both colours have the same ones. */
  #lane(): KafkajsLane {
    return this.#sides.lane(this.#dispatcher.colour ?? this.#parts.session.route.live)
  }

  /** One after the other, so that a send that has nothing to learn doesn't overtake one that has. */
  #learnInTurn(topics: readonly string[]): Promise<void> {
    const before = (this.#learning ?? Promise.resolve()).catch(() => undefined) // the one before tells its own caller
    const turn = before.then(() => this.#sides.learn(topics, this.#lane().colour))
    const clear = () => {
      if (this.#learning === turn) this.#learning = undefined
    }
    turn.then(clear, clear)
    this.#learning = turn
    return turn
  }

  #check(options: SendOptions, topicMessages: NonNullable<ProducerBatch['topicMessages']>): void {
    const refuse = (message: string) => new kafkajs.KafkaJSNonRetriableError(message)
    if (this.#client === undefined) throw new kafkajs.KafkaJSError('The producer is disconnected')
    if (this.#config.idempotent === true && options.acks !== -1) throw refuse(`acks: ${options.acks} doesn't go with an idempotent producer: it needs -1`)
    for (const { topic, messages } of topicMessages) {
      if (!topic) throw refuse('Invalid topic')
      if (!Array.isArray(messages)) throw refuse(`Invalid messages array for topic "${topic}"`)
      if (messages.some((message) => message.value === undefined)) throw refuse(`Invalid message without value for topic "${topic}"`)
    }
    if (this.#dispatcher.queuedBytes > maxQueuedBytes) {
      throw new KbgError('producer-full', 'Too much waits to be sent; this was not written.', {
        retriable: true,
        facts: { queuedBytes: this.#dispatcher.queuedBytes, maxQueuedBytes },
      })
    }
  }

  /** {@link #byPartition} for transactions; a topic that isn't known yet is learnt first. */
  async #split(topic: string, messages: readonly Message[]): Promise<ReadonlyMap<number, readonly Message[]>> {
    if (this.#lane().knownPartitionsOf(topic) === undefined) await this.#learnInTurn([topic])
    return this.#byPartition(topic, messages)
  }

  #byPartition(topic: string, messages: readonly Message[]): Map<number, Message[]> {
    const partitionMetadata: PartitionMetadata[] = this.#lane().knownPartitionsOf(topic) ?? []
    const timestamp = String(Date.now()) // when it was sent, however long it is held
    const byPartition = new Map<number, Message[]>()
    for (const message of messages) {
      const partition = this.#partitioner({ topic, partitionMetadata, message })
      const part = byPartition.get(partition) ?? []
      byPartition.set(partition, part)
      part.push(message.timestamp === undefined ? { ...message, timestamp } : message)
    }
    return byPartition
  }

  /** Acts on a newer route: holds, or goes on where it says. */
  #follow(route: RouteDocument): void {
    if (this.#client === undefined) return
    const colour = writableColour(route)
    if (colour === null) {
      this.#dispatcher.hold()
      if (route.target !== null) void this.#sides.warm(route.target, 'fresh')
    }
    this.#epoch = route.epoch
    if (colour !== null) {
      this.#dispatcher.release(colour)
      this.#client.acknowledge({ ackedEpoch: route.epoch, state: 'running', colour })
      for (const waiter of [...this.#waiters]) waiter()
      return
    }
    this.#settleEpoch()
  }

  /** Acknowledges a hold when everything has ended: requests and transactions. */
  #settleEpoch(): void {
    if (this.#client === undefined || this.#dispatcher.colour !== null || this.#transactions.openCount > 0) return
    const epoch = this.#epoch
    void this.#dispatcher.flushed().then(() => {
      if (this.#epoch === epoch && this.#transactions.openCount === 0) this.#client?.acknowledge({ ackedEpoch: epoch, state: 'held', colour: null })
    })
  }

  #opened(after: number): OpenEpoch | undefined {
    const colour = this.#dispatcher.colour
    return colour === null || this.#epoch <= after ? undefined : { colour, epoch: this.#epoch }
  }

  async #whenOpen(after: number, waitMs: number | null): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const check = () => {
      if (this.#client === undefined || this.#opened(after) !== undefined) resolve()
    }
    this.#waiters.add(check)
    const over = new AbortController()
    try {
      check()
      const waited = waitMs === null ? promise : this.#parts.timing.sleep(waitMs, over.signal).catch(() => undefined) // it opened first
      await Promise.race([promise, waited])
    } finally {
      over.abort()
      this.#waiters.delete(check)
    }
    if (this.#client === undefined) throw new KbgError('producer-disconnected', 'The producer is not connected.')
  }
}

function retryOptions(retry: RetryOptions, idempotent: boolean) {
  return {
    retries: retry.retries ?? (idempotent ? Number.MAX_SAFE_INTEGER : 5),
    initialRetryTime: retry.initialRetryTime ?? 100,
    maxRetryTime: retry.maxRetryTime ?? 30_000,
    multiplier: retry.multiplier ?? 2,
  }
}
