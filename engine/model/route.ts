import { z } from 'zod'
import { Colour } from './colour.ts'
import { RoutedFleet } from './fleet.ts'

/** How clients reach a colour. No secret: credentials travel as references, and are the same on both colours. */
export const ColourEndpoints = z.strictObject({
  clusterId: z.string().min(1),
  /** `host:port` list of the listener for producers; the endpoint fence can close it. */
  produceBootstrapServers: z.array(z.string().min(1)).min(1),
  /** `host:port` list of the listener for consumers; it stays open while producers are held. */
  consumeBootstrapServers: z.array(z.string().min(1)).min(1),
})
export type ColourEndpoints = z.infer<typeof ColourEndpoints>

/**
 * Who may write, and what is being decided.
 *
 * `open`: producers write to `live`. `held`: nobody writes; a switch to `target` is open. `aborting`: it was decided that `live` stays; its fence is
 * being lifted. `deciding`: it was decided that `target` takes over (the point of no return); its fence is being lifted. Clients treat the last three alike.
 */
export const RouteState = z.enum(['open', 'held', 'aborting', 'deciding'])
export type RouteState = z.infer<typeof RouteState>

/** Where a consumer group reads. `held`: its members commit what they processed, leave, and wait. */
export const GroupRoute = z.strictObject({ colour: Colour, state: z.enum(['running', 'held']) })
export type GroupRoute = z.infer<typeof GroupRoute>

/** After a failed or automatic move: nothing moves again before the intent carries a new `attempt`. */
export const Latch = z.strictObject({ attempt: z.int().nonnegative(), reason: z.string(), atWallClock: z.iso.datetime() })
export type Latch = z.infer<typeof Latch>

/** The route: the document that says who goes where. `epoch` strictly increases with every version. */
export const RouteDocument = z
  .strictObject({
    version: z.literal(1),
    fleet: RoutedFleet,
    epoch: z.int().positive(),
    state: RouteState,
    live: Colour,
    target: Colour.nullable(),
    /** The create revision of the lock under which this was written: whose switch is open. */
    term: z.string().regex(/^\d+$/),
    /** Number of the intent that led here; the latch compares it. */
    attempt: z.int().nonnegative(),
    colours: z.strictObject({ blue: ColourEndpoints, green: ColourEndpoints }),
    /** Where groups read that aren't listed in `groups`. */
    defaultConsumerColour: Colour,
    groups: z.record(z.string(), GroupRoute),
    latch: Latch.nullable(),
  })
  .check((context) => {
    const route = context.value
    const moving = route.state !== 'open'
    if (moving && (route.target === null || route.target === route.live)) {
      context.issues.push({ code: 'custom', message: `state ${route.state} needs a target other than live`, input: route, path: ['target'] })
    }
    if (!moving && route.target !== null) {
      context.issues.push({ code: 'custom', message: 'an open route has no target', input: route, path: ['target'] })
    }
  })
export type RouteDocument = z.infer<typeof RouteDocument>

/** The colour that a routed producer may write to now, or null while it has to hold. */
export function writableColour(route: RouteDocument): Colour | null {
  return route.state === 'open' ? route.live : null
}

/** Where a consumer group reads now. */
export function groupRoute(route: RouteDocument, groupId: string): GroupRoute {
  return route.groups[groupId] ?? { colour: route.defaultConsumerColour, state: 'running' }
}

/**
 * What a routed client says of itself, under a lease: who must acknowledge a hold. Two kinds are this project's own processes. `write-back` keeps the live side's copy of
 * positions that groups commit on the standby; its acknowledgement means that no commit of an earlier epoch is under way. `guardian` finishes what an orchestrator
 * left open; its acknowledgement only says which epoch it has seen.
 */
export const ClientRegistration = z.strictObject({
  version: z.literal(1),
  clientId: z.string().min(1),
  instanceId: z.string().min(1),
  kind: z.enum(['producer', 'transactional-producer', 'consumer', 'write-back', 'guardian']),
  /** Consumers only. */
  groupId: z.string().nullable(),
  transactionalId: z.string().nullable(),
  /** The last epoch that this client acted on: for a held epoch it means "flushed and stopped". */
  ackedEpoch: z.int().nonnegative(),
  state: z.enum(['running', 'held']),
  /** The colour it writes to or reads from; null while held, and for a consumer that reads both. A guardian: the colour that it stands beside. */
  colour: Colour.nullable(),
  software: z.string(),
})
export type ClientRegistration = z.infer<typeof ClientRegistration>

/** Whether a client must flush and stop before a hold is over; the others go on. */
export function mustHold(client: ClientRegistration): boolean {
  return client.kind === 'producer' || client.kind === 'transactional-producer'
}

/** Whether a client is an application's: this project's own processes aren't. */
export function isApplication(client: ClientRegistration): boolean {
  return client.kind !== 'write-back' && client.kind !== 'guardian'
}

/** Keys of a fleet in the config store. */
export function routeKeys(fleet: string) {
  const root = `/kbg/${fleet}`
  return {
    route: `${root}/route`,
    lock: `${root}/lock`,
    /** Somebody asks the holder of the lock to take its switchover back; it goes with the lock's lease. */
    abortRequest: `${root}/lock/abort-request`,
    journalHead: `${root}/journal/head`,
    journalBase: `${root}/journal/base`,
    journalEntry: (number: number) => `${root}/journal/entry/${String(number).padStart(12, '0')}`,
    journalPrefix: `${root}/journal/entry/`,
    client: (instanceId: string) => `${root}/clients/${instanceId}`,
    clientPrefix: `${root}/clients/`,
    /** What a guardian sees of both colours; it goes with the lease of its registration. */
    sight: (instanceId: string) => `${root}/sights/${instanceId}`,
    sightPrefix: `${root}/sights/`,
    /** Below the keys of the fleet's drill, so that it goes with them. */
    drillMark: `${root}/drill/begun`,
  }
}
