import { z } from 'zod'
import { KbgError } from './error.ts'
import { GroupRoute, RouteDocument } from './route.ts'

/** How often a client that polls asks, in milliseconds. Its longest stays well below the time that the members of a group have to leave (half of `groupMoveDeadlineMs`, 15 s unless set). */
export const PollInterval = z.int().min(250).max(10_000).default(1_000)

const Region = z.string().regex(/^[a-z]{2}(?:-[a-z]+)+-\d$/, 'a region, for example eu-central-1')

/** An SSM parameter that holds the route for clients that can't reach the route store. */
export const RouteParameter = z.strictObject({
  region: Region,
  name: z.string().regex(/^\/[a-zA-Z0-9/._-]{1,1000}$/, 'the name of a parameter, for example /kbg/shop/route'),
  pollIntervalMs: PollInterval,
})
export type RouteParameter = z.infer<typeof RouteParameter>

/** A private zone of Route 53 that holds the route as names. */
export const RouteNamesZone = z.strictObject({ region: Region, zoneId: z.string().min(1), zone: z.string().min(1) })
export type RouteNamesZone = z.infer<typeof RouteNamesZone>

/** Where what the route store has decided is published. Nothing is decided there. Credentials are AWS's own chain's. */
export const RoutePublications = z.strictObject({ parameter: RouteParameter.optional(), names: RouteNamesZone.optional() })
export type RoutePublications = z.infer<typeof RoutePublications>

/** Where the traffic stack's config asks for the parameter. */
export const RouteParameterSpec = z.strictObject({
  account: z.string().regex(/^\d{12}$/, "an account's 12 digits, in quotes"),
  region: Region,
  pollIntervalMs: PollInterval,
})
export type RouteParameterSpec = z.infer<typeof RouteParameterSpec>

/** The name of a fleet's parameter. */
export function routeParameterName(fleet: string): string {
  return `/kbg/${fleet}/route`
}

/** What the parameter holds from its making until the first publication. */
export const notPublishedYet = 'not published yet'

/** Bytes that an advanced parameter takes. */
export const mostParameterBytes = 8_192

/** One write of a publication, or one read of it, at most. */
export const publishMs = 5_000
/** Until a guardian has seen that a publication is behind the route store, where nobody else has published. */
export const publicationSeenMs = 1_000

/** How long after a decision a client that polls knows it at most, while the parameter can be reached and a guardian lives: in milliseconds. */
export function polledLagMs(pollIntervalMs: number): number {
  return publicationSeenMs + publishMs + pollIntervalMs + publishMs
}

/** The route as it is published: everything that a client acts on. Why a move failed is no client's business, and may be long. */
export function publishedText(route: RouteDocument): string {
  return JSON.stringify({ ...route, latch: null })
}

/** Refuses a route that the parameter can't hold. @throws KbgError `publication-too-large` */
export function refuseTooLarge(text: string, place: string): void {
  const bytes = Buffer.byteLength(text)
  if (bytes <= mostParameterBytes) return
  throw new KbgError('publication-too-large', `The route is too large for ${place}.`, {
    facts: { observed: `${bytes} bytes`, required: `${mostParameterBytes} at most` },
    remedy:
      'Every group that is held or reads elsewhere stands in it. A fleet of so many groups needs clients that reach the route store (etcd): take routeParameter out of the config.',
  })
}

/** The largest form that a route may take while these groups move. */
export function largestForm(route: RouteDocument, groupIds: readonly string[]): RouteDocument {
  const held = GroupRoute.parse({ colour: 'green', state: 'running' })
  const groups = Object.fromEntries(groupIds.map((groupId) => [groupId, held]))
  return { ...route, epoch: Number.MAX_SAFE_INTEGER, state: 'deciding', live: 'blue', target: 'green', groups: { ...route.groups, ...groups } }
}

/**
 * The route that a parameter holds; null while nothing was published.
 *
 * @throws KbgError `publication-corrupt`, `publication-foreign`
 */
export function publishedRoute(text: string, fleet: string, place: string): RouteDocument | null {
  if (text === notPublishedYet) return null
  const parsed = RouteDocument.safeParse(parseJson(text))
  if (!parsed.success) {
    throw new KbgError('publication-corrupt', `What ${place} holds is no route.`, {
      facts: { problems: parsed.error.issues.map((issue) => `${issue.path.join('.') || 'value'}: ${issue.message}`) },
    })
  }
  if (parsed.data.fleet === fleet) return parsed.data
  throw new KbgError('publication-foreign', `${place} holds the route of another fleet.`, { facts: { observed: parsed.data.fleet, required: fleet } })
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // refused by the schema, with the place
  }
}
