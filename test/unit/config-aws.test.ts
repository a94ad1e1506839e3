import { expect, test } from 'vitest'
import { brokersOf } from '../../infra/inventories.ts'
import { load, problems } from '../support/loaded-config.ts'

const place = {
  ...{ account: '123456789012', region: 'eu-central-1', instanceType: 'kafka.m7g.large', storageGib: 500, maxStorageGib: 2_000 },
  credentialsFile: 'credentials.json',
}
const colour = (change: object = {}, keys: Record<string, string> = {}) => ({
  ...{ platform: 'aws', kafkaVersion: '3.9.x.kraft', tls: 'true', aws: JSON.stringify({ ...place, ...change }) },
  ...keys,
})

test('a colour on AWS, with defaults', () => {
  expect(load('shop-blue', colour())).toMatchObject({
    ...{ role: 'colour', fleet: 'shop', colour: 'blue', platform: 'aws', kafkaVersion: '3.9.x.kraft', tls: true, retire: false, brokerConfig: {} },
    aws: { ...place, environment: 'production', pool: '10.0.0.0/8', zones: ['a', 'b', 'c'], brokersPerZone: 1, alarmTopics: [] },
  })
})

test('its brokers are known without AWS', () => {
  const config = load('shop-green', colour({}, { brokerConfig: '{"log.retention.hours": 48}' }))
  if (config.role !== 'colour') throw new Error('no colour')
  expect(brokersOf(config)).toMatchObject({
    ...{ platform: 'aws', count: 3, instanceClass: 'kafka.m7g.large', config: { 'log.retention.hours': '48' } },
    ...{ listeners: { applications: 'SASL_SSL SCRAM-SHA-512' }, subnets: [expect.stringMatching(/^10\.\d+\.\d+\.0\/20$/)] },
  })
})

test('every problem of it is named at once', () => {
  expect(problems('shop-blue', colour({ account: '12', region: 'Frankfurt', zones: ['a'], storageGib: 10, colour: 'blue' }))).toEqual([
    "aws.account: an account's 12 digits, in quotes",
    'aws.region: a region, for example eu-central-1',
    'aws.zones: at least 3 zones',
    'aws.storageGib: 10 is not allowed; at least 100 GiB',
    'aws.colour: unknown key; allowed: account, region, environment, pool, zones, instanceType, brokersPerZone, storageGib, maxStorageGib, clients, credentialsFile, alarmTopics, access',
  ])
  expect(problems('shop-blue', colour({}, { kafkaVersion: '3.9.2' }))).toEqual([
    'kafkaVersion: "3.9.2" is not allowed; allowed: a version without ZooKeeper as MSK names it, for example 3.9.x.kraft',
  ])
  expect(problems('shop-blue', colour({ storageGib: 3_000 }, { nodes: '3', tls: 'false' }))).toEqual([
    'nodes: goes with platform local',
    'tls: false; allowed: true, for MSK speaks nothing else to its clients',
    'aws.maxStorageGib: below storageGib',
  ])
  expect(problems('shop-blue', colour({}, { brokerConfig: '{"min.insync.replicas": 1}' }))).toEqual([
    'brokerConfig.min.insync.replicas: 1 is not allowed; the platform sets this one itself; remove it',
  ])
  expect(problems('shop-blue', { kafkaVersion: '3.9.2', aws: JSON.stringify(place) })).toEqual(['aws: goes with platform aws'])
})

test('a stack that is run from an operators’ network says whom it trusts, and where the route is', () => {
  const clients = { operators: ['10.200.9.0/28'] }
  const access = { caFile: '/etc/ssl/amazon-roots.pem' }
  const store = { endpoints: ['10.200.9.3:2379'], username: 'kbg', credentialsFile: '/etcd.json' }
  const routeStore = JSON.stringify(store)
  expect(load('shop-blue', colour({ clients, access }, { routeStore }))).toMatchObject({ aws: { access }, routeStore: store })
  expect(load('shop-blue', colour({ clients, access }))).toMatchObject({ routeStore: undefined })
  expect(load('shop-blue', colour({ clients }))).not.toHaveProperty('aws.access')
  expect(problems('shop-blue', colour({ access }))).toEqual(['aws.access: goes with aws.clients.operators, the networks that this stack is run from'])
  expect(problems('shop-blue', colour({ clients }, { routeStore }))).toEqual(['routeStore: goes with aws.access; without it no guard asks a route'])
  expect(problems('shop-blue', colour({ clients, access: {} }))).toEqual([expect.stringMatching(/^aws\.access\.caFile: /)])
})

test('what lies between takes no intent: nothing would move', () => {
  const mirror = JSON.stringify({ version: '3.7.2', jars: ['connect-mirror-3.7.2.jar'] })
  expect(load('shop-traffic', { platform: 'aws', tls: 'true', mirror })).toEqual({
    ...{ role: 'between', platform: 'aws', fleet: 'shop', tls: true, decommission: undefined },
    mirror: { version: '3.7.2', jars: ['connect-mirror-3.7.2.jar'] },
  })
  expect(problems('shop-traffic', { platform: 'aws', mirror, live: 'green' })).toEqual([
    'live: a traffic stack on aws moves nothing yet, and must not look as if it did (docs/platforms.md); remove it',
  ])
  expect(problems('shop-traffic', { live: 'green', mirror })).toEqual(['mirror: only between two colours on aws; set platform there'])
  expect(problems('shop-traffic', { platform: 'aws', mirror: JSON.stringify({ version: '3.6.0', jars: ['a.jar'] }) })).toEqual([
    'mirror.version: 3.7.1 or newer, of the line 3.7',
  ])
})
