/** kafkajs' Producer that writes to the colour that is open, and to no other. */
import { randomUUID } from 'node:crypto'
import type { Kafka, Message, PartitionMetadata, Producer, ProducerBatch, ProducerConfig, ProducerRecord, RecordMetadata, RetryOptions } from 'kafkajs'
import kafkajs from 'kafkajs'
import { type Colour, colours } from '../engine/model/colour.ts'
import { KbgError } from '../engine/model/error.ts'
import { type RouteDocument, writableColour } from '../engine/model/route.ts'
import { Dispatcher } from './dispatcher.ts'
import { type InternalCluster, producerWithCluster } from './kafkajs-internals.ts'
import { KafkajsLane } from './lane.ts'
import type { Parcel, ParcelOutcome, SendOptions } from './outbox.ts'
import type { RegisteredClient, RouteSession } from './route-session.ts'
import { software } from './software.ts'
import { type Timing, within } from './timing.ts'
import { type OpenEpoch, type RoutedTransaction, type TransactionalLane, Transactions } from './transactions.ts'

/** kafkajs' metadata of a written record, and the colour that it was written to. */
export type RoutedRecordMetadata = RecordMetadata & { readonly colour: Colour }

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
/** Connections that brokers have closed for idleness are opened again at least this often. */
const warmEveryMs = 30_000
/** A disconnect gives what is on its way this long. */
const endDeadlineMs = 30_000
/** A refused transaction waits this long for the epoch that explains it. */
const replayPatienceMs = 60_000

/**
 * Brokers answer CONCURRENT_TRANSACTIONS for some milliseconds after each commit; kafkajs' first pause of 300 ms would be most of a transaction's time,
 * and of a hold's.
 */
const transactionRetry: RetryOptions = { initialRetryTime: 20, maxRetryTime: 2_000, retries: 12 }

/** What a routed producer is built from. */
export interface ProducerParts {
  readonly session: RouteSession
  readonly kafkas: Readonly<Record<Colour, Kafka>>
  readonly clientId: string
  readonly retry: RetryOptions | undefined
  readonly timing: Timing
}

interface Side {
  lane: KafkajsLane
  producer: Producer
  cluster: InternalCluster
}

/** Implementation of {@link RoutedProducer}. Made by `Kafka.producer()`. */
export class RoutedKafkaProducer implements RoutedProducer {
  readonly events: Producer['events']
  readonly #parts: ProducerParts
  readonly #config: ProducerConfig
  readonly #sides: Readonly<Record<Colour, Side>>
  readonly #dispatcher: Dispatcher
  readonly #transactions: Transactions
  readonly #partitioner: ReturnType<NonNullable<ProducerConfig['createPartitioner']>>
  readonly #topics = new Set<string>()
  readonly #listeners: { event: string; listener: (event: never) => void; off: (() => void)[] }[] = []
  readonly #waiters = new Set<() => void>()
  #client: RegisteredClient | undefined
  #unsubscribe: (() => void) | undefined
  #closed: AbortController | undefined
  #epoch = 0

  constructor(parts: ProducerParts, config: ProducerConfig) {
    this.#parts = parts
    this.#config = config
    this.#partitioner = (config.createPartitioner ?? kafkajs.Partitioners.DefaultPartitioner)()
    this.#sides = { blue: this.#side('blue'), green: this.#side('green') }
    this.events = this.#sides.blue.producer.events
    this.#dispatcher = new Dispatcher(
      { blue: this.#sides.blue.lane, green: this.#sides.green.lane },
      { idempotent: this.isIdempotent(), retry: retryOptions({ ...parts.retry, ...config.retry }, this.isIdempotent()), timing: parts.timing },
    )
    const lane = (colour: Colour): TransactionalLane => ({
      colour,
      producer: async () => {
        await this.#warmTransactions(colour)
        return this.#sides[colour].producer
      },
      replaceProducer: () => this.#replace(colour),
    })
    const gate = { opened: (after: number) => this.#opened(after), whenOpen: (after: number) => this.#whenOpen(after) }
    this.#transactions = new Transactions({ blue: lane('blue'), green: lane('green') }, gate, () => this.#settleEpoch())
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
    return this.#sides.blue.producer.logger()
  }

  on: Producer['on'] = (event: string, listener: (event: never) => void) => {
    const entry = { event, listener, off: colours.map((colour) => this.#listen(this.#sides[colour].producer, event, listener)) }
    this.#listeners.push(entry)
    return () => {
      for (const off of entry.off) off()
      this.#listeners.splice(this.#listeners.indexOf(entry), 1)
    }
  }

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
      const { producer, lane } = this.#sides[session.route.live]
      await producer.connect()
      if (this.isIdempotent()) await lane.identity() // as kafkajs does: a right that lacks is told here
      if (transactionalId !== null) await this.#warmTransactions(session.route.live)
    } catch (error) {
      await this.disconnect()
      throw error
    }
    this.#follow(session.route)
    void this.#keepWarm(closed.signal)
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
    await Promise.all(colours.map((colour) => this.#sides[colour].producer.disconnect()))
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
        return parcel(topic, partition, part, options, resolve)
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

  #side(colour: Colour): Side {
    const { idempotent: _idempotent, ...config } = this.#config
    const { producer, cluster } = producerWithCluster(this.#parts.kafkas[colour], {
      ...config,
      allowAutoTopicCreation: config.allowAutoTopicCreation ?? false, // the catalog makes topics, on both colours
      createPartitioner: config.createPartitioner ?? kafkajs.Partitioners.DefaultPartitioner,
      ...(config.transactionalId === undefined
        ? {}
        : { maxInFlightRequests: 1, idempotent: true, retry: { ...transactionRetry, ...this.#parts.retry, ...config.retry } }),
    })
    return { producer, cluster, lane: new KafkajsLane(colour, producer, cluster, this.#parts.timing) }
  }

  #listen(producer: Producer, event: string, listener: (event: never) => void): () => void {
    return (producer.on as (event: string, listener: (event: never) => void) => () => void)(event, listener)
  }

  /** The lane whose metadata decides about partitions: both colours have the same ones. */
  #lane(): KafkajsLane {
    return this.#sides[this.#dispatcher.colour ?? this.#parts.session.route.live].lane
  }

  #learning: Promise<void> | undefined

  /** One after the other, so that a send that has nothing to learn doesn't overtake one that has. */
  #learnInTurn(topics: readonly string[]): Promise<void> {
    const turn = (this.#learning ?? Promise.resolve()).catch(() => undefined).then(() => this.#learn(topics)) // the one before tells its own caller
    const clear = () => {
      if (this.#learning === turn) this.#learning = undefined
    }
    turn.then(clear, clear)
    this.#learning = turn
    return turn
  }

  /** First use of topics: their partitions now, the other colour's in the background. */
  async #learn(topics: readonly string[]): Promise<void> {
    const lane = this.#lane()
    for (const topic of topics) {
      await lane.partitionsOf(topic)
      this.#topics.add(topic)
    }
    for (const colour of colours) void this.#warm(colour)
  }

  /** Best effort: what stays cold is met, and told, by the send that needs it. */
  async #warm(colour: Colour, metadata: 'cached' | 'fresh' = 'cached'): Promise<void> {
    const { lane } = this.#sides[colour]
    if (metadata === 'fresh') await lane.refresh().catch(() => undefined) // told by what follows
    await lane
      .warm([...this.#topics], this.isIdempotent())
      .catch((error: unknown) => this.logger().debug('A colour could not be warmed', { colour, error: String(error) }))
  }

  async #keepWarm(closed: AbortSignal): Promise<void> {
    while (!closed.aborted) {
      await Promise.all(colours.map((colour) => this.#warm(colour)))
      if (this.#config.transactionalId !== undefined) {
        await Promise.all(colours.map((colour) => this.#warmTransactions(colour).catch(() => undefined))) // the next transaction meets, and tells, the obstacle
      }
      await this.#parts.timing.sleep(warmEveryMs, closed).catch(() => undefined) // woken by disconnect: the loop's condition ends it
    }
  }

  readonly #transactionsWarm = new Map<Colour, Promise<void>>()

  /** Connects, and gets the transactional id's producer id by an empty transaction: kafkajs sends nothing else for it. Once per colour. */
  #warmTransactions(colour: Colour): Promise<void> {
    const known = this.#transactionsWarm.get(colour)
    if (known !== undefined) return known
    const { producer } = this.#sides[colour]
    const warming = producer
      .connect()
      .then(() => producer.transaction())
      .then((transaction) => transaction.abort())
    this.#transactionsWarm.set(colour, warming)
    warming.catch(() => this.#transactionsWarm.delete(colour)) // whoever waits for it is told; the next one tries again
    return warming
  }

  /** A producer of the same transactional id: its first request aborts what the old one left open. */
  async #replace(colour: Colour): Promise<void> {
    const side = this.#sides[colour]
    await side.producer.disconnect()
    const fresh = this.#side(colour)
    side.producer = fresh.producer
    this.#transactionsWarm.delete(colour)
    for (const entry of this.#listeners) entry.off.push(this.#listen(fresh.producer, entry.event, entry.listener))
    await this.#warmTransactions(colour)
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
      if (route.target !== null) void this.#warm(route.target, 'fresh')
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

  async #whenOpen(after: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const check = () => {
      if (this.#client === undefined || this.#opened(after) !== undefined) resolve()
    }
    this.#waiters.add(check)
    try {
      check()
      const late = () => new KbgError('deadline', 'No other epoch opened.', { facts: { waitedMs: replayPatienceMs, after } })
      await (after === 0 ? promise : within(this.#parts.timing, replayPatienceMs, promise, late))
    } finally {
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

function parcel(topic: string, partition: number, messages: readonly Message[], options: SendOptions, settle: (outcome: ParcelOutcome) => void): Parcel {
  const bytes = messages.reduce((sum, message) => sum + 70 + size(message.key) + size(message.value), 0)
  return { topic, partition, messages, bytes, options, settle, history: { tries: 0, firstTryAtMs: undefined, deniedAtMs: undefined, alone: false } }
}

function size(value: Buffer | string | null | undefined): number {
  return value === null || value === undefined ? 0 : Buffer.byteLength(value)
}

/** One metadata per partition, as kafkajs answers. @throws what sendBatch says */
function collect(parcels: readonly Parcel[], outcomes: readonly ParcelOutcome[]): RoutedRecordMetadata[] {
  const failed = outcomes.filter((outcome) => outcome.kind === 'failed')
  const first = failed[0]
  if (first === undefined) return parcels.flatMap((each, index) => metadata(each, outcomes[index]))
  if (failed.length === outcomes.length) throw first.error
  const names = (kind: ParcelOutcome['kind']) => parcels.filter((_, index) => outcomes[index]?.kind === kind).map((each) => `${each.topic}-${each.partition}`)
  throw new KbgError('partly-written', 'Some partitions of this send were written, others not.', {
    facts: { written: names('written'), failed: names('failed') },
    remedy: 'Send the failed ones again, unless their own error says that their outcome is unknown.',
    cause: first.error,
  })
}

function metadata(each: Parcel, outcome: ParcelOutcome | undefined): RoutedRecordMetadata[] {
  if (outcome?.kind !== 'written' || each.options.acks === 0) return []
  const { logAppendTime, logStartOffset } = outcome.answer ?? {}
  return [
    {
      topicName: each.topic,
      partition: each.partition,
      errorCode: 0,
      ...(outcome.baseOffset === undefined ? {} : { baseOffset: outcome.baseOffset }),
      ...(logAppendTime === undefined ? {} : { logAppendTime }),
      ...(logStartOffset === undefined ? {} : { logStartOffset }),
      colour: outcome.colour,
    },
  ]
}
