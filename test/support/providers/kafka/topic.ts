import {
  alterPartitionReassignmentsV0,
  ConfigResourceTypes,
  ConfigSources,
  createPartitionsV3,
  createTopicsV7,
  deleteTopicsV6,
  describeConfigsV4,
  IncrementalAlterConfigOperationTypes,
  incrementalAlterConfigsV1,
  listPartitionReassignmentsV0,
  metadataV12,
} from '@platformatic/kafka'
import { z } from 'zod'
import { errorName, kafkaRefusal, requireNone } from '../../../../engine/adapters/kafka/refusal.ts'
import { KbgError } from '../../../../engine/model/error.ts'
import type { Deadline } from '../../../../engine/ports/clock.ts'
import type { Brokers } from './brokers.ts'
import type { ResourceType } from './resource.ts'

const schema = z.strictObject({
  name: z.string().min(1).max(249),
  partitions: z.number().int().positive(),
  replicationFactor: z.number().int().positive(),
  config: z.record(z.string(), z.string()).optional(),
})
type Topic = z.infer<typeof schema>

/** How often Kafka is asked whether a change has reached the broker that we ask: metadata spreads without a notification. */
const pauseMs = 50

/** `kafka.Topic`: partitions only grow in place, fewer partitions or another name are another topic. */
export const topic: ResourceType<Topic> = {
  token: 'kafka:index/topic:Topic',
  schema,
  autoNamed: 'name',
  secrets: [],
  id: (inputs) => inputs.name,
  replaces: (key, olds, news) => key === 'name' || (key === 'partitions' && news.partitions < olds.partitions),
  read: async (id, known, brokers, deadline) => {
    const partitions = await describePartitions(id, brokers, deadline)
    if (partitions === undefined) return undefined
    const config = await dynamicConfig(id, brokers, deadline)
    const declared = known.config !== undefined || Object.keys(config).length > 0
    return { name: id, partitions: partitions.length, replicationFactor: partitions[0]?.replicaNodes.length ?? 0, ...(declared ? { config } : {}) }
  },
  create: async (inputs, brokers, deadline) => {
    const configs = Object.entries(inputs.config ?? {}).map(([name, value]) => ({ name, value }))
    const wanted = { name: inputs.name, numPartitions: inputs.partitions, replicationFactor: inputs.replicationFactor, assignments: [], configs }
    const answer = await brokers.request('CreateTopics', createTopicsV7.api, [[wanted], timeoutOf(deadline), false], 'once', deadline)
    for (const result of answer.topics) requireNone(result.errorCode, `Can't create the topic ${inputs.name}.`, {}, result.errorMessage)
    await untilPartitions(inputs.name, inputs.partitions, brokers, deadline)
  },
  update: async (olds, news, brokers, deadline) => {
    if (news.partitions > olds.partitions) await addPartitions(news, brokers, deadline)
    if (news.replicationFactor !== olds.replicationFactor) await reassign(news, brokers, deadline)
    await alterConfig(news.name, olds.config ?? {}, news.config ?? {}, brokers, deadline)
  },
  delete: async (olds, brokers, deadline) => {
    const answer = await brokers.request('DeleteTopics', deleteTopicsV6.api, [[{ name: olds.name }], timeoutOf(deadline)], 'repeatable', deadline)
    for (const result of answer.responses) {
      if (errorName(result.errorCode) !== 'UNKNOWN_TOPIC_OR_PARTITION') {
        requireNone(result.errorCode, `Can't delete the topic ${olds.name}.`, {}, result.errorMessage)
      }
    }
    await deadline.poll(pauseMs, async () => ((await describePartitions(olds.name, brokers, deadline)) === undefined ? true : undefined))
  },
}

function timeoutOf(deadline: Deadline): number {
  return Math.max(1, Math.round(deadline.remainingMs()))
}

/** The partitions in order; undefined when there is no such topic. */
async function describePartitions(name: string, brokers: Brokers, deadline: Deadline) {
  const answer = await brokers.request('Metadata', metadataV12.api, [[name], false, false], 'none', deadline)
  const found = answer.topics[0]
  if (found === undefined || errorName(found.errorCode) === 'UNKNOWN_TOPIC_OR_PARTITION') return undefined
  requireNone(found.errorCode, `Can't describe the topic ${name}.`)
  return found.partitions
}

async function untilPartitions(name: string, count: number, brokers: Brokers, deadline: Deadline): Promise<void> {
  await deadline.poll(pauseMs, async () => {
    const partitions = await describePartitions(name, brokers, deadline)
    return partitions?.length === count && partitions.every((partition) => partition.leaderId >= 0) ? true : undefined
  })
}

async function addPartitions(news: Topic, brokers: Brokers, deadline: Deadline): Promise<void> {
  const wanted = { name: news.name, count: news.partitions, assignments: null }
  const answer = await brokers.request('CreatePartitions', createPartitionsV3.api, [[wanted], timeoutOf(deadline), false], 'once', deadline)
  for (const result of answer.results) requireNone(result.errorCode, `Can't add partitions to the topic ${news.name}.`, {}, result.errorMessage)
  await untilPartitions(news.name, news.partitions, brokers, deadline)
}

/** The configs that were set on the topic itself, not those of the broker. */
async function dynamicConfig(name: string, brokers: Brokers, deadline: Deadline): Promise<Record<string, string>> {
  const resource = { resourceType: ConfigResourceTypes.TOPIC, resourceName: name, configurationKeys: null }
  const answer = await brokers.request('DescribeConfigs', describeConfigsV4.api, [[resource], false, false], 'none', deadline)
  const [result] = answer.results
  if (result === undefined) throw kafkaRefusal(`Can't describe the configs of the topic ${name}.`, -1)
  requireNone(result.errorCode, `Can't describe the configs of the topic ${name}.`, {}, result.errorMessage)
  return Object.fromEntries(
    result.configs.filter((each) => each.configSource === ConfigSources.DYNAMIC_TOPIC_CONFIG).map((each) => [each.name, each.value ?? '']),
  )
}

/** Sets what is wanted and removes what was declared and no longer is; configs that nobody declared stay. */
async function alterConfig(name: string, olds: Record<string, string>, news: Record<string, string>, brokers: Brokers, deadline: Deadline): Promise<void> {
  const { SET, DELETE } = IncrementalAlterConfigOperationTypes
  const set = Object.entries(news).filter(([key, value]) => olds[key] !== value)
  const removed = Object.keys(olds).filter((key) => !(key in news))
  if (set.length + removed.length === 0) return
  const configs = [
    ...set.map(([key, value]) => ({ name: key, configOperation: SET, value })),
    ...removed.map((key) => ({ name: key, configOperation: DELETE })),
  ]
  const resource = { resourceType: ConfigResourceTypes.TOPIC, resourceName: name, configs }
  const answer = await brokers.request('IncrementalAlterConfigs', incrementalAlterConfigsV1.api, [[resource], false], 'repeatable', deadline)
  for (const result of answer.responses) requireNone(result.errorCode, `Can't alter the configs of the topic ${name}.`, {}, result.errorMessage)
  await deadline.poll(pauseMs, async () => {
    const now = await dynamicConfig(name, brokers, deadline)
    return set.every(([key, value]) => now[key] === value) && removed.every((key) => !(key in now)) ? true : undefined
  })
}

/** Gives every partition the wanted number of replicas: the present ones first, then brokers round-robin. Waits until they are copied. */
async function reassign(news: Topic, brokers: Brokers, deadline: Deadline): Promise<void> {
  const metadata = await brokers.request('Metadata', metadataV12.api, [[news.name], false, false], 'none', deadline)
  const brokerIds = metadata.brokers.map((broker) => broker.nodeId).sort((a, b) => a - b)
  if (brokerIds.length < news.replicationFactor) {
    throw new KbgError('replication-factor', `The topic ${news.name} can't have more replicas than there are brokers.`, {
      facts: { observed: brokerIds.length, required: news.replicationFactor },
    })
  }
  const partitions = (metadata.topics[0]?.partitions ?? []).map((partition) => {
    const others = [...brokerIds.slice(partition.partitionIndex % brokerIds.length), ...brokerIds].filter((id) => !partition.replicaNodes.includes(id))
    return { partitionIndex: partition.partitionIndex, replicas: [...partition.replicaNodes, ...new Set(others)].slice(0, news.replicationFactor) }
  })
  const wanted = [{ name: news.name, partitions }]
  const answer = await brokers.request(
    'AlterPartitionReassignments',
    alterPartitionReassignmentsV0.api,
    [timeoutOf(deadline), true, wanted],
    'repeatable',
    deadline,
  )
  for (const result of answer.responses.flatMap((response) => response.partitions)) {
    requireNone(result.errorCode, `Can't change the replicas of the topic ${news.name}.`, { partition: result.partitionIndex }, result.errorMessage)
  }
  const listed = [{ name: news.name, partitionIndexes: partitions.map((partition) => partition.partitionIndex) }]
  await deadline.poll(pauseMs, async () => {
    const open = await brokers.request('ListPartitionReassignments', listPartitionReassignmentsV0.api, [timeoutOf(deadline), listed], 'none', deadline)
    return open.topics.length === 0 ? true : undefined
  })
}
