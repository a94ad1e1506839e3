import * as pulumi from '@pulumi/pulumi'
import { expect, test } from 'vitest'
import { Colour } from '../../components/cluster/colour.ts'
import { Catalog } from '../../engine/model/catalog.ts'
import { ExternalAccess } from '../../engine/model/external-cluster.ts'
import { colourProgram } from '../../infra/colour.ts'
import { load } from '../support/loaded-config.ts'
import { declaredBy, graphText } from './graph.ts'
import { accessOf, mockPulumi, valueOfOutput } from './mocks.ts'

const catalog = Catalog.parse({ topics: { orders: { partitions: 6 } }, users: ['orders-app'] })
const login = (username: string) => ({ username, mechanism: 'PLAIN' })
const external = {
  ...{ bootstrapServers: ['kafka.example:9092'], credentialsFile: 'theirs.credentials.json' },
  users: { operator: login('kafka-admin'), mirror: login('mm2'), probe: login('canary') },
}
const values = { platform: 'external', kafkaVersion: '3.9.2', external: JSON.stringify(external) }

test('an adopted colour makes nothing on the cluster: no topic, no binding, no user, and the guard comes last', async () => {
  const { registered } = await mockPulumi('shop-blue', ({ type }) => (type === 'kbg:index:ExternalCluster' ? { access: accessOf('blue') } : {}))
  const config = load('shop-blue', values)
  if (config.role !== 'colour') throw new Error('no colour')
  const { cluster, inventory } = await colourProgram(config, catalog)
  await valueOfOutput(pulumi.output(cluster))
  await pulumi.runtime.disconnect()
  expect(registered.map(({ type }) => type).sort()).toEqual([
    'kbg:catalog:Parity',
    'kbg:cluster:ExternalColour',
    'kbg:index:ExternalCluster',
    'kbg:index:RetirementGuard',
  ])
  expect(registered.at(-1)?.type).toBe('kbg:index:RetirementGuard')
  const made = registered.find(({ type }) => type === 'kbg:index:ExternalCluster')?.inputs
  expect(made).toMatchObject({
    nodes: 3,
    catalog: { users: ['orders-app'] },
    external: { credentialsFile: expect.stringMatching(/^\/.*theirs\.credentials\.json$/) },
  })
  expect(inventory.brokers).toMatchObject({ platform: 'external', count: 3, listeners: null, instanceClass: null })
})

test('is this graph', async () => {
  const place = { fleet: 'shop', colour: 'blue', platform: 'external', kafkaVersion: '3.9.2', external: ExternalAccess.parse(external), catalog } as const
  const declared = await declaredBy(
    'shop-blue',
    ({ type }) => (type === 'kbg:index:ExternalCluster' ? { access: accessOf('blue') } : {}),
    (opts) => new Colour('blue', place, opts),
  )
  await expect(graphText(declared)).toMatchFileSnapshot('../golden/graph-external-colour.txt')
})
