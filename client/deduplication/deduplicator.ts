/** What a reader of both colours asks before it hands a record over: was this one handed over already? */
import { createHash } from 'node:crypto'
import { KbgError } from '../../engine/model/error.ts'

/** A record as a deduplicator knows it. */
export interface SightedRecord {
  /** What the application calls this record, the same on both colours and of no other record of the partition. Text counts as its UTF-8 bytes. */
  readonly id: string | Buffer
  /** Where ids are unique: one partition of one topic. Memory is bounded for each. */
  readonly partition: string
  /** The record's own timestamp in ms, the same on both colours. Never the time of reading. */
  readonly timestampMs: number
}

/**
 * `new`: surely not handed over since this deduplicator began. `duplicate`: taken for one that was. `unknown`: its time is not behind that of records already
 * forgotten, so nobody can tell; it is handed over, and counted.
 */
export type Sighting = 'new' | 'duplicate' | 'unknown'

/**
 * Remembers what was handed over, in this process's memory: a new one knows nothing of what an earlier one has seen.
 *
 * Looking and remembering are two steps, because a record whose handler failed must come again.
 */
export interface Deduplicator {
  look(record: SightedRecord): Sighting
  /** To be called once for each record that was handed over. */
  remember(record: SightedRecord): void
  /** How many records were lost so far because they were taken for duplicates, as an expected value; 0 for an exact deduplicator. */
  readonly expectedLost: number
}

/** Records that one deduplicator can be asked to remember for each partition: more is a mistake, or memory that nobody has. */
const mostRecords = 10_000_000

/** @throws KbgError `deduplication-options` */
export function checkRecordsPerPartition(recordsPerPartition: number): void {
  if (Number.isInteger(recordsPerPartition) && recordsPerPartition >= 1 && recordsPerPartition <= mostRecords) return
  throw optionError('recordsPerPartition', recordsPerPartition, `a whole number from 1 to ${mostRecords}`)
}

export function optionError(option: string, observed: number, required: string): KbgError {
  return new KbgError('deduplication-options', `A deduplicator can't be made with this ${option}.`, { facts: { observed, required } })
}

/** Longer ids are remembered by their SHA-256, so that the number of ids bounds memory whatever their length. */
const longestPlainIdBytes = 64

/** An id as a map's key: equal for equal bytes only (of long ids: for equal SHA-256). */
export function idKey(id: string | Buffer): string {
  const bytes = typeof id === 'string' ? Buffer.from(id, 'utf8') : id
  if (bytes.length <= longestPlainIdBytes) return bytes.toString('latin1')
  return `${createHash('sha256').update(bytes).digest().toString('latin1')}${'#'.repeat(longestPlainIdBytes)}` // longer than any plain one
}
