import * as route53 from '@pulumi/aws/route53/index.js'
import * as pulumi from '@pulumi/pulumi'
import type { RouteNamesSpec } from '../../engine/model/route-names.ts'
import type { RouteNamesZone } from '../../engine/model/route-publication.ts'
import { awsProvider } from '../network/aws-provider.ts'

export interface RouteNamesArgs {
  readonly fleet: string
  readonly spec: RouteNamesSpec
}

/**
 * The private zone of Route 53 in which the route is published as names, one for each class of traffic, for clients that follow nothing else. Its records are no resources: the switchover and the guardians write them, and
 * they go with the zone. Names keep nobody from writing; the fence does.
 */
export class RouteNames extends pulumi.ComponentResource {
  /** For whoever writes them. */
  readonly zone: pulumi.Output<RouteNamesZone>

  constructor(name: string, { fleet, spec }: RouteNamesArgs, opts?: pulumi.ComponentResourceOptions) {
    super('kbg:route:RouteNames', name, {}, opts)
    const { region, zone } = spec
    const child = { parent: this, provider: awsProvider(name, { ...spec, tags: { fleet } }, this) }
    const vpcs = spec.vpcIds.map((vpcId) => ({ vpcId }))
    const made = new route53.Zone(name, { name: zone, comment: `Route of the fleet ${fleet}`, vpcs, forceDestroy: true }, child)
    this.zone = made.zoneId.apply((zoneId) => ({ region, zoneId, zone }))
    this.registerOutputs({ zone: this.zone })
  }
}
