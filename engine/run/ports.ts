import { connectAudit } from '../adapters/audit/audit-client.ts'
import { openMirror } from '../adapters/connect/open-mirror.ts'
import { openRouteStore } from '../adapters/etcd/route-store.ts'
import { hookCaller } from '../adapters/hooks/hook-caller.ts'
import { connectCluster } from '../adapters/kafka/cluster.ts'
import { fleetScope, mskConnectScope } from '../adapters/kafka/scope.ts'
import { type Colour, colours } from '../model/colour.ts'
import type { Wiring } from '../model/wiring.ts'
import type { Audit } from '../ports/audit.ts'
import type { Clock } from '../ports/clock.ts'
import type { Cluster } from '../ports/cluster.ts'
import type { HookCaller } from '../ports/hooks.ts'
import type { Mirror } from '../ports/mirror.ts'
import type { RouteOversight } from '../ports/route-oversight.ts'
import type { RoutePublication } from '../ports/route-publication.ts'
import type { RouteStore } from '../ports/route-store.ts'
import { publishedNames } from '../switchover/published-names.ts'

/** Everything that the engine acts on, behind interfaces. */
export interface Ports {
  readonly clock: Clock
  readonly clusters: Readonly<Record<Colour, Cluster>>
  /** By the colour that is read: `mirrors.blue` copies blue -> green, on the worker beside green. */
  readonly mirrors: Readonly<Record<Colour, Mirror>>
  readonly store: RouteStore
  /** null: the fleet has no audit workers. */
  readonly audit: Audit | null
  readonly hooks: HookCaller
  /** Where the decided route is told to clients that can't reach the store. */
  readonly publications: readonly RoutePublication[]
}

/** {@link Ports} of who may also act beside the holder of the lock: a guardian, and `kbg abort`. */
export interface OversightPorts extends Ports {
  readonly store: RouteStore & RouteOversight
}

/** Connects the real adapters; connections are made when they are first needed. */
export async function connectPorts(wiring: Wiring, clock: Clock): Promise<OversightPorts> {
  const { blue, green } = wiring.clusters
  const scope = colours.some((colour) => 'kind' in wiring.workers[colour]) ? mskConnectScope : fleetScope
  return {
    clock,
    clusters: { blue: connectCluster(blue, clock, 'operator', scope), green: connectCluster(green, clock, 'operator', scope) },
    mirrors: {
      blue: await openMirror(blue, green, wiring.workers.green),
      green: await openMirror(green, blue, wiring.workers.blue),
    },
    store: await openRouteStore(wiring.routeStore, wiring.fleet, clock),
    audit: wiring.audit.length === 0 ? null : connectAudit(wiring.audit, clock),
    hooks: hookCaller,
    publications: await connectPublications(wiring),
  }
}

/** AWS's SDK is loaded only where something is published: it takes some tenths of a second. */
async function connectPublications({ fleet, publications: { parameter, names }, waves }: Wiring): Promise<readonly RoutePublication[]> {
  const connected: RoutePublication[] = []
  if (parameter !== undefined) connected.push((await import('../adapters/aws/ssm-publication.ts')).ssmPublication(parameter, fleet))
  if (names !== undefined) {
    const { route53Publication } = await import('../adapters/aws/route53-publication.ts')
    connected.push(route53Publication(names, (route) => publishedNames(route, waves, names.zone)))
  }
  return connected
}

/** Closes every connection. */
export async function closePorts(ports: Ports): Promise<void> {
  const { clusters, mirrors, store, audit, publications } = ports
  for (const publication of publications) publication.close()
  await Promise.all([audit?.close(), clusters.blue.close(), clusters.green.close(), mirrors.blue.close(), mirrors.green.close(), store.close()])
}

/** Connects, runs, and closes whatever happens. */
export async function withPorts<T>(wiring: Wiring, clock: Clock, work: (ports: OversightPorts) => Promise<T>): Promise<T> {
  const ports = await connectPorts(wiring, clock)
  try {
    return await work(ports)
  } finally {
    await closePorts(ports)
  }
}
