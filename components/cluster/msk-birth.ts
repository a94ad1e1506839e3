import * as pulumi from '@pulumi/pulumi'
import type { ClusterAccess } from '../../engine/model/cluster-access.ts'
import type { MskBirthSpec } from '../../engine/model/msk-access.ts'

/** What the spec says, as far as it is known before the cluster stands. */
export type MskBirthArgs = { readonly [Name in keyof MskBirthSpec]: pulumi.Input<MskBirthSpec[Name]> }

/** An MSK cluster becomes a colour, born fenced (provider `kbg`). Let it depend on the brokers and their users, and whatever gives an application rights depend on its `access`. */
export class MskBirth extends pulumi.CustomResource {
  /** How this project's own processes reach the colour: addresses, and where the credentials stand. */
  declare readonly access: pulumi.Output<ClusterAccess>

  constructor(name: string, args: MskBirthArgs, opts?: pulumi.CustomResourceOptions) {
    super('kbg:index:MskBirth', name, { ...args, access: undefined }, opts)
  }
}
