import * as pulumi from '@pulumi/pulumi'
import type { Limits } from '../../engine/model/limits.ts'
import type { Intent, Wiring } from '../../engine/model/wiring.ts'
import { gateProvider } from './gate-provider.ts'

export interface GateArgs {
  readonly wiring: pulumi.Input<Wiring>
  readonly intent: Intent
  readonly limits: Limits
}

/**
 * The gate before a switchover (a dynamic resource: it only observes). Whenever the route isn't as wanted it observes both colours
 * and fails the update unless every check passes; the switchover takes its verdict, and so can't run without it.
 */
export class Gate extends pulumi.dynamic.Resource {
  /** `pass`, or `not needed` when there was nothing to move. */
  declare readonly verdict: pulumi.Output<string>
  /** The epoch of the route that was judged. */
  declare readonly epoch: pulumi.Output<number>
  /** Every check with what was observed and what is required. */
  declare readonly checks: pulumi.Output<readonly unknown[]>

  constructor(name: string, args: GateArgs, opts?: pulumi.CustomResourceOptions) {
    super(gateProvider, name, { ...args, verdict: undefined, epoch: undefined, checks: undefined }, opts)
  }
}
