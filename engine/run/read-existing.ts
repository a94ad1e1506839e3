import { connectExisting, type ExistingAccess } from '../adapters/kafka/existing.ts'
import { isExcludedGroup } from '../gate/group-states.ts'
import { messageOf } from '../model/error.ts'
import type { ExistingCluster, ExistingGroup } from '../model/existing-cluster.ts'
import type { CommitsHow, GroupFacts } from '../model/facts.ts'
import { type PartitionOffsets, parseTopicPartition } from '../model/partition.ts'
import type { Reading } from '../model/snapshot.ts'
import type { Clock, Deadline } from '../ports/clock.ts'
import type { Cluster } from '../ports/cluster.ts'
import type { Progress } from './progress.ts'

/** Between the two looks at offsets that show a rate. */
const rateSampleMs = 5_000
/** How groups commit may take long to find; then it is unknown. */
const commitsMs = 10_000

/**
 * Reads an existing cluster: read-only, and as whoever `access` logs in as. What can't be read is a reading with its reason.
 *
 * @throws KbgError when nobody answers there, or its brokers or topics can't be read: then there is nothing to adopt
 */
export async function readExisting(access: ExistingAccess, clock: Clock, deadline: Deadline, tell: Progress): Promise<ExistingCluster> {
  const existing = await connectExisting(access, clock, deadline)
  const { cluster, clusterId } = existing
  try {
    const unspokenApis = await existing.unspokenApis(deadline)
    const topics = await cluster.inventory.topics(deadline)
    const partitions = topics.reduce((sum, topic) => sum + topic.partitions.length, 0)
    tell({ step: 'read', text: `${topics.length} topics with ${partitions} partitions; groups that read are looked at twice, ${rateSampleMs / 1_000} s apart` })
    const { inventory } = cluster
    const [brokers, settings, authorizers, quorum, acls, quotas, scramUsers, groups] = await Promise.all([
      existing.brokers(deadline), // not by the inventory, which also asks the quorum: one that can't be read is a shortcoming, and no reason to stop
      read(() => existing.settings(deadline)),
      read(() => inventory.authorizers(deadline)),
      read(() => inventory.quorum(deadline)),
      read(() => inventory.acls(deadline)),
      read(() => inventory.quotas(deadline)),
      read(() => inventory.scramUsers(deadline)),
      read(() => readGroups(cluster, new Set(topics.map(({ topic }) => topic)), clock, deadline)),
    ])
    const askedAs = access.login?.username ?? null
    return { clusterId, brokers, askedAs, unspokenApis, topics, settings, authorizers, quorum, acls, quotas, scramUsers, groups }
  } finally {
    await cluster.close()
  }
}

async function readGroups(cluster: Cluster, topics: ReadonlySet<string>, clock: Clock, deadline: Deadline): Promise<readonly ExistingGroup[]> {
  const listed = await cluster.groups.list(deadline)
  const groupIds = listed.map(({ groupId }) => groupId)
  const before = await cluster.groups.committedOfAll(groupIds, deadline)
  const startedMs = clock.monotonicMs()
  const moving = groupIds.filter((groupId) => !isExcludedGroup(groupId))
  const commits = await howTheyCommit(cluster, moving, deadline)
  // Where nobody reads there is no rate to wait for.
  if (listed.some(({ memberCount }) => memberCount > 0)) await clock.sleep(Math.max(0, rateSampleMs - (clock.monotonicMs() - startedMs)), deadline.cancelled)
  const after = await cluster.groups.committedOfAll(groupIds, deadline)
  const seconds = (clock.monotonicMs() - startedMs) / 1_000
  const watermarks = await watermarksOf(cluster, topics, after, deadline)
  return listed.map((group) => groupOf(group, { before, after, watermarks, seconds, commits }))
}

async function howTheyCommit(cluster: Cluster, groupIds: readonly string[], deadline: Deadline): Promise<ReadonlyMap<string, CommitsHow>> {
  const patience = deadline.within(Math.min(commitsMs, deadline.remainingMs() / 2), 'how groups commit')
  const reading = await read(() => cluster.groups.commitsHow(groupIds, patience))
  return reading.seen ? reading.value : new Map()
}

/** High watermarks of what groups read, as far as those topics are still there. */
async function watermarksOf(
  cluster: Cluster,
  topics: ReadonlySet<string>,
  committed: ReadonlyMap<string, PartitionOffsets>,
  deadline: Deadline,
): Promise<PartitionOffsets> {
  const read = new Set([...committed.values()].flatMap((offsets) => [...offsets.keys()].map((partition) => parseTopicPartition(partition).topic)))
  const ends = await cluster.logs.ends([...read.intersection(topics)], deadline)
  return new Map(ends.map(({ partition, highWatermark }) => [partition, highWatermark]))
}

interface Looks {
  readonly before: ReadonlyMap<string, PartitionOffsets>
  readonly after: ReadonlyMap<string, PartitionOffsets>
  readonly watermarks: PartitionOffsets
  readonly seconds: number
  readonly commits: ReadonlyMap<string, CommitsHow>
}

function groupOf(group: GroupFacts, { before, after, watermarks, seconds, commits }: Looks): ExistingGroup {
  const offsets = [...(after.get(group.groupId) ?? new Map<string, bigint>())]
  const former = before.get(group.groupId)
  const atLeastZero = (records: bigint) => Math.max(0, Number(records))
  const sum = (each: (partition: string, offset: bigint) => number) => offsets.reduce((all, [partition, offset]) => all + each(partition, offset), 0)
  return {
    ...group,
    topics: [...new Set(offsets.map(([partition]) => parseTopicPartition(partition).topic))].sort(),
    lagRecords: sum((partition, offset) => atLeastZero((watermarks.get(partition) ?? offset) - offset)),
    recordsPerSecond: sum((partition, offset) => atLeastZero(offset - (former?.get(partition) ?? offset))) / seconds,
    commits: commits.get(group.groupId) ?? 'unknown',
  }
}

async function read<T>(probe: () => Promise<T>): Promise<Reading<T>> {
  try {
    return { seen: true, value: await probe() }
  } catch (thrown) {
    return { seen: false, why: messageOf(thrown) }
  }
}
