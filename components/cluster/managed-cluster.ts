import * as pulumi from '@pulumi/pulumi'
import type { Colour } from '../../engine/model/colour.ts'

export interface ManagedClusterArgs {
  readonly fleet: string
  readonly colour: Colour
  /** What it is made as, by name: what brokers can't become under their clients. */
  readonly make: Readonly<Record<string, string>>
  /** Server properties that this project sets itself, whatever a stack says: those that a release sets otherwise are refused too. */
  readonly platformConfig: Readonly<Record<string, string>>
}

/**
 * What a cloud's cluster was made as (provider `kbg`). A cloud's own provider, or its operator, would roll another version, size or configuration over brokers that serve, also one that only a
 * release of this project brings; this one refuses, in the preview already, and says that the other colour is for that. Let the cluster depend on it.
 */
export class ManagedCluster extends pulumi.CustomResource {
  constructor(name: string, args: ManagedClusterArgs, opts?: pulumi.CustomResourceOptions) {
    super('kbg:index:ManagedCluster', name, { ...args }, opts)
  }
}
