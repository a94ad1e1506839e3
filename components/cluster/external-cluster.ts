import * as pulumi from '@pulumi/pulumi'
import type { Catalog } from '../../engine/model/catalog.ts'
import type { ClusterAccess } from '../../engine/model/cluster-access.ts'
import type { Colour } from '../../engine/model/colour.ts'
import type { ExternalAccess } from '../../engine/model/external-cluster.ts'

/** Where an adopted colour is, and what it has to hold. */
export interface ExternalClusterArgs {
  readonly fleet: string
  readonly colour: Colour
  readonly kafkaVersion: string
  readonly nodes: number
  readonly external: ExternalAccess
  /** Compared with the cluster, never made. */
  readonly catalog: Catalog
}

/** A cluster that was there before, as a colour (provider `kbg`). */
export class ExternalCluster extends pulumi.CustomResource {
  /** How this project's own processes reach the colour: addresses, and where the credentials stand. */
  declare readonly access: pulumi.Output<ClusterAccess>

  constructor(name: string, args: ExternalClusterArgs, opts?: pulumi.CustomResourceOptions) {
    super('kbg:index:ExternalCluster', name, { ...args, access: undefined }, opts)
  }
}
