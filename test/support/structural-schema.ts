/** What Strimzi's definitions say of a value, read as Kubernetes reads them, as far as they use it. `npm test` has no API server to ask. */
import { z } from 'zod'

/** A schema of a CustomResourceDefinition. */
export interface StructuralSchema {
  readonly type?: string | undefined
  readonly properties?: Readonly<Record<string, StructuralSchema>> | undefined
  readonly additionalProperties?: StructuralSchema | boolean | undefined
  readonly items?: StructuralSchema | undefined
  readonly required?: readonly string[] | undefined
  readonly enum?: readonly unknown[] | undefined
  readonly pattern?: string | undefined
  readonly minimum?: number | undefined
  readonly 'x-kubernetes-int-or-string'?: boolean | undefined
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean | undefined
}
const Schema: z.ZodType<StructuralSchema> = z.lazy(() =>
  z.object({
    ...{ type: z.string().optional(), properties: z.record(z.string(), Schema).optional(), items: Schema.optional(), required: z.array(z.string()).optional() },
    ...{ additionalProperties: z.union([z.boolean(), Schema]).optional(), enum: z.array(z.unknown()).optional(), pattern: z.string().optional() },
    ...{ minimum: z.number().optional(), 'x-kubernetes-int-or-string': z.boolean().optional(), 'x-kubernetes-preserve-unknown-fields': z.boolean().optional() },
  }),
)

/** A CustomResourceDefinition with one version, as Strimzi's are. */
export const Definition = z.object({
  spec: z.object({
    names: z.object({ kind: z.string() }),
    versions: z.tuple([z.object({ name: z.string(), schema: z.object({ openAPIV3Schema: Schema }) })]),
  }),
})

/** Where a value is otherwise than its schema says; empty when it is as it says. */
export function schemaProblems(value: unknown, schema: StructuralSchema, path: string): readonly string[] {
  if (schema['x-kubernetes-int-or-string'] === true) return typeof value === 'string' || Number.isInteger(value) ? [] : [`${path}: neither text nor number`]
  const own = [
    ...(schema.enum === undefined || schema.enum.includes(value) ? [] : [`${path}: ${String(value)} is none of ${schema.enum.join(', ')}`]),
    ...(schema.pattern === undefined || new RegExp(schema.pattern).test(String(value)) ? [] : [`${path}: ${String(value)} should match ${schema.pattern}`]),
    ...(schema.minimum === undefined || Number(value) >= schema.minimum ? [] : [`${path}: ${String(value)} is below ${schema.minimum}`]),
  ]
  switch (schema.type) {
    case 'object':
      return typeof value === 'object' && value !== null && !Array.isArray(value) ? [...own, ...inObject(value, schema, path)] : [`${path}: not an object`]
    case 'array':
      return Array.isArray(value)
        ? [...own, ...value.flatMap((each, index) => schemaProblems(each, schema.items ?? {}, `${path}[${index}]`))]
        : [`${path}: not a list`]
    case 'integer':
      return Number.isInteger(value) ? own : [`${path}: not a whole number`]
    case 'string':
    case 'boolean':
    case 'number':
      return typeof value === schema.type ? own : [`${path}: no ${schema.type}`]
    default:
      return own
  }
}

function inObject(value: object, schema: StructuralSchema, path: string): readonly string[] {
  const missing = (schema.required ?? []).filter((key) => !Object.hasOwn(value, key)).map((key) => `${path}.${key}: missing`)
  const of = (key: string): StructuralSchema | undefined => {
    const { additionalProperties: more } = schema
    if (schema.properties?.[key] !== undefined) return schema.properties[key]
    if (more !== undefined && more !== false) return more === true ? {} : more
    return schema['x-kubernetes-preserve-unknown-fields'] === true ? {} : undefined
  }
  const inside = Object.entries(value).flatMap(([key, each]) => {
    const found = of(key)
    return found === undefined ? [`${path}.${key}: unknown`] : schemaProblems(each, found, `${path}.${key}`)
  })
  return [...missing, ...inside]
}
