/** One colour of a dual consumer: reads while its brokers answer, and tries again, for ever, while they don't. */
import type { Consumer, ConsumerSubscribeTopics, EachMessagePayload } from 'kafkajs'
import type { Colour } from '../engine/model/colour.ts'
import { messageOf } from '../engine/model/error.ts'
import type { Timing } from './timing.ts'

/** Between two tries to read a colour. */
const retryPauseMs = 500

/** What a side runs. */
export interface SideRun {
  readonly subscriptions: readonly ConsumerSubscribeTopics[]
  readonly partitionsConsumedConcurrently: number | undefined
  readonly eachMessage: (colour: Colour, payload: EachMessagePayload) => Promise<void>
}

/** kafkajs' consumer of one colour (made not to restart by itself) and its life. */
export class DualSide {
  readonly colour: Colour
  readonly #consumer: Consumer
  readonly #timing: Timing
  readonly #closed = new AbortController()
  #connecting: Promise<void> | undefined
  #reading: Promise<void> | undefined
  #partitions: readonly string[] | null = null

  constructor(colour: Colour, consumer: Consumer, timing: Timing) {
    this.colour = colour
    this.#consumer = consumer
    this.#timing = timing
    consumer.on('consumer.group_join', ({ payload }) => {
      this.#partitions = Object.entries(payload.memberAssignment).flatMap(([topic, partitions]) => partitions.map((partition) => `${topic}-${partition}`))
    })
    consumer.on('consumer.crash', () => {
      this.#partitions = null
    })
  }

  /** The partitions that are read here as `topic-partition`; null while this colour isn't read. */
  get partitions(): readonly string[] | null {
    return this.#partitions
  }

  /** @throws kafkajs' error when no broker answers */
  connect(): Promise<void> {
    this.#connecting ??= this.#consumer.connect().finally(() => {
      this.#connecting = undefined
    })
    return this.#connecting
  }

  /** Reads from now on. */
  start(run: SideRun): void {
    this.#reading ??= this.#keepReading(run)
  }

  /** Ends after the message in hand; what was handled is committed. */
  async close(): Promise<void> {
    this.#closed.abort()
    await this.#disconnect()
    await this.#reading
  }

  async #keepReading(run: SideRun): Promise<void> {
    while (!this.#closed.signal.aborted) {
      try {
        await this.#readUntilCrash(run)
      } catch (error) {
        this.#consumer.logger().error(`Can't read ${this.colour} now: ${messageOf(error)}`)
      }
      await this.#disconnect() // also what was connected while it was being closed
      await this.#timing.sleep(retryPauseMs, this.#closed.signal).catch(() => undefined) // woken by close: the condition ends the loop
    }
  }

  async #readUntilCrash({ subscriptions, partitionsConsumedConcurrently, eachMessage }: SideRun): Promise<void> {
    if (!(await this.#connectedBeforeClose())) return
    for (const subscription of subscriptions) await this.#consumer.subscribe(subscription)
    const { promise: ended, resolve: end } = Promise.withResolvers<Error | undefined>()
    const offCrash = this.#consumer.on('consumer.crash', ({ payload }) => end(payload.error))
    this.#closed.signal.addEventListener('abort', () => end(undefined), { once: true })
    try {
      await this.#consumer.run({
        ...(partitionsConsumedConcurrently === undefined ? {} : { partitionsConsumedConcurrently }),
        eachMessage: (payload) => eachMessage(this.colour, payload),
      })
      const error = this.#closed.signal.aborted ? undefined : await ended
      if (error !== undefined) throw error
    } finally {
      offCrash()
    }
  }

  /** kafkajs goes on trying to connect for many seconds, and can't be told to stop: closing doesn't wait for it. */
  async #connectedBeforeClose(): Promise<boolean> {
    const connecting = this.connect()
    const closed = new Promise<void>((resolve) => {
      if (this.#closed.signal.aborted) resolve()
      this.#closed.signal.addEventListener('abort', () => resolve(), { once: true })
    })
    await Promise.race([connecting, closed])
    if (!this.#closed.signal.aborted) return true
    void connecting.then(() => this.#disconnect()).catch(() => undefined) // nothing was connected: nothing is left open
    return false
  }

  async #disconnect(): Promise<void> {
    await this.#consumer.disconnect().catch((error: unknown) => this.#consumer.logger().debug(`Disconnecting ${this.colour}: ${messageOf(error)}`))
    this.#partitions = null
  }
}
