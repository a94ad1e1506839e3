import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { brokerEndpoints, type Endpoint, endpointText, type FleetAddresses, planAddresses } from '../../engine/model/addresses.ts'

const fleetName = fc.stringMatching(/^[a-z][a-z0-9-]{0,30}$/)

function allEndpoints(addresses: FleetAddresses): readonly Endpoint[] {
  const { blue, green, etcd, audit } = addresses
  return [...brokerEndpoints(blue), ...brokerEndpoints(green), blue.connectRest, green.connectRest, etcd.client, etcd.peer, ...audit]
}

describe.each([{ subnets: true }, { subnets: false }])('addresses with subnets: $subnets', ({ subnets }) => {
  test('of one fleet never collide, stay on loopback and outside of 127.0.0.1 where there are subnets', () => {
    fc.assert(
      fc.property(fleetName, (fleet) => {
        const endpoints = allEndpoints(planAddresses(fleet, { subnets }))
        expect(new Set(endpoints.map(endpointText)).size).toBe(endpoints.length)
        for (const { host, port } of endpoints) {
          const bytes = host.split('.').map(Number)
          expect(bytes[0]).toBe(127)
          expect(bytes.every((byte) => byte >= 0 && byte <= 255)).toBe(true)
          expect(host === '127.0.0.1').toBe(!subnets)
          expect(port).toBeGreaterThan(1_024)
          expect(port).toBeLessThan(49_152)
        }
      }),
    )
  })

  test('are the same each time', () => {
    expect(planAddresses('demo-1', { subnets })).toEqual(planAddresses('demo-1', { subnets }))
  })

  test('of the two colours have disjoint node ids', () => {
    const { blue, green } = planAddresses('main', { subnets })
    expect(blue.nodes.map((node) => node.nodeId)).toEqual([1, 2, 3])
    expect(green.nodes.map((node) => node.nodeId)).toEqual([11, 12, 13])
  })
})

test('each colour has a subnet of its own, which its Connect worker shares', () => {
  const { blue, green, etcd } = planAddresses('main', { subnets: true })
  const subnet = (endpoint: Endpoint): string => endpoint.host.split('.').slice(0, 3).join('.')
  expect(new Set([...brokerEndpoints(blue), blue.connectRest].map(subnet)).size).toBe(1)
  expect(new Set([...brokerEndpoints(green), green.connectRest].map(subnet)).size).toBe(1)
  expect(new Set([...brokerEndpoints(blue), ...brokerEndpoints(green), etcd.client].map(subnet)).size).toBe(3)
})

test('the names that this project uses itself are apart', () => {
  const names = ['main', 'demo', 'demo-1', 'tour', 'test', 'a', 'b', 'c']
  const hosts = names.map((name) => planAddresses(name, { subnets: true }).etcd.client.host)
  expect(new Set(hosts).size).toBe(names.length)
})
