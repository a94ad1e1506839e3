import type { VisibleRecord } from '../model/facts.ts'
import type { TopicPartition } from '../model/partition.ts'
import { type CutEnds, exact, type Finding, notProvable, type Strategy } from './strategy.ts'

/** Consecutive visible records of one side. */
export interface RecordWindow {
  /** Ascending in offsets. */
  readonly records: readonly VisibleRecord[]
  /** Whether nothing visible lies before them: they begin with the log. */
  readonly fromStart: boolean
  /** Whether nothing visible lies behind them before the cut. */
  readonly toEnd: boolean
}

/** What was read for one committed offset. */
export interface TimestampReading {
  /** The source around the committed offset: some records before it, and some from it on. */
  readonly source: RecordWindow
  /** The target around the timestamp of the first of the latter, found by ListOffsets. */
  readonly target: RecordWindow
}

/** Neighbours on each side of a record that have to be equal as well. */
const neighbours = 3

/**
 * Timestamp correlation with content match: the next record's copy is looked for among the target's records of its timestamp, and has to equal it in content,
 * as do up to three neighbours on each side.
 *
 * `exact` if there is just one such place and it was all seen: the records of that timestamp lie wholly in the window, with ascending timestamps around; where timestamps aren't
 * in order, only if the window is the whole log. That the records further behind are the same on both sides isn't shown; counting back or an audit does that.
 *
 * @param readings by partition and committed offset
 */
export function byTimestamp(ends: CutEnds, readings: ReadonlyMap<TopicPartition, ReadonlyMap<bigint, TimestampReading>>): Strategy {
  return {
    method: 'timestamp',
    find: ({ partition, committed }) => {
      const [sourceEnd, targetEnd] = [ends.sourceEnds.get(partition) ?? 0n, ends.targetEnds.get(partition) ?? 0n]
      if (committed === sourceEnd) return exact(targetEnd, 0, 'nothing left to read before the cut')
      if (committed > sourceEnd) return notProvable(`committed offset ${committed} lies beyond the cut`)
      const reading = readings.get(partition)?.get(committed)
      return reading === undefined ? notProvable(`nothing was read for offset ${committed}`) : correlate(committed, targetEnd, reading)
    },
  }
}

function correlate(committed: bigint, targetEnd: bigint, { source, target }: TimestampReading): Finding {
  const next = source.records.findIndex((record) => record.offset >= committed)
  const wanted = source.records[next]
  if (wanted === undefined) {
    return source.toEnd ? exact(targetEnd, 0, 'nothing left to read before the cut') : notProvable(`the next record behind offset ${committed} was not read`)
  }
  // A record before the committed offset, or the log's beginning, shows that the one found is the next.
  if (next === 0 && !source.fromStart) return notProvable(`the records before offset ${committed} were not read`)
  const sameTime = target.records.flatMap((record, index) => (record.timestamp === wanted.timestamp ? [index] : []))
  const same = sameTime.filter((index) => isSamePlace(source, next, target, index))
  const [only, ...others] = same.map((index) => target.records[index]?.offset ?? targetEnd)
  if (only === undefined) return notProvable(`none of ${sameTime.length} records on the target with its timestamp ${wanted.timestamp} is its copy`)
  if (others.length > 0) return notProvable(`${same.length} places on the target fit it equally (offsets ${only} and ${others.join(', ')})`)
  const unseen = unseenPart(target, wanted.timestamp)
  return unseen === null
    ? exact(only, null, `the only record of ${sameTime.length} with its timestamp whose content and neighbours are its own`)
    : notProvable(unseen, null, only)
}

/** Whether content and neighbours of two places are equal, and at least one neighbour, or that both logs have none, could be compared. */
function isSamePlace(source: RecordWindow, at: number, target: RecordWindow, candidate: number): boolean {
  if (source.records[at]?.digest !== target.records[candidate]?.digest) return false
  let compared = 0
  for (const step of [-1, 1]) {
    for (let distance = step; Math.abs(distance) <= neighbours; distance += step) {
      const [left, right] = [contentAt(source, at + distance), contentAt(target, candidate + distance)]
      // Where one log begins and the other goes on, retention may have taken what stood there.
      if (left === 'unread' || right === 'unread' || (step < 0 && (left === 'no record') !== (right === 'no record'))) break
      if (left !== right) return false
      compared++
      if (left === 'no record') break
    }
  }
  return compared > 0
}

function contentAt({ records, fromStart, toEnd }: RecordWindow, index: number): string {
  const digest = records[index]?.digest
  if (digest !== undefined) return `record ${digest}`
  return (index < 0 ? fromStart : toEnd) ? 'no record' : 'unread'
}

/** Why another copy may lie outside the window; null: none can, if timestamps are in order out there as well. */
function unseenPart({ records, fromStart, toEnd }: RecordWindow, timestamp: bigint): string | null {
  if (fromStart && toEnd) return null
  if (records.some((record, index) => record.timestamp < (records[index - 1]?.timestamp ?? record.timestamp))) {
    return "the target's timestamps are not in order: another copy may lie where nobody looked"
  }
  const beginsBefore = fromStart || (records[0]?.timestamp ?? timestamp) < timestamp
  const endsBehind = toEnd || (records.at(-1)?.timestamp ?? timestamp) > timestamp
  return beginsBefore && endsBehind ? null : `not all of the target's records with timestamp ${timestamp} were read`
}
