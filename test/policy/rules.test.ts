import { describe, expect, test } from 'vitest'
import type { Colour } from '../../engine/model/colour.ts'
import type { ColourInventory } from '../../engine/model/inventory.ts'
import type { Rule } from '../../policy/judging/rule.ts'
import { rules } from '../../policy/pack.ts'
import {
  acl,
  adopted,
  audit,
  auditOf,
  cluster,
  type Draft,
  gate,
  guard,
  guardian,
  inventory,
  inventoryText,
  mirror,
  parity,
  quota,
  type ResourceSpec,
  reported,
  switchover,
  topic,
  user,
  worker,
} from './fixtures.ts'

/** For each policy what it refuses, with what it says, and what it lets through. */
interface Case {
  readonly fails: readonly { readonly stack: readonly ResourceSpec[]; readonly config?: object; readonly says: RegExp }[]
  readonly passes: readonly { readonly stack: readonly ResourceSpec[]; readonly config?: object }[]
}

type Change = (inventory: Draft<ColourInventory>) => void
const green = (change: Change): ResourceSpec[] => [parity(inventory('blue'), inventory('green', change))]
const both = (change: Change): ResourceSpec[] => [parity(inventory('blue', change), inventory('green', change))]
const ordersOf = ({ topics }: Draft<ColourInventory>) => {
  if (topics.orders === undefined) throw new Error('no topic orders')
  return topics.orders
}
const deployed = (stands: Readonly<Record<Colour, ColourInventory | null>>): ResourceSpec[] => {
  const { props, type } = parity(undefined, undefined, null)
  return [{ type, props: { ...props, deployed: { blue: inventoryText(stands.blue), green: inventoryText(stands.green) } } }]
}
const traffic = [gate, switchover(), mirror(), worker('blue'), worker('green'), guardian('blue'), guardian('green'), audit]
const mirrored = (connector: object, version?: string) => [mirror(connector, version), worker('blue'), worker('green')]
const gib = 1024 ** 3
/** A green whose brokers have so many GiB each, and whose one topic has six partitions with this config. */
const kept = (gibOfBroker: number, config: Readonly<Record<string, string>>): ResourceSpec[] =>
  green((all) => {
    Object.assign(all.brokers, { platform: 'kubernetes', storageBytes: gibOfBroker * gib })
    ordersOf(all).config = config
  })
const msk: ResourceSpec & { readonly name: string } = { type: 'aws:msk/cluster:Cluster', name: 'blue-msk' }
const mskBirth: ResourceSpec = { type: 'kbg:index:MskBirth', name: 'blue-birth' }
const threads = { where: 'brokers', property: 'config.num.io.threads', reason: 'what this switchover is for', expires: '2026-11-26' }

const cases: Readonly<Record<string, Case>> = {
  'parity-topics': {
    fails: [
      {
        stack: green((all) => {
          ordersOf(all).partitions = 12
        }),
        says: /^topic orders: partitions is 6 on blue and 12 on green, required: the same on both\.\nDeclare it/,
      },
      {
        stack: green((all) => {
          ordersOf(all).config['max.message.bytes'] = '5'
        }),
        says: /^topic orders: max\.message\.bytes is not set on blue and 5 on green/,
      },
      { stack: [parity(inventory('blue'), null)], says: /^both colours: inventories is green has no stack file/ },
      { stack: [topic()], says: /no Parity component/ },
      { stack: [{ type: 'kubernetes:kafka.strimzi.io/v1:KafkaTopic', props: { spec: { topicName: 'orders' } } }], says: /no Parity component/ },
    ],
    passes: [{ stack: [parity()] }, { stack: [switchover()] }],
  },
  'parity-access': {
    fails: [
      {
        stack: green(({ acls }) => void acls.push('User:other|*|Read|Allow|Group|billing|Literal')),
        says: /^acl User:other\|.*: declared is not there on blue and declared on green/,
      },
      {
        stack: green((all) => {
          all.quotas = { shop: { consumer_byte_rate: 9 } }
        }),
        says: /^quota of shop: consumer_byte_rate is 5000 on blue and 9 on green/,
      },
      { stack: green(({ users }) => void users.pop()), says: /^user shop: declared is declared on blue and not there on green/ },
    ],
    passes: [{ stack: [parity()] }],
  },
  'parity-brokers': {
    fails: [
      {
        stack: green(({ brokers }) => {
          brokers.instanceClass = 'half of it'
        }),
        says: /^brokers: instanceClass is process on blue and half of it on green/,
      },
      {
        stack: green(({ brokers }) => {
          brokers.count = 6
        }),
        says: /^brokers: count is 3 on blue and 6 on green/,
      },
      {
        stack: green(({ brokers }) => {
          brokers.config['num.io.threads'] = '1'
        }),
        says: /^brokers: config\.num\.io\.threads is not set on blue and 1 on green/,
      },
      {
        stack: green(({ brokers }) => {
          Object.assign(brokers.listeners ?? {}, { produce: 'PLAINTEXT' })
        }),
        says: /^brokers: listeners\.produce is SASL_PLAINTEXT SCRAM-SHA-512 on blue and PLAINTEXT on green/,
      },
      { stack: [parity(adopted(4))], says: /^brokers: count is 4 on blue and 3 on green/ },
    ],
    passes: [
      { stack: [parity()] },
      {
        stack: green(({ brokers }) => {
          brokers.config['num.io.threads'] = '1'
        }),
        config: { exceptions: [threads] },
      },
    ],
  },
  'parity-version': {
    fails: [
      {
        stack: green(({ brokers }) => {
          brokers.kafkaVersion = '3.9.1'
        }),
        says: /^brokers of green: kafkaVersion is 3\.9\.1, required: at least 3\.9\.2, as blue has/,
      },
      { stack: [parity()], config: { newer: 'blue' }, says: /^brokers of blue: kafkaVersion is 3\.9\.2, required: at least 4\.3\.1, as green has/ },
    ],
    passes: [
      { stack: [parity()] },
      {
        stack: green(({ brokers }) => {
          brokers.kafkaVersion = '3.10.0'
        }),
      },
    ],
  },
  'declared-resources': {
    fails: [
      {
        stack: [parity(), { ...cluster, props: { kafkaVersion: '3.9.2', nodes: 1, brokerConfig: {} } }, topic(), acl, user, quota],
        says: /^brokers: count is 1, required: 3\.\n/,
      },
      {
        stack: [parity(), { ...cluster, props: { ...cluster.props, brokerConfig: { 'num.io.threads': 1 } } }, topic(), acl, user, quota],
        says: /^brokers: config\.num\.io\.threads is 1, required: not there: the inventory does not have it/,
      },
      { stack: [parity(), cluster, topic({ partitions: 7 }), acl, user, quota], says: /^topic orders: partitions is 7, required: 6/ },
      {
        stack: [parity(), cluster, topic(), topic({ name: 'beside' }), acl, user, quota],
        says: /^topic beside: partitions is 6, required: not there: the inventory does not have it/,
      },
      {
        stack: [parity(), cluster, topic(), user, quota],
        says: /^acl User:shop\|\*\|Read\|Allow\|Topic\|orders\|Literal: declared is not there, required: declared/,
      },
    ],
    passes: [{ stack: [parity(), cluster, topic(), acl, user, quota] }],
  },
  'declared-deployed': {
    fails: [
      {
        stack: deployed({
          blue: inventory('blue', (all) => {
            ordersOf(all).partitions = 3
          }),
          green: null,
        }),
        says: /^topic orders of blue: partitions is 3, required: 6/,
      },
      {
        stack: deployed({
          blue: null,
          green: inventory('green', ({ brokers }) => {
            brokers.kafkaVersion = '4.0.0'
          }),
        }),
        says: /^brokers of green: kafkaVersion is 4\.0\.0, required: 4\.3\.1/,
      },
    ],
    passes: [{ stack: deployed({ blue: inventory('blue'), green: inventory('green') }) }],
  },
  'safety-protection': {
    fails: [
      { stack: [cluster, guard(), { ...topic(), protect: false }], says: /^blue-topic-orders: protect is false, required: true while/ },
      { stack: [cluster, topic()], says: /^retirement guard: declared is not there/ },
      { stack: [msk], says: /^blue-msk: protect is false/ },
      { stack: [mskBirth, { ...msk, protect: true }], says: /^retirement guard: declared is not there/ },
      { stack: [mskBirth, { ...msk, protect: true }, guard()], says: /^retirement guard of blue-msk: dependsOn is not behind it/ },
      { stack: [{ type: 'kubernetes:kafka.strimzi.io/v1:KafkaNodePool', name: 'brokers' }], says: /^brokers: protect is false/ },
      { stack: [cluster, { ...guard(), dependencies: [] }], says: /^retirement guard of blue-cluster: dependsOn is not behind it/ },
    ],
    passes: [
      { stack: [{ ...msk, protect: true }] },
      { stack: [mskBirth, { ...msk, protect: true }, { ...guard(), dependencies: [msk.name] }] },
      { stack: [mskBirth, msk, { ...guard({ retire: true }), dependencies: [msk.name] }] },
      { stack: [cluster, guard(), topic()] },
      { stack: [cluster, guard({ retire: true }), { ...topic(), protect: false }] },
    ],
  },
  'safety-route': {
    fails: [
      { stack: [gate, switchover({}, [])], says: /^switchover: gate is a verdict that no gate of this stack gave/ },
      { stack: [gate, switchover(), { ...switchover(), name: 'another' }], says: /^another: declared is a second Switchover/ },
    ],
    passes: [{ stack: traffic }],
  },
  'safety-mirror': {
    fails: [
      {
        stack: mirrored({ 'source.consumer.isolation.level': 'read_uncommitted' }),
        says: /^mirror connector: source\.consumer\.isolation\.level is read_uncommitted, required: read_committed/,
      },
      { stack: mirrored({}, '3.7.0'), says: /^mirror worker: version is 3\.7\.0, required: at least 3\.7\.1/ },
      { stack: [mirror(), worker('blue'), { ...worker('blue'), name: 'second' }, worker('green')], says: /^mirror into blue: workers is 2, required: 1/ },
      { stack: [...traffic, { type: 'aws:mskconnect/connector:Connector' }], says: /required: no connector as a resource/ },
      { stack: mirrored({ 'exactly.once.support': 'requested' }), says: /exactly\.once\.support is requested, required: required/ },
    ],
    passes: [{ stack: traffic }, { stack: mirrored({ 'exactly.once.support': 'requested' }), config: { delivery: 'at-least-once' } }],
  },
  'safety-limits': {
    fails: [
      { stack: [switchover({ maxMirrorLagMs: 5_000 })], says: /^limits: maxMirrorLagMs is 5000, required: at most 1000/ },
      { stack: [switchover({ lagSamples: 1 })], says: /^limits: lagSamples is 1, required: at least 5/ },
      { stack: [switchover()], config: { windowDeadlineMs: 20_000 }, says: /^limits: windowDeadlineMs is 30000, required: at most 20000/ },
      { stack: [switchover({ expiredRecords: 'accept' })], says: /^limits: expiredRecords is accept, required: refuse/ },
      { stack: [switchover({ sharedProducerIds: 'accept' })], says: /^limits: sharedProducerIds is accept, required: refuse/ },
      { stack: [switchover({ watchFailures: 10 })], says: /^limits: watchFailures is 10, required: at most 5/ },
      { stack: [switchover()], config: { maxDrillAgeDays: 30 }, says: /^limits: maxDrillAgeDays is 0, required: 1 to 30/ },
      { stack: [switchover({ maxDrillAgeDays: 60 })], config: { maxDrillAgeDays: 30 }, says: /^limits: maxDrillAgeDays is 60, required: 1 to 30/ },
    ],
    passes: [
      { stack: [switchover({ maxMirrorLagMs: 500 })] },
      { stack: [switchover({ maxDrillAgeDays: 7 })], config: { maxDrillAgeDays: 30 } },
      { stack: [switchover({ maxMirrorLagMs: 5_000 })], config: { maxMirrorLagMs: 5_000 } },
    ],
  },
  'safety-guardians': {
    fails: [
      { stack: [switchover(), guardian('blue'), audit], says: /^guardian of green: declared is not there/ },
      { stack: [switchover(), guardian('blue'), guardian('green')], says: /^audit: declared is not there/ },
    ],
    passes: [{ stack: traffic }],
  },
  'isolation-clusters': {
    fails: [
      {
        stack: green(({ brokers }) => {
          brokers.brokerIds = [3, 11]
        }),
        says: /^both colours: brokerIds is 3 on both, required: disjoint ids/,
      },
      {
        stack: both(({ brokers }) => {
          brokers.subnets = ['10.0.1.0/24']
        }),
        says: /^both colours: subnets is 10\.0\.1\.0\/24 of blue and 10\.0\.1\.0\/24 of green, required: networks that do not overlap/,
      },
      {
        stack: [
          parity(
            inventory('blue', ({ brokers }) => void Object.assign(brokers, { subnets: ['10.0.0.0/16'] })),
            inventory('green', ({ brokers }) => void Object.assign(brokers, { subnets: ['10.0.7.0/24', '10.1.0.0/16'] })),
          ),
        ],
        says: /^both colours: subnets is 10\.0\.0\.0\/16 of blue and 10\.0\.7\.0\/24 of green/,
      },
      { stack: [auditOf({ clusterId: 'cluster-blue' })], says: /^both clusters: clusterId is cluster-blue on both, required: two clusters/ },
      { stack: [auditOf({ consumeBootstrapServers: ['blue.invalid:9094'] })], says: /^both clusters: bootstrapServers is blue\.invalid:9094 on both/ },
    ],
    passes: [{ stack: [parity()] }, { stack: traffic }],
  },
  'capacity-storage': {
    fails: [
      {
        stack: kept(100, { 'retention.bytes': String(20 * gib) }),
        says: /^storage of green: retainedBytes is 378 GiB, required: at most 240 GiB, 80 % of 3 brokers' storage/,
      },
      { stack: kept(100, {}), config: { measuredBytes: { orders: 90 * gib } }, says: /^storage of green: retainedBytes is 270 GiB/ },
      {
        stack: kept(10, { 'retention.bytes': String(gib), 'segment.bytes': String(gib) }),
        config: { maxFillPercent: 90 },
        says: /retainedBytes is 36 GiB, required: at most 27 GiB/,
      },
    ],
    passes: [
      { stack: kept(200, { 'retention.bytes': String(20 * gib) }) },
      { stack: kept(10, {}) }, // unknown, and so told by `unjudged`
      { stack: [parity()] },
    ],
  },
  'security-brokers': {
    fails: [
      { stack: green(({ brokers }) => void delete brokers.promises?.['authorizer.class.name']), says: /^brokers of green: authorizer\.class\.name is not set/ },
      {
        stack: both(({ brokers }) => {
          brokers.config['auto.create.topics.enable'] = 'true'
        }),
        says: /^brokers of blue: auto\.create\.topics\.enable is true, required: false/,
      },
      {
        stack: green((all) => {
          ordersOf(all).ownConfig['unclean.leader.election.enable'] = 'true'
        }),
        says: /^topic orders of green: unclean\.leader\.election\.enable is true, required: false/,
      },
    ],
    passes: [{ stack: [parity()] }],
  },
  'security-principals': {
    fails: [
      {
        stack: both(({ brokers }) => {
          brokers.promises = { ...brokers.promises, 'super.users': 'User:broker;User:ANONYMOUS' }
        }),
        says: /^brokers of blue: super\.users is User:ANONYMOUS, required: none but User:broker, User:admin, User:operator, User:mirror\./,
      },
      {
        stack: green(({ brokers }) => {
          brokers.promises = { ...brokers.promises, 'super.users': 'User:admin;User:shop' }
        }),
        config: { superUsers: ['admin', 'shop'] }, // an application isn't one, whatever a configuration says
        says: /^brokers of green: super\.users is User:shop, required: none but User:admin\./,
      },
    ],
    passes: [{ stack: [parity()] }, { stack: both(({ brokers }) => void delete brokers.promises?.['super.users']) }],
  },
  'security-transport': {
    fails: [
      {
        stack: green(({ brokers }) => {
          Object.assign(brokers.listeners ?? {}, { consume: 'PLAINTEXT' })
        }),
        says: /^brokers of green: listeners\.consume is PLAINTEXT/,
      },
      {
        stack: green(({ brokers }) => {
          brokers.isLoopbackOnly = false
        }),
        says: /^brokers of green: listeners\.controller is SASL_PLAINTEXT PLAIN, required: SASL_SSL/,
      },
    ],
    passes: [
      { stack: [parity()] },
      { stack: both(({ brokers }) => void Object.assign(brokers, { isLoopbackOnly: false, listeners: { produce: 'SASL_SSL SCRAM-SHA-512' } })) },
    ],
  },
  'security-acls': {
    fails: [
      { stack: both(({ acls }) => void acls.push('User:*|*|Read|Allow|Topic|orders|Literal')), says: /principal is User:\*, required: a named user/ },
      { stack: both(({ acls }) => void acls.push('User:shop|*|All|Allow|Topic|*|Literal')), says: /operation is All on every topic/ },
      { stack: both(({ acls }) => void acls.push('User:shop|*|AlterConfigs|Allow|Topic|orders|Literal')), says: /operation is AlterConfigs on orders/ },
      { stack: both(({ acls }) => void acls.push('User:shop|*|Write|Allow|Topic|*|Literal')), says: /resourceName is every topic, required: named topics/ },
      { stack: both(({ acls }) => void acls.push('User:shop|*|Alter|Allow|Cluster|kafka-cluster|Literal')), says: /operation is Alter on the cluster/ },
    ],
    passes: [{ stack: [parity()] }, { stack: both(({ acls }) => void acls.push('User:*|*|Write|Deny|Topic|*|Literal')) }],
  },
  'security-credentials': {
    fails: [
      {
        stack: [{ type: 'kbg:index:LocalMirrorWorker', name: 'worker', props: { source: { password: 'of-a-test' } } }],
        says: /^worker: source\.password is a credential in plain text/,
      },
      {
        stack: [{ type: 'any:other:Thing', name: 'thing', props: { login: 'module required username="a" password="of-a-test";' } }],
        says: /^thing: login is a credential/,
      },
      {
        stack: [{ type: 'any:other:Thing', name: 'thing', props: { endpoint: 'https://somebody:of-a-test@kafka.example' } }],
        says: /^thing: endpoint is a credential/,
      },
    ],
    passes: [
      { stack: [user, ...traffic] },
      { stack: [{ type: 'any:other:Thing', props: { password: '$'.concat('{file:/secrets/blue.properties:login}'), credentialsFile: 'credentials.json' } }] },
    ],
  },
}

const byName = (name: string): Rule => {
  const found = rules.find((rule) => rule.name === name)
  if (found === undefined) throw new Error(`no rule ${name}`)
  return found
}

describe.each(Object.entries(cases))('%s', (name, { fails, passes }) => {
  test.each(fails)('refuses: $says', async ({ stack, config, says }) => {
    const messages = await reported(byName(name), stack, config)
    expect(
      messages.filter((message) => says.test(message)),
      messages.join('\n'),
    ).toHaveLength(1)
  })

  test.each(passes)('lets through', async ({ stack, config }) => {
    expect(await reported(byName(name), stack, config)).toEqual([])
  })
})

test('every rule of the pack has at least two cases that fail and one that passes', () => {
  const elsewhere = /^(?:aws|kubernetes)-/ // in aws.test.ts and kubernetes.test.ts
  expect(rules.flatMap(({ name }) => (elsewhere.test(name) ? [] : [name])).toSorted()).toEqual(Object.keys(cases).toSorted())
  for (const { fails, passes } of Object.values(cases)) {
    expect(fails.length).toBeGreaterThanOrEqual(2)
    expect(passes.length).toBeGreaterThanOrEqual(1)
  }
})

describe('a colour that was adopted', () => {
  const unknownOf = (name: string) => byName(name).judge([parity(adopted(3))] as never, {}).unknown

  test.each([
    ['parity-brokers', ['instanceClass', 'storage', 'promises', 'listeners']],
    ['isolation-clusters', ['brokerIds', 'subnets']],
    ['capacity-storage', ['storage of blue']],
    ['security-brokers', ['what is promised']],
    ['security-transport', ['listeners']],
  ])('%s: what its stack file does not say is unknown, and no violation', async (name, unknown) => {
    expect(await reported(byName(name), [parity(adopted(3))])).toEqual([])
    expect(unknownOf(name).map((why) => why.split(/ of the brokers|:/)[0])).toEqual(unknown)
  })

  test('makes no topic itself: its cluster is compared with the catalog instead', async () => {
    expect(await reported(byName('declared-resources'), [parity(adopted(3))])).toEqual([])
    expect(await reported(byName('declared-resources'), [parity(adopted(3)), topic()])).not.toEqual([])
  })

  test('is protected, and guarded, like any other', async () => {
    const cluster = { type: 'kbg:index:ExternalCluster', name: 'theirs', protect: false }
    expect((await reported(byName('safety-protection'), [cluster])).join()).toMatch(/retirement guard/)
  })
})
