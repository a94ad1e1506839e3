import { openMirror } from '../../adapters/connect/open-mirror.ts'
import { openRouteStore } from '../../adapters/etcd/route-store.ts'
import { hookCaller } from '../../adapters/hooks/hook-caller.ts'
import { connectDrillCluster } from '../../adapters/kafka/cluster.ts'
import type { Colour } from '../../model/colour.ts'
import { drillFleet, drillGroup, drillTopics } from '../../model/drill.ts'
import type { Wiring } from '../../model/wiring.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Ports } from '../ports.ts'
import { drillMirror } from './drill-mirror.ts'

/** A fleet's wiring as its drill has it: the same brokers, workers and store; topics, group and route of its own; no audit, no guardian, no hook. */
export function drillWiring(wiring: Wiring): Wiring {
  const own = { fleet: drillFleet(wiring.fleet), topics: [drillTopics.records], groups: [drillGroup] }
  return { ...wiring, ...own, audit: [], guardians: [], waves: {}, unprovenGroups: {}, hooks: [], publications: {} }
}

/** {@link Ports} of a fleet's drill. @param standby the fleet's: there its own fence stays, whatever the drill does */
export async function connectDrillPorts(wiring: Wiring, standby: Colour, clock: Clock): Promise<Ports> {
  const { blue, green } = wiring.clusters
  return {
    clock,
    clusters: { blue: connectDrillCluster(blue, clock, standby === 'blue'), green: connectDrillCluster(green, clock, standby === 'green') },
    mirrors: {
      blue: drillMirror(await openMirror(blue, green, wiring.workers.green)),
      green: drillMirror(await openMirror(green, blue, wiring.workers.blue)),
    },
    store: openRouteStore(wiring.routeStore, drillFleet(wiring.fleet), clock),
    audit: null,
    hooks: hookCaller,
    publications: [],
  }
}
