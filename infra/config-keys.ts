import { z } from 'zod'
import { AwsSettings } from '../engine/model/aws-colour.ts'
import { Colour } from '../engine/model/colour.ts'
import { ExternalAccess, leastBrokers } from '../engine/model/external-cluster.ts'
import { FleetName, StackRole } from '../engine/model/fleet.ts'
import { GivenRouteStore } from '../engine/model/given-route-store.ts'
import { Hooks } from '../engine/model/hook.ts'
import { KubernetesAudit } from '../engine/model/kubernetes-audit.ts'
import { ImageName } from '../engine/model/kubernetes-birth.ts'
import { KubernetesSettings } from '../engine/model/kubernetes-colour.ts'
import { KubernetesRouteStore } from '../engine/model/kubernetes-route-store.ts'
import { Limits } from '../engine/model/limits.ts'
import { FailoverWord } from '../engine/model/loss.ts'
import { MskSpec } from '../engine/model/msk-brokers.ts'
import { MirrorPlugin } from '../engine/model/msk-connect.ts'
import { RouteNamesSpec } from '../engine/model/route-names.ts'
import { RouteParameterSpec } from '../engine/model/route-publication.ts'
import { StrimziSpec, strimziVersion } from '../engine/model/strimzi-brokers.ts'
import { Intent, RouteStoreAccess, UnprovenGroups } from '../engine/model/wiring.ts'
import { kafkaVersions } from '../tools/paths.ts'

/**
 * The configuration keys of each kind of stack. Pulumi hands every value over as text, so each schema reads text first.
 * A key's description is what an error message names as allowed.
 */

/** `true` or `false`, nothing else: a retirement must not depend on how somebody writes yes. */
const flag = z.enum(['true', 'false']).transform((text) => text === 'true')

const wholeNumber = z
  .string()
  .regex(/^-?\d{1,9}$/, 'not a whole number')
  .transform(Number)

/** A value set with `pulumi config set --path key.name` or as a mapping in the stack file; Pulumi hands it over as JSON. */
const json = z.string().transform((text, context): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    context.issues.push({ code: 'custom', message: 'not an object', input: text })
    return z.NEVER
  }
})

/** `pulumi config set --path` may store a number as text. */
const numbersFromText = z.unknown().transform((value) => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, typeof each === 'string' && /^\d{1,9}$/.test(each) ? Number(each) : each]))
})

/** Kafka reads every server property as text; a stack file may hold numbers and booleans. */
const serverProperties = z.record(
  z.string().regex(/^[a-z][a-z0-9._-]*$/, 'not the name of a server property'),
  z.union([z.string(), z.number(), z.boolean()]).transform(String),
)

/** Keys that every stack may have. */
export const sharedKeys = z.object({
  fleet: FleetName.optional().describe('1 to 31 lower-case letters, digits and dashes, starting with a letter'),
  role: StackRole.optional().describe('blue, green or traffic'),
  tls: flag.default(false).describe('true or false, the same in all three stacks of a fleet'),
  decommission: FleetName.optional().describe("the fleet's own name, to end its last live colour"),
})

/** Keys of a colour's stack. */
export const colourKeys = z.object({
  platform: z.literal('local').default('local').describe('local, external, aws or kubernetes'),
  kafkaVersion: z.enum(kafkaVersions).describe(kafkaVersions.join(' or ')),
  nodes: wholeNumber.pipe(z.literal(3)).default(3).describe('3 (replication factor 3, two in-sync replicas; other sizes: not yet)'),
  brokerConfig: json.pipe(serverProperties).default({}).describe('an object of server properties, for example {"log.retention.hours": "48"}'),
  routeStore: json.pipe(RouteStoreAccess).optional().describe('an object {endpoints, username, credentialsFile}; left out, the address follows from the fleet'),
  retire: flag.default(false).describe('true or false'),
})

/** Keys of a colour that was there before: `platform: external`. */
export const externalKeys = z.object({
  platform: z.literal('external'),
  kafkaVersion: z
    .string()
    .regex(/^\d+\.\d+(\.\d+)?$/, 'a version')
    .describe('the version that its brokers run, for example 3.9.2'),
  nodes: wholeNumber.pipe(z.int().min(leastBrokers)).default(leastBrokers).describe(`how many brokers it has, ${leastBrokers} at least`),
  brokerConfig: colourKeys.shape.brokerConfig.describe('an object of the server properties that its topics inherit, as kbg adopt names them'),
  external: json
    .pipe(ExternalAccess)
    .describe('an object {bootstrapServers, produceBootstrapServers, consumeBootstrapServers, credentialsFile, caFile, users}, see docs/runbook.md'),
  routeStore: colourKeys.shape.routeStore,
  retire: colourKeys.shape.retire,
})

/** Keys of a colour on Amazon MSK: `platform: aws`. */
export const awsKeys = z.object({
  platform: z.literal('aws'),
  kafkaVersion: MskSpec.shape.kafkaVersion.describe('a version without ZooKeeper as MSK names it, for example 3.9.x.kraft'),
  brokerConfig: json.pipe(serverProperties).pipe(MskSpec.shape.brokerConfig).default({}).describe('an object of server properties that MSK takes'),
  aws: json.pipe(AwsSettings).describe(`an object {${Object.keys(AwsSettings.shape).join(', ')}}, see examples/msk`),
  routeStore: colourKeys.shape.routeStore,
  retire: flag.default(false).describe('true or false'),
})

/** Keys of a colour on Kubernetes: `platform: kubernetes`. */
export const kubernetesKeys = z.object({
  platform: z.literal('kubernetes'),
  kafkaVersion: StrimziSpec.shape.kafkaVersion.describe(`a version that Strimzi ${strimziVersion} runs: ${StrimziSpec.shape.kafkaVersion.options.join(', ')}`),
  brokerConfig: json.pipe(serverProperties).pipe(StrimziSpec.shape.brokerConfig).default({}).describe('an object of server properties that Strimzi takes'),
  kubernetes: json.pipe(KubernetesSettings).describe(`an object {${Object.keys(KubernetesSettings.shape).join(', ')}}, see examples/kubernetes`),
  retire: flag.default(false).describe('true or false'),
})

/** Keys of the traffic stack. */
export const trafficKeys = z.object({
  live: Colour.describe('blue or green'),
  consumers: json
    .pipe(Intent.shape.consumers)
    .default({})
    .describe('an object of waves that read elsewhere than on the live colour, for example {"wave-1": "green"}'),
  attempt: wholeNumber.pipe(z.int().min(0)).default(0).describe('a whole number from 0; count it up to move again after a refused or undone move'),
  acceptLoss: wholeNumber
    .pipe(z.int().min(0))
    .optional()
    .describe('a whole number: so many records of the live colour may stay behind when live is changed; that colour then needs a fresh cluster'),
  failover: FailoverWord.optional().describe(
    'the word that preview shows, such as 12@57.48211 (12 records are known to be lost) or unknown@57: live is changed without the colour that is gone',
  ),
  limits: json.pipe(numbersFromText).pipe(Limits).default(Limits.parse({})).describe('an object of limits'),
  unprovenGroups: json.pipe(UnprovenGroups).default({}).describe('an object of group names, each with "stay" or "redeliver"'),
  dns: json.pipe(RouteNamesSpec).optional().describe('an object {account, region, zone, vpcIds}: the route as names in a private zone of Route 53'),
  routeParameter: json
    .pipe(RouteParameterSpec)
    .optional()
    .describe('an object {account, region, pollIntervalMs}: the route in an SSM parameter, for clients that can’t reach the route store'),
  hooks: json.pipe(Hooks).default([]).describe('a list of hooks {name, events, command or url, timeoutMs, auth}, see docs/runbook.md'),
})

/** Keys of a traffic stack between two colours on Amazon MSK: what lies between them, and what moves traffic there, which goes with `live`. */
export const betweenKeys = z.object({
  platform: z.literal('aws'),
  mirror: json.pipe(MirrorPlugin).describe('an object {version, jars}: MirrorMaker of the line 3.7, see examples/msk'),
  ...trafficKeys.shape,
  live: trafficKeys.shape.live.optional().describe('blue or green; left out, nothing moves traffic'),
  routeStore: json
    .pipe(GivenRouteStore)
    .optional()
    .describe('an object {endpoints, username, clientUsername, credentialsFile, caFile}: an etcd that somebody runs; left out, one of this machine'),
})

/** Keys of a traffic stack between two colours on Kubernetes: what its pods need, and what it wants of them. */
export const kubernetesBetweenKeys = z.object({
  platform: z.literal('kubernetes'),
  image: ImageName.describe('this project’s image with a tag other than latest, or with a digest'),
  routeStore: json
    .pipe(KubernetesRouteStore)
    .describe('an object {endpoints, username, caFile}: an etcd that pods reach at https://<service>.<namespace>.svc:<port> or https://<IPv4 address>:<port>'),
  caFile: z
    .string()
    .min(1)
    .describe('a file with the certificate (PEM) of the authority behind kbg-connect-rest and the audit’s certificate, see examples/kubernetes'),
  audit: json.pipe(KubernetesAudit).describe(`an object {${Object.keys(KubernetesAudit.shape).join(', ')}}, see examples/kubernetes`),
  ...trafficKeys.pick({ attempt: true, consumers: true, acceptLoss: true, failover: true, limits: true, unprovenGroups: true }).shape,
  live: trafficKeys.shape.live.optional().describe('blue or green; left out, nothing moves traffic'),
})
