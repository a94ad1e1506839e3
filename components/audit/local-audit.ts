import * as pulumi from '@pulumi/pulumi'
import type { AuditWorkerAccess } from '../../engine/model/audit-worker.ts'
import type { ClusterAccess } from '../../engine/model/cluster-access.ts'
import type { Colour } from '../../engine/model/colour.ts'

export interface LocalAuditArgs {
  readonly fleet: string
  readonly clusters: Readonly<Record<Colour, pulumi.Input<ClusterAccess>>>
  /** The catalog's topics: what is compared. */
  readonly topics: readonly string[]
  /** The fleet's name when it ends for good: then what the audit has come to goes with its processes; null: new ones go on there. */
  readonly decommission: string | null
}

/** The audit that compares both colours record by record, as a process of this machine (provider `kbg`). */
export class LocalAudit extends pulumi.CustomResource {
  /** How to reach each worker. */
  declare readonly access: pulumi.Output<AuditWorkerAccess[]>
  declare readonly alive: pulumi.Output<boolean>

  constructor(name: string, args: LocalAuditArgs, opts?: pulumi.CustomResourceOptions) {
    super('kbg:index:LocalAudit', name, { ...args, access: undefined, alive: undefined }, opts)
  }
}
