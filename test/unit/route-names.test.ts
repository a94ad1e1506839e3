import { expect, test } from 'vitest'
import type { RouteDocument } from '../../engine/model/route.ts'
import { RouteNamesSpec, routeValues } from '../../engine/model/route-names.ts'
import { publishedNames } from '../../engine/switchover/published-names.ts'
import { soundRoute } from '../support/sample-snapshot.ts'

const spec = { account: '123456789012', region: 'eu-central-1', zone: 'shop.kafka.internal', vpcIds: ['vpc-0123456789abcdef0'] }

test.each([
  [{ zone: 'Shop.internal' }, 'a domain name in lower case'],
  [{ zone: 'internal' }, 'a domain name'],
  [{ vpcIds: [] }, '>=1'],
  [{ vpcIds: ['10.0.0.0/8'] }, 'the id of a VPC'],
])('%o is refused', (change, message) => {
  expect(RouteNamesSpec.parse(spec)).toEqual(spec)
  expect(() => RouteNamesSpec.parse({ ...spec, ...change })).toThrow(message)
})

test('an address that does not fit into a record is refused, not cut', () => {
  expect(routeValues('blue', ['b-1.x:9096'])).toEqual(['at=blue', 'server=b-1.x:9096'])
  expect(() => routeValues('blue', [`${'b'.repeat(250)}:9096`])).toThrow(/route-name/)
})

const waves = { 'wave-1': ['billing'], 'wave-2': ['reports', 'ledger'] }
const published = (over: Partial<RouteDocument>) => Object.fromEntries(publishedNames({ ...soundRoute, epoch: 12, ...over }, waves, 'shop.internal'))

test('each class of traffic has a name that says where it is, with the addresses there', () => {
  const { blue, green } = soundRoute.colours
  const at = (where: string, servers: readonly string[]) => ['epoch=12', `at=${where}`, ...servers.map((server) => `server=${server}`)]
  expect(published({ groups: { billing: { colour: 'green', state: 'running' } } })).toEqual({
    'producers.shop.internal': at('blue', blue.produceBootstrapServers),
    'wave-1.shop.internal': at('green', green.consumeBootstrapServers),
    'wave-2.shop.internal': at('blue', blue.consumeBootstrapServers),
  })
})

test('a wave that is at no one place has no address; producers have one also while they are held', () => {
  const groups = { billing: { colour: 'blue', state: 'held' }, ledger: { colour: 'green', state: 'running' } } as const
  expect(published({ state: 'held', target: 'green', groups })).toMatchObject({
    'producers.shop.internal': ['epoch=12', 'at=blue', expect.stringContaining('server=')],
    'wave-1.shop.internal': ['epoch=12', 'at=held'],
    'wave-2.shop.internal': ['epoch=12', 'at=mixed'],
  })
})
