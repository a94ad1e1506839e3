import { z } from 'zod'
import { Cidr } from './aws-network.ts'
import { type Colour, colours, otherColour } from './colour.ts'
import type { RouteStoreEndpoint } from './kubernetes-route-store.ts'

/** A name as Kubernetes takes it for namespaces and most objects (RFC 1123 label). */
export const KubernetesName = z.string().regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/, 'lower-case letters, digits and dashes, 63 at most')

/** A name as Kubernetes takes it for everything else (RFC 1123 subdomain): labels with dots between them, 253 characters at most. */
export function isSubdomain(name: string): boolean {
  return name.length <= 253 && name.split('.').every((label) => /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/.test(label))
}

/** The name of a label as Kubernetes takes it: `zone`, or `topology.kubernetes.io/zone`. */
export function isLabelName(name: string): boolean {
  const [last = '', prefix, ...more] = name.split('/').reverse()
  return more.length === 0 && /^[a-zA-Z0-9](?:[a-zA-Z0-9._-]{0,61}[a-zA-Z0-9])?$/.test(last) && (prefix === undefined || isSubdomain(prefix))
}

/** A Kubernetes object as its API takes it. */
export interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly namespace?: string
    readonly labels?: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
  }
  readonly spec: object
}

/** What a stack says of who reaches a colour on Kubernetes. */
export const KubernetesNetwork = z.strictObject({
  /** Namespaces of applications that write: they reach the listener `produce`. */
  producers: z.array(KubernetesName).default([]),
  /** Namespaces of applications that read: they reach the listener `consume`. */
  consumers: z.array(KubernetesName).default([]),
  /** Addresses of the Kubernetes API server as pods see them behind its service (`kubectl get endpointslices kubernetes`): Strimzi's pods ask it, and no label names it. */
  apiServers: z.array(Cidr).min(1),
  apiServerPort: z.int().min(1).max(65_535).default(6_443),
})
export type KubernetesNetwork = z.infer<typeof KubernetesNetwork>

/** Ports of a colour's listeners, the same as on the local platform, of the worker beside it, and of the audit. */
export const kubernetesPorts = { internal: 9_092, produce: 9_094, consume: 9_095, connectRest: 8_083, audit: 8_084 } as const
/** Strimzi's own: controllers and brokers among themselves, replication and operators, the agent beside each node. */
const strimziPorts = [9_090, 9_091, 8_443] as const

/** Where a colour stands. */
export function colourNamespace(fleet: string, colour: Colour): string {
  return `kbg-${fleet}-${colour}`
}

/** Where what connects the colours stands: guardians, audit, orchestrators. */
export function trafficNamespace(fleet: string): string {
  return `kbg-${fleet}-traffic`
}

/** Name of a colour's Kafka, which also starts the names of its pods and services. */
export function kafkaName(colour: Colour): string {
  return colour
}

/** Labels of the worker that copies into a colour. */
export const workerLabels = { 'app.kubernetes.io/name': 'kbg-mirror', 'app.kubernetes.io/component': 'connect' } as const

/** Labels of the job that fences a new colour. */
export const birthLabels = { 'app.kubernetes.io/name': 'kbg-birth', 'app.kubernetes.io/component': 'fence' } as const

/** Labels of both guardians. */
export const guardianLabels = { 'app.kubernetes.io/name': 'kbg-guardian', 'app.kubernetes.io/component': 'guardian' } as const

/** Labels of what writes positions back. */
export const writeBackLabels = { 'app.kubernetes.io/name': 'kbg-write-back', 'app.kubernetes.io/component': 'write-back' } as const

/** Labels of the job that moves traffic. */
export const switchoverLabels = { 'app.kubernetes.io/name': 'kbg-switchover', 'app.kubernetes.io/component': 'orchestrator' } as const

/** Labels of the audit. */
export const auditLabels = { 'app.kubernetes.io/name': 'kbg-audit', 'app.kubernetes.io/component': 'audit' } as const

const brokersOf = (colour: Colour) => ({ 'strimzi.io/cluster': kafkaName(colour), 'strimzi.io/broker-role': 'true' })
const inNamespace = (name: string) => ({ matchLabels: { 'kubernetes.io/metadata.name': name } })

/** A peer of a NetworkPolicy: pods of a namespace; without labels all of them. */
function pods(namespace: string, labels?: Readonly<Record<string, string>>) {
  return { namespaceSelector: inNamespace(namespace), ...(labels === undefined ? {} : { podSelector: { matchLabels: labels } }) }
}

/** What moves traffic, as operator and probe on both colours, through the workers' REST and by the audit's word: guardians, and the job of a switchover. */
const actors = (fleet: string) => [pods(trafficNamespace(fleet), guardianLabels), pods(trafficNamespace(fleet), switchoverLabels)] as const

const tcp = (...ports: readonly number[]) => ports.map((port) => ({ protocol: 'TCP', port }))

/**
 * Who reaches each listener, as Strimzi takes it (`networkPolicyPeers`: it makes a NetworkPolicy of them and nothing else, so that another list rolls no broker). Never an empty list: Strimzi, like
 * Kubernetes, reads that as everybody, so guardians are in each.
 *
 * The listener `internal` is the platform's: what acts on both colours, the audit, the write-back, the job that fences a new colour, and the mirror's workers of both colours. They are the only pods that cross.
 */
export function listenerPeers(
  fleet: string,
  colour: Colour,
  network: KubernetesNetwork,
): Readonly<Record<'internal' | 'produce' | 'consume', readonly object[]>> {
  const [guardians, switchover] = actors(fleet)
  const applications = (namespaces: readonly string[]) => namespaces.map((name) => pods(name))
  return {
    internal: [
      ...[guardians, switchover, ...[auditLabels, writeBackLabels].map((labels) => pods(trafficNamespace(fleet), labels))],
      pods(colourNamespace(fleet, colour), birthLabels),
      ...[colour, otherColour(colour)].map((beside) => pods(colourNamespace(fleet, beside), workerLabels)),
    ],
    produce: [guardians, switchover, ...applications(network.producers)],
    consume: [guardians, ...applications(network.consumers)],
  }
}

/** A namespace of a fleet: pods that want more than Kafka and this project need are refused (Pod Security Standards). */
function namespaceManifest(name: string, labels: Readonly<Record<string, string>>): Namespace {
  const common = { 'app.kubernetes.io/part-of': 'kafka-blue-green', 'pod-security.kubernetes.io/enforce': 'restricted' }
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels: { ...common, ...labels } } }
}

type Namespace = Pick<Manifest, 'apiVersion' | 'kind' | 'metadata'>

/** A namespace with the policies that close it and open single ways. */
export interface ClosedNamespace {
  readonly namespace: Namespace
  readonly policies: readonly Manifest[]
}

function closed(namespace: Namespace, ways: Readonly<Record<string, object>>): ClosedNamespace {
  const { name } = namespace.metadata
  const denied = { podSelector: {}, policyTypes: ['Ingress', 'Egress'] }
  const names = {
    ...{ podSelector: {}, policyTypes: ['Egress'] },
    egress: [{ to: [pods('kube-system')], ports: ['UDP', 'TCP'].map((protocol) => ({ protocol, port: 53 })) }],
  }
  const policies = Object.entries({ 'deny-all': denied, names, ...ways }).map(([policy, spec]) => ({
    ...{ apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', spec },
    metadata: { name: policy, namespace: name },
  }))
  return { namespace, policies }
}

/**
 * A colour's namespace. Nothing goes in or out but what a policy lets through: policies add up, so Strimzi's own, which open its pods' ports to {@link listenerPeers}, stand beside these.
 */
export function planColourNamespace(fleet: string, colour: Colour, network: KubernetesNetwork): ClosedNamespace {
  const ofKafka = { matchLabels: { 'strimzi.io/cluster': kafkaName(colour) } }
  return closed(namespaceManifest(colourNamespace(fleet, colour), { 'kbg/fleet': fleet, 'kbg/colour': colour }), {
    kafka: {
      podSelector: ofKafka,
      policyTypes: ['Egress'],
      egress: [
        { to: [{ podSelector: ofKafka }], ports: tcp(...strimziPorts) },
        { to: network.apiServers.map((cidr) => ({ ipBlock: { cidr } })), ports: tcp(network.apiServerPort) },
      ],
    },
    birth: {
      podSelector: { matchLabels: birthLabels },
      policyTypes: ['Egress'],
      egress: [{ to: [{ podSelector: { matchLabels: brokersOf(colour) } }], ports: tcp(kubernetesPorts.internal) }],
    },
    mirror: {
      podSelector: { matchLabels: workerLabels },
      policyTypes: ['Ingress', 'Egress'],
      ingress: [{ from: actors(fleet), ports: tcp(kubernetesPorts.connectRest) }],
      egress: [{ to: colours.map((each) => pods(colourNamespace(fleet, each), brokersOf(each))), ports: tcp(kubernetesPorts.internal) }],
    },
  })
}

/** The way out to one endpoint of the route store. */
function toRouteStore({ place, port }: RouteStoreEndpoint): object {
  return { to: ['namespace' in place ? pods(place.namespace) : { ipBlock: { cidr: place.cidr } }], ports: tcp(port) }
}

/**
 * The fleet's own namespace. Guardians, and the job that moves traffic, reach names, the brokers of both colours (as operator at `internal`, as probe at `produce`), the workers beside them, the audit and the route store;
 * nobody reaches them. What writes positions back reaches the brokers as operator, the audit and the route store. The audit reaches the brokers as the user of its own, and only those reach it.
 */
export function planTrafficNamespace(fleet: string, routeStore: readonly RouteStoreEndpoint[]): ClosedNamespace {
  const { internal, produce, connectRest, audit } = kubernetesPorts
  const both = (labels: (colour: Colour) => Readonly<Record<string, string>>) => colours.map((colour) => pods(colourNamespace(fleet, colour), labels(colour)))
  const following = (labels: Readonly<Record<string, string>>, ...ways: readonly object[]) => ({
    podSelector: { matchLabels: labels },
    policyTypes: ['Egress'],
    egress: [...ways, { to: [{ podSelector: { matchLabels: auditLabels } }], ports: tcp(audit) }, ...routeStore.map(toRouteStore)],
  })
  const acting = (labels: Readonly<Record<string, string>>) =>
    following(labels, { to: both(brokersOf), ports: tcp(internal, produce) }, { to: both(() => workerLabels), ports: tcp(connectRest) })
  return closed(namespaceManifest(trafficNamespace(fleet), { 'kbg/fleet': fleet }), {
    guardians: acting(guardianLabels),
    switchover: acting(switchoverLabels),
    'write-back': following(writeBackLabels, { to: both(brokersOf), ports: tcp(internal) }),
    audit: {
      podSelector: { matchLabels: auditLabels },
      policyTypes: ['Ingress', 'Egress'],
      ingress: [{ from: [guardianLabels, switchoverLabels, writeBackLabels].map((matchLabels) => ({ podSelector: { matchLabels } })), ports: tcp(audit) }],
      egress: [{ to: both(brokersOf), ports: tcp(internal) }],
    },
  })
}
