import { z } from 'zod'
import { ClusterAccess, platformUsers } from './cluster-access.ts'
import type { AclBinding } from './facts.ts'

/** What the process that fences a new colour is started with. No secret. */
export const BirthConfig = z.strictObject({
  access: ClusterAccess,
  /** Brokers that have to refuse. */
  brokers: z.int().positive(),
  deadlineSeconds: z.int().min(1).max(3_600),
})
export type BirthConfig = z.infer<typeof BirthConfig>

/** Whom bindings give rights to that are no part of this project: a colour with any of them may be in use, and is never fenced at its birth. */
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
