import type { z } from 'zod'
import { CaFile } from './cluster-access.ts'
import { RouteStoreAccess } from './wiring.ts'

/**
 * An etcd that somebody runs, as a stack names it: TLS only. Its `username` reads and writes everything below `/kbg/<fleet>/`; routed applications log in as `clientUsername`, which reads the route and
 * writes registrations (`routeKeys`).
 */
export const GivenRouteStore = RouteStoreAccess.extend({
  username: RouteStoreAccess.shape.username.default('kbg'),
  clientUsername: RouteStoreAccess.shape.username.default('client'),
  caFile: CaFile,
})
export type GivenRouteStore = z.infer<typeof GivenRouteStore>

/** How each kind of user reaches it. An application has its password in a file of its own. */
export function accessesOf({ clientUsername, ...operator }: GivenRouteStore): { readonly access: RouteStoreAccess; readonly clientAccess: RouteStoreAccess } {
  return { access: operator, clientAccess: { ...operator, username: clientUsername } }
}
