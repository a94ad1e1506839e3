import type { metadataV12 } from '@platformatic/kafka'
import { KbgError } from '../../model/error.ts'
import type { FetchHost } from './leader-fetcher.ts'
import type { ReadingPartition } from './reading-partition.ts'
import { errorName, kafkaRefusal } from './refusal.ts'

type Host = Pick<FetchHost, 'arrived' | 'refused' | 'gone' | 'clock'>
type Topic = metadataV12.MetadataResponseTopic

/** Gives a partition its leader, as Metadata names it, or tells the host why it has none: not elected yet, one of an epoch that is over, another topic of that name, no such topic, not allowed. */
export function settleLeader(state: ReadingPartition, topic: Topic | undefined, host: Host): void {
  const code = topic?.errorCode ?? 0
  const partition = topic?.partitions.find((one) => one.partitionIndex === state.index)
  if (code !== 0 && errorName(code) !== 'UNKNOWN_TOPIC_OR_PARTITION') refuse(state, kafkaRefusal(`No metadata of ${state.topic}.`, code), host)
  else if (topic && code === 0 && state.topicId !== undefined && state.topicId !== topic.topicId) host.gone(state, recreated(state, topic.topicId))
  else if (!topic || !partition) host.gone(state, unknown(state))
  else if (partition.leaderId < 0) host.refused(state, kafkaRefusal(`${state.partition} has no leader.`, leaderNotAvailable))
  else if (isStale(state, partition.leaderEpoch, host.clock.monotonicMs())) host.refused(state, stale(state, partition.leaderEpoch))
  else {
    state.topicId = topic.topicId
    state.newestEpoch = partition.leaderEpoch
    state.leader = { brokerId: partition.leaderId, epoch: partition.leaderEpoch }
  }
}

const leaderNotAvailable = 5
/** Brokers learn of an election within moments. When all of them still know of no epoch as new as the saved one, the log isn't the one that was read, and its leader says so. */
const savedEpochForMs = 3_000

/** What this reading has seen itself is never taken back; what was saved may be of a cluster that was restored since. */
function isStale({ newestEpoch, options, trouble }: ReadingPartition, epoch: number, nowMs: number): boolean {
  const isSavedNewer = epoch < (options.epoch ?? epoch)
  return epoch < newestEpoch || (isSavedNewer && nowMs - (trouble?.sinceMs ?? nowMs) < savedEpochForMs)
}

function refuse(state: ReadingPartition, error: KbgError, host: Host): void {
  if (error.retriable) host.refused(state, error)
  else {
    state.end(error)
    host.arrived(state)
  }
}

function unknown(state: ReadingPartition): KbgError {
  return new KbgError('unknown-topic', `There is no ${state.partition}.`, { facts: { missing: state.partition } })
}

/** A broker that hasn't heard of the last election names the leader before it, who may not have heard either and would confirm its own log (KIP-320). */
function stale(state: ReadingPartition, observed: number): KbgError {
  return new KbgError('kafka', `The metadata of ${state.partition} is stale: it names a leader whose epoch is over.`, {
    retriable: true,
    facts: { observed, required: `at least ${Math.max(state.newestEpoch, state.options.epoch ?? 0)}` },
  })
}

function recreated(state: ReadingPartition, observed: string): KbgError {
  return new KbgError('topic-recreated', `${state.topic} was deleted and made again: its offsets mean other records now.`, {
    facts: { observed, required: state.topicId ?? 'none' },
    remedy: 'Compare it from its beginning.',
  })
}
