import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as pulumi from '@pulumi/pulumi'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { AwsBetween } from '../../components/network/aws-between.ts'
import { mskPorts } from '../../engine/model/network-access.ts'
import { mskColour } from '../support/msk-colour.ts'
import { type Declared, declaredBy, graphText } from './graph.ts'
import { valueOfOutput } from './mocks.ts'

const [blue, green] = [mskColour('blue'), mskColour('green')]
const scratch = mkdtempSync(join(tmpdir(), 'kbg-jars-'))
const jar = join(scratch, 'connect-mirror-3.7.2.jar')
beforeEach(() => writeFileSync(jar, 'one'))
afterAll(() => rmSync(scratch, { recursive: true }))

async function between() {
  let requests: pulumi.Output<unknown> | undefined
  const declared = await declaredBy(
    'shop-traffic',
    () => ({}),
    (opts) => {
      const plugin = { version: '3.7.2', jars: [jar] }
      requests = pulumi.output(new AwsBetween('between', { fleet: 'shop', colours: { blue, green }, topics: ['orders'], plugin }, opts).requests)
    },
  )
  return { declared, requests: await valueOfOutput(pulumi.output(requests)) }
}

const ofType = (declared: readonly Declared[], type: string) => declared.filter((each) => each.type.endsWith(`:${type}`))

test('what lies between two colours is this graph: no connector is a resource of it', async () => {
  const { declared } = await between()
  await expect(graphText(declared)).toMatchFileSnapshot('../golden/graph-aws-between.txt')
  expect(declared.filter(({ type }) => /connector/i.test(type))).toEqual([])
})

test('one peering, over which only the port of IAM logins is open', async () => {
  const { declared } = await between()
  expect(ofType(declared, 'VpcPeeringConnection').map(({ inputs }) => inputs)).toMatchObject([{ vpcId: 'vpc-blue', peerVpcId: 'vpc-green', autoAccept: true }])
  const rules = declared.filter(({ type }) => type.startsWith('aws:vpc/'))
  expect(rules).toHaveLength(12)
  expect(new Set(rules.flatMap(({ inputs }) => [inputs.fromPort, inputs.toPort]))).toEqual(new Set([mskPorts.iam]))
})

test('each direction is asked for beside its target, in the mirror’s subnets, over TLS, by a role of its own', async () => {
  const { declared, requests } = await between()
  const asked = (target: 'blue' | 'green') => ({
    kafkaCluster: { apacheKafkaCluster: { bootstrapServers: mskColour(target).addresses.iam, vpc: { securityGroups: [`workers-${target}`] } } },
    kafkaClusterClientAuthentication: { authenticationType: 'IAM' },
    kafkaClusterEncryptionInTransit: { encryptionType: 'TLS' },
    connectorConfiguration: { 'target.cluster.alias': target },
    serviceExecutionRoleArn: `arn:test:Role/between-mirror-into-${target}`,
    logDelivery: { workerLogDelivery: { cloudWatchLogs: { enabled: true, logGroup: `/kbg/production/shop/${target}/mirror` } } },
  })
  expect(requests).toMatchObject({ blue: asked('blue'), green: asked('green') })
  for (const { inputs } of ofType(declared, 'RolePolicy')) expect(JSON.parse(String(inputs.policy)).Statement).toHaveLength(7)
})

test('everything is made in the colours’ account and region', async () => {
  const { declared } = await between()
  expect(ofType(declared, 'aws').map(({ inputs }) => inputs)).toMatchObject([{ region: 'eu-central-1', allowedAccountIds: '["123456789012"]' }])
})

test('what AWS never changes is named by its content: another jar is another plugin, and the worker configuration stays', async () => {
  const named = async (type: string) => ofType((await between()).declared, type).map(({ inputs }) => String(inputs.name))
  const [plugin, workers] = [await named('CustomPlugin'), await named('WorkerConfiguration')]
  expect(plugin).toEqual([expect.stringMatching(/^kbg-production-shop-mirror-3-7-2-[0-9a-f]{10}$/)])
  expect(new Set(workers).size).toBe(2)
  writeFileSync(jar, 'another')
  expect(await named('CustomPlugin')).not.toEqual(plugin)
  expect(await named('WorkerConfiguration')).toEqual(workers)
})
