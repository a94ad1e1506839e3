import type { ClusterAccess } from '../../model/cluster-access.ts'
import type { Clock, Deadline } from '../../ports/clock.ts'
import type { Cluster } from '../../ports/cluster.ts'
import { CommitHistory } from './commit-history.ts'
import { BrokerConnections } from './connections.ts'
import { DrillFence } from './drill-fence.ts'
import { AclFence } from './fence.ts'
import { KafkaGroups } from './groups.ts'
import { KafkaInventory } from './inventory.ts'
import { Leaders } from './leaders.ts'
import { KafkaLogs } from './logs.ts'
import { KafkaProducers } from './producers.ts'
import { drillScope, fleetScope, type Scope } from './scope.ts'
import { KafkaTransactions } from './transactions.ts'

/**
 * One colour's {@link Cluster} over Kafka's own protocol. Connections are made when they are first needed; `close` ends them.
 *
 * @param as `operator`, or `admin` before the SCRAM users exist; the fence's probe is always made by `probe`
 */
export function connectCluster(access: ClusterAccess, clock: Clock, as: 'operator' | 'admin' = 'operator', scope: Scope = fleetScope): Cluster {
  const parts = { connections: new BrokerConnections(access, as), probe: new BrokerConnections(access, 'probe') }
  return assembled(clock, parts, new AclFence(parts.connections, parts.probe), scope)
}

/** The same colour as a drill sees it: its own topics, group and fence. @param isStandby whether the fleet's own fence denies writes there */
export function connectDrillCluster(access: ClusterAccess, clock: Clock, isStandby: boolean): Cluster {
  const parts = { connections: new BrokerConnections(access, 'operator'), probe: new BrokerConnections(access, 'probe') }
  return assembled(clock, parts, new DrillFence(parts.connections, parts.probe, isStandby), drillScope)
}

/** A cluster that is no colour yet, to be read as whoever `connections` log in as. Nothing of it is fenced: its probe would be the same user. */
export function readingCluster(connections: BrokerConnections, clock: Clock): Cluster {
  return assembled(clock, { connections, probe: connections }, new AclFence(connections, connections), fleetScope)
}

interface Connected {
  readonly connections: BrokerConnections
  readonly probe: BrokerConnections
}

function assembled(clock: Clock, { connections, probe }: Connected, fence: AclFence | DrillFence, scope: Scope): Cluster {
  const leaders = new Leaders(connections)
  const producers = new KafkaProducers(connections, leaders)
  return {
    colour: connections.access.colour,
    inventory: new KafkaInventory(connections, scope),
    fence,
    logs: new KafkaLogs(connections, leaders),
    groups: new KafkaGroups(connections, new CommitHistory(connections, leaders, producers), scope),
    transactions: new KafkaTransactions(connections, producers, clock, scope),
    producers,
    warmUp: async (deadline: Deadline) => {
      await fence.warmUp(deadline)
      await leaders.learnAll(deadline)
    },
    close: async () => {
      connections.close()
      probe.close()
    },
  }
}
