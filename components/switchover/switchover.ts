import * as pulumi from '@pulumi/pulumi'
import type { Colour } from '../../engine/model/colour.ts'
import type { Limits } from '../../engine/model/limits.ts'
import type { FailoverWord } from '../../engine/model/loss.ts'
import type { Wiring } from '../../engine/model/wiring.ts'

export interface SwitchoverArgs {
  readonly wiring: pulumi.Input<Wiring>
  /** The colour that is wanted live. Changing it moves all traffic. */
  readonly live: Colour
  /** Counted up to move again after a refused or undone move. */
  readonly attempt: number
  /** Waves that are wanted elsewhere than on the live colour: they read there while the producers stay. */
  readonly consumers: Readonly<Record<string, Colour>>
  /** Records of the live colour that may stay behind at most when it is left. */
  readonly acceptLoss?: number
  /** The live colour is gone: what is known to be lost, repeated. */
  readonly failover?: FailoverWord
  readonly limits: Limits
  /** The gate's answer; only a `pass` of the route's present epoch lets traffic move. */
  readonly gate: { readonly verdict: pulumi.Input<string>; readonly epoch: pulumi.Input<number> }
  /** The fleet's name when its last live colour may end; null otherwise. */
  readonly decommission: string | null
}

/** Who is live (provider `kbg`). Its outputs are what *is*, read from the route before every update. */
export class Switchover extends pulumi.CustomResource {
  /** The colour that is live. */
  declare readonly live: pulumi.Output<Colour>
  declare readonly epoch: pulumi.Output<number>
  /** `open`, or what is being decided. */
  declare readonly state: pulumi.Output<string>
  /** Where each wave reads: a colour, or `held` or `mixed`. */
  declare readonly consumers: pulumi.Output<Readonly<Record<string, string>>>
  /** Why nothing moves before a new attempt; null: no latch. */
  declare readonly latch: pulumi.Output<string | null>
  /** A switch was opened and not closed: the next update finishes it or takes it back. */
  declare readonly unfinished: pulumi.Output<boolean>
  /** A broker answers otherwise than the route says (a fence request that landed late): the next update puts that right. */
  declare readonly fencesDiffer: pulumi.Output<boolean>

  constructor(name: string, args: SwitchoverArgs, opts?: pulumi.CustomResourceOptions) {
    super('kbg:index:Switchover', name, { ...args, epoch: undefined, state: undefined, latch: undefined, unfinished: undefined, fencesDiffer: undefined }, opts)
  }
}
