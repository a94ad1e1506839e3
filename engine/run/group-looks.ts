import type { GroupLook } from '../analysis/group-pace.ts'
import type { Colour } from '../model/colour.ts'
import type { Deadline } from '../ports/clock.ts'
import type { Ports } from './ports.ts'

/**
 * One look at how far groups are on a colour: members, committed offsets, and with an audit what they have still to read. A group that has committed nothing counts from 0.
 *
 * @throws KbgError when the colour's groups or the audit can't be asked
 */
export async function groupLooks(
  ports: Pick<Ports, 'clusters' | 'audit' | 'clock'>,
  colour: Colour,
  groupIds: readonly string[],
  deadline: Deadline,
): Promise<ReadonlyMap<string, GroupLook>> {
  const { clusters, audit, clock } = ports
  const { groups } = clusters[colour]
  const [listed, committed] = await Promise.all([groups.list(deadline), groups.committedOfAll(groupIds, deadline)])
  const translated = audit === null ? [] : await audit.translate(colour, committed, null, deadline)
  const positions = Map.groupBy(translated, ({ groupId }) => groupId)
  const lagOf = (groupId: string) => {
    const own = positions.get(groupId) ?? []
    return own.length === 0 || own.some(({ lagRecords }) => lagRecords === null) ? null : own.reduce((sum, { lagRecords }) => sum + (lagRecords ?? 0), 0)
  }
  const members = new Map(listed.map(({ groupId, memberCount }) => [groupId, memberCount]))
  const atMs = clock.monotonicMs()
  return new Map(
    [...committed].map(([groupId, offsets]) => {
      const sum = [...offsets.values()].reduce((all, offset) => all + offset, 0n)
      return [groupId, { atMs, members: members.get(groupId) ?? 0, committed: sum, lagRecords: lagOf(groupId) }]
    }),
  )
}
