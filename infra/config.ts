import type { z } from 'zod'
import { type AwsSettings, awsSpecs } from '../engine/model/aws-colour.ts'
import { NetworkSpec } from '../engine/model/aws-network.ts'
import type { Colour } from '../engine/model/colour.ts'
import { KbgError } from '../engine/model/error.ts'
import type { ExternalAccess } from '../engine/model/external-cluster.ts'
import { isColour, parseStackName, type StackIdentity, StackRole, stackName } from '../engine/model/fleet.ts'
import type { GivenRouteStore } from '../engine/model/given-route-store.ts'
import type { Hook } from '../engine/model/hook.ts'
import type { KubernetesAudit } from '../engine/model/kubernetes-audit.ts'
import type { KubernetesSettings } from '../engine/model/kubernetes-colour.ts'
import type { KubernetesRouteStore } from '../engine/model/kubernetes-route-store.ts'
import type { Limits } from '../engine/model/limits.ts'
import type { FailoverWord } from '../engine/model/loss.ts'
import { MskSpec } from '../engine/model/msk-brokers.ts'
import type { MirrorPlugin } from '../engine/model/msk-connect.ts'
import type { RouteNamesSpec } from '../engine/model/route-names.ts'
import type { RouteParameterSpec } from '../engine/model/route-publication.ts'
import type { StrimziSpec } from '../engine/model/strimzi-brokers.ts'
import { Intent, type RouteStoreAccess, type UnprovenGroups } from '../engine/model/wiring.ts'
import { awsKeys, betweenKeys, colourKeys, externalKeys, kubernetesBetweenKeys, kubernetesKeys, sharedKeys, trafficKeys } from './config-keys.ts'
import { readKeys, suggestion, type Values } from './read-keys.ts'

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

/** A colour on Amazon MSK; a guard asks the route about it where its stack is run from an operators' network (`aws.access`). */
export interface AwsColourConfig extends OfColour {
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

/** What a traffic stack is told between two colours on one cloud. */
export type BetweenConfig = AwsBetweenConfig | KubernetesBetweenConfig

export interface AwsBetweenConfig extends OfFleet {
  readonly role: 'between'
  readonly platform: 'aws'
  readonly mirror: MirrorPlugin
  /** null: the stack doesn't say who is to be live, so nothing moves traffic. */
  readonly moves: AwsMoves | null
}

/** Where traffic is wanted and what moves it, on a host in the operators' network (docs/adr/0022). */
export interface AwsMoves extends Omit<TrafficConfig, 'role' | keyof OfFleet> {
  /** undefined: one of this machine. */
  readonly routeStore?: GivenRouteStore | undefined
}

export interface KubernetesBetweenConfig extends OfFleet {
  readonly role: 'between'
  readonly platform: 'kubernetes'
  /** This project's image: what its pods run. */
  readonly image: string
  readonly routeStore: KubernetesRouteStore
  /** Whom to trust behind the workers' REST and the audit. */
  readonly caFile: string
  readonly audit: KubernetesAudit
  /** null: the stack doesn't say who is to be live, so nothing moves traffic. */
  readonly intent: Intent | null
  readonly limits: Limits
  readonly unprovenGroups: UnprovenGroups
}

/** This Pulumi project's name: the namespace of its configuration keys in stack files, also in a project of another name that `pulumi new` made of it. */
export const projectName = 'kafka-blue-green'

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
/** Keys of traffic stacks between two colours on one cloud, by platform. */
const betweenShapes = { aws: betweenKeys.shape, kubernetes: kubernetesBetweenKeys.shape }
const anyTrafficKeys = { ...trafficKeys.shape, ...betweenKeys.shape, ...kubernetesBetweenKeys.shape }
const allKeys = [sharedKeys.shape, anyColourKeys, anyTrafficKeys].flatMap((shape) => Object.keys(shape))

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
  const { access, clients } = keys.aws
  if (access !== undefined && clients.operators.length === 0)
    problems.push('aws.access: goes with aws.clients.operators, the networks that this stack is run from')
  if (access === undefined && keys.routeStore !== undefined) problems.push('routeStore: goes with aws.access; without it no guard asks a route')
  return { role: 'colour', colour, ...keys, routeStore: keys.routeStore, ...ofFleet }
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
  problems.push(...ofAnotherBetween(values, {}))
  const keys = readKeys(trafficKeys, values, problems)
  return keys && { role: 'traffic', ...keys, ...ofFleet }
}

function betweenConfig(platform: BetweenConfig['platform'], ofFleet: OfFleet, values: Values, problems: string[]): BetweenConfig | undefined {
  const own = betweenShapes[platform]
  const foreign = Object.keys(values).filter((key) => key in trafficKeys.shape && !(key in own))
  problems.push(...foreign.map((key) => `${key}: a traffic stack on ${platform} has no such thing yet (docs/platforms.md); remove it`))
  problems.push(...ofAnotherBetween(values, own))
  return platform === 'aws' ? awsBetween(ofFleet, values, problems) : kubernetesBetween(ofFleet, values, problems)
}

function awsBetween(ofFleet: OfFleet, values: Values, problems: string[]): AwsBetweenConfig | undefined {
  if (values.live === undefined) problems.push(...aimless(values, { ...trafficKeys.shape, routeStore: betweenKeys.shape.routeStore }))
  else if (!ofFleet.tls) problems.push('tls: false; allowed: true, for MSK speaks nothing else to its clients')
  const keys = readKeys(betweenKeys, values, problems)
  if (keys === undefined) return undefined
  const { platform, mirror, live, ...rest } = keys
  return { role: 'between', platform, mirror, moves: live === undefined ? null : { live, ...rest }, ...ofFleet }
}

/** Keys that nothing would come of where nobody says who is to be live. */
function aimless(values: Values, keys: object): string[] {
  return Object.keys(values)
    .filter((key) => key in keys)
    .map((key) => `${key}: goes with live, the colour that is to be live`)
}

function kubernetesBetween(ofFleet: OfFleet, values: Values, problems: string[]): KubernetesBetweenConfig | undefined {
  if (values.live === undefined) problems.push(...aimless(values, Intent.shape))
  const keys = readKeys(kubernetesBetweenKeys, values, problems)
  if (keys === undefined) return undefined
  const { live, attempt, consumers, acceptLoss, failover, ...rest } = keys
  const loss = { ...(acceptLoss === undefined ? {} : { acceptLoss }), ...(failover === undefined ? {} : { failover }) }
  return { role: 'between', ...rest, intent: live === undefined ? null : { live, attempt, consumers, ...loss }, ...ofFleet }
}

/** What a traffic stack between two colours on that cloud may be told; nothing of it elsewhere. */
function ownBetween({ platform }: Values): object {
  return platform === 'aws' || platform === 'kubernetes' ? betweenShapes[platform] : {}
}

/** Keys that only traffic stacks on one cloud have, but on another one. */
function ofAnotherBetween(values: Values, own: object): string[] {
  return Object.entries(betweenShapes).flatMap(([platform, shape]) =>
    Object.keys(values)
      .filter((key) => key in shape && !(key in own) && !(key in anyColourKeys) && !(key in trafficKeys.shape))
      .map((key) => `${key}: only between two colours on ${platform}; set platform there`),
  )
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
  const isForeign = isColour(identity.role)
    ? (key: string) => key in anyTrafficKeys && !(key in anyColourKeys)
    : (key: string) => key in anyColourKeys && key !== 'platform' && !(key in ownBetween(values))
  const owners = isColour(identity.role)
    ? [stackName({ fleet: identity.fleet, role: 'traffic' })]
    : (['blue', 'green'] as const).map((role) => stackName({ fleet: identity.fleet, role }))
  return Object.keys(values)
    .filter(isForeign)
    .map((key) => `${key}: belongs to the stack ${owners.join(' or ')}; set it there: pulumi config set ${key} <value> -s ${owners[0]}`)
}

/** Keys that no stack has. Their values are not shown: a mistyped key may hold anything. */
function strangers(values: Values, known: readonly string[]): string[] {
  return Object.keys(values)
    .filter((key) => !known.includes(key))
    .map((key) => `${key}: unknown key; ${suggestion(key, known)}`)
}

function refusal(stack: string, problems: readonly string[]): KbgError {
  const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`
  return new KbgError('config', `The configuration of the stack ${stack} has ${count}:\n${problems.map((problem) => `  - ${problem}`).join('\n')}\n`, {
    remedy: 'Nothing was changed. Correct the values with pulumi config set or in the stack file.',
  })
}
