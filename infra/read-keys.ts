import type { z } from 'zod'
import { AwsSettings } from '../engine/model/aws-colour.ts'
import { ExternalAccess } from '../engine/model/external-cluster.ts'
import { GivenRouteStore } from '../engine/model/given-route-store.ts'
import { Hook } from '../engine/model/hook.ts'
import { KubernetesAudit } from '../engine/model/kubernetes-audit.ts'
import { KubernetesSettings } from '../engine/model/kubernetes-colour.ts'
import { KubernetesRouteStore } from '../engine/model/kubernetes-route-store.ts'
import { Limits } from '../engine/model/limits.ts'
import { MirrorPlugin } from '../engine/model/msk-connect.ts'
import { RouteNamesSpec } from '../engine/model/route-names.ts'
import { RouteParameterSpec } from '../engine/model/route-publication.ts'
import { RouteStoreAccess } from '../engine/model/wiring.ts'
import { betweenKeys, kubernetesBetweenKeys } from './config-keys.ts'
import { nearest } from './nearest.ts'

/** Configuration keys as Pulumi hands them over: texts by key. */
export type Values = Record<string, string>

/** What the schema makes of the values it knows; undefined, with every problem noted, when it refuses one. */
export function readKeys<Shape extends z.ZodRawShape>(schema: z.ZodObject<Shape>, values: Values, problems: string[]): z.infer<z.ZodObject<Shape>> | undefined {
  const parsed = schema.safeParse(values)
  if (parsed.success) return parsed.data
  problems.push(...parsed.error.issues.flatMap((issue) => describe(issue, values, schema.shape)))
  return undefined
}

function describe(issue: z.core.$ZodIssue, values: Values, shape: z.ZodRawShape): string[] {
  const [key, ...inner] = issue.path.map(String)
  if (key === undefined) return [issue.message]
  const allowed = (shape[key] as z.ZodType | undefined)?.description ?? 'see docs'
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((each) => `${[key, ...inner, each].join('.')}: unknown key; ${suggestion(each, innerKeys(key, shape))}`)
  if (issue.code === 'invalid_key') return [`${[key, ...inner].join('.')}: ${issue.issues.map((each) => each.message).join(', ')}`]
  if (inner.length > 0) return [`${[key, ...inner].join('.')}: ${valueAt(values[key], inner)}${lowerFirst(issue.message)}`]
  const value = values[key]
  return [value === undefined ? `${key}: missing; allowed: ${allowed}` : `${key}: ${quoted(value)} is not allowed; allowed: ${allowed}`]
}

/** The names that an object key may have inside. */
function innerKeys(key: string, shape: z.ZodRawShape): readonly string[] {
  const schemas: Readonly<Record<string, { readonly shape: object }>> = {
    ...(shape === kubernetesBetweenKeys.shape ? { routeStore: KubernetesRouteStore } : {}),
    ...(shape === betweenKeys.shape ? { routeStore: GivenRouteStore, mirror: MirrorPlugin } : {}),
    ...{ limits: Limits, hooks: Hook, dns: RouteNamesSpec, routeParameter: RouteParameterSpec },
    ...{ external: ExternalAccess, aws: AwsSettings, kubernetes: KubernetesSettings, audit: KubernetesAudit },
  }
  return Object.keys((schemas[key] ?? RouteStoreAccess).shape)
}

/** A number or flag inside an object value, shown; texts inside objects are not, for broker properties may hold passwords. */
function valueAt(text: string | undefined, path: readonly string[]): string {
  const found = path.reduce<unknown>(
    (value, name) => (typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined),
    JSON.parse(text ?? 'null'),
  )
  return typeof found === 'number' || typeof found === 'boolean' ? `${found} is not allowed; ` : ''
}

/** A value as it was typed, cut where it is an object: those may hold anything. */
function quoted(value: string): string {
  return value.startsWith('{') || value.startsWith('[') || value.length > 60 ? 'the value' : `"${value}"`
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1)
}

/** What somebody may have meant who typed that. */
export function suggestion(typed: string, known: readonly string[]): string {
  const near = nearest(typed, known)
  return near === undefined ? `allowed: ${known.join(', ')}` : `did you mean ${near}?`
}
