import { canaryTopics, createAcls, createTopics } from '../adapters/kafka/admin.ts'
import { connectCluster } from '../adapters/kafka/cluster.ts'
import { saslOf } from '../adapters/kafka/connections.ts'
import { connectExisting, type Existing } from '../adapters/kafka/existing.ts'
import { tryFence } from '../adapters/kafka/fence-trial.ts'
import { readCredentials, takePasswords } from '../adapters/local/credentials.ts'
import { keepPlace } from '../adapters/local/state.ts'
import { catalogChanges } from '../adopt/catalog-changes.ts'
import { catalogOf } from '../adopt/catalog-of.ts'
import { type ClusterAccess, mirrorUserOf, ownUsersOf } from '../model/cluster-access.ts'
import { KbgError } from '../model/error.ts'
import type { ExternalClusterSpec } from '../model/external-cluster.ts'
import type { AclBinding } from '../model/facts.ts'
import type { Deadline } from '../ports/clock.ts'
import type { Progress } from './progress.ts'

/**
 * Makes a colour of a cluster that is there. All that it has to be is asked first; then it gets what this project needs there (canary topics, the probe's bindings), it is tried whether a fence
 * works, and the other colour is handed the applications' passwords. It isn't fenced: it serves. Again on the same cluster it changes nothing.
 *
 * @param trial `none`: how it is reached has been tried before; a trial denies the canary topic for a moment, which guardians of a fleet that runs would notice
 * @throws KbgError `external-cluster`, `catalog-differs`, `credentials`, `mirror-role`, `fence-trial`, and what connecting throws
 */
export async function adoptCluster(
  projectRoot: string,
  spec: ExternalClusterSpec,
  trial: 'fence' | 'none',
  tell: Progress,
  deadline: Deadline,
): Promise<ClusterAccess> {
  mirrorUserOf({ colour: spec.colour, ...spec.external }) // a role can't be tried: no process has another one's
  const passwords = applicationPasswords(spec)
  const login = saslOf({ colour: spec.colour, ...spec.external }, 'operator')
  const existing = await connectExisting({ ...spec.external, login, caFile: spec.external.caFile }, deadline.clock, deadline)
  const access = accessOf(spec, existing.clusterId)
  try {
    tell({ step: 'adopt', text: `asking cluster ${existing.clusterId} what it is` })
    await requireUsable(spec, existing, deadline)
    await requireCatalog(spec, existing, deadline)
  } finally {
    await existing.cluster.close()
  }
  tell({ step: 'adopt', text: 'canary topics, and the bindings of the probe' })
  await createTopics(access, canaryTopics(spec.nodes), deadline)
  await createAcls(access, grantsOf(spec), deadline)
  if (trial === 'fence') {
    tell({ step: 'adopt', text: 'trying a denial on the canary topic: it has to stop the probe, and neither operator nor mirror' })
    await tryFence(access, deadline)
  }
  await takePasswords(projectRoot, spec.fleet, passwords, deadline.clock)
  keepPlace(projectRoot, spec.fleet, spec.colour)
  return access
}

/** How many brokers of an adopted colour are registered now. @throws what connecting throws */
export async function brokersRegistered(access: ClusterAccess, deadline: Deadline): Promise<number> {
  const cluster = connectCluster(access, deadline.clock)
  try {
    return (await cluster.inventory.cluster(deadline)).brokers.length
  } finally {
    await cluster.close()
  }
}

function accessOf({ colour, kafkaVersion, external }: ExternalClusterSpec, clusterId: string): ClusterAccess {
  const { bootstrapServers, produceBootstrapServers, consumeBootstrapServers, credentialsFile, caFile, users } = external
  return {
    ...{ colour, clusterId, kafkaVersion, credentialsFile, users },
    internalBootstrapServers: bootstrapServers,
    produceBootstrapServers: produceBootstrapServers ?? bootstrapServers,
    consumeBootstrapServers: consumeBootstrapServers ?? bootstrapServers,
    ...(caFile === undefined ? {} : { caFile }),
  }
}

/** The probe writes to the canary topics only; everybody gets a producer id, so that producers warm up where a fence stands. */
function grantsOf({ external }: ExternalClusterSpec): readonly AclBinding[] {
  const principal = `User:${external.users.probe.username}`
  const common = { host: '*', permission: 'allow' } as const
  const onCanary = (operation: string) => ({ principal, ...common, operation, resourceType: 'topic', resourceName: 'kbg.canary.', patternType: 'prefixed' }) as const // biome-ignore format: one line
  const everyone = {
    principal: 'User:*',
    operation: 'IdempotentWrite',
    resourceType: 'cluster',
    resourceName: 'kafka-cluster',
    patternType: 'literal',
  } as const
  return [onCanary('Write'), onCanary('Describe'), { ...everyone, ...common }]
}

/** Those of the catalog's users, all of them: the other colour would give who is missing another one. */
function applicationPasswords({ external, catalog }: ExternalClusterSpec): Readonly<Record<string, string>> {
  const { passwords } = readCredentials(external.credentialsFile)
  const missing = catalog.users.filter((user) => !Object.hasOwn(passwords, user))
  if (missing.length > 0) {
    throw new KbgError('credentials', 'The credentials file has no passwords of users that the other colour has to log in as well.', {
      facts: { users: missing, file: external.credentialsFile },
      remedy: 'Add them. Kafka tells nobody a password, and an application has one for both colours.',
    })
  }
  return Object.fromEntries(catalog.users.map((user) => [user, passwords[user] ?? '']))
}

async function requireUsable({ colour, nodes }: ExternalClusterSpec, existing: Existing, deadline: Deadline): Promise<void> {
  const [unspoken, brokers, authorizers] = await Promise.all([
    existing.unspokenApis(deadline),
    existing.brokers(deadline),
    existing.cluster.inventory.authorizers(deadline),
  ])
  const refuse = (observed: string, required: string, remedy: string): never => {
    throw new KbgError('external-cluster', `${colour} can't be a colour as it is.`, { facts: { observed, required }, remedy: `${remedy} Nothing was changed.` })
  }
  const [old] = unspoken
  if (old) refuse(`broker ${old.brokerId} speaks ${old.api} ${old.observed}`, `${old.api} ${old.required}`, 'Brokers from 3.9 to 4.3 are supported.')
  const without = authorizers.find(({ className }) => className === '')
  if (without) refuse(`broker ${without.brokerId} has no authorizer`, 'one on every broker', 'Without it nothing can be fenced.')
  if (brokers.length !== nodes)
    refuse(`${brokers.length} brokers`, `${nodes}, as nodes says`, 'Start those that are missing, or correct nodes in the stack file.')
}

/** What the catalog says is there: the other colour is made from it. */
async function requireCatalog(spec: ExternalClusterSpec, { clusterId, cluster, brokers }: Existing, deadline: Deadline): Promise<void> {
  const { inventory } = cluster
  const [topics, acls, quotas, scramUsers] = await Promise.all([
    inventory.topics(deadline),
    inventory.acls(deadline),
    inventory.quotas(deadline),
    inventory.scramUsers(deadline),
  ])
  const seen = <T>(value: T) => ({ seen: true, value }) as const
  const read = {
    clusterId,
    brokers: await brokers(deadline),
    askedAs: null,
    unspokenApis: [],
    topics,
    acls: seen(acls),
    quotas: seen(quotas),
    scramUsers: seen(scramUsers),
  }
  const unread = { settings: seen([]), authorizers: seen([]), quorum: { seen: false, why: 'not asked' }, groups: seen([]) } as const
  const { catalog } = catalogOf({ ...read, ...unread }, ownUsersOf(spec.external))
  // Groups come and go; the gate looks at those that are there.
  const changes = catalogChanges({ ...spec.catalog, groups: {} }, catalog)
  if (changes.length === 0) return
  const said = changes.map(({ area, name, property, inCatalog, onCluster }) => `${area} ${name} ${property}: ${inCatalog} in the catalog, ${onCluster} on ${spec.colour}`) // biome-ignore format: one line
  throw new KbgError('catalog-differs', `${spec.colour} isn't as the catalog says, and an adopted cluster isn't changed from here.`, {
    facts: { differences: said },
    remedy: 'Take it over with kbg adopt --update, or change the cluster with its own tools. Nothing was changed.',
  })
}
