import * as pulumi from '@pulumi/pulumi'
import type { MskColour } from '../../engine/model/aws-colour.ts'
import type { NetworkSpec } from '../../engine/model/aws-network.ts'
import type { Catalog as CatalogSpec } from '../../engine/model/catalog.ts'
import type { ClusterAccess } from '../../engine/model/cluster-access.ts'
import { Limits } from '../../engine/model/limits.ts'
import { type MskSpec, mskBrokerIds } from '../../engine/model/msk-brokers.ts'
import type { ClientNetworks } from '../../engine/model/network-access.ts'
import type { RouteStoreAccess } from '../../engine/model/wiring.ts'
import { Catalog } from '../catalog/catalog.ts'
import { AwsNetwork } from '../network/aws.ts'
import { awsProvider } from '../network/aws-provider.ts'
import { RetirementGuard } from '../retirement/retirement-guard.ts'
import { MskCluster } from './msk.ts'
import { MskBirth } from './msk-birth.ts'

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
  /** Set where this stack is run from an operators' network, as the operator's role; left out, nothing asks the brokers. */
  readonly reached?: ReachedArgs | undefined
}

/** What a colour takes whose brokers are reached from where its stack is run. */
export interface ReachedArgs {
  /** Whom to trust behind MSK's certificates; an absolute path, as `credentialsFile` has to be then. */
  readonly caFile: string
  readonly catalog: CatalogSpec
  /** null: where the local platform puts the fleet's store. */
  readonly routeStore: RouteStoreAccess | null
  readonly retire: boolean
  /** The fleet's name when its last live colour may go; null otherwise. */
  readonly decommission: string | null
}

/** A whole colour on AWS: a network of its own and an MSK cluster in it; where it is reached, born fenced, with what the catalog declares, and the guard before its end. */
export class AwsColour extends pulumi.ComponentResource {
  readonly msk: pulumi.Output<MskColour>
  /** How this project's own processes reach it; undefined: they don't. */
  readonly access: pulumi.Output<ClusterAccess> | undefined

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
    this.access = args.reached === undefined ? undefined : this.#reached(name, args, args.reached, network, cluster)
    this.registerOutputs({ msk: this.msk, ...(this.access === undefined ? {} : { access: this.access }) })
  }

  /** The fence first: nobody has rights before it. The guard last: it waits for all of the colour, so it is asked before any of it is deleted; behind its yes the birth ends the mirror into it. */
  #reached(name: string, args: AwsColourArgs, reached: ReachedArgs, network: AwsNetwork, brokers: MskCluster): pulumi.Output<ClusterAccess> {
    const { network: spec, brokers: brokersSpec, region, credentialsFile, protect } = args
    const { environment, fleet, colour } = spec
    const { catalog, caFile, routeStore, retire, decommission } = reached
    const birth = new MskBirth(
      `${name}-birth`,
      {
        ...{ environment, fleet, colour, kafkaVersion: brokersSpec.kafkaVersion, region, brokers: mskBrokerIds(brokersSpec, spec).length },
        ...{ addresses: brokers.addresses, credentialsFile, caFile, routeStore },
      },
      { parent: this, dependsOn: [network, brokers.users] },
    )
    const declared = new Catalog(
      `${name}-catalog`,
      { catalog, access: birth.access, protectTopics: protect, role: { region }, cluster: brokers.cluster },
      { parent: this },
    )
    new RetirementGuard(
      `${name}-guard`,
      { fleet, cluster: birth.access, routeStore, retire, decommission, quietSeconds: Limits.parse({}).quietSeconds },
      { parent: this, dependsOn: [network, brokers, birth, declared] },
    )
    return pulumi.all([birth.access, declared.made]).apply(([access]) => access)
  }
}
