import { checkFencePossible } from '../gate/fence-possible.ts'
import { isExcludedGroup } from '../gate/group-states.ts'
import { checkReplicaHealth } from '../gate/replica-health.ts'
import { firstFive } from '../model/error.ts'
import type { ExistingCluster } from '../model/existing-cluster.ts'
import { leastBrokers } from '../model/external-cluster.ts'
import type { StepName } from '../model/journal.ts'
import { localBrokerPromises } from '../model/local-brokers.ts'
import type { Reading } from '../model/snapshot.ts'

/** Something that this cluster can't offer, or of which nobody could say whether it can. */
export interface Shortcoming {
  readonly what: string
  /** Steps of a switchover that can't be done, or not be shown to be safe, while it is so; none: good to know. */
  readonly rulesOut: readonly StepName[]
  readonly remedy: string
}

/**
 * What a cluster can't offer, those that rule most out first (pure). Unknown is never taken for good.
 *
 * @param ownUsers as {@link catalogOf}
 */
export function shortcomingsOf(existing: ExistingCluster, ownUsers: readonly string[] = []): readonly Shortcoming[] {
  const found = [
    ...ofFence(existing),
    ...ofProtocol(existing),
    ...ofBrokers(existing),
    ...ofTopics(existing),
    ...ofGroups(existing),
    ...ofClients(existing, ownUsers),
    ...ofSettings(existing),
  ]
  return found.sort((a, b) => b.rulesOut.length - a.rulesOut.length)
}

function unknown(what: string, reading: Reading<unknown>, rulesOut: readonly StepName[]): readonly Shortcoming[] {
  return reading.seen
    ? []
    : [{ what: `${what}: not known (${reading.why})`, rulesOut, remedy: 'Give the user that adopts the right to describe it, and adopt again.' }]
}

/** Everything from the first effect on: without a fence the gate refuses, and nothing is touched. */
const allSteps: readonly StepName[] = ['hold', 'fence', 'drain', 'cut', 'release', 'reverse', 'groups', 'watch', 'finish']

function ofFence({ authorizers, askedAs }: ExistingCluster): readonly Shortcoming[] {
  const check = checkFencePossible({ colour: 'blue', authorizers })
  const anonymous = {
    what: 'nobody has to log in, so this project can be no super user, and a fence would stop its mirror too',
    rulesOut: allSteps,
    remedy: 'Give the cluster a listener with SASL, and two super users.',
  }
  const untold = {
    what: 'who is a super user Kafka does not tell: pulumi up on the colour tries it, with a denial on a topic of its own',
    rulesOut: [],
    remedy:
      'Whoever fences it and mirrors it has to be in super.users of every broker; a super user that applications write as passes every fence, and takes each switchover back.',
  }
  return [
    ...(check.verdict === 'pass' ? [] : [{ what: `a fence: ${check.observed}`, rulesOut: allSteps, remedy: check.remedy }]),
    ...(askedAs === null ? [anonymous] : [untold]),
  ]
}

/** What each request is for, where one is missing. */
const stepsOfApi: Readonly<Record<string, readonly StepName[]>> = {
  ListTransactions: ['gate', 'drain'],
  DescribeTransactions: ['gate', 'drain'],
  DescribeProducers: ['gate'],
  DescribeQuorum: ['gate', 'fence'],
  DescribeUserScramCredentials: ['gate'],
  DescribeClientQuotas: ['gate'],
  OffsetFetch: ['groups'],
  OffsetCommit: ['groups'],
  ListGroups: ['gate', 'groups'],
}

function ofProtocol({ unspokenApis }: ExistingCluster): readonly Shortcoming[] {
  return [...Map.groupBy(unspokenApis, ({ api }) => api)].map(([api, brokers]) => ({
    what: `${api} ${brokers[0]?.required}: ${firstFive(brokers.map(({ brokerId, observed }) => `broker ${brokerId} speaks ${observed}`))}`,
    rulesOut: stepsOfApi[api] ?? allSteps,
    remedy: 'Brokers from 3.9 to 4.3 are supported: upgrade it in place that far, then adopt it.',
  }))
}

function ofBrokers({ brokers, quorum, settings }: ExistingCluster): readonly Shortcoming[] {
  const listeners = settings.seen ? settings.value : []
  const shared = listeners.filter(({ clientListeners }) => clientListeners.length < 2)
  return [
    ...unknown('the metadata quorum', quorum, ['gate', 'fence']),
    ...(brokers.length >= leastBrokers
      ? []
      : [
          {
            what: `${brokers.length} brokers, and the mirror that copies back to it keeps topics with ${leastBrokers} replicas here`,
            rulesOut: ['arm', 'reverse'] as const,
            remedy: `Add brokers until there are ${leastBrokers}.`,
          },
        ]),
    ...(shared.length === 0
      ? []
      : [
          {
            what: `one listener for all clients on ${firstFive(shared.map(({ brokerId }) => `broker ${brokerId}`))}: producers cannot be kept out by their address while consumers read`,
            rulesOut: [],
            remedy: 'The fence does without. Clients that have to leave by themselves need a listener of their own.',
          },
        ]),
  ]
}

function ofTopics({ topics }: ExistingCluster): readonly Shortcoming[] {
  const replicas = checkReplicaHealth({ colour: 'blue', topics: { seen: true, value: topics } }, topics.map(({ topic }) => topic)) // biome-ignore format: one line
  const single = topics.filter(({ internal, partitions }) => !internal && partitions.some((partition) => partition.replicas.length === 1))
  return [
    ...(replicas.verdict === 'fail' ? [{ what: `replicas: ${replicas.observed}`, rulesOut: ['gate'] as const, remedy: replicas.remedy }] : []),
    ...(single.length === 0
      ? []
      : [
          {
            what: `one replica only: ${firstFive(single.map(({ topic }) => topic))}`,
            rulesOut: [],
            remedy: 'A broker that ends takes them along, also in the middle of a switchover: give them more replicas on both colours.',
          },
        ]),
  ]
}

function ofGroups({ groups }: ExistingCluster): readonly Shortcoming[] {
  if (!groups.seen) return unknown('consumer groups', groups, ['groups'])
  const others = groups.value.filter(({ groupId, type }) => type !== 'classic' && !isExcludedGroup(groupId))
  if (others.length === 0) return []
  const what = `groups that are not of the classic protocol: ${firstFive(others.map(({ groupId, type }) => `${groupId} (${type})`))}`
  return [
    {
      what,
      rulesOut: ['groups'],
      remedy: 'They cannot be moved yet: name them `stay` in unprovenGroups of the traffic stack, or let them join by the classic protocol.',
    },
  ]
}

function ofClients({ scramUsers, quotas, acls, askedAs }: ExistingCluster, ownUsers: readonly string[]): readonly Shortcoming[] {
  const known = new Set(['*', askedAs, ...ownUsers, ...(scramUsers.seen ? scramUsers.value.map(({ user }) => user) : [])])
  const named = acls.seen ? acls.value.map(({ principal }) => principal) : []
  const principals = [...new Set(named)].filter((principal) => !known.has(principal.slice('User:'.length))).sort()
  const otherwise = {
    what: `no SCRAM users: ${firstFive(principals)}; they log in by certificate, PLAIN or token, or are gone`,
    rulesOut: ['release'] as const,
    remedy: 'A colour of platform local logs in SCRAM-SHA-512 users: give those that still live one, with a binding for it.',
  }
  return [
    ...unknown('SCRAM users', scramUsers, ['gate', 'release']),
    ...unknown('quotas', quotas, ['gate']),
    ...unknown('ACLs', acls, ['gate', 'fence']),
    ...(principals.length === 0 || !scramUsers.seen ? [] : [otherwise]),
  ]
}

function ofSettings({ settings }: ExistingCluster): readonly Shortcoming[] {
  const told = settings.seen ? settings.value : []
  const auto = told.filter(({ autoCreatesTopics }) => autoCreatesTopics).map(({ brokerId }) => `broker ${brokerId}`)
  const unclean = told.filter(({ electsUncleanLeaders }) => electsUncleanLeaders).map(({ brokerId }) => `broker ${brokerId}`)
  const defaults = told.flatMap(({ topicDefaults }) => Object.entries(topicDefaults)).filter(([key, value]) => localBrokerPromises[key] !== value)
  const own = [...new Set(defaults.map(([key, value]) => `${key}=${value}`))].sort()
  const note = (names: readonly string[], what: string, remedy: string) =>
    names.length === 0 ? [] : [{ what: `${what}: ${firstFive(names)}`, rulesOut: [], remedy }]
  return [
    ...unknown("the brokers' settings", settings, []),
    ...note(auto, 'topics are made by asking for them (auto.create.topics.enable)', 'Switch it off: a topic that nobody declared makes the gate refuse.'),
    ...note(unclean, 'a replica that lags may be elected leader (unclean.leader.election.enable)', 'Switch it off: it loses acknowledged records.'),
    ...note(
      own,
      'topics inherit from the brokers',
      'Put the properties into brokerConfig of both stack files: topics of the other colour would have its defaults.',
    ),
  ]
}
