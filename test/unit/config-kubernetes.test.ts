import { expect, test } from 'vitest'
import { KubernetesRouteStore } from '../../engine/model/kubernetes-route-store.ts'
import { Limits } from '../../engine/model/limits.ts'
import { brokersOf } from '../../infra/inventories.ts'
import { load, problems } from '../support/loaded-config.ts'

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

const audit = { storageClass: 'fast', storageGib: 20, certificateFile: 'audit.crt', keyFile: 'audit.key' }
const between = {
  ...{ platform: 'kubernetes', tls: 'true', image: place.image, caFile: 'platform.crt' },
  audit: JSON.stringify(audit),
  routeStore: JSON.stringify({ endpoints: ['https://etcd.platform.svc:2379'], caFile: 'etcd.crt' }),
}

test('what lies between is told who is to be live, or that nobody says so yet', () => {
  const read = {
    ...{ role: 'between', fleet: 'shop', platform: 'kubernetes', tls: true, decommission: undefined, image: place.image, caFile: 'platform.crt', audit },
    ...{ intent: null, limits: Limits.parse({}), unprovenGroups: {} },
    routeStore: {
      endpoints: [{ url: 'https://etcd.platform.svc:2379', port: 2_379, place: { namespace: 'platform' } }],
      ...{ username: 'kbg', caFile: 'etcd.crt' },
    },
  }
  expect(load('shop-traffic', between)).toEqual(read)
  expect(load('shop-traffic', { ...between, live: 'green' })).toEqual({ ...read, intent: { live: 'green', attempt: 0, consumers: {} } })
  const wanted = {
    live: 'green',
    attempt: '2',
    consumers: '{"wave-1": "blue"}',
    acceptLoss: '7',
    limits: '{"lagSamples": 2}',
    unprovenGroups: '{"old": "stay"}',
  }
  expect(load('shop-traffic', { ...between, ...wanted })).toEqual({
    ...{ ...read, intent: { live: 'green', attempt: 2, consumers: { 'wave-1': 'blue' }, acceptLoss: 7 } },
    ...{ limits: Limits.parse({ lagSamples: 2 }), unprovenGroups: { old: 'stay' } },
  })
})

test('what it can’t be told is named', () => {
  const aimless = { attempt: '1', consumers: '{"wave-1": "blue"}', failover: 'unknown@57' }
  expect(problems('shop-traffic', { ...between, ...aimless })).toEqual(
    ['attempt', 'consumers', 'failover'].map((key) => `${key}: goes with live, the colour that is to be live`),
  )
  expect(problems('shop-traffic', { ...between, live: 'red', hooks: '[]' })).toEqual([
    'hooks: a traffic stack on kubernetes has no such thing yet (docs/platforms.md); remove it',
    'live: "red" is not allowed; allowed: blue or green; left out, nothing moves traffic',
  ])
  expect(problems('shop-traffic', { ...between, mirror: '{"version": "3.7.2", "jars": ["a.jar"]}' })).toEqual([
    'mirror: only between two colours on aws; set platform there',
  ])
})

test('what its pods need is named at once, and belongs nowhere else', () => {
  expect(problems('shop-traffic', { platform: 'kubernetes', image: 'kbg:latest' })).toEqual([
    'image: "kbg:latest" is not allowed; allowed: this project’s image with a tag other than latest, or with a digest',
    expect.stringMatching(/^routeStore: missing; allowed: an object \{endpoints, username, caFile\}: an etcd that pods reach at /),
    expect.stringMatching(/^caFile: missing; allowed: a file with the certificate/),
    expect.stringMatching(/^audit: missing; allowed: an object \{storageClass, storageGib, certificateFile, keyFile\}/),
  ])
  expect(problems('shop-traffic', { live: 'green', image: place.image, routeStore: between.routeStore })).toEqual([
    'routeStore: belongs to the stack shop-blue or shop-green; set it there: pulumi config set routeStore <value> -s shop-blue',
    'image: only between two colours on kubernetes; set platform there',
  ])
  expect(problems('shop-blue', colour({}, { caFile: 'platform.crt' }))).toEqual([
    'caFile: belongs to the stack shop-traffic; set it there: pulumi config set caFile <value> -s shop-traffic',
  ])
})

const where = 'https://<service>.<namespace>.svc:<port>, or https://<IPv4 address>:<port> of something outside the cluster'
test.each([
  ['a name that no NetworkPolicy can say', { endpoints: ['https://etcd.example.com:2379'] }, `routeStore.endpoints.0: ${where}`],
  ['plaintext', { endpoints: ['http://etcd.platform.svc:2379'] }, `routeStore.endpoints.0: ${where}`],
  ['an endpoint without a port', { endpoints: ['https://etcd.platform.svc'] }, `routeStore.endpoints.0: ${where}`],
  ['a port that there isn’t', { endpoints: ['https://10.7.0.4:70000'] }, `routeStore.endpoints.0: ${where}`],
  ['an address that there isn’t', { endpoints: ['https://10.7.0.400:2379'] }, `routeStore.endpoints.0: ${where}`],
  ['no endpoint', { endpoints: [] }, expect.stringMatching(/^routeStore\.endpoints: too small/)],
  ['the login of Kafka’s operator', { username: 'operator' }, 'routeStore.username: the name of another login in the same credentials file'],
  ['no authority', { caFile: undefined }, expect.stringMatching(/^routeStore\.caFile: /)],
  ['a credentials file of its own', { credentialsFile: 'etcd.json' }, expect.stringMatching(/^routeStore\.credentialsFile: unknown key; /)],
])('a route store with %s is refused', (_, change, problem) => {
  const routeStore = JSON.stringify({ endpoints: ['https://etcd.platform.svc:2379'], caFile: 'etcd.crt', ...change })
  expect(problems('shop-traffic', { ...between, routeStore })).toEqual([problem])
})

test.each<[string, object | null]>([
  ['https://etcd.platform.svc:2379', { namespace: 'platform' }],
  ['https://etcd-0.etcd.platform.svc:2379', { namespace: 'platform' }],
  ['https://etcd.platform.svc.cluster.local:2379', { namespace: 'platform' }],
  ['https://etcd-0.etcd.platform.svc.cluster.local:2379', { namespace: 'platform' }],
  ['https://10.7.0.4:2379', { cidr: '10.7.0.4/32' }],
  ['https://etcd.platform.svc.example.com:2379', null],
  ['https://etcd.platform.svc.cluster.local.example.com:2379', null],
  ['https://etcd.platform.svc.cluster.local.:2379', null],
  ['https://etcd.platform.svc.cluster:2379', null],
  ['https://etcd.platform.svc.:2379', null],
  ['https://etcd.platform.svcs:2379', null],
  ['https://platform.svc:2379', null],
  ['https://a.etcd-0.etcd.platform.svc:2379', null],
  ['https://-etcd.platform.svc:2379', null],
  ['https://etcd.-platform.svc:2379', null],
  [`https://etcd.${'p'.repeat(64)}.svc:2379`, null],
  ['https://etcd..platform.svc:2379', null],
])('the route store at %s is at %o', (url, place) => {
  const { data } = KubernetesRouteStore.safeParse({ endpoints: [url], caFile: 'etcd.crt' })
  expect(data?.endpoints[0]?.place ?? null).toEqual(place)
})

test.each([
  ['no storage', { storageGib: 0 }, 'audit.storageGib: 0 is not allowed; too small: expected number to be >=1'],
  ['a storage class that Kubernetes couldn’t have', { storageClass: 'Fast SSD' }, expect.stringMatching(/^audit\.storageClass: lower-case letters/)],
  ['no key', { keyFile: undefined }, expect.stringMatching(/^audit\.keyFile: /)],
  ['an address of its own', { host: '0.0.0.0' }, expect.stringMatching(/^audit\.host: unknown key; /)],
])('an audit with %s is refused', (_, change, problem) => {
  expect(problems('shop-traffic', { ...between, audit: JSON.stringify({ ...audit, ...change }) })).toEqual([problem])
})
