/** How a colour becomes fenced before anybody can use it. */
import { type RouteAtBirth, reasonsToLeaveOpen } from '../../model/birth.ts'
import { type ClusterAccess, platformUsers } from '../../model/cluster-access.ts'
import { KbgError } from '../../model/error.ts'
import type { Deadline } from '../../ports/clock.ts'
import type { AclBinding, BrokerProbe } from '../../ports/cluster.ts'
import { canaryTopics, createAcls, createTopics, describeBinding } from './admin.ts'
import { BrokerConnections } from './connections.ts'
import { AclFence, fenceBindings } from './fence.ts'
import { KafkaInventory } from './inventory.ts'
import { persistently } from './refusal.ts'
import { fleetScope } from './scope.ts'

function allow(principal: string, resourceType: AclBinding['resourceType'], resourceName: string, operation: string): AclBinding {
  return { principal: `User:${principal}`, host: '*', resourceType, resourceName, patternType: 'literal', operation, permission: 'allow' }
}

const forEverybody = allow('*', 'cluster', 'kafka-cluster', 'IdempotentWrite')

/** The probe may write everywhere, so that only a fence refuses it; everybody may get a producer id, so that producers warm up on a fenced standby. */
export const birthGrants: readonly AclBinding[] = [
  allow(platformUsers.probe, 'topic', '*', 'Write'),
  allow(platformUsers.probe, 'topic', '*', 'Describe'),
  forEverybody,
]

/**
 * Fences a colour that somebody else has made, before its applications can log in: what the platform's own birth does there, by the operator's login.
 *
 * Once and never again: the rights that come with the fence in one request stay when it is lifted, so a colour that has them was born, may be live, and is left as it is.
 * @param brokers how many have to refuse
 * @throws KbgError `kafka`, `outcome-unknown`, `not-fenced`, `deadline`
 */
export async function fenceAtBirth(access: ClusterAccess, brokers: number, deadline: Deadline): Promise<'fenced' | 'born before'> {
  if (holds(await bindingsOf(access, deadline), [forEverybody])) return 'born before'
  await createAcls(access, [...fenceBindings, ...birthGrants], deadline, 'operator')
  await requireFenced(access, brokers, deadline)
  return 'fenced'
}

/** What a colour came to at its birth. */
export type Birth = { readonly became: 'fenced' | 'born before' } | { readonly became: 'left open'; readonly because: readonly string[] }

/**
 * Makes a colour of a cluster that was provisioned elsewhere, by the operator's login: the canary topics, the fence, and the rights that come with it, which stay and say that it was born. One that
 * may be in use ({@link reasonsToLeaveOpen}) gets the same without the fence.
 *
 * Nothing is changed on a colour that was born before. Where its fence still stands every broker is heard to refuse, since an earlier run may have ended before that.
 * @param brokers how many have to refuse
 * @param said what the fleet's route says of it
 * @throws KbgError `kafka`, `outcome-unknown`, `not-fenced`, `deadline`
 */
export async function bearColour(access: ClusterAccess, brokers: number, said: RouteAtBirth, deadline: Deadline): Promise<Birth> {
  const there = await bindingsOf(access, deadline)
  if (holds(there, [forEverybody])) {
    if (holds(there, fenceBindings)) await requireFenced(access, brokers, deadline)
    return { became: 'born before' }
  }
  const because = reasonsToLeaveOpen(said, there)
  // First the topics: what says that a colour was born is the last that it gets.
  await createTopics(access, canaryTopics(brokers), deadline)
  await createAcls(access, because.length > 0 ? birthGrants : [...fenceBindings, ...birthGrants], deadline, 'operator')
  if (because.length > 0) return { became: 'left open', because }
  await requireFenced(access, brokers, deadline)
  return { became: 'fenced' }
}

async function bindingsOf(access: ClusterAccess, deadline: Deadline): Promise<readonly AclBinding[]> {
  const connections = new BrokerConnections(access, 'operator')
  try {
    return await new KafkaInventory(connections, fleetScope).acls(deadline)
  } finally {
    connections.close()
  }
}

function holds(there: readonly AclBinding[], wanted: readonly AclBinding[]): boolean {
  const known = new Set(there.map(describeBinding))
  return wanted.every((binding) => known.has(describeBinding(binding)))
}

/** What every broker says; one that hasn't learnt of the probe's login yet refuses it as it would a wrong one, and is asked again. */
async function heard(fence: AclFence, access: ClusterAccess, deadline: Deadline): Promise<readonly BrokerProbe[]> {
  try {
    return await fence.probe(deadline)
  } catch (thrown) {
    if (!(thrown instanceof KbgError) || thrown.code !== 'authentication') throw thrown
    throw new KbgError('not-fenced', `Not every broker of ${access.colour} knows the probe's login yet.`, { retriable: true, cause: thrown })
  }
}

/** Waits until every broker has been heard to refuse. @throws KbgError `not-fenced`, `deadline` */
export async function requireFenced(access: ClusterAccess, brokerCount: number, deadline: Deadline): Promise<void> {
  const connections = { operator: new BrokerConnections(access, 'operator'), probe: new BrokerConnections(access, 'probe') }
  const fence = new AclFence(connections.operator, connections.probe)
  try {
    // Polled: each broker learns of users and ACLs with its own next metadata push, and tells nobody.
    await persistently(deadline, async () => {
      const answers = await heard(fence, access, deadline)
      const fenced = answers.filter((answer) => answer.answer === 'fenced')
      if (fenced.length === brokerCount && answers.length === brokerCount) return
      throw new KbgError('not-fenced', `Not every broker of ${access.colour} refuses application writes yet.`, {
        retriable: true,
        facts: { observed: answers.map((answer) => `broker ${answer.brokerId}: ${answer.answer} (${answer.detail})`), required: `${brokerCount} fenced` },
      })
    })
  } finally {
    connections.operator.close()
    connections.probe.close()
  }
}
