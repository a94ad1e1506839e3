import * as pulumi from '@pulumi/pulumi'
import type { NetworkSpec } from '../../engine/model/aws-network.ts'
import type { MskSpec } from '../../engine/model/msk-brokers.ts'
import type { ClientNetworks, NetworkAccess } from '../../engine/model/network-access.ts'
import { AwsNetwork } from '../network/aws.ts'
import { type MskAddresses, MskCluster } from './msk.ts'

export interface AwsColourArgs {
  readonly network: NetworkSpec
  readonly brokers: MskSpec
  /** The networks that clients are in; nobody else reaches the brokers. */
  readonly clients: ClientNetworks
  /** For example `eu-central-1`. */
  readonly region: string
  readonly accountId: pulumi.Input<string>
  /** Users that log in with SCRAM: the catalog's, and this project's own. */
  readonly users: readonly string[]
  /** File with their passwords, see CredentialsFile. */
  readonly credentialsFile: string
  /** SNS topics (ARNs) that alarms go to. */
  readonly alarmTopics: readonly string[]
  /** Lifts the protection of what holds records. */
  readonly retire: boolean
}

/** A colour on Amazon MSK, as the other stacks read it. */
export interface MskColour {
  readonly arn: string
  readonly keyArn: string
  readonly addresses: MskAddresses
}

/** A whole colour on AWS: a network of its own and an MSK cluster in it. */
export class AwsColour extends pulumi.ComponentResource {
  readonly network: pulumi.Output<NetworkAccess>
  readonly msk: pulumi.Output<MskColour>

  constructor(name: string, args: AwsColourArgs, opts?: pulumi.ComponentResourceOptions) {
    super('kbg:cluster:AwsColour', name, {}, opts)
    const { network: spec, region, accountId, users, credentialsFile, alarmTopics } = args
    const network = new AwsNetwork(`${name}-network`, { spec, region, clients: args.clients }, { parent: this })
    const cluster = new MskCluster(
      `${name}-brokers`,
      {
        ...{ spec: args.brokers, network: spec, accountId, region, users, credentialsFile, alarmTopics, protect: !args.retire },
        ...{ subnetIds: network.brokerSubnetIds, securityGroupIds: network.brokerSecurityGroupIds },
      },
      { parent: this },
    )
    this.network = network.access
    this.msk = pulumi.output({ arn: cluster.arn, keyArn: cluster.keyArn, addresses: cluster.addresses })
    this.registerOutputs({ network: this.network, msk: this.msk })
  }
}
