/**
 * The catalog on a real colour through the real CLI. It acts through Pulumi programs and administrators' requests only, so it holds
 * for whichever `pulumi-resource-kafka` the CLI finds: the official plugin or the stand-in.
 */
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import {
  AclOperations,
  AclPermissionTypes,
  Admin,
  ConfigResourceTypes,
  IncrementalAlterConfigOperationTypes,
  ResourcePatternTypes,
  ResourceTypes,
} from '@platformatic/kafka'
import { Kafka } from 'kafkajs'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { destroyCluster, provisionCluster } from '../../engine/adapters/local/cluster.ts'
import { readCredentials } from '../../engine/adapters/local/credentials.ts'
import type { ClusterAccess } from '../../engine/model/cluster-access.ts'
import { Deadline, systemClock } from '../../engine/ports/clock.ts'
import { projectDir, toolEnv } from '../../tools/paths.ts'

/** One run of the CLI takes about four seconds; a machine that runs other clusters as well may need far longer. */
const cliMs = 180_000
vi.setConfig({ testTimeout: 3 * cliMs, hookTimeout: 2 * cliMs })

const fleet = 'h6b-catalog'
mkdirSync(join(projectDir, '.kbg'), { recursive: true })
const root = mkdtempSync(join(projectDir, '.kbg', 'test-catalog-'))
let access: ClusterAccess
let admin: Admin

const program = `
import { readFileSync } from 'node:fs'
import { Catalog } from '${projectDir}/components/catalog/catalog.ts'
import { loadCatalog } from '${projectDir}/infra/catalog.ts'
const catalog = new Catalog('catalog', { catalog: loadCatalog('catalog.yaml'), access: JSON.parse(readFileSync('access.json', 'utf8')), protectTopics: false })
export const topicNames = catalog.topicNames
`

/** A small catalog; the parts that the tests change are parameters. */
function writeCatalog({ partitions = 2, retentionMs = 1_000_000, operation = 'Read', byteRate = 1_048_576 } = {}): void {
  const text = `
topics:
  orders: { partitions: ${partitions}, config: { retention.ms: ${retentionMs} } }
  plain: { partitions: 1 }
users: [shop-app]
acls:
  - { principal: User:shop-app, resourceType: Topic, resourceName: orders, operation: ${operation} }
  - { principal: User:shop-app, resourceType: Group, resourceName: shop, operation: Read }
  - { principal: User:shop-app, resourceType: TransactionalID, resourceName: shop-, patternType: Prefixed, operation: Write }
quotas:
  - { user: shop-app, consumerByteRate: ${byteRate} }
groups: { shop: { wave: 1 } }
`
  writeFileSync(join(root, 'catalog.yaml'), text)
}

async function pulumi(...args: string[]): Promise<string> {
  const env = {
    ...toolEnv(),
    PULUMI_BACKEND_URL: `file://${root}/state`,
    PULUMI_CONFIG_PASSPHRASE: 'only-for-this-test',
    PULUMI_SKIP_UPDATE_CHECK: 'true',
  }
  try {
    const { stdout, stderr } = await promisify(execFile)('pulumi', [...args, '--non-interactive', '--stack', 'test'], { cwd: root, env, timeout: cliMs })
    return stdout + stderr
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string }
    throw new Error(`pulumi ${args.join(' ')} failed:\n${stdout}${stderr}`)
  }
}

/** Numbers of the last summary: `{ created: 3, unchanged: 1 }`. */
function summary(output: string): Record<string, number> {
  const block = output.slice(output.lastIndexOf('Resources:'))
  const counts = [...block.matchAll(/^[^\d\n]+(\d+) (to \w+|created|updated|deleted|replaced|unchanged)/gm)]
  return Object.fromEntries(counts.map(([, count, what]) => [what, Number(count)]))
}

async function topicConfig(topic: string): Promise<Record<string, string | null | undefined>> {
  const [described] = await admin.describeConfigs({ resources: [{ resourceType: ConfigResourceTypes.TOPIC, resourceName: topic }] })
  return Object.fromEntries((described?.configs ?? []).map(({ name, value }) => [name, value]))
}

async function partitionsOf(topic: string): Promise<number | undefined> {
  return (await admin.metadata({ topics: [topic], forceUpdate: true })).topics.get(topic)?.partitionsCount
}

const shopsBindings = {
  resourceType: ResourceTypes.ANY,
  resourceName: null,
  resourcePatternType: ResourcePatternTypes.ANY,
  principal: 'User:shop-app',
  host: null,
  operation: AclOperations.ANY,
  permissionType: AclPermissionTypes.ANY,
}

/** `<resource name>:<operation code>` of everything that is granted to the application. */
async function granted(): Promise<string[]> {
  const resources = await admin.describeAcls({ filter: shopsBindings })
  return resources.flatMap(({ resourceName, acls }) => acls.map(({ operation }) => `${resourceName}:${operation}`)).sort()
}

async function quotas(): Promise<Record<string, number>> {
  const entries = await admin.describeClientQuotas({ components: [{ entityType: 'user', matchType: 0, match: 'shop-app' }], strict: true })
  return Object.fromEntries(entries.flatMap(({ values }) => values.map(({ key, value }) => [key, value])))
}

beforeAll(async () => {
  const spec = { fleet, colour: 'green', kafkaVersion: '4.3.1', nodes: 3, applicationUsers: ['shop-app'] }
  access = await provisionCluster(root, spec, () => undefined, new Deadline(systemClock, 150_000, 'the test colour'))
  const password = readCredentials(access.credentialsFile).passwords.admin ?? ''
  admin = new Admin({
    clientId: 'test',
    bootstrapBrokers: [...access.internalBootstrapServers],
    sasl: { mechanism: 'PLAIN', username: 'admin', password },
    retries: 0,
  })
  writeFileSync(join(root, 'Pulumi.yaml'), 'name: catalog-test\nruntime: { name: nodejs, options: { typescript: false } }\n')
  writeFileSync(join(root, 'package.json'), '{ "type": "module", "main": "index.ts" }\n')
  writeFileSync(join(root, 'index.ts'), program)
  writeFileSync(join(root, 'access.json'), JSON.stringify(access))
  mkdirSync(join(root, 'state'))
  writeCatalog()
  await pulumi('stack', 'init')
})

afterAll(async () => {
  await admin?.close()
  await destroyCluster(root, fleet, 'green', () => undefined, new Deadline(systemClock, 20_000, 'the end of the test colour'))
  rmSync(root, { recursive: true, force: true })
})

test('up provisions topics, ACLs, quota and user; the next preview has nothing to do; no password stands in the state', async () => {
  expect(summary(await pulumi('preview'))).toMatchObject({ 'to create': 10 })
  expect(await partitionsOf('orders').catch(() => undefined)).toBeUndefined()
  expect(summary(await pulumi('up', '--yes', '--skip-preview'))).toEqual({ created: 10 })
  expect(await partitionsOf('orders')).toBe(2)
  expect(await topicConfig('orders')).toMatchObject({ 'retention.ms': '1000000' })
  expect(await granted()).toEqual([`orders:${AclOperations.READ}`, `shop-:${AclOperations.WRITE}`, `shop:${AclOperations.READ}`])
  expect(await quotas()).toEqual({ consumer_byte_rate: 1_048_576 })
  expect(summary(await pulumi('preview', '--refresh', '--expect-no-changes'))).toEqual({ unchanged: 10 })
  const state = await pulumi('stack', 'export')
  for (const password of Object.values(readCredentials(access.credentialsFile).passwords)) expect(state).not.toContain(password)
})

test('the user logs in with the password of the credentials file', async () => {
  const password = readCredentials(access.credentialsFile).passwords['shop-app'] ?? ''
  const kafka = new Kafka({ brokers: [...access.consumeBootstrapServers], sasl: { mechanism: 'scram-sha-512', username: 'shop-app', password }, logLevel: 0 })
  const client = kafka.admin()
  await client.connect()
  const { topics } = await client.fetchTopicMetadata({ topics: ['orders'] })
  await client.disconnect()
  expect(topics[0]?.partitions).toHaveLength(2)
})

test('more partitions, another config and another quota change in place, another binding is replaced', async () => {
  writeCatalog({ partitions: 4, retentionMs: 2_000_000, operation: 'Write', byteRate: 2_097_152 })
  const previewed = await pulumi('preview', '--diff')
  expect(previewed).toMatch(/~ partitions *: 2 => 4/)
  expect(previewed).toMatch(/~ retention\.ms: "1000000" => "2000000"/)
  await pulumi('up', '--yes', '--skip-preview')
  expect(await partitionsOf('orders')).toBe(4)
  expect(await topicConfig('orders')).toMatchObject({ 'retention.ms': '2000000' })
  expect(await granted()).toEqual([`orders:${AclOperations.WRITE}`, `shop-:${AclOperations.WRITE}`, `shop:${AclOperations.READ}`])
  expect(await quotas()).toEqual({ consumer_byte_rate: 2_097_152 })
})

test('fewer partitions are another topic, which the preview says', async () => {
  writeCatalog({ partitions: 1, retentionMs: 2_000_000, operation: 'Write', byteRate: 2_097_152 })
  expect(summary(await pulumi('preview'))).toEqual({ 'to replace': 1, unchanged: 9 })
})

test('refresh sees what somebody changed by hand, and up puts it back', async () => {
  writeCatalog({ partitions: 4, retentionMs: 2_000_000, operation: 'Write', byteRate: 2_097_152 })
  const { SET } = IncrementalAlterConfigOperationTypes
  const byHand = [{ name: 'retention.ms', configOperation: SET, value: '5' }]
  await admin.incrementalAlterConfigs({ resources: [{ resourceType: ConfigResourceTypes.TOPIC, resourceName: 'orders', configs: byHand }] })
  await admin.deleteAcls({ filters: [{ ...shopsBindings, resourceType: ResourceTypes.GROUP }] })
  await admin.deleteTopics({ topics: ['plain'] })
  expect(summary(await pulumi('refresh', '--yes', '--skip-preview'))).toMatchObject({ updated: 1, deleted: 2 })
  expect(summary(await pulumi('up', '--yes', '--skip-preview'))).toMatchObject({ created: 2, updated: 1 })
  expect(await topicConfig('orders')).toMatchObject({ 'retention.ms': '2000000' })
  expect(await granted()).toContain(`shop:${AclOperations.READ}`)
  expect(await partitionsOf('plain')).toBe(1)
})

test('what the platform needs is untouched; destroy takes exactly the catalog away', async () => {
  await pulumi('destroy', '--yes', '--skip-preview')
  expect(await granted()).toEqual([])
  expect(await quotas()).toEqual({})
  expect((await admin.listTopics()).sort()).toEqual(['kbg.canary.blue', 'kbg.canary.green'])
  const fence = await admin.describeAcls({ filter: { ...shopsBindings, principal: 'User:*', permissionType: AclPermissionTypes.DENY } })
  expect(fence.length).toBeGreaterThan(0)
})
