import type { StaticMember } from '../model/facts.ts'
import type { ClientRegistration } from '../model/route.ts'

/**
 * Which static members of a held group may be removed by hand (pure): those whose own client says that it has left.
 *
 * A static member (`group.instance.id`, KIP-345) doesn't leave when its consumer closes, so the group isn't Empty before the session timeout. Whether such a member
 * still works can't be seen from outside. So a member goes only if a consumer of this group is registered under its instance id, as `instanceId` itself or as
 * `<client id>-<group>-<instance id>`, and has acknowledged the hold: it has committed, stopped, and will join again wherever the route sends it. A member that no
 * registration names stays, and so does its group, until the session timeout or the next try. A registration that has ended says nothing: the process may
 * have lost the route store and go on reading.
 *
 * @param heldEpoch the epoch in which the group was held
 */
export function removableMembers(
  members: readonly StaticMember[],
  clients: readonly ClientRegistration[],
  groupId: string,
  heldEpoch: number,
): readonly StaticMember[] {
  const own = clients.filter((client) => client.kind === 'consumer' && client.groupId === groupId)
  return members.filter(({ groupInstanceId }) => {
    const named = own.filter(({ instanceId, clientId }) => instanceId === groupInstanceId || instanceId === `${clientId}-${groupId}-${groupInstanceId}`)
    return named.length > 0 && named.every(({ ackedEpoch, state }) => ackedEpoch >= heldEpoch && state === 'held')
  })
}
