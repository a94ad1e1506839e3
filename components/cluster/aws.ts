import * as pulumi from '@pulumi/pulumi'
import type { MskColour } from '../../engine/model/aws-colour.ts'
import type { NetworkSpec } from '../../engine/model/aws-network.ts'
import type { MskSpec } from '../../engine/model/msk-brokers.ts'
import type { ClientNetworks } from '../../engine/model/network-access.ts'
import { AwsNetwork } from '../network/aws.ts'
import { awsProvider } from '../network/aws-provider.ts'
import { MskCluster } from './msk.ts'

export interface AwsColourArgs {
  readonly network: NetworkSpec
  readonly brokers: MskSpec
  /** The networks that clients are in; nobody else reaches the brokers. */
  readonly clients: ClientNetworks
  /** For example `eu-central-1`. */
  readonly region: string
  /** The account's 12 digits: nothing is made in another one. */
  readonly account: string
  /** Users that log in with SCRAM: the catalog's, and this project's own. */
  readonly users: readonly string[]
  /** File with their passwords, see CredentialsFile. */
  readonly credentialsFile: string
  /** SNS topics (ARNs) that alarms go to. */
  readonly alarmTopics: readonly string[]
  /** Whether what holds records refuses to be deleted. */
  readonly protect: boolean
}

/** A whole colour on AWS: a network of its own and an MSK cluster in it. */
export class AwsColour extends pulumi.ComponentResource {
  readonly msk: pulumi.Output<MskColour>

  constructor(name: string, args: AwsColourArgs, opts?: pulumi.ComponentResourceOptions) {
    super('kbg:cluster:AwsColour', name, {}, opts)
    const { network: spec, brokers, clients, account, region, users, credentialsFile, alarmTopics, protect } = args
    const { environment, fleet, colour } = spec
    const child = { parent: this, providers: { aws: awsProvider(name, { account, region, tags: { environment, fleet, colour } }, this) } }
    const network = new AwsNetwork(`${name}-network`, { spec, region, clients }, child)
    const cluster = new MskCluster(
      `${name}-brokers`,
      {
        ...{ spec: brokers, network: spec, account, region, users, credentialsFile, alarmTopics, protect },
        ...{ subnetIds: network.brokerSubnetIds, securityGroupIds: network.brokerSecurityGroupIds },
      },
      child,
    )
    const { arn, keyArn, addresses } = cluster
    this.msk = pulumi.output({ colour, account, region, environment, arn, keyArn, addresses, network: network.access })
    this.registerOutputs({ msk: this.msk })
  }
}
