/** What somebody might do to the components for AWS, one for each of their policies at least, and what the policy has to say of it in a preview of `examples/msk`. */
import type { Plant } from './plants.ts'

const says = (resource: string, property: string, observed: string, required: string): Plant['says'] => ({ resource, property, observed, required })
const cluster = (from: string, to: string) => [{ file: 'components/cluster/msk.ts', from, to }]

/** Beside the mirror into each colour: a connector of somebody's own, and an alias. */
const beside = `    const role = this.#role(name, from, to)
    new mskconnect.Connector(name, {
      capacity: { provisionedCapacity: { workerCount: 1 } },
      connectorConfiguration: {},
      kafkaCluster: { apacheKafkaCluster: { bootstrapServers: 'b', vpc: { subnets: [], securityGroups: [] } } },
      kafkaClusterClientAuthentication: { authenticationType: 'IAM' },
      kafkaClusterEncryptionInTransit: { encryptionType: 'PLAINTEXT' },
      kafkaconnectVersion: '3.7.x',
      plugins: [],
      serviceExecutionRoleArn: role.arn,
      logDelivery: { workerLogDelivery: { s3: { enabled: true, bucket: 'logs' } } },
    }, { parent: this })
    new route53.Record(name, { zoneId: 'Z1', name: 'kafka.internal', type: 'TXT', ttl: 300, records: ['at=blue'] }, { parent: this })
`

export const awsPlants: readonly Plant[] = [
  {
    policy: 'capacity-storage',
    shownBy: 'blue',
    // A hundred GiB and a segment of each partition, on three replicas.
    edits: [
      {
        file: 'Pulumi.msk-blue.yaml',
        from: '  kafka-blue-green:aws:\n',
        to: '  kafka-blue-green:brokerConfig: { log.retention.bytes: 107374182400 }\n  kafka-blue-green:aws:\n',
      },
    ],
    says: says('storage of blue', 'retainedBytes', '3636 GiB', "at most 1200 GiB, 80 % of 3 brokers' storage"),
  },
  {
    policy: 'aws-encryption',
    shownBy: 'blue',
    edits: cluster("clientBroker: 'TLS'", "clientBroker: 'TLS_PLAINTEXT'"),
    says: says('blue-brokers-cluster', 'encryptionInfo.encryptionInTransit.clientBroker', 'TLS_PLAINTEXT', 'TLS'),
  },
  {
    policy: 'aws-login',
    shownBy: 'blue',
    edits: cluster('unauthenticated: false', 'unauthenticated: true'),
    says: says('blue-brokers-cluster', 'clientAuthentication.unauthenticated', 'true', 'false'),
  },
  {
    policy: 'aws-observation',
    shownBy: 'blue',
    edits: cluster("enhancedMonitoring: 'PER_TOPIC_PER_BROKER'", "enhancedMonitoring: 'DEFAULT'"),
    says: says('blue-brokers-cluster', 'enhancedMonitoring', 'DEFAULT', 'PER_TOPIC_PER_BROKER or finer'),
  },
  {
    policy: 'aws-users',
    shownBy: 'blue',
    edits: [{ file: 'components/cluster/msk-users.ts', from: 'name: `AmazonMSK_', to: 'name: `MSK_' }],
    says: says('blue-brokers-users-operator', 'name', 'MSK_kbg-production-msk-blue-operator', 'a name that begins with AmazonMSK_'),
  },
  {
    policy: 'aws-keys',
    shownBy: 'blue',
    edits: cluster('logRetentionDays = 365', 'logRetentionDays = 30'),
    says: says('blue-brokers-logs', 'retentionInDays', '30', 'at least 365, or 0: for ever'),
  },
  {
    policy: 'aws-network',
    shownBy: 'blue',
    edits: [{ file: 'components/network/aws.ts', from: 'mapPublicIpOnLaunch: false', to: "mapPublicIpOnLaunch: kind === 'mirror' && zone.zone === 'a'" }],
    says: says('blue-network-mirror-a', 'mapPublicIpOnLaunch', 'true', 'false'),
  },
  {
    policy: 'aws-roles',
    shownBy: 'traffic',
    edits: [
      { file: 'engine/model/msk-connect.ts', from: "allow('Source', ['Connect', 'DescribeCluster'], [source.arn])", to: "allow('Source', ['Connect'], ['*'])" },
    ],
    says: says('between-mirror-into-blue', 'policy.Resource', '*', 'a name'),
  },
  {
    policy: 'aws-connectors',
    shownBy: 'traffic',
    edits: [{ file: 'components/mirror/msk-connect.ts', from: '    const role = this.#role(name, from, to)\n', to: beside }],
    says: says('between-mirror-into-blue', 'kafkaClusterEncryptionInTransit.encryptionType', 'PLAINTEXT', 'TLS'),
  },
  {
    policy: 'aws-names',
    shownBy: 'traffic',
    edits: [
      {
        file: 'components/mirror/msk-connect.ts',
        from: "import * as s3 from '@pulumi/aws/s3/index.js'\n",
        to: "import * as route53 from '@pulumi/aws/route53/index.js'\nimport * as s3 from '@pulumi/aws/s3/index.js'\n",
      },
    ],
    says: says('between-mirror-into-blue', 'ttl', '300', 'at most 60'),
  },
]
