import type { Colour } from '../model/colour.ts'
import type { RouteDocument } from '../model/route.ts'
import { producersClass, routeValues } from '../model/route-names.ts'
import type { Waves } from '../model/wave.ts'
import { consumersOf } from './waves.ts'

/**
 * What each name of a zone answers for a route (pure): one for whoever writes and for groups without a wave, one for each wave. While producers are held theirs says where they were: it is kept by resolvers for longer than a
 * hold lasts, and the fence refuses who comes there. A wave that is held, or that reads on both colours, has no address.
 */
export function publishedNames(route: RouteDocument, waves: Waves, zone: string): ReadonlyMap<string, readonly string[]> {
  const consumers = consumersOf(route, waves)
  const answer = (where: string, servers: readonly string[]) => [`epoch=${route.epoch}`, ...routeValues(where, servers)]
  return new Map([
    [`${producersClass}.${zone}`, answer(route.live, route.colours[route.live].produceBootstrapServers)],
    ...Object.entries(consumers).map(([wave, where]) => [`${wave}.${zone}`, answer(where, readFrom(route, where))] as const),
  ])
}

function readFrom(route: RouteDocument, where: Colour | 'held' | 'mixed'): readonly string[] {
  return where === 'held' || where === 'mixed' ? [] : route.colours[where].consumeBootstrapServers
}
