import { otherColour } from '../../model/colour.ts'
import { KbgError, messageOf } from '../../model/error.ts'
import type { GroupPosition } from '../../model/journal.ts'
import { type PartitionOffsets, topicPartition } from '../../model/partition.ts'
import type { RouteDocument } from '../../model/route.ts'
import type { Deadline } from '../../ports/clock.ts'
import type { Ports } from '../ports.ts'

/** What one round works with. */
export interface Round {
  readonly ports: Pick<Ports, 'clusters' | 'audit'>
  readonly route: RouteDocument
  /** Whether the route is still the one of this round: looked at right before each commit. */
  readonly isCurrent: () => boolean
}

/** What became of a group in a round; groups whose copy is right already aren't told. */
export type WrittenBack =
  | { readonly groupId: string; readonly partitions: number }
  /** Not this time: a later round tries again. */
  | { readonly groupId: string; readonly refused: string /** The commit was sent, and may land yet. */; readonly mayLand?: true }

/**
 * Writes the positions that groups have committed on the standby to the live side, through the inverse of the offset map, so that losing the standby means
 * seconds of records read again. A group whose positions can't all be proven now is left as it is.
 *
 * @throws KbgError when the audit can't be asked
 */
export async function writeBackOnce({ ports, route, isCurrent }: Round, deadline: Deadline): Promise<readonly WrittenBack[]> {
  const { clusters, audit } = ports
  const standby = otherColour(route.live)
  // Only what the route says of a group by name: in the middle of a switchover everybody reads on what is the standby by then, and is about to be moved.
  const wanted = Object.entries(route.groups).flatMap(([groupId, { colour, state }]) => (colour === standby && state === 'running' ? [groupId] : []))
  if (route.state !== 'open' || audit === null || wanted.length === 0) return []
  const [there, kept] = await Promise.all(
    [standby, route.live].map((colour) => offsetsOf(wanted, (groupId) => clusters[colour].groups.committed(groupId, deadline))),
  )
  const committed = new Map([...(there?.read ?? [])].filter(([, offsets]) => offsets.size > 0))
  const positions = Map.groupBy(committed.size === 0 ? [] : await audit.translate(standby, committed, null, deadline), ({ groupId }) => groupId)
  const outcomes = await Promise.all(
    [...committed.keys()].map(async (groupId): Promise<WrittenBack | null> => {
      const found = positionsToWrite(positions.get(groupId) ?? [])
      const old = kept?.read.get(groupId)
      if (typeof found === 'string' || old === undefined) return { groupId, refused: typeof found === 'string' ? found : (kept?.refused.get(groupId) ?? '') }
      const changed = new Map([...found].filter(([partition, offset]) => old.get(partition) !== offset))
      // Behind a published hold what is committed is the mover's.
      if (changed.size === 0 || !isCurrent()) return null
      return await written(() => clusters[route.live].groups.commit(groupId, changed, deadline), groupId, changed.size)
    }),
  )
  return [...[...(there?.refused ?? [])].map(([groupId, refused]) => ({ groupId, refused })), ...outcomes.filter((outcome) => outcome !== null)]
}

async function written(commit: () => Promise<void>, groupId: string, partitions: number): Promise<WrittenBack> {
  try {
    await commit()
    return { groupId, partitions }
  } catch (thrown) {
    return { groupId, refused: messageOf(thrown), ...(thrown instanceof KbgError && thrown.code === 'outcome-unknown' ? { mayLand: true } : {}) }
  }
}

/** The offsets of each group, or why they couldn't be read: one whose coordinator is away holds up nobody. */
async function offsetsOf(groups: readonly string[], read: (groupId: string) => Promise<PartitionOffsets>) {
  const found = new Map<string, PartitionOffsets>()
  const refused = new Map<string, string>()
  await Promise.all(
    groups.map((groupId) =>
      read(groupId).then(
        (offsets) => found.set(groupId, offsets),
        (thrown: unknown) => refused.set(groupId, messageOf(thrown)),
      ),
    ),
  )
  return { read: found, refused }
}

/** The offsets of a whole group, or why one of them isn't proven. */
function positionsToWrite(positions: readonly GroupPosition[]): PartitionOffsets | string {
  const open = positions.find(({ verdict }) => verdict === 'not provable')
  if (open !== undefined) return `${open.topic}-${open.partition}: ${open.reason}`
  return new Map(
    positions.flatMap(({ topic, partition, targetOffset }) =>
      targetOffset === null ? [] : [[topicPartition(topic, partition), BigInt(targetOffset)] as const],
    ),
  )
}
