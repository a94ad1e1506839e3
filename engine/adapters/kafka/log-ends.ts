import { listOffsetsV9 } from '@platformatic/kafka'
import { KbgError } from '../../model/error.ts'
import { parseTopicPartition, type TopicPartition, topicPartition } from '../../model/partition.ts'
import type { Deadline } from '../../ports/clock.ts'
import type { PartitionEnd } from '../../ports/cluster.ts'
import type { BrokerConnection } from './broker-connection.ts'
import { requireNone } from './refusal.ts'

const latest = -1n
const earliest = -2n
const readUncommitted = 0
const readCommitted = 1
const consumer = -1
/** A replica id that is neither a consumer's nor a broker's: `latest` is then the leader's log end, records beyond the high watermark included (Kafka's FUTURE_LOCAL_REPLICA_ID). */
const beyondHighWatermark = -3

interface Offset {
  readonly offset: bigint
  readonly leaderEpoch: number
}

/**
 * The ends of partitions that this broker leads: four ListOffsets, pipelined, so that it costs one round trip.
 *
 * They are answered in this order: start, last stable offset, high watermark, log end. None of the last three can shrink, and each is at most the next one, so when the first equals the last
 * all three were equal in between.
 * @throws KbgError `kafka` (NOT_LEADER_OR_FOLLOWER and the like are retriable); `leader-changed` (retriable) when the answers are of different leader epochs
 */
export async function readEnds(
  broker: Pick<BrokerConnection, 'request'>,
  partitions: readonly TopicPartition[],
  deadline: Deadline,
): Promise<readonly PartitionEnd[]> {
  const ask = (replicaId: number, isolation: number, timestamp: bigint) => readOffsets(broker, partitions, replicaId, isolation, timestamp, deadline)
  const [starts, stable, watermarks, ends] = await Promise.all([
    ask(consumer, readUncommitted, earliest),
    ask(consumer, readCommitted, latest),
    ask(consumer, readUncommitted, latest),
    ask(beyondHighWatermark, readUncommitted, latest),
  ])
  return partitions.map((partition) => {
    const [start, lastStable, highWatermark, logEnd] = [starts, stable, watermarks, ends].map((answers) => required(answers, partition))
    if (!start || !lastStable || !highWatermark || !logEnd) throw unanswered(partition)
    if (lastStable.leaderEpoch !== highWatermark.leaderEpoch || highWatermark.leaderEpoch !== logEnd.leaderEpoch) throw leaderChanged(partition)
    return {
      partition,
      leaderEpoch: logEnd.leaderEpoch,
      logStartOffset: start.offset,
      logEndOffset: logEnd.offset,
      highWatermark: highWatermark.offset,
      lastStableOffset: lastStable.offset,
    }
  })
}

/** The first offset that each partition still has. */
export async function readStarts(
  broker: Pick<BrokerConnection, 'request'>,
  partitions: readonly TopicPartition[],
  deadline: Deadline,
): Promise<ReadonlyMap<TopicPartition, bigint>> {
  const answers = await readOffsets(broker, partitions, consumer, readUncommitted, earliest, deadline)
  return new Map(partitions.map((partition) => [partition, required(answers, partition).offset]))
}

async function readOffsets(
  broker: Pick<BrokerConnection, 'request'>,
  partitions: readonly TopicPartition[],
  replicaId: number,
  isolation: number,
  timestamp: bigint,
  deadline: Deadline,
): Promise<ReadonlyMap<TopicPartition, Offset>> {
  const topics = [...Map.groupBy(partitions.map(parseTopicPartition), (parts) => parts.topic)].map(([name, parts]) => ({
    name,
    partitions: parts.map(({ partition }) => ({ partitionIndex: partition, currentLeaderEpoch: -1, timestamp })),
  }))
  const answer = await broker.request('ListOffsets', listOffsetsV9.api, [replicaId, isolation, topics], 'none', deadline)
  const offsets = new Map<TopicPartition, Offset>()
  for (const topic of answer.topics) {
    for (const { partitionIndex, errorCode, offset, leaderEpoch } of topic.partitions) {
      const partition = topicPartition(topic.name, partitionIndex)
      requireNone(errorCode, `Can't read the ends of ${partition}.`)
      offsets.set(partition, { offset, leaderEpoch })
    }
  }
  return offsets
}

function required(answers: ReadonlyMap<TopicPartition, Offset>, partition: TopicPartition): Offset {
  const answer = answers.get(partition)
  if (!answer || answer.offset < 0n) throw unanswered(partition)
  return answer
}

function unanswered(partition: TopicPartition): KbgError {
  return new KbgError('kafka', `The broker said nothing about the end of ${partition}.`, { facts: { error: 'NONE' } })
}

function leaderChanged(partition: TopicPartition): KbgError {
  return new KbgError('leader-changed', `The leader of ${partition} changed while its ends were read.`, { retriable: true })
}
