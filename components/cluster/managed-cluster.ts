import * as pulumi from '@pulumi/pulumi'
import type { Colour } from '../../engine/model/colour.ts'

export interface ManagedClusterArgs {
  readonly fleet: string
  readonly colour: Colour
  /** What it is made as, by name: what brokers can't become under their clients. */
  readonly make: Readonly<Record<string, string>>
}

/**
 * What a cloud's cluster was made as (provider `kbg`). A cloud's own provider would roll a new version or another instance size over brokers that serve; this one refuses, in the
 * preview already, and says that the other colour is for that. Let the cluster depend on it.
 */
export class ManagedCluster extends pulumi.CustomResource {
  constructor(name: string, args: ManagedClusterArgs, opts?: pulumi.CustomResourceOptions) {
    super('kbg:index:ManagedCluster', name, { ...args }, opts)
  }
}
