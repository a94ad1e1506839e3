import type { PolicyResource } from '@pulumi/policy'
import type { z } from 'zod'

/** One property of a resource as a policy may see it. A preview doesn't know everything, and what isn't known is never a pass. */
export type Known<T> = { readonly kind: 'known'; readonly value: T } | { readonly kind: 'unknown'; readonly why: string }

/**
 * Reads one property. Touching an unknown value throws in Pulumi's SDK, and thrown further it would turn a mandatory policy into a passing advisory: so everything is read through here.
 *
 * @param schema what the value must be like; another form counts as unknown, because nothing can be shown by it
 */
export function read<T>(resource: PolicyResource, property: string, schema: z.ZodType<T>): Known<T> {
  let value: unknown
  try {
    value = JSON.parse(JSON.stringify(resource.props[property] ?? null)) // a copy: it touches every value below the property
  } catch (thrown) {
    return { kind: 'unknown', why: `${property} of ${resource.name} isn't known yet (${thrown instanceof Error ? thrown.message : String(thrown)})` }
  }
  const parsed = schema.safeParse(value)
  if (parsed.success) return { kind: 'known', value: parsed.data }
  // A resource whose provider can't be configured yet has no outputs at all in a preview.
  if (value === null) return { kind: 'unknown', why: `${property} of ${resource.name} isn't known yet` }
  const issue = parsed.error.issues[0]
  const where = [property, ...(issue?.path ?? [])].map(String).join('.')
  return { kind: 'unknown', why: `${where} of ${resource.name} has another form than this policy reads (${issue?.message ?? 'unreadable'})` }
}

/** Reads one value inside a property: what stands beside it may be unknown. Nothing on the way there: null. */
export function readAt<T>(resource: PolicyResource, path: readonly string[], schema: z.ZodType<T>): Known<T> {
  let holder: unknown = resource.props
  try {
    for (const step of path.slice(0, -1)) holder = typeof holder === 'object' && holder !== null ? Reflect.get(holder, step) : undefined
  } catch (thrown) {
    return { kind: 'unknown', why: `${path.join('.')} of ${resource.name} isn't known yet (${thrown instanceof Error ? thrown.message : String(thrown)})` }
  }
  const props = typeof holder === 'object' && holder !== null ? (holder as Record<string, unknown>) : {}
  return read({ ...resource, props }, path.at(-1) ?? '', schema)
}
