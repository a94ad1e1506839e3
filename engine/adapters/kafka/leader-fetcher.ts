import { KbgError, messageOf } from '../../model/error.ts'
import type { ReadPace } from '../../ports/audit-reader.ts'
import { type Clock, Deadline } from '../../ports/clock.ts'
import type { BrokerConnection } from './broker-connection.ts'
import { type FetchByIdResponse, type FetchedById, type FetchTarget, fetchV13 } from './fetch-by-id.ts'
import { FetchSession, targetKey } from './fetch-session.ts'
import { readEnds } from './log-ends.ts'
import type { ReadingPartition } from './reading-partition.ts'
import { errorName, kafkaRefusal } from './refusal.ts'
import { Signal } from './signal.ts'

/** How much is fetched at once, and how long a broker may wait for it. */
export interface FetchLimits extends ReadPace {
  readonly maxBytesPerPartition: number
  readonly maxBytesPerFetch: number
}

/** What a {@link LeaderFetcher} needs of the reader that it works for. */
export interface FetchHost {
  readonly clock: Clock
  readonly limits: FetchLimits
  readonly stop: AbortSignal
  broker(brokerId: number, deadline: Deadline): Promise<Pick<BrokerConnection, 'request'>>
  ledBy(brokerId: number): readonly ReadingPartition[]
  /** Something of this partition can be handed out. */
  arrived(state: ReadingPartition): void
  /** It can't be read there now: its leader is asked for anew. */
  refused(state: ReadingPartition, error: KbgError): void
  /** As {@link refused}; when it stays so for a while, the log is another one, and its reading ends. */
  gone(state: ReadingPartition, error: KbgError): void
}

/** A broker has this long for an answer, beyond the wait that it was asked for. */
const answerWithinMs = 3_000
/** An answer with less than this is one from the logs' ends. */
const tailBytes = 64 * 1024

/** Refusals that mean that this broker isn't the leader, or knows less or more than the one that named it. */
const elsewhere = new Set(['UNKNOWN_TOPIC_ID', 'INCONSISTENT_TOPIC_ID', 'UNKNOWN_TOPIC_OR_PARTITION', 'UNKNOWN_SERVER_ERROR'])
const sessionLost = new Set(['FETCH_SESSION_ID_NOT_FOUND', 'INVALID_FETCH_SESSION_EPOCH', 'FETCH_SESSION_TOPIC_ID_ERROR'])

interface Asked {
  readonly state: ReadingPartition
  readonly target: FetchTarget
}

/** Fetches what one broker leads: one Fetch at a time, as long as there is room for what it brings. */
export class LeaderFetcher {
  readonly #brokerId: number
  readonly #host: FetchHost
  readonly #session = new FetchSession()
  readonly #changed = new Signal()
  #turn = 0

  constructor(brokerId: number, host: FetchHost) {
    this.#brokerId = brokerId
    this.#host = host
  }

  /** Partitions came, or there is room again. */
  wake(): void {
    this.#changed.raise()
  }

  /** Fetches until the host stops. */
  async run(): Promise<void> {
    while (!this.#host.stop.aborted) {
      const asked = this.#wanted()
      if (asked.length === 0) await this.#changed.wait()
      else await this.#round(asked)
    }
  }

  /** The partitions to ask for; none while what was fetched before fills an answer. Another one is first each time, for brokers that keep no session. */
  #wanted(): readonly Asked[] {
    const { maxBytesPerFetch, maxBytesPerPartition } = this.#host.limits
    const open = this.#host.ledBy(this.#brokerId).filter((state) => !state.paused && !state.over)
    if (open.reduce((sum, state) => sum + state.pendingBytes, 0) >= maxBytesPerFetch) return []
    this.#turn = open.length === 0 ? 0 : (this.#turn + 1) % open.length
    return [...open.slice(this.#turn), ...open.slice(0, this.#turn)].flatMap((state) => {
      const target = state.pendingBytes < 2 * maxBytesPerPartition ? state.target(maxBytesPerPartition) : undefined
      return target ? [{ state, target }] : []
    })
  }

  async #round(asked: readonly Asked[]): Promise<void> {
    const { clock, limits, stop } = this.#host
    const askedAtMs = clock.monotonicMs()
    try {
      const deadline = new Deadline(clock, limits.maxWaitMs + answerWithinMs, `records of broker ${this.#brokerId}`)
      const broker = await this.#host.broker(this.#brokerId, deadline)
      const request = this.#session.request(asked.map(({ target }) => target), limits) // biome-ignore format: one line
      const answer = await broker.request('Fetch', fetchV13, [request], 'none', deadline)
      if (answer.errorCode === 0) await this.#accept(answer, asked, askedAtMs, broker)
      else if (request.sessionEpoch > 0 && sessionLost.has(errorName(answer.errorCode))) this.#session.reset()
      else throw kafkaRefusal(`Broker ${this.#brokerId} refuses to be read.`, answer.errorCode)
      await this.#pause(answer, askedAtMs)
    } catch (thrown) {
      this.#session.reset()
      if (stop.aborted) return
      const error =
        thrown instanceof KbgError ? thrown : new KbgError('connection', `Can't read from broker ${this.#brokerId}.`, { retriable: true, cause: thrown })
      for (const { state } of asked) if (this.#isMine(state)) this.#host.refused(state, error)
    }
  }

  async #accept(answer: FetchByIdResponse, asked: readonly Asked[], askedAtMs: number, broker: Pick<BrokerConnection, 'request'>): Promise<void> {
    this.#session.accept(answer)
    const answered = new Map(answer.partitions.map((fetched) => [targetKey(fetched), fetched]))
    this.#see(answer, asked, answered, askedAtMs)
    const outOfRange: ReadingPartition[] = []
    for (const { state, target } of asked) {
      const fetched = answered.get(targetKey(target))
      if (!fetched || state.fetchFrom !== target.offset || !this.#isMine(state)) continue // dropped, or led elsewhere meanwhile
      if (errorName(fetched.errorCode) === 'OFFSET_OUT_OF_RANGE') outOfRange.push(state)
      else this.#settle(state, fetched)
    }
    if (outOfRange.length > 0) await this.#findRange(outOfRange, broker)
  }

  #isMine(state: ReadingPartition): boolean {
    return !state.over && state.leader?.brokerId === this.#brokerId
  }

  /** What an answer leaves out is as it was, unless it was cut short: by a quota, or because other partitions filled it. */
  #see(answer: FetchByIdResponse, asked: readonly Asked[], answered: ReadonlyMap<string, FetchedById>, askedAtMs: number): void {
    const answeredAtMs = this.#host.clock.monotonicMs()
    const isWhole = answer.throttleMs === 0 && bytesOf(answer) < this.#host.limits.maxBytesPerFetch / 2
    for (const { state, target } of asked) {
      if (!this.#isMine(state)) continue // led elsewhere meanwhile: this broker's log may be another one
      const key = targetKey(target)
      const bounds = this.#session.known(key)
      if (bounds && (isWhole || answered.has(key))) state.saw({ ...bounds, askedAtMs, answeredAtMs, confirmedUpTo: target.offset })
    }
  }

  #settle(state: ReadingPartition, fetched: FetchedById): void {
    const refusal = kafkaRefusal(`Can't read ${state.partition}.`, fetched.errorCode)
    if (fetched.errorCode === 0 && fetched.diverged) this.#host.gone(state, truncated(state))
    else if (fetched.errorCode === 0) this.#take(state, fetched)
    else if (isPassing(refusal, fetched.errorCode)) this.#host.refused(state, refusal)
    else this.#end(state, refusal)
  }

  #take(state: ReadingPartition, fetched: FetchedById): void {
    state.isWell()
    try {
      if (state.take(fetched)) this.#host.arrived(state)
    } catch (thrown) {
      this.#end(state, thrown instanceof KbgError ? thrown : new KbgError('record-format', `Can't read ${state.partition}: ${messageOf(thrown)}`))
    }
  }

  #end(state: ReadingPartition, error: KbgError): void {
    state.end(error)
    this.#host.arrived(state)
  }

  /** Below the log's start: deleted. Anywhere else this log isn't the one that was read: its end, or the epoch of what was read, never goes away in one that is. */
  async #findRange(states: readonly ReadingPartition[], broker: Pick<BrokerConnection, 'request'>): Promise<void> {
    const deadline = new Deadline(this.#host.clock, answerWithinMs, `the ends of partitions of broker ${this.#brokerId}`)
    const ends = await readEnds(broker, states.map((state) => state.partition), deadline) // biome-ignore format: one line
    for (const state of states) {
      const start = ends.find((end) => end.partition === state.partition)?.logStartOffset
      if (start === undefined || start <= state.fetchFrom) this.#host.gone(state, truncated(state))
      else {
        state.skipTo(start)
        this.#host.arrived(state)
      }
    }
  }

  async #pause(answer: FetchByIdResponse, askedAtMs: number): Promise<void> {
    const { clock, limits, stop } = this.#host
    const tailPauseMs = bytesOf(answer) < tailBytes ? limits.tailPauseMs - (clock.monotonicMs() - askedAtMs) : 0
    const pauseMs = Math.max(answer.throttleMs, tailPauseMs)
    if (pauseMs > 0) await clock.sleep(pauseMs, stop)
  }
}

/** Whether a refusal of one partition may be over soon: its leader is asked for anew. */
export function isPassing(refusal: KbgError, errorCode: number): boolean {
  return refusal.retriable || elsewhere.has(errorName(errorCode))
}

function bytesOf(answer: FetchByIdResponse): number {
  return answer.partitions.reduce((sum, { records }) => sum + records.length, 0)
}

/** The log isn't the one that was read. */
export function truncated(state: ReadingPartition): KbgError {
  return new KbgError('log-truncated', `The log of ${state.partition} isn't the one that was read: it lacks what came before ${state.fetchFrom}.`, {
    facts: { position: String(state.fetchFrom) },
    remedy: 'An unclean leader election or a lost disk does this. Compare the partition from its beginning.',
  })
}
