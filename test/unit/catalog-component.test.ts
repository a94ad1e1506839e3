import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as pulumi from '@pulumi/pulumi'
import { afterAll, beforeEach, expect, test, vi } from 'vitest'
import { Catalog } from '../../components/catalog/catalog.ts'
import { passwordOf, requirePassword } from '../../components/catalog/credentials.ts'
import type { ClusterAccess } from '../../engine/model/cluster-access.ts'
import { parseCatalog } from '../../infra/catalog.ts'

const dir = mkdtempSync(join(tmpdir(), 'kbg-catalog-'))
afterAll(() => rmSync(dir, { recursive: true }))

const catalog = parseCatalog(
  `topics:
  orders: { partitions: 6, config: { retention.ms: 1000 } }
users: [app]
acls:
  - { principal: User:app, resourceType: Topic, resourceName: orders, operation: Read }
  - { principal: User:app, resourceType: Topic, resourceName: or, patternType: Prefixed, operation: Read, permission: Deny, host: 10.0.0.1 }
quotas:
  - { user: app, producerByteRate: 5, requestPercentage: 50 }
`,
  'catalog.yaml',
)

let registered: pulumi.runtime.MockResourceArgs[] = []

/** Registers into a list instead of a cluster. */
async function registering(preview: boolean): Promise<void> {
  registered = []
  const mocks: pulumi.runtime.Mocks = {
    newResource: (args) => {
      registered.push(args)
      return { id: `${args.name}-id`, state: args.inputs }
    },
    call: ({ inputs }) => inputs,
  }
  await pulumi.runtime.setMocks(mocks, 'project', 'shop-blue', preview)
}

function access(credentialsFile: string): ClusterAccess {
  const servers = ['127.0.0.1:9092']
  return {
    ...{ colour: 'blue', clusterId: 'id', kafkaVersion: '4.3.1', credentialsFile },
    ...{ internalBootstrapServers: servers, produceBootstrapServers: servers, consumeBootstrapServers: servers },
  }
}

function credentials(passwords: Record<string, string>): string {
  const file = join(dir, 'credentials.json')
  writeFileSync(file, JSON.stringify({ version: 1, passwords }))
  return file
}

beforeEach(() => registering(false))

test('everything of the catalog becomes one resource with a name that says what it is', async () => {
  const made = new Catalog('c', { catalog, access: access(credentials({ admin: 'admin-pw', app: 'app-pw-1' })), protectTopics: true })
  expect(await new Promise((resolve) => made.topicNames.apply(resolve))).toEqual(['orders'])
  await vi.waitFor(() => expect(registered).toHaveLength(7)) // resources register on their own, after the constructor
  expect(registered.map(({ name }) => name).sort()).toEqual([
    'c',
    'c-acl-app-Deny-10.0.0.1-Read-Topic-prefix-or',
    'c-acl-app-Read-Topic-orders',
    'c-provider',
    'c-quota-app',
    'c-topic-orders',
    'c-user-app',
  ])
  const inputs = (name: string): unknown => registered.find((each) => each.name === name)?.inputs
  expect(inputs('c-topic-orders')).toEqual({ name: 'orders', partitions: 6, replicationFactor: 3, config: { 'retention.ms': '1000' } })
  expect(inputs('c-quota-app')).toMatchObject({ entityType: 'user', entityName: 'app', config: { producer_byte_rate: '5', request_percentage: '50' } })
  expect(inputs('c-provider')).toMatchObject({ saslUsername: 'admin', saslMechanism: 'plain', tlsEnabled: 'false' })
})

test('brokers that speak TLS are trusted by a file, whose content is in no state', async () => {
  const made = new Catalog('c', {
    catalog,
    access: { ...access(credentials({ admin: 'admin-pw', app: 'app-pw-1' })), caFile: '/fleet/ca.pem' },
    protectTopics: true,
  })
  expect(await new Promise((resolve) => made.topicNames.apply(resolve))).toEqual(['orders'])
  await vi.waitFor(() => expect(registered.find(({ name }) => name === 'c-provider')?.inputs).toMatchObject({ tlsEnabled: 'true', caCert: '/fleet/ca.pem' }))
})

test('a role logs in without a user or a password, and makes no users: they are secrets of AWS’s', async () => {
  const made = new Catalog('c', {
    catalog,
    access: { ...access('/nowhere.json'), caFile: '/roots.pem' },
    protectTopics: true,
    role: { region: 'eu-central-1' },
  })
  expect(await new Promise((resolve) => made.made.apply(resolve))).toHaveLength(4)
  expect(registered.filter(({ type }) => type.includes('userScramCredential'))).toEqual([])
  expect(registered.find(({ name }) => name === 'c-provider')?.inputs).toEqual({
    ...{ bootstrapServers: '["127.0.0.1:9092"]', saslMechanism: 'aws-iam', saslAwsRegion: 'eu-central-1' },
    ...{ skipTlsVerify: 'false', tlsEnabled: 'true', caCert: '/roots.pem', timeout: '30' },
  })
})

test('a password is a secret', async () => {
  const password = passwordOf(access(credentials({ app: 'app-pw-1' })), 'app')
  expect(await pulumi.isSecret(password)).toBe(true)
  expect(await new Promise((resolve) => password.apply(resolve))).toBe('app-pw-1')
})

test('before the colour is provisioned a preview has an unknown password', async () => {
  await registering(true)
  for (const file of [join(dir, 'missing.json'), credentials({ admin: 'admin-pw' })]) {
    const password = passwordOf(access(file), 'app') as pulumi.Output<string> & { isKnown: Promise<boolean> }
    expect(await password.isKnown).toBe(false)
    expect(await pulumi.isSecret(password)).toBe(true)
  }
})

test('an update without a password is refused', () => {
  expect(() => requirePassword(credentials({ admin: 'admin-pw' }), 'app')).toThrow(/^credentials: There is no password for the user app/)
  expect(() => requirePassword(join(dir, 'missing.json'), 'app')).toThrow(/^credentials: /)
})
