import { expect, test } from 'vitest'
import { RouteNamesSpec, routeValues } from '../../engine/model/route-names.ts'

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
