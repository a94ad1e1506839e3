import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as pulumi from '@pulumi/pulumi'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { Colour } from '../../components/cluster/colour.ts'
import { Catalog } from '../../engine/model/catalog.ts'
import { declaredBy, graphText } from './graph.ts'
import { accessOf, type Mocked, mockPulumi, valueOfOutput } from './mocks.ts'

const catalog = Catalog.parse({
  topics: { orders: { partitions: 6 }, payments: { partitions: 3 } },
  users: ['orders-app'],
  acls: [{ principal: 'User:orders-app', resourceType: 'Topic', resourceName: 'orders', operation: 'Write' }],
  quotas: [{ user: 'orders-app', consumerByteRate: 5_000 }],
})
const scratch = mkdtempSync(join(tmpdir(), 'kbg-colour-'))
const credentialsFile = join(scratch, 'credentials.json')
writeFileSync(credentialsFile, JSON.stringify({ version: 1, passwords: { admin: 'admin-password', 'orders-app': 'orders-password' } }))

afterAll(() => rmSync(scratch, { recursive: true }))

let mocked: Mocked
/** Options by resource name. */
const options = new Map<string, pulumi.CustomResourceOptions>()
beforeEach(async () => {
  options.clear()
  mocked = await mockPulumi('shop-blue', ({ type }) =>
    type === 'kbg:index:LocalCluster' ? { access: { ...accessOf('blue'), credentialsFile }, brokersAlive: 3 } : {},
  )
})

const args = { fleet: 'shop', colour: 'blue', platform: 'local', kafkaVersion: '4.3.1', catalog } as const

async function colour(retire: boolean, decommission: string | undefined): Promise<void> {
  const record: pulumi.ResourceTransformation = ({ name, opts }) => {
    options.set(name, opts)
    return undefined
  }
  const made = new Colour('blue', { ...args, retire, decommission }, { transformations: [record] })
  await valueOfOutput(made.access)
  await pulumi.runtime.disconnect()
}

describe('a local colour', () => {
  test('is this graph', async () => {
    const declared = await declaredBy(
      'shop-blue',
      ({ type }) => (type === 'kbg:index:LocalCluster' ? { access: { ...accessOf('blue'), credentialsFile }, brokersAlive: 3 } : {}),
      (opts) => new Colour('blue', args, opts),
    )
    await expect(graphText(declared)).toMatchFileSnapshot('../golden/graph-local-colour.txt')
  })

  test('gives the brokers the catalog’s users, and the guard everything that destroy will need', async () => {
    await colour(false, undefined)
    const inputsOf = (type: string) => mocked.registered.find((each) => each.type === type)?.inputs
    expect(inputsOf('kbg:index:LocalCluster')).toMatchObject({ fleet: 'shop', colour: 'blue', applicationUsers: ['orders-app'] })
    expect(inputsOf('kbg:index:RetirementGuard')).toMatchObject({ fleet: 'shop', cluster: { clusterId: 'cluster-blue' }, retire: false, quietSeconds: 60 })
  })

  test('the guard is made last: after brokers and catalog, so it is deleted first', async () => {
    await colour(false, undefined)
    expect(mocked.registered.at(-1)?.type).toBe('kbg:index:RetirementGuard')
    const needed = options.get('blue-guard')?.dependsOn
    expect(Array.isArray(needed) && needed.map((each) => (each as { __pulumiType?: string }).__pulumiType)).toEqual([
      'kbg:index:LocalCluster',
      'kbg:catalog:Catalog',
    ])
  })

  test.each([
    [false, undefined, true],
    [true, undefined, false],
    [false, 'shop', false],
  ])('retire %s, decommission %s: what holds data is protected: %s', async (retire, decommission, isProtected) => {
    await colour(retire, decommission)
    expect(options.get('blue-cluster')?.protect).toBe(isProtected)
    expect(options.get('blue-catalog-topic-orders')?.protect).toBe(isProtected)
    expect(options.get('blue-guard')?.protect ?? false).toBe(false)
  })
})
