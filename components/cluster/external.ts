import * as pulumi from '@pulumi/pulumi'
import type { ClusterAccess } from '../../engine/model/cluster-access.ts'
import type { RouteStoreAccess } from '../../engine/model/wiring.ts'
import { RetirementGuard } from '../retirement/retirement-guard.ts'
import { ExternalCluster, type ExternalClusterArgs } from './external-cluster.ts'

export interface ExternalColourArgs extends ExternalClusterArgs {
  /** null: where the local platform puts the fleet's store. */
  readonly routeStore: RouteStoreAccess | null
  /** Lifts the protection; the retirement guard still decides. */
  readonly retire: boolean
  /** The fleet's name when its last live colour may go; null otherwise. */
  readonly decommission: string | null
  readonly quietSeconds: number
}

/**
 * An adopted colour: the cluster as it is, and the guard that is asked before it stops being a colour. Its topics, bindings and users are no resources: what this project didn't make it doesn't
 * delete, and that they are as the catalog says is asked of the cluster.
 */
export class ExternalColour extends pulumi.ComponentResource {
  readonly access: pulumi.Output<ClusterAccess>

  constructor(name: string, args: ExternalColourArgs, opts?: pulumi.ComponentResourceOptions) {
    super('kbg:cluster:ExternalColour', name, {}, opts)
    const { fleet, colour, kafkaVersion, nodes, external, catalog, routeStore, retire, decommission, quietSeconds } = args
    const protect = !retire && decommission === null
    const cluster = new ExternalCluster(`${name}-cluster`, { fleet, colour, kafkaVersion, nodes, external, catalog }, { parent: this, protect })
    new RetirementGuard(
      `${name}-guard`,
      { fleet, cluster: cluster.access, routeStore, retire, decommission, quietSeconds },
      { parent: this, dependsOn: [cluster] },
    )
    this.access = cluster.access
    this.registerOutputs({ access: this.access })
  }
}
