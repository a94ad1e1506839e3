/** kafkajs' Consumer that reads where its group reads: it leaves, waits and joins as the route says, and never reads both colours at once. */
import { randomUUID } from 'node:crypto'
import type {
  Consumer,
  ConsumerConfig,
  ConsumerRunConfig,
  ConsumerSubscribeTopic,
  ConsumerSubscribeTopics,
  Kafka,
  TopicPartitionOffset,
  TopicPartitionOffsetAndMetadata,
  TopicPartitions,
} from 'kafkajs'
import { type Colour, colours, otherColour } from '../engine/model/colour.ts'
import { KbgError, messageOf } from '../engine/model/error.ts'
import { groupRoute } from '../engine/model/route.ts'
import { BatchGate } from './batch-gate.ts'
import { CrashRestarts, type RestartOnFailure } from './crash-restarts.ts'
import { endStoppedRunners } from './kafkajs-internals.ts'
import type { RegisteredClient, RouteSession } from './route-session.ts'
import { type RoutedConsumerRunConfig, routedRunConfig } from './routed-batches.ts'
import { software } from './software.ts'
import type { Timing } from './timing.ts'
import { type WarmConsumer, warmConsumer } from './warm-consumer.ts'

/** kafkajs' Consumer with what a route adds. */
export type RoutedConsumer = Omit<Consumer, 'run'> & {
  run(config?: RoutedConsumerRunConfig): Promise<void>
  /** The colour that is read; null while held, stopped or not connected. */
  readonly colour: Colour | null
  /** The epoch acted on; 0 before connecting. */
  readonly epoch: number
}

endStoppedRunners()

/** Between two tries to reach the colour that the route names. */
const retryPauseMs = 500

/** Connecting beside the reading takes some ten milliseconds; kafkajs tries a colour that is away for many seconds, which disconnecting doesn't wait for. */
const besideWaitMs = 1_000

/** A fetch that waits for records delays leaving by as long; kafkajs' 5 s would be felt at each move. */
const defaultMaxWaitTimeMs = 250
/** Members that have just moved learn of each other by their heartbeats. */
const defaultHeartbeatIntervalMs = 500

/** What a routed consumer is built from. */
export interface ConsumerParts {
  readonly session: RouteSession
  readonly kafkas: Readonly<Record<Colour, Kafka>>
  readonly clientId: string
  /** What the application's own kafkajs configuration says of crashes; of all its consumers. */
  readonly restartOnFailure?: RestartOnFailure | undefined
  readonly timing: Timing
}

/** Implementation of {@link RoutedConsumer}. Made by `Kafka.consumer()`. */
export class RoutedKafkaConsumer implements RoutedConsumer {
  readonly events: Consumer['events']
  readonly #parts: ConsumerParts
  readonly #groupId: string
  readonly #consumers: Readonly<Record<Colour, Consumer>>
  readonly #warmUp: Readonly<Record<Colour, WarmConsumer['warmUp']>>
  readonly #subscriptions: (ConsumerSubscribeTopics | ConsumerSubscribeTopic)[] = []
  /** How many of the subscriptions each colour's consumer has. */
  readonly #subscribed: Record<Colour, number> = { blue: 0, green: 0 }
  readonly #connected: Partial<Record<Colour, Promise<void>>> = {}
  /** Settles when nothing is being connected there beside the reading. */
  readonly #beside: Record<Colour, Promise<void>> = { blue: Promise.resolve(), green: Promise.resolve() }
  readonly #gate = new BatchGate()
  readonly #restarts: CrashRestarts
  /** Colours whose consumer kafkajs has taken down since it joined there. */
  readonly #crashed = new Set<Colour>()
  /** The newest joining, until it has been left: a batch of any other one is not handed over. */
  #joining: object | undefined
  #runConfig: RoutedConsumerRunConfig | undefined
  #active: Colour | null = null
  #paused: TopicPartitions[] = []
  #client: RegisteredClient | undefined
  #unsubscribe: (() => void) | undefined
  #closed = new AbortController()
  #epoch = 0
  #moving: Promise<void> | undefined
  #moveAgain = false

  constructor(parts: ConsumerParts, config: ConsumerConfig) {
    this.#parts = parts
    this.#groupId = config.groupId
    this.#restarts = new CrashRestarts(config.retry?.restartOnFailure ?? parts.restartOnFailure, config.retry?.initialRetryTime)
    const make = (colour: Colour) =>
      warmConsumer(parts.kafkas[colour], {
        ...config,
        retry: { ...(config.retry ?? { retries: 5 }), restartOnFailure: this.#restarts.instead((pauseMs) => this.#restartAfter(colour, pauseMs)) },
        allowAutoTopicCreation: config.allowAutoTopicCreation ?? false, // the catalog makes topics, on both colours
        maxWaitTimeInMs: config.maxWaitTimeInMs ?? defaultMaxWaitTimeMs,
        heartbeatInterval: config.heartbeatInterval ?? defaultHeartbeatIntervalMs,
      })
    const made = { blue: make('blue'), green: make('green') }
    this.#consumers = { blue: made.blue.consumer, green: made.green.consumer }
    this.#warmUp = { blue: made.blue.warmUp, green: made.green.warmUp }
    this.events = this.#consumers.blue.events
  }

  get colour(): Colour | null {
    return this.#active
  }

  get epoch(): number {
    return this.#epoch
  }

  logger() {
    return this.#consumers.blue.logger()
  }

  on: Consumer['on'] = (event: string, listener: (event: never) => void) => {
    const truthful = this.#restarts.telling(listener)
    const offs = colours.map((colour) => (this.#consumers[colour].on as (event: string, listener: (event: never) => void) => () => void)(event, truthful))
    return () => {
      for (const off of offs) off()
    }
  }

  /**
   * Reads the route, registers, and connects to the colour that the group reads from.
   *
   * @throws KbgError of the route; kafkajs' error when that colour can't be reached
   */
  async connect(): Promise<void> {
    if (this.#client !== undefined) return
    const { session, clientId } = this.#parts
    this.#closed = new AbortController()
    this.#client = await session.join({
      version: 1,
      ...{ clientId, instanceId: `${clientId}-${this.#groupId}-${randomUUID()}`, kind: 'consumer', groupId: this.#groupId },
      ...{ transactionalId: null, ackedEpoch: 0, state: 'held', colour: null, software },
    })
    this.#unsubscribe = session.onRoute(() => {
      this.#move().catch((error: unknown) => this.logger().error(`Could not follow the route: ${messageOf(error)}`))
    })
    const colour = groupRoute(session.route, this.#groupId).colour
    try {
      await this.#prepare(colour)
    } catch (error) {
      await this.disconnect()
      throw error
    }
    this.#prepareBeside(otherColour(colour))
    await this.#move()
  }

  async subscribe(subscription: ConsumerSubscribeTopics | ConsumerSubscribeTopic): Promise<void> {
    this.#subscriptions.push(subscription)
    const colour = groupRoute(this.#parts.session.route, this.#groupId).colour
    await this.#prepare(colour)
    this.#prepareBeside(otherColour(colour))
  }

  /** Starts where the route says; while the group is held, as soon as it is released. */
  async run(config: RoutedConsumerRunConfig = {}): Promise<void> {
    this.#runConfig = config
    await this.#move()
  }

  async stop(): Promise<void> {
    this.#runConfig = undefined
    await this.#move()
  }

  async disconnect(): Promise<void> {
    this.#unsubscribe?.()
    this.#closed.abort()
    this.#runConfig = undefined
    await this.#move()
    const client = this.#client
    this.#client = undefined
    await Promise.all(colours.map((colour) => this.#disconnectFrom(colour)))
    await client?.leave()
  }

  async commitOffsets(offsets: TopicPartitionOffsetAndMetadata[]): Promise<void> {
    await this.#running().commitOffsets(offsets)
  }

  seek(position: TopicPartitionOffset): void {
    this.#running().seek(position)
  }

  pause(topics: { topic: string; partitions?: number[] }[]): void {
    this.#running().pause(topics)
  }

  paused(): TopicPartitions[] {
    return this.#active === null ? this.#paused : this.#consumers[this.#active].paused()
  }

  resume(topics: { topic: string; partitions?: number[] }[]): void {
    this.#running().resume(topics)
  }

  describeGroup() {
    return this.#consumers[this.#active ?? groupRoute(this.#parts.session.route, this.#groupId).colour].describeGroup()
  }

  #running(): Consumer {
    if (this.#active !== null) return this.#consumers[this.#active]
    throw new KbgError('consumer-held', 'This consumer reads no colour now: it is held, or was not started.', {
      retriable: true,
      facts: { groupId: this.#groupId, epoch: this.#epoch },
      remedy: 'Positions are kept by the group; processing goes on by itself when the group is released.',
    })
  }

  /** Connects a colour's consumer and gives it the subscriptions it lacks. */
  async #prepare(colour: Colour): Promise<void> {
    const consumer = this.#consumers[colour]
    this.#connected[colour] ??= consumer.connect()
    await this.#connected[colour].catch((error: unknown) => {
      delete this.#connected[colour]
      throw error
    })
    while (this.#subscribed[colour] < this.#subscriptions.length) {
      const subscription = this.#subscriptions[this.#subscribed[colour]]
      this.#subscribed[colour] += 1
      try {
        if (subscription !== undefined) await consumer.subscribe(subscription)
      } catch (error) {
        this.#subscribed[colour] -= 1
        throw error
      }
    }
  }

  /** Best effort: joining meets, and tells, what stays unready. */
  #prepareBeside(colour: Colour, connections: 'bootstrap' | 'all' = 'bootstrap'): void {
    const closed = this.#closed.signal
    const warmUp = async () => {
      if (connections === 'all' && !closed.aborted) await this.#warmUp[colour](this.#namedTopics())
    }
    const prepared = this.#prepare(colour).then(warmUp)
    const settled = prepared.catch((error: unknown) => this.logger().debug('The other colour is not ready', { colour, error: messageOf(error) }))
    this.#beside[colour] = Promise.all([this.#beside[colour], settled]).then(() => undefined)
  }

  /** Not before what is being connected there: a connection that kafkajs opens while, or after, it disconnects is closed by nobody and keeps the process alive. */
  async #disconnectFrom(colour: Colour): Promise<void> {
    const consumer = this.#consumers[colour]
    const waiting = new AbortController()
    const late = this.#parts.timing.sleep(besideWaitMs, waiting.signal).then(() => true, () => true) // biome-ignore format: one line
    const isLate = await Promise.race([this.#beside[colour].then(() => false), late])
    waiting.abort()
    if (!isLate) return await consumer.disconnect()
    void this.#beside[colour]
      .then(() => consumer.disconnect())
      .catch((error: unknown) => this.logger().debug('Disconnecting', { colour, error: messageOf(error) }))
  }

  /** The topics that are subscribed to by name; which ones a pattern means is kafkajs' to find out. */
  #namedTopics(): readonly string[] {
    const topics = this.#subscriptions.flatMap((subscription) => ('topics' in subscription ? subscription.topics : [subscription.topic]))
    return topics.filter((topic) => typeof topic === 'string')
  }

  /** Brings this member to where the newest route wants it. One move at a time; what came meanwhile is looked at afterwards. */
  #move(): Promise<void> {
    if (this.#moving !== undefined) {
      this.#moveAgain = true
      return this.#moving
    }
    this.#moving = this.#moveUntilSettled().finally(() => {
      this.#moving = undefined
    })
    return this.#moving
  }

  async #moveUntilSettled(): Promise<void> {
    do {
      this.#moveAgain = false
      await this.#moveOnce()
    } while (this.#moveAgain)
  }

  async #moveOnce(): Promise<void> {
    const client = this.#client
    if (client === undefined) return
    const route = this.#parts.session.route
    const group = groupRoute(route, this.#groupId)
    const wanted = this.#runConfig !== undefined && group.state === 'running' ? group.colour : null
    const active = this.#active
    if (active !== null && (active !== wanted || this.#crashed.has(active))) await this.#leave(active)
    if (wanted !== null && this.#active === null) await this.#join(wanted)
    this.#epoch = route.epoch
    client.acknowledge({ ackedEpoch: route.epoch, state: this.#active === null ? 'held' : 'running', colour: this.#active })
    // While its position is being translated; not before, or each member would keep two sets of connections, and brokers close idle ones.
    if (this.#runConfig !== undefined && group.state === 'held') this.#prepareBeside(otherColour(group.colour), 'all')
  }

  /** Finishes and commits what is in hand, starts nothing more, and leaves the group: from then on nothing of this colour is processed. */
  async #leave(colour: Colour): Promise<void> {
    const consumer = this.#consumers[colour]
    this.#paused = consumer.paused()
    await this.#gate.close() // kafkajs drops commits of a consumer that is being stopped: so not before the last one is made
    await consumer.stop()
    this.#joining = undefined
    this.#active = null
    this.#gate.open()
    this.logger().info('Left', { groupId: this.#groupId, colour })
  }

  /** Joins the group on this colour. Repeats until it can, the route changes, or the consumer is stopped. */
  async #join(colour: Colour): Promise<void> {
    const config = this.#runConfig
    const consumer = this.#consumers[colour]
    while (config !== undefined && config === this.#runConfig && !this.#closed.signal.aborted) {
      try {
        await this.#prepare(colour)
        this.#crashed.delete(colour)
        const joining = {}
        this.#joining = joining
        await consumer.run(this.#routedConfig(colour, config, joining))
        this.#active = colour
        if (this.#paused.length > 0) consumer.pause(this.#paused)
        this.logger().info('Joined', { groupId: this.#groupId, colour })
        return
      } catch (error) {
        this.logger().error(`Could not join ${this.#groupId} on ${colour}: ${messageOf(error)}`)
        if (this.#moveAgain) return
        await this.#parts.timing.sleep(retryPauseMs, this.#closed.signal).catch(() => undefined) // woken by disconnect: the condition ends it
      }
    }
  }

  /** Joins again where kafkajs has taken the consumer down, unless the route leads elsewhere by then. */
  #restartAfter(colour: Colour, pauseMs: number): void {
    this.#crashed.add(colour)
    const closed = this.#closed.signal
    this.#parts.timing
      .sleep(pauseMs, closed)
      .then(() => this.#move())
      .catch((error: unknown) => {
        if (!closed.aborted) this.logger().error(`Could not restart ${this.#groupId} on ${colour}: ${messageOf(error)}`)
      })
  }

  /** The last guard: what kafkajs still reads for a joining that was left isn't processed, and ends. */
  #turnAway(colour: Colour): void {
    this.logger().error('Read on after leaving: stopped', { groupId: this.#groupId, colour })
    this.#consumers[colour].stop().catch((error: unknown) => this.logger().error('Stopping', { colour, error: messageOf(error) }))
    this.#restartAfter(colour, retryPauseMs)
  }

  #routedConfig(colour: Colour, config: RoutedConsumerRunConfig, joining: object): ConsumerRunConfig {
    return routedRunConfig(config, {
      colour,
      gate: this.#gate,
      isCurrent: () => this.#joining === joining,
      turnAway: () => this.#turnAway(colour),
      isPaused: (topic, partition) => this.#consumers[colour].paused().some((each) => each.topic === topic && each.partitions.includes(partition)),
    })
  }
}
