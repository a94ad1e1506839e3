import type { Colour } from './colour.ts'
import { stableHash } from './stable-hash.ts'

/** Where something listens. */
export interface Endpoint {
  readonly host: string
  readonly port: number
}

/** One combined KRaft node (broker and controller) of a local colour. */
export interface NodeAddresses {
  /** Kafka's `node.id`; the two colours' ids are disjoint, so that no client mistakes one colour's broker for the other's. */
  readonly nodeId: number
  /** For brokers, operator and mirror. */
  readonly internal: Endpoint
  readonly controller: Endpoint
  /** For applications that write; the endpoint fence can close it alone. */
  readonly produce: Endpoint
  /** For applications that read. */
  readonly consume: Endpoint
}

export interface ColourAddresses {
  readonly nodes: readonly NodeAddresses[]
  /** REST of the Connect worker that stands beside this colour and copies into it. */
  readonly connectRest: Endpoint
}

/** Every address that a local fleet listens on. */
export interface FleetAddresses {
  readonly blue: ColourAddresses
  readonly green: ColourAddresses
  readonly etcd: { readonly client: Endpoint; readonly peer: Endpoint }
  /** The audit's workers, in order; as many as are declared are used. */
  readonly audit: readonly Endpoint[]
}

/** Audit workers that a local fleet has addresses for. */
export const mostLocalAuditWorkers = 8

/** Combined nodes of a local colour: the smallest quorum that survives the loss of one. */
export const localNodeCount = 3

const firstNodeId: Readonly<Record<Colour, number>> = { blue: 1, green: 11 }
const subnetNumber: Readonly<Record<Colour | 'traffic', number>> = { blue: 1, green: 2, traffic: 3 }

/**
 * The addresses of a local fleet, from nothing but its name, so that fleets on one machine don't collide.
 *
 * With `subnets` (Linux, where all of 127.0.0.0/8 is loopback without set-up) each colour has a subnet of its own and
 * fixed ports; without, everything is on 127.0.0.1 and the ports come from the name. Two names may still hash alike
 * (1 in 8,192, or 1 in 290 without subnets): starting then says which address is taken.
 */
export function planAddresses(fleet: string, options: { readonly subnets: boolean }): FleetAddresses {
  const hash = stableHash(fleet)
  return options.subnets ? onSubnets(hash) : onPorts(hash)
}

/** `host:port`, as in `bootstrap.servers`. */
export function endpointText(endpoint: Endpoint): string {
  return `${endpoint.host}:${endpoint.port}`
}

/** All endpoints that one colour's brokers listen on. */
export function brokerEndpoints(addresses: ColourAddresses): readonly Endpoint[] {
  return addresses.nodes.flatMap((node) => [node.internal, node.controller, node.produce, node.consume])
}

function onSubnets(hash: number): FleetAddresses {
  const second = 64 + (hash % 128)
  const third = ((hash >>> 7) % 64) * 4
  const host = (subnet: Colour | 'traffic', last: number): string => `127.${second}.${third + subnetNumber[subnet]}.${last}`
  const colour = (name: Colour): ColourAddresses => ({
    nodes: nodeIndexes.map((index) => {
      const at = (port: number): Endpoint => ({ host: host(name, index + 1), port })
      return { nodeId: firstNodeId[name] + index, internal: at(9092), controller: at(9093), produce: at(9094), consume: at(9095) }
    }),
    connectRest: { host: host(name, 9), port: 8083 },
  })
  const etcdHost = host('traffic', 1)
  return {
    blue: colour('blue'),
    green: colour('green'),
    etcd: { client: { host: etcdHost, port: 2379 }, peer: { host: etcdHost, port: 2380 } },
    audit: auditIndexes.map((index) => ({ host: host('traffic', 2), port: 8084 + index })),
  }
}

/** A hundred ports for each fleet, between the well-known ones and the range that systems hand out (from 49152). */
function onPorts(hash: number): FleetAddresses {
  const first = 20_000 + (hash % 290) * 100
  const at = (subnet: Colour | 'traffic', offset: number): Endpoint => ({ host: '127.0.0.1', port: first + (subnetNumber[subnet] - 1) * 30 + offset })
  const colour = (name: Colour): ColourAddresses => ({
    nodes: nodeIndexes.map((index) => ({
      nodeId: firstNodeId[name] + index,
      internal: at(name, index * 4),
      controller: at(name, index * 4 + 1),
      produce: at(name, index * 4 + 2),
      consume: at(name, index * 4 + 3),
    })),
    connectRest: at(name, 20),
  })
  return {
    blue: colour('blue'),
    green: colour('green'),
    etcd: { client: at('traffic', 0), peer: at('traffic', 1) },
    audit: auditIndexes.map((index) => at('traffic', 10 + index)),
  }
}

const nodeIndexes: readonly number[] = Array.from({ length: localNodeCount }, (_, index) => index)
const auditIndexes: readonly number[] = Array.from({ length: mostLocalAuditWorkers }, (_, index) => index)
