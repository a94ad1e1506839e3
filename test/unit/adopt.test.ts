/** What becomes of an existing cluster: its catalog, its waves, what has changed, what it can't offer. */
import { describe, expect, test } from 'vitest'
import { catalogText, updatedText } from '../../cli/adopt/catalog-file.ts'
import { runAdopt } from '../../cli/adopt/command.ts'
import { changeLines, leftOutLines, shortcomingLines, summaryLine } from '../../cli/adopt/lines.ts'
import { catalogChanges } from '../../engine/adopt/catalog-changes.ts'
import { catalogOf, keeping } from '../../engine/adopt/catalog-of.ts'
import { shortcomingsOf } from '../../engine/adopt/shortcomings.ts'
import { suggestWaves } from '../../engine/adopt/suggest-waves.ts'
import type { ExistingCluster, ExistingGroup } from '../../engine/model/existing-cluster.ts'
import type { AclBinding, TopicFacts } from '../../engine/model/facts.ts'
import { parseCatalog } from '../../infra/catalog.ts'

function topic(name: string, more: Partial<TopicFacts> = {}, partitions = 2, replicas: readonly number[] = [1, 2, 3]): TopicFacts {
  const each = (partition: number) => ({ partition, leader: 1, leaderEpoch: 0, replicas, isr: replicas })
  return { topic: name, topicId: name, internal: false, partitions: Array.from({ length: partitions }, (_, index) => each(index)), config: {}, minInsyncReplicas: 1, ...more } // biome-ignore format: one line
}

function binding(more: Partial<AclBinding>): AclBinding {
  return { principal: 'User:app', host: '*', resourceType: 'topic', resourceName: 'orders', patternType: 'literal', operation: 'Read', permission: 'allow', ...more } // biome-ignore format: one line
}

function group(groupId: string, more: Partial<ExistingGroup> = {}): ExistingGroup {
  return { groupId, state: 'Stable', type: 'classic', memberCount: 1, topics: ['orders'], lagRecords: 0, recordsPerSecond: 10, commits: 'plainly', ...more }
}

const seen = <T>(value: T) => ({ seen: true, value }) as const

const sound: ExistingCluster = {
  clusterId: 'theirs',
  brokers: [1, 2, 3].map((brokerId) => ({ brokerId, host: 'kafka.example', port: 9092 })),
  askedAs: 'kafka-admin',
  unspokenApis: [],
  topics: [
    topic('payments', {}, 1),
    topic('orders', { config: { 'retention.ms': '1000', 'cleanup.policy': 'compact' } }),
    topic('__consumer_offsets', { internal: true }),
  ],
  settings: seen(
    [1, 2, 3].map((brokerId) => ({
      brokerId,
      clientListeners: ['A', 'B'],
      autoCreatesTopics: false,
      electsUncleanLeaders: false,
      topicDefaults: { 'min.insync.replicas': '2' },
    })),
  ),
  authorizers: seen([1, 2, 3].map((brokerId) => ({ brokerId, className: 'org.apache.kafka.metadata.authorizer.StandardAuthorizer' }))),
  quorum: seen({ leaderId: 1, leaderEpoch: 1, voters: [] }),
  acls: seen([binding({ operation: 'Write' }), binding({})]),
  quotas: seen([{ entity: 'user app', limits: { consumer_byte_rate: 1024 } }]),
  scramUsers: seen([
    { user: 'kafka-admin', mechanisms: ['SCRAM-SHA-512'] },
    { user: 'app', mechanisms: ['SCRAM-SHA-256', 'SCRAM-SHA-512'] },
  ]),
  groups: seen([group('billing'), group('console-consumer-1')]),
}

describe('the suggested waves', () => {
  const waveOf = (groups: readonly ExistingGroup[], groupId: string, topics: readonly { topic: string }[] = []) =>
    suggestWaves(groups, topics).find((each) => each.groupId === groupId)

  test('one that nobody runs, or that is behind while others read the same, is the least critical', () => {
    const others = [group('a'), group('b')]
    expect(waveOf([...others, group('idle', { memberCount: 0, recordsPerSecond: 0 })], 'idle')).toMatchObject({
      spec: { wave: 1 },
      because: 'nobody reads now',
    })
    expect(waveOf([...others, group('late', { lagRecords: 101 })], 'late')).toMatchObject({ spec: { wave: 1 }, because: 'behind, and one of several' })
    expect(waveOf([...others, group('late', { lagRecords: 100 })], 'late')).toMatchObject({ spec: { wave: 2 }, because: 'keeps up' })
  })

  test('the only reader of a topic comes later, and so does one of the fastest quarter', () => {
    const shared = ['a', 'b', 'c'].map((name) => group(name))
    expect(waveOf([...shared, group('alone', { topics: ['orders', 'payments'] })], 'alone')).toMatchObject({
      spec: { wave: 4 },
      because: 'keeps up, the only one that reads payments, among the fastest',
    })
    expect(waveOf([...shared.slice(1), group('alone', { topics: ['payments'], recordsPerSecond: 99 })], 'alone')?.spec.wave).toBe(3)
    expect(waveOf([...shared, group('fast', { recordsPerSecond: 99 })], 'fast')?.spec.wave).toBe(3)
  })

  test('who also produces has no wave: by the newest commit, or by the internal topics of Kafka Streams', () => {
    expect(waveOf([group('a', { commits: 'in transactions' })], 'a')?.spec).toEqual({ alsoProduces: true })
    expect(waveOf([group('agg')], 'agg', [{ topic: 'agg-store-changelog' }])?.spec).toEqual({ alsoProduces: true })
  })

  test('the order of the groups changes nothing', () => {
    const groups = ['d', 'a', 'c', 'b'].map((name, index) => group(name, { recordsPerSecond: index * 10, topics: [`t${index % 3}`] }))
    expect(suggestWaves(groups, [])).toEqual(suggestWaves(groups.toReversed(), []))
  })
})

describe('the catalog of a cluster', () => {
  test('holds what the format can say, and the text is a catalog by its own rules', () => {
    const adopted = catalogOf(sound)
    expect(
      catalogText(adopted),
    ).toBe(`# What this cluster holds, as \`kbg adopt\` read it: what must exist on both colours from now on. Read it before you trust it; waves are suggestions.

topics:
  orders:
    partitions: 2
    config:
      cleanup.policy: compact
      retention.ms: "1000"
  payments: { partitions: 1 }
users:
  - app
acls:
  - { principal: User:app, resourceType: Topic, resourceName: orders, operation: Read }
  - { principal: User:app, resourceType: Topic, resourceName: orders, operation: Write }
quotas:
  - { user: app, consumerByteRate: 1024 }
groups:
  billing: { wave: 3 } # keeps up, the only one that reads orders
`)
    expect(parseCatalog(catalogText(adopted), 'x')).toEqual(adopted.catalog)
    expect(adopted.leftOut.map(({ what }) => what)).toEqual(['SCRAM user kafka-admin', 'group console-consumer-1'])
  })

  test('is the same whatever the order in which the cluster tells it', () => {
    const turned: ExistingCluster = {
      ...sound,
      topics: sound.topics.toReversed(),
      acls: seen([binding({}), binding({ operation: 'Write' })]),
    }
    expect(catalogText(catalogOf(turned))).toBe(catalogText(catalogOf(sound)))
  })

  test('what it can’t say is named, and nothing else is lost', () => {
    const odd = catalogOf({
      ...sound,
      topics: [...sound.topics, topic('connect-offsets'), topic('x.heartbeats'), topic('odd', { config: { 'message.format.version': '2.8' } })],
      acls: seen([
        binding({ principal: 'User:*', operation: 'Write', permission: 'deny', resourceName: '*' }),
        binding({ resourceType: 'delegation-token', resourceName: 't' }),
        binding({ principal: 'User:CN=app,O=shop' }),
        binding({ principal: 'Group:ops' }),
        binding({ resourceName: 'gone' }),
        binding({ principal: 'User:admin' }),
      ]),
      quotas: seen([
        { entity: 'user <default>', limits: { producer_byte_rate: 1 } },
        { entity: 'user app client-id x', limits: { producer_byte_rate: 1 } },
        { entity: 'user app', limits: { controller_mutation_rate: 2, producer_byte_rate: 3 } },
      ]),
      scramUsers: seen([
        { user: 'app', mechanisms: ['SCRAM-SHA-512'] },
        { user: 'old', mechanisms: ['SCRAM-SHA-256'] },
        { user: 'a b', mechanisms: ['SCRAM-SHA-512'] },
      ]),
    })
    expect(odd.leftOut.map(({ what }) => what)).toEqual([
      'topic connect-offsets',
      'topic x.heartbeats',
      'SCRAM user old',
      'SCRAM user a b',
      'group console-consumer-1',
      'quota of user <default>',
      'quota of user app client-id x',
      'controller_mutation_rate of user app',
      'ACL deny User:* from * Write on literal topic *',
      'ACL allow User:app from * Read on literal delegation-token t',
      'ACL allow Group:ops from * Read on literal topic orders',
      'ACL allow User:admin from * Read on literal topic orders',
      'message.format.version of topic odd',
    ])
    expect(odd.catalog).toMatchObject({ principals: ['CN=app,O=shop'], quotas: [{ user: 'app', producerByteRate: 3 }] })
    expect(odd.catalog.acls.find(({ resourceName }) => resourceName === 'gone')).toMatchObject({ dormant: true })
    expect(parseCatalog(catalogText(odd), 'x')).toEqual(odd.catalog)
    expect(leftOutLines(odd.leftOut, true).filter((line) => line.includes(' -> '))).toHaveLength(11)
  })

  test('what couldn’t be read is left out by name, and the cluster’s own users stay with it', () => {
    const unread = catalogOf({ ...sound, acls: { seen: false, why: 'CLUSTER_AUTHORIZATION_FAILED' } }, ['app'])
    expect(unread.catalog).toMatchObject({ users: [], acls: [], quotas: [] })
    expect(unread.leftOut.map(({ what }) => what)).toEqual([
      'SCRAM user kafka-admin',
      'SCRAM user app',
      'group console-consumer-1',
      'quota of user app',
      'ACLs',
    ])
  })
})

describe('a second run', () => {
  const written = parseCatalog(catalogText(catalogOf(sound)), 'x')

  test('on the same cluster changes nothing, whatever the groups do now', () => {
    const later = catalogOf({ ...sound, groups: seen([group('billing', { memberCount: 0, lagRecords: 99 })]) })
    expect(catalogChanges(written, keeping(written, later).catalog)).toEqual([])
  })

  test('says what has changed, by what it is', () => {
    const changed: ExistingCluster = {
      ...sound,
      topics: [topic('orders', { config: { 'retention.ms': '2000', 'cleanup.policy': 'compact' } }, 4), topic('refunds')],
      acls: seen([binding({}), binding({ operation: 'Describe' })]),
      groups: seen([]),
    }
    const adopted = catalogOf(changed)
    expect(changeLines(catalogChanges(written, adopted.catalog), false)).toEqual([
      'topics (4)',
      '  ~ orders partitions: 2 -> 4',
      '  ~ orders retention.ms: 1000 -> 2000',
      '  - payments',
      '  + refunds',
      'acls (2)',
      '  + User:app|*|Describe|Allow|Topic|orders|Literal',
      '  - User:app|*|Write|Allow|Topic|orders|Literal',
      'groups (1)',
      '  - billing',
    ])
  })

  test('an update keeps comments and waves that a person has written, and then nothing differs', () => {
    const mine = catalogText(catalogOf(sound)).replace('  orders:', '  # the shop\n  orders:').replace('billing: { wave: 3 }', 'billing: { wave: 7 }')
    const adopted = catalogOf({
      ...sound,
      topics: [...sound.topics, topic('refunds')],
      groups: seen([group('billing'), group('new')]),
      acls: seen([binding({})]),
    })
    const text = updatedText(mine, keeping(parseCatalog(mine, 'x'), adopted))
    expect(text).toContain('  # the shop\n  orders:')
    expect(text).toContain('billing: { wave: 7 }')
    expect(text).toContain('new: { wave: 2 } # keeps up')
    const now = parseCatalog(text, 'x')
    expect(now.acls).toHaveLength(1)
    expect(catalogChanges(now, keeping(now, adopted).catalog)).toEqual([])
    expect(updatedText(text, keeping(now, adopted))).toBe(text)
  })
})

test('what can’t be read the second time is kept as it was written: unknown is not gone', () => {
  const why = { seen: false, why: 'CLUSTER_AUTHORIZATION_FAILED' } as const
  const first = parseCatalog(catalogText(catalogOf({ ...sound, acls: seen([binding({ principal: 'User:CN=x' })]) })), 'x')
  const kept = keeping(first, catalogOf({ ...sound, acls: why, quotas: why, scramUsers: why, groups: why }))
  expect(kept.catalog).toEqual(first)
  expect(catalogChanges(first, kept.catalog)).toEqual([])
  expect(updatedText(catalogText(kept), kept)).toBe(catalogText(kept))
})

describe('what a cluster can’t offer', () => {
  const whatOf = (more: Partial<ExistingCluster>) => shortcomingsOf({ ...sound, ...more })

  test('of a sound one nothing rules out a step; who is a super user is not known all the same', () => {
    const found = whatOf({})
    expect(found.map(({ rulesOut }) => rulesOut)).toEqual([[]])
    expect(shortcomingLines(found)[0]).toBe('nothing that was read rules out a step of a switchover')
    expect(found[0]?.what).toMatch(/^who is a super user Kafka does not tell/)
  })

  test.each<[string, Partial<ExistingCluster>, RegExp, string]>([
    ['no authorizer', { authorizers: seen([{ brokerId: 2, className: '' }]) }, /^a fence: broker 2 has none/, 'fence'],
    ['authorizers that were not told', { authorizers: { seen: false, why: 'late' } }, /^a fence: late/, 'fence'],
    ['no logins', { askedAs: null }, /^nobody has to log in/, 'reverse'],
    [
      'an old protocol',
      { unspokenApis: [{ brokerId: 1, api: 'ListTransactions', required: 1, observed: '0-0' }] },
      /^ListTransactions 1: broker 1 speaks 0-0/,
      'drain',
    ],
    ['a quorum that was not told', { quorum: { seen: false, why: 'UNSUPPORTED_VERSION' } }, /^the metadata quorum: not known/, 'fence'],
    ['two brokers', { brokers: sound.brokers.slice(1) }, /^2 brokers/, 'reverse'],
    ['a replica that is out of sync', { topics: [topic('orders', { partitions: [{ partition: 0, leader: 1, leaderEpoch: 0, replicas: [1, 2], isr: [1] }] })] }, /^replicas: orders-0 1\/2 in sync/, 'gate'], // biome-ignore format: one line
    ['a group of the new protocol', { groups: seen([group('x', { type: 'consumer' })]) }, /x \(consumer\)/, 'groups'],
    ['principals without a SCRAM user', { acls: seen([binding({ principal: 'User:CN=x' })]) }, /^no SCRAM users: User:CN=x/, 'release'],
  ])('%s rules out a step', (_name, more, what, step) => {
    const found = whatOf(more).find((each) => what.test(each.what))
    expect(found?.rulesOut).toContain(step)
    expect(found?.remedy).not.toBe('')
  })

  test('settings of brokers are told, with what to do about them', () => {
    const settings = seen([
      { brokerId: 1, clientListeners: ['A'], autoCreatesTopics: true, electsUncleanLeaders: true, topicDefaults: { 'log.retention.hours': '5' } },
    ])
    const lines = whatOf({ settings, topics: [topic('one', {}, 1, [1])] }).map(({ what }) => what)
    expect(lines.join('\n')).toMatch(/one listener for all clients on broker 1/)
    expect(lines.join('\n')).toMatch(/auto\.create\.topics\.enable\): broker 1/)
    expect(lines.join('\n')).toMatch(/unclean\.leader\.election\.enable\): broker 1/)
    expect(lines.join('\n')).toMatch(/topics inherit from the brokers: log\.retention\.hours=5/)
    expect(lines.join('\n')).toMatch(/one replica only: one/)
  })
})

test('what can’t begin is refused with every reason at once, and no password is an option', async () => {
  const nothing = {
    bootstrapServers: undefined,
    user: undefined,
    credentials: undefined,
    ca: undefined,
    own: undefined,
    out: undefined,
    update: false,
    all: false,
  }
  await expect(runAdopt({ ...nothing, mechanism: 'PLAIN', credentials: 'x' })).rejects.toThrow(
    /adopt-options: .*--bootstrap-servers HOST:PORT.*--user and --credentials go together.*--mechanism goes with --user/,
  )
  await expect(runAdopt({ ...nothing, bootstrapServers: 'kafka', user: 'x', credentials: 'y', mechanism: 'MAGIC' })).rejects.toThrow(
    /--bootstrap-servers.*--mechanism is one of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512/,
  )
})

test('the summary counts', () => {
  expect(summaryLine(catalogOf(sound).catalog)).toBe('2 topics with 3 partitions, 1 SCRAM users, 0 other principals, 2 ACLs, 1 quotas, 1 groups in 1 waves')
})
