/** What the owners of a plain cluster have made on it before anybody adopts it: a catalog's topics, users and bindings, and groups that have committed. */
import { createAcls, createTopics, upsertScramUsers } from '../../../engine/adapters/kafka/admin.ts'
import { connectCluster } from '../../../engine/adapters/kafka/cluster.ts'
import type { Catalog } from '../../../engine/model/catalog.ts'
import type { ClusterAccess } from '../../../engine/model/cluster-access.ts'
import { topicPartition } from '../../../engine/model/partition.ts'
import { Deadline, systemClock } from '../../../engine/ports/clock.ts'
import { binding } from '../pair.ts'
import { type PlainCluster, plainUsers } from './plain-cluster.ts'
import { demoLoad } from './profile.ts'

const within = (seconds: number) => new Deadline(systemClock, seconds * 1_000, 'a cluster to be filled')

/** How its owners reach it. */
export function accessOfPlain({ clusterId, bootstrapServers, credentialsFile }: PlainCluster): ClusterAccess {
  const servers = [...bootstrapServers]
  const addresses = { internalBootstrapServers: servers, produceBootstrapServers: servers, consumeBootstrapServers: servers }
  return { colour: 'blue', clusterId, kafkaVersion: '3.9.2', credentialsFile, users: plainUsers, ...addresses }
}

/** Every group has committed the first offset of what it reads in {@link demoLoad}. @param passwords of the catalog's users */
export async function fillPlainCluster(theirs: PlainCluster, catalog: Catalog, passwords: Readonly<Record<string, string>>): Promise<void> {
  const access = accessOfPlain(theirs)
  const topics = Object.entries(catalog.topics).map(([topic, { partitions, replicationFactor, config }]) => ({ topic, partitions, replicationFactor, config }))
  await createTopics(access, topics, within(60))
  await upsertScramUsers(access, passwords, within(20))
  await createAcls(access, catalog.acls.map(binding), within(20))
  const cluster = connectCluster(access, systemClock)
  try {
    for (const groupId of Object.keys(catalog.groups)) {
      const read = demoLoad(1, 0).groups.find((group) => group.groupId === groupId)?.topics ?? []
      const partitions = read.flatMap((topic) => Array.from({ length: catalog.topics[topic]?.partitions ?? 0 }, (_, each) => topicPartition(topic, each)))
      await cluster.groups.commit(groupId, new Map(partitions.map((partition) => [partition, 0n])), within(20))
    }
  } finally {
    await cluster.close()
  }
}
