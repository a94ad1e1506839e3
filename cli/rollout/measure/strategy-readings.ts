import { colours } from '../../../engine/model/colour.ts'
import type { VisibleRecord } from '../../../engine/model/facts.ts'
import type { TopicPartition } from '../../../engine/model/partition.ts'
import type { BeyondReading } from '../../../engine/offsets/beyond-cut.ts'
import type { RecordWindow, TimestampReading } from '../../../engine/offsets/by-timestamp.ts'
import type { PartitionReading } from '../../../engine/offsets/count-back.ts'
import { emittedSyncs } from '../../../engine/offsets/emitted-syncs.ts'
import { type OffsetSync, OffsetSyncStore } from '../../../engine/offsets/offset-sync-store.ts'
import type { RecordRun } from '../../../engine/offsets/record-run.ts'
import type { GroupOffsets } from '../../../engine/offsets/strategy.ts'
import type { GroupMove } from './group-moves.ts'
import { recordsBefore, type WholeLog, type WholeLogs } from './whole-logs.ts'

/**
 * What each strategy would have read at the time of a move, taken from the whole reads at the end of the run (pure): the logs only grew since, so what stands below the ends of the
 * move stood there then.
 */

const noLog: WholeLog = { offsets: [], ids: [], timestampsMs: [] }
/** Records that timestamp correlation reads beside the one it looks for; it compares three neighbours on each side. */
const besideRecords = 4
/** Records of one timestamp that it reads at most. */
const sameTimeRecords = 1_000

/** Where each record of a log stands, by its id; built once for a log. */
const placesOf = new WeakMap<WholeLog, ReadonlyMap<string, number>>()

function places(log: WholeLog): ReadonlyMap<string, number> {
  const known = placesOf.get(log) ?? new Map(log.ids.map((id, index) => [id, index]))
  placesOf.set(log, known)
  return known
}

function sides(logs: WholeLogs, { source, target }: GroupMove, partition: TopicPartition): { readonly source: WholeLog; readonly target: WholeLog } {
  return { source: logs[source].get(partition) ?? noLog, target: logs[target].get(partition) ?? noLog }
}

/**
 * How many visible records of the target stand before the copy of the first one that a group had not read on the source; null: that record isn't on the target. Where nothing
 * was left to read, all of the target's.
 */
export function placeOfCopy(logs: WholeLogs, move: GroupMove, partition: TopicPartition, committed: bigint): number | null {
  const { source, target } = sides(logs, move, partition)
  const next = source.ids[recordsBefore(source, committed)]
  return next === undefined ? target.ids.length : (places(target).get(next) ?? null)
}

/** Whether timestamp correlation has anything to go by. */
export function hasTimestamps(logs: WholeLogs): boolean {
  return colours.every((colour) => [...logs[colour].values()].every(({ timestampsMs }) => timestampsMs !== null))
}

/** What counting back from the ends reads: the source from the lowest committed offset on, and as many records of the target. */
export function tailReading(logs: WholeLogs, move: GroupMove, partition: TopicPartition, from: bigint): PartitionReading {
  const { source, target } = sides(logs, move, partition)
  const [begin, end] = [recordsBefore(source, from), recordsBefore(source, move.ends.source.get(partition) ?? 0n)]
  const targetEnd = recordsBefore(target, move.ends.target.get(partition) ?? 0n)
  return { from, source: runOf(source, begin, end), target: runOf(target, Math.max(0, targetEnd - (end - begin)), targetEnd) }
}

/** What it reads behind the ends, where a group went on with what the reverse mirror had brought. */
export function beyondReading(logs: WholeLogs, move: GroupMove, partition: TopicPartition, to: bigint): BeyondReading {
  const { source, target } = sides(logs, move, partition)
  const [begin, end] = [recordsBefore(source, move.ends.source.get(partition) ?? 0n), recordsBefore(source, to)]
  const targetBegin = recordsBefore(target, move.ends.target.get(partition) ?? 0n)
  return { source: runOf(source, begin, end), target: runOf(target, targetBegin, targetBegin + end - begin) }
}

function runOf(log: WholeLog, begin: number, end: number): RecordRun {
  return { offsets: BigInt64Array.from(log.offsets.slice(begin, end)), digests: log.ids.slice(begin, end) }
}

/**
 * MirrorMaker's offset syncs of one partition as a task with its defaults would have written them while it copied what this run's mirror copied, all of them arrived: a simulation
 * that leaves out MirrorMaker's delays.
 */
export function syncStore(logs: WholeLogs, move: GroupMove, partition: TopicPartition): OffsetSyncStore {
  const store = new OffsetSyncStore(false)
  for (const sync of emittedSyncs(copiedPairs(logs, move, partition))) store.add(sync)
  return store
}

function* copiedPairs(logs: WholeLogs, move: GroupMove, partition: TopicPartition): Generator<OffsetSync> {
  const { source, target } = sides(logs, move, partition)
  const end = recordsBefore(source, move.ends.source.get(partition) ?? 0n)
  for (let index = recordsBefore(source, move.mirroredFrom.get(partition) ?? 0n); index < end; index++) {
    const downstreamOffset = target.offsets[places(target).get(source.ids[index] ?? '') ?? -1]
    const upstreamOffset = source.offsets[index]
    if (upstreamOffset !== undefined && downstreamOffset !== undefined) yield { upstreamOffset, downstreamOffset }
  }
}

/** What timestamp correlation reads: a few records on the source around each position, and on the target those of its timestamp, found as ListOffsets finds them, with a few around. */
export function timestampReadings(
  logs: WholeLogs,
  move: GroupMove,
  groups: readonly GroupOffsets[],
): ReadonlyMap<TopicPartition, ReadonlyMap<bigint, TimestampReading>> {
  const readings = new Map<TopicPartition, Map<bigint, TimestampReading>>()
  for (const [partition, committed] of groups.flatMap((group) => [...group.committed])) {
    const own = readings.get(partition) ?? new Map<bigint, TimestampReading>()
    readings.set(partition, own)
    if (!own.has(committed)) own.set(committed, timestampReading(logs, move, partition, committed))
  }
  return readings
}

function timestampReading(logs: WholeLogs, move: GroupMove, partition: TopicPartition, committed: bigint): TimestampReading {
  const { source, target } = sides(logs, move, partition)
  const sourceEnd = recordsBefore(source, move.ends.source.get(partition) ?? 0n)
  const targetEnd = recordsBefore(target, move.ends.target.get(partition) ?? 0n)
  const next = recordsBefore(source, committed)
  const wanted = source.timestampsMs?.[next] ?? Number.POSITIVE_INFINITY
  const first = firstAtOrAfter(target, wanted, targetEnd)
  let last = first
  while (target.timestampsMs?.[last] === wanted && last - first < sameTimeRecords) last++
  return {
    source: windowOf(source, next - besideRecords, next + besideRecords, sourceEnd),
    target: windowOf(target, first - besideRecords, last + besideRecords, targetEnd),
  }
}

/** ListOffsets' answer: the first record in the log whose timestamp is not before the wanted one. */
function firstAtOrAfter({ timestampsMs }: WholeLog, wanted: number, end: number): number {
  const found = timestampsMs?.findIndex((timestamp) => timestamp >= wanted) ?? -1
  return found < 0 ? end : Math.min(found, end)
}

function windowOf(log: WholeLog, from: number, to: number, end: number): RecordWindow {
  const [begin, until] = [Math.max(0, from), Math.min(to, end)]
  const records = log.offsets.slice(begin, until).map((offset, index): VisibleRecord => {
    return { offset, timestamp: BigInt(log.timestampsMs?.[begin + index] ?? 0), digest: log.ids[begin + index] ?? '' }
  })
  return { records, fromStart: begin === 0, toEnd: until === end }
}
