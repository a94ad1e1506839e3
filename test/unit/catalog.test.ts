import { join } from 'node:path'
import { expect, test } from 'vitest'
import { KbgError } from '../../engine/model/error.ts'
import { loadCatalog, parseCatalog } from '../../infra/catalog.ts'

/** The lines that name the problems; fails when nothing was refused. */
function problems(text: string): string[] {
  try {
    parseCatalog(text, 'catalog.yaml')
  } catch (error) {
    if (!(error instanceof KbgError)) throw error
    expect(error.code).toBe('catalog')
    return error.message.split('\n').flatMap((line) => (line.startsWith('  - ') ? [line.slice(4)] : []))
  }
  throw new Error('nothing was refused')
}

test("the project's own catalog is valid", () => {
  const catalog = loadCatalog(join(import.meta.dirname, '..', '..', 'catalog.yaml'))
  expect(Object.entries(catalog.topics).map(([topic, { partitions, replicationFactor }]) => [topic, partitions, replicationFactor])).toEqual([
    ['orders', 6, 3],
    ['payments', 3, 3],
    ['audit-log', 3, 3],
  ])
  expect(Object.entries(catalog.groups).map(([group, { wave }]) => [group, wave])).toEqual([
    ['orders-dashboard', 1],
    ['archive', 1],
    ['billing', 2],
    ['ledger', 3],
  ])
})

test('topic configs are text, however they are written', () => {
  expect(parseCatalog('topics:\n  a: { partitions: 1, config: { retention.ms: 1000 } }\n', 'c').topics.a?.config).toEqual({ 'retention.ms': '1000' })
})

test('a topic that MirrorMaker 2 would silently leave out is refused by name', () => {
  expect(problems('topics:\n  shop.heartbeats: { partitions: 1 }\n')).toEqual([
    'line 2: topics.shop.heartbeats: the name is not allowed: MirrorMaker 2 would leave it out: it ends in heartbeats',
  ])
})

test('every problem is named with line and path', () => {
  expect(problems('topics:\n  a: { partitions: 0 }\n  __b: { partitions: 1 }\nusers: [x, "bad name!"]\ngroups: { g: { wav: 1 } }\n')).toEqual([
    'line 2: topics.a.partitions: Too small: expected number to be >0',
    'line 3: topics.__b: the name is not allowed: a reserved name',
    'line 4: users[1]: Invalid string: must match pattern /^[a-zA-Z0-9._-]{1,64}$/',
    'line 5: groups.g.wav: unknown key',
  ])
})

test('what nothing declares and what stands twice is found across the file', () => {
  const text = `topics:
  orders: { partitions: 1 }
users: [app, app]
acls:
  - { principal: User:other, resourceType: Topic, resourceName: order, operation: Read }
  - { principal: User:app, resourceType: Group, resourceName: nobody, operation: Read }
  - { principal: User:app, resourceType: Topic, resourceName: ord, patternType: Prefixed, operation: Read }
quotas:
  - { user: app }
groups:
  shop: { wave: 1, alsoProduces: true }
`
  expect(problems(text)).toEqual([
    'line 3: users[1]: stands here a second time',
    'line 5: acls[0]: the user other is not declared; users: app, app',
    'line 5: acls[0]: no topic of the catalog is called order; there are: orders',
    'line 6: acls[1]: no group of the catalog is called nobody; there are: shop',
    'line 9: quotas[0]: limits nothing; allowed: producerByteRate, consumerByteRate, requestPercentage',
    'line 11: groups.shop.wave: a group that also produces moves with the producers, in no wave',
  ])
})

test('an unknown key hides nothing of what stands across the file', () => {
  const text = `topics:
  orders: { partitions: 1, partition: 2 }
users: [app]
acls:
  - { principal: User:app, resourceType: Topic, resourceName: order, operation: Read }
group: {}
`
  expect(problems(text)).toEqual([
    'line 2: topics.orders.partition: unknown key',
    'line 5: acls[0]: no topic of the catalog is called order; there are: orders',
    'line 6: group: unknown key',
  ])
})

test("the platform's users and bindings are not the catalog's", () => {
  const text = `topics:
  orders: { partitions: 1 }
users: [operator]
acls:
  - { principal: "User:*", resourceType: Topic, resourceName: "*", operation: Write, permission: Deny }
  - { principal: "User:*", resourceType: Cluster, resourceName: kafka-cluster, operation: IdempotentWrite }
  - { principal: "User:probe", resourceType: Topic, resourceName: "*", operation: Write }
`
  expect(problems(text)).toHaveLength(4)
})

test('text that is no YAML, or holds a topic twice, is refused with its line', () => {
  expect(problems('topics:\n  a: { partitions: 1 }\n  a: { partitions: 2 }\n')).toEqual(['line 3: Map keys must be unique'])
  expect(problems('topics: [')[0]).toMatch(/^line 1: /)
  expect(problems('')).toEqual(['line 1: topics: Invalid input: expected record, received undefined'])
})

test('a file that is not there is one clear sentence', () => {
  expect(() => loadCatalog('/nowhere/catalog.yaml')).toThrow("catalog: The catalog /nowhere/catalog.yaml can't be read.")
})
