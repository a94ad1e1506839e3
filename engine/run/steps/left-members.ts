import type { Colour } from '../../model/colour.ts'
import { firstFive } from '../../model/error.ts'
import type { ClientRegistration } from '../../model/route.ts'
import type { Deadline } from '../../ports/clock.ts'
import { removableMembers } from '../../switchover/static-members.ts'
import type { Execution } from '../execution.ts'

/** Static members whose clients have acknowledged the hold would keep their group from being Empty until their session timeout; see {@link removableMembers}. */
export async function removeLeftMembers(
  run: Execution,
  source: Colour,
  groupId: string,
  clients: readonly ClientRegistration[],
  heldEpoch: number,
  deadline: Deadline,
): Promise<void> {
  if (!clients.some((client) => client.kind === 'consumer' && client.groupId === groupId && client.ackedEpoch >= heldEpoch)) return
  const { groups: port } = run.ports.clusters[source]
  const members = removableMembers(await port.staticMembers(groupId, deadline), clients, groupId, heldEpoch)
  if (members.length === 0) return
  await port.removeStaticMembers(groupId, members, deadline)
  run.tell({ step: 'groups', text: `${groupId}: removed static members that have left: ${firstFive(members.map(({ groupInstanceId }) => groupInstanceId))}` })
}
