/** A static member as Java's consumer leaves it behind: joined with an instance id, then closed without a LeaveGroup (KIP-345). No library of this project's leaves it so. */
import { joinGroupV9, syncGroupV5 } from '@platformatic/kafka'
import { BrokerConnections } from '../../engine/adapters/kafka/connections.ts'
import { Coordinators } from '../../engine/adapters/kafka/coordinators.ts'
import { requireNone } from '../../engine/adapters/kafka/refusal.ts'
import type { ClusterAccess } from '../../engine/model/cluster-access.ts'
import type { Deadline } from '../../engine/ports/clock.ts'

/** ConsumerProtocolSubscription and ConsumerProtocolAssignment, version 0: no topics, no user data. */
const nothing = Buffer.from([0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff])
const sessionMs = 120_000

/** Joins, takes its assignment, and goes without a word. @returns its member id */
export async function leaveStaticMember(access: ClusterAccess, groupId: string, instanceId: string, deadline: Deadline): Promise<string> {
  const connections = new BrokerConnections(access, 'operator')
  try {
    return await new Coordinators(connections, 'group').ask(groupId, deadline, async (coordinator) => {
      const protocols = [{ name: 'range', metadata: nothing }]
      const joined = await coordinator.request(
        'JoinGroup',
        joinGroupV9.api,
        [groupId, sessionMs, 10_000, '', instanceId, 'consumer', protocols],
        'repeatable',
        deadline,
      )
      requireNone(joined.errorCode, `${instanceId} can't join ${groupId}.`)
      const assignments = joined.leader === joined.memberId && !joined.skipAssignment ? [{ memberId: joined.memberId, assignment: nothing }] : []
      const own = [groupId, joined.generationId, joined.memberId, instanceId, 'consumer', 'range', assignments] as const
      const synced = await coordinator.request('SyncGroup', syncGroupV5.api, [...own], 'repeatable', deadline)
      requireNone(synced.errorCode, `${instanceId} can't take its assignment of ${groupId}.`)
      return joined.memberId
    })
  } finally {
    connections.close()
  }
}
