/** Moves parcels from the outbox to the colour that is open, one request per leader at a time, and knows what became of each. */
import type { RetryOptions } from 'kafkajs'
import type { Colour } from '../engine/model/colour.ts'
import { KbgError, messageOf } from '../engine/model/error.ts'
import { protocolError } from './kafkajs-internals.ts'
import { advance, type Lane, type LaneAnswer, type ShippedBatch, stamp } from './lane.ts'
import { type LeaderLoad, Outbox, type Parcel, type PartitionBatch } from './outbox.ts'
import { endsProducerId, judge, type Verdict } from './outcome.ts'
import type { Timing } from './timing.ts'

/** Denied while open: the fence is being lifted (or raised, and the hold is on its way). Asking again is harmless: nothing is written. */
const denialPauseMs = 50
/** Java's `delivery.timeout.ms`: tries for longer than this end in an error. */
const deliveryTimeoutMs = 120_000

/** How a dispatcher retries, and whether it numbers its batches. */
export interface DispatcherOptions {
  readonly idempotent: boolean
  readonly retry: Required<Pick<RetryOptions, 'retries' | 'initialRetryTime' | 'maxRetryTime' | 'multiplier'>>
  /** See {@link RouteSession.denialPatienceMs}. */
  readonly denialPatienceMs: number
  readonly timing: Timing
}

/**
 * The routed producer's engine. Holding means that no request is started; what is on its way ends first, and {@link flushed} tells when.
 *
 * A partition has one batch out at a time, and a batch that was refused goes back to the front: order per partition is kept, on one colour and across a move.
 */
export class Dispatcher {
  readonly #options: DispatcherOptions
  readonly #lanes: Readonly<Record<Colour, Lane>>
  readonly #outbox = new Outbox()
  readonly #occupied = new Set<string>()
  readonly #idle: (() => void)[] = []
  #open: Colour | null = null
  #pumpQueued = false
  #wakeAtMs = Number.POSITIVE_INFINITY
  #ended: Error | undefined

  constructor(lanes: Readonly<Record<Colour, Lane>>, options: DispatcherOptions) {
    this.#lanes = lanes
    this.#options = options
  }

  /** The colour that is written to; null while held. */
  get colour(): Colour | null {
    return this.#open
  }

  get queuedBytes(): number {
    return this.#outbox.queuedBytes
  }

  /** Parcels are written in the order in which they are added, per partition. */
  add(parcels: readonly Parcel[]): void {
    if (this.#ended !== undefined) throw this.#ended
    for (const parcel of parcels) this.#outbox.add(parcel)
    this.#queuePump()
  }

  /** No request is started from now on. */
  hold(): void {
    this.#open = null
  }

  /** Requests go to this colour from now on; what was denied goes first. */
  release(colour: Colour): void {
    this.#open = colour
    this.#outbox.beginEpoch()
    this.#pump()
  }

  /** Resolves when nothing is on its way: then every outcome is known. */
  flushed(): Promise<void> {
    return this.#outbox.busyPartitions === 0 ? Promise.resolve() : new Promise((resolve) => this.#idle.push(resolve))
  }

  /** Takes parcels (again): a producer may be connected after it was disconnected. */
  begin(): void {
    this.#ended = undefined
  }

  /** Waits for what is on its way; what still waits fails with `error`, unwritten. */
  async end(error: Error): Promise<void> {
    this.#ended = error
    this.#open = null
    for (const parcel of this.#outbox.drain()) parcel.settle({ kind: 'failed', error })
    await this.flushed()
    for (const parcel of this.#outbox.drain()) parcel.settle({ kind: 'failed', error })
  }

  /** Sends of the same turn share requests. */
  #queuePump(): void {
    if (this.#pumpQueued) return
    this.#pumpQueued = true
    queueMicrotask(() => {
      this.#pumpQueued = false
      this.#pump()
    })
  }

  #pump(): void {
    const colour = this.#open
    if (colour === null) return
    const lane = this.#lanes[colour]
    const nowMs = this.#options.timing.monotonicMs()
    const loads = this.#outbox.take(
      nowMs,
      (topic, partition) => this.#leaderOf(lane, topic, partition),
      (leader) => this.#occupied.has(`${colour}-${leader}`),
    )
    for (const load of loads) void this.#shipLoad(lane, load)
    const wakeAtMs = this.#outbox.nextPauseEndMs(nowMs)
    if (wakeAtMs === undefined || wakeAtMs >= this.#wakeAtMs) return
    this.#wakeAtMs = wakeAtMs
    void this.#options.timing.sleep(wakeAtMs - nowMs).then(() => {
      this.#wakeAtMs = Number.POSITIVE_INFINITY
      this.#pump()
    })
  }

  /** Without a known leader the metadata is read again, and the partition waits for it. */
  #leaderOf(lane: Lane, topic: string, partition: number): number | undefined {
    const leader = lane.leaderOf(topic, partition)
    if (leader === undefined) this.#refreshSoon(lane)
    return leader
  }

  #refreshing: Promise<void> | undefined
  #refreshedAtMs = Number.NEGATIVE_INFINITY

  /** At once, but not more often than the retries' first pause. */
  #refreshSoon(lane: Lane): void {
    const { timing, retry } = this.#options
    const waitMs = Math.max(0, this.#refreshedAtMs + retry.initialRetryTime - timing.monotonicMs())
    this.#refreshing ??= (waitMs === 0 ? Promise.resolve() : timing.sleep(waitMs))
      .then(() => lane.refresh())
      .catch(() => undefined) // the next try meets the same obstacle, and ends by its own deadline
      .then(() => {
        this.#refreshing = undefined
        this.#refreshedAtMs = timing.monotonicMs()
        this.#pump()
      })
  }

  async #shipLoad(lane: Lane, load: LeaderLoad): Promise<void> {
    const key = `${lane.colour}-${load.leader}`
    this.#occupied.add(key)
    try {
      const identity = this.#options.idempotent && load.options.acks === -1 ? await lane.identity() : null
      await this.#try(
        lane,
        load,
        load.batches.map((batch) => stamp(batch, identity)),
        false,
      )
    } catch (error) {
      // No producer id: nothing was sent. kafkajs has retried what can be retried.
      for (const batch of load.batches) this.#fail(batch, error instanceof Error ? error : new Error(messageOf(error)))
    } finally {
      this.#occupied.delete(key)
      this.#pump()
    }
  }

  /** One try for batches of one leader; those in doubt go on by themselves, so that they don't keep the leader occupied. */
  async #try(lane: Lane, load: Pick<LeaderLoad, 'leader' | 'options'>, shipped: readonly ShippedBatch[], inDoubt: boolean): Promise<void> {
    const startedAtMs = this.#options.timing.monotonicMs()
    for (const each of shipped) for (const parcel of each.batch.parcels) parcel.history.firstTryAtMs ??= startedAtMs
    const answers = await lane.ship(load.leader, load.options, shipped)
    shipped.forEach((each, index) => {
      const answer = answers[index] ?? { attempt: { kind: 'lost' }, answer: undefined, error: new Error('no answer for this batch') }
      const verdict = judge(answer.attempt, inDoubt)
      if (each.identity !== null && endsProducerId(answer.attempt, verdict)) lane.dropIdentity(each.identity)
      this.#act(lane, each, answer, verdict)
    })
  }

  #act(lane: Lane, shipped: ShippedBatch, answer: LaneAnswer, verdict: Verdict): void {
    const { batch } = shipped
    switch (verdict) {
      case 'written':
        advance(shipped)
        this.#written(lane, batch, answer)
        break
      case 'held':
        this.#denied(batch, answer)
        break
      case 'again':
        this.#refreshSoon(lane)
        this.#again(batch, answer)
        break
      case 'in-doubt':
        this.#refreshSoon(lane)
        void this.#resolveDoubt(lane, shipped, answer)
        break
      case 'refused':
        this.#refused(batch, answer)
        break
      case 'unknown':
        this.#fail(batch, outcomeUnknown(lane, batch, answer))
        break
    }
  }

  #written(lane: Lane, batch: PartitionBatch, { answer }: LaneAnswer): void {
    const base = answer?.baseOffset === undefined || answer.baseOffset === '-1' ? undefined : BigInt(answer.baseOffset)
    let before = 0n
    this.#settle(batch, (parcel) => {
      const baseOffset = base === undefined ? undefined : String(base + before)
      before += BigInt(parcel.messages.length)
      return { kind: 'written', colour: lane.colour, answer, baseOffset }
    })
  }

  /** Nothing was written. While held it waits; while open it asks again for a moment, then the denial is the application's. */
  #denied(batch: PartitionBatch, answer: LaneAnswer): void {
    const nowMs = this.#options.timing.monotonicMs()
    for (const { history } of batch.parcels) history.deniedAtMs = this.#open === null ? undefined : (history.deniedAtMs ?? nowMs)
    const deniedForMs = nowMs - (batch.parcels[0]?.history.deniedAtMs ?? nowMs)
    if (deniedForMs > this.#options.denialPatienceMs) this.#fail(batch, errorOf(answer))
    else this.#putBack(batch, nowMs + denialPauseMs)
  }

  #again(batch: PartitionBatch, answer: LaneAnswer): void {
    const tries = this.#countTry(batch)
    if (this.#triedEnough(batch)) this.#fail(batch, errorOf(answer))
    else this.#putBack(batch, this.#options.timing.monotonicMs() + this.#pauseMs(tries))
  }

  /** Merged sends go again one by one, so that nobody fails for another's message. */
  #refused(batch: PartitionBatch, answer: LaneAnswer): void {
    for (const parcel of batch.parcels) parcel.history.alone = true
    if (batch.parcels.length === 1) this.#fail(batch, errorOf(answer))
    else this.#putBack(batch, 0)
  }

  /** Only the same batch with the same sequence on the same colour tells whether it was written; the partition stays busy until then. */
  async #resolveDoubt(lane: Lane, shipped: ShippedBatch, answer: LaneAnswer): Promise<void> {
    const { batch } = shipped
    let leader: number | undefined
    do {
      await this.#options.timing.sleep(this.#pauseMs(this.#countTry(batch)))
      if (this.#triedEnough(batch)) {
        if (shipped.identity !== null) lane.dropIdentity(shipped.identity) // its sequence may have been used: never again for another batch
        this.#fail(batch, outcomeUnknown(lane, batch, answer))
        return
      }
      leader = lane.leaderOf(batch.topic, batch.partition)
      if (leader === undefined) this.#refreshSoon(lane)
    } while (leader === undefined)
    await this.#try(lane, { leader, options: batch.options }, [shipped], true)
  }

  #countTry(batch: PartitionBatch): number {
    for (const { history } of batch.parcels) history.tries += 1
    return batch.parcels[0]?.history.tries ?? 1
  }

  #triedEnough({ parcels }: PartitionBatch): boolean {
    const history = parcels[0]?.history
    const sinceMs = this.#options.timing.monotonicMs() - (history?.firstTryAtMs ?? 0)
    return (history?.tries ?? 0) > this.#options.retry.retries || sinceMs > deliveryTimeoutMs
  }

  #pauseMs(tries: number): number {
    const { initialRetryTime, multiplier, maxRetryTime } = this.#options.retry
    return Math.min(initialRetryTime * multiplier ** Math.min(tries - 1, 20), maxRetryTime)
  }

  #putBack(batch: PartitionBatch, notBeforeMs: number): void {
    this.#outbox.putBack(batch, notBeforeMs)
    this.#afterRelease()
  }

  #fail(batch: PartitionBatch, error: Error): void {
    this.#settle(batch, () => ({ kind: 'failed', error }))
  }

  #settle(batch: PartitionBatch, outcomeOf: (parcel: Parcel) => Parameters<Parcel['settle']>[0]): void {
    for (const parcel of batch.parcels) parcel.settle(outcomeOf(parcel))
    this.#outbox.finish(batch)
    this.#afterRelease()
  }

  #afterRelease(): void {
    if (this.#outbox.busyPartitions === 0) for (const resolve of this.#idle.splice(0)) resolve()
    this.#queuePump()
  }
}

/** The error of a batch that was surely not written, as kafkajs would throw it. */
function errorOf({ attempt, error }: LaneAnswer): Error {
  if (attempt.kind === 'answered') return protocolError(attempt.errorCode)
  return error instanceof Error ? error : new Error(messageOf(error))
}

function outcomeUnknown(lane: Lane, batch: PartitionBatch, answer: LaneAnswer): KbgError {
  return new KbgError('outcome-unknown', 'Whether these records were written is unknown: they were sent, and no answer can tell any more.', {
    facts: {
      colour: lane.colour,
      topic: batch.topic,
      partition: batch.partition,
      records: batch.parcels.reduce((sum, parcel) => sum + parcel.messages.length, 0),
    },
    remedy: 'Sending them again may write them twice.',
    cause: errorOf(answer),
  })
}
