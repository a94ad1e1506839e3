/** Committed offsets as other client libraries write and read them: with leader epochs, metadata, and -1. */
import { offsetCommitV9, offsetFetchV9 } from '@platformatic/kafka'
import { BrokerConnections } from '../../../engine/adapters/kafka/connections.ts'
import { Coordinators } from '../../../engine/adapters/kafka/coordinators.ts'
import type { ClusterAccess } from '../../../engine/model/cluster-access.ts'
import type { Deadline } from '../../../engine/ports/clock.ts'

/** One committed offset of one partition, as it stands in the request. */
export interface RawOffset {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
  readonly leaderEpoch: number
  readonly metadata: string
}

/** As which member a commit is sent. */
export interface RawMember {
  readonly generationId: number
  readonly memberId: string
  readonly groupInstanceId: string | null
}

const nobody: RawMember = { generationId: -1, memberId: '', groupInstanceId: null }

/** Commits for an empty group, or as a member of it. @returns the error code of each partition */
export async function commitRaw(
  access: ClusterAccess,
  groupId: string,
  offsets: readonly RawOffset[],
  deadline: Deadline,
  { generationId, memberId, groupInstanceId }: RawMember = nobody,
): Promise<readonly number[]> {
  const topics = [...Map.groupBy(offsets, ({ topic }) => topic)].map(([name, partitions]) => ({
    name,
    partitions: partitions.map(({ partition, offset, leaderEpoch, metadata }) => ({
      ...{ partitionIndex: partition, committedOffset: offset, committedLeaderEpoch: leaderEpoch, committedMetadata: metadata },
    })),
  }))
  return await asked(access, async (coordinators) =>
    coordinators.ask(groupId, deadline, async (coordinator) => {
      const answer = await coordinator.request(
        'OffsetCommit',
        offsetCommitV9.api,
        [groupId, generationId, memberId, groupInstanceId, topics],
        'repeatable',
        deadline,
      )
      return answer.topics.flatMap(({ partitions }) => partitions.map(({ errorCode }) => errorCode))
    }),
  )
}

/** Everything that a group has committed. */
export async function fetchRaw(access: ClusterAccess, groupId: string, deadline: Deadline): Promise<readonly RawOffset[]> {
  return await asked(access, async (coordinators) =>
    coordinators.ask(groupId, deadline, async (coordinator) => {
      const groups = [{ groupId, memberId: null, memberEpoch: -1, topics: null as never }] // null: every partition with an offset
      const answer = await coordinator.request('OffsetFetch', offsetFetchV9.api, [groups, true], 'none', deadline)
      return (answer.groups[0]?.topics ?? []).flatMap(({ name, partitions }) =>
        partitions.map(({ partitionIndex, committedOffset, committedLeaderEpoch, metadata }) => ({
          ...{ topic: name, partition: partitionIndex, offset: committedOffset, leaderEpoch: committedLeaderEpoch, metadata: metadata ?? '' },
        })),
      )
    }),
  )
}

async function asked<T>(access: ClusterAccess, work: (coordinators: Coordinators) => Promise<T>): Promise<T> {
  const connections = new BrokerConnections(access, 'operator')
  try {
    return await work(new Coordinators(connections, 'group'))
  } finally {
    connections.close()
  }
}
