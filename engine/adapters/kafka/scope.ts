import { drillConnectorPrefix, drillGroup, isDrillTopic } from '../../model/drill.ts'
import type { AclBinding } from '../../ports/cluster.ts'

/** What of a colour somebody sees. A drill and its fleet stand on the same brokers, and neither is to meet what is the other's. */
export interface Scope {
  topic(name: string): boolean
  /** @param type as ListGroups says it */
  group(groupId: string, type: string): boolean
  transactionalId(id: string): boolean
  binding(binding: AclBinding): boolean
}

const isDrillBinding = ({ resourceType, resourceName }: AclBinding) => resourceType === 'topic' && isDrillTopic(resourceName)

/** Everything but a drill's. Its mirror's transactions are seen: they take part in nothing that a fleet waits for. */
export const fleetScope: Scope = {
  topic: (name) => !isDrillTopic(name),
  group: (groupId) => groupId !== drillGroup,
  transactionalId: () => true,
  binding: (binding) => !isDrillBinding(binding),
}

/** {@link fleetScope} where MSK Connect names its workers' groups as it likes: they have no positions, and are known by their type alone. */
export const mskConnectScope: Scope = { ...fleetScope, group: (groupId, type) => type !== 'connect' && fleetScope.group(groupId, type) }

/** A drill's only. */
export const drillScope: Scope = {
  topic: isDrillTopic,
  group: (groupId) => groupId === drillGroup,
  transactionalId: (id) => id.includes(`-${drillConnectorPrefix}`),
  binding: isDrillBinding,
}
