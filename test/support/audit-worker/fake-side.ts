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
  /** Leader epoch of what is appended now. */
  epoch = 0
  /** Where each earlier epoch ended. */
  readonly epochEnds = new Map<number, bigint>()
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

  /** An unclean election: the new leader lacks what lies from here on. */
  truncateTo(offset: bigint): void {
    this.records.splice(this.records.findIndex((record) => record.offset >= offset))
    this.end = offset
    this.epochEnds.set(this.epoch++, offset)
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
  readEpoch: number
  seenAtMs: number
  paused: boolean
  /** What was last known of the log; of one that isn't the one that was read nothing newer comes. */
  facts: LogFacts | undefined
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
  /** Leaders answer no fetch where nothing comes: only what is asked of them is answered. */
  isSilent = false
  /** What its leaders say of their logs is known, and no record is handed out yet. */
  isHeldBack = false
  /** Called for each question whether the logs are the ones that were read; while its promise is open there is no answer. */
  onConfirm: (partitions: readonly TopicPartition[]) => Promise<void> = async () => undefined
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
      const position = { readUpTo: from.offset, readEpoch: from.epoch ?? -1, seenAtMs: systemClock.monotonicMs() }
      this.#reading.set(partition, { from, ...position, paused: false, facts: undefined })
    }
  }

  remove(partitions: Iterable<TopicPartition>): void {
    for (const partition of partitions) this.#reading.delete(partition)
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
        const event = reading.paused || this.isHeldBack ? undefined : this.#eventOf(partition, reading)
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

  async confirm(partitions: Iterable<TopicPartition>): Promise<void> {
    const [asked, nowMs] = [[...partitions], systemClock.monotonicMs()]
    await this.onConfirm(asked)
    for (const partition of asked) {
      const reading = this.#reading.get(partition)
      if (reading && !this.#isDiverged(partition, reading)) reading.seenAtMs = nowMs
    }
  }

  facts(partition: TopicPartition): LogFacts | undefined {
    const reading = this.#reading.get(partition)
    if (reading === undefined || this.#isDiverged(partition, reading)) return reading?.facts
    if (!this.isSilent) reading.seenAtMs = systemClock.monotonicMs()
    reading.facts = this.#factsOf(partition, reading)
    return reading.facts
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

  /** What was read isn't in the log any more: another leader's log ended before, whatever came behind that. */
  #isDiverged(partition: TopicPartition, { readUpTo, readEpoch }: Reading): boolean {
    const { epochEnds, end } = this.log(partition)
    return readUpTo > end || readUpTo > (epochEnds.get(readEpoch) ?? end)
  }

  #factsOf(partition: TopicPartition, { readUpTo, readEpoch, seenAtMs }: Reading): LogFacts {
    const { start, lastStableOffset } = this.log(partition)
    const times = { askedAtMs: seenAtMs, answeredAtMs: seenAtMs }
    return { topicId: this.#topicId(partition), readUpTo, readEpoch, lastStableOffset, logStartOffset: start, confirmedUpTo: readUpTo, ...times }
  }

  #eventOf(partition: TopicPartition, reading: Reading): ReadEvent | undefined {
    const log = this.log(partition)
    const ended = (code: string): ReadEvent => ({ kind: 'ended', partition, position: reading.readUpTo, error: new KbgError(code, 'as told by the test') })
    if (reading.from.topicId !== this.#topicId(partition)) return ended('topic-recreated')
    if (this.#isDiverged(partition, reading)) return ended('log-truncated')
    if (reading.readUpTo < log.start) {
      const position = reading.readUpTo
      reading.readUpTo = log.start
      reading.readEpoch = -1
      return { kind: 'log-start-passed', partition, position, logStartOffset: log.start }
    }
    if (reading.readUpTo >= log.lastStableOffset) return undefined
    const from = log.records.findIndex((record) => record.offset >= reading.readUpTo)
    const records = from === -1 ? [] : log.records.slice(from, from + this.chunk).filter((record) => record.offset < log.lastStableOffset)
    const isLast = from === -1 || from + this.chunk >= log.records.length || records.length < this.chunk
    reading.readUpTo = isLast ? log.lastStableOffset : (records.at(-1)?.offset ?? reading.readUpTo) + 1n
    reading.readEpoch = log.epoch
    reading.seenAtMs = systemClock.monotonicMs()
    this.handedOut += records.length
    reading.facts = this.#factsOf(partition, reading)
    return { kind: 'records', partition, records, facts: reading.facts }
  }
}
