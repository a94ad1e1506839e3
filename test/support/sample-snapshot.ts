import type { AclBinding, BrokerProbe, OpenTransaction, TopicFacts } from '../../engine/model/facts.ts'
import { firstProducerIds } from '../../engine/model/producer-ids.ts'
import type { RouteDocument } from '../../engine/model/route.ts'
import type { ColourSnapshot, Reading, Snapshot } from '../../engine/model/snapshot.ts'

/** Data for tests of pure rooms: a fleet in which nothing is wrong. Every test breaks one thing. */
const endpoints = (colour: string) => ({ clusterId: `id-${colour}`, produceBootstrapServers: [`${colour}:9094`], consumeBootstrapServers: [`${colour}:9095`] })

export const soundRoute: RouteDocument = {
  version: 1,
  fleet: 'main',
  epoch: 7,
  state: 'open',
  live: 'blue',
  target: null,
  term: '100',
  attempt: 0,
  colours: { blue: endpoints('blue'), green: endpoints('green') },
  defaultConsumerColour: 'blue',
  groups: {},
  latch: null,
}

export function seen<T>(value: T): Reading<T> {
  return { seen: true, value }
}

export function unseen<T>(why: string): Reading<T> {
  return { seen: false, why }
}

export function topic(name: string, over: Partial<TopicFacts> = {}): TopicFacts {
  const partition = (number: number) => ({ partition: number, leader: 1, leaderEpoch: 0, replicas: [1, 2, 3], isr: [1, 2, 3] })
  return { topic: name, topicId: `id-${name}`, internal: false, partitions: [partition(0), partition(1)], config: {}, minInsyncReplicas: 2, ...over }
}

export function acl(principal: string, operation = 'Write'): AclBinding {
  return { principal, host: '*', resourceType: 'topic', resourceName: 'orders', patternType: 'literal', operation, permission: 'allow' }
}

export function transaction(over: Partial<OpenTransaction> = {}): OpenTransaction {
  return { transactionalId: 't', producerId: 7n, producerEpoch: 2, state: 'Ongoing', ageMs: 40, partitions: ['orders-0'], ...over }
}

export function probes(...answers: BrokerProbe['answer'][]): readonly BrokerProbe[] {
  return answers.map((answer, index) => ({ brokerId: index + 1, answer, detail: '' }))
}

/** Three voters with a leader that stays. @param silent voters that were never heard of */
export function quorum({ silent = [], ...over }: { readonly silent?: readonly number[]; readonly leaderId?: number; readonly firstLeaderEpoch?: number } = {}) {
  const voters = [1, 2, 3].map((nodeId) => ({ nodeId, logEndOffset: 10n, lastFetchAgeMs: silent.includes(nodeId) ? null : 20 }))
  return seen({ ...{ leaderId: 1, leaderEpoch: 3, firstLeaderEpoch: 3, voters }, ...over })
}

export function soundColour(colour: 'blue' | 'green', over: Partial<ColourSnapshot> = {}): ColourSnapshot {
  return {
    colour,
    expectedClusterId: `id-${colour}`,
    cluster: seen({ clusterId: `id-${colour}`, controllerId: 1, brokers: [] }),
    topics: seen([topic('orders'), topic('payments')]),
    acls: seen([acl('User:orders-app')]),
    quotas: seen([{ entity: 'user orders-app', limits: { producer_byte_rate: 1_048_576 } }]),
    scramUsers: seen([{ user: 'orders-app', mechanisms: ['SCRAM-SHA-512'] }]),
    authorizers: seen([1, 2, 3].map((brokerId) => ({ brokerId, className: 'StandardAuthorizer' }))),
    quorum: quorum(),
    groups: seen(colour === 'blue' ? [{ groupId: 'billing', state: 'Stable', type: 'classic', memberCount: 1 }] : []),
    openTransactions: seen([]),
    producers: seen({ active: [], next: firstProducerIds[colour] }),
    probes: seen(colour === 'blue' ? probes('open', 'open', 'open') : probes('fenced', 'fenced', 'fenced')),
    ...over,
  }
}

export function soundSnapshot(over: Partial<Snapshot> = {}): Snapshot {
  const running = { name: 'kbg-mirror-blue-green-1', state: 'RUNNING', tasks: [{ id: 0, state: 'RUNNING', trace: '' }], config: {} } as const
  return {
    observedAtMs: Date.parse('2026-01-02T00:00:00Z'),
    source: 'blue',
    target: 'green',
    topics: ['orders', 'payments'],
    route: seen({ route: soundRoute, journal: [] }),
    clients: seen([]),
    publications: [],
    colours: { blue: soundColour('blue'), green: soundColour('green') },
    mirror: {
      forward: seen(running),
      runningBackwards: seen([]),
      lag: Array.from({ length: 5 }, () => ({ kind: 'caught-up', lagMs: 40, lagRecords: 3 }) as const),
    },
    unmirrored: null,
    audit: null,
    sights: null,
    guardians: [],
    catalogGroups: ['billing'],
    unprovenGroups: {},
    waveGroups: [],
    waveCommits: seen(new Map()),
    groups: seen({
      commits: [{ groupId: 'billing', onTarget: seen(new Map()), onSource: seen(new Map([['orders-0', 5n]])) }],
      positions: null,
      compared: new Map(),
    }),
    fenceBindings: [],
    ownUsers: { blue: [], green: [] },
    ...over,
  }
}
