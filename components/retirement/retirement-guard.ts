import * as pulumi from '@pulumi/pulumi'
import type { ClusterAccess } from '../../engine/model/cluster-access.ts'
import type { RouteStoreAccess } from '../../engine/model/wiring.ts'

/** What the question "may this colour go?" needs; kept in the guard's own state, because `destroy` doesn't run the program. */
export interface RetirementGuardArgs {
  readonly fleet: string
  readonly cluster: pulumi.Input<ClusterAccess>
  /** null: where the local platform puts the fleet's store. */
  readonly routeStore: RouteStoreAccess | null
  readonly retire: boolean
  /** The fleet's name when its last live colour may go; null otherwise. */
  readonly decommission: string | null
  /** How long nothing may have moved on the brokers, when the route can't be read. */
  readonly quietSeconds: number
}

/**
 * Refuses to be deleted while its colour is needed (provider `kbg`). Give it `dependsOn` everything of the colour: what depends is
 * deleted first, so a refusal leaves the colour whole.
 */
export class RetirementGuard extends pulumi.CustomResource {
  constructor(name: string, args: RetirementGuardArgs, opts: pulumi.CustomResourceOptions) {
    super('kbg:index:RetirementGuard', name, { ...args }, opts)
  }
}
