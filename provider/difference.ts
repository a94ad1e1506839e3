import { isDeepStrictEqual } from 'node:util'
import { unknownValue } from './properties.ts'
import type { Difference, PropertyDifference } from './resource-definition.ts'

/**
 * Compares inputs key by key, down to the innermost object; lists are one value. An unknown counts as changed.
 *
 * @param except top-level names that don't count
 */
export function inputDifference(old: object, wanted: object, except: readonly string[] = []): Difference {
  const found = new Map<string, PropertyDifference>()
  collect(old, wanted, '', new Set(except), found)
  return found
}

/** A difference in what was observed: nothing in the program changed. */
export function actualDifference(property: string): Difference {
  return new Map([[property, { kind: 'update', of: 'actual' } as const]])
}

/** Several differences as one; the first mention of a property counts. */
export function joinDifferences(...all: readonly Difference[]): Difference {
  return new Map(all.flatMap((each) => [...each]).reverse())
}

function collect(old: object, wanted: object, prefix: string, except: ReadonlySet<string>, found: Map<string, PropertyDifference>): void {
  const before = old as Record<string, unknown>
  const after = wanted as Record<string, unknown>
  for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
    if (except.has(name)) continue
    const [was, will, path] = [before[name], after[name], propertyPath(prefix, name)]
    if (isRecord(was) && isRecord(will)) collect(was, will, path, new Set(), found)
    else if (will === unknownValue || !isDeepStrictEqual(was, will)) found.set(path, { kind: kindOf(was, will), of: 'input' })
  }
}

/** Pulumi's property path of `name` inside `parent` (empty: the top): `limits.quietSeconds`, `brokerConfig["log.retention.ms"]`. */
export function propertyPath(parent: string, name: PropertyKey): string {
  if (typeof name === 'number') return `${parent}[${name}]`
  const plain = /^[A-Za-z_][A-Za-z0-9_]*$/.test(String(name))
  if (!plain) return `${parent}[${JSON.stringify(String(name))}]`
  return parent === '' ? String(name) : `${parent}.${String(name)}`
}

function kindOf(was: unknown, will: unknown): PropertyDifference['kind'] {
  if (was === undefined) return 'add'
  return will === undefined ? 'delete' : 'update'
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
