/** MirrorMaker's own translation of groups on a pair: the product's connector made to emit offset syncs, a MirrorCheckpointConnector beside it, and their topics. */
import { z } from 'zod'
import { ConnectRest } from '../../../engine/adapters/connect/connect-rest.ts'
import { KbgError } from '../../../engine/model/error.ts'
import { connectorConfig, type KafkaProperties } from '../../../engine/model/mirror-template.ts'
import { type TopicPartition, topicPartition } from '../../../engine/model/partition.ts'
import { Deadline, systemClock } from '../../../engine/ports/clock.ts'
import { mirrorRecord } from '../../../engine/switchover/journal-reading.ts'
import type { Pair } from '../../support/pair.ts'
import { restWorker } from '../../support/rest-worker.ts'
import { interrupted } from '../harness/index.ts'
import { readTopic, withAdmin } from './read-topic.ts'

/** A position as MirrorMaker's checkpoint task told it last. */
export interface ToldCheckpoint {
  /** The committed offset that it is of. */
  readonly upstreamOffset: bigint
  readonly downstreamOffset: bigint
}

/** By group and partition. */
export type ToldCheckpoints = ReadonlyMap<string, ReadonlyMap<TopicPartition, ToldCheckpoint>>

/** How often checkpoints are made and group offsets written to the target, in seconds: the shortest that MirrorMaker takes (its defaults are 60). */
const everySeconds = 1
const checkpointConnector = 'bench-checkpoints'
const checkpointsTopic = 'blue.checkpoints.internal'
const offsetSyncsTopic = 'mm2-offset-syncs.green.internal'
const statePollMs = 100
const within = (seconds: number, what: string) => new Deadline(systemClock, seconds * 1_000, what, interrupted)

/** Has MirrorMaker translate these groups from blue to green, every second. */
export async function startCheckpoints(pair: Pair, groupIds: readonly string[]): Promise<void> {
  await emitOffsetSyncs(pair, true)
  const { clusters, workers, topics } = pair.wiring
  const template = connectorConfig({ source: clusters.blue, target: clusters.green, worker: restWorker({ workers }, 'green'), topics })
  const connection = Object.entries(template).filter(([key]) => /^(source|target)\.cluster\.|^replication\.policy|^topics/.test(key))
  await putConfig(pair, checkpointConnector, {
    ...Object.fromEntries(connection),
    'connector.class': 'org.apache.kafka.connect.mirror.MirrorCheckpointConnector',
    'tasks.max': '1',
    groups: groupIds.join(','),
    'emit.checkpoints.interval.seconds': String(everySeconds),
    'refresh.groups.interval.seconds': String(everySeconds),
    'sync.group.offsets.enabled': 'true',
    'sync.group.offsets.interval.seconds': String(everySeconds),
    'checkpoints.topic.replication.factor': '3',
  })
}

/** Waits until mirror and checkpoints run on the worker, as after its restart. */
export async function untilBothRun(pair: Pair): Promise<void> {
  for (const name of [await mirrorName(pair), checkpointConnector]) await untilRunning(pair, name)
}

/** Ends MirrorMaker's translation and removes what it left: its topics and the offsets that it wrote, which a gate would refuse. */
export async function endCheckpoints(pair: Pair, groupIds: readonly string[]): Promise<void> {
  const deadline = within(90, "MirrorMaker's translation to be removed")
  await pair.ports.mirrors.blue.delete(checkpointConnector, deadline)
  await emitOffsetSyncs(pair, false)
  await withAdmin(pair.wiring.clusters.green, deadline, (admin) => admin.deleteTopics({ topics: [checkpointsTopic] }))
  await withAdmin(pair.wiring.clusters.blue, deadline, (admin) => admin.deleteTopics({ topics: [offsetSyncsTopic] }))
  for (const groupId of groupIds) await pair.ports.clusters.green.groups.deleteGroup(groupId, deadline)
}

/** The last checkpoint of every group and partition. */
export async function readCheckpoints(pair: Pair): Promise<ToldCheckpoints> {
  const last = new Map<string, Map<TopicPartition, ToldCheckpoint>>()
  const take = (_: TopicPartition, { key, value }: { readonly key: Buffer | null; readonly value: Buffer | null }): void => {
    if (key === null || value === null) return // a tombstone: none of these groups was deleted
    const { groupId, partition, checkpoint } = decodeCheckpoint(key, value)
    const own = last.get(groupId) ?? new Map<TopicPartition, ToldCheckpoint>()
    last.set(groupId, own.set(partition, checkpoint))
  }
  await readTopic(pair.wiring.clusters.green, checkpointsTopic, take, within(60, "MirrorMaker's checkpoints"))
  return last
}

/**
 * One record of the checkpoints topic (`org.apache.kafka.connect.mirror.Checkpoint`): the key is group, topic and partition; the value a version, the offset on the
 * source, the one on the target, and the commit's metadata.
 */
export function decodeCheckpoint(key: Buffer, value: Buffer): { groupId: string; partition: TopicPartition; checkpoint: ToldCheckpoint } {
  const version = value.readInt16BE(0)
  if (version !== 0) throw new KbgError('bench', "MirrorMaker's checkpoints have another form.", { facts: { observed: version, required: 0 } })
  const groupBytes = key.readInt16BE(0)
  const topicAt = 2 + groupBytes
  const topicBytes = key.readInt16BE(topicAt)
  const partitionAt = topicAt + 2 + topicBytes
  return {
    groupId: key.toString('utf8', 2, topicAt),
    partition: topicPartition(key.toString('utf8', topicAt + 2, partitionAt), key.readInt32BE(partitionAt)),
    checkpoint: { upstreamOffset: value.readBigInt64BE(2), downstreamOffset: value.readBigInt64BE(10) },
  }
}

/** Turns the offset syncs of the product's own mirror on or off: all else of it stays as it is. */
async function emitOffsetSyncs(pair: Pair, emit: boolean): Promise<void> {
  const name = await mirrorName(pair)
  const { config } = await pair.ports.mirrors.blue.facts(name, within(20, `the configuration of ${name}`))
  const others = Object.entries(config).filter(([key]) => !key.startsWith('offset-syncs.'))
  const syncs = emit ? { 'offset-syncs.topic.replication.factor': '3' } : {}
  await putConfig(pair, name, { ...Object.fromEntries(others), 'emit.offset-syncs.enabled': String(emit), ...syncs })
}

async function mirrorName(pair: Pair): Promise<string> {
  const name = mirrorRecord(await pair.ports.store.history(within(20, 'the journal')), 'blue')?.connector
  if (name === undefined) throw new KbgError('bench', 'There is no mirror blue -> green.')
  return name
}

async function putConfig(pair: Pair, name: string, config: KafkaProperties): Promise<void> {
  const request = { method: 'PUT', path: `/connectors/${name}/config`, body: JSON.stringify(config), refusal: `Can't configure connector ${name}.` } as const
  await new ConnectRest(restWorker(pair.wiring, 'green')).ask(request, z.object({ name: z.literal(name) }), within(60, `connector ${name} to be configured`))
  await untilRunning(pair, name)
}

async function untilRunning(pair: Pair, name: string): Promise<void> {
  const deadline = within(60, `connector ${name} to run`)
  await deadline.poll(statePollMs, async () => {
    const { state, tasks } = await pair.ports.mirrors.blue.facts(name, deadline)
    const failed = tasks.find((task) => task.state === 'FAILED')
    if (failed) throw new KbgError('bench', `Connector ${name} failed.`, { facts: { trace: failed.trace } })
    return state === 'RUNNING' && tasks.length > 0 && tasks.every((task) => task.state === 'RUNNING') ? true : undefined
  })
}
