import { isExcludedGroup } from '../../gate/group-states.ts'
import type { Colour } from '../../model/colour.ts'
import { firstFive } from '../../model/error.ts'
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
  const bare = known.filter((groupId) => (committed.get(groupId)?.size ?? 0) === 0)
  const next = consumersDefault({ ...run.route, groups: {} }, target, run.term)
  const detail = `without ${source}: ${known.length - bare.length} groups read on from what they have on ${target}${bare.length === 0 ? '' : `; nothing is there of ${firstFive(bare)}`}`
  run.tell({ step: 'groups', text: detail })
  await run.record({ kind: 'step', step: 'groups', what: 'done', detail: `${detail}, epoch ${next.epoch}` }, next)
}
