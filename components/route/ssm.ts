import * as ssm from '@pulumi/aws/ssm/index.js'
import * as pulumi from '@pulumi/pulumi'
import { notPublishedYet, type RouteParameter, type RouteParameterSpec, routeParameterName } from '../../engine/model/route-publication.ts'
import { awsProvider } from '../network/aws-provider.ts'

export interface PublishedParameterArgs {
  readonly fleet: string
  readonly spec: RouteParameterSpec
}

/**
 * Where the route is published for clients that can't reach the route store. Only the switchover and the guardians write its value, so no preview compares that. Advanced, because a route of many groups has more than 4 KiB.
 */
export class PublishedParameter extends pulumi.ComponentResource {
  /** For whoever writes and for whoever polls. */
  readonly parameter: pulumi.Output<RouteParameter>

  constructor(name: string, { fleet, spec }: PublishedParameterArgs, opts?: pulumi.ComponentResourceOptions) {
    super('kbg:route:PublishedParameter', name, {}, opts)
    const { region, pollIntervalMs } = spec
    const child = { parent: this, provider: awsProvider(name, { ...spec, tags: { fleet } }, this), ignoreChanges: ['insecureValue', 'value'] }
    const args = {
      name: routeParameterName(fleet),
      type: 'String',
      tier: 'Advanced',
      insecureValue: notPublishedYet,
      description: `Route of the fleet ${fleet}`,
    }
    const made = new ssm.Parameter(name, args, child)
    this.parameter = made.name.apply((own) => ({ region, name: own, pollIntervalMs }))
    this.registerOutputs({ parameter: this.parameter })
  }
}
