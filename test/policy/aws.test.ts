import { describe, expect, test } from 'vitest'
import type { Colour } from '../../engine/model/colour.ts'
import { connectorPromises, workerPromises } from '../../engine/model/mirror-template.ts'
import { mskConnectorConfig } from '../../engine/model/msk-connect.ts'
import { awsConnectors, awsEncryption, awsLogin, awsObservation, awsUsers } from '../../policy/aws.ts'
import { awsKeys, awsNames, awsNetwork, awsRoles } from '../../policy/aws-account.ts'
import type { Rule } from '../../policy/judging/rule.ts'
import { rules } from '../../policy/pack.ts'
import { safetyMirror } from '../../policy/safety.ts'
import { securityCredentials } from '../../policy/security.ts'
import { mskColour } from '../support/msk-colour.ts'
import { type ResourceSpec, reported, resources } from './fixtures.ts'

/** An object with one value inside replaced. */
function changed(props: object, path: readonly string[], value: unknown): object {
  const [first = '', ...rest] = path
  const inner = Reflect.get(props, first)
  return { ...props, [first]: rest.length === 0 ? value : changed(typeof inner === 'object' && inner !== null ? inner : {}, rest, value) }
}

const mskSide = (colour: Colour) => ({ colour, arn: mskColour(colour).arn, iamBootstrapServers: mskColour(colour).addresses.iam })

const of =
  (type: string, props: object) =>
  (path: string, value: unknown): ResourceSpec => ({
    ...{ type, name: 'it' },
    props: path === '' ? props : changed(props, path.split('.'), value),
  })

const cluster = of('aws:msk/cluster:Cluster', {
  encryptionInfo: { encryptionAtRestKmsKeyArn: 'arn:aws:kms:key', encryptionInTransit: { clientBroker: 'TLS', inCluster: true } },
  clientAuthentication: { unauthenticated: false, sasl: { scram: true } },
  brokerNodeGroupInfo: { connectivityInfo: { publicAccess: { type: 'DISABLED' } } },
  loggingInfo: { brokerLogs: { cloudwatchLogs: { enabled: true, logGroup: 'brokers' } } },
  enhancedMonitoring: 'PER_TOPIC_PER_BROKER',
})
const secret = of('aws:secretsmanager/secret:Secret', { name: 'AmazonMSK_shop', kmsKeyId: 'arn:aws:kms:key' })
const association: ResourceSpec = { type: 'aws:msk/singleScramSecretAssociation:SingleScramSecretAssociation' }
const key = of('aws:kms/key:Key', { enableKeyRotation: true })
const logGroup = of('aws:cloudwatch/logGroup:LogGroup', { kmsKeyId: 'arn:aws:kms:key', retentionInDays: 365 })
const ingress = of('aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule', { cidrIpv4: '10.1.0.0/16', fromPort: 9096, toPort: 9096 })
const subnet = of('aws:ec2/subnet:Subnet', { cidrBlock: '10.1.0.0/24', mapPublicIpOnLaunch: false })
const record = of('aws:route53/record:Record', { type: 'TXT', ttl: 30 })
const connector = of('aws:mskconnect/connector:Connector', {
  kafkaClusterEncryptionInTransit: { encryptionType: 'TLS' },
  kafkaClusterClientAuthentication: { authenticationType: 'IAM' },
  logDelivery: { workerLogDelivery: { cloudwatchLogs: { enabled: true } } },
})
const statement = (Action: string, Resource: string) =>
  JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: [Action], Resource: [Resource] }] })
const role = of('aws:iam/rolePolicy:RolePolicy', { policy: statement('kafka-cluster:ReadData', 'arn:aws:kafka:eu-central-1:123456789012:topic/shop/0/*') })

const cases: readonly (readonly [Rule, readonly ResourceSpec[], readonly (readonly [ResourceSpec, string])[]])[] = [
  [
    awsEncryption,
    [cluster('', null)],
    [
      [cluster('encryptionInfo.encryptionInTransit.clientBroker', 'TLS_PLAINTEXT'), 'clientBroker is TLS_PLAINTEXT, required: TLS'],
      [cluster('encryptionInfo.encryptionInTransit.inCluster', false), 'inCluster is false'],
      [cluster('encryptionInfo.encryptionAtRestKmsKeyArn', null), 'encryptionAtRestKmsKeyArn is not set'],
      [cluster('encryptionInfo', null), 'encryptionAtRestKmsKeyArn is not set'],
    ],
  ],
  [
    awsLogin,
    [cluster('', null), cluster('brokerNodeGroupInfo', {})],
    [
      [cluster('clientAuthentication.unauthenticated', true), 'unauthenticated is true, required: false'],
      [cluster('clientAuthentication', null), 'unauthenticated is not set'],
      [cluster('brokerNodeGroupInfo.connectivityInfo.publicAccess.type', 'SERVICE_PROVIDED_EIPS'), 'type is SERVICE_PROVIDED_EIPS, required: DISABLED'],
    ],
  ],
  [
    awsObservation,
    [cluster('', null), cluster('enhancedMonitoring', 'PER_TOPIC_PER_PARTITION')],
    [
      [cluster('enhancedMonitoring', 'DEFAULT'), 'enhancedMonitoring is DEFAULT'],
      [cluster('loggingInfo.brokerLogs.cloudwatchLogs.enabled', false), 'brokerLogs is'],
      [cluster('loggingInfo', null), 'brokerLogs is not set'],
    ],
  ],
  [
    awsUsers,
    [secret('', null), association],
    [
      [secret('name', 'shop'), 'name is shop'],
      [secret('kmsKeyId', null), 'kmsKeyId is not set'],
    ],
  ],
  [
    awsKeys,
    [key('', null), logGroup('', null), logGroup('retentionInDays', 0)],
    [
      [key('enableKeyRotation', false), 'enableKeyRotation is false'],
      [logGroup('kmsKeyId', null), 'kmsKeyId is not set'],
      [logGroup('retentionInDays', 30), 'retentionInDays is 30, required: at least 365'],
    ],
  ],
  [
    awsNetwork,
    [ingress('', null), subnet('', null), changedPorts(443)],
    [
      [ingress('cidrIpv4', '0.0.0.0/0'), 'cidrIpv4 is 0.0.0.0/0 at 9096 to 9096'],
      [{ type: 'aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule', name: 'it', props: { cidrIpv6: '::/0', ipProtocol: '-1' } }, '::/0 at 0 to 65535'],
      [subnet('mapPublicIpOnLaunch', true), 'mapPublicIpOnLaunch is true'],
    ],
  ],
  [
    awsNames,
    [record('', null)],
    [
      [record('ttl', 300), 'ttl is 300, required: at most 60'],
      [record('type', 'CNAME'), 'type is CNAME'],
      [record('ttl', null), 'ttl is not set'],
    ],
  ],
  [
    awsRoles,
    [role('', null)],
    [
      [role('policy', statement('kafka-cluster:ReadData', '*')), 'policy.Resource is *'],
      [role('policy', statement('kafka-cluster:*', 'arn:aws:kafka:x')), 'policy.Action is kafka-cluster:*'],
    ],
  ],
  [
    awsConnectors,
    [connector('', null)],
    [
      [connector('kafkaClusterEncryptionInTransit.encryptionType', 'PLAINTEXT'), 'encryptionType is PLAINTEXT'],
      [connector('kafkaClusterClientAuthentication.authenticationType', 'NONE'), 'authenticationType is NONE'],
      [connector('logDelivery', null), 'workerLogDelivery is not set'],
    ],
  ],
]

/** Open to everybody, at a port that is none of the brokers'. */
function changedPorts(port: number): ResourceSpec {
  return { type: 'aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule', name: 'https', props: { cidrIpv4: '0.0.0.0/0', fromPort: port, toPort: port } }
}

describe.each(cases.map(([rule, fine, wrong]) => ({ name: rule.name, rule, fine, wrong })))('$name', ({ rule, fine, wrong }) => {
  test('passes what the components declare', async () => {
    expect(await reported(rule, fine)).toEqual([])
  })

  test.each(wrong)('%o is a violation', async (spec, message) => {
    const others = spec.type.startsWith('aws:secretsmanager') ? [association] : []
    expect(await reported(rule, [spec, ...others])).toEqual([expect.stringContaining(message)])
  })
})

test('every policy for AWS has at least two cases that fail and one that passes', () => {
  expect(cases.map(([{ name }]) => name).toSorted()).toEqual(rules.flatMap(({ name }) => (name.startsWith('aws-') ? [name] : [])).toSorted())
  for (const [, fine, wrong] of cases) expect(Math.min(fine.length, wrong.length - 1)).toBeGreaterThanOrEqual(1)
})

test('what isn’t known yet is neither: it is named as unjudged, and what stands beside it is judged all the same', () => {
  const unknown = {
    get encryptionAtRestKmsKeyArn(): never {
      throw new Error("string value at .encryptionAtRestKmsKeyArn can't be known during preview")
    },
    encryptionInTransit: { clientBroker: 'PLAINTEXT' },
  }
  const { findings, unknown: unjudged } = awsEncryption.judge(resources(cluster('encryptionInfo', unknown)), {})
  expect(findings).toMatchObject([{ property: 'encryptionInfo.encryptionInTransit.clientBroker', observed: 'PLAINTEXT' }])
  expect(unjudged).toEqual([expect.stringContaining("encryptionAtRestKmsKeyArn of it isn't known yet")])
})

test('what the mirror’s connectors would be asked for holds no credential, and one in it is found', async () => {
  const config = mskConnectorConfig(mskSide('blue'), mskSide('green'), ['orders'])
  const asked = (change: object): ResourceSpec => ({ type: 'kbg:mirror:MskConnectMirror', props: { requests: { green: { ...config, ...change } } } })
  expect(await reported(securityCredentials, [asked({})])).toEqual([])
  const password = {
    'source.cluster.sasl.jaas.config': 'org.apache.kafka.common.security.scram.ScramLoginModule required username="a" password="secret word";',
  }
  expect(await reported(securityCredentials, [asked(password)])).toEqual([expect.stringContaining('a credential in plain text')])
})

test('secrets of a stack without MSK users are nobody’s business here', async () => {
  expect(await reported(awsUsers, [secret('name', 'something else')])).toEqual([])
})

test('the mirror on MSK Connect says what it promises, and is held to it', async () => {
  const mirror = (connector: object, version = '3.7.2'): ResourceSpec => ({
    type: 'kbg:mirror:MskConnectMirror',
    props: { promises: { version, connector: { ...connectorPromises(), ...connector }, worker: workerPromises } },
  })
  expect(await reported(safetyMirror, [mirror({})])).toEqual([])
  expect((await reported(safetyMirror, [mirror({ 'exactly.once.support': 'requested' })])).join('\n')).toContain(
    'exactly.once.support is requested, required: required',
  )
  expect((await reported(safetyMirror, [mirror({}, '3.7.0')])).join('\n')).toContain('at least 3.7.1')
})
