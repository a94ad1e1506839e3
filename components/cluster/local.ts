import * as pulumi from '@pulumi/pulumi'
import type { Catalog as CatalogSpec } from '../../engine/model/catalog.ts'
import type { ClusterAccess } from '../../engine/model/cluster-access.ts'
import type { RouteStoreAccess } from '../../engine/model/wiring.ts'
import { Catalog } from '../catalog/catalog.ts'
import { RetirementGuard } from '../retirement/retirement-guard.ts'
import { LocalCluster, type LocalClusterArgs } from './local-cluster.ts'

export interface LocalColourArgs extends Omit<LocalClusterArgs, 'applicationUsers'> {
  readonly catalog: CatalogSpec
  /** null: where the local platform puts the fleet's store. */
  readonly routeStore: RouteStoreAccess | null
  /** Lifts the protection of what holds data; the retirement guard still decides. */
  readonly retire: boolean
  /** The fleet's name when its last live colour may go; null otherwise. */
  readonly decommission: string | null
  readonly quietSeconds: number
}

/** A whole colour on this machine: brokers, what the catalog declares on them, and last the guard that is asked before any of it is deleted. */
export class LocalColour extends pulumi.ComponentResource {
  readonly access: pulumi.Output<ClusterAccess>

  constructor(name: string, args: LocalColourArgs, opts?: pulumi.ComponentResourceOptions) {
    super('kbg:cluster:LocalColour', name, {}, opts)
    const { fleet, colour, kafkaVersion, nodes, brokerConfig, tls, catalog, retire, decommission } = args
    const protect = !retire && decommission === null
    const cluster = new LocalCluster(
      `${name}-cluster`,
      { fleet, colour, kafkaVersion, nodes, brokerConfig, tls, applicationUsers: catalog.users },
      { parent: this, protect },
    )
    const declared = new Catalog(`${name}-catalog`, { catalog, access: cluster.access, protectTopics: protect, cluster }, { parent: this })
    new RetirementGuard(
      `${name}-guard`,
      { fleet, cluster: cluster.access, routeStore: args.routeStore, retire, decommission, quietSeconds: args.quietSeconds },
      { parent: this, dependsOn: [cluster, declared] },
    )
    this.access = cluster.access
    this.registerOutputs({ access: this.access })
  }
}
