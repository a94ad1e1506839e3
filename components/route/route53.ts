import * as route53 from '@pulumi/aws/route53/index.js'
import * as pulumi from '@pulumi/pulumi'
import type { ClusterAccess } from '../../engine/model/cluster-access.ts'
import { type Colour, colours } from '../../engine/model/colour.ts'
import { producersClass, type RouteNamesSpec, routeNameTtlSeconds, routeValues } from '../../engine/model/route-names.ts'
import { awsProvider } from '../network/aws-provider.ts'

export interface RouteNamesArgs {
  readonly fleet: string
  readonly spec: RouteNamesSpec
  /** Who is live: what *is*, as the switchover says, never what was asked for. */
  readonly live: pulumi.Input<Colour>
  /** Where each wave reads: a colour, `held` or `mixed`; a wave that isn't named reads on the live colour. */
  readonly consumers: pulumi.Input<Readonly<Record<string, string>>>
  readonly waves: readonly string[]
  readonly clusters: Readonly<Record<Colour, ClusterAccess>>
}

/**
 * The route as names in a private zone of Route 53, one for each class of traffic, for clients that can't follow the route store. They say what the switchover's outputs say, so an update that moved traffic also
 * moves them, and the next preview shows no difference. Names keep nobody from writing; the fence does.
 */
export class RouteNames extends pulumi.ComponentResource {
  /** The names, by class of traffic. */
  readonly names: Readonly<Record<string, string>>

  constructor(name: string, args: RouteNamesArgs, opts?: pulumi.ComponentResourceOptions) {
    super('kbg:route:RouteNames', name, {}, opts)
    const { fleet, spec, waves, clusters } = args
    const child = { parent: this, provider: awsProvider(name, { ...spec, tags: { fleet } }, this) }
    const vpcs = spec.vpcIds.map((vpcId) => ({ vpcId }))
    const zone = new route53.Zone(name, { name: spec.zone, comment: `Route of the fleet ${fleet}`, vpcs }, child)
    const record = (trafficClass: string, records: pulumi.Output<string[]>) => {
      const full = `${trafficClass}.${spec.zone}`
      new route53.Record(`${name}-${trafficClass}`, { zoneId: zone.zoneId, name: full, type: 'TXT', ttl: routeNameTtlSeconds, records }, child)
      return [trafficClass, full] as const
    }
    const live = pulumi.output(args.live)
    const produce = live.apply((where) => [...routeValues(where, clusters[where].produceBootstrapServers)])
    const consume = (wave: string) =>
      pulumi.all([live, pulumi.output(args.consumers)]).apply(([where, consumers]) => readsAt(consumers[wave] ?? where, clusters))
    this.names = Object.fromEntries([record(producersClass, produce), ...waves.map((wave) => record(wave, consume(wave)))])
    this.registerOutputs({ names: this.names })
  }
}

function readsAt(where: string, clusters: Readonly<Record<Colour, ClusterAccess>>): string[] {
  const colour = colours.find((each) => each === where)
  return [...routeValues(where, colour === undefined ? [] : clusters[colour].consumeBootstrapServers)]
}
