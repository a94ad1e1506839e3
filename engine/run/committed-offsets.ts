import { messageOf } from '../model/error.ts'
import type { PartitionOffsets } from '../model/partition.ts'
import type { Reading } from '../model/snapshot.ts'
import type { Deadline } from '../ports/clock.ts'
import type { Groups } from '../ports/cluster.ts'

/** OffsetFetches in flight: enough to keep three coordinators busy, few enough for a thousand groups. */
const groupsAtOnce = 32

/** What each group has committed, or why that couldn't be read: one that can't be read hides no other. */
export async function committedOffsets(
  groups: Pick<Groups, 'committed'>,
  groupIds: readonly string[],
  deadline: Deadline,
): Promise<ReadonlyMap<string, Reading<PartitionOffsets>>> {
  const found = new Map<string, Reading<PartitionOffsets>>()
  const waiting = [...groupIds]
  const worker = async () => {
    for (let groupId = waiting.shift(); groupId !== undefined; groupId = waiting.shift()) found.set(groupId, await read(groups, groupId, deadline))
  }
  await Promise.all(Array.from({ length: groupsAtOnce }, worker))
  return found
}

async function read(groups: Pick<Groups, 'committed'>, groupId: string, deadline: Deadline): Promise<Reading<PartitionOffsets>> {
  try {
    return { seen: true, value: await groups.committed(groupId, deadline) }
  } catch (thrown) {
    return { seen: false, why: messageOf(thrown) }
  }
}
