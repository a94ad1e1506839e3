import { describe, expect, test } from 'vitest'
import type { ClusterAccess } from '../../engine/model/cluster-access.ts'
import type { Colour } from '../../engine/model/colour.ts'
import { connectorConfig, mirrorMaxRequestBytes, unmirrorableBecause, workerProperties, workerTopics } from '../../engine/model/mirror-template.ts'

function access(colour: Colour): ClusterAccess {
  return {
    colour,
    clusterId: `id-${colour}`,
    kafkaVersion: '4.3.1',
    internalBootstrapServers: [`${colour}-1:9092`, `${colour}-2:9092`],
    produceBootstrapServers: ['p:1'],
    consumeBootstrapServers: ['c:1'],
    credentialsFile: '/secret.json',
  }
}

const worker = { sourceLogin: `\${file:/s/logins.properties:source}`, targetLogin: `\${file:/s/logins.properties:target}` }
const config = (topics: readonly string[]) => connectorConfig({ source: access('blue'), target: access('green'), worker, topics })

describe('the connector template', () => {
  test('names exactly the topics: each pattern matches its topic and no neighbour', () => {
    const topics = ['orders', 'orders.v1', 'a-b_c', 'x.replica']
    const patterns = (config(topics).topics ?? '').split(',').map((pattern) => new RegExp(`^(?:${pattern})$`))
    expect(topics.map((topic) => patterns.filter((pattern) => pattern.test(topic)).length)).toEqual([1, 1, 1, 1])
    for (const neighbour of ['ordersXv1', 'orders2', 'orders.v1.x', 'myorders']) expect(patterns.some((pattern) => pattern.test(neighbour))).toBe(false)
    expect([...topics, '__x'].some((topic) => new RegExp(config(topics)['topics.exclude'] ?? '').test(topic))).toBe(false)
  })

  test('refuses what MirrorMaker 2 would silently leave out or rename, all of it at once', () => {
    expect(() => config(['orders', '__x', 'device-heartbeats', 'mm2-a.internal', 'b.checkpoints.internal', 'no good', '.hidden'])).toThrow(
      /not-mirrorable: .*no good.*__x starts with __.*device-heartbeats ends in heartbeats.*and 1 more/,
    )
    expect(() => config([])).toThrow(/needs topics/)
    expect(unmirrorableBecause('orders.internal')).toBeNull()
  })

  test('is exactly-once, reads committed records only, and owns no topics, configs or ACLs', () => {
    expect(config(['orders'])).toMatchObject({
      'exactly.once.support': 'required',
      'source.consumer.isolation.level': 'read_committed',
      'source.consumer.auto.offset.reset': 'earliest',
      'sync.topic.configs.enabled': 'false',
      'sync.topic.acls.enabled': 'false',
      'emit.offset-syncs.enabled': 'false',
      'producer.override.acks': 'all',
      'producer.override.max.request.size': String(mirrorMaxRequestBytes),
    })
    // Any further key of that prefix is refused by MirrorSourceConnector while offset syncs are off.
    expect(Object.keys(config(['orders'])).filter((key) => key.startsWith('offset-syncs'))).toEqual([])
  })

  test('holds references to logins, and nothing else that could be one', () => {
    const logins = Object.entries(config(['orders'])).filter(([key]) => key.endsWith('jaas.config'))
    expect(Object.fromEntries(logins)).toEqual({ 'source.cluster.sasl.jaas.config': worker.sourceLogin, 'target.cluster.sasl.jaas.config': worker.targetLogin })
  })
})

test('at a cluster that was adopted it is that cluster’s own user, by its own mechanism', () => {
  const login = (username: string) => ({ username, mechanism: 'PLAIN' }) as const
  const theirs = { ...access('blue'), users: { operator: login('kafka-admin'), mirror: login('mm2'), probe: login('canary'), others: [] } }
  expect(connectorConfig({ source: theirs, target: access('green'), worker, topics: ['orders'] })).toMatchObject({
    'source.cluster.sasl.mechanism': 'PLAIN',
    'target.cluster.sasl.mechanism': 'SCRAM-SHA-512',
  })
  const settings = { fleet: 'shop', restHost: '127.0.0.1', restPort: 1, targetLogin: worker.targetLogin, secretsDirectory: '/s', restKeystore: undefined }
  expect(workerProperties({ ...settings, target: theirs })).toMatchObject({ 'sasl.mechanism': 'PLAIN', 'producer.sasl.mechanism': 'PLAIN' })
})

describe('over TLS', () => {
  const secured = (colour: Colour) => ({ ...access(colour), caFile: `/${colour}/ca.pem` })
  const trusting = (caFile: string) => ({
    'security.protocol': 'SASL_SSL',
    'ssl.enabled.protocols': 'TLSv1.3,TLSv1.2',
    'ssl.truststore.type': 'PEM',
    'ssl.truststore.location': caFile,
    'ssl.endpoint.identification.algorithm': 'https',
  })
  const under = (prefix: string, properties: object) => Object.fromEntries(Object.entries(properties).map(([key, value]) => [`${prefix}${key}`, value]))

  test('a connector trusts each side by a file, and speaks plaintext with neither', () => {
    const connector = connectorConfig({ source: secured('blue'), target: secured('green'), worker, topics: ['orders'] })
    expect(connector).toMatchObject({ ...under('source.cluster.', trusting('/blue/ca.pem')), ...under('target.cluster.', trusting('/green/ca.pem')) })
    expect(Object.values(connector)).not.toContain('SASL_PLAINTEXT')
    expect(config(['orders'])).toMatchObject({ 'source.cluster.security.protocol': 'SASL_PLAINTEXT', 'target.cluster.security.protocol': 'SASL_PLAINTEXT' })
  })

  test("the worker's own clients do the same, and its REST is HTTPS alone, with a keystore by reference", () => {
    const settings = { fleet: 'shop', target: secured('green'), restHost: '127.0.2.9', restPort: 8083, targetLogin: worker.targetLogin, secretsDirectory: '/s' }
    const password = `\${file:/s/logins.properties:keystore}`
    const properties = workerProperties({ ...settings, restKeystore: { file: '/s/rest.p12', password } })
    for (const prefix of ['', 'producer.', 'consumer.', 'admin.']) expect(properties).toMatchObject(under(prefix, trusting('/green/ca.pem')))
    expect(properties).toMatchObject({
      listeners: 'https://127.0.2.9:8083',
      'listeners.https.ssl.enabled.protocols': 'TLSv1.3,TLSv1.2',
      'listeners.https.ssl.keystore.location': '/s/rest.p12',
      'listeners.https.ssl.keystore.password': password,
    })
  })
})

describe('the worker', () => {
  const properties = workerProperties({
    fleet: 'shop',
    target: access('green'),
    restHost: '127.0.2.9',
    restPort: 8083,
    targetLogin: worker.targetLogin,
    secretsDirectory: '/s',
    restKeystore: undefined,
  })

  test('uses the target as its own cluster, and logs in by reference everywhere', () => {
    expect(properties).toMatchObject({
      'bootstrap.servers': 'green-1:9092,green-2:9092',
      'group.id': 'kbg-shop-green',
      'exactly.once.source.support': 'enabled',
      'offset.storage.topic': 'kbg.connect.green.offsets',
      listeners: 'http://127.0.2.9:8083',
    })
    const logins = Object.entries(properties).filter(([key]) => key.endsWith('sasl.jaas.config'))
    expect(logins.map(([key]) => key).sort()).toEqual(['admin.sasl.jaas.config', 'consumer.sasl.jaas.config', 'producer.sasl.jaas.config', 'sasl.jaas.config'])
    expect(new Set(logins.map(([, value]) => value))).toEqual(new Set([worker.targetLogin]))
  })

  test('answers only with credentials, and reads secrets from one directory only', () => {
    expect(properties['rest.extension.classes']).toMatch(/BasicAuthSecurityRestExtension$/)
    expect(properties['config.providers.file.param.allowed.paths']).toBe('/s')
  })

  test('finds its topics made, as it would have made them', () => {
    const one = { partitions: 1, replicationFactor: 3, config: { 'cleanup.policy': 'compact' } }
    const offsets = { 'cleanup.policy': 'compact', 'segment.bytes': '4194304', 'min.cleanable.dirty.ratio': '0.01' }
    expect(workerTopics(properties)).toEqual([
      { topic: 'kbg.connect.green.configs', ...one },
      { topic: 'kbg.connect.green.offsets', ...one, config: offsets },
      { topic: 'kbg.connect.green.status', ...one },
    ])
  })

  test('leaves bytes alone', () => {
    const converters = Object.entries(properties).filter(([key]) => key.endsWith('.converter'))
    expect(converters).toHaveLength(3)
    for (const [, value] of converters) expect(value).toBe('org.apache.kafka.connect.converters.ByteArrayConverter')
  })
})
