import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import type { Colour } from '../../engine/model/colour.ts'
import { type ColourInventory, inventoryDifferences, inventoryOf } from '../../engine/model/inventory.ts'
import { localBrokers } from '../../engine/model/local-brokers.ts'
import { parseCatalog } from '../../infra/catalog.ts'
import { projectName } from '../../infra/config.ts'
import { bothInventories } from '../../infra/inventories.ts'

const catalog = parseCatalog(
  `topics:
  orders: { partitions: 6, config: { retention.ms: 1000 } }
  plain: { partitions: 1 }
users: [app]
acls:
  - { principal: User:app, resourceType: Topic, resourceName: orders, operation: Read }
quotas:
  - { user: app, consumerByteRate: 1024 }
groups: { shop: { wave: 1 } }
`,
  'catalog.yaml',
)
const brokers = (colour: Colour, brokerConfig: Readonly<Record<string, string>> = {}) =>
  localBrokers(colour, { fleet: 'shop', kafkaVersion: colour === 'blue' ? '3.9.2' : '4.3.1', nodes: 3, brokerConfig, tls: false }, process.platform === 'linux')
const blue = inventoryOf('blue', catalog, brokers('blue'))
const dir = mkdtempSync(join(tmpdir(), 'kbg-inventories-'))
afterAll(() => rmSync(dir, { recursive: true }))

test('a topic inherits what it does not say itself, in its own units; the finest unit wins', () => {
  const green = inventoryOf('green', catalog, brokers('green', { 'log.retention.hours': '2', 'message.max.bytes': '5', 'num.io.threads': '2' }))
  expect(green.topics.orders?.config).toEqual({ 'retention.ms': '1000', 'max.message.bytes': '5' })
  expect(green.topics.plain?.config).toEqual({ 'retention.ms': '7200000', 'max.message.bytes': '5' })
  expect(inventoryOf('green', catalog, brokers('green', { 'log.retention.hours': '2', 'log.retention.ms': '7' })).topics.plain?.config).toEqual({
    'retention.ms': '7',
  })
})

test('equal inventories have no differences, whatever their colour', () => {
  expect(inventoryDifferences(blue, inventoryOf('green', catalog, brokers('green', { 'num.io.threads': '2' })))).toEqual([])
})

test('every kind of difference is found and named', () => {
  const green: ColourInventory = {
    ...blue,
    colour: 'green',
    topics: {
      orders: { partitions: 4, replicationFactor: 3, config: { 'retention.ms': '1000' }, ownConfig: {} },
      extra: { partitions: 1, replicationFactor: 3, config: {}, ownConfig: {} },
    },
    users: [],
    acls: [],
    quotas: { app: { producer_byte_rate: 5 } },
    groups: ['shop', 'other'],
  }
  expect(inventoryDifferences(blue, green).map(({ area, name, property, blue: b, green: g }) => `${area} ${name} ${property}: ${b} / ${g}`)).toEqual([
    'topics extra declared: not there / declared',
    'topics orders partitions: 6 / 4',
    'topics plain declared: declared / not there',
    'users app declared: declared / not there',
    'acls User:app|*|Read|Allow|Topic|orders|Literal declared: declared / not there',
    'quotas app consumer_byte_rate: 1024 / not set',
    'quotas app producer_byte_rate: not set / 5',
    'groups other declared: not there / declared',
  ])
})

test('both inventories come from the checkout: the catalog and the two stack files', () => {
  writeFileSync(join(dir, 'Pulumi.shop-blue.yaml'), `config:\n  ${projectName}:kafkaVersion: 3.9.2\n  aws:region: x\nencryptionsalt: v1:abc\n`)
  expect(bothInventories(dir, projectName, 'shop', catalog)).toEqual({ blue, green: undefined })
  const brokerConfig = `  ${projectName}:brokerConfig:\n    message.max.bytes: 5\n`
  writeFileSync(join(dir, 'Pulumi.shop-green.yaml'), `config:\n  ${projectName}:kafkaVersion: 4.3.1\n${brokerConfig}`)
  expect(bothInventories(dir, projectName, 'shop', catalog).green?.topics.plain?.config).toEqual({ 'max.message.bytes': '5' })
})

test('a wrong stack file is refused', () => {
  writeFileSync(join(dir, 'Pulumi.bad-blue.yaml'), `config:\n  ${projectName}:kafkaVersion: 1.0.0\n`)
  expect(() => bothInventories(dir, projectName, 'bad', catalog)).toThrow(/^config: The configuration of the stack bad-blue has 1 problem/)
})
