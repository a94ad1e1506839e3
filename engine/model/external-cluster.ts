import { z } from 'zod'
import type { BrokerInventory } from './broker-inventory.ts'
import { Catalog } from './catalog.ts'
import { CaFile, ClusterUsers } from './cluster-access.ts'
import { Colour } from './colour.ts'
import { FleetName } from './fleet.ts'

const Servers = z.array(z.string().regex(/^.+:\d{1,5}$/, 'host:port')).min(1)

/** The mirror's worker keeps its own topics on the colour that it stands beside, with three replicas; so has the canary. */
export const leastBrokers = 3

/** How a cluster is reached that was there before: what a stack file says under `external`. */
export const ExternalAccess = z.strictObject({
  /** For operator and mirror, and for applications where they have no listeners of their own. */
  bootstrapServers: Servers,
  produceBootstrapServers: Servers.optional(),
  consumeBootstrapServers: Servers.optional(),
  /** File (mode 0600) with the passwords of {@link ClusterUsers} and of the catalog's users, by name. */
  credentialsFile: z.string().min(1),
  caFile: CaFile.optional(),
  users: ClusterUsers,
})
export type ExternalAccess = z.infer<typeof ExternalAccess>

/** A cluster that is adopted as a colour: nothing of it is made or ended here but this project's own topics and bindings. */
export const ExternalClusterSpec = z.strictObject({
  fleet: FleetName,
  colour: Colour,
  /** As it is declared: a broker tells what it speaks, not which release it is. */
  kafkaVersion: z.string().min(1),
  nodes: z.int().min(leastBrokers),
  external: ExternalAccess,
  /** What it has to hold: compared, never made. */
  catalog: Catalog,
})
export type ExternalClusterSpec = z.infer<typeof ExternalClusterSpec>

/** An adopted colour's brokers as the parity policies see them: what its stack file declares. The rest is unknown, because a checkout knows nothing of it. */
export function externalBrokers(
  declared: Pick<ExternalClusterSpec, 'kafkaVersion' | 'nodes'> & { readonly brokerConfig: Readonly<Record<string, string>> },
): BrokerInventory {
  return {
    platform: 'external',
    kafkaVersion: declared.kafkaVersion,
    count: declared.nodes,
    config: declared.brokerConfig,
    ...{ instanceClass: null, storage: null, storageBytes: null, promises: null, listeners: null, isLoopbackOnly: null, brokerIds: null, subnets: null },
  }
}
