import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isPrivate, type NetworkPlan, type NetworkSpec, overlap, planNetwork, ZoneLetter } from '../../engine/model/aws-network.ts'
import { colours } from '../../engine/model/colour.ts'
import { FleetName } from '../../engine/model/fleet.ts'

const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,30}$/)
const fleetName = name.filter((each) => FleetName.safeParse(each).success)
const pool = fc.constantFrom('10.0.0.0/8', '10.64.0.0/10', '172.16.0.0/12', '192.168.0.0/16', '10.1.32.0/19')
const zones = fc.uniqueArray(fc.constantFrom(...ZoneLetter.options), { minLength: 3 })
const place = fc.record({ pool, environment: name, fleet: fleetName }).filter(({ environment, fleet }) => environment.length + fleet.length <= 53)

const subnetsOf = ({ zones }: NetworkPlan): readonly string[] => zones.flatMap(({ brokers, mirror }) => [brokers, mirror])

/** Without `ipaddr.js`: what a network holds, as numbers. */
function range(cidr: string): { readonly first: number; readonly last: number } {
  const [address = '', prefix] = cidr.split('/')
  const first = address.split('.').reduce((number, octet) => number * 256 + Number(octet), 0)
  return { first, last: first + 2 ** (32 - Number(prefix)) - 1 }
}
const contains = (outer: string, inner: string): boolean => range(outer).first <= range(inner).first && range(inner).last <= range(outer).last
const apart = (a: string, b: string): boolean => range(a).last < range(b).first || range(b).last < range(a).first

describe('networks of a fleet', () => {
  test('lie within their pool, every subnet within its VPC, and no two subnets share an address', () => {
    fc.assert(
      fc.property(place, zones, (place, zones) => {
        const plans = colours.map((colour) => planNetwork({ ...place, colour, zones }))
        for (const plan of plans) {
          expect(contains(place.pool, plan.vpc)).toBe(true)
          for (const subnet of subnetsOf(plan)) expect(contains(plan.vpc, subnet)).toBe(true)
        }
        const all = plans.flatMap(subnetsOf)
        for (const [index, subnet] of all.entries()) for (const other of all.slice(index + 1)) expect(apart(subnet, other)).toBe(true)
      }),
    )
  })

  test('of blue and green are disjoint', () => {
    fc.assert(
      fc.property(place, zones, zones, (place, blueZones, greenZones) => {
        const [blue, green] = [planNetwork({ ...place, colour: 'blue', zones: blueZones }), planNetwork({ ...place, colour: 'green', zones: greenZones })]
        expect(apart(blue.vpc, green.vpc)).toBe(true)
        expect(overlap(blue.vpc, green.vpc)).toBe(false)
      }),
    )
  })

  test('do not move when a zone is added or taken away, in whatever order zones are named', () => {
    fc.assert(
      fc.property(place, zones, zones, fc.constantFrom(...colours), (place, some, others, colour) => {
        const [plan, other] = [some, others].map((zones) => planNetwork({ ...place, colour, zones }))
        expect(plan?.vpc).toBe(other?.vpc)
        for (const zone of plan?.zones ?? []) {
          const same = other?.zones.find((each) => each.zone === zone.zone)
          if (same !== undefined) expect(same).toEqual(zone)
        }
      }),
    )
  })

  test('of one fleet in two environments are apart, for the names that people use', () => {
    const environments = ['production', 'staging', 'test', 'dev']
    const vpcs = environments.flatMap((environment) => colours.map((colour) => planNetwork(spec({ environment, colour })).vpc))
    expect(new Set(vpcs).size).toBe(vpcs.length)
  })
})

const spec = (change: Partial<NetworkSpec> = {}): NetworkSpec => ({
  ...{ pool: '10.0.0.0/8', environment: 'production', fleet: 'shop', colour: 'blue', zones: ['a', 'b', 'c'] },
  ...change,
})

test('a plan stays what it is from version to version: a network that stands is never moved', () => {
  expect(planNetwork(spec())).toMatchInlineSnapshot(`
    {
      "vpc": "10.100.96.0/20",
      "zones": [
        {
          "brokers": "10.100.96.0/24",
          "mirror": "10.100.104.0/24",
          "zone": "a",
        },
        {
          "brokers": "10.100.97.0/24",
          "mirror": "10.100.105.0/24",
          "zone": "b",
        },
        {
          "brokers": "10.100.98.0/24",
          "mirror": "10.100.106.0/24",
          "zone": "c",
        },
      ],
    }
  `)
})

test.each([
  [{ pool: '8.8.0.0/16' }, 'pool: within 10.0.0.0/8'],
  [{ pool: '10.0.0.0/20' }, 'pool: too small'],
  [{ pool: '10.0.0.1/16' }, 'pool: an IPv4 network without host bits'],
  [{ pool: 'everything' }, 'pool: an IPv4 network'],
  [{ zones: ['a', 'b'] as const }, 'zones: at least 3 zones'],
  [{ zones: ['a', 'b', 'b'] as const }, 'zones: each zone once'],
  [{ environment: 'Prod' }, 'environment: 1 to 31'],
  [{ environment: 'e'.repeat(31), fleet: 'f'.repeat(23) }, "environment: with the fleet's name at most 53"],
])('%o is refused by name', (change, message) => {
  expect(() => planNetwork(spec(change as Partial<NetworkSpec>))).toThrow(message)
})

test('overlap and private space, against plain numbers', () => {
  const network = fc.tuple(fc.integer({ min: 0, max: 2 ** 32 - 1 }), fc.integer({ min: 1, max: 32 })).map(([address, prefix]) => {
    const first = Math.floor(address / 2 ** (32 - prefix)) * 2 ** (32 - prefix)
    return `${[24, 16, 8, 0].map((shift) => Math.floor(first / 2 ** shift) % 256).join('.')}/${prefix}`
  })
  fc.assert(fc.property(network, network, (a, b) => overlap(a, b) === !apart(a, b)))
  const spaces = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16']
  fc.assert(fc.property(network, (a) => isPrivate(a) === spaces.some((space) => contains(space, a))))
})
