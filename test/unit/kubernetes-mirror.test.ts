import { describe, expect, test } from 'vitest'
import { ClusterAccess } from '../../engine/model/cluster-access.ts'
import { colours } from '../../engine/model/colour.ts'
import {
  kubernetesWorkerProperties,
  workerDeployment,
  workerHost,
  workerInPods,
  workerPasswordNames,
  workerSecrets,
  workerService,
} from '../../engine/model/kubernetes-mirror.ts'
import { workerLabels } from '../../engine/model/kubernetes-network.ts'
import { connectorConfig, workerPromises } from '../../engine/model/mirror-template.ts'
import { accessInPods, podFiles } from '../../engine/model/strimzi-access.ts'
import { Wiring, WorkerAccess } from '../../engine/model/wiring.ts'
import { strimziColour } from '../support/strimzi-colour.ts'

const [blue, green] = [strimziColour('blue'), strimziColour('green')]

test('pods reach each broker by a name of its own, over TLS', () => {
  const access = accessInPods(green)
  expect(ClusterAccess.parse(access)).toEqual(access)
  expect(access.internalBootstrapServers).toEqual([201, 202, 203].map((id) => `green-brokers-${id}.green-kafka-brokers.kbg-shop-green.svc:9092`))
  expect(access.caFile).toBe('/mnt/kbg/authorities/green.crt')
})

test('both colours and their workers make a wiring that the engine takes', () => {
  const caFile = '/mnt/kbg/rest-authority/ca.crt'
  const routeStore = { endpoints: ['https://etcd.kbg-shop-traffic.svc:2379'], username: 'kbg', credentialsFile: podFiles.credentials, caFile }
  const wiring = {
    ...{ fleet: 'shop', routeStore, topics: ['orders'], groups: ['billing'] },
    clusters: { blue: accessInPods(blue), green: accessInPods(green) },
    workers: { blue: workerInPods(blue, caFile), green: workerInPods(green, caFile) },
  }
  expect(Wiring.parse(wiring).workers.blue).toEqual(WorkerAccess.parse(wiring.workers.blue))
})

describe('a worker’s properties', () => {
  const properties = kubernetesWorkerProperties(blue)

  test('are those of every platform, with a REST over TLS that asks for a login', () => {
    expect(properties).toMatchObject({
      ...workerPromises,
      listeners: 'https://:8083',
      'rest.advertised.host.name': workerHost('shop', 'blue'),
      'rest.extension.classes': expect.stringContaining('BasicAuthSecurityRestExtension'),
      'security.protocol': 'SASL_SSL',
      'bootstrap.servers': expect.stringContaining('blue-brokers-1.'),
    })
  })

  test('hold no password, and neither does a connector', () => {
    const worker = workerInPods(blue, '/mnt/kbg/ca.crt')
    const connector = connectorConfig({ source: accessInPods(green), target: accessInPods(blue), worker, topics: ['orders'] })
    const secrets = Object.entries({ ...properties, ...connector }).filter(([key]) => /password|jaas/.test(key))
    expect(secrets.length).toBeGreaterThan(5)
    for (const [key, value] of secrets) expect(value, key).toMatch(/^\$\{file:\/mnt\/kbg\/logins\/logins\.properties:(?:source|target|keystore)\}$/)
  })
})

test('the files with passwords hold each of them, and no other file does', () => {
  const secrets = workerSecrets((name) => `the "password" of ${name} $x`)
  expect(Object.keys(secrets)).toEqual(['logins.properties', 'rest-users.properties', 'rest-login.conf'])
  for (const name of workerPasswordNames) expect(Object.values(secrets).join('\n')).toContain(`of ${name}`)
  // A dollar sign would let a ConfigProvider take what follows for a reference.
  expect(secrets['logins.properties']).not.toMatch(/^(?:source|target)=.*\$/m)
  expect(JSON.stringify(colours.map((colour) => workerDeployment(strimziColour(colour))))).not.toContain('of mirror')
})

interface PodSpec {
  readonly template: {
    readonly metadata: { readonly annotations: Readonly<Record<string, string>>; readonly labels: object }
    readonly spec: {
      readonly volumes: readonly { readonly name: string }[]
      readonly containers: readonly { readonly image: string; readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[] }[]
    }
  }
}

test('one pod at most runs a worker, as nobody’s root, from a pinned image, and every mount has its volume', () => {
  const deployment = workerDeployment(blue)
  expect(deployment.spec).toMatchObject({
    ...{ replicas: 1, strategy: { type: 'Recreate' }, selector: { matchLabels: workerLabels } },
    template: {
      metadata: { labels: workerLabels },
      spec: {
        ...{ automountServiceAccountToken: false, securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } } },
        containers: [{ securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } } }],
      },
    },
  })
  const { volumes, containers } = (deployment.spec as PodSpec).template.spec
  const [container] = containers
  expect(container?.image).toMatch(/^quay\.io\/strimzi\/kafka:\d+\.\d+\.\d+-kafka-\d+\.\d+\.\d+$/)
  expect(container?.volumeMounts.map(({ name }) => name).sort()).toEqual(volumes.map(({ name }) => name).sort())
  const properties = Object.values(kubernetesWorkerProperties(blue)).join('\n')
  const paths = [...properties.matchAll(/\/mnt\/kbg\/[a-z]+/g)].map(([path]) => path)
  expect(paths.length).toBeGreaterThan(0)
  for (const path of paths) expect(container?.volumeMounts.map(({ mountPath }) => mountPath)).toContain(path)
  expect(workerService(blue)).toMatchObject({ metadata: { name: 'kbg-mirror', namespace: 'kbg-shop-blue' }, spec: { selector: workerLabels } })
})

test('another configuration is another pod', () => {
  const digest = (target: typeof blue) => (workerDeployment(target).spec as PodSpec).template.metadata.annotations['kbg/configuration']
  expect(digest(blue)).toBe(digest({ ...blue }))
  expect(digest({ ...blue, brokerIds: [1, 2, 3, 4] })).not.toBe(digest(blue))
})
