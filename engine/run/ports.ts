import { connectAudit } from '../adapters/audit/audit-client.ts'
import { connectMirror } from '../adapters/connect/mirror.ts'
import { openRouteStore } from '../adapters/etcd/route-store.ts'
import { hookCaller } from '../adapters/hooks/hook-caller.ts'
import { connectCluster } from '../adapters/kafka/cluster.ts'
import type { Colour } from '../model/colour.ts'
import type { Wiring } from '../model/wiring.ts'
import type { Audit } from '../ports/audit.ts'
import type { Clock } from '../ports/clock.ts'
import type { Cluster } from '../ports/cluster.ts'
import type { HookCaller } from '../ports/hooks.ts'
import type { Mirror } from '../ports/mirror.ts'
import type { RouteOversight } from '../ports/route-oversight.ts'
import type { RouteStore } from '../ports/route-store.ts'

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
}

/** {@link Ports} of who may also act beside the holder of the lock: a guardian, and `kbg abort`. */
export interface OversightPorts extends Ports {
  readonly store: RouteStore & RouteOversight
}

/** Connects the real adapters; connections are made when they are first needed. */
export async function connectPorts(wiring: Wiring, clock: Clock): Promise<OversightPorts> {
  const { blue, green } = wiring.clusters
  return {
    clock,
    clusters: { blue: connectCluster(blue, clock), green: connectCluster(green, clock) },
    mirrors: {
      blue: connectMirror({ source: blue, target: green, worker: wiring.workers.green }),
      green: connectMirror({ source: green, target: blue, worker: wiring.workers.blue }),
    },
    store: await openRouteStore(wiring.routeStore, wiring.fleet, clock),
    audit: wiring.audit.length === 0 ? null : connectAudit(wiring.audit, clock),
    hooks: hookCaller,
  }
}

/** Closes every connection. */
export async function closePorts(ports: Ports): Promise<void> {
  const { clusters, mirrors, store, audit } = ports
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
