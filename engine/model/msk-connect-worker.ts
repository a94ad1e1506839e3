import { z } from 'zod'
import { Colour } from './colour.ts'
import { KbgError } from './error.ts'
import { type KafkaProperties, mirroredTopics } from './mirror-template.ts'

const Name = z.string().min(1)
const Revision = z.int().positive()

/** What MSK Connect is asked for (`CreateConnector`), without a name. */
export const MskConnectorRequest = z.strictObject({
  kafkaConnectVersion: Name,
  connectorConfiguration: z.record(z.string(), z.string()),
  capacity: z.strictObject({ provisionedCapacity: z.strictObject({ mcuCount: Revision, workerCount: Revision }) }),
  kafkaCluster: z.strictObject({
    apacheKafkaCluster: z.strictObject({
      bootstrapServers: Name,
      vpc: z.strictObject({ subnets: z.array(Name).min(1), securityGroups: z.array(Name).min(1) }),
    }),
  }),
  kafkaClusterClientAuthentication: z.strictObject({ authenticationType: z.enum(['IAM', 'NONE']) }),
  kafkaClusterEncryptionInTransit: z.strictObject({ encryptionType: z.enum(['TLS', 'PLAINTEXT']) }),
  plugins: z.tuple([z.strictObject({ customPlugin: z.strictObject({ customPluginArn: Name, revision: Revision }) })]),
  workerConfiguration: z.strictObject({ workerConfigurationArn: Name, revision: Revision }),
  serviceExecutionRoleArn: Name,
  logDelivery: z.strictObject({
    workerLogDelivery: z.strictObject({ cloudWatchLogs: z.strictObject({ enabled: z.boolean(), logGroup: Name }) }),
  }),
})
export type MskConnectorRequest = z.infer<typeof MskConnectorRequest>

/** Assumed, because AWS promises nothing: Terraform's provider waits this long where it knows AWS to be slow (IAM, `propagationTimeout`). */
export const assumedListLagMs = 120_000

/** How to have connectors into a colour made by MSK Connect. Credentials and endpoint are found as every AWS client finds them; none stands here. */
export const MskConnectWorker = z.strictObject({
  kind: z.literal('msk-connect'),
  /** The colour that connectors copy into. */
  colour: Colour,
  region: Name,
  /** Begins the name of every connector into this colour, and of no other: names are unique in an account and region. It stays, because Connect keeps offsets by that name. */
  namePrefix: z.string().regex(/^[a-zA-Z0-9-]{1,80}-$/, 'letters, digits and dashes, the last one a dash'),
  request: MskConnectorRequest,
  /** How long a change of connectors may take until every list of AWS's tells it. */
  listLagMs: z.int().positive().default(assumedListLagMs),
})
export type MskConnectWorker = z.infer<typeof MskConnectWorker>

/** The configuration of a connector that copies these topics, everything else as planned. @throws KbgError `not-mirrorable` */
export function configurationFor(request: MskConnectorRequest, topics: readonly string[]): KafkaProperties {
  return { ...request.connectorConfiguration, topics: mirroredTopics(topics) }
}

/**
 * Where a connector differs from what was asked for, one line each: empty when it was applied. What nobody asked for may be there beside it, except in the connector's own configuration.
 */
export function unapplied(asked: MskConnectorRequest, described: Readonly<Record<string, unknown>>): readonly string[] {
  const configuration = described.connectorConfiguration
  const extra = isObject(configuration) ? Object.keys(configuration).filter((key) => !Object.hasOwn(asked.connectorConfiguration, key)) : []
  return [...differences(asked, described, ''), ...extra.map((key) => `connectorConfiguration.${key}: not asked for`)]
}

function differences(asked: unknown, observed: unknown, path: string): readonly string[] {
  if (Array.isArray(asked)) {
    if (Array.isArray(observed) && observed.length === asked.length)
      return asked.flatMap((each, index) => differences(each, observed[index], `${path}[${index}]`))
    return [`${path}: observed ${JSON.stringify(observed) ?? 'none'}, required ${JSON.stringify(asked)}`]
  }
  if (isObject(asked)) {
    const own = isObject(observed) ? observed : {}
    return Object.entries(asked).flatMap(([key, value]) => differences(value, own[key], path === '' ? key : `${path}.${key}`))
  }
  return asked === observed ? [] : [`${path}: observed ${JSON.stringify(observed) ?? 'none'}, required ${JSON.stringify(asked)}`]
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** @throws KbgError `connector-config` */
export function requireApplied(name: string, asked: MskConnectorRequest, described: Readonly<Record<string, unknown>>): void {
  const found = unapplied(asked, described)
  if (found.length === 0) return
  throw new KbgError('connector-config', `Connector ${name} is not as it was asked for.`, {
    facts: { differences: found },
    remedy: 'Delete it on MSK Connect: the next attempt makes it anew, and begins where its offsets end.',
  })
}
