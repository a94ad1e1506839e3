import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as pulumi from '@pulumi/pulumi'
import { afterAll, describe, expect, test } from 'vitest'
import { KubernetesColour, type KubernetesColourArgs } from '../../components/cluster/kubernetes.ts'
import type { ManagedClusterArgs } from '../../components/cluster/managed-cluster.ts'
import { KubernetesNetwork as KubernetesNetworkComponent } from '../../components/network/kubernetes.ts'
import { BirthConfig } from '../../engine/model/birth.ts'
import { Catalog } from '../../engine/model/catalog.ts'
import { type Colour, colours } from '../../engine/model/colour.ts'
import { KubernetesNetwork } from '../../engine/model/kubernetes-network.ts'
import { StrimziColour } from '../../engine/model/strimzi-access.ts'
import { StrimziSpec } from '../../engine/model/strimzi-brokers.ts'
import { strimziUserNames } from '../../engine/model/strimzi-catalog.ts'
import { type Declared, declaredBy, graphText } from './graph.ts'
import { valueOfOutput } from './mocks.ts'

const catalog = Catalog.parse({
  topics: { orders: { partitions: 6 } },
  users: ['shop'],
  acls: [{ principal: 'User:shop', resourceType: 'Topic', resourceName: 'orders', operation: 'Write' }],
})

const scratch = mkdtempSync(join(tmpdir(), 'kbg-kubernetes-'))
const credentialsFile = join(scratch, 'credentials.json')
const passwords = Object.fromEntries(strimziUserNames(catalog).map((user) => [user, `the password of ${user}`]))
writeFileSync(credentialsFile, JSON.stringify({ version: 1, passwords }))
afterAll(() => rmSync(scratch, { recursive: true }))

const argsOf = (colour: Colour, change: Partial<KubernetesColourArgs> = {}): KubernetesColourArgs => ({
  place: { fleet: 'shop', colour, network: KubernetesNetwork.parse({ producers: ['shop'], consumers: ['shop'], apiServers: ['10.0.0.1/32'] }) },
  brokers: StrimziSpec.parse({ kafkaVersion: '4.3.1', storageGib: 500, storageClass: 'fast', cpu: 2, memoryGib: 8, brokerConfig: {} }),
  ...{ catalog, context: 'production', image: 'registry.example/kafka-blue-green:0.1.0', credentialsFile, protect: true, ...change },
})

const reported = { clusterId: 'of-kafka-itself', listeners: [{ name: 'internal', certificates: ['the authority', 'its predecessor'] }] }
/** As the operator says it. */
const answered = ({ type }: pulumi.runtime.MockResourceArgs) => (type.endsWith(':Kafka') ? { status: reported } : {})

/** Each graph is made once: tests only read it. */
const made = new Map<string, Promise<readonly Declared[]>>()

function declare(args: KubernetesColourArgs): Promise<readonly Declared[]> {
  const key = JSON.stringify(args)
  const declared = made.get(key) ?? declaredBy(`shop-${args.place.colour}`, answered, (opts) => new KubernetesColour(args.place.colour, args, opts))
  made.set(key, declared)
  return declared
}

const ofKind = (declared: readonly Declared[], kind: string) => declared.filter(({ type }) => type.startsWith('kubernetes:') && type.endsWith(`:${kind}`))

describe('a colour on Kubernetes', () => {
  test('is this graph', async () => {
    await expect(graphText(await declare(argsOf('blue')))).toMatchFileSnapshot('../golden/graph-kubernetes-colour.txt')
  })

  test('speaks TLS only, asks for a login on every listener, and authorizes', async () => {
    const [kafka] = ofKind(await declare(argsOf('blue')), 'Kafka')
    const listener = (name: string) => ({
      name,
      type: 'internal',
      tls: true,
      authentication: { type: 'scram-sha-512' },
      networkPolicyPeers: expect.arrayContaining([expect.anything()]),
    })
    expect(kafka?.inputs).toMatchObject({
      apiVersion: 'kafka.strimzi.io/v1',
      metadata: { namespace: 'kbg-shop-blue', annotations: { 'pulumi.com/waitFor': 'condition=Ready' } },
      spec: {
        kafka: {
          listeners: ['internal', 'produce', 'consume'].map(listener),
          authorization: { type: 'simple', superUsers: ['operator', 'mirror'] },
          template: { podDisruptionBudget: { maxUnavailable: 1 } },
        },
      },
    })
  })

  test('remembers every server property that its brokers are made with', async () => {
    const args = argsOf('blue')
    const declared = await declare({ ...args, brokers: { ...args.brokers, brokerConfig: { 'num.io.threads': '16' } } })
    const remembered = declared.find(({ type }) => type === 'kbg:index:ManagedCluster')?.inputs as unknown as ManagedClusterArgs
    const [kafka] = ofKind(declared, 'Kafka')
    const { config } = (kafka?.inputs.spec as { readonly kafka: { readonly config: Readonly<Record<string, string>> } } | undefined)?.kafka ?? {}
    expect(remembered.make['brokerConfig.num.io.threads']).toBe('16')
    expect({ ...remembered.platformConfig, 'num.io.threads': '16' }).toEqual({
      ...config,
      'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer', // as the operator writes `authorization`
      'super.users': 'User:operator;User:mirror',
    })
  })

  test('the operator is waited for wherever it says that it is ready, and pools, of which it says nothing, are not', async () => {
    const declared = await declare(argsOf('blue'))
    const waits = ({ inputs }: Declared) => (inputs.metadata as { annotations?: Record<string, string> }).annotations?.['pulumi.com/waitFor'] !== undefined
    for (const kind of ['Kafka', 'KafkaUser', 'KafkaTopic']) expect(ofKind(declared, kind).every(waits), kind).toBe(true)
    expect(ofKind(declared, 'KafkaNodePool').some(waits)).toBe(false)
  })

  test('nothing starts before the namespace is closed', async () => {
    const declared = await declare(argsOf('blue'))
    expect(ofKind(declared, 'NetworkPolicy').map(({ name }) => name)).toEqual([
      'blue-network-deny-all',
      'blue-network-names',
      'blue-network-birth',
      'blue-network-kafka',
      'blue-network-mirror',
    ])
    const starting = [...ofKind(declared, 'KafkaNodePool'), ...ofKind(declared, 'Secret').filter(({ name }) => name.endsWith('-logins'))]
    const awaits = ({ options }: Declared) => [options.dependsOn ?? []].flat().some((each) => each instanceof KubernetesNetworkComponent)
    expect(starting.map(awaits)).toEqual(starting.map(() => true))
  })

  test('no application has a login before every broker refuses its writes', async () => {
    const declared = await declare(argsOf('blue'))
    const waits = (name: string) =>
      graphText(declared)
        .split('\n')
        .find((line) => line.startsWith(`KafkaUser/blue-cluster-user-${name} `))
    expect(waits('shop')).toContain('Job/blue-cluster-birth')
    expect(waits('operator')).not.toContain('Job/blue-cluster-birth')
    const [job] = ofKind(declared, 'Job')
    const told = declared.find(({ type, name }) => type.endsWith(':ConfigMap') && name === 'blue-cluster-birth')
    const { data } = (told?.inputs ?? {}) as { readonly data?: { readonly 'birth.json': string } }
    expect(BirthConfig.parse(JSON.parse(data?.['birth.json'] ?? ''))).toMatchObject({ access: { colour: 'blue', clusterId: 'of-kafka-itself' }, brokers: 3 })
    expect(job?.inputs).toMatchObject({ metadata: { namespace: 'kbg-shop-blue' } })
  })

  test('no password stands in the clear', async () => {
    const declared = await declare(argsOf('blue'))
    expect(ofKind(declared, 'Secret').map(({ name }) => name)).toEqual(['blue-cluster-logins', 'blue-cluster-birth'])
    expect(JSON.stringify(declared.filter(({ type }) => !type.endsWith(':Secret')))).not.toContain('the password of')
    expect(JSON.stringify(ofKind(declared, 'Secret'))).toContain(pulumi.runtime.specialSecretSig)
  })

  test('says to other stacks what they read, with what the operator reports', async () => {
    let strimzi: pulumi.Output<object> | undefined
    await declaredBy('shop-blue', answered, (opts) => {
      strimzi = new KubernetesColour('blue', argsOf('blue'), opts).strimzi
    })
    const said = await valueOfOutput(pulumi.output(strimzi))
    expect(StrimziColour.parse(said)).toEqual(said)
    expect(said).toMatchObject({ namespace: 'kbg-shop-blue', clusterId: 'of-kafka-itself', authority: 'the authority\nits predecessor', brokerIds: [1, 2, 3] })
  })

  test.each([true, false])('protect %s: so are namespace, Kafka, pools and topics', async (protect) => {
    const declared = await declare(argsOf('blue', { protect }))
    for (const kind of ['Namespace', 'Kafka', 'KafkaNodePool', 'KafkaTopic']) {
      const found = ofKind(declared, kind)
      expect(found.length, kind).toBeGreaterThan(0)
      expect(
        found.map(({ options }) => options.protect),
        kind,
      ).toEqual(found.map(() => protect))
    }
  })
})

test('the two colours share no namespace and no node id', async () => {
  const [blue, green] = await Promise.all(colours.map((colour) => declare(argsOf(colour))))
  const said = (declared: readonly Declared[] = []) =>
    declared.flatMap(({ inputs }) => {
      const { namespace, annotations } = (inputs.metadata ?? {}) as { namespace?: string; annotations?: Record<string, string> }
      return [namespace, annotations?.['strimzi.io/next-node-ids']].filter((text) => text !== undefined)
    })
  expect(said(blue).length).toBeGreaterThan(0)
  expect(new Set(said(blue)).intersection(new Set(said(green))).size).toBe(0)
})
