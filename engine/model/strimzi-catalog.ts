import type { AclSpec, Catalog, TopicSpec } from './catalog.ts'
import { auditRights, canaryTopic, isReservedUser, platformUsers } from './cluster-access.ts'
import { type Colour, colours } from './colour.ts'
import { KbgError } from './error.ts'
import { colourNamespace, isSubdomain, kafkaName, type Manifest } from './kubernetes-network.ts'
import { stableHash } from './stable-hash.ts'
import { strimziApi } from './strimzi-brokers.ts'

/** Secret of a colour's namespace with every user's password under the user's name; users come from a file that somebody writes, see CredentialsFile. */
export const loginsSecret = 'kbg-logins'

const ownUsers: readonly string[] = [platformUsers.operator, platformUsers.mirror, platformUsers.probe, platformUsers.audit]

/** Users that log in with SCRAM: this project's own, and the catalog's. `admin` is none of them: there is no PLAIN here. */
export function strimziUserNames(catalog: Catalog): readonly string[] {
  return [...ownUsers, ...catalog.users]
}

/** Kafka's name of the one cluster that there is. */
const clusterResource = 'kafka-cluster'

/**
 * Names of Secrets that others keep in a colour's namespace: this project's, and Strimzi's of the cluster and its nodes. The User Operator writes a user's login into the Secret of the user's name,
 * whatever was in it.
 */
const secretOfOthers = new RegExp(`^(?:kbg-|(?:${colours.map(kafkaName).join('|')})-(?:cluster|clients|entity|kafka|trustbundle|brokers|controllers)(?:-|$))`)

interface Place {
  readonly fleet: string
  readonly colour: Colour
}

/**
 * The catalog's users and this project's own as KafkaUsers, with their ACLs and quotas. Not through Kafka: the User Operator deletes ACLs, quotas and logins of a user that has no KafkaUser.
 *
 * @throws KbgError `strimzi-users` when a name, a principal or a quota can't be a KafkaUser's
 */
export function strimziUsers(place: Place, catalog: Catalog): readonly [own: readonly Manifest[], applications: readonly Manifest[]] {
  refuseUsers(catalog)
  return [ownUsers.map((user) => userManifest(place, catalog, user)), catalog.users.map((user) => userManifest(place, catalog, user))]
}

function userManifest({ fleet, colour }: Place, catalog: Catalog, user: string): Manifest {
  const acls = [...aclsOf(user, catalog), ...ownAcls(user, catalog)]
  const quota = catalog.quotas.find((each) => each.user === user)
  const quotas = quota && { producerByteRate: quota.producerByteRate, consumerByteRate: quota.consumerByteRate, requestPercentage: quota.requestPercentage }
  return {
    ...{ apiVersion: strimziApi, kind: 'KafkaUser', metadata: metadata(fleet, colour, user) },
    spec: {
      authentication: { type: 'scram-sha-512', password: { valueFrom: { secretKeyRef: { name: loginsSecret, key: user } } } },
      ...(acls.length === 0 ? {} : { authorization: { type: 'simple', acls } }),
      ...(quotas === undefined ? {} : { quotas }),
    },
  }
}

const onTopic = (name: string, operations: readonly string[]): object => ({
  ...{ type: 'allow', host: '*', resource: { type: 'topic', name, patternType: 'literal' }, operations },
})

function ownAcls(user: string, { topics }: Catalog): readonly object[] {
  switch (user) {
    case platformUsers.probe:
      // It may write everywhere, so that only a fence refuses it.
      return [onTopic('*', ['Write', 'Describe'])]
    case platformUsers.audit:
      return [...Object.keys(topics).map((topic) => onTopic(topic, auditRights.ofCatalog)), onTopic('*', auditRights.ofEvery)]
    default:
      return []
  }
}

function aclsOf(user: string, catalog: Catalog): readonly object[] {
  return catalog.acls
    .filter(({ principal }) => principal === `User:${user}`)
    .map((acl) => ({ type: acl.permission === 'Allow' ? 'allow' : 'deny', host: acl.host, resource: resourceOf(acl), operations: [acl.operation] }))
}

function resourceOf({ resourceType, resourceName: name, patternType }: AclSpec): object {
  const pattern = patternType === 'Prefixed' ? 'prefix' : 'literal'
  switch (resourceType) {
    case 'Topic':
      return { type: 'topic', name, patternType: pattern }
    case 'Group':
      return { type: 'group', name, patternType: pattern }
    case 'TransactionalID':
      return { type: 'transactionalId', name, patternType: pattern }
    case 'Cluster':
      return { type: 'cluster' }
  }
}

function refuseUsers(catalog: Catalog): void {
  const users = new Set<string>(catalog.users)
  const problems = [
    ...catalog.users
      .filter((user) => !isSubdomain(user))
      .map((user) => `user ${user}: lower-case letters, digits and dashes, with single dots between them, only`),
    ...catalog.users.filter((user) => isReservedUser(user)).map((user) => `user ${user}: this project's own`),
    ...catalog.users.filter((user) => secretOfOthers.test(user)).map((user) => `user ${user}: a Secret of that name is somebody else's`),
    ...catalog.acls
      .filter(({ principal }) => !users.has(principal.replace(/^User:/, '')))
      .map(({ principal, operation, resourceName: name }) => `acl ${principal} ${operation} ${name}: of a user that the catalog doesn't have`),
    ...catalog.acls
      .filter(({ resourceType, resourceName: name }) => resourceType === 'Cluster' && name !== clusterResource)
      .map(({ principal, resourceName: name }) => `acl ${principal} on the cluster ${name}: it is called ${clusterResource}`),
    ...catalog.quotas.filter(({ user }) => !users.has(user)).map(({ user }) => `quota of ${user}: a user that the catalog doesn't have`),
    ...catalog.quotas
      .filter(({ user: _, ...rates }) => Object.values(rates).some((rate) => !Number.isInteger(rate)))
      .map(({ user }) => `quota of ${user}: whole numbers only`),
    ...[...users].filter((user) => catalog.quotas.filter((quota) => quota.user === user).length > 1).map((user) => `quota of ${user}: one only`),
  ]
  if (problems.length === 0) return
  throw new KbgError('strimzi-users', "Strimzi can't keep users of the catalog.", {
    facts: { problems },
    remedy: 'Change them in catalog.yaml. What belongs to no KafkaUser the User Operator would delete.',
  })
}

/**
 * The catalog's topics and the canaries' as KafkaTopics.
 *
 * @throws KbgError `strimzi-topics` when a topic wants more replicas than there are brokers: the Topic Operator would try that for ever
 */
export function strimziTopics({ fleet, colour }: Place, catalog: Catalog, brokers: number): readonly Manifest[] {
  refuseTopics(catalog, brokers)
  const canary: TopicSpec = { partitions: brokers, replicationFactor: 3, config: {} }
  const all = [...Object.entries(catalog.topics), ...colours.map((each) => [canaryTopic(each), canary] as const)]
  return all.map(([topicName, { partitions, replicationFactor, config }]) => ({
    ...{ apiVersion: strimziApi, kind: 'KafkaTopic', metadata: metadata(fleet, colour, topicResource(topicName)) },
    spec: { topicName, partitions, replicas: replicationFactor, config },
  }))
}

function refuseTopics(catalog: Catalog, brokers: number): void {
  const problems = Object.entries(catalog.topics)
    .filter(([, { replicationFactor }]) => replicationFactor > brokers)
    .map(([topic, { replicationFactor }]) => `topic ${topic}: ${replicationFactor} replicas`)
  if (problems.length === 0) return
  throw new KbgError('strimzi-topics', 'Topics of the catalog have more replicas than there are brokers.', {
    facts: { problems, brokers },
    remedy: 'Lower replicationFactor in catalog.yaml, or add brokers to both colours.',
  })
}

/** A topic's name where Kubernetes takes it; else one made of it that no other topic has. */
function topicResource(topic: string): string {
  if (isSubdomain(topic)) return topic
  const readable = topic
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 200)
  return `${readable === '' ? 'topic' : readable}-${stableHash(topic).toString(16).padStart(8, '0')}`
}

function metadata(fleet: string, colour: Colour, name: string): Manifest['metadata'] {
  return { name, namespace: colourNamespace(fleet, colour), labels: { 'strimzi.io/cluster': kafkaName(colour) } }
}
