import { describe, expect, test } from 'vitest'
import type { CatalogSight } from '../../engine/gate/catalog-parity.ts'
import { driftOf } from '../../engine/gate/final-diff.ts'
import type { AclBinding, TopicFacts } from '../../engine/model/facts.ts'
import { acl, topic } from '../support/sample-snapshot.ts'

const fence: AclBinding = {
  ...{ principal: 'User:*', host: '*', resourceType: 'topic', resourceName: '*', patternType: 'literal', operation: 'Write', permission: 'deny' },
}

const sight = (over: Partial<CatalogSight> = {}): CatalogSight => ({
  topics: [
    topic('orders', { config: { 'retention.ms': '1000' } }),
    topic('payments'),
    topic('kbg.canary.blue'),
    topic('__consumer_offsets', { internal: true }),
  ],
  acls: [acl('User:orders-app'), { ...acl('User:orders-app', 'Read'), resourceType: 'group', resourceName: 'billing' }],
  quotas: [{ entity: 'user orders-app', limits: { producer_byte_rate: 1_024 } }],
  scramUsers: [{ user: 'orders-app', mechanisms: ['SCRAM-SHA-512'] }],
  ...over,
})

const drift = (now: CatalogSight) => driftOf('blue', sight(), now, [fence])
const withTopic = (name: string, over: Partial<TopicFacts>) => sight({ topics: sight().topics.map((one) => (one.topic === name ? { ...one, ...over } : one)) })
const partition = { partition: 0, leader: 2, leaderEpoch: 9, replicas: [1, 2, 3], isr: [2, 3] }

describe('the final diff', () => {
  test('is empty while nothing changed, also when leaders, replicas in sync, the fence and own topics did', () => {
    expect(drift(sight())).toEqual([])
    expect(drift(withTopic('orders', { partitions: [partition, { ...partition, partition: 1 }] }))).toEqual([])
    const nudge = acl('User:kbg-nudge')
    expect(drift(sight({ acls: [...sight().acls, fence, nudge], topics: [...sight().topics, topic('kbg.canary.green')] }))).toEqual([])
    expect(drift(withTopic('__consumer_offsets', { partitions: [] }))).toEqual([])
  })

  test.each<[string, CatalogSight, string]>([
    ['a topic that came up', sight({ topics: [...sight().topics, topic('stray')] }), 'topic stray came up on blue'],
    ['a topic that was deleted', sight({ topics: sight().topics.filter((one) => one.topic !== 'payments') }), 'topic payments was deleted on blue'],
    ['a topic that was made again (F2)', withTopic('orders', { topicId: 'another' }), 'topic orders was deleted and made again on blue'],
    ['a partition', withTopic('payments', { partitions: [partition] }), 'topic payments partitions: was 2, is 1 on blue'],
    [
      'a replication factor',
      withTopic('payments', { partitions: [partition, partition].map((one) => ({ ...one, replicas: [1] })) }),
      'topic payments replication factor: was 3, is 1 on blue',
    ],
    ['a config', withTopic('orders', { config: { 'retention.ms': '2000' } }), 'topic orders retention.ms: was 1000, is 2000 on blue'],
    ['a config that is gone', withTopic('orders', { config: {} }), 'topic orders retention.ms: was 1000, is not set on blue'],
    [
      'an ACL of a topic',
      sight({ acls: [...sight().acls, acl('User:intruder')] }),
      'ACL allow User:intruder from * Write on literal topic orders: was not set, is set on blue',
    ],
    [
      'an ACL of a group',
      sight({ acls: [acl('User:orders-app')] }),
      'ACL allow User:orders-app from * Read on literal group billing: was set, is not set on blue',
    ],
    [
      'a quota',
      sight({ quotas: [{ entity: 'user orders-app', limits: { producer_byte_rate: 1 } }] }),
      'quota of user orders-app producer_byte_rate: was 1024, is 1 on blue',
    ],
    ['a quota that is gone', sight({ quotas: [] }), 'quota of user orders-app producer_byte_rate: was 1024, is not set on blue'],
    ['a SCRAM user', sight({ scramUsers: [] }), 'SCRAM user orders-app: was SCRAM-SHA-512, is not set on blue'],
  ])('names %s', (_what, now, line) => {
    expect(drift(now)).toEqual([line])
  })
})
