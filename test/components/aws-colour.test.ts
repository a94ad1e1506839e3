import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import * as pulumi from '@pulumi/pulumi'
import { afterAll, describe, expect, test } from 'vitest'
import { filedPassword } from '../../components/catalog/credentials.ts'
import { AwsColour, type AwsColourArgs, type ReachedArgs } from '../../components/cluster/aws.ts'
import type { ManagedClusterArgs } from '../../components/cluster/managed-cluster.ts'
import { MskColour } from '../../engine/model/aws-colour.ts'
import { planNetwork } from '../../engine/model/aws-network.ts'
import { Catalog } from '../../engine/model/catalog.ts'
import { ClusterAccess } from '../../engine/model/cluster-access.ts'
import type { Colour } from '../../engine/model/colour.ts'
import { type MskBirthSpec, mskAccess } from '../../engine/model/msk-access.ts'
import { ClientNetworks, mskPorts } from '../../engine/model/network-access.ts'
import { type Declared, declaredBy, graphText, idOf } from './graph.ts'
import { valueOfOutput } from './mocks.ts'

const scratch = mkdtempSync(join(tmpdir(), 'kbg-aws-'))
const credentialsFile = join(scratch, 'credentials.json')
writeFileSync(credentialsFile, JSON.stringify({ version: 1, passwords: { shop: 'the password of shop' } }))
afterAll(() => rmSync(scratch, { recursive: true }))

const argsOf = (colour: Colour, change: Partial<AwsColourArgs> = {}): AwsColourArgs => ({
  network: { pool: '10.0.0.0/8', environment: 'production', fleet: 'shop', colour, zones: ['a', 'b', 'c'] },
  brokers: { kafkaVersion: '3.9.x.kraft', instanceType: 'kafka.m7g.large', brokersPerZone: 1, storageGib: 500, maxStorageGib: 2_000, brokerConfig: {} },
  ...{ region: 'eu-central-1', account: '123456789012' },
  clients: ClientNetworks.parse({ producers: ['10.200.0.0/24'], consumers: ['10.200.1.0/24'], operators: ['10.200.9.0/28'] }),
  ...{ users: ['shop'], credentialsFile, alarmTopics: ['arn:aws:sns:eu-central-1:123456789012:on-call'], protect: true },
  ...change,
})

const reached: ReachedArgs = {
  caFile: '/etc/ssl/amazon-roots.pem',
  catalog: Catalog.parse({
    topics: { orders: { partitions: 6 } },
    users: ['shop'],
    acls: [{ principal: 'User:shop', resourceType: 'Topic', resourceName: 'orders', operation: 'Write' }],
    quotas: [{ user: 'shop', consumerByteRate: 5_000 }],
  }),
  ...{ routeStore: null, retire: false, decommission: null },
}

/** As MSK answers: in any order. A birth is named in what it says of the colour, so that the graph shows who takes that. */
const answered = (args: pulumi.runtime.MockResourceArgs) => {
  switch (args.type) {
    case 'aws:msk/cluster:Cluster':
      return { bootstrapBrokersSaslScram: 'b-2.x:9096,b-1.x:9096', bootstrapBrokersSaslIam: 'b-1.x:9098' }
    case 'kbg:index:MskBirth':
      return { access: { ...mskAccess(args.inputs as MskBirthSpec, 'id-blue'), caFile: idOf(args) } }
    default:
      return {}
  }
}

/** Each graph is made once: tests only read it. */
const made = new Map<string, Promise<readonly Declared[]>>()

function declare(args: AwsColourArgs): Promise<readonly Declared[]> {
  const key = JSON.stringify(args)
  const declared = made.get(key) ?? declareAnew(args)
  made.set(key, declared)
  return declared
}

function declareAnew(args: AwsColourArgs): Promise<readonly Declared[]> {
  return declaredBy(`shop-${args.network.colour}`, answered, (opts) => new AwsColour(args.network.colour, args, opts))
}

const one = (declared: readonly Declared[], type: string) => {
  const found = declared.filter((each) => each.type === type)
  if (found.length !== 1 || found[0] === undefined) throw new Error(`${found.length} of ${type}`)
  return found[0]
}

describe('a colour on AWS', () => {
  test('is this graph', async () => {
    const declared = await declare(argsOf('blue'))
    await expect(graphText(declared)).toMatchFileSnapshot('../golden/graph-aws-colour.txt')
  })

  test('encrypts everywhere, lets nobody in without a login, and is reached from inside only', async () => {
    const cluster = one(await declare(argsOf('blue')), 'aws:msk/cluster:Cluster')
    expect(cluster.inputs).toMatchObject({
      clusterName: 'kbg-production-shop-blue',
      numberOfBrokerNodes: 3,
      clientAuthentication: { sasl: { scram: true, iam: true }, unauthenticated: false },
      encryptionInfo: { encryptionAtRestKmsKeyArn: expect.stringContaining('arn:'), encryptionInTransit: { clientBroker: 'TLS', inCluster: true } },
      brokerNodeGroupInfo: { connectivityInfo: { publicAccess: { type: 'DISABLED' } }, securityGroups: expect.arrayContaining([expect.anything()]) },
      loggingInfo: { brokerLogs: { cloudwatchLogs: { enabled: true } } },
      openMonitoring: { prometheus: { jmxExporter: { enabledInBroker: true }, nodeExporter: { enabledInBroker: true } } },
    })
    expect(cluster.options.ignoreChanges).toEqual(['brokerNodeGroupInfo.storageInfo.ebsStorageInfo.volumeSize'])
  })

  test('says to other stacks what they read, with addresses in one order whatever order MSK answers in', async () => {
    let made: pulumi.Output<object> | undefined
    await declaredBy('shop-blue', answered, (opts) => {
      made = new AwsColour('blue', argsOf('blue'), opts).msk
    })
    const said = await valueOfOutput(pulumi.output(made))
    expect(MskColour.parse(said)).toEqual(said)
    expect(said).toMatchObject({ addresses: { scram: 'b-1.x:9096,b-2.x:9096', iam: 'b-1.x:9098' } })
  })

  test('closing the producing side closes no other: each has rules of its own', async () => {
    const declared = await declare(argsOf('blue'))
    const rules = declared.filter(({ type }) => type === 'aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule')
    const of = (side: string) => rules.filter(({ inputs }) => inputs.securityGroupId === `SecurityGroup/blue-network-${side}`).map(({ inputs }) => inputs)
    expect(of('produce')).toMatchObject([{ cidrIpv4: '10.200.0.0/24', fromPort: mskPorts.scram, toPort: mskPorts.scram }])
    expect(of('consume')).toMatchObject([{ cidrIpv4: '10.200.1.0/24', fromPort: mskPorts.scram }])
    const mirrors = planNetwork(argsOf('blue').network).zones.map(({ mirror }) => mirror)
    expect(of('platform').map(({ cidrIpv4, fromPort }) => `${cidrIpv4} ${fromPort}`)).toEqual([
      ...mirrors.map((cidr) => `${cidr} ${mskPorts.iam}`),
      ...['10.200.9.0/28 9096', '10.200.9.0/28 9098'],
    ])
    expect(rules.every(({ inputs }) => inputs.cidrIpv4 !== '0.0.0.0/0')).toBe(true)
  })

  test('no password stands in the clear, and logins are under the colour’s key', async () => {
    const declared = await declare(argsOf('blue'))
    expect(one(declared, 'aws:secretsmanager/secret:Secret').inputs).toMatchObject({
      name: 'AmazonMSK_kbg-production-shop-blue-shop',
      kmsKeyId: 'arn:test:Key/kbg-production-shop-blue',
      recoveryWindowInDays: 0, // a retired colour is made anew under the same names
    })
    const others = declared.filter(({ type }) => type !== 'aws:secretsmanager/secretVersion:SecretVersion')
    expect(JSON.stringify(others.map(({ inputs }) => inputs))).not.toContain('the password of shop')
  })

  test('a user without a password in the file is an error that says where to write it', () => {
    expect(() => filedPassword(credentialsFile, 'nobody')).toThrow(/no password for the user nobody[\s\S]*Write one there/)
  })

  test('a damaged file is an error that quotes nothing of it', async () => {
    const damaged = join(scratch, 'damaged.json')
    writeFileSync(damaged, '{"version": 1, "passwords": {"shop": hunter2}}')
    const said = inspect(
      await Promise.resolve()
        .then(() => filedPassword(damaged, 'shop'))
        .catch((thrown: unknown) => thrown),
    ) // with its cause
    expect(said).toContain('credentials: The credentials file has another form')
    expect(said).not.toContain('hunter')
  })

  test('another configuration has another name', async () => {
    const named = async (brokerConfig: Record<string, string>) => {
      const args = argsOf('blue')
      return one(await declare({ ...args, brokers: { ...args.brokers, brokerConfig } }), 'aws:msk/configuration:Configuration').inputs
    }
    const [first, other] = [await named({}), await named({ 'log.retention.hours': '48' })]
    expect(other.name).not.toBe(first.name)
    expect(other.serverProperties).toContain('log.retention.hours=48\n')
    expect(first.serverProperties).toContain('allow.everyone.if.no.acl.found=false\n')
  })

  test('remembers every server property that its brokers are made with', async () => {
    const args = argsOf('blue')
    const declared = await declare({ ...args, brokers: { ...args.brokers, brokerConfig: { 'log.retention.hours': '48' } } })
    const { make, platformConfig } = one(declared, 'kbg:index:ManagedCluster').inputs as unknown as ManagedClusterArgs
    const ofStack = Object.entries(make).flatMap(([name, value]) =>
      name.startsWith('brokerConfig.') ? [`${name.slice('brokerConfig.'.length)}=${value}`] : [],
    )
    const remembered = [...ofStack, ...Object.entries(platformConfig).map(([name, value]) => `${name}=${value}`)]
    const { serverProperties } = one(declared, 'aws:msk/configuration:Configuration').inputs
    expect(remembered.sort()).toEqual(String(serverProperties).trimEnd().split('\n'))
  })

  test.each([true, false])('protect %s: so are brokers and key', async (protect) => {
    const declared = await declare(argsOf('blue', { protect }))
    expect(one(declared, 'aws:msk/cluster:Cluster').options.protect).toBe(protect)
    expect(one(declared, 'aws:kms/key:Key').options.protect).toBe(protect)
  })
})

test('the two colours share nothing: no network, no group, no key, no name', async () => {
  const [blue, green] = [await declare(argsOf('blue')), await declare(argsOf('green'))]
  const says = (declared: readonly Declared[], key: string) => declared.flatMap(({ inputs }) => (typeof inputs[key] === 'string' ? [String(inputs[key])] : []))
  for (const key of ['cidrBlock', 'name', 'clusterName', 'kmsKeyId', 'vpcId', 'securityGroupId']) {
    expect(new Set(says(blue, key)).intersection(new Set(says(green, key))).size, key).toBe(0)
  }
})

describe('a colour on AWS that is reached from an operators’ network', () => {
  const declaredReached = (change: Partial<ReachedArgs> = {}) => declare(argsOf('blue', { reached: { ...reached, ...change } }))
  const kinds = ({ type }: Declared) => type.startsWith('kafka:') || ['kbg:index:MskBirth', 'kbg:index:RetirementGuard'].includes(type)

  test('is this graph: what it is without, and what stands on the brokers', async () => {
    const [without, declared] = [await declare(argsOf('blue')), await declaredReached()]
    await expect(graphText(declared)).toMatchFileSnapshot('../golden/graph-aws-reached-colour.txt')
    const names = (all: readonly Declared[]) => all.map(idOf).sort()
    expect(without.filter(kinds)).toEqual([])
    const more = new Set(declared.filter((each) => kinds(each) || each.type.startsWith('kbg:catalog') || each.type === 'pulumi:providers:kafka').map(idOf))
    expect(names(declared.filter((each) => !more.has(idOf(each))))).toEqual(names(without))
  })

  test('is born before any application has rights: everything on the brokers is made by a provider that the birth has told whom to ask', async () => {
    const declared = await declaredReached()
    const onBrokers = declared.filter(({ type }) => type.startsWith('kafka:'))
    expect(onBrokers.map(({ type }) => type.split(':').at(-1)).sort()).toEqual(['Acl', 'Quota', 'Topic'])
    for (const { options } of onBrokers) {
      expect((options.provider as unknown as { __name: string }).__name).toBe('blue-catalog-provider')
      expect((options.deletedWith as unknown as { __name: string }).__name).toBe('blue-brokers-cluster')
    }
    const { inputs } = one(declared, 'pulumi:providers:kafka')
    expect(inputs).toEqual({
      bootstrapServers: '["b-1.x:9098"]',
      saslMechanism: 'aws-iam',
      saslAwsRegion: 'eu-central-1',
      skipTlsVerify: 'false',
      tlsEnabled: 'true',
      caCert: 'MskBirth/blue-birth',
      timeout: '30',
    })
    const birth = one(declared, 'kbg:index:MskBirth')
    expect(birth.inputs).toMatchObject({
      fleet: 'shop',
      colour: 'blue',
      brokers: 3,
      region: 'eu-central-1',
      addresses: { iam: 'b-1.x:9098' },
      caFile: reached.caFile,
    })
    const awaited = [birth.options.dependsOn ?? []].flat().map((each) => (each as unknown as { __pulumiType: string }).__pulumiType)
    expect(awaited).toEqual(['kbg:network:AwsNetwork', 'kbg:cluster:MskUsers']) // who reaches the brokers, and the probe’s login
  })

  test('its guard waits for all of it, keeps what destroy will ask, and is no more protected than any', async () => {
    const guard = one(await declaredReached({ retire: true }), 'kbg:index:RetirementGuard')
    expect(guard.inputs).toMatchObject({ fleet: 'shop', cluster: { clusterId: 'id-blue', users: { operator: { mechanism: 'AWS_MSK_IAM' } } }, retire: true })
    const awaited = [guard.options.dependsOn ?? []].flat().map((each) => (each as unknown as { __name: string }).__name)
    expect(awaited).toEqual(['blue-network', 'blue-brokers', 'blue-birth', 'blue-catalog'])
    expect(guard.options.protect).toBeUndefined()
  })

  test.each([true, false])('protect %s: so are its topics', async (protect) => {
    const declared = await declare(argsOf('blue', { protect, reached }))
    expect(one(declared, 'kafka:index/topic:Topic').options.protect).toBe(protect)
  })

  test('no password and no key of AWS is in what is made on the brokers', async () => {
    const declared = await declaredReached()
    expect(JSON.stringify(declared.filter((each) => kinds(each) || each.type === 'pulumi:providers:kafka').map(({ inputs }) => inputs))).not.toMatch(
      /the password|saslAwsAccessKey|saslPassword|saslAwsSecretKey|saslAwsToken/,
    )
  })

  test('says how it is reached, once what it has to hold is there; without, it says nothing', async () => {
    const said: (pulumi.Output<ClusterAccess> | undefined)[] = []
    for (const args of [argsOf('blue', { reached }), argsOf('blue')])
      await declaredBy('shop-blue', answered, (opts) => void said.push(new AwsColour('blue', args, opts).access))
    expect(said[1]).toBeUndefined()
    expect(ClusterAccess.parse(await valueOfOutput(pulumi.output(said[0])))).toMatchObject({
      colour: 'blue',
      clusterId: 'id-blue',
      kafkaVersion: '3.9.x.kraft',
    })
  })

  test('in a preview of a new one the addresses are unknown, and so is all that would be asked with them', async () => {
    const registered: pulumi.runtime.MockResourceArgs[] = []
    const newResource = (args: pulumi.runtime.MockResourceArgs) => {
      registered.push(args)
      return { id: undefined, state: args.inputs }
    }
    await pulumi.runtime.setMocks({ newResource, call: () => ({}) }, 'kafka-blue-green', 'shop-blue', true, 'organization')
    const { access } = new AwsColour('blue', argsOf('blue', { reached }))
    await pulumi.runtime.disconnect()
    const isKnown = (output: unknown) => (output as { readonly isKnown: Promise<boolean> }).isKnown
    expect(await isKnown(access)).toBe(false)
    const provider = Object.entries<unknown>(registered.find(({ type }) => type === 'pulumi:providers:kafka')?.inputs ?? {})
    const unknown = provider.filter(([, value]) => pulumi.isUnknown(value)).map(([name]) => name)
    expect(unknown.sort()).toEqual(['bootstrapServers', 'caCert', 'tlsEnabled'])
    expect(registered.filter(({ type }) => type === 'kbg:index:MskBirth' || type === 'kafka:index/topic:Topic')).toHaveLength(2)
  })
})
