import { type Colour, colours } from '../../../engine/model/colour.ts'
import { type TopicPartition, topicPartition } from '../../../engine/model/partition.ts'
import type { EventOf, History } from '../../../test/support/history/index.ts'
import { wholeHistory } from '../../../test/support/history/truncated.ts'

/** The visible records of one partition of one colour, as it was read whole when the run was over; the arrays are parallel. */
export interface WholeLog {
  /** Ascending. */
  readonly offsets: readonly bigint[]
  /** Value ids: each record of a run has one of its own. */
  readonly ids: readonly string[]
  /** The records' own timestamps; null: they were not kept. */
  readonly timestampsMs: readonly number[] | null
}

/** Both colours, read whole. */
export type WholeLogs = Readonly<Record<Colour, ReadonlyMap<TopicPartition, WholeLog>>>

interface OpenLog {
  readonly offsets: bigint[]
  readonly ids: string[]
  readonly timestampsMs: number[]
  hasTimestamps: boolean
}

/**
 * What the whole reads of both colours found. The histories of clients are left unread.
 *
 * @throws KbgError `history-truncated`
 */
export function readWholeLogs(histories: Iterable<History>): WholeLogs {
  const open: Record<Colour, Map<TopicPartition, OpenLog>> = { blue: new Map(), green: new Map() }
  for (const history of histories) readOne(history, open)
  const [blue, green] = colours.map((colour) => new Map([...open[colour]].map(([partition, log]) => [partition, closed(log)])))
  return { blue: blue ?? new Map(), green: green ?? new Map() }
}

function readOne(history: History, open: Record<Colour, Map<TopicPartition, OpenLog>>): void {
  for (const event of wholeHistory(history)) {
    if (event.type === 'start' && event.role.kind !== 'fullReader') return
    if (event.type === 'finalRead') take(event, open[event.colour])
  }
}

function take({ topic, partition, firstOffset, offsetDeltas, values, timestampsMs }: EventOf<'finalRead'>, logs: Map<TopicPartition, OpenLog>): void {
  const name = topicPartition(topic, partition)
  const log = logs.get(name) ?? { offsets: [], ids: [], timestampsMs: [], hasTimestamps: true }
  logs.set(name, log)
  const first = BigInt(firstOffset)
  for (const [index, id] of values.entries()) {
    log.offsets.push(first + BigInt(offsetDeltas[index] ?? 0))
    log.ids.push(id)
    log.timestampsMs.push(timestampsMs?.[index] ?? 0)
  }
  if (timestampsMs?.length !== values.length) log.hasTimestamps = false
}

function closed({ offsets, ids, timestampsMs, hasTimestamps }: OpenLog): WholeLog {
  return { offsets, ids, timestampsMs: hasTimestamps ? timestampsMs : null }
}

/** How many visible records stand before an offset; the place of the first one at or behind it. */
export function recordsBefore({ offsets }: WholeLog, offset: bigint): number {
  let [low, high] = [0, offsets.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((offsets[middle] ?? offset) < offset) low = middle + 1
    else high = middle
  }
  return low
}
