import type { PolicyResource } from '@pulumi/policy'
import { z } from 'zod'
import { readAt } from './known.ts'
import type { Finding, Judgement } from './rule.ts'

/** One value of every resource of a type. */
export interface Check<T> {
  readonly type: string
  readonly path: readonly string[]
  readonly schema: z.ZodType<T>
  readonly isFine: (value: T) => boolean
  readonly required: string
}

/** Types a check by its value, and forgets the type again. */
export function check<T>(it: Check<T>): Check<unknown> {
  return it as unknown as Check<unknown>
}

/** What all checks say of a stack. */
export function judged(resources: readonly PolicyResource[], checks: readonly Check<unknown>[]): Judgement {
  const findings: Finding[] = []
  const unknown: string[] = []
  for (const { type, path, schema, isFine, required } of checks) {
    for (const resource of resources.filter((each) => each.type === type)) {
      const value = readAt(resource, path, schema)
      if (value.kind === 'unknown') unknown.push(value.why)
      else if (!isFine(value.value))
        findings.push({ where: resource.name, property: path.join('.'), observed: shown(value.value), required, urn: resource.urn })
    }
  }
  return { findings, unknown }
}

function shown(value: unknown): string {
  return value === null || value === undefined ? 'not set' : typeof value === 'string' ? value : JSON.stringify(value)
}

/** Values as inputs have them: left out they are null. */
export const text = z.string().nullable()
export const flag = z.boolean().nullable()

export const isGiven = (value: string | null): boolean => value !== null && value !== ''
