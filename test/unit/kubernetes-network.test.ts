import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Colour, colours, otherColour } from '../../engine/model/colour.ts'
import { FleetName } from '../../engine/model/fleet.ts'
import {
  auditLabels,
  birthLabels,
  colourNamespace,
  guardianLabels,
  KubernetesName,
  KubernetesNetwork,
  kubernetesPorts,
  listenerPeers,
  type Manifest,
  planColourNamespace,
  planTrafficNamespace,
  switchoverLabels,
  trafficNamespace,
  workerLabels,
  writeBackLabels,
} from '../../engine/model/kubernetes-network.ts'
import { routeStore } from '../support/traffic-pods.ts'

const network = KubernetesNetwork.parse({ producers: ['shop'], consumers: ['shop', 'reports'], apiServers: ['10.0.0.1/32'] })

/** A pod, as far as peers tell pods apart. */
interface Pod {
  readonly namespace: string
  readonly labels: Readonly<Record<string, string>>
}
interface Peer {
  readonly namespaceSelector?: { readonly matchLabels: Readonly<Record<string, string>> }
  readonly podSelector?: { readonly matchLabels?: Readonly<Record<string, string>> }
  readonly ipBlock?: { readonly cidr: string }
}
interface Rule {
  readonly from?: readonly Peer[]
  readonly to?: readonly Peer[]
  readonly ports?: readonly { readonly port: number }[]
}
interface PolicySpec {
  readonly podSelector: { readonly matchLabels?: Readonly<Record<string, string>> }
  readonly policyTypes: readonly string[]
  readonly ingress?: readonly Rule[]
  readonly egress?: readonly Rule[]
}

const hasAll = (labels: Pod['labels'], wanted: Pod['labels'] = {}) => Object.entries(wanted).every(([key, value]) => labels[key] === value)

/** Kubernetes' own rule for one peer. @param home the policy's namespace, which a peer without a namespace selector means */
const isPeer = (peer: Peer, home: string, { namespace, labels }: Pod) =>
  peer.ipBlock === undefined &&
  (peer.namespaceSelector === undefined ? namespace === home : hasAll({ 'kubernetes.io/metadata.name': namespace }, peer.namespaceSelector.matchLabels)) &&
  hasAll(labels, peer.podSelector?.matchLabels)

const specOf = ({ spec }: Manifest) => spec as PolicySpec

/** Whether a colour's policies let its pod speak to another at a port: policies that select a pod add up. */
function letsOut(colour: Colour, from: Pod, to: Pod, port: number): boolean {
  return planColourNamespace('shop', colour, network).policies.some((policy) => {
    const { podSelector, egress = [] } = specOf(policy)
    return (
      hasAll(from.labels, podSelector.matchLabels) &&
      egress.some((rule) => rule.ports?.some((each) => each.port === port) && rule.to?.some((peer) => isPeer(peer, from.namespace, to)))
    )
  })
}

function letsIn(colour: Colour, listener: 'internal' | 'produce' | 'consume', from: Pod): boolean {
  return listenerPeers('shop', colour, network)[listener].some((peer) => isPeer(peer as Peer, colourNamespace('shop', colour), from))
}

const broker = (colour: Colour): Pod => ({ namespace: `kbg-shop-${colour}`, labels: { 'strimzi.io/cluster': colour, 'strimzi.io/broker-role': 'true' } })
const worker = (colour: Colour): Pod => ({ namespace: `kbg-shop-${colour}`, labels: workerLabels })
const guardian: Pod = { namespace: 'kbg-shop-traffic', labels: guardianLabels }
const switchover: Pod = { namespace: 'kbg-shop-traffic', labels: switchoverLabels }
const audit: Pod = { namespace: 'kbg-shop-traffic', labels: auditLabels }
const writeBack: Pod = { namespace: 'kbg-shop-traffic', labels: writeBackLabels }
/** Somebody else's pod in the fleet's own namespace, and one in another with a guardian's labels. */
const bystander: Pod = { namespace: 'kbg-shop-traffic', labels: { app: 'another' } }
const impostor: Pod = { namespace: 'default', labels: guardianLabels }
const birth = (colour: Colour): Pod => ({ namespace: `kbg-shop-${colour}`, labels: birthLabels })
const shop: Pod = { namespace: 'shop', labels: { app: 'shop' } }
const reports: Pod = { namespace: 'reports', labels: { app: 'reports' } }
const stranger: Pod = { namespace: 'default', labels: { ...workerLabels, 'strimzi.io/broker-role': 'true' } }

test('namespaces follow from fleet and colour, differ, and are names that Kubernetes takes', () => {
  const fleet = fc.stringMatching(/^[a-z][a-z0-9-]{0,30}$/).filter((name) => FleetName.safeParse(name).success)
  fc.assert(
    fc.property(fleet, fleet, (a, b) => {
      const names = [a, ...(a === b ? [] : [b])].flatMap((each) => [...colours.map((colour) => colourNamespace(each, colour)), trafficNamespace(each)])
      expect(new Set(names).size).toBe(names.length)
      for (const name of names) expect(KubernetesName.parse(name)).toBe(name)
    }),
  )
})

describe.each(colours)('the namespace of %s', (colour) => {
  const other = otherColour(colour)

  test('lets nothing in or out by itself', () => {
    const [first] = planColourNamespace('shop', colour, network).policies
    expect(first && specOf(first)).toEqual({ podSelector: {}, policyTypes: ['Ingress', 'Egress'] })
  })

  test.each([
    ['internal', guardian, true],
    ['internal', switchover, true],
    ['internal', audit, true],
    ['internal', writeBack, true],
    ['internal', bystander, false],
    ['internal', impostor, false],
    ['internal', worker(colour), true],
    ['internal', worker(other), true],
    ['internal', birth(colour), true],
    ['internal', birth(other), false],
    ['internal', shop, false],
    ['internal', broker(other), false],
    ['internal', stranger, false],
    ['produce', guardian, true],
    ['produce', switchover, true],
    ['produce', audit, false],
    ['produce', writeBack, false],
    ['produce', bystander, false],
    ['produce', impostor, false],
    ['produce', shop, true],
    ['produce', reports, false],
    ['produce', worker(other), false],
    ['produce', stranger, false],
    ['consume', audit, false],
    ['consume', bystander, false],
    ['consume', shop, true],
    ['consume', reports, true],
    ['consume', broker(other), false],
  ] as const)('listener %s takes %o: %s', (listener, from, isLetIn) => {
    expect(letsIn(colour, listener, from)).toBe(isLetIn)
  })

  test.each([
    [guardian, true],
    [switchover, true],
    [audit, false],
    [writeBack, false],
    [bystander, false],
    [impostor, false],
    [shop, false],
    [worker(other), false],
  ])('the worker’s REST takes %o: %s', (from, isLetIn) => {
    const home = colourNamespace('shop', colour)
    const ways = planColourNamespace('shop', colour, network).policies.flatMap((policy) =>
      hasAll(workerLabels, specOf(policy).podSelector.matchLabels) ? (specOf(policy).ingress ?? []) : [],
    )
    const atRest = ways.filter(({ ports = [] }) => ports.some(({ port }) => port === kubernetesPorts.connectRest))
    expect(atRest.some(({ from: peers = [] }) => peers.some((peer) => isPeer(peer, home, from)))).toBe(isLetIn)
  })

  test('a listener without client namespaces is not open to everybody, as an empty list would be', () => {
    const peers = listenerPeers('shop', colour, KubernetesNetwork.parse({ apiServers: ['10.0.0.1/32'] }))
    for (const each of Object.values(peers)) expect(each.length).toBeGreaterThan(0)
  })

  test('only the mirror crosses, and only to the other colour’s brokers at the internal listener', () => {
    const ports = [...Object.values(kubernetesPorts), 9_090, 9_091, 8_443, 443]
    const crossings = [broker(colour), worker(colour), birth(colour)].flatMap((from) =>
      [broker(other), worker(other)].flatMap((to) => ports.filter((port) => letsOut(colour, from, to, port)).map((port) => ({ from, to, port }))),
    )
    expect(crossings).toEqual([{ from: worker(colour), to: broker(other), port: kubernetesPorts.internal }])
  })

  test('its own nodes speak to each other, to the names’ servers and to the API server', () => {
    for (const port of [9_090, 9_091]) expect(letsOut(colour, broker(colour), broker(colour), port)).toBe(true)
    expect(letsOut(colour, broker(colour), { namespace: 'kube-system', labels: {} }, 53)).toBe(true)
    const blocks = planColourNamespace('shop', colour, network).policies.flatMap((policy) =>
      (specOf(policy).egress ?? []).flatMap(({ to = [] }) => to.flatMap(({ ipBlock }) => ipBlock ?? [])),
    )
    expect(blocks).toEqual([{ cidr: '10.0.0.1/32' }])
  })
})

test.each([
  [{ apiServers: [] }, 'apiServers'],
  [{ apiServers: ['10.0.0.1/24'] }, 'without host bits'],
  [{ apiServers: ['10.0.0.1/32'], producers: ['Shop'] }, 'lower-case'],
  [{ apiServers: ['10.0.0.1/32'], clients: [] }, 'clients'],
])('%o is refused', (spec, message) => {
  expect(() => KubernetesNetwork.parse(spec)).toThrow(message)
})

describe('the fleet’s own namespace', () => {
  const { policies } = planTrafficNamespace('shop', routeStore.endpoints)
  const etcd: Pod = { namespace: 'platform', labels: {} }
  const names: Pod = { namespace: 'kube-system', labels: {} }
  const own = [guardian, switchover, writeBack, audit]
  const all = [...colours.flatMap((colour) => [broker(colour), worker(colour), birth(colour)]), etcd, shop, stranger, ...own, names]
  const ports = [...Object.values(kubernetesPorts), 2_379, 9_090, 9_091, 8_443, 443, 53]
  const ways = (from: Pod) => policies.flatMap((policy) => (hasAll(from.labels, specOf(policy).podSelector.matchLabels) ? (specOf(policy).egress ?? []) : []))

  /** Whom a pod's policies let it out to, of everybody that there is. */
  const reached = (from: Pod) =>
    all.flatMap((to) =>
      ports.flatMap((port) =>
        ways(from).some((rule) => rule.ports?.some((each) => each.port === port) && rule.to?.some((peer) => isPeer(peer, from.namespace, to)))
          ? [{ to, port }]
          : [],
      ),
    )

  test('lets nothing in or out by itself, and guardians, the job that moves traffic and the write-back in to the audit', () => {
    expect(policies[0] && specOf(policies[0])).toEqual({ podSelector: {}, policyTypes: ['Ingress', 'Egress'] })
    expect(policies.flatMap((policy) => (specOf(policy).ingress ?? []).map((way) => ({ ...way, of: specOf(policy).podSelector })))).toEqual([
      {
        from: [guardianLabels, switchoverLabels, writeBackLabels].map((matchLabels) => ({ podSelector: { matchLabels } })),
        ...{ ports: [{ protocol: 'TCP', port: 8_084 }], of: { matchLabels: auditLabels } },
      },
    ])
  })

  test('lets the audit out to names and to both colours’ brokers as operator, and to nothing else', () => {
    expect(reached(audit)).toEqual([...colours.map((colour) => ({ to: broker(colour), port: kubernetesPorts.internal })), { to: names, port: 53 }])
  })

  test('lets the write-back out to names, to both colours’ brokers as operator, to the audit and the route store, and to nothing else', () => {
    const brokersAndStore = [...colours.map((colour) => ({ to: broker(colour), port: kubernetesPorts.internal })), { to: etcd, port: 2_379 }]
    expect(reached(writeBack)).toEqual([...brokersAndStore, { to: audit, port: kubernetesPorts.audit }, { to: names, port: 53 }])
  })

  test.each([
    ['guardians', guardian],
    ['the job that moves traffic', switchover],
  ])('lets %s out to names, to both colours’ brokers as operator and probe, to the workers, the audit and the route store, and to nothing else', (_, from) => {
    expect(reached(from)).toEqual([
      ...colours.flatMap((colour) => [
        { to: broker(colour), port: kubernetesPorts.internal },
        { to: broker(colour), port: kubernetesPorts.produce },
        { to: worker(colour), port: kubernetesPorts.connectRest },
      ]),
      { to: etcd, port: 2_379 },
      { to: audit, port: kubernetesPorts.audit },
      { to: names, port: 53 },
    ])
    const blocks = ways(from).flatMap(({ to = [], ports: at = [] }) =>
      to.flatMap(({ ipBlock }) => (ipBlock === undefined ? [] : [{ ...ipBlock, ports: at.map(({ port }) => port) }])),
    )
    expect(blocks).toEqual([{ cidr: '10.7.0.4/32', ports: [2_379] }])
  })

  test('lets any other pod ask for names only', () => {
    expect(ways({ namespace: 'kbg-shop-traffic', labels: { app: 'another' } }).flatMap(({ ports: at = [] }) => at.map(({ port }) => port))).toEqual([53, 53])
  })
})
