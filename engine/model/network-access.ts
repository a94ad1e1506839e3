import { z } from 'zod'
import { Cidr, isPrivate, type NetworkPlan, overlap } from './aws-network.ts'
import { Colour } from './colour.ts'
import { firstFive } from './error.ts'

/** Ports of MSK's listeners inside a VPC. */
export const mskPorts = { scram: 9096, iam: 9098 } as const

/** What the other stacks read of a colour's network. */
export const NetworkAccess = z.strictObject({
  colour: Colour,
  vpcId: z.string().min(1),
  brokerCidrs: z.array(Cidr).min(1),
  mirrorCidrs: z.array(Cidr).min(1),
  mirrorSubnetIds: z.array(z.string()).min(1),
  brokerRouteTableId: z.string().min(1),
  mirrorRouteTableId: z.string().min(1),
  /** On the brokers: operators and the mirror. Nothing ever closes it. */
  platformSecurityGroupId: z.string().min(1),
  /** On the mirror's workers. */
  workersSecurityGroupId: z.string().min(1),
})
export type NetworkAccess = z.infer<typeof NetworkAccess>

const networks = z.array(Cidr.refine(isPrivate, 'within 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16')).check((context) => {
  // A rule is named by its network.
  const twice = context.value.filter((network, index) => context.value.indexOf(network) < index)
  if (twice.length > 0) context.issues.push({ code: 'custom', message: `named twice: ${firstFive([...new Set(twice)])}`, input: context.value })
})

/** The networks that clients are in. MSK has one listener for applications, so who writes and who reads is told apart by where they are. */
export const ClientNetworks = z
  .strictObject({
    /** Of applications that write, whatever else they do: their side can be closed. */
    producers: networks.default([]),
    /** Of applications that only read. */
    consumers: networks.default([]),
    /** Of people, orchestrators and guardians. */
    operators: networks.default([]),
  })
  .check((context) => {
    const { producers, consumers, operators } = context.value
    const others = [...consumers, ...operators]
    const shared = producers.flatMap((producer) => others.filter((other) => overlap(producer, other)).map((other) => `${producer} and ${other}`))
    if (shared.length === 0) return
    const message = `share addresses with consumers or operators (${firstFive(shared)}): closing the producing side would close nothing, or too much`
    context.issues.push({ code: 'custom', message, input: context.value, path: ['producers'] })
  })
export type ClientNetworks = z.infer<typeof ClientNetworks>

/** A rule that lets one network in at one port. */
export interface IngressRule {
  readonly name: string
  readonly cidr: string
  readonly port: number
  readonly why: string
}

/** Who may reach the brokers, by security group. The endpoint fence closes `produce` by taking its rules away, and nothing else. */
export function brokerRules(plan: NetworkPlan, clients: ClientNetworks): Readonly<Record<'produce' | 'consume' | 'platform', readonly IngressRule[]>> {
  const rules = (of: string, cidrs: readonly string[], port: number, why: string) =>
    cidrs.map((cidr) => ({ name: `${of}-${cidr.replace('/', '-')}-${port}`, cidr, port, why }))
  return {
    produce: rules('producer', clients.producers, mskPorts.scram, 'applications that write'),
    consume: rules('consumer', clients.consumers, mskPorts.scram, 'applications that only read'),
    platform: [
      ...rules(
        'mirror',
        plan.zones.map(({ mirror }) => mirror),
        mskPorts.iam,
        'the mirror that copies into this colour',
      ),
      ...Object.values(mskPorts).flatMap((port) => rules('operator', clients.operators, port, 'operators, orchestrators, guardians')),
    ],
  }
}

/** A route over the peering. */
export interface PeeringRoute {
  readonly name: string
  readonly routeTableId: string
  readonly destination: string
}
/** A rule of a security group for what crosses the peering. */
export interface PeeringRule {
  readonly name: string
  readonly direction: 'ingress' | 'egress'
  readonly securityGroupId: string
  readonly cidr: string
}

/**
 * What crosses between the colours: a mirror's workers reach the other colour's brokers at the port of IAM logins, and those answer. Brokers have no route to brokers, and no application's
 * network has one at all.
 */
export function planPeering(own: NetworkAccess, other: NetworkAccess): { readonly routes: readonly PeeringRoute[]; readonly rules: readonly PeeringRule[] } {
  const direction = `${own.colour}-to-${other.colour}`
  const named = (what: string, cidrs: readonly string[]) => cidrs.map((cidr) => ({ name: `${what}-${direction}-${cidr.replace('/', '-')}`, cidr }))
  const route = (routeTableId: string) => (each: { readonly name: string; readonly cidr: string }) => ({
    name: each.name,
    routeTableId,
    destination: each.cidr,
  })
  return {
    routes: [...named('ask', other.brokerCidrs).map(route(own.mirrorRouteTableId)), ...named('answer', other.mirrorCidrs).map(route(own.brokerRouteTableId))],
    rules: [
      ...named('out', other.brokerCidrs).map((each) => ({ ...each, direction: 'egress' as const, securityGroupId: own.workersSecurityGroupId })),
      ...named('in', other.mirrorCidrs).map((each) => ({ ...each, direction: 'ingress' as const, securityGroupId: own.platformSecurityGroupId })),
    ],
  }
}
