import * as ec2 from '@pulumi/aws/ec2/index.js'
import * as vpc from '@pulumi/aws/vpc/index.js'
import * as pulumi from '@pulumi/pulumi'
import type { Colour } from '../../engine/model/colour.ts'
import { mskPorts, type NetworkAccess, planPeering } from '../../engine/model/network-access.ts'

export interface MirrorPeeringArgs {
  /** As the colours' own stacks say. */
  readonly networks: Readonly<Record<Colour, NetworkAccess>>
}

/** Connects the colours' networks for the mirror, and for nothing else (same account and region). */
export class MirrorPeering extends pulumi.ComponentResource {
  constructor(name: string, args: MirrorPeeringArgs, opts?: pulumi.ComponentResourceOptions) {
    super('kbg:network:MirrorPeering', name, {}, opts)
    const { blue, green } = args.networks
    // Each side resolves the other's broker names to private addresses.
    const resolves = { allowRemoteVpcDnsResolution: true }
    const peering = new ec2.VpcPeeringConnection(
      name,
      { vpcId: blue.vpcId, peerVpcId: green.vpcId, autoAccept: true, requester: resolves, accepter: resolves, tags: { Name: name } },
      { parent: this },
    )
    const plans = [planPeering(blue, green), planPeering(green, blue)]
    for (const { name: route, routeTableId, destination } of plans.flatMap(({ routes }) => routes)) {
      new ec2.Route(`${name}-${route}`, { routeTableId, destinationCidrBlock: destination, vpcPeeringConnectionId: peering.id }, { parent: this })
    }
    for (const { name: rule, direction, securityGroupId, cidr } of plans.flatMap(({ rules }) => rules)) {
      const args = { securityGroupId, cidrIpv4: cidr, ipProtocol: 'tcp', fromPort: mskPorts.iam, toPort: mskPorts.iam, description: 'the mirror' }
      const made = direction === 'ingress' ? vpc.SecurityGroupIngressRule : vpc.SecurityGroupEgressRule
      new made(`${name}-${rule}`, args, { parent: this })
    }
    this.registerOutputs({ peeringId: peering.id })
  }
}
