import * as appautoscaling from '@pulumi/aws/appautoscaling/index.js'
import * as cloudwatch from '@pulumi/aws/cloudwatch/index.js'
import * as msk from '@pulumi/aws/msk/index.js'
import * as pulumi from '@pulumi/pulumi'
import type { MskColour } from '../../engine/model/aws-colour.ts'
import type { NetworkSpec } from '../../engine/model/aws-network.ts'
import {
  growAtPercent,
  type MskSpec,
  mskAlarms,
  mskBrokerIds,
  mskClusterName,
  mskConfiguration,
  mskMake,
  mskSetProperties,
} from '../../engine/model/msk-brokers.ts'
import { CustomerKey } from './customer-key.ts'
import { ManagedCluster } from './managed-cluster.ts'
import { MskUsers } from './msk-users.ts'

export interface MskClusterArgs {
  readonly spec: MskSpec
  readonly network: NetworkSpec
  readonly account: string
  readonly region: string
  readonly subnetIds: readonly pulumi.Input<string>[]
  readonly securityGroupIds: readonly pulumi.Input<string>[]
  /** Users that log in with SCRAM. */
  readonly users: readonly string[]
  /** File with their passwords, see CredentialsFile. */
  readonly credentialsFile: string
  /** SNS topics (ARNs) that alarms go to. */
  readonly alarmTopics: readonly string[]
  /** Whether what holds data refuses to be deleted. */
  readonly protect: boolean
}

/** Days that brokers' logs are kept (CKV_AWS_338: a year at least). */
const logRetentionDays = 365

/**
 * One colour's brokers on Amazon MSK (KRaft): TLS only, no unauthenticated access, everything at rest under the colour's own key.
 *
 * Applications log in with SCRAM and are what a fence stops. IAM is for the platform's own roles alone: Kafka's ACLs don't apply to it (docs/platforms.md).
 */
export class MskCluster extends pulumi.ComponentResource {
  readonly addresses: pulumi.Output<MskColour['addresses']>
  /** The brokers themselves: what stands on them goes with them. */
  readonly cluster: msk.Cluster
  /** Who may log in by password; each broker learns of them some time later. */
  readonly users: MskUsers
  readonly arn: pulumi.Output<string>
  readonly keyArn: pulumi.Output<string>

  constructor(name: string, args: MskClusterArgs, opts?: pulumi.ComponentResourceOptions) {
    super('kbg:cluster:MskCluster', name, {}, opts)
    const { spec, network, account, region, protect, credentialsFile } = args
    const clusterName = mskClusterName(network)
    const logGroupName = `/kbg/${network.environment}/${network.fleet}/${network.colour}/brokers`
    const key = new CustomerKey(
      `${clusterName}`,
      { account, region, logGroups: `/kbg/${network.environment}/${network.fleet}/${network.colour}/*`, protect },
      { parent: this },
    )
    const logGroup = new cloudwatch.LogGroup(`${name}-logs`, { name: logGroupName, retentionInDays: logRetentionDays, kmsKeyId: key.arn }, { parent: this })
    const { fleet, colour } = network
    const made = new ManagedCluster(`${name}-make`, { fleet, colour, make: mskMake(spec, network), platformConfig: mskSetProperties }, { parent: this })
    const cluster = this.#cluster(name, args, clusterName, key.arn, logGroup.name, made)
    this.users = new MskUsers(`${name}-users`, { clusterArn: cluster.arn, clusterName, keyArn: key.arn, users: args.users, credentialsFile }, { parent: this })
    this.#storage(name, spec, cluster.arn)
    this.#alarms(name, clusterName, mskBrokerIds(spec, network), args.alarmTopics)

    this.addresses = pulumi
      .all([cluster.bootstrapBrokersSaslScram, cluster.bootstrapBrokersSaslIam])
      .apply(([scram, iam]) => ({ scram: sorted(scram), iam: sorted(iam) }))
    this.cluster = cluster
    this.arn = cluster.arn
    this.keyArn = key.arn
    this.registerOutputs({ addresses: this.addresses, arn: this.arn })
  }

  #cluster(
    name: string,
    { spec, network, subnetIds, securityGroupIds, protect }: MskClusterArgs,
    clusterName: string,
    keyArn: pulumi.Output<string>,
    logGroup: pulumi.Output<string>,
    made: ManagedCluster,
  ): msk.Cluster {
    const wanted = mskConfiguration(clusterName, spec)
    const configuration = new msk.Configuration(
      `${name}-configuration`,
      { ...wanted, kafkaVersions: [spec.kafkaVersion], description: `Server properties of ${clusterName}; never changed` },
      { parent: this },
    )
    return new msk.Cluster(
      `${name}-cluster`,
      {
        clusterName,
        kafkaVersion: spec.kafkaVersion,
        numberOfBrokerNodes: mskBrokerIds(spec, network).length,
        brokerNodeGroupInfo: {
          instanceType: spec.instanceType,
          clientSubnets: [...subnetIds],
          securityGroups: [...securityGroupIds],
          storageInfo: { ebsStorageInfo: { volumeSize: spec.storageGib } },
          connectivityInfo: { publicAccess: { type: 'DISABLED' } },
        },
        configurationInfo: { arn: configuration.arn, revision: configuration.latestRevision },
        clientAuthentication: { sasl: { scram: true, iam: true }, unauthenticated: false },
        encryptionInfo: { encryptionAtRestKmsKeyArn: keyArn, encryptionInTransit: { clientBroker: 'TLS', inCluster: true } },
        enhancedMonitoring: 'PER_TOPIC_PER_BROKER',
        openMonitoring: { prometheus: { jmxExporter: { enabledInBroker: true }, nodeExporter: { enabledInBroker: true } } },
        loggingInfo: { brokerLogs: { cloudwatchLogs: { enabled: true, logGroup } } },
      },
      {
        ...{ parent: this, protect, dependsOn: [made] },
        // Volumes grow by themselves and can't shrink: an update that asked for the first size again would be refused.
        ignoreChanges: ['brokerNodeGroupInfo.storageInfo.ebsStorageInfo.volumeSize'],
      },
    )
  }

  #storage(name: string, { maxStorageGib }: MskSpec, clusterArn: pulumi.Output<string>): void {
    const of = { serviceNamespace: 'kafka', scalableDimension: 'kafka:broker-storage:VolumeSize', resourceId: clusterArn }
    const target = new appautoscaling.Target(`${name}-storage`, { ...of, minCapacity: 1, maxCapacity: maxStorageGib }, { parent: this })
    new appautoscaling.Policy(
      `${name}-storage`,
      {
        ...of,
        policyType: 'TargetTrackingScaling',
        targetTrackingScalingPolicyConfiguration: {
          ...{ targetValue: growAtPercent, disableScaleIn: true },
          predefinedMetricSpecification: { predefinedMetricType: 'KafkaBrokerStorageUtilization' },
        },
      },
      { parent: this, dependsOn: [target] },
    )
  }

  #alarms(name: string, clusterName: string, brokerIds: readonly number[], topics: readonly string[]): void {
    for (const alarm of mskAlarms(brokerIds)) {
      new cloudwatch.MetricAlarm(
        `${name}-${alarm.name}`,
        {
          ...{ name: `${clusterName}-${alarm.name}`, alarmDescription: alarm.why, namespace: 'AWS/Kafka', metricName: alarm.metric },
          dimensions: { 'Cluster Name': clusterName, ...(alarm.brokerId === null ? {} : { 'Broker ID': String(alarm.brokerId) }) },
          ...{ statistic: alarm.statistic, comparisonOperator: alarm.comparison, threshold: alarm.threshold },
          ...{ period: 60, evaluationPeriods: alarm.periods, treatMissingData: alarm.missing, alarmActions: [...topics] },
        },
        { parent: this },
      )
    }
  }
}

/** MSK names its brokers in another order each time it is asked; an output that differs only in that would look like a change. */
function sorted(addresses: string): string {
  return addresses.split(',').sort().join(',')
}
