import { z } from 'zod'
import { check, flag, isGiven, judged, text } from './judging/checks.ts'
import { rule } from './judging/rule.ts'

/** What MSK and MSK Connect have to be: each rule names the public controls that ask for the same. */

const cluster = 'aws:msk/cluster:Cluster'

const encryptionChecks = [
  // Left out it is TLS: MSK's default.
  check({
    ...{ type: cluster, path: ['encryptionInfo', 'encryptionInTransit', 'clientBroker'], schema: text, required: 'TLS' },
    isFine: (value) => value === null || value === 'TLS',
  }),
  check({ type: cluster, path: ['encryptionInfo', 'encryptionInTransit', 'inCluster'], schema: flag, required: 'true', isFine: (value) => value !== false }),
  check({ type: cluster, path: ['encryptionInfo', 'encryptionAtRestKmsKeyArn'], schema: text, required: 'a key of this account', isFine: isGiven }),
]

export const awsEncryption = rule({
  name: 'aws-encryption',
  displayName: 'MSK encrypts between brokers, to clients and at rest, under the colour’s own key',
  description: 'TLS in the cluster and to clients, and a customer’s key at rest (Security Hub MSK.1; CKV_AWS_81; AVD-AWS-0073, AVD-AWS-0179).',
  severity: 'critical',
  level: 'mandatory',
  remedy: 'Leave encryptionInfo to the colour’s component.',
  settings: {},
  judge: (resources) => judged(resources, encryptionChecks),
})

const loginChecks = [
  check({ type: cluster, path: ['clientAuthentication', 'unauthenticated'], schema: flag, required: 'false', isFine: (value) => value === false }),
  check({
    ...{ type: cluster, path: ['brokerNodeGroupInfo', 'connectivityInfo', 'publicAccess', 'type'], schema: text, required: 'DISABLED' },
    isFine: (value) => value === null || value === 'DISABLED',
  }),
]

export const awsLogin = rule({
  name: 'aws-login',
  displayName: 'MSK is reached from inside only, and by nobody without a login',
  description: 'No public access (Security Hub MSK.4; CKV_AWS_291) and no unauthenticated access (MSK.6): whom no login names, no fence stops.',
  severity: 'critical',
  level: 'mandatory',
  remedy: 'Leave clientAuthentication and connectivityInfo to the colour’s component.',
  settings: {},
  judge: (resources) => judged(resources, loginChecks),
})

const brokerLogs = z
  .object({
    cloudwatchLogs: z.object({ enabled: z.boolean() }).nullish(),
    firehose: z.object({ enabled: z.boolean() }).nullish(),
    s3: z.object({ enabled: z.boolean() }).nullish(),
  })
  .nullable()

const observationChecks = [
  check({
    ...{ type: cluster, path: ['loggingInfo', 'brokerLogs'], schema: brokerLogs, required: 'one of CloudWatch, Firehose and S3, enabled' },
    isFine: (logs) => logs !== null && [logs.cloudwatchLogs, logs.firehose, logs.s3].some((each) => each?.enabled === true),
  }),
  check({
    ...{ type: cluster, path: ['enhancedMonitoring'], schema: text, required: 'PER_TOPIC_PER_BROKER or finer' },
    isFine: (level) => level === 'PER_TOPIC_PER_BROKER' || level === 'PER_TOPIC_PER_PARTITION',
  }),
]

export const awsObservation = rule({
  name: 'aws-observation',
  displayName: 'MSK’s brokers are logged and measured',
  description: 'Brokers’ logs are kept (CKV_AWS_80; AVD-AWS-0074), and measured for each topic on each broker (Security Hub MSK.2).',
  severity: 'high',
  level: 'mandatory',
  remedy: 'Leave loggingInfo and enhancedMonitoring to the colour’s component.',
  settings: {},
  judge: (resources) => judged(resources, observationChecks),
})

const secret = 'aws:secretsmanager/secret:Secret'
const secretChecks = [
  check({
    ...{ type: secret, path: ['name'], schema: text, required: 'a name that begins with AmazonMSK_' },
    isFine: (name) => name?.startsWith('AmazonMSK_') === true,
  }),
  check({ type: secret, path: ['kmsKeyId'], schema: text, required: 'a key of this account: MSK takes no secret under AWS’s own', isFine: isGiven }),
]

export const awsUsers = rule({
  name: 'aws-users',
  displayName: 'Logins for MSK are secrets that it takes',
  description: 'In a stack with SCRAM users of MSK, secrets are named as MSK wants it and encrypted with a customer’s key (CKV_AWS_149).',
  severity: 'high',
  level: 'mandatory',
  remedy: 'Leave users to the colour’s component.',
  settings: {},
  judge: (resources) =>
    resources.some(({ type }) => type === 'aws:msk/singleScramSecretAssociation:SingleScramSecretAssociation')
      ? judged(resources, secretChecks)
      : { findings: [], unknown: [] },
})

const connector = 'aws:mskconnect/connector:Connector'
const connectorLogs = z
  .object({
    cloudwatchLogs: z.object({ enabled: z.boolean() }).nullish(),
    s3: z.object({ enabled: z.boolean() }).nullish(),
    firehose: z.object({ enabled: z.boolean() }).nullish(),
  })
  .nullable()
const connectorChecks = [
  check({ type: connector, path: ['kafkaClusterEncryptionInTransit', 'encryptionType'], schema: text, required: 'TLS', isFine: (value) => value === 'TLS' }),
  check({
    ...{ type: connector, path: ['kafkaClusterClientAuthentication', 'authenticationType'], schema: text, required: 'IAM' },
    isFine: (value) => value === 'IAM',
  }),
  check({
    ...{ type: connector, path: ['logDelivery', 'workerLogDelivery'], schema: connectorLogs, required: 'one of CloudWatch, S3 and Firehose, enabled' },
    isFine: (logs) => logs !== null && [logs.cloudwatchLogs, logs.s3, logs.firehose].some((each) => each?.enabled === true),
  }),
]

export const awsConnectors = rule({
  name: 'aws-connectors',
  displayName: 'Connectors on MSK Connect encrypt, log in and log',
  description:
    'A connector beside the mirror (which is none: `safety-mirror`) speaks TLS (Security Hub MSK.3), logs in, and its workers’ logs are kept (MSK.5).',
  severity: 'high',
  level: 'mandatory',
  remedy: 'Give the connector TLS, IAM and a log, as `engine/model/msk-connect.ts` does for the mirror’s.',
  settings: {},
  judge: (resources) => judged(resources, connectorChecks),
})
