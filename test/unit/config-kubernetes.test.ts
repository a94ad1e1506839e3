import { expect, test } from 'vitest'
import { KbgError } from '../../engine/model/error.ts'
import { loadConfig } from '../../infra/config.ts'
import { brokersOf } from '../../infra/inventories.ts'

const project = 'kafka-blue-green'

const load = (stack: string, keys: Record<string, string>) =>
  loadConfig(project, stack, Object.fromEntries(Object.entries(keys).map(([key, value]) => [`${project}:${key}`, value])))

function problems(stack: string, keys: Record<string, string>): string[] {
  try {
    load(stack, keys)
  } catch (error) {
    if (!(error instanceof KbgError)) throw error
    return error.message.split('\n').flatMap((line) => (line.startsWith('  - ') ? [line.slice(4)] : []))
  }
  throw new Error('nothing was refused')
}

const place = {
  ...{
    context: 'production',
    image: 'registry.example/kafka-blue-green:0.1.0',
    apiServers: ['10.0.0.1/32'],
    storageGib: 500,
    storageClass: 'fast',
    cpu: 2,
    memoryGib: 8,
  },
  credentialsFile: 'credentials.json',
}
const colour = (change: object = {}, keys: Record<string, string> = {}) => ({
  ...{ platform: 'kubernetes', kafkaVersion: '4.3.1', tls: 'true', kubernetes: JSON.stringify({ ...place, ...change }) },
  ...keys,
})

test('a colour on Kubernetes, with defaults', () => {
  expect(load('shop-blue', colour())).toMatchObject({
    ...{ role: 'colour', fleet: 'shop', colour: 'blue', platform: 'kubernetes', kafkaVersion: '4.3.1', tls: true, retire: false, brokerConfig: {} },
    kubernetes: { ...place, producers: [], consumers: [], apiServerPort: 6_443, brokers: 3, zoneLabel: 'topology.kubernetes.io/zone' },
  })
})

test('its brokers are known without Kubernetes', () => {
  const config = load('shop-green', colour({}, { brokerConfig: '{"log.retention.hours": 48}' }))
  if (config.role !== 'colour') throw new Error('no colour')
  expect(brokersOf(config)).toMatchObject({ platform: 'kubernetes', count: 3, config: { 'log.retention.hours': '48' }, brokerIds: [201, 202, 203] })
})

test('every problem of it is named at once', () => {
  expect(problems('shop-blue', colour({ apiServers: [], storageClass: 'Fast', brokers: 2, zones: ['a'] }))).toEqual([
    expect.stringMatching(/^kubernetes\.apiServers: /),
    expect.stringMatching(/^kubernetes\.brokers: 2 is not allowed; /),
    expect.stringMatching(/^kubernetes\.storageClass: lower-case letters/),
    expect.stringMatching(/^kubernetes\.zones: unknown key; /),
  ])
  expect(problems('shop-blue', colour({}, { kafkaVersion: '3.9.2' }))).toEqual([
    'kafkaVersion: "3.9.2" is not allowed; allowed: a version that Strimzi 1.2.0 runs: 4.2.0, 4.2.1, 4.3.0, 4.3.1',
  ])
  expect(problems('shop-blue', colour({}, { nodes: '3', tls: 'false' }))).toEqual([
    'nodes: goes with platform local',
    'tls: false; allowed: true, for a colour on Kubernetes speaks nothing else',
  ])
  expect(problems('shop-blue', colour({}, { brokerConfig: '{"ssl.client.auth": "none"}' }))).toEqual([
    'brokerConfig.ssl.client.auth: strimzi keeps this one to itself, and would leave it out with a warning; remove it',
  ])
  expect(problems('shop-blue', { kafkaVersion: '3.9.2', kubernetes: JSON.stringify(place) })).toEqual(['kubernetes: goes with platform kubernetes'])
})

test('what lies between takes no intent: nothing would move', () => {
  expect(load('shop-traffic', { platform: 'kubernetes', tls: 'true' })).toEqual({
    ...{ role: 'between', fleet: 'shop', platform: 'kubernetes', tls: true, decommission: undefined },
  })
  expect(problems('shop-traffic', { platform: 'kubernetes', live: 'green' })).toEqual([
    'live: a traffic stack on kubernetes moves nothing yet, and must not look as if it did (docs/platforms.md); remove it',
  ])
  expect(problems('shop-traffic', { platform: 'kubernetes', mirror: '{"version": "3.7.2", "jars": ["a.jar"]}' })).toEqual([
    'mirror: only between two colours on aws; on kubernetes all of it follows from the colours',
  ])
})
