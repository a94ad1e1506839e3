import type { ClusterAccess } from '../../model/cluster-access.ts'
import type { Clock, Deadline } from '../../ports/clock.ts'
import type { Cluster } from '../../ports/cluster.ts'
import { BrokerConnections } from './connections.ts'
import { AclFence } from './fence.ts'
import { KafkaGroups } from './groups.ts'
import { KafkaInventory } from './inventory.ts'
import { Leaders } from './leaders.ts'
import { KafkaLogs } from './logs.ts'
import { KafkaTransactions } from './transactions.ts'

/**
 * One colour's {@link Cluster} over Kafka's own protocol. Connections are made when they are first needed; `close` ends them.
 *
 * @param as `operator`, or `admin` before the SCRAM users exist; the fence's probe is always made by `probe`
 */
export function connectCluster(access: ClusterAccess, clock: Clock, as: 'operator' | 'admin' = 'operator'): Cluster {
  const connections = new BrokerConnections(access, as)
  const probe = new BrokerConnections(access, 'probe')
  const leaders = new Leaders(connections)
  const fence = new AclFence(connections, probe)
  return {
    colour: access.colour,
    inventory: new KafkaInventory(connections),
    fence,
    logs: new KafkaLogs(connections, leaders),
    groups: new KafkaGroups(connections),
    transactions: new KafkaTransactions(connections, clock),
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
