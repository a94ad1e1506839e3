/** Where a session has the route from: the route store itself, or what is published of it. */
import { KbgError } from '../engine/model/error.ts'
import { type ClientRegistration, RouteDocument } from '../engine/model/route.ts'

/** The route of one fleet while somebody follows it. Hands over every document that it is told, also an older or repeated one: epochs are the session's to compare. */
export interface RouteFeed {
  /** Rejects when waiting mends nothing from now on. Who follows the route already stays on its epoch. */
  readonly refused: Promise<never>
  readonly lastError: unknown
  /** Says who is here and what it has acted on; repeated until it is taken. Of a feed that nobody can be registered at it does nothing. */
  register(registration: ClientRegistration): Promise<void>
  unregister(instanceId: string): Promise<void>
  /** Reads the route now. Repeats while it can't be reached. @throws KbgError `route-missing`, `route-corrupt`, `route-session-closed` */
  refresh(): Promise<unknown>
  close(): Promise<void>
}

/** Between two tries to reach the route. */
export const retryPauseMs = 100

/** @throws KbgError `route-corrupt` */
export function parseRoute(key: string, text: string): RouteDocument {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    value = undefined // refused below, with the key
  }
  const parsed = RouteDocument.safeParse(value)
  if (parsed.success) return parsed.data
  throw new KbgError('route-corrupt', `The route can't be read; the epoch in force stays.`, {
    facts: { key, problems: parsed.error.issues.map((issue) => `${issue.path.join('.') || 'value'}: ${issue.message}`) },
  })
}
