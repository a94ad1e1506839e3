/** Opt-in: reads the same topics from both colours at the same time and hands each record over once, as long as its deduplicator remembers it. */
import { randomUUID } from 'node:crypto'
import type { ConsumerConfig, ConsumerSubscribeTopics, EachMessagePayload, Kafka, KafkaMessage } from 'kafkajs'
import { type Colour, colours } from '../engine/model/colour.ts'
import { KbgError } from '../engine/model/error.ts'
import type { Deduplicator, SightedRecord } from './deduplication/deduplicator.ts'
import { HandOver, type HandOverCounts } from './deduplication/hand-over.ts'
import { DualSide } from './dual-side.ts'
import { endStoppedRunners } from './kafkajs-internals.ts'
import { pairedAssigner } from './paired-assigner.ts'
import type { RegisteredClient, RouteSession } from './route-session.ts'
import type { RoutedEachMessagePayload } from './routed-batches.ts'
import { software } from './software.ts'
import type { Timing } from './timing.ts'

endStoppedRunners()

/** Groups whose names begin so are left out of every move by name: they have members and positions on both colours already. */
export const dualGroupPrefix = 'kbg-dual-'

/**
 * Where a record's id stands, which is the same on both colours and of no other record of its partition: a header, the key (only where no key ever comes
 * twice: **a second record of a key would be dropped**), or what a function says; null for a record without id, whose copies are all handed over.
 *
 * There is no default. Offsets differ between the colours, and two records may be equal in key, value, headers and timestamp.
 */
export type RecordIdSource = { readonly header: string } | 'key' | ((record: IdentifiedRecord) => string | Buffer | null)

/** What an id can be read from. */
export interface IdentifiedRecord {
  readonly topic: string
  readonly partition: number
  readonly message: KafkaMessage
}

/** kafkajs' consumer configuration, applied on both colours, and how copies are known. */
export type DualConsumerConfig = Omit<ConsumerConfig, 'partitionAssigners'> & {
  /** Begins with {@link dualGroupPrefix}. The application needs Read on it, on both colours. */
  readonly groupId: string
  readonly recordId: RecordIdSource
  /** Not shared with another consumer. */
  readonly deduplicator: Deduplicator
}

/** kafkajs' payload without `pause` (the other colour would go on), and the colour that the message was read from. */
export type DualEachMessagePayload = Omit<RoutedEachMessagePayload, 'pause'>

/** What a dual consumer runs. */
export interface DualConsumerRunConfig {
  readonly eachMessage: (payload: DualEachMessagePayload) => Promise<void>
  readonly partitionsConsumedConcurrently?: number
}

/** What a dual consumer is built from. */
export interface DualConsumerParts {
  readonly session: RouteSession
  readonly kafkas: Readonly<Record<Colour, Kafka>>
  readonly clientId: string
  readonly timing: Timing
}

/** As the routed consumer's: the slower side learns of a new member by its heartbeat. */
const heartbeatIntervalMs = 500

/**
 * A consumer of both colours. It is never held and never moved; it takes the brokers' addresses from the route and nothing else. Made by
 * `Kafka.dualConsumer()`. What it guarantees, and what not: docs/clients.md.
 */
export class DualConsumer {
  readonly #parts: DualConsumerParts
  readonly #config: DualConsumerConfig
  readonly #handOver: HandOver
  readonly #memberName: string
  readonly #subscriptions: ConsumerSubscribeTopics[] = []
  #sides: readonly DualSide[] = []
  #client: RegisteredClient | undefined
  #unsubscribe: (() => void) | undefined

  /** @throws KbgError `dual-consumer-group` */
  constructor(parts: DualConsumerParts, config: DualConsumerConfig) {
    if (!config.groupId.startsWith(dualGroupPrefix)) {
      throw new KbgError('dual-consumer-group', 'A group that reads both colours can be named only so that no switchover tries to move it.', {
        facts: { observed: config.groupId, required: `${dualGroupPrefix}...` },
        remedy: 'Name it so, and grant the application Read on that group on both colours.',
      })
    }
    this.#parts = parts
    this.#config = config
    this.#handOver = new HandOver(config.deduplicator)
    this.#memberName = `${parts.clientId}-${config.groupId}-${randomUUID()}`
  }

  /** What became of the copies so far. */
  get counts(): HandOverCounts {
    return this.#handOver.counts
  }

  /**
   * The partitions that this member reads on each colour; null for one that it can't read, once kafkajs has given up its own tries. The same on both unless
   * the group is just changing or a colour is away for some of its members: then two members may hand the same record over.
   */
  get reading(): Readonly<Record<Colour, readonly string[] | null>> {
    const of = (colour: Colour) => this.#sides.find((side) => side.colour === colour)?.partitions ?? null
    return { blue: of('blue'), green: of('green') }
  }

  /**
   * Reads the route, registers, and connects to the colours.
   *
   * @throws KbgError of the route; `no-colour-reachable` when neither colour answers (one that doesn't is tried again for as long as this runs)
   */
  async connect(): Promise<void> {
    if (this.#client !== undefined) return
    const { session, clientId } = this.#parts
    const client = await session.join({
      version: 1,
      ...{ clientId, instanceId: this.#memberName, kind: 'consumer', groupId: this.#config.groupId },
      ...{ transactionalId: null, ackedEpoch: 0, state: 'running', colour: null, software },
    })
    this.#client = client
    const acknowledge = () => client.acknowledge({ ackedEpoch: session.route.epoch, state: 'running', colour: null }) // every epoch is right for it
    this.#unsubscribe = session.onRoute(acknowledge)
    acknowledge()
    this.#sides = colours.map((colour) => this.#side(colour))
    try {
      await Promise.any(this.#sides.map((side) => side.connect()))
    } catch (error) {
      await this.disconnect()
      const cause = error instanceof AggregateError ? error.errors[0] : error
      throw new KbgError('no-colour-reachable', 'Neither colour can be read.', { retriable: true, facts: { groupId: this.#config.groupId }, cause })
    }
  }

  /**
   * As kafkajs' subscribe, before {@link run}. `fromBeginning` counts for each colour on which the group has no position yet: `true` reads everything that
   * one still holds, and hands over again what is older than the deduplicator's memory; `false` begins at its end.
   */
  subscribe(subscription: ConsumerSubscribeTopics): void {
    this.#subscriptions.push(subscription)
  }

  /** Reads both colours from now on. @throws KbgError `dual-consumer-disconnected` before {@link connect} */
  run({ eachMessage, partitionsConsumedConcurrently }: DualConsumerRunConfig): void {
    if (this.#client === undefined) throw new KbgError('dual-consumer-disconnected', 'This consumer is not connected.')
    const subscriptions = [...this.#subscriptions]
    const copy = (colour: Colour, payload: EachMessagePayload) => this.#copy(colour, payload, eachMessage)
    for (const side of this.#sides) side.start({ subscriptions, partitionsConsumedConcurrently, eachMessage: copy })
  }

  /** Ends after the messages in hand, and commits on both colours what was handled. */
  async disconnect(): Promise<void> {
    this.#unsubscribe?.()
    const client = this.#client
    this.#client = undefined
    await Promise.all(this.#sides.map((side) => side.close()))
    await client?.leave()
  }

  #side(colour: Colour): DualSide {
    const { recordId: _recordId, deduplicator: _deduplicator, ...config } = this.#config
    const consumer = this.#parts.kafkas[colour].consumer({
      ...config,
      partitionAssigners: [pairedAssigner(this.#memberName)],
      allowAutoTopicCreation: config.allowAutoTopicCreation ?? false, // the catalog makes topics, on both colours
      heartbeatInterval: config.heartbeatInterval ?? heartbeatIntervalMs,
      retry: { ...config.retry, restartOnFailure: async () => false }, // DualSide does: kafkajs may restart a consumer that was disconnected meanwhile
    })
    return new DualSide(colour, consumer, this.#parts.timing)
  }

  /** kafkajs commits a message when this has resolved: so never before its record was handled, here or there. */
  #copy(colour: Colour, payload: EachMessagePayload, eachMessage: DualConsumerRunConfig['eachMessage']): Promise<void> {
    const { topic, partition, message, heartbeat } = payload
    const handle = () => eachMessage({ topic, partition, message, heartbeat, colour })
    return this.#handOver.copy(colour, sighted(this.#config.recordId, payload), handle, (other) => this.#beatUntil(other, heartbeat))
  }

  /** The other side's handler may take longer than this side's session lasts. */
  async #beatUntil(other: Promise<void>, heartbeat: () => Promise<void>): Promise<void> {
    let over = false
    const ended = new AbortController()
    const end = other.then(() => {
      over = true
      ended.abort()
    })
    while (!over) {
      await Promise.race([end, this.#parts.timing.sleep(heartbeatIntervalMs, ended.signal).catch(() => undefined)]) // woken by the end
      await heartbeat()
    }
  }
}

/** The record as a deduplicator knows it; null when it has no id. */
export function sighted(source: RecordIdSource, record: IdentifiedRecord): SightedRecord | null {
  const { topic, partition, message } = record
  const id = idOf(source, record)
  if (id === null || id.length === 0) return null
  return { id, partition: `${topic}-${partition}`, timestampMs: Number(message.timestamp) }
}

function idOf(source: RecordIdSource, record: IdentifiedRecord): string | Buffer | null {
  if (typeof source === 'function') return source(record)
  if (source === 'key') return record.message.key
  const value = record.message.headers?.[source.header]
  return Array.isArray(value) ? null : (value ?? null) // a header that stands twice names nothing
}
