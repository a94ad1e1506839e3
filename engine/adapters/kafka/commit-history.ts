import { KbgError } from '../../model/error.ts'
import { type PartitionOffsets, type TopicPartition, topicPartition } from '../../model/partition.ts'
import type { Deadline } from '../../ports/clock.ts'
import type { CommitsHow, PartitionEnd, RecordCopy } from '../../ports/cluster.ts'
import type { BrokerConnections } from './connections.ts'
import type { Leaders } from './leaders.ts'
import { readEnds } from './log-ends.ts'
import type { KafkaProducers } from './producers.ts'
import { copiesOf, type RecordBatch } from './record-batches.ts'
import { persistently } from './refusal.ts'
import { scanWith } from './scan.ts'

const offsetsTopic = '__consumer_offsets'
/** Offsets in the first look back from the end; each further one is four times as long. */
const firstLook = 1_000n

/** A marker is in the log some milliseconds after its transaction's end was answered; nothing tells when. */
const markerPauseMs = 20

/** A record of {@link offsetsTopic}, and whether a transaction wrote it. */
interface OffsetsRecord extends RecordCopy {
  readonly transactional: boolean
}

/**
 * How groups have committed last: by their coordinator's own log. Where no producer has state on a group's partition, nobody has committed there in a transaction for a day, and nothing is read;
 * elsewhere it is read backwards up to the newest commit of each group.
 */
export class CommitHistory {
  readonly #connections: BrokerConnections
  readonly #leaders: Leaders
  readonly #producers: KafkaProducers

  constructor(connections: BrokerConnections, leaders: Leaders, producers: KafkaProducers) {
    this.#connections = connections
    this.#leaders = leaders
    this.#producers = producers
  }

  /** @returns an entry for every asked group; `unknown` for those whose newest commit wasn't reached within the deadline */
  async of(groupIds: readonly string[], deadline: Deadline): Promise<ReadonlyMap<string, CommitsHow>> {
    const found = new Map<string, CommitsHow>(groupIds.map((groupId) => [groupId, 'plainly']))
    const partitions = await this.#partitions(deadline)
    if (partitions.length === 0) return found
    const byPartition = Map.groupBy(groupIds, (groupId) => topicPartition(offsetsTopic, coordinatingPartition(groupId, partitions.length)))
    const written = new Set((await this.#producers.states([...byPartition.keys()], deadline)).map(({ partition }) => partition))
    const read = [...byPartition].filter(([partition]) => written.has(partition))
    const ends = read.length === 0 ? new Map<TopicPartition, bigint>() : await this.#ends([...written], deadline)
    const looking = read.map(([partition, own]) => this.#lookBack(partition, ends.get(partition) ?? 0n, new Set(own), found, deadline))
    await Promise.all(looking.map((look) => look.catch(unlessLate)))
    return found
  }

  /** None where no group has ever committed: Kafka makes the topic for the first one. */
  #partitions(deadline: Deadline): Promise<readonly TopicPartition[]> {
    return persistently(deadline, () =>
      this.#leaders.partitionsOf([offsetsTopic], deadline).catch((thrown: unknown) => {
        if (thrown instanceof KbgError && thrown.code === 'unknown-topic') return []
        throw thrown
      }),
    )
  }

  async #lookBack(partition: TopicPartition, end: bigint, open: Set<string>, found: Map<string, CommitsHow>, deadline: Deadline): Promise<void> {
    for (const groupId of open) found.set(groupId, 'unknown')
    for (let [to, length] = [end, firstLook]; open.size > 0 && !deadline.over; length *= 4n) {
      const from = to > length ? to - length : 0n
      const scanned = await scanWith(offsetsRecords, this.#connections, this.#leaders, [{ partition, from, to }], deadline)
      const { records, logStartOffset } = scanned.get(partition) ?? { records: [], logStartOffset: 0n }
      for (const { key, value, transactional } of records.toReversed()) {
        const groupId = value === null ? null : committingGroup(key)
        if (groupId !== null && open.delete(groupId)) found.set(groupId, transactional ? 'in transactions' : 'plainly')
      }
      if (from <= logStartOffset) {
        for (const groupId of open) found.set(groupId, 'plainly') // it has no commit at all
        return
      }
      to = from
    }
  }

  /** Last stable offsets, once they have passed all that is written now: what a transaction that is ending has committed isn't visible before its marker is there. */
  async #ends(partitions: readonly TopicPartition[], deadline: Deadline): Promise<PartitionOffsets> {
    const written = new Map((await this.#read(partitions, deadline)).map((end) => [end.partition, end.highWatermark]))
    return await deadline.poll(markerPauseMs, async () => {
      const ends = await this.#read(partitions, deadline)
      const isPast = ends.every(({ partition, lastStableOffset }) => lastStableOffset >= (written.get(partition) ?? 0n))
      return isPast ? new Map(ends.map((end) => [end.partition, end.lastStableOffset])) : undefined
    })
  }

  #read(partitions: readonly TopicPartition[], deadline: Deadline): Promise<readonly PartitionEnd[]> {
    return persistently(deadline, async () => {
      const byLeader = await this.#leaders.byLeader(partitions, deadline)
      const ends = [...byLeader].map(async ([leader, own]) => readEnds(await this.#connections.broker(leader, deadline), own, deadline))
      return (await Promise.all(ends)).flat()
    })
  }
}

/** What wasn't found in time stays unknown. */
function unlessLate(thrown: unknown): void {
  if (!(thrown instanceof KbgError && thrown.code === 'deadline')) throw thrown
}

/** The partition whose leader coordinates a group: by Java's hash of its name without its sign, 0 where that has none (GroupCoordinator#partitionFor, Utils#abs). */
export function coordinatingPartition(groupId: string, count: number): number {
  let hash = 0
  for (let index = 0; index < groupId.length; index++) hash = (Math.imul(hash, 31) + groupId.charCodeAt(index)) | 0
  return hash === -(2 ** 31) ? 0 : Math.abs(hash) % count
}

/** The group of an offset commit's key: version 0 or 1, then the group's name; null for every other record. */
function committingGroup(key: Uint8Array | null): string | null {
  if (key === null || key.length < 4) return null
  const bytes = Buffer.from(key.buffer, key.byteOffset, key.length)
  const [version, length] = [bytes.readInt16BE(0), bytes.readInt16BE(2)]
  return version === 0 || version === 1 ? bytes.toString('utf8', 4, 4 + length) : null
}

function* offsetsRecords(batch: RecordBatch, from: bigint, to: bigint): Generator<OffsetsRecord> {
  for (const record of copiesOf(batch, from, to)) yield { ...record, transactional: batch.transactional }
}
