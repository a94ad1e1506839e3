/** What a colour has before anybody uses it: its users, their rights, the canary topics, and the fence. */
import { alterUserScramCredentialsV0, ScramMechanisms } from '@platformatic/kafka'
import { endpointText, type NodeAddresses } from '../../model/addresses.ts'
import { type ClusterAccess, platformUsers } from '../../model/cluster-access.ts'
import { brokerUser } from '../../model/local-brokers.ts'
import type { Deadline } from '../../ports/clock.ts'
import { canaryTopics, createAcls, createTopics, upsertScramUsers } from '../kafka/admin.ts'
import { birthGrants, requireFenced } from '../kafka/birth.ts'
import { BrokerConnections } from '../kafka/connections.ts'
import { fenceBindings } from '../kafka/fence.ts'
import { errorName, kafkaRefusal, persistently } from '../kafka/refusal.ts'
import { allOrFirstFailure } from './all-or-first-failure.ts'
import type { OnProgress } from './cluster.ts'
import type { LocalClusterSpec } from './cluster-spec.ts'
import { passwordOf, readCredentials } from './credentials.ts'

const platformScramUsers: readonly string[] = [platformUsers.operator, platformUsers.mirror, platformUsers.probe]

/** Logins that every colour has: `broker` and `admin` stand in `server.properties`, the others are SCRAM users. */
export const platformLogins: readonly string[] = [brokerUser, platformUsers.admin, ...platformScramUsers]

/**
 * Gives a fresh colour its users, ACLs and canary topics. The fence comes first and in one request with the rights, so that there
 * is no moment at which an application could log in and write; at the end every broker has been heard to refuse.
 */
export async function bearCluster(access: ClusterAccess, spec: LocalClusterSpec, onProgress: OnProgress, deadline: Deadline): Promise<void> {
  onProgress(`fencing ${access.colour}, making its users and canary topics`)
  await createAcls(access, [...fenceBindings, ...birthGrants], deadline)
  const passwords = passwordsOf(access, [...platformScramUsers, ...spec.applicationUsers])
  await allOrFirstFailure(deadline, [
    (within) => upsertScramUsers(access, passwords, within),
    async (within) => void (await createTopics(access, canaryTopics(spec.nodes, spec.nodes), within)),
  ])
  await requireFenced(access, spec.nodes, deadline)
}

/** Makes added users' logins and deletes removed ones', on a colour that may be serving. */
export async function refreshUsers(
  access: ClusterAccess,
  change: { readonly added: readonly string[]; readonly removed: readonly string[] },
  deadline: Deadline,
): Promise<void> {
  if (change.added.length > 0) await upsertScramUsers(access, passwordsOf(access, change.added), deadline)
  if (change.removed.length > 0) await deleteScramUsers(access, change.removed, deadline)
}

/**
 * Whether this very broker knows all brokers of its colour as registered and unfenced by the controller (Metadata lists no others),
 * which it can only know from a quorum with a leader.
 */
export async function knowsAllBrokers(access: ClusterAccess, node: NodeAddresses, nodeIds: readonly number[], deadline: Deadline): Promise<boolean> {
  const connections = new BrokerConnections({ ...access, internalBootstrapServers: [endpointText(node.internal)] }, 'admin')
  try {
    const known = await connections.brokerIds(deadline)
    return nodeIds.every((nodeId) => known.includes(nodeId))
  } finally {
    connections.close()
  }
}

/** A user that isn't there (any more) is no error. */
async function deleteScramUsers(access: ClusterAccess, users: readonly string[], deadline: Deadline): Promise<void> {
  const connections = new BrokerConnections(access, 'admin')
  const deletions = users.map((name) => ({ name, mechanism: ScramMechanisms.SCRAM_SHA_512 }))
  try {
    await persistently(deadline, async () => {
      const broker = await connections.any(deadline)
      const answer = await broker.request('AlterUserScramCredentials', alterUserScramCredentialsV0.api, [deletions, []], 'repeatable', deadline)
      const refused = answer.results.find((result) => result.errorCode !== 0 && errorName(result.errorCode) !== 'RESOURCE_NOT_FOUND')
      if (refused) throw kafkaRefusal(`Can't delete the SCRAM user ${refused.user} on ${access.colour}.`, refused.errorCode, {}, refused.errorMessage)
    })
  } finally {
    connections.close()
  }
}

function passwordsOf(access: ClusterAccess, users: readonly string[]): Readonly<Record<string, string>> {
  const credentials = readCredentials(access.credentialsFile)
  return Object.fromEntries(users.map((user) => [user, passwordOf(credentials, user)]))
}
