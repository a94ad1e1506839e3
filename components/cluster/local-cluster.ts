import * as pulumi from '@pulumi/pulumi'
import type { ClusterAccess } from '../../engine/model/cluster-access.ts'
import type { Colour } from '../../engine/model/colour.ts'

/** What a local colour is made of. */
export interface LocalClusterArgs {
  readonly fleet: string
  readonly colour: Colour
  readonly kafkaVersion: string
  readonly nodes: number
  /** Additions to `server.properties`, the same on every broker. */
  readonly brokerConfig: Readonly<Record<string, string>>
  /** Whether every listener speaks TLS only. */
  readonly tls: boolean
  /** Users that get a login on the brokers; their passwords are made in the fleet's credentials file. */
  readonly applicationUsers: readonly string[]
}

/** One colour's brokers as processes of this machine (provider `kbg`). Version, nodes and configuration of a running colour don't change. */
export class LocalCluster extends pulumi.CustomResource {
  /** How this project's own processes reach the colour: addresses, and where the credentials stand. */
  declare readonly access: pulumi.Output<ClusterAccess>
  /** Brokers whose process lives. */
  declare readonly brokersAlive: pulumi.Output<number>

  constructor(name: string, args: LocalClusterArgs, opts?: pulumi.CustomResourceOptions) {
    super('kbg:index:LocalCluster', name, { ...args, access: undefined, brokersAlive: undefined }, opts)
  }
}
