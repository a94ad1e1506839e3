import { pbkdf2, randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import { alterUserScramCredentialsV0, createAclsV3, createTopicsV7, deleteAclsV3, deleteTopicsV6, metadataV12, ScramMechanisms } from '@platformatic/kafka'
import { type ClusterAccess, canaryTopic } from '../../model/cluster-access.ts'
import { colours } from '../../model/colour.ts'
import { KbgError } from '../../model/error.ts'
import type { Deadline } from '../../ports/clock.ts'
import type { AclBinding } from '../../ports/cluster.ts'
import { toWire } from './acl-bindings.ts'
import { BrokerConnections, type Principal } from './connections.ts'
import { errorName, kafkaRefusal, persistently, requireNone } from './refusal.ts'

const scramIterations = 4_096
const deriveKey = promisify(pbkdf2)

/** A topic to be created, with its dynamic configs. */
export interface NewTopic {
  readonly topic: string
  readonly partitions: number
  readonly replicationFactor: number
  readonly config: Readonly<Record<string, string>>
}

/** What probe and canary write to, on either colour: a topic for each. @param partitions one for each broker, so that every one of them leads */
export function canaryTopics(partitions: number, replicationFactor = 3): readonly NewTopic[] {
  return colours.map((colour) => ({ topic: canaryTopic(colour), partitions, replicationFactor, config: {} }))
}

/** Runs `work` with connections of its own that end with it: provisioning happens once, before anything else is connected. */
async function once<T>(access: ClusterAccess, principal: Principal, work: (connections: BrokerConnections) => Promise<T>): Promise<T> {
  const connections = new BrokerConnections(access, principal)
  try {
    return await work(connections)
  } finally {
    connections.close()
  }
}

/**
 * Creates SCRAM-SHA-512 users, or gives existing ones the password. Runs as `admin`; only salted passwords leave this process.
 * @param passwords by user name
 * @throws KbgError `kafka` naming each user that was refused, `outcome-unknown`, `deadline`
 */
export async function upsertScramUsers(access: ClusterAccess, passwords: Readonly<Record<string, string>>, deadline: Deadline): Promise<void> {
  const upsertions = await Promise.all(
    Object.entries(passwords).map(async ([name, password]) => {
      const salt = randomBytes(24)
      const saltedPassword = await deriveKey(password, salt, scramIterations, 64, 'sha512')
      return { name, mechanism: ScramMechanisms.SCRAM_SHA_512, iterations: scramIterations, salt, saltedPassword }
    }),
  )
  await once(access, 'admin', (connections) =>
    persistently(deadline, async () => {
      const broker = await connections.any(deadline)
      const answer = await broker.request('AlterUserScramCredentials', alterUserScramCredentialsV0.api, [[], upsertions], 'repeatable', deadline)
      for (const result of answer.results) {
        requireNone(result.errorCode, `Can't create the SCRAM user ${result.user} on ${access.colour}.`, {}, result.errorMessage)
      }
    }),
  )
}

/**
 * Creates ACL bindings in one request; those that exist already stay.
 * @param principal `operator` where there is no `admin`
 * @throws KbgError `kafka`, `outcome-unknown`, `deadline`
 */
export async function createAcls(
  access: ClusterAccess,
  bindings: readonly AclBinding[],
  deadline: Deadline,
  principal: 'admin' | 'operator' = 'admin',
): Promise<void> {
  await once(access, principal, (connections) =>
    persistently(deadline, async () => {
      const broker = await connections.any(deadline)
      const answer = await broker.request('CreateAcls', createAclsV3.api, [bindings.map(toWire)], 'repeatable', deadline)
      answer.results.forEach((result, index) => {
        requireNone(result.errorCode, `Can't create an ACL on ${access.colour}.`, { binding: describeBinding(bindings[index]) }, result.errorMessage)
      })
    }),
  )
}

/**
 * Deletes exactly these bindings in one request; those that are not there are no error. Runs as `admin`.
 * @throws KbgError `kafka`, `outcome-unknown`, `deadline`
 */
export async function deleteAcls(access: ClusterAccess, bindings: readonly AclBinding[], deadline: Deadline): Promise<void> {
  await once(access, 'admin', (connections) =>
    persistently(deadline, async () => {
      const broker = await connections.any(deadline)
      const answer = await broker.request('DeleteAcls', deleteAclsV3.api, [bindings.map(toWire)], 'repeatable', deadline)
      answer.filterResults.forEach((result, index) => {
        requireNone(result.errorCode, `Can't delete an ACL on ${access.colour}.`, { binding: describeBinding(bindings[index]) }, result.errorMessage)
      })
    }),
  )
}

/** One binding in a person's words. */
export function describeBinding(binding: AclBinding | undefined): string {
  if (!binding) return 'unknown'
  return `${binding.permission} ${binding.operation} on ${binding.resourceType} ${binding.resourceName} (${binding.patternType}) for ${binding.principal} from ${binding.host}`
}

/**
 * Creates topics and waits until every partition has a leader and every broker knows of it: kafkajs gives up at the first broker that has not heard of a topic. Runs as `admin`.
 * @returns names of topics that existed already; they were not changed
 * @throws KbgError `kafka` naming the first topic that was refused, `outcome-unknown`, `deadline`
 */
export async function createTopics(access: ClusterAccess, topics: readonly NewTopic[], deadline: Deadline): Promise<readonly string[]> {
  return once(access, 'admin', async (connections) => {
    const existing = await persistently(deadline, () => sendTopics(connections, topics, deadline))
    await persistently(deadline, () => requireLeaders(connections, topics, deadline))
    return existing
  })
}

/**
 * Deletes topics and waits until no broker lists them any more: one that is made anew under the same name would be met by the old one. Those that are not there are no error. Runs as `admin`.
 * @throws KbgError `kafka` naming the first topic that was refused, `outcome-unknown`, `deadline`
 */
export async function deleteTopics(access: ClusterAccess, names: readonly string[], deadline: Deadline): Promise<void> {
  await once(access, 'admin', async (connections) => {
    await persistently(deadline, async () => {
      const broker = await connections.any(deadline)
      const timeoutMs = Math.max(1, Math.round(deadline.remainingMs()))
      const answer = await broker.request(
        'DeleteTopics',
        deleteTopicsV6.api,
        [names.map((name) => ({ name, topicId: noTopicId })), timeoutMs],
        'repeatable',
        deadline,
      )
      for (const { name, errorCode, errorMessage } of answer.responses) {
        if (errorName(errorCode) !== 'UNKNOWN_TOPIC_OR_PARTITION')
          requireNone(errorCode, `Can't delete the topic ${name} on ${access.colour}.`, {}, errorMessage)
      }
    })
    await deadline.poll(deletionPauseMs, async () => {
      const views = await viewsOfBrokers(connections, names, deadline)
      return views.every(({ topics }) => topics.every(({ errorCode }) => errorName(errorCode) === 'UNKNOWN_TOPIC_OR_PARTITION')) ? true : undefined
    })
  })
}

/** The id of no topic: it is the name that says which one. */
const noTopicId = '00000000-0000-0000-0000-000000000000'
const deletionPauseMs = 50

async function sendTopics(connections: BrokerConnections, topics: readonly NewTopic[], deadline: Deadline): Promise<readonly string[]> {
  const broker = await connections.any(deadline)
  const wanted = topics.map((topic) => ({
    name: topic.topic,
    numPartitions: topic.partitions,
    replicationFactor: topic.replicationFactor,
    assignments: [],
    configs: Object.entries(topic.config).map(([name, value]) => ({ name, value })),
  }))
  const timeoutMs = Math.max(1, Math.round(deadline.remainingMs()))
  const answer = await broker.request('CreateTopics', createTopicsV7.api, [wanted, timeoutMs, false], 'repeatable', deadline)
  const existing = answer.topics.filter((topic) => errorName(topic.errorCode) === 'TOPIC_ALREADY_EXISTS').map((topic) => topic.name)
  for (const topic of answer.topics) {
    if (!existing.includes(topic.name))
      requireNone(topic.errorCode, `Can't create the topic ${topic.name} on ${connections.access.colour}.`, {}, topic.errorMessage)
  }
  return existing
}

async function requireLeaders(connections: BrokerConnections, topics: readonly NewTopic[], deadline: Deadline): Promise<void> {
  const names = topics.map((topic) => topic.topic)
  if (names.length === 0) return
  const views = await viewsOfBrokers(connections, names, deadline)
  const ready = (name: string): boolean =>
    views.every(({ topics: known }) => {
      const topic = known.find((candidate) => candidate.name === name)
      return topic !== undefined && topic.errorCode === 0 && topic.partitions.every((partition) => partition.errorCode === 0 && partition.leaderId >= 0)
    })
  const late = names.filter((name) => !ready(name))
  if (late.length === 0) return
  const leaderNotAvailable = 5
  const refusal = kafkaRefusal(`Topics of ${connections.access.colour} have no leaders yet.`, leaderNotAvailable, { topics: late })
  throw new KbgError(refusal.code, refusal.message, { retriable: true, facts: refusal.facts })
}

const answerTimeoutMs = 1_000

/** The topics as each broker sees them that answers within a second: one that doesn't can't tell a client anything wrong either. */
async function viewsOfBrokers(connections: BrokerConnections, topics: readonly string[], deadline: Deadline): Promise<readonly metadataV12.MetadataResponse[]> {
  const first = await connections.metadata(topics, deadline)
  const patience = deadline.within(Math.min(answerTimeoutMs, deadline.remainingMs() / 2), 'what each broker knows of new topics')
  const answers = await Promise.allSettled(
    [...connections.knownBrokers.keys()].map(async (brokerId) => {
      const broker = await connections.broker(brokerId, patience)
      return broker.request('Metadata', metadataV12.api, [[...topics], false, false], 'none', patience)
    }),
  )
  return [first, ...answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []))]
}
