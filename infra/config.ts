import type { z } from 'zod'
import { AwsSettings, awsSpecs } from '../engine/model/aws-colour.ts'
import { NetworkSpec } from '../engine/model/aws-network.ts'
import type { Colour } from '../engine/model/colour.ts'
import { KbgError } from '../engine/model/error.ts'
import { ExternalAccess } from '../engine/model/external-cluster.ts'
import { isColour, parseStackName, type StackIdentity, StackRole, stackName } from '../engine/model/fleet.ts'
import { Hook } from '../engine/model/hook.ts'
import { KubernetesSettings } from '../engine/model/kubernetes-colour.ts'
import { Limits } from '../engine/model/limits.ts'
import type { FailoverWord } from '../engine/model/loss.ts'
import { MskSpec } from '../engine/model/msk-brokers.ts'
import type { MirrorPlugin } from '../engine/model/msk-connect.ts'
import { RouteNamesSpec } from '../engine/model/route-names.ts'
import { RouteParameterSpec } from '../engine/model/route-publication.ts'
import type { StrimziSpec } from '../engine/model/strimzi-brokers.ts'
import { type Intent, RouteStoreAccess, type UnprovenGroups } from '../engine/model/wiring.ts'
import { awsKeys, betweenKeys, colourKeys, externalKeys, kubernetesBetweenKeys, kubernetesKeys, sharedKeys, trafficKeys } from './config-keys.ts'
import { nearest } from './nearest.ts'

/** What a colour's stack is told, whatever it stands on. */
interface OfColour {
  readonly role: 'colour'
  readonly fleet: string
  readonly colour: Colour
  /** Extra server properties, the same on every broker. */
  readonly brokerConfig: Readonly<Record<string, string>>
  /** Where the fleet's route is; undefined: where this platform puts it for this fleet. */
  readonly routeStore: RouteStoreAccess | undefined
  /** Whether brokers, Connect's REST and the route store speak TLS only; decided when a fleet is made. */
  readonly tls: boolean
  /** Lifts the protection of what holds data, so that `destroy` may ask the retirement guard. */
  readonly retire: boolean
  /** The fleet's name when its last live colour is to be ended. */
  readonly decommission: string | undefined
}

/** A colour that this project provisions on this machine. */
export interface LocalColourConfig extends OfColour {
  readonly platform: 'local'
  readonly kafkaVersion: '3.9.2' | '4.3.1'
  /** Brokers, each also a voter of the metadata quorum. */
  readonly nodes: 3
}

/** A colour that was there before. */
export interface ExternalColourConfig extends OfColour {
  readonly platform: 'external'
  /** As it is declared. */
  readonly kafkaVersion: string
  readonly nodes: number
  readonly external: ExternalAccess
}

/** A colour on Amazon MSK; no guard asks a route about it yet. */
export interface AwsColourConfig extends Omit<OfColour, 'routeStore'> {
  readonly platform: 'aws'
  readonly kafkaVersion: string
  readonly aws: AwsSettings
}

/** A colour of Strimzi's on Kubernetes; no guard asks a route about it yet. */
export interface KubernetesColourConfig extends Omit<OfColour, 'routeStore'> {
  readonly platform: 'kubernetes'
  readonly kafkaVersion: StrimziSpec['kafkaVersion']
  readonly kubernetes: KubernetesSettings
}

export type ColourConfig = LocalColourConfig | ExternalColourConfig | AwsColourConfig | KubernetesColourConfig

/** What the traffic stack is told. */
export interface TrafficConfig {
  readonly role: 'traffic'
  readonly fleet: string
  /** The intent: who is to be live. */
  readonly live: Colour
  /** Counted up to move again after a latch. */
  readonly attempt: number
  /** Waves that are to read elsewhere than on the live colour. */
  readonly consumers: Intent['consumers']
  /** Records of the live colour that may stay behind at most, see {@link Intent}. */
  readonly acceptLoss?: number | undefined
  /** The live colour is gone, and the other one takes over: what is known to be lost, repeated. */
  readonly failover?: FailoverWord | undefined
  readonly limits: Limits
  /** Groups that stay, or that may be moved to a proven place before their own. */
  readonly unprovenGroups: UnprovenGroups
  readonly hooks: readonly Hook[]
  /** Where the route is published as names; left out: nowhere. */
  readonly dns?: RouteNamesSpec | undefined
  /** Where it is published for clients that poll; left out: nowhere. */
  readonly routeParameter?: RouteParameterSpec | undefined
  /** As both colours say. */
  readonly tls: boolean
  readonly decommission: string | undefined
}

/** What a traffic stack is told between two colours on a platform on which no switchover runs: it moves nothing yet, so it takes no intent. */
export type BetweenConfig = AwsBetweenConfig | KubernetesBetweenConfig

export interface AwsBetweenConfig extends OfFleet {
  readonly role: 'between'
  readonly platform: 'aws'
  readonly mirror: MirrorPlugin
}

export interface KubernetesBetweenConfig extends OfFleet {
  readonly role: 'between'
  readonly platform: 'kubernetes'
}

/** This Pulumi project's name: the namespace of its configuration keys in stack files, also in a project of another name that `pulumi new` made of it. */
export const projectName = 'kafka-blue-green'

type Values = Record<string, string>

/**
 * Reads a stack's configuration: which fleet and role it has, and everything that role may be told.
 *
 * Fleet and role come from the stack's name; the keys `fleet` and `role` override it. Keys of other namespaces
 * (`aws:region`) are not ours and ignored.
 * @param project the Pulumi project's name, the namespace of its keys
 * @param allConfig every key with its namespace, as `pulumi.runtime.allConfig()` gives them
 * @throws KbgError `config` with every problem on a line of its own: key, value, what is allowed
 */
export function loadConfig(project: string, stack: string, allConfig: Readonly<Record<string, string>>): ColourConfig | TrafficConfig | BetweenConfig {
  const values = ofNamespace(project, allConfig)
  const problems: string[] = []
  const shared = readKeys(sharedKeys, values, problems)
  const identity = identify(stack, values, problems)
  if (identity === undefined) {
    problems.push(...strangers(values, allKeys))
    throw refusal(stack, problems)
  }
  if (shared?.decommission !== undefined && shared.decommission !== identity.fleet) {
    problems.push(`decommission: "${shared.decommission}" is another fleet; allowed: ${identity.fleet}`)
  }
  problems.push(...misplaced(identity, values), ...strangers(values, allKeys))
  if (values.acceptLoss !== undefined && values.failover !== undefined)
    problems.push('acceptLoss, failover: only one of both; acceptLoss leaves a live colour that answers, failover one that is gone')
  const ofFleet = { fleet: identity.fleet, tls: shared?.tls ?? false, decommission: shared?.decommission }
  const config = isColour(identity.role) ? colourConfig(ofFleet, identity.role, values, problems) : trafficConfig(ofFleet, values, problems)
  if (problems.length > 0 || config === undefined) throw refusal(stack, problems)
  return config
}

/** Keys of colours on every platform. */
const anyColourKeys = { ...colourKeys.shape, ...externalKeys.shape, ...awsKeys.shape, ...kubernetesKeys.shape }
const allKeys = [sharedKeys.shape, anyColourKeys, trafficKeys.shape, betweenKeys.shape].flatMap((shape) => Object.keys(shape))

/** What a fleet's stacks share. */
type OfFleet = Pick<TrafficConfig, 'fleet' | 'tls' | 'decommission'>

/** An adopted colour's keys; `tls` says whether it is reached over TLS, so it goes with whom to trust. */
function externalColour(values: Values, problems: string[]): z.infer<typeof externalKeys> | undefined {
  const keys = readKeys(externalKeys, values, problems)
  const isSecure = keys?.external.caFile !== undefined
  if (keys && isSecure !== (values.tls === 'true')) {
    problems.push(`external.caFile: ${isSecure ? 'given' : 'missing'}, and tls is ${values.tls ?? 'false'}; allowed: both, or neither`)
  }
  return keys
}

function colourConfig(ofFleet: OfFleet, colour: Colour, values: Values, problems: string[]): ColourConfig | undefined {
  if (values.platform === 'aws') return awsColour(ofFleet, colour, values, problems)
  if (values.platform === 'kubernetes') return kubernetesColour(ofFleet, colour, values, problems)
  const isExternal = values.platform === 'external'
  problems.push(...ofAnotherPlatform(values, isExternal ? externalKeys.shape : colourKeys.shape))
  const keys = isExternal ? externalColour(values, problems) : readKeys(colourKeys, values, problems)
  return keys && { role: 'colour', colour, ...keys, routeStore: keys.routeStore, ...ofFleet }
}

function awsColour(ofFleet: OfFleet, colour: Colour, values: Values, problems: string[]): AwsColourConfig | undefined {
  problems.push(...ofAnotherPlatform(values, awsKeys.shape))
  const keys = readKeys(awsKeys, values, problems)
  if (keys === undefined) return undefined
  if (!ofFleet.tls) problems.push('tls: false; allowed: true, for MSK speaks nothing else to its clients')
  const { network, brokers } = awsSpecs(ofFleet.fleet, colour, keys.kafkaVersion, keys.brokerConfig, keys.aws)
  const issues = [NetworkSpec.safeParse(network), MskSpec.safeParse(brokers)].flatMap(({ error }) => error?.issues ?? [])
  problems.push(...issues.map(({ path, message }) => `aws.${path.map(String).join('.')}: ${message}`))
  return { role: 'colour', colour, ...keys, ...ofFleet }
}

function kubernetesColour(ofFleet: OfFleet, colour: Colour, values: Values, problems: string[]): KubernetesColourConfig | undefined {
  problems.push(...ofAnotherPlatform(values, kubernetesKeys.shape))
  const keys = readKeys(kubernetesKeys, values, problems)
  if (!ofFleet.tls) problems.push('tls: false; allowed: true, for a colour on Kubernetes speaks nothing else')
  return keys && { role: 'colour', colour, ...keys, ...ofFleet }
}

/** Keys that colours have, but on another platform. */
function ofAnotherPlatform(values: Values, keys: object): string[] {
  return Object.keys(values)
    .filter((key) => key in anyColourKeys && !(key in keys))
    .map((key) => `${key}: goes with platform ${platformOf(key)}`)
}

function platformOf(key: string): string {
  const owners = { local: colourKeys, external: externalKeys, aws: awsKeys, kubernetes: kubernetesKeys }
  return Object.entries(owners).find(([, { shape }]) => key in shape)?.[0] ?? 'local'
}

function trafficConfig(ofFleet: OfFleet, values: Values, problems: string[]): TrafficConfig | BetweenConfig | undefined {
  if (values.platform === 'aws' || values.platform === 'kubernetes') return betweenConfig(values.platform, ofFleet, values, problems)
  if (values.mirror !== undefined) problems.push('mirror: only between two colours on aws; set platform there')
  const keys = readKeys(trafficKeys, values, problems)
  return keys && { role: 'traffic', ...keys, ...ofFleet }
}

function betweenConfig(platform: BetweenConfig['platform'], ofFleet: OfFleet, values: Values, problems: string[]): BetweenConfig | undefined {
  const moving = Object.keys(values).filter((key) => key in trafficKeys.shape)
  const said = `a traffic stack on ${platform} moves nothing yet, and must not look as if it did (docs/platforms.md); remove it`
  problems.push(...moving.map((key) => `${key}: ${said}`))
  if (platform === 'kubernetes') {
    if (values.mirror !== undefined) problems.push('mirror: only between two colours on aws; on kubernetes all of it follows from the colours')
    return readKeys(kubernetesBetweenKeys, values, problems) && { role: 'between', platform, ...ofFleet }
  }
  const keys = readKeys(betweenKeys, values, problems)
  return keys && { role: 'between', platform, mirror: keys.mirror, ...ofFleet }
}

/** Stack files that came along with `pulumi new` have this project's namespace; what is set in the new project's own comes first. */
function ofNamespace(project: string, allConfig: Readonly<Record<string, string>>): Values {
  const of = (namespace: string) =>
    Object.entries(allConfig)
      .filter(([key]) => key.startsWith(`${namespace}:`))
      .map(([key, value]) => [key.slice(namespace.length + 1), value] as const)
  return Object.fromEntries([...of(projectName), ...of(project)])
}

/** The stack's fleet and role; undefined, with a problem noted, when neither its name nor its configuration says them. */
function identify(stack: string, values: Values, problems: string[]): StackIdentity | undefined {
  const role = StackRole.safeParse(values.role).data
  if (role !== undefined && values.fleet !== undefined) return { fleet: values.fleet, role }
  try {
    const named = parseStackName(stack)
    return { fleet: values.fleet ?? named.fleet, role: role ?? named.role }
  } catch (error) {
    if (!(error instanceof KbgError)) throw error
    problems.push(`${error.message}`)
    return undefined
  }
}

/** Keys that exist, but for a stack of another role. */
function misplaced(identity: StackIdentity, values: Values): string[] {
  const foreign = isColour(identity.role) ? trafficKeys.shape : anyColourKeys
  const owners = isColour(identity.role)
    ? [stackName({ fleet: identity.fleet, role: 'traffic' })]
    : (['blue', 'green'] as const).map((role) => stackName({ fleet: identity.fleet, role }))
  return Object.keys(values)
    .filter((key) => key in foreign && (isColour(identity.role) || !(key in betweenKeys.shape)))
    .map((key) => `${key}: belongs to the stack ${owners.join(' or ')}; set it there: pulumi config set ${key} <value> -s ${owners[0]}`)
}

/** Keys that no stack has. Their values are not shown: a mistyped key may hold anything. */
function strangers(values: Values, known: readonly string[]): string[] {
  return Object.keys(values)
    .filter((key) => !known.includes(key))
    .map((key) => `${key}: unknown key; ${suggestion(key, known)}`)
}

function suggestion(typed: string, known: readonly string[]): string {
  const near = nearest(typed, known)
  return near === undefined ? `allowed: ${known.join(', ')}` : `did you mean ${near}?`
}

/** What the schema makes of the values it knows; undefined, with every problem noted, when it refuses one. */
function readKeys<Shape extends z.ZodRawShape>(schema: z.ZodObject<Shape>, values: Values, problems: string[]): z.infer<z.ZodObject<Shape>> | undefined {
  const parsed = schema.safeParse(values)
  if (parsed.success) return parsed.data
  problems.push(...parsed.error.issues.flatMap((issue) => describe(issue, values, schema.shape)))
  return undefined
}

function describe(issue: z.core.$ZodIssue, values: Values, shape: z.ZodRawShape): string[] {
  const [key, ...inner] = issue.path.map(String)
  if (key === undefined) return [issue.message]
  const allowed = (shape[key] as z.ZodType | undefined)?.description ?? 'see docs'
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((each) => `${[key, ...inner, each].join('.')}: unknown key; ${suggestion(each, innerKeys(key))}`)
  if (issue.code === 'invalid_key') return [`${[key, ...inner].join('.')}: ${issue.issues.map((each) => each.message).join(', ')}`]
  if (inner.length > 0) return [`${[key, ...inner].join('.')}: ${valueAt(values[key], inner)}${lowerFirst(issue.message)}`]
  const value = values[key]
  return [value === undefined ? `${key}: missing; allowed: ${allowed}` : `${key}: ${quoted(value)} is not allowed; allowed: ${allowed}`]
}

/** The names that an object key may have inside. */
function innerKeys(key: string): readonly string[] {
  const schemas: Readonly<Record<string, { readonly shape: object }>> = {
    ...{ limits: Limits, hooks: Hook, dns: RouteNamesSpec, routeParameter: RouteParameterSpec },
    ...{ external: ExternalAccess, aws: AwsSettings, kubernetes: KubernetesSettings },
  }
  return Object.keys((schemas[key] ?? RouteStoreAccess).shape)
}

/** A number or flag inside an object value, shown; texts inside objects are not, for broker properties may hold passwords. */
function valueAt(text: string | undefined, path: readonly string[]): string {
  const found = path.reduce<unknown>(
    (value, name) => (typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined),
    JSON.parse(text ?? 'null'),
  )
  return typeof found === 'number' || typeof found === 'boolean' ? `${found} is not allowed; ` : ''
}

/** A value as it was typed, cut where it is an object: those may hold anything. */
function quoted(value: string): string {
  return value.startsWith('{') || value.startsWith('[') || value.length > 60 ? 'the value' : `"${value}"`
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1)
}

function refusal(stack: string, problems: readonly string[]): KbgError {
  const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`
  return new KbgError('config', `The configuration of the stack ${stack} has ${count}:\n${problems.map((problem) => `  - ${problem}`).join('\n')}\n`, {
    remedy: 'Nothing was changed. Correct the values with pulumi config set or in the stack file.',
  })
}
