import type { Colour } from '../model/colour.ts'
import { KbgError } from '../model/error.ts'
import type { ColourEndpoints, GroupRoute, Latch, RouteDocument } from '../model/route.ts'

/** The legal moves of the route document. Each takes the document it starts from and refuses any other state, so that an illegal order can't be written. */

/** The first route of a fleet: `live` is open, everybody reads there. Its epoch is above any that a client can have seen. */
export function firstRoute(fleet: string, live: Colour, colours: RouteDocument['colours'], highestEpoch: number, attempt: number, term: string): RouteDocument {
  return {
    version: 1,
    fleet,
    epoch: highestEpoch + 1,
    state: 'open',
    live,
    target: null,
    term,
    attempt,
    colours,
    defaultConsumerColour: live,
    groups: {},
    latch: null,
  }
}

/** open -> held: routed producers flush and stop; consumers go on where they are. */
export function held(route: RouteDocument, target: Colour, attempt: number, term: string, colours: RouteDocument['colours']): RouteDocument {
  expectState(route, 'open', 'held')
  return { ...route, epoch: route.epoch + 1, state: 'held', target, attempt, term, colours }
}

/** held -> aborting: it is decided that the source stays. */
export function aborting(route: RouteDocument, term: string): RouteDocument {
  expectState(route, 'held', 'aborting')
  return { ...route, epoch: route.epoch + 1, state: 'aborting', term }
}

/** aborting -> open on the source, latched: the same attempt doesn't move again. */
export function restored(route: RouteDocument, latch: Latch, term: string): RouteDocument {
  expectState(route, 'aborting', 'open')
  return { ...route, epoch: route.epoch + 1, state: 'open', target: null, term, latch }
}

/** held -> deciding: it is decided that the target takes over. The point of no return. */
export function deciding(route: RouteDocument, term: string): RouteDocument {
  expectState(route, 'held', 'deciding')
  return { ...route, epoch: route.epoch + 1, state: 'deciding', term }
}

/** open -> deciding: a failover. The source is gone, so that nobody could be held on it, and nobody could give it its writers back. */
export function failingOver(route: RouteDocument, target: Colour, attempt: number, term: string, colours: RouteDocument['colours']): RouteDocument {
  expectState(route, 'open', 'deciding without the source')
  return { ...route, epoch: route.epoch + 1, state: 'deciding', target, attempt, term, colours }
}

/**
 * deciding -> open on the target. Consumer groups stay where they were until each is moved. A latch goes with a newer attempt; that of a way back, which was latched before it moved under its own,
 * stays.
 */
export function published(route: RouteDocument, term: string): RouteDocument {
  expectState(route, 'deciding', 'open')
  if (route.target === null) throw new KbgError('route-move', 'A deciding route names no target.', { facts: { epoch: route.epoch } })
  return { ...route, epoch: route.epoch + 1, state: 'open', live: route.target, target: null, term, latch: isLatched(route) ? route.latch : null }
}

/** Whether the route's latch holds its own attempt. */
function isLatched({ latch, attempt }: RouteDocument): boolean {
  return latch !== null && latch.attempt >= attempt
}

/** Sets where groups read, and whether their members have to leave first. */
export function groupsSet(route: RouteDocument, groups: Readonly<Record<string, GroupRoute>>, term: string): RouteDocument {
  expectState(route, 'open', 'open with moved groups')
  return { ...route, epoch: route.epoch + 1, groups: { ...route.groups, ...groups }, term }
}

/** Sets where groups read that aren't listed, and drops the entries that say the same. */
export function consumersDefault(route: RouteDocument, colour: Colour, term: string): RouteDocument {
  expectState(route, 'open', 'open with another default')
  const groups = Object.fromEntries(Object.entries(route.groups).filter(([, group]) => group.colour !== colour || group.state !== 'running'))
  return { ...route, epoch: route.epoch + 1, groups, defaultConsumerColour: colour, term }
}

/** Groups that a run left held read on where they were: nobody has published another place for them. */
export function heldGroupsReleased(route: RouteDocument, term: string): RouteDocument {
  expectState(route, 'open', 'open with released groups')
  const groups = Object.fromEntries(Object.entries(route.groups).map(([groupId, group]) => [groupId, { ...group, state: 'running' as const }]))
  return { ...route, epoch: route.epoch + 1, groups, term }
}

/** Latches an open route: the same attempt doesn't move again. */
export function latched(route: RouteDocument, latch: Latch, term: string): RouteDocument {
  expectState(route, 'open', 'open and latched')
  return { ...route, epoch: route.epoch + 1, latch, term }
}

/** What the route says of a colour. */
export function endpointsOf(access: { clusterId: string; produceBootstrapServers: string[]; consumeBootstrapServers: string[] }): ColourEndpoints {
  return {
    clusterId: access.clusterId,
    produceBootstrapServers: access.produceBootstrapServers,
    consumeBootstrapServers: access.consumeBootstrapServers,
  }
}

function expectState(route: RouteDocument, from: RouteDocument['state'], to: string): void {
  if (route.state !== from) {
    throw new KbgError('route-move', `The route can't become ${to}.`, { facts: { observed: route.state, required: from, epoch: route.epoch } })
  }
}
