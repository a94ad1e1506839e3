import { KbgError } from '../../model/error.ts'
import { parseTopicPartition, type TopicPartition } from '../../model/partition.ts'
import type { AuditRecord, LogFacts, ReadEvent, ReadFrom } from '../../ports/audit-reader.ts'
import { appendAuditRecords, type Hash64 } from './audit-records.ts'
import type { FetchedById, FetchTarget } from './fetch-by-id.ts'
import type { LogBounds } from './fetch-session.ts'
import { committedBatches, type RecordBatch, wholeBatches } from './record-batches.ts'

/** Records of one event: what a caller gets at once is bounded, however well a batch is compressed (a batch is never divided). */
const recordsPerEvent = 10_000
const unknownEpoch = -1

/** What was fetched and not handed out yet, in the log's order. */
type Pending =
  | { readonly kind: 'batches'; readonly visible: Iterator<RecordBatch>; readonly bytes: number; readonly end: bigint; readonly endEpoch: number }
  | { readonly kind: 'log-start-passed'; readonly position: bigint; readonly logStartOffset: bigint }
  | { readonly kind: 'ended'; readonly error: KbgError }

/** Who leads a partition, at which epoch. */
export interface PartitionLeader {
  readonly brokerId: number
  readonly epoch: number
}

/** A partition's log bounds, and when they were seen. */
export interface SeenBounds extends LogBounds {
  readonly askedAtMs: number
  readonly answeredAtMs: number
  readonly confirmedUpTo: bigint
}

/** The reading of one partition from one position on: where it stands, what was fetched and waits to be handed out, and what is wrong with it. Another position is another one. */
export class ReadingPartition {
  readonly partition: TopicPartition
  readonly topic: string
  readonly index: number
  readonly options: ReadFrom
  topicId: string | undefined
  leader: PartitionLeader | undefined
  /** The newest leader epoch that this reading has seen, of a leader or of a record: whoever leads in an older one leads no more. */
  newestEpoch = unknownEpoch
  paused = false
  /** Not read any further: replaced, removed, or ended by an error that may still wait to be handed out. */
  over = false
  /** Refusals in a row: how patient the next attempt is. */
  refusals = 0
  trouble: { readonly sinceMs: number; readonly error: KbgError } | undefined
  /** Since when every answer says that this isn't the log that was read. */
  goneSinceMs: number | undefined
  #seen: SeenBounds | undefined
  #doubtedAtMs = Number.NEGATIVE_INFINITY
  #readUpTo: bigint
  #readEpoch: number
  #fetchFrom: bigint
  #fetchedEpoch: number
  readonly #pending: Pending[] = []

  constructor(partition: TopicPartition, options: ReadFrom) {
    const { topic, partition: index } = parseTopicPartition(partition)
    this.partition = partition
    this.topic = topic
    this.index = index
    this.options = options
    this.topicId = options.topicId
    this.#readUpTo = options.offset
    this.#fetchFrom = options.offset
    this.#readEpoch = options.epoch ?? unknownEpoch
    this.#fetchedEpoch = this.#readEpoch
  }

  get readUpTo(): bigint {
    return this.#readUpTo
  }

  /** The offset that the next fetch asks for. */
  get fetchFrom(): bigint {
    return this.#fetchFrom
  }

  get hasPending(): boolean {
    return this.#pending.length > 0
  }

  get pendingBytes(): number {
    return this.#pending.reduce((sum, one) => sum + (one.kind === 'batches' ? one.bytes : 0), 0)
  }

  get facts(): LogFacts | undefined {
    if (!this.#seen || this.topicId === undefined) return undefined
    return { topicId: this.topicId, readUpTo: this.#readUpTo, readEpoch: this.#readEpoch, ...this.#seen }
  }

  /** An answer of its leader. Two connections are asked, so one may be told after a later one. */
  saw(seen: SeenBounds): void {
    if (seen.askedAtMs <= this.#doubtedAtMs) return
    if (this.#seen === undefined || seen.askedAtMs >= this.#seen.askedAtMs) this.#seen = seen
  }

  /** A leader has said that its log isn't the one that was read: nothing that was said before counts any more. */
  doubt(nowMs: number): void {
    this.#doubtedAtMs = nowMs
    if (this.#seen !== undefined) this.#seen = { ...this.#seen, confirmedUpTo: -1n }
  }

  /** What to ask its leader for; undefined while there is none. */
  target(maxBytes: number): FetchTarget | undefined {
    return this.#targetAt(this.#fetchFrom, this.#fetchedEpoch, maxBytes)
  }

  /** The same for what was handed out; as few bytes as a broker gives. */
  confirmation(): FetchTarget | undefined {
    return this.#targetAt(this.#readUpTo, this.#readEpoch, 1)
  }

  #targetAt(offset: bigint, lastFetchedEpoch: number, maxBytes: number): FetchTarget | undefined {
    if (this.topicId === undefined || !this.leader) return undefined
    return { topicId: this.topicId, index: this.index, leaderEpoch: this.leader.epoch, offset, lastFetchedEpoch, maxBytes }
  }

  /** Its leader has answered. */
  isWell(): void {
    this.refusals = 0
    this.trouble = undefined
    this.goneSinceMs = undefined
  }

  /** Takes over what was fetched from {@link fetchFrom}. @returns whether anything came @throws KbgError `record-format` */
  take(fetched: FetchedById): boolean {
    const batches = [...wholeBatches(fetched.records)]
    const last = batches.at(-1)
    if (!last || last.lastOffset < this.#fetchFrom) return false
    const end = last.lastOffset + 1n
    const visible = committedBatches(batches, fetched.aborted)
    this.#pending.push({ kind: 'batches', visible, bytes: fetched.records.length, end, endEpoch: last.leaderEpoch })
    this.#fetchFrom = end
    this.#fetchedEpoch = last.leaderEpoch
    this.newestEpoch = Math.max(this.newestEpoch, last.leaderEpoch)
    return true
  }

  /** The log begins behind {@link fetchFrom} now. */
  skipTo(logStartOffset: bigint): void {
    this.#pending.push({ kind: 'log-start-passed', position: this.#fetchFrom, logStartOffset })
    this.#fetchFrom = logStartOffset
    this.#fetchedEpoch = unknownEpoch // the leader may not know the epochs of what it deleted
  }

  /** Ends the reading behind what was fetched before. */
  end(error: KbgError): void {
    this.over = true
    this.#pending.push({ kind: 'ended', error })
  }

  /** Forgets what was fetched and not handed out; it is fetched again. */
  dropPending(): void {
    if (this.over) return
    this.#pending.length = 0
    this.#fetchFrom = this.#readUpTo
    this.#fetchedEpoch = this.#readEpoch
  }

  /** Hands out the next piece of what was fetched. A batch that can't be decoded ends the reading before it. */
  nextEvent(hash64: Hash64): ReadEvent | undefined {
    const [head] = this.#pending
    switch (head?.kind) {
      case undefined:
        return undefined
      case 'batches':
        return this.#decode(head, hash64)
      case 'log-start-passed': {
        this.#pending.shift()
        this.#readUpTo = head.logStartOffset
        this.#readEpoch = unknownEpoch
        return { kind: 'log-start-passed', partition: this.partition, position: head.position, logStartOffset: head.logStartOffset }
      }
      case 'ended':
        this.#pending.shift()
        return { kind: 'ended', partition: this.partition, position: this.#readUpTo, error: head.error }
    }
  }

  #decode(head: Extract<Pending, { kind: 'batches' }>, hash64: Hash64): ReadEvent {
    const records: AuditRecord[] = []
    while (records.length < recordsPerEvent && this.#pending[0] === head) {
      const before = records.length
      try {
        this.#decodeBatch(head, hash64, records)
      } catch (thrown) {
        records.length = before // half a batch isn't handed out
        this.#pending.length = 0
        this.end(thrown instanceof KbgError ? thrown : this.#unreadable(thrown))
      }
    }
    const facts = this.facts
    if (!facts) throw new Error(`${this.partition} was fetched before anything was known of it`)
    return { kind: 'records', partition: this.partition, records, facts }
  }

  #decodeBatch(head: Extract<Pending, { kind: 'batches' }>, hash64: Hash64, records: AuditRecord[]): void {
    const { value: batch, done } = head.visible.next()
    if (done) {
      this.#pending.shift()
      this.#readUpTo = head.end
      this.#readEpoch = head.endEpoch
    } else if (batch.lastOffset >= this.#readUpTo) {
      appendAuditRecords(batch, this.#readUpTo, this.options, hash64, records)
      this.#readUpTo = batch.lastOffset + 1n
      this.#readEpoch = batch.leaderEpoch
    }
  }

  #unreadable(cause: unknown): KbgError {
    return new KbgError('record-format', `Can't read the record batch of ${this.partition} behind ${this.#readUpTo}.`, { cause })
  }
}
