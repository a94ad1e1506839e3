import ipaddr from 'ipaddr.js'
import { z } from 'zod'
import { Colour, colours } from './colour.ts'
import { KbgError } from './error.ts'
import { FleetName } from './fleet.ts'
import { stableHash } from './stable-hash.ts'

/** An IPv4 network in CIDR notation, without host bits: `10.0.0.0/8`, never `10.0.0.1/8`. */
export const Cidr = z.string().refine(isNetwork, { error: 'an IPv4 network without host bits, for example 10.20.0.0/16', abort: true })

/** Letter of an availability zone within its region. */
export const ZoneLetter = z.enum(['a', 'b', 'c', 'd', 'e', 'f'])
export type ZoneLetter = z.infer<typeof ZoneLetter>

/** Brokers stand in three zones: replication factor 3, and one zone may fail. */
export const smallestZoneCount = 3

/** Characters that environment and fleet may have together: MSK's cluster names, which are made of them, hold 64. */
const mostNameCharacters = 53

/** Where a colour's network is to lie. */
const PlacedNetwork = z.strictObject({
  /** Private space that the fleets of an organization share; every fleet and environment takes a pair of VPCs of it. */
  pool: Cidr.refine(isPrivate, 'within 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16').refine((pool) => prefixOf(pool) <= pairPrefix, {
    error: 'too small for a pair of VPCs: /19 or larger',
  }),
  environment: z.string().regex(/^[a-z][a-z0-9-]{0,30}$/, '1 to 31 lower-case letters, digits and dashes, starting with a letter'),
  fleet: FleetName,
  colour: Colour,
  zones: z
    .array(ZoneLetter)
    .min(smallestZoneCount, `at least ${smallestZoneCount} zones`)
    .refine((zones) => new Set(zones).size === zones.length, 'each zone once'),
})
export const NetworkSpec = PlacedNetwork.refine(({ environment, fleet }) => environment.length + fleet.length <= mostNameCharacters, {
  error: `with the fleet's name at most ${mostNameCharacters} characters`,
  path: ['environment'],
})
export type NetworkSpec = z.infer<typeof NetworkSpec>

/** The subnets of one zone. */
export interface ZonePlan {
  readonly zone: ZoneLetter
  readonly brokers: string
  /** Of the mirror's workers: the only hosts that the other colour may be reached from. */
  readonly mirror: string
}

/** One colour's network. */
export interface NetworkPlan {
  readonly vpc: string
  readonly zones: readonly ZonePlan[]
}

/** A pair of VPCs: blue in its lower half, green in its upper one, so the two can't overlap whatever a name hashes to. */
const pairPrefix = 19
const vpcPrefix = 20
const subnetPrefix = 24
/** The first half of a VPC's subnets is for brokers, the second for the mirror: eight of each. */
const firstMirrorSubnet = 8

/**
 * A colour's network from nothing but names, so that both stacks and every preview know both without asking AWS. A zone's subnets follow from its letter alone: adding one moves nothing.
 *
 * Two fleets of one pool may hash alike (1 in 2,048 in a /8): that hurts only where their networks are to be connected, and another pool for one of them mends it.
 * @throws KbgError `network` with every problem
 */
export function planNetwork(spec: NetworkSpec): NetworkPlan {
  const parsed = NetworkSpec.safeParse(spec)
  if (!parsed.success) {
    throw new KbgError('network', "There can't be a network like this.", {
      facts: { problems: parsed.error.issues.map(({ path, message }) => `${path.map(String).join('.')}: ${message}`) },
    })
  }
  const { pool, environment, fleet, colour, zones } = parsed.data
  const pairs = 2 ** (pairPrefix - prefixOf(pool))
  const pair = numberOf(pool) + (stableHash(`${environment}/${fleet}`) % pairs) * sizeOf(pairPrefix)
  const vpc = pair + colours.indexOf(colour) * sizeOf(vpcPrefix)
  const subnet = (index: number) => textOf(vpc + index * sizeOf(subnetPrefix), subnetPrefix)
  const planned = zones.map((zone) => {
    const index = ZoneLetter.options.indexOf(zone)
    return { zone, brokers: subnet(index), mirror: subnet(firstMirrorSubnet + index) }
  })
  return { vpc: textOf(vpc, vpcPrefix), zones: planned }
}

/** Whether two networks have an address in common. */
export function overlap(a: string, b: string): boolean {
  const [networkA, networkB] = [ipaddr.IPv4.parseCIDR(a), ipaddr.IPv4.parseCIDR(b)]
  const [wide, narrow] = networkA[1] <= networkB[1] ? [networkA, networkB] : [networkB, networkA]
  return narrow[0].match(wide)
}

/** Whether all of a network belongs to private space (RFC 1918). */
export function isPrivate(cidr: string): boolean {
  return isNetwork(cidr) && ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'].some((space) => prefixOf(cidr) >= prefixOf(space) && overlap(cidr, space))
}

function isNetwork(text: string): boolean {
  return ipaddr.IPv4.isValidCIDRFourPartDecimal(text) && ipaddr.IPv4.networkAddressFromCIDR(text).toString() === text.split('/')[0]
}

function prefixOf(cidr: string): number {
  return ipaddr.IPv4.parseCIDR(cidr)[1]
}

/** Addresses in a network. */
function sizeOf(prefix: number): number {
  return 2 ** (32 - prefix)
}

function numberOf(cidr: string): number {
  return ipaddr.IPv4.parseCIDR(cidr)[0].octets.reduce((number, octet) => number * 256 + octet, 0)
}

function textOf(address: number, prefix: number): string {
  return `${new ipaddr.IPv4([24, 16, 8, 0].map((shift) => (address >>> shift) & 255))}/${prefix}`
}
