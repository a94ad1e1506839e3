import { GroupMember, type GroupShare } from '../../adapters/audit/group-member.ts'
import { BrokerConnections } from '../../adapters/kafka/connections.ts'
import { type AuditWorkerConfig, auditGroupId } from '../../model/audit-worker.ts'
import { KbgError, messageOf } from '../../model/error.ts'
import { parseTopicPartition, type TopicPartition } from '../../model/partition.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Share } from './worker.ts'

/** A share that ends with its worker. */
export interface JoinedShare extends Share {
  /** Gives it to the other workers, whether or not this one has been stopped before. */
  leave(): Promise<void>
}

/** One declared worker has every partition, without a group: nothing to share, and one thing less that can fail. More share them as members of a consumer group on blue. */
export function joinShare(config: AuditWorkerConfig, clock: Clock, tell: (line: string) => void, onChange: () => void, stop: AbortSignal): JoinedShare {
  if (config.workers === 1) return { isMine: () => true, leave: async () => undefined }
  let share: GroupShare | null = null
  const connections = new BrokerConnections(config.clusters.blue, config.as)
  const member = new GroupMember(connections, auditGroupId(config.fleet), clock, tell, (given) => {
    share = given
    onChange()
  })
  const leaving = new AbortController()
  const running = member.run(AbortSignal.any([stop, leaving.signal]))
  return {
    isMine: (partition) => share !== null && isInShare(partition, share),
    leave: async () => {
      leaving.abort(new KbgError('closed', 'The audit worker leaves its group.'))
      await running
      await member.leave().catch((thrown: unknown) => tell(`the group could not be left, its session will end: ${messageOf(thrown)}`))
      connections.close()
    },
  }
}

/** Whether a partition belongs to that place: the same on every worker, a topic's partitions spread evenly, and no partition moves because another topic comes. */
export function isInShare(name: TopicPartition, { index, of }: GroupShare): boolean {
  const { topic, partition } = parseTopicPartition(name)
  let hash = 0
  for (const byte of new TextEncoder().encode(topic)) hash = (Math.imul(hash, 31) + byte) >>> 0
  return (hash + partition) % of === index
}
