import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { BrokerInventory, compareBrokers } from '../../engine/model/broker-inventory.ts'
import { Catalog } from '../../engine/model/catalog.ts'
import { colours } from '../../engine/model/colour.ts'
import { isSubdomain, KubernetesNetwork } from '../../engine/model/kubernetes-network.ts'
import {
  ignoredUsersPattern,
  StrimziSpec,
  strimziBrokerIds,
  strimziBrokers,
  strimziKafka,
  strimziMake,
  strimziSetProperties,
  strimziVersion,
} from '../../engine/model/strimzi-brokers.ts'
import { strimziTopics, strimziUsers } from '../../engine/model/strimzi-catalog.ts'
import { projectDir } from '../../tools/paths.ts'

const spec = StrimziSpec.parse({
  ...{ kafkaVersion: '4.3.1', storageGib: 500, storageClass: 'fast', cpu: 2, memoryGib: 8 },
  brokerConfig: { 'log.retention.hours': '48' },
})
const network = KubernetesNetwork.parse({ apiServers: ['10.0.0.1/32'] })
const place = { fleet: 'shop', colour: 'blue', network } as const

describe('a Strimzi spec', () => {
  test.each([
    [{ kafkaVersion: '3.9.2' }, '4.3.1'],
    [{ brokers: 2 }, '>=3'],
    [{ storageClass: '' }, 'lower-case'],
    [{ storageGib: 0.5 }, 'int'],
    [{ memoryGib: 1 }, '>=2'],
    [{ brokerConfig: { 'min.insync.replicas': '1' } }, 'the platform sets this one itself'],
    [{ brokerConfig: { 'super.users': 'User:me' } }, 'the platform sets this one itself'],
    [{ brokerConfig: { 'ssl.client.auth': 'none' } }, 'Strimzi keeps this one to itself'],
    [{ brokerConfig: { 'listener.name.produce.max.connections': '1' } }, 'Strimzi keeps this one to itself'],
    [{ zoneLabel: 'a b' }, 'the name of a label'],
    [{ zoneLabel: 'a/b/zone' }, 'the name of a label'],
    [{ zoneLabel: '-zone' }, 'the name of a label'],
    [{ brokerConfig: { 'log.retention.hours': 'two' } }, 'a whole number'],
    [{ brokerConfig: { 'num.network.threads': '2.5' } }, 'a whole number'],
    [{ brokerConfig: { 'log.cleaner.enable': 'yes' } }, 'true or false'],
  ])('%o is refused before Kubernetes is asked', (change, message) => {
    expect(() => StrimziSpec.parse({ ...spec, ...change })).toThrow(message)
  })
})

test('the colours’ ids are disjoint, with room to add brokers, and controllers have others', () => {
  const ranges = colours.flatMap((colour) =>
    strimziKafka({ ...place, colour }, spec).pools.map(({ metadata }) => metadata.annotations?.['strimzi.io/next-node-ids']),
  )
  const ids = ranges.flatMap((range) => {
    const [from, to] =
      /^\[(\d+)-(\d+)\]$/
        .exec(range ?? '')
        ?.slice(1)
        .map(Number) ?? []
    if (from === undefined || to === undefined) throw new Error(`no range: ${range}`)
    return Array.from({ length: to - from + 1 }, (_, index) => from + index)
  })
  expect(new Set(ids).size).toBe(ids.length)
  for (const colour of colours) expect(strimziBrokerIds(colour, { brokers: 60 }).every((id) => ids.includes(id))).toBe(true)
})

test('the User Operator leaves everybody’s bindings alone, and those only: the fence is one of them', () => {
  const isIgnored = (principal: string) => new RegExp(`^(?:${ignoredUsersPattern})$`).test(principal)
  expect(['*', 'kbg-nudge', 'shop', 'operator', '', '**'].filter(isIgnored)).toEqual(['*', 'kbg-nudge'])
})

test('the inventory is one that policies read, and the colours’ differ in nothing but ids', () => {
  const [blue, green] = [strimziBrokers('blue', spec), strimziBrokers('green', spec)]
  expect(BrokerInventory.parse(blue)).toEqual(blue)
  expect(compareBrokers(blue, green)).toEqual({ differing: [], unknown: [] })
  expect(new Set(blue.brokerIds).intersection(new Set(green.brokerIds)).size).toBe(0)
})

/** A release that changes one of these refuses to update every colour that stands: its changelog has to say so. */
test('what this project sets itself', () => {
  expect(strimziSetProperties).toMatchInlineSnapshot(`
    {
      "allow.everyone.if.no.acl.found": "false",
      "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
      "auto.create.topics.enable": "false",
      "default.replication.factor": "3",
      "group.initial.rebalance.delay.ms": "0",
      "min.insync.replicas": "2",
      "offsets.topic.replication.factor": "3",
      "super.users": "User:operator;User:mirror",
      "transaction.state.log.min.isr": "2",
      "transaction.state.log.replication.factor": "3",
      "unclean.leader.election.enable": "false",
    }
  `)
})

test('what a colour was made as leaves out what may grow', () => {
  expect(strimziMake(place, { ...spec, storageGib: 900, brokers: 6 })).toEqual(strimziMake(place, spec))
  expect(strimziMake(place, { ...spec, kafkaVersion: '4.2.1' })).not.toEqual(strimziMake(place, spec))
})

const catalog = Catalog.parse({
  topics: {
    orders: { partitions: 6, config: { 'retention.ms': 1_000 } },
    Order_Events: { partitions: 1 },
    'Order.Events': { partitions: 1 },
    'orders..v1': { partitions: 1 },
  },
  users: ['shop', 'reports'],
  acls: [
    { principal: 'User:shop', resourceType: 'Topic', resourceName: 'orders', operation: 'Write' },
    { principal: 'User:shop', resourceType: 'TransactionalID', resourceName: 'shop-', patternType: 'Prefixed', operation: 'Write' },
    { principal: 'User:shop', resourceType: 'Cluster', resourceName: 'kafka-cluster', operation: 'Describe', permission: 'Deny' },
  ],
  quotas: [{ user: 'reports', consumerByteRate: 5_000 }],
})

test('users are KafkaUsers with their rights and quotas, and a password that is read elsewhere', () => {
  const users = strimziUsers(place, catalog).flat()
  expect(users.map(({ metadata }) => metadata.name)).toEqual(['operator', 'mirror', 'probe', 'audit', 'shop', 'reports'])
  const specOf = (name: string) => users.find(({ metadata }) => metadata.name === name)?.spec
  const authentication = (key: string) => ({ type: 'scram-sha-512', password: { valueFrom: { secretKeyRef: { name: 'kbg-logins', key } } } })
  expect(specOf('operator')).toEqual({ authentication: authentication('operator') })
  expect(specOf('probe')).toMatchObject({ authorization: { acls: [{ resource: { type: 'topic', name: '*' }, operations: ['Write', 'Describe'] }] } })
  expect(specOf('audit')).toMatchObject({
    authorization: {
      acls: [
        ...['orders', 'Order_Events', 'Order.Events', 'orders..v1'].map((name) => ({ type: 'allow', resource: { type: 'topic', name }, operations: ['Read'] })),
        { type: 'allow', resource: { type: 'topic', name: '*' }, operations: ['Describe', 'DescribeConfigs'] },
      ],
    },
  })
  expect(specOf('reports')).toEqual({ authentication: authentication('reports'), quotas: { consumerByteRate: 5_000 } })
  expect(specOf('shop')).toEqual({
    authentication: authentication('shop'),
    authorization: {
      type: 'simple',
      acls: [
        { type: 'allow', host: '*', resource: { type: 'topic', name: 'orders', patternType: 'literal' }, operations: ['Write'] },
        { type: 'allow', host: '*', resource: { type: 'transactionalId', name: 'shop-', patternType: 'prefix' }, operations: ['Write'] },
        { type: 'deny', host: '*', resource: { type: 'cluster' }, operations: ['Describe'] },
      ],
    },
  })
})

test.each([
  [{ users: ['Shop'] }, 'user Shop: lower-case'],
  [{ users: ['shop..app'] }, 'user shop..app: lower-case'],
  [{ users: ['shop', 'operator'] }, "user operator: this project's own"],
  [{ users: ['kbg-mirror'] }, "user kbg-mirror: a Secret of that name is somebody else's"],
  [{ users: ['green-cluster-ca-cert'] }, "user green-cluster-ca-cert: a Secret of that name is somebody else's"],
  [{ users: ['blue-brokers-1'] }, "user blue-brokers-1: a Secret of that name is somebody else's"],
  [{ acls: [{ principal: 'User:*', resourceType: 'Topic', resourceName: 'orders', operation: 'Read' }] }, 'acl User:* Read orders'],
  [{ quotas: [{ user: 'nobody', producerByteRate: 1 }] }, 'quota of nobody: a user'],
  [{ quotas: [{ user: 'shop', producerByteRate: 0.5 }] }, 'whole numbers only'],
])('%o is refused: the User Operator could not keep it', (change, message) => {
  expect(() => strimziUsers(place, Catalog.parse({ ...catalog, acls: [], quotas: [], ...change }))).toThrow(message)
})

test('topics are KafkaTopics, the canaries’ too, each under a name that Kubernetes takes and no other has', () => {
  const topics = strimziTopics(place, catalog, 3)
  const names = topics.map(({ metadata }) => metadata.name)
  expect(new Set(names).size).toBe(names.length)
  for (const name of names) expect(isSubdomain(name), name).toBe(true)
  expect(topics.map(({ spec: { topicName, ...rest } }: { spec: { topicName?: string } }) => [topicName, rest])).toEqual([
    ['orders', { partitions: 6, replicas: 3, config: { 'retention.ms': '1000' } }],
    ['Order_Events', { partitions: 1, replicas: 3, config: {} }],
    ['Order.Events', { partitions: 1, replicas: 3, config: {} }],
    ['orders..v1', { partitions: 1, replicas: 3, config: {} }],
    ['kbg.canary.blue', { partitions: 3, replicas: 3, config: {} }],
    ['kbg.canary.green', { partitions: 3, replicas: 3, config: {} }],
  ])
})

test('a topic with more replicas than brokers is refused: the Topic Operator would try for ever', () => {
  const large = Catalog.parse({ topics: { orders: { partitions: 1, replicationFactor: 4 } } })
  expect(() => strimziTopics(place, large, 3)).toThrow('topic orders: 4 replicas')
  expect(strimziTopics(place, large, 4)).toHaveLength(3)
})

test('names are subdomains as Kubernetes means it', () => {
  expect(['orders', 'a.b-c.d', '0'].filter((name) => !isSubdomain(name))).toEqual([])
  expect(['', '.', 'a..b', 'a.-b', 'a-.b', '-a', 'a-', 'A', 'a_b', 'a'.repeat(254)].filter(isSubdomain)).toEqual([])
})

test('users that only look like others’ Secrets may be', () => {
  const catalog = Catalog.parse({ topics: {}, users: ['green-app', 'bluebell', 'my-kbg-app', 'brokers-1'] })
  expect(strimziUsers(place, catalog)[1]).toHaveLength(4)
})

test('the definitions that resources are held against are of the operator’s version', () => {
  const pom = readFileSync(join(projectDir, 'tools', 'strimzi', 'pom.xml'), 'utf8')
  expect([...pom.matchAll(/<artifactId>(?:api|crd-generator)<\/artifactId>\s*<version>([^<]+)</g)].map(([, version]) => version)).toEqual([
    strimziVersion,
    strimziVersion,
  ])
})
