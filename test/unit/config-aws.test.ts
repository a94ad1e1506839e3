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

const mirror = JSON.stringify({ version: '3.7.2', jars: ['connect-mirror-3.7.2.jar'] })
const between = { platform: 'aws', tls: 'true', mirror }

test('what lies between, while nobody says who is to be live', () => {
  expect(load('shop-traffic', between)).toEqual({
    ...{ role: 'between', platform: 'aws', fleet: 'shop', tls: true, decommission: undefined, moves: null },
    mirror: { version: '3.7.2', jars: ['connect-mirror-3.7.2.jar'] },
  })
  expect(problems('shop-traffic', { live: 'green', mirror })).toEqual(['mirror: only between two colours on aws; set platform there'])
  expect(problems('shop-traffic', { platform: 'aws', mirror: JSON.stringify({ version: '3.6.0', jars: ['a.jar'] }) })).toEqual([
    'mirror.version: 3.7.1 or newer, of the line 3.7',
  ])
})

test('with who is to be live it takes all that moves traffic elsewhere, and where the route is kept', () => {
  const at = { account: '123456789012', region: 'eu-central-1' }
  const keys = {
    ...{ live: 'green', attempt: '2', consumers: '{"wave-1": "blue"}', acceptLoss: '3', limits: '{"lagSamples": 7}', unprovenGroups: '{"legacy": "stay"}' },
    ...{ routeParameter: JSON.stringify({ ...at, pollIntervalMs: 500 }), decommission: 'shop' },
    routeStore: JSON.stringify({ endpoints: ['https://10.200.255.4:2379'], credentialsFile: 'etcd.json', caFile: 'etcd.crt' }),
  }
  expect(load('shop-traffic', { ...between, ...keys })).toMatchObject({
    ...{ role: 'between', decommission: 'shop', mirror: { version: '3.7.2' } },
    moves: {
      ...{
        live: 'green',
        attempt: 2,
        consumers: { 'wave-1': 'blue' },
        acceptLoss: 3,
        limits: { lagSamples: 7 },
        unprovenGroups: { legacy: 'stay' },
        hooks: [],
      },
      routeParameter: { pollIntervalMs: 500 },
      routeStore: { endpoints: ['https://10.200.255.4:2379'], username: 'kbg', clientUsername: 'client', credentialsFile: 'etcd.json', caFile: 'etcd.crt' },
    },
  })
  expect(load('shop-traffic', { ...between, live: 'blue' })).toMatchObject({ moves: { live: 'blue', attempt: 0, consumers: {}, hooks: [] } })
})

test('what would move nothing is refused, and so is a store in plaintext', () => {
  const store = { endpoints: ['https://10.200.255.4:2379'], credentialsFile: 'etcd.json', caFile: 'etcd.crt' }
  expect(problems('shop-traffic', { ...between, attempt: '1', routeStore: JSON.stringify(store) })).toEqual([
    'attempt: goes with live, the colour that is to be live',
    'routeStore: goes with live, the colour that is to be live',
  ])
  expect(problems('shop-traffic', { ...between, live: 'blue', tls: 'false' })).toEqual([
    'tls: false; allowed: true, for MSK speaks nothing else to its clients',
  ])
  const { caFile: _, ...plain } = store
  expect(problems('shop-traffic', { ...between, live: 'blue', routeStore: JSON.stringify(plain) })).toEqual([expect.stringMatching(/^routeStore\.caFile: /)])
  expect(problems('shop-traffic', { ...between, live: 'blue', routeStore: JSON.stringify({ ...store, clientUser: 'app' }) })).toEqual([
    'routeStore.clientUser: unknown key; did you mean clientUsername?',
  ])
  expect(problems('shop-traffic', { ...between, live: 'blue', retire: 'true' })).toEqual([
    expect.stringMatching(/^retire: belongs to the stack shop-blue or shop-green/),
  ])
})
