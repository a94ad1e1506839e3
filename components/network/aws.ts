import * as ec2 from '@pulumi/aws/ec2/index.js'
import * as vpc from '@pulumi/aws/vpc/index.js'
import * as pulumi from '@pulumi/pulumi'
import { type NetworkSpec, planNetwork, type ZonePlan } from '../../engine/model/aws-network.ts'
import { brokerRules, type ClientNetworks, type IngressRule, mskPorts, type NetworkAccess } from '../../engine/model/network-access.ts'

export interface AwsNetworkArgs {
  readonly spec: NetworkSpec
  /** For example `eu-central-1`. */
  readonly region: string
  readonly clients: ClientNetworks
}

/** Services that the platform's own processes call from here without a way to the internet: passwords, and roles. */
const interfaceServices = ['secretsmanager', 'sts'] as const
const httpsPort = 443

/** One colour's network: private subnets for brokers and for the mirror in every zone, no way to the internet, and security groups for each side that reaches the brokers. */
export class AwsNetwork extends pulumi.ComponentResource {
  readonly access: pulumi.Output<NetworkAccess>
  readonly brokerSubnetIds: readonly pulumi.Output<string>[]
  /** What the brokers carry: one for each side, so that one can be closed alone. */
  readonly brokerSecurityGroupIds: readonly pulumi.Output<string>[]
  readonly #name: string
  readonly #vpcId: pulumi.Output<string>

  constructor(name: string, args: AwsNetworkArgs, opts?: pulumi.ComponentResourceOptions) {
    super('kbg:network:AwsNetwork', name, {}, opts)
    const { spec, region } = args
    const plan = planNetwork(spec)
    this.#name = name
    this.#vpcId = new ec2.Vpc(
      `${name}-vpc`,
      { cidrBlock: plan.vpc, enableDnsSupport: true, enableDnsHostnames: true, tags: { Name: name } },
      { parent: this },
    ).id
    // AWS makes one that lets its members talk to each other; without rules it lets nobody.
    new ec2.DefaultSecurityGroup(`${name}-default`, { vpcId: this.#vpcId, ingress: [], egress: [] }, { parent: this })
    const brokers = this.#subnets('brokers', region, plan.zones, ({ brokers }) => brokers)
    const mirror = this.#subnets('mirror', region, plan.zones, ({ mirror }) => mirror)

    const rules = brokerRules(plan, args.clients)
    const produce = this.#securityGroup('produce', 'Applications that write reach the brokers; the endpoint fence closes it', rules.produce)
    const consume = this.#securityGroup('consume', 'Applications that only read reach the brokers', rules.consume)
    const platform = this.#securityGroup('platform', 'Mirror and operators reach the brokers; never closed', rules.platform)
    const workers = this.#securityGroup('workers', 'The workers of the mirror', [])
    for (const { zone, brokers: cidrIpv4 } of plan.zones) this.#egress(`workers-to-brokers-${zone}`, workers, cidrIpv4, mskPorts.iam)
    this.#endpoints(region, plan.vpc, mirror.subnetIds, workers)

    this.brokerSubnetIds = brokers.subnetIds
    this.brokerSecurityGroupIds = [produce, consume, platform]
    this.access = pulumi.output({
      colour: spec.colour,
      vpcId: this.#vpcId,
      brokerCidrs: plan.zones.map(({ brokers }) => brokers),
      mirrorCidrs: plan.zones.map(({ mirror }) => mirror),
      mirrorSubnetIds: mirror.subnetIds,
      brokerRouteTableId: brokers.routeTableId,
      mirrorRouteTableId: mirror.routeTableId,
      platformSecurityGroupId: platform,
      workersSecurityGroupId: workers,
    })
    this.registerOutputs({ access: this.access })
  }

  /** One kind of subnets in every zone, with a route table of its own: what the peering opens for one kind stays closed for the other. */
  #subnets(kind: 'brokers' | 'mirror', region: string, zones: readonly ZonePlan[], cidrOf: (zone: ZonePlan) => string) {
    const name = `${this.#name}-${kind}`
    const routeTableId = new ec2.RouteTable(name, { vpcId: this.#vpcId, tags: { Name: name } }, { parent: this }).id
    const subnetIds = zones.map((zone) => {
      const inZone = `${name}-${zone.zone}`
      const subnet = new ec2.Subnet(
        inZone,
        {
          ...{ vpcId: this.#vpcId, cidrBlock: cidrOf(zone), availabilityZone: `${region}${zone.zone}` },
          ...{ mapPublicIpOnLaunch: false, tags: { Name: inZone } },
        },
        { parent: this },
      )
      new ec2.RouteTableAssociation(inZone, { subnetId: subnet.id, routeTableId }, { parent: this })
      return subnet.id
    })
    return { routeTableId, subnetIds }
  }

  /** A group whose rules are resources of their own: one can be taken away without a look at the others. */
  #securityGroup(side: string, description: string, rules: readonly IngressRule[]): pulumi.Output<string> {
    const name = `${this.#name}-${side}`
    const group = new ec2.SecurityGroup(name, { vpcId: this.#vpcId, description, tags: { Name: name } }, { parent: this })
    for (const { name: rule, cidr, port, why } of rules) {
      new vpc.SecurityGroupIngressRule(
        `${this.#name}-${rule}`,
        { securityGroupId: group.id, cidrIpv4: cidr, ipProtocol: 'tcp', fromPort: port, toPort: port, description: why },
        { parent: this },
      )
    }
    return group.id
  }

  #egress(name: string, securityGroupId: pulumi.Input<string>, cidrIpv4: string, port: number): void {
    new vpc.SecurityGroupEgressRule(`${this.#name}-${name}`, { securityGroupId, cidrIpv4, ipProtocol: 'tcp', fromPort: port, toPort: port }, { parent: this })
  }

  #endpoints(region: string, vpcCidr: string, subnetIds: pulumi.Output<string>[], workers: pulumi.Output<string>): void {
    const rule = { name: 'endpoints-from-vpc', cidr: vpcCidr, port: httpsPort, why: 'hosts of this network' }
    const group = this.#securityGroup('endpoints', 'AWS services inside this network', [rule])
    this.#egress('workers-to-endpoints', workers, vpcCidr, httpsPort)
    for (const each of interfaceServices) {
      new ec2.VpcEndpoint(
        `${this.#name}-${each}`,
        {
          ...{ vpcId: this.#vpcId, serviceName: `com.amazonaws.${region}.${each}`, vpcEndpointType: 'Interface', privateDnsEnabled: true },
          ...{ subnetIds, securityGroupIds: [group] },
        },
        { parent: this },
      )
    }
  }
}
