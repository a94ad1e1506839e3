import { isExcludedGroup } from '../../gate/group-states.ts'
import type { Colour } from '../../model/colour.ts'
import { firstFive } from '../../model/error.ts'
import type { PartitionEnd } from '../../model/facts.ts'
import { type PartitionOffsets, parseTopicPartition } from '../../model/partition.ts'
import { consumersDefault } from '../../switchover/route-moves.ts'
import type { Execution } from '../execution.ts'

const listMs = 10_000

/**
 * Groups of a failover: what they had committed on the source can't be read. All read on the target from here on: from what they have committed there, or was written back of it, which lies before their place,
 * so that they read again and skip nothing; one without commits there begins where its application says (`auto.offset.reset`). Which ones is told and journaled.
 */
export async function groupsWithout(run: Execution, source: Colour, target: Colour): Promise<void> {
  const { groups } = run.ports.clusters[target]
  const deadline = run.untilLockLost(listMs, `the groups of ${target}`)
  const listed = (await groups.list(deadline)).map(({ groupId }) => groupId)
  const known = [...new Set([...listed, ...run.wiring.groups, ...Object.keys(run.route.groups)])].filter((groupId) => !isExcludedGroup(groupId)).sort()
  const committed = await groups.committedOfAll(known, deadline)
  const ends = await run.ports.clusters[target].logs.ends(run.wiring.topics, deadline)
  const bare = known.flatMap((groupId) => bareIn(groupId, committed.get(groupId) ?? new Map(), ends))
  const next = consumersDefault({ ...run.route, groups: {} }, target, run.term)
  const detail = `without ${source}: ${known.length} groups read on from what they have on ${target}${bare.length === 0 ? '' : `; nothing is there of ${firstFive(bare)}: with auto.offset.reset=latest they skip what ${target} holds`}`
  run.tell({ step: 'groups', text: detail })
  await run.record({ kind: 'step', step: 'groups', what: 'done', detail: `${detail}, epoch ${next.epoch}` }, next)
}

/** Where a group has no position: everywhere, or in partitions of a topic of which it has some others. */
function bareIn(groupId: string, committed: PartitionOffsets, ends: readonly PartitionEnd[]): readonly string[] {
  if (committed.size === 0) return [groupId]
  const topics = new Set([...committed.keys()].map((partition) => parseTopicPartition(partition).topic))
  const open = ends.filter(({ partition, logEndOffset }) => logEndOffset > 0n && topics.has(parseTopicPartition(partition).topic) && !committed.has(partition))
  return open.map(({ partition }) => `${groupId} in ${partition}`)
}
