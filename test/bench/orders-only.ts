import { join } from 'node:path'
import { Catalog } from '../../engine/model/catalog.ts'
import { loadCatalog } from '../../infra/catalog.ts'
import { projectDir } from '../../tools/paths.ts'
import type { Filling } from './audit/fill.ts'

/** The checkout's users and rights, with a single topic, which the bench fills. Its replication factor is 1: what is measured is how much it holds. */
export function ordersOnly({ topic, partitions }: Pick<Filling, 'topic' | 'partitions'>): Catalog {
  const { users, acls } = loadCatalog(join(projectDir, 'catalog.yaml'))
  const wanted = acls.filter(({ resourceType, resourceName }) => resourceType !== 'Topic' || resourceName === topic)
  return Catalog.parse({ topics: { [topic]: { partitions, replicationFactor: 1 } }, users, acls: wanted })
}
