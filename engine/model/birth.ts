import { z } from 'zod'
import { ClusterAccess, platformUsers } from './cluster-access.ts'
import type { Colour } from './colour.ts'
import type { AclBinding } from './facts.ts'
import type { RouteDocument } from './route.ts'

/** What the process that fences a new colour is started with. No secret. */
export const BirthConfig = z.strictObject({
  access: ClusterAccess,
  /** Brokers that have to refuse. */
  brokers: z.int().positive(),
  deadlineSeconds: z.int().min(1).max(3_600),
})
export type BirthConfig = z.infer<typeof BirthConfig>

/** What a fleet's route says of a colour before its birth; `nothing`: none can be read, or there is none yet. */
export type RouteAtBirth = 'live' | 'standby' | 'nothing'

export function routeAtBirth(colour: Colour, route: Pick<RouteDocument, 'live'> | null): RouteAtBirth {
  if (route === null) return 'nothing'
  return route.live === colour ? 'live' : 'standby'
}

/** Why a colour is left open at its birth; empty: it is fenced. Where a route is read it alone decides: a standby has to be fenced whoever has rights there, else who has may be using it. */
export function reasonsToLeaveOpen(said: RouteAtBirth, bindings: readonly AclBinding[]): readonly string[] {
  switch (said) {
    case 'live':
      return ['the route says that it is live']
    case 'standby':
      return []
    case 'nothing':
      return applicationsIn(bindings).map((principal) => `${principal} has rights there`)
  }
}

/** Whom bindings give rights to that are no part of this project: a colour with any of them may be in use. */
export function applicationsIn(bindings: readonly AclBinding[]): readonly string[] {
  const granted = bindings.filter(({ permission, principal, resourceName }) => permission === 'allow' && !isOwn(principal) && !isInternal(resourceName))
  return [...new Set(granted.map(({ principal }) => principal))].sort()
}

/** Of this project, or a certificate's: where applications log in by password only brokers have one. */
function isOwn(principal: string): boolean {
  return principal.startsWith('User:CN=') || Object.values(platformUsers).some((user) => principal === `User:${user}`)
}

/** Of the cluster itself: its offsets, its own canary. */
function isInternal(resourceName: string): boolean {
  return resourceName.startsWith('__')
}
