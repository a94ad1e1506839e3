/** Both colours of a routed producer: a kafkajs producer for each, connected and warm whichever is live. */
import type { Kafka, PartitionerArgs, Producer, ProducerConfig, RetryOptions } from 'kafkajs'
import { type Colour, colours } from '../engine/model/colour.ts'
import { messageOf } from '../engine/model/error.ts'
import { producerWithCluster } from './kafkajs-internals.ts'
import { KafkajsLane } from './lane.ts'
import type { Timing } from './timing.ts'
import { steadyCoordinator } from './transaction-coordinator.ts'
import type { TransactionalLane } from './transactions.ts'

/** Connections that brokers have closed for idleness are opened again at least this often. */
const warmEveryMs = 30_000

/**
 * Brokers answer CONCURRENT_TRANSACTIONS for some milliseconds after each commit; kafkajs' first pause of 300 ms would be most of a transaction's time,
 * and of a hold's.
 */
const transactionRetry: RetryOptions = { initialRetryTime: 20, maxRetryTime: 2_000, retries: 12 }

/** What the sides are built from. */
export interface SidesParts {
  readonly kafkas: Readonly<Record<Colour, Kafka>>
  readonly retry: RetryOptions | undefined
  readonly timing: Timing
}

interface Side {
  readonly lane: KafkajsLane
  /** The lane's own, until a transaction that kafkajs can't leave, or whose send failed: then one of the same id. */
  producer: Producer
}

interface Listening {
  readonly event: string
  readonly listener: (event: never) => void
  readonly off: (() => void)[]
}

/** The two sides, and what keeps them warm. */
export class ProducerSides {
  readonly #parts: SidesParts
  readonly #config: ProducerConfig
  readonly #idempotent: boolean
  readonly #sides: Readonly<Record<Colour, Side>>
  readonly #topics = new Set<string>()
  readonly #listening: Listening[] = []
  readonly #transactionsWarm = new Map<Colour, Promise<void>>()

  constructor(parts: SidesParts, config: ProducerConfig, idempotent: boolean) {
    this.#parts = parts
    this.#config = config
    this.#idempotent = idempotent
    this.#sides = { blue: this.#side('blue'), green: this.#side('green') }
  }

  lane(colour: Colour): KafkajsLane {
    return this.#sides[colour].lane
  }

  /** For events and the logger, which are alike on both. */
  get any(): Producer {
    return this.#sides.blue.producer
  }

  transactional(colour: Colour): TransactionalLane {
    return {
      colour,
      producer: async () => {
        await this.#warmTransactions(colour)
        return this.#sides[colour].producer
      },
      replaceProducer: () => this.#replace(colour),
    }
  }

  /** Listens on both colours, and on producers that replace them. */
  on(event: string, listener: (event: never) => void): () => void {
    const entry: Listening = { event, listener, off: colours.map((colour) => listen(this.#sides[colour].producer, event, listener)) }
    this.#listening.push(entry)
    return () => {
      for (const off of entry.off) off()
      this.#listening.splice(this.#listening.indexOf(entry), 1)
    }
  }

  /** Connects to a colour that must be there. @throws kafkajs' error: no connection, a wrong password, a right that lacks */
  async connect(colour: Colour): Promise<void> {
    const { producer, lane } = this.#sides[colour]
    await producer.connect()
    if (this.#idempotent) await lane.identity()
    if (this.#config.transactionalId !== undefined) await this.#warmTransactions(colour)
  }

  async disconnect(): Promise<void> {
    this.#transactionsWarm.clear()
    const producers = new Set(colours.flatMap((colour) => [this.#sides[colour].lane.producer, this.#sides[colour].producer]))
    await Promise.all([...producers].map((producer) => producer.disconnect()))
  }

  /** First use of topics: their partitions on `colour` now, the other colour's in the background. @throws kafkajs' error */
  async learn(topics: readonly string[], colour: Colour): Promise<void> {
    for (const topic of topics) {
      await this.lane(colour).partitionsOf(topic)
      this.#topics.add(topic)
    }
    for (const each of colours) void this.warm(each)
  }

  /** Best effort: what stays cold is met, and told, by the send that needs it. */
  async warm(colour: Colour, metadata: 'cached' | 'fresh' = 'cached'): Promise<void> {
    try {
      if (metadata === 'fresh') await this.lane(colour).refresh()
      await this.lane(colour).warm([...this.#topics], this.#idempotent)
      if (this.#config.transactionalId !== undefined) await this.#warmTransactions(colour)
    } catch (error) {
      this.any.logger().debug('A colour could not be warmed', { colour, error: messageOf(error) })
    }
  }

  /** Keeps both warm until closed. */
  async keepWarm(closed: AbortSignal): Promise<void> {
    while (!closed.aborted) {
      await Promise.all(colours.map((colour) => this.warm(colour)))
      await this.#parts.timing.sleep(warmEveryMs, closed).catch(() => undefined) // woken by disconnect: the loop's condition ends it
    }
  }

  #side(colour: Colour): Side {
    const { idempotent: _idempotent, ...config } = this.#config
    const { producer, cluster } = producerWithCluster(this.#parts.kafkas[colour], {
      ...config,
      allowAutoTopicCreation: config.allowAutoTopicCreation ?? false, // the catalog makes topics, on both colours
      // The routed producer decides about partitions, with the application's partitioner, before kafkajs sees a message.
      createPartitioner: asGiven,
      ...(config.transactionalId === undefined
        ? {}
        : { maxInFlightRequests: 1, idempotent: true, retry: { ...transactionRetry, ...this.#parts.retry, ...config.retry } }),
    })
    if (config.transactionalId !== undefined) steadyCoordinator(cluster)
    return { producer, lane: new KafkajsLane(colour, producer, cluster, this.#parts.timing) }
  }

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
    // whoever waits for it is told; the next one tries again, unless the producer was replaced meanwhile
    warming.catch(() => this.#transactionsWarm.get(colour) === warming && this.#transactionsWarm.delete(colour))
    return warming
  }

  /** A producer of the same transactional id: its first request aborts what the old one left open. */
  async #replace(colour: Colour): Promise<void> {
    const side = this.#sides[colour]
    const [old, fresh] = [side.producer, this.#side(colour)]
    side.producer = fresh.producer // at once: whatever fails below, nobody gets the old one again
    this.#transactionsWarm.delete(colour)
    for (const entry of this.#listening) entry.off.push(listen(fresh.producer, entry.event, entry.listener))
    if (old !== side.lane.producer) await old.disconnect() // the lane's is used no more but for its connections
    await this.#warmTransactions(colour)
  }
}

/** A partitioner that keeps the partition that a message has. */
function asGiven() {
  return ({ message }: PartitionerArgs) => message.partition ?? 0
}

/** kafkajs types `on` by event name; here it is handed on for any. */
function listen(producer: Producer, event: string, listener: (event: never) => void): () => void {
  return (producer.on as (event: string, listener: (event: never) => void) => () => void)(event, listener)
}
