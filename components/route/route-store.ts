import * as pulumi from '@pulumi/pulumi'
import type { RouteStoreAccess } from '../../engine/model/wiring.ts'

export interface LocalRouteStoreArgs {
  readonly fleet: string
  /** Whether it speaks TLS only. */
  readonly tls: boolean
  /** The fleet's name when it ends for good: then the store's data goes with its process; null: a new store continues the epochs. */
  readonly decommission: string | null
}

/** The fleet's config store (etcd) as a process of this machine (provider `kbg`). */
export class LocalRouteStore extends pulumi.CustomResource {
  /** For gates, switchovers and the CLI. */
  declare readonly access: pulumi.Output<RouteStoreAccess>
  /** For routed applications: reads the route, writes only their own registrations. */
  declare readonly clientAccess: pulumi.Output<RouteStoreAccess>
  declare readonly alive: pulumi.Output<boolean>

  constructor(name: string, args: LocalRouteStoreArgs, opts?: pulumi.CustomResourceOptions) {
    super('kbg:index:LocalRouteStore', name, { ...args, access: undefined, clientAccess: undefined, alive: undefined }, opts)
  }
}
