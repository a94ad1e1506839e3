/** One cluster in memory as the audit's reader and its look at topics see it, changed at will: what a worker can be tried on without brokers. */
import { setImmediate } from 'node:timers/promises'
import type { SeenTopic } from '../../../engine/adapters/audit/topic-watch.ts'
import { KbgError } from '../../../engine/model/error.ts'
import { parseTopicPartition, type TopicPartition } from '../../../engine/model/partition.ts'
import type { AuditReader, AuditRecord, LogFacts, ReadEvent, ReadFrom, ReadPace, RecordParts } from '../../../engine/ports/audit-reader.ts'
import { systemClock } from '../../../engine/ports/clock.ts'

/** One partition's log: what a read_committed consumer sees of it. */
export class FakeSideLog {
  start = 0n
  end = 0n
  /** Nothing at or behind it is handed out: a mirror that hasn't copied yet, or an open transaction. */
  heldFrom: bigint | null = null
  readonly records: AuditRecord[] = []

  get lastStableOffset(): bigint {
    return this.heldFrom ?? this.end
  }

  /** Appends visible records, each behind so many offsets that nobody sees. */
  append(digests: readonly bigint[], gap = 0, key: (digest: bigint) => bigint | null = () => null): void {
    for (const digest of digests) {
      this.records.push({ offset: this.end + BigInt(gap), digest, key: key(digest) })
      this.end += BigInt(gap) + 1n
    }
  }

  /** Offsets that nobody sees, as a commit marker's. */
  mark(): void {
    this.end++
  }

  /** Retention, or DeleteRecords. */
  deleteBelow(offset: bigint): void {
    this.start = offset
    while ((this.records[0]?.offset ?? offset) < offset) this.records.shift()
  }
}

interface Reading {
  readonly from: ReadFrom
  readUpTo: bigint
  paused: boolean
}

/** The reader of one fake cluster, and its topics. */
export class FakeSide implements AuditReader {
  readonly topics = new Map<string, SeenTopic>()
  readonly logs = new Map<TopicPartition, FakeSideLog>()
  /** Records that were handed out. */
  handedOut = 0
  chunk = 50
  readonly paces: ReadPace[] = []
  readonly asked: ReadFrom[] = []
  readonly parts = new Map<bigint, RecordParts>()
  readonly #reading = new Map<TopicPartition, Reading>()
  #isClosed = false

  /** Makes a topic, or makes it again. */
  make(topic: string, partitions: number, more: Partial<SeenTopic> = {}): void {
    this.topics.set(topic, { topic, topicId: crypto.randomUUID(), internal: false, partitions, compacted: false, logAppendTime: false, ...more })
    for (let index = 0; index < partitions; index++) this.logs.set(`${topic}-${index}`, new FakeSideLog())
  }

  /** More partitions of a topic. */
  widen(topic: string, partitions: number): void {
    const known = this.topics.get(topic)
    if (!known) throw new Error(`no topic ${topic}`)
    for (let index = known.partitions; index < partitions; index++) this.logs.set(`${topic}-${index}`, new FakeSideLog())
    this.topics.set(topic, { ...known, partitions })
  }

  log(partition: TopicPartition): FakeSideLog {
    const log = this.logs.get(partition)
    if (!log) throw new Error(`no log of ${partition}`)
    return log
  }

  async look(): Promise<readonly SeenTopic[]> {
    return [...this.topics.values()]
  }

  add(partitions: ReadonlyMap<TopicPartition, ReadFrom>): void {
    for (const [partition, from] of partitions) {
      this.asked.push(from)
      this.#reading.set(partition, { from, readUpTo: from.offset, paused: false })
    }
  }

  remove(partitions: Iterable<TopicPartition>): void {
    for (const partition of partitions) this.#reading.delete(partition)
  }

  seek(partition: TopicPartition, offset: bigint): void {
    const reading = this.#reading.get(partition)
    if (reading) reading.readUpTo = offset
  }

  pause(partitions: Iterable<TopicPartition>): void {
    for (const partition of partitions) this.#setPaused(partition, true)
  }

  resume(partitions: Iterable<TopicPartition>): void {
    for (const partition of partitions) this.#setPaused(partition, false)
  }

  isPaused(partition: TopicPartition): boolean {
    return this.#reading.get(partition)?.paused === true
  }

  isRead(partition: TopicPartition): boolean {
    return this.#reading.has(partition)
  }

  pace(pace: ReadPace): void {
    this.paces.push(pace)
  }

  async next(waitMs: number): Promise<ReadEvent | undefined> {
    for (const untilMs = systemClock.monotonicMs() + waitMs; !this.#isClosed; ) {
      for (const [partition, reading] of this.#reading) {
        const event = reading.paused ? undefined : this.#eventOf(partition, reading)
        if (event === undefined) continue
        this.#reading.delete(partition) // it goes to the end of the turn
        if (event.kind !== 'ended') this.#reading.set(partition, reading)
        return event
      }
      if (systemClock.monotonicMs() >= untilMs) return undefined
      await setImmediate()
    }
    return undefined
  }

  facts(partition: TopicPartition): LogFacts | undefined {
    const reading = this.#reading.get(partition)
    return reading && this.#factsOf(partition, reading)
  }

  async recordParts(_partition: TopicPartition, offset: bigint): Promise<RecordParts | undefined> {
    return this.parts.get(offset)
  }

  close(): void {
    this.#isClosed = true
  }

  #setPaused(partition: TopicPartition, paused: boolean): void {
    const reading = this.#reading.get(partition)
    if (reading) reading.paused = paused
  }

  #topicId(partition: TopicPartition): string {
    return this.topics.get(parseTopicPartition(partition).topic)?.topicId ?? ''
  }

  #factsOf(partition: TopicPartition, { readUpTo }: Reading): LogFacts {
    const { start, lastStableOffset } = this.log(partition)
    const nowMs = systemClock.monotonicMs()
    return { topicId: this.#topicId(partition), readUpTo, lastStableOffset, logStartOffset: start, askedAtMs: nowMs, answeredAtMs: nowMs }
  }

  #eventOf(partition: TopicPartition, reading: Reading): ReadEvent | undefined {
    const log = this.log(partition)
    const ended = (code: string): ReadEvent => ({ kind: 'ended', partition, position: reading.readUpTo, error: new KbgError(code, 'as told by the test') })
    if (reading.from.topicId !== this.#topicId(partition)) return ended('topic-recreated')
    if (reading.readUpTo > log.end) return ended('log-truncated')
    if (reading.readUpTo < log.start) {
      const position = reading.readUpTo
      reading.readUpTo = log.start
      return { kind: 'log-start-passed', partition, position, logStartOffset: log.start }
    }
    if (reading.readUpTo >= log.lastStableOffset) return undefined
    const from = log.records.findIndex((record) => record.offset >= reading.readUpTo)
    const records = from === -1 ? [] : log.records.slice(from, from + this.chunk).filter((record) => record.offset < log.lastStableOffset)
    const isLast = from === -1 || from + this.chunk >= log.records.length || records.length < this.chunk
    reading.readUpTo = isLast ? log.lastStableOffset : (records.at(-1)?.offset ?? reading.readUpTo) + 1n
    this.handedOut += records.length
    return { kind: 'records', partition, records, facts: this.#factsOf(partition, reading) }
  }
}
