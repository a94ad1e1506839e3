import type { metadataV12 } from '@platformatic/kafka'
import type { ClusterAccess } from '../../model/cluster-access.ts'
import { KbgError } from '../../model/error.ts'
import type { TopicPartition } from '../../model/partition.ts'
import type { AuditReader, LogFacts, ReadEvent, ReadFrom, ReadingTrouble, ReadPace, RecordParts } from '../../ports/audit-reader.ts'
import { type Clock, Deadline } from '../../ports/clock.ts'
import { type Hash64, openHash64 } from './audit-records.ts'
import type { BrokerConnection } from './broker-connection.ts'
import { confirmReading } from './confirm-reading.ts'
import { BrokerConnections, type Principal } from './connections.ts'
import { type FetchHost, type FetchLimits, LeaderFetcher } from './leader-fetcher.ts'
import { Leaders } from './leaders.ts'
import { settleLeader } from './partition-leader.ts'
import { ReadingPartition } from './reading-partition.ts'
import { readRecordParts } from './record-parts.ts'
import { Signal } from './signal.ts'

/**
 * How a reader reads; see {@link FetchLimits} for the rest.
 *
 * What is fetched and not handed out yet takes less than three answers (`maxBytesPerFetch`) of each broker: one that waits, one that came while less than it
 * waited, and one more while that one comes in, because it is copied out of the connection's buffer. It also takes less than three `maxBytesPerPartition` of each
 * partition. What is held of paused partitions comes on top. By default that is 64 MiB + 24 MiB for each broker of one side, so 272 MiB for two sides of three
 * brokers. Beside it: headers of batches, some 350 bytes each, which is more than their content where a batch has one small record; and a batch that is larger than
 * either limit, which a broker sends whole.
 */
export interface AuditReaderOptions extends FetchLimits {
  readonly as: Principal
  /** Partitions that couldn't be read for so long are told to `onTrouble`, again each time it has passed. */
  readonly reportAfterMs: number
  readonly onTrouble: (trouble: ReadingTrouble) => void
  /** A log that isn't the one that was read is believed when every answer for so long says so: brokers learn of a new topic one after the other. */
  readonly goneAfterMs: number
  /** What was fetched of paused partitions is kept up to here, all together; what goes beyond is fetched again. */
  readonly maxHeldBytes: number
}

const defaults: AuditReaderOptions = {
  as: 'operator',
  minBytes: 1,
  maxWaitMs: 100,
  tailPauseMs: 5,
  maxBytesPerPartition: 2 * 1024 * 1024,
  // From three brokers a third of a second's work at the fastest that was measured (some 70 MB/s of a side), and the next one is under way meanwhile: longer
  // answers would only wait in memory.
  maxBytesPerFetch: 8 * 1024 * 1024,
  reportAfterMs: 5_000,
  onTrouble: () => undefined,
  goneAfterMs: 1_000,
  maxHeldBytes: 64 * 1024 * 1024,
}

const metadataWithinMs = 3_000

/** The part of {@link BrokerConnections} that reading needs. */
export interface ReaderConnections {
  metadata(topics: readonly string[], deadline: Deadline): Promise<metadataV12.MetadataResponse>
  broker(brokerId: number, deadline: Deadline): Promise<Pick<BrokerConnection, 'request'>>
  close(): void
}

/** What a {@link KafkaAuditReader} works with. */
export interface ReaderParts {
  readonly connections: ReaderConnections
  /** For questions that mustn't wait behind a Fetch that waits for records. */
  readonly askConnections: ReaderConnections
  readonly clock: Clock
  readonly hash64: Hash64
  readonly options: AuditReaderOptions
  readonly recordParts: (partition: TopicPartition, offset: bigint, deadline: Deadline) => Promise<RecordParts | undefined>
}

/** A reader of one cluster, with connections of its own: a Fetch that waits for records holds up whatever comes behind it. Nothing is connected before the first `add`. */
export async function connectAuditReader(access: ClusterAccess, clock: Clock, options: Partial<AuditReaderOptions> = {}): Promise<AuditReader> {
  const hash64 = await openHash64()
  const all = { ...defaults, ...options }
  const [connections, askConnections] = [new BrokerConnections(access, all.as), new BrokerConnections(access, all.as)]
  const leaders = new Leaders(askConnections)
  const recordParts: ReaderParts['recordParts'] = (partition, offset, deadline) => readRecordParts(askConnections, leaders, partition, offset, hash64, deadline)
  return new KafkaAuditReader({ connections, askConnections, clock, hash64, options: all, recordParts })
}

/** {@link AuditReader} by Fetch: a {@link LeaderFetcher} for each leader, and one search for leaders at a time. Records are decoded when they are handed out. */
export class KafkaAuditReader implements AuditReader {
  readonly #parts: ReaderParts
  readonly #partitions = new Map<TopicPartition, ReadingPartition>()
  readonly #fetchers = new Map<number, LeaderFetcher>()
  /** Partitions with something to hand out, in turn. */
  readonly #ready = new Set<ReadingPartition>()
  readonly #arrival = new Signal()
  readonly #stop = new AbortController()
  readonly #host: FetchHost
  #pace: ReadPace
  #searching = false
  #toldAtMs = Number.NEGATIVE_INFINITY

  constructor(parts: ReaderParts) {
    this.#parts = parts
    this.#pace = parts.options
    const limits = (): FetchLimits => ({ ...parts.options, ...this.#pace })
    this.#host = {
      clock: parts.clock,
      get limits() {
        return limits()
      },
      stop: this.#stop.signal,
      broker: (brokerId, deadline) => parts.connections.broker(brokerId, deadline),
      ledBy: (brokerId) => [...this.#partitions.values()].filter((state) => state.leader?.brokerId === brokerId),
      arrived: (state) => this.#arrived(state),
      refused: (state, error) => this.#refused(state, error),
      gone: (state, error) => this.#gone(state, error),
    }
  }

  add(partitions: ReadonlyMap<TopicPartition, ReadFrom>): void {
    for (const [partition, from] of partitions) this.#begin(new ReadingPartition(partition, from))
    this.#search()
  }

  remove(partitions: Iterable<TopicPartition>): void {
    for (const partition of partitions) this.#drop(this.#partitions.get(partition))
  }

  pause(partitions: Iterable<TopicPartition>): void {
    for (const state of this.#known(partitions)) {
      state.paused = true
      if (state.over) continue // it is told, so that nobody waits for it
      this.#ready.delete(state)
      this.#holdWithinBounds(state)
    }
    this.#wakeFetchers() // what is held no longer takes the room of the others
  }

  resume(partitions: Iterable<TopicPartition>): void {
    for (const state of this.#known(partitions)) {
      state.paused = false
      if (state.hasPending) this.#arrived(state)
    }
    this.#wakeFetchers()
  }

  confirm(partitions: Iterable<TopicPartition>, deadline: Deadline): Promise<void> {
    const { askConnections } = this.#parts
    return confirmReading(this.#known(partitions), { ...this.#host, broker: (brokerId, within) => askConnections.broker(brokerId, within) }, deadline)
  }

  pace(pace: ReadPace): void {
    this.#pace = pace
  }

  async next(waitMs: number): Promise<ReadEvent | undefined> {
    const { clock } = this.#parts
    const untilMs = clock.monotonicMs() + waitMs
    for (;;) {
      const event = this.#take()
      if (event) return event
      const leftMs = untilMs - clock.monotonicMs()
      if (leftMs <= 0 || this.#stop.signal.aborted) return undefined
      await this.#arrival.waitFor(leftMs, clock)
    }
  }

  facts(partition: TopicPartition): LogFacts | undefined {
    return this.#partitions.get(partition)?.facts
  }

  recordParts(partition: TopicPartition, offset: bigint, deadline: Deadline): Promise<RecordParts | undefined> {
    return this.#parts.recordParts(partition, offset, deadline)
  }

  close(): void {
    this.#stop.abort(new KbgError('closed', 'The reader is closed.'))
    for (const state of this.#partitions.values()) this.#drop(state)
    this.#parts.connections.close()
    this.#parts.askConnections.close()
    this.#wakeFetchers()
    this.#arrival.raise()
  }

  #known(partitions: Iterable<TopicPartition>): readonly ReadingPartition[] {
    return [...partitions].flatMap((partition) => this.#partitions.get(partition) ?? [])
  }

  #begin(state: ReadingPartition): void {
    this.#stop.signal.throwIfAborted()
    this.#drop(this.#partitions.get(state.partition))
    this.#partitions.set(state.partition, state)
  }

  #drop(state: ReadingPartition | undefined): void {
    if (!state) return
    state.over = true
    this.#ready.delete(state)
    this.#partitions.delete(state.partition)
  }

  #take(): ReadEvent | undefined {
    const [state] = this.#ready
    if (!state) return undefined
    this.#ready.delete(state)
    const event = state.nextEvent(this.#parts.hash64)
    if (state.hasPending) this.#ready.add(state)
    if (event?.kind === 'ended') this.#drop(state)
    this.#wakeFetchers()
    return event
  }

  #wakeFetchers(): void {
    for (const fetcher of this.#fetchers.values()) fetcher.wake()
  }

  #arrived(state: ReadingPartition): void {
    if (this.#partitions.get(state.partition) !== state) return
    if (state.paused && !state.over) this.#holdWithinBounds(state)
    else {
      this.#ready.add(state)
      this.#arrival.raise()
    }
  }

  #holdWithinBounds(state: ReadingPartition): void {
    const held = [...this.#partitions.values()].reduce((sum, one) => sum + (one.paused ? one.pendingBytes : 0), 0)
    if (held > this.#parts.options.maxHeldBytes) state.dropPending()
  }

  #refused(state: ReadingPartition, error: KbgError): void {
    state.leader = undefined
    state.refusals++
    state.trouble = { sinceMs: state.trouble?.sinceMs ?? this.#parts.clock.monotonicMs(), error }
    this.#tell(error)
    this.#search()
  }

  #gone(state: ReadingPartition, error: KbgError): void {
    const { clock, options } = this.#parts
    const nowMs = clock.monotonicMs()
    state.goneSinceMs ??= nowMs
    state.doubt(nowMs)
    if (nowMs - state.goneSinceMs < options.goneAfterMs) this.#refused(state, error)
    else {
      state.end(error)
      this.#arrived(state)
    }
  }

  #tell(error: KbgError): void {
    const { clock, options } = this.#parts
    const nowMs = clock.monotonicMs()
    const lastingMs = (state: ReadingPartition): number => nowMs - (state.trouble?.sinceMs ?? nowMs)
    const late = [...this.#partitions.values()].filter((state) => lastingMs(state) >= options.reportAfterMs)
    if (late.length === 0 || nowMs - this.#toldAtMs < options.reportAfterMs) return
    this.#toldAtMs = nowMs
    options.onTrouble({ partitions: late.map((state) => state.partition), lastingMs: Math.max(...late.map(lastingMs)), error })
  }

  /** Looks for the leaders of the partitions that have none, until all have one. */
  #search(): void {
    if (this.#searching) return
    this.#searching = true
    this.#searchAll().catch(() => undefined) // only closing ends it early
  }

  async #searchAll(): Promise<void> {
    const leaderless = () => [...this.#partitions.values()].filter((state) => !state.over && !state.leader)
    try {
      for (let lost = leaderless(); lost.length > 0 && !this.#stop.signal.aborted; lost = leaderless()) {
        const patienceMs = Math.min(...lost.map((state) => patienceAfter(state.refusals)))
        if (patienceMs > 0) await this.#parts.clock.sleep(patienceMs, this.#stop.signal)
        await this.#searchOnce(leaderless())
      }
    } finally {
      this.#searching = false
    }
  }

  async #searchOnce(states: readonly ReadingPartition[]): Promise<void> {
    const { connections, clock } = this.#parts
    try {
      const deadline = new Deadline(clock, metadataWithinMs, 'the leaders of partitions')
      const metadata = await connections.metadata([...new Set(states.map((state) => state.topic))], deadline)
      const topics = new Map(metadata.topics.map((topic) => [topic.name ?? '', topic]))
      for (const state of states) {
        if (state.over) continue
        settleLeader(state, topics.get(state.topic), this.#host)
        if (state.leader) this.#fetcherOf(state.leader.brokerId).wake()
      }
    } catch (thrown) {
      const error =
        thrown instanceof KbgError ? thrown : new KbgError('connection', "Can't find the leaders of partitions.", { retriable: true, cause: thrown })
      for (const state of states) if (!state.over) this.#refused(state, error)
    }
  }

  #fetcherOf(brokerId: number): LeaderFetcher {
    const known = this.#fetchers.get(brokerId)
    if (known) return known
    const fetcher = new LeaderFetcher(brokerId, this.#host)
    this.#fetchers.set(brokerId, fetcher)
    void fetcher.run()
    return fetcher
  }
}

/** At once after the first refusal, since the new leader is mostly known by then; then more patient. */
function patienceAfter(refusals: number): number {
  return refusals <= 1 ? 0 : Math.min(10 * 2 ** (refusals - 2), 200)
}
