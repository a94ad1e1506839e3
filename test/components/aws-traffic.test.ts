import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as pulumi from '@pulumi/pulumi'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { AwsBetween } from '../../components/network/aws-between.ts'
import { Traffic } from '../../components/traffic/traffic.ts'
import { Catalog } from '../../engine/model/catalog.ts'
import type { Colour } from '../../engine/model/colour.ts'
import { Limits } from '../../engine/model/limits.ts'
import { mskAccess } from '../../engine/model/msk-access.ts'
import { Wiring } from '../../engine/model/wiring.ts'
import { betweenProgram } from '../../infra/between.ts'
import type { AwsBetweenConfig } from '../../infra/config.ts'
import { mskBirthSpec, mskColour } from '../support/msk-colour.ts'
import { declaredBy, graphText } from './graph.ts'
import { accessOf, type Mocked, mockPulumi, valueOfOutput } from './mocks.ts'

// Serializing a dynamic provider needs Pulumi's own loader (pulumi#10480), so a plain resource stands in for the gate here.
vi.mock('../../components/gate/gate.ts', () => ({
  Gate: class FakeGate extends pulumi.CustomResource {
    constructor(name: string, args: object, opts: object) {
      super('test:fake:Gate', name, { ...args, verdict: undefined, epoch: undefined }, opts)
    }
  },
}))

const scratch = mkdtempSync(join(tmpdir(), 'kbg-aws-traffic-'))
const plugin = { version: '3.7.2', jars: [join(scratch, 'connect-mirror-3.7.2.jar')] }
beforeAll(() => writeFileSync(join(scratch, 'connect-mirror-3.7.2.jar'), 'one'))
afterEach(() => pulumi.runtime.disconnect()) // outputs come behind everything: the next test's mocks don't know them
afterAll(() => rmSync(scratch, { recursive: true }))

const catalog = Catalog.parse({ topics: { orders: { partitions: 6 } }, groups: { billing: { wave: 1 } } })
/** As its own stack says: mirror and operator are roles. */
const reached = (colour: Colour) => mskAccess({ ...mskBirthSpec(colour), caFile: '/etc/ssl/certs/ca-bundle.crt' }, `id-${colour}`)
const store = { endpoints: ['https://127.0.1.1:2379'], username: 'kbg', credentialsFile: '/nowhere/credentials.json', caFile: '/nowhere/ca.pem' }

function given({ type, inputs }: pulumi.runtime.MockResourceArgs): Record<string, unknown> {
  switch (type) {
    case 'kbg:index:LocalRouteStore':
      return { access: store, clientAccess: { ...store, username: 'client' } }
    case 'kbg:index:ManagedMirror':
      return { access: inputs.worker }
    case 'kbg:index:LocalAudit':
      return { access: [{ url: 'http://audit.invalid', credentialsFile: '/nowhere/credentials.json' }], alive: true }
    case 'test:fake:Gate':
      return { verdict: 'pass', epoch: 9 }
    case 'kbg:index:Switchover':
      return { live: 'blue', epoch: 9, state: 'open', consumers: {} }
    case 'aws:mskconnect/customPlugin:CustomPlugin':
    case 'aws:mskconnect/workerConfiguration:WorkerConfiguration':
      return { arn: `arn:${inputs.name}`, latestRevision: 1 }
    case 'aws:iam/role:Role':
      return { arn: 'arn:role' }
    default:
      return {}
  }
}

test('what moves traffic is this graph, behind all that lies between the colours', async () => {
  const declared = await declaredBy('shop-traffic', given, (opts) => {
    const between = new AwsBetween(
      'between',
      { fleet: 'shop', colours: { blue: mskColour('blue'), green: mskColour('green') }, topics: ['orders'], plugin },
      opts,
    )
    const mirror = { kind: 'msk-connect', workers: between.workers } as const
    const clusters = { blue: reached('blue'), green: reached('green') }
    new Traffic('traffic', { fleet: 'shop', catalog, clusters, live: 'blue', tls: true, mirror }, { ...opts, dependsOn: between })
  })
  const moving = graphText(declared)
    .split('\n')
    .filter((line) => line.includes('/traffic-'))
  await expect(`${moving.join('\n')}\n`).toMatchFileSnapshot('../golden/graph-aws-traffic.txt')
  expect(declared.filter(({ type }) => /connector/i.test(type))).toEqual([])
})

const config: AwsBetweenConfig = {
  ...{ role: 'between', platform: 'aws', fleet: 'shop', tls: true, decommission: undefined, mirror: plugin },
  moves: { live: 'blue', attempt: 2, consumers: {}, limits: Limits.parse({}), unprovenGroups: {}, hooks: [], routeStore: undefined },
}
const stackOf = (colour: Colour, change: object = {}) => ({ msk: mskColour(colour), cluster: reached(colour), ...change })

function mocked(blue: object, green: object): Promise<Mocked> {
  return mockPulumi('shop-traffic', (args) =>
    args.type === 'pulumi:pulumi:StackReference' ? { outputs: String(args.inputs.name).endsWith('blue') ? blue : green } : given(args),
  )
}

test('the program wires what it asks MSK Connect for, under names of this fleet’s own; no worker runs on this machine', async () => {
  const { registered } = await mocked(stackOf('blue'), stackOf('green'))
  const outputs = await betweenProgram(config, catalog)
  expect(await valueOfOutput(pulumi.output(outputs.route))).toMatchObject({ live: 'blue', epoch: 9 })
  const wiring = Wiring.parse(await valueOfOutput(pulumi.output(outputs.wiring)))
  expect(wiring.workers).toMatchObject(
    Object.fromEntries(
      (['blue', 'green'] as const).map((colour) => [
        colour,
        {
          ...{ kind: 'msk-connect', colour, region: 'eu-central-1', namePrefix: `kbg-production-FLEET-shop-INTO-${colour}-`, listLagMs: 120_000 },
          request: { kafkaCluster: { apacheKafkaCluster: { bootstrapServers: mskColour(colour).addresses.iam } }, serviceExecutionRoleArn: 'arn:role' },
        },
      ]),
    ),
  )
  expect(wiring).toMatchObject({
    fleet: 'shop',
    routeStore: store,
    guardians: ['blue', 'green'],
    clusters: { blue: { caFile: '/etc/ssl/certs/ca-bundle.crt', users: { mirror: { mechanism: 'AWS_MSK_IAM' }, operator: { mechanism: 'AWS_MSK_IAM' } } } },
  })
  expect(registered.filter(({ type }) => type === 'kbg:index:LocalMirrorWorker')).toEqual([])
  const mirrors = registered.filter(({ type }) => type === 'kbg:index:ManagedMirror')
  expect(mirrors.map(({ inputs }) => inputs)).toMatchObject([
    { fleet: 'shop', target: { colour: 'blue' }, source: { colour: 'green' }, decommission: null },
    { target: { colour: 'green' }, source: { colour: 'blue' } },
  ])
  expect(outputs.clients?.fleet).toBe('shop')
  const order = registered.map(({ type }) => type)
  expect(order.lastIndexOf('aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule')).toBeLessThan(order.indexOf('kbg:index:LocalRouteStore'))
})

test('a store that somebody runs is named to who moves traffic and to applications, each as its own user, and none is made', async () => {
  const { registered } = await mocked(stackOf('blue'), stackOf('green'))
  const routeStore = {
    endpoints: ['https://10.200.255.4:2379'],
    username: 'kbg',
    clientUsername: 'apps',
    credentialsFile: '/run/etcd.json',
    caFile: '/run/etcd.crt',
  }
  const { clientUsername: _, ...access } = routeStore
  const outputs = await betweenProgram({ ...config, moves: { ...config.moves, live: 'blue', routeStore } as AwsBetweenConfig['moves'] }, catalog)
  expect((await valueOfOutput(pulumi.output(outputs.wiring)))?.routeStore).toEqual(access)
  expect(await valueOfOutput(pulumi.output(outputs.clients?.routeStore))).toEqual({ ...access, username: 'apps' })
  await valueOfOutput(pulumi.output(outputs.route))
  expect(registered.filter(({ type }) => type === 'kbg:index:LocalRouteStore')).toEqual([])
})

test('while nobody says who is to be live there is nothing that moves traffic, as before', async () => {
  const { registered } = await mocked(stackOf('blue'), { msk: mskColour('green') })
  const outputs = await betweenProgram({ ...config, moves: null }, catalog)
  await valueOfOutput(pulumi.output(outputs.mirror))
  expect(Object.keys(outputs)).toEqual(['mirror'])
  expect(registered.filter(({ type }) => /^kbg:index:|^kbg:traffic:/.test(type))).toEqual([])
})

test.each([
  [
    'says nothing of how it is reached',
    { cluster: undefined },
    'colour-unreached',
    /stack shop-green .*aws\.access.*pulumi up -s shop-green.*operators' network/s,
  ],
  ['says it in another form', { cluster: { colour: 'green' } }, 'colour-unreached', /shop-green/],
  ['is the same cluster', { cluster: { ...reached('green'), clusterId: 'id-blue' } }, 'same-cluster', /nothing to switch between/],
  ['doesn’t say whom to trust', { cluster: accessOf('green') }, 'tls-in-part', /shop-green/],
])('with a colour that %s traffic is refused by name, and nothing is made', async (_, change, code, message) => {
  const { registered } = await mocked(stackOf('blue'), stackOf('green', change))
  await expect(betweenProgram(config, catalog)).rejects.toMatchObject({ code, message: expect.stringMatching(message) })
  expect(registered.filter(({ type }) => !/^pulumi:|Parity$/.test(type))).toEqual([])
})
