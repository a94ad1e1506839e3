import { expect, test } from 'vitest'
import { acl } from '../support/providers/kafka/acl.ts'
import { operationsOf } from '../support/providers/kafka/operations.ts'
import { quota } from '../support/providers/kafka/quota.ts'
import { topic } from '../support/providers/kafka/topic.ts'
import { userScramCredential } from '../support/providers/kafka/user-scram-credential.ts'

const unknownText = '04da6b54-80e4-46f7-96ec-b56ff0331ba9'
const secret = (value: unknown) => ({ '4dabf18193072939515e22adb298388d': '1b47061264138c4ac30d75fd1eb44270', value })

const topics = operationsOf(topic)
const acls = operationsOf(acl)
const quotas = operationsOf(quota)
const users = operationsOf(userScramCredential)

test('check names every wrong property, and completes what is left out', () => {
  expect(topics.check({}, { name: 'a', partitions: 0, replicas: 3 }, 'a', 'x').failures.map(({ property }) => property)).toEqual([
    'partitions',
    'replicationFactor',
    'replicas',
  ])
  expect(topics.check({}, { partitions: 1, replicationFactor: 1 }, 'orders', 'abc1234').inputs).toMatchObject({ name: 'orders-abc1234' })
  expect(topics.check({ name: 'orders-old' }, { partitions: 1, replicationFactor: 1 }, 'orders', 'abc1234').inputs).toMatchObject({ name: 'orders-old' })
  expect(quotas.check({}, { entityType: 'user', entityName: 'a', config: { consumer_byte_rat: '1' } }, 'q', 'x').failures).toHaveLength(1)
})

test('check leaves what is known only later, and still sees the rest', () => {
  const checked = topics.check({}, { name: unknownText, partitions: 2, replicationFactor: unknownText }, 'a', 'x')
  expect(checked).toEqual({ inputs: { name: unknownText, partitions: 2, replicationFactor: unknownText }, failures: [] })
  expect(topics.check({}, { name: unknownText, partitions: -1, replicationFactor: 1 }, 'a', 'x').failures).toHaveLength(1)
})

test('a password stays secret, also when the program did not say so', () => {
  const inputs = { username: 'app', scramMechanism: 'SCRAM-SHA-512' }
  expect(users.check({}, { ...inputs, password: secret('pw') }, 'u', 'x').inputs.password).toEqual(secret('pw'))
  expect(users.check({}, { ...inputs, password: 'pw' }, 'u', 'x').inputs.password).toEqual(secret('pw'))
  const reasons = users.check({}, { ...inputs, scramMechanism: 'PLAIN', password: secret('s3cr3t') }, 'u', 'x').failures
  expect(reasons.map(({ property }) => property)).toEqual(['scramMechanism'])
  expect(JSON.stringify(reasons)).not.toContain('s3cr3t')
})

test('a topic grows in place and shrinks into another one; a config differs by its entry', () => {
  const olds = { name: 'a', partitions: 3, replicationFactor: 1, config: { 'retention.ms': '1', 'cleanup.policy': 'delete' } }
  expect(topics.diff(olds, { ...olds })).toEqual([])
  expect(topics.diff(olds, { ...olds, partitions: 4, config: { 'retention.ms': '2', 'segment.ms': '5' } })).toEqual([
    { key: 'partitions', path: 'partitions', kind: 'update', replaces: false },
    { key: 'config', path: 'config["retention.ms"]', kind: 'update', replaces: false },
    { key: 'config', path: 'config["cleanup.policy"]', kind: 'delete', replaces: false },
    { key: 'config', path: 'config["segment.ms"]', kind: 'add', replaces: false },
  ])
  expect(topics.diff(olds, { ...olds, partitions: 2 })).toEqual([{ key: 'partitions', path: 'partitions', kind: 'update', replaces: true }])
  expect(topics.diff(olds, { ...olds, name: 'b' })).toMatchObject([{ key: 'name', replaces: true }])
})

test('no configs and empty configs are the same', () => {
  expect(topics.diff({ name: 'a', partitions: 1, replicationFactor: 1, config: {} }, { name: 'a', partitions: 1, replicationFactor: 1 })).toEqual([])
})

test('a changed binding is another binding; a changed secret is seen', () => {
  const binding = { aclPrincipal: 'User:a', aclHost: '*', aclOperation: 'Read', aclPermissionType: 'Allow', aclResourceType: 'Topic', aclResourceName: 't' }
  const { inputs } = acls.check({}, binding, 'a', 'x')
  expect(inputs).toMatchObject({ resourcePatternTypeFilter: 'Literal' })
  expect(acls.diff(inputs, { ...inputs, aclOperation: 'Write' })).toMatchObject([{ key: 'aclOperation', replaces: true }])
  const user = { username: 'app', scramMechanism: 'SCRAM-SHA-512', scramIterations: 4096 }
  expect(users.diff({ ...user, password: secret('a') }, { ...user, password: secret('a') })).toEqual([])
  expect(users.diff({ ...user, password: secret('a') }, { ...user, password: secret('b') })).toMatchObject([{ key: 'password', replaces: false }])
})
