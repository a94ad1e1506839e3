import type { AuditRecord } from '../audit/record.ts'
import type { KbgError } from '../model/error.ts'
import type { TopicPartition } from '../model/partition.ts'
import type { Deadline } from './clock.ts'

export type { AuditRecord } from '../audit/record.ts'

/** Where the reading of one partition begins, and what is wanted of its records. */
export interface ReadFrom {
  readonly offset: bigint
  /**
   * The id of the topic that `offset` is an offset of (from {@link LogFacts}): a topic that was deleted and made again under the same name ends the reading.
   * Without it, whichever topic has the name now is meant.
   */
  readonly topicId?: string
  /**
   * Leader epoch of the record before `offset` when it was read (from {@link LogFacts}), -1 when that isn't known: a log that was truncated below `offset` since, and may have grown beyond it
   * again, ends the reading (KIP-320). Without it, whatever the log has now is read.
   */
  readonly epoch?: number
  /** Whether each record's key is digested too: for compacted topics. */
  readonly keys: boolean
  /** Whether the timestamp is part of the digest: not where either side has LogAppendTime. */
  readonly timestamps: boolean
}

/** What is known of one partition that is read. Times are monotonic. */
export interface LogFacts {
  readonly topicId: string
  /** Everything below was handed out: the next offset to be read. Equal to the last stable offset, there was nothing left to read. */
  readonly readUpTo: bigint
  /** Leader epoch of the last batch below `readUpTo`; -1: none was read since the reading began, or since the log's start passed it. */
  readonly readEpoch: number
  readonly lastStableOffset: bigint
  readonly logStartOffset: bigint
  /** When the fetch that saw the last stable offset was sent, and when its answer came: that was the last stable offset at some time in between. */
  readonly askedAtMs: number
  readonly answeredAtMs: number
  /** The same answer said that the log is still the one that was read, up to here; -1 once a leader has said that it isn't. */
  readonly confirmedUpTo: bigint
}

/** What a reader hands out, for each partition in the log's order. */
export type ReadEvent =
  /** The next visible records, none when only markers and aborted ones were read. */
  | { readonly kind: 'records'; readonly partition: TopicPartition; readonly records: readonly AuditRecord[]; readonly facts: LogFacts }
  /** The log begins behind the position now (retention, or DeleteRecords): what lay between can't be read any more, and reading goes on at `logStartOffset`. */
  | { readonly kind: 'log-start-passed'; readonly partition: TopicPartition; readonly position: bigint; readonly logStartOffset: bigint }
  /** This partition isn't read any further, and no longer known to the reader; `add` begins anew. */
  | { readonly kind: 'ended'; readonly partition: TopicPartition; readonly position: bigint; readonly error: KbgError }

/** Partitions that can't be read at the moment; reading goes on by itself when that is over. */
export interface ReadingTrouble {
  readonly partitions: readonly TopicPartition[]
  /** How long the first of them hasn't been read. */
  readonly lastingMs: number
  /** The latest refusal. */
  readonly error: KbgError
}

/** Digests (xxHash64) of the parts of one record, so that a difference can be named. A null key or value has none. */
export interface RecordParts {
  /** Milliseconds since the epoch; the append's with LogAppendTime. */
  readonly timestamp: bigint
  readonly keyDigest: bigint | null
  readonly valueDigest: bigint | null
  /** Over all headers, their order included. */
  readonly headersDigest: bigint
}

/** How a reader asks for what comes. Following costs the brokers requests, not bytes: larger answers are fewer. */
export interface ReadPace {
  /** A broker answers once it has so many bytes, */
  readonly minBytes: number
  /** or when it has waited for so long. */
  readonly maxWaitMs: number
  /** At the logs' ends fetches are at least so far apart: bounds the requests, and delays a record by as much. */
  readonly tailPauseMs: number
}

/**
 * Reads many partitions of one cluster, without end, as a read_committed consumer sees them: every visible record once and in order, over lost connections, restarted brokers and changed leaders.
 *
 * It never skips: what can't be read any more is a `log-start-passed`, a log that isn't the one that was read (topic made again, truncated log) is an `ended` with KbgError `topic-recreated`,
 * `log-truncated`, `unknown-topic`, `record-format`, `compression` or `kafka`.
 */
export interface AuditReader {
  /** Begins to read these partitions; one that is read already is read from its new position. */
  add(partitions: ReadonlyMap<TopicPartition, ReadFrom>): void
  /** Ends the reading of these partitions; what was fetched of them is dropped. */
  remove(partitions: Iterable<TopicPartition>): void
  /** Nothing of these partitions is handed out or fetched until they are resumed, but for the end of a reading: back-pressure. Those that aren't read are left out. */
  pause(partitions: Iterable<TopicPartition>): void
  resume(partitions: Iterable<TopicPartition>): void
  /**
   * Asks the leaders at once whether their logs still are the ones that were read, beside the fetches that wait for records: what they answer is in {@link LogFacts}. One that doesn't answer
   * changes nothing, and another log ends its reading as ever.
   */
  confirm(partitions: Iterable<TopicPartition>, deadline: Deadline): Promise<void>
  /** From the next fetch of each broker on. */
  pace(pace: ReadPace): void
  /** The next event; undefined when there was none for `waitMs` (0: none is there now), or when the reader is closed. One caller at a time. */
  next(waitMs: number): Promise<ReadEvent | undefined>
  /** What is known of a partition, also where nothing happens; undefined before its leader has answered, and for one that isn't read. */
  facts(partition: TopicPartition): LogFacts | undefined
  /** The parts of the visible record at this offset; undefined when there is none. @throws KbgError `kafka`, `unknown-topic`, `deadline` */
  recordParts(partition: TopicPartition, offset: bigint, deadline: Deadline): Promise<RecordParts | undefined>
  close(): void
}
