import { otherColour } from '../../model/colour.ts'
import { messageOf } from '../../model/error.ts'
import type { GroupPosition } from '../../model/journal.ts'
import { type PartitionOffsets, topicPartition } from '../../model/partition.ts'
import { groupRoute, type RouteDocument } from '../../model/route.ts'
import type { Deadline } from '../../ports/clock.ts'
import type { Ports } from '../ports.ts'

/** What one round works with. */
export interface Round {
  readonly ports: Pick<Ports, 'clusters' | 'audit'>
  readonly route: RouteDocument
  /** The catalog's groups; those that the route names are added. */
  readonly groups: readonly string[]
  /** Whether the route is still the one of this round: looked at right before each commit. */
  readonly isCurrent: () => boolean
}

/** What became of a group in a round; groups whose copy is right already aren't told. */
export type WrittenBack =
  | { readonly groupId: string; readonly partitions: number }
  /** Not this time: a later round tries again. */
  | { readonly groupId: string; readonly refused: string }

/**
 * Writes the positions that groups have committed on the standby to the live side, through the inverse of the offset map, so that losing the standby means
 * seconds of records read again. A group whose positions can't all be proven now is left as it is.
 *
 * @throws KbgError when a colour or the audit can't be asked
 */
export async function writeBackOnce({ ports, route, groups, isCurrent }: Round, deadline: Deadline): Promise<readonly WrittenBack[]> {
  const { clusters, audit } = ports
  const standby = otherColour(route.live)
  const reads = (groupId: string) => groupRoute(route, groupId).colour === standby && groupRoute(route, groupId).state === 'running'
  const wanted = [...new Set([...groups, ...Object.keys(route.groups)])].filter(reads)
  if (route.state !== 'open' || audit === null || wanted.length === 0) return []
  const committed = await offsetsOf(wanted, (groupId) => clusters[standby].groups.committed(groupId, deadline))
  const positions = Map.groupBy(await audit.translate(standby, committed, null, deadline), ({ groupId }) => groupId)
  const outcomes: WrittenBack[] = []
  for (const groupId of committed.keys()) {
    const found = positionsToWrite(positions.get(groupId) ?? [])
    if (typeof found === 'string') {
      outcomes.push({ groupId, refused: found })
      continue
    }
    const there = await clusters[route.live].groups.committed(groupId, deadline)
    const changed = new Map([...found].filter(([partition, offset]) => there.get(partition) !== offset))
    if (changed.size === 0) continue
    if (!isCurrent()) return outcomes // a hold was published: what is committed from now on is the mover's
    try {
      await clusters[route.live].groups.commit(groupId, changed, deadline)
      outcomes.push({ groupId, partitions: changed.size })
    } catch (thrown) {
      outcomes.push({ groupId, refused: messageOf(thrown) })
    }
  }
  return outcomes
}

/** Groups that have committed something. */
async function offsetsOf(groups: readonly string[], read: (groupId: string) => Promise<PartitionOffsets>): Promise<ReadonlyMap<string, PartitionOffsets>> {
  const all = await Promise.all(groups.map(async (groupId) => [groupId, await read(groupId)] as const))
  return new Map(all.filter(([, offsets]) => offsets.size > 0))
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
