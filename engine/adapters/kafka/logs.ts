import { KbgError } from '../../model/error.ts'
import { type PartitionOffsets, parseTopicPartition, type TopicPartition } from '../../model/partition.ts'
import type { Deadline } from '../../ports/clock.ts'
import type { Logs, PartitionEnd, RecordCopy, VisibleRecord, WriterFacts } from '../../ports/cluster.ts'
import type { BrokerConnection } from './broker-connection.ts'
import type { BrokerConnections } from './connections.ts'
import type { Leaders } from './leaders.ts'
import { readEnds } from './log-ends.ts'
import { type ProduceAnswer, produceCopies, produceOne } from './produce.ts'
import { type BatchWriter, copiesOf, writerOf } from './record-batches.ts'
import { persistently, requireNone } from './refusal.ts'
import { type Scanned, type Stretch, scan, scanWith } from './scan.ts'

/** {@link Logs} by ListOffsets and Fetch, read_committed. */
export class KafkaLogs implements Logs {
  readonly #connections: BrokerConnections
  readonly #leaders: Leaders

  constructor(connections: BrokerConnections, leaders: Leaders) {
    this.#connections = connections
    this.#leaders = leaders
  }

  ends(topics: readonly string[], deadline: Deadline): Promise<readonly PartitionEnd[]> {
    return this.#withLeaders(deadline, async () => {
      const byLeader = await this.#leaders.byLeader(await this.#leaders.partitionsOf(topics, deadline), deadline)
      const ends = [...byLeader].map(async ([leader, partitions]) => readEnds(await this.#connections.broker(leader, deadline), partitions, deadline))
      return (await Promise.all(ends)).flat()
    })
  }

  async visible(partition: TopicPartition, from: bigint, to: bigint, deadline: Deadline): Promise<readonly VisibleRecord[]> {
    const scanned = await scan(this.#connections, this.#leaders, [{ partition, from, to }], deadline)
    return scanned.get(partition)?.records ?? []
  }

  async lastVisible(partition: TopicPartition, end: bigint, count: number, deadline: Deadline): Promise<readonly VisibleRecord[]> {
    const found = await this.lastVisibleOfAll(new Map([[partition, end]]), count, deadline)
    return found.get(partition) ?? []
  }

  async lastVisibleOfAll(ends: PartitionOffsets, count: number, deadline: Deadline): Promise<ReadonlyMap<TopicPartition, readonly VisibleRecord[]>> {
    const found = new Map<TopicPartition, readonly VisibleRecord[]>([...ends.keys()].map((partition) => [partition, []]))
    let open: readonly Stretch[] = [...ends].map(([partition, end]) => ({ partition, from: atLeastZero(end - firstStep(count)), to: end }))
    while (open.length > 0) {
      const scanned = await scan(this.#connections, this.#leaders, open, deadline)
      for (const { partition } of open) found.set(partition, [...(scanned.get(partition)?.records ?? []), ...(found.get(partition) ?? [])].slice(-count))
      open = open.flatMap((stretch) => earlier(stretch, found.get(stretch.partition)?.length ?? 0, count, scanned.get(stretch.partition)))
    }
    return found
  }

  async append(partition: TopicPartition, value: string, deadline: Deadline): Promise<bigint> {
    const { topic } = parseTopicPartition(partition)
    if (!topic.startsWith('kbg.')) {
      throw new KbgError('foreign-topic', `Won't append to ${partition}.`, { facts: { required: "a topic of this project's own, kbg.*" } })
    }
    return await this.#appended(partition, (broker) => produceOne(broker, [partition], value, 'once', deadline), deadline)
  }

  async copies(partition: TopicPartition, from: bigint, to: bigint, deadline: Deadline): Promise<readonly RecordCopy[]> {
    const scanned = await scanWith(copiesOf, this.#connections, this.#leaders, [{ partition, from, to }], deadline)
    return scanned.get(partition)?.records ?? []
  }

  async appendCopies(partition: TopicPartition, records: readonly RecordCopy[], deadline: Deadline): Promise<bigint> {
    return await this.#appended(partition, (broker) => produceCopies(broker, partition, records, deadline), deadline)
  }

  async writers(partition: TopicPartition, from: bigint, to: bigint, deadline: Deadline): Promise<readonly WriterFacts[]> {
    const scanned = await scanWith(writerOf, this.#connections, this.#leaders, [{ partition, from, to }], deadline)
    const byProducer = Map.groupBy(scanned.get(partition)?.records ?? [], ({ producerId, producerEpoch }) => `${producerId} ${producerEpoch}`)
    return [...byProducer.values()].flatMap(oneWriter)
  }

  #appended(partition: TopicPartition, send: (broker: BrokerConnection) => Promise<readonly ProduceAnswer[]>, deadline: Deadline): Promise<bigint> {
    return this.#withLeaders(deadline, async () => {
      const [leader] = (await this.#leaders.byLeader([partition], deadline)).keys()
      const [answer] = await send(await this.#connections.broker(leader ?? -1, deadline))
      if (!answer) throw new KbgError('kafka', `The broker said nothing about the record for ${partition}.`, { facts: { error: 'NONE' } })
      requireNone(answer.errorCode, `Can't append to ${partition}.`)
      return answer.offset
    })
  }

  #withLeaders<T>(deadline: Deadline, attempt: () => Promise<T>): Promise<T> {
    return persistently(deadline, async () => {
      try {
        return await attempt()
      } catch (thrown) {
        if (thrown instanceof KbgError && thrown.retriable) this.#leaders.forget()
        throw thrown
      }
    })
  }
}

/** The batches of one producer id and epoch, in order, as one. */
function oneWriter(batches: readonly BatchWriter[]): readonly WriterFacts[] {
  const last = batches.at(-1)
  if (last === undefined) return []
  const { producerId, producerEpoch, baseSequence, maxTimestamp, transactional } = last
  const known = producerId < 0n ? { producerId: null, lastSequence: -1 } : { producerId, lastSequence: baseSequence }
  return [{ ...known, producerEpoch, lastTimestamp: maxTimestamp, transactional, records: batches.reduce((sum, batch) => sum + batch.records, 0) }]
}

function atLeastZero(offset: bigint): bigint {
  return offset < 0n ? 0n : offset
}

/** Some more than wanted, since commit markers take offsets too. */
function firstStep(count: number): bigint {
  return BigInt(count) * 2n + 8n
}

/** The stretch before one that held too few visible records; four times as long, so that a long run of aborted records takes few rounds. Empty at the log's start. */
function earlier(stretch: Stretch, found: number, count: number, scanned: Scanned | undefined): readonly Stretch[] {
  const start = scanned?.logStartOffset ?? 0n
  if (found >= count || stretch.from <= start) return []
  const length = (stretch.to - stretch.from) * 4n
  const from = stretch.from - length
  return [{ partition: stretch.partition, from: from < start ? start : from, to: stretch.from }]
}
