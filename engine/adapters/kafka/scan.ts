import { KbgError } from '../../model/error.ts'
import type { TopicPartition } from '../../model/partition.ts'
import type { Deadline } from '../../ports/clock.ts'
import type { VisibleRecord } from '../../ports/cluster.ts'
import type { BrokerConnections } from './connections.ts'
import { type FetchedPartition, type FetchPosition, fetchV12 } from './fetch.ts'
import type { Leaders } from './leaders.ts'
import { readStarts } from './log-ends.ts'
import { committedBatches, type RecordBatch, recordsOf, wholeBatches } from './record-batches.ts'
import { errorName, persistently, requireNone } from './refusal.ts'

/** Part of a partition to be read: `from <= offset < to`. */
export interface Stretch {
  readonly partition: TopicPartition
  readonly from: bigint
  readonly to: bigint
}

/** What was read of a {@link Stretch}. */
export interface Scanned<Read = VisibleRecord> {
  readonly records: readonly Read[]
  /** The first offset that the log still had. */
  readonly logStartOffset: bigint
}

/** Bytes of one Fetch, all partitions together: bounds memory, beside the records that are returned. */
const maxBytesPerFetch = 8 * 1024 * 1024
const maxBytesPerPartition = 2 * 1024 * 1024

/** What is made of a batch's records with `from <= offset < to`. */
type Decode<Read> = (batch: RecordBatch, from: bigint, to: bigint) => Iterable<Read>

interface Progress<Read> {
  readonly to: bigint
  next: bigint
  done: boolean
  logStartOffset: bigint
  readonly records: Read[]
}

/** {@link scanWith} digests. */
export function scan(
  connections: BrokerConnections,
  leaders: Leaders,
  stretches: readonly Stretch[],
  deadline: Deadline,
): Promise<ReadonlyMap<TopicPartition, Scanned>> {
  return scanWith(recordsOf, connections, leaders, stretches, deadline)
}

/**
 * The visible records of each stretch, in order: aborted ones and control records left out, and nothing at or beyond the last stable offset. What retention has deleted is skipped; `logStartOffset` tells.
 *
 * One Fetch for each leader and round. @throws KbgError `kafka`, `unknown-topic`, `deadline`
 */
export async function scanWith<Read>(
  decode: Decode<Read>,
  connections: BrokerConnections,
  leaders: Leaders,
  stretches: readonly Stretch[],
  deadline: Deadline,
): Promise<ReadonlyMap<TopicPartition, Scanned<Read>>> {
  const progress = new Map<TopicPartition, Progress<Read>>()
  for (const { partition, from, to } of stretches) progress.set(partition, { to, next: from, done: from >= to, logStartOffset: 0n, records: [] })
  const round = async (): Promise<void> => {
    try {
      for (;;) {
        const open = [...progress.keys()].filter((partition) => !progress.get(partition)?.done)
        if (open.length === 0) return
        deadline.check()
        const byLeader = await leaders.byLeader(open, deadline)
        await Promise.all([...byLeader].map(([leader, partitions]) => fetchFrom(decode, connections, leader, partitions, progress, deadline)))
      }
    } catch (thrown) {
      if (thrown instanceof KbgError && thrown.retriable) leaders.forget()
      throw thrown
    }
  }
  await persistently(deadline, round)
  return new Map([...progress].map(([partition, { records, logStartOffset }]) => [partition, { records, logStartOffset }]))
}

async function fetchFrom<Read>(
  decode: Decode<Read>,
  connections: BrokerConnections,
  leader: number,
  partitions: readonly TopicPartition[],
  progress: ReadonlyMap<TopicPartition, Progress<Read>>,
  deadline: Deadline,
): Promise<void> {
  const broker = await connections.broker(leader, deadline)
  const positions: FetchPosition[] = partitions.map((partition) => ({ partition, offset: progress.get(partition)?.next ?? 0n, maxBytes: maxBytesPerPartition }))
  const answer = await broker.request('Fetch', fetchV12, [positions, maxBytesPerFetch], 'none', deadline)
  requireNone(answer.errorCode, `Can't read from broker ${leader}.`)
  const outOfRange = answer.partitions.filter((partition) => errorName(partition.errorCode) === 'OFFSET_OUT_OF_RANGE').map(({ partition }) => partition)
  const starts = outOfRange.length > 0 ? await readStarts(broker, outOfRange, deadline) : new Map<TopicPartition, bigint>()
  let advanced = false
  for (const fetched of answer.partitions) {
    const state = progress.get(fetched.partition)
    if (!state) continue
    const before = state.next
    const start = starts.get(fetched.partition)
    if (start === undefined) take(decode, fetched, state)
    else skipTo(start, state)
    advanced ||= state.done || state.next > before
  }
  // A throttled fetch comes back empty: the same question a moment later gets an answer.
  if (!advanced) throw new KbgError('no-progress', `Broker ${leader} returned no records before the end.`, { retriable: true, facts: { partitions } })
}

/** The log starts later than where reading began, or ends before it. */
function skipTo(start: bigint, state: Progress<unknown>): void {
  state.logStartOffset = start
  if (state.next < start) state.next = start
  else state.done = true // beyond the log's end there is nothing
  if (state.next >= state.to) state.done = true
}

function take<Read>(decode: Decode<Read>, fetched: FetchedPartition, state: Progress<Read>): void {
  requireNone(fetched.errorCode, `Can't read ${fetched.partition}.`)
  state.logStartOffset = fetched.logStartOffset
  const from = state.next
  const batches = [...wholeBatches(fetched.records)]
  for (const batch of committedBatches(batches, fetched.aborted)) {
    for (const record of decode(batch, from, state.to)) state.records.push(record)
  }
  const last = batches.at(-1)
  if (last && last.lastOffset >= state.next) state.next = last.lastOffset + 1n
  state.done = state.next >= state.to || state.next >= fetched.lastStableOffset
}
