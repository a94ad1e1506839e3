/** Makes a definition answer to untyped requests: parses what comes, and tells unknown from wrong. */
import type { z } from 'zod'
import { KbgError } from '../engine/model/error.ts'
import { propertyPath } from './difference.ts'
import { type PropertyMap, type PropertyValue, unknownPaths, unknownValue } from './properties.ts'
import type { Call, Difference, Known, Refusal, ResourceDefinition, Stored } from './resource-definition.ts'

/** What the engine's state says of a resource. */
export interface StoredProperties {
  readonly id: string
  readonly inputs: PropertyMap
  readonly outputs: PropertyMap
}

/** One resource type as the service calls it. */
export interface ResourceHandler {
  readonly type: string
  readonly description: string
  readonly refreshBeforeUpdate: boolean
  /** The inputs with defaults filled in, and everything that is wrong with them, all at once. */
  check(old: PropertyMap | undefined, news: PropertyMap): { readonly inputs: PropertyMap; readonly refusals: readonly Refusal[] }
  diff(old: StoredProperties, news: PropertyMap): Difference
  previewCreate(news: PropertyMap, call: Call): Promise<PropertyMap>
  previewUpdate(old: StoredProperties, news: PropertyMap, call: Call): Promise<PropertyMap>
  create(news: PropertyMap, call: Call): Promise<{ readonly id: string; readonly properties: PropertyMap }>
  update(old: StoredProperties, news: PropertyMap, call: Call): Promise<PropertyMap>
  read(old: StoredProperties, call: Call): Promise<{ readonly inputs: PropertyMap; readonly properties: PropertyMap }>
  delete(old: StoredProperties, call: Call): Promise<void>
}

/** The handler of a definition. */
export function handlerOf<I extends object, O extends object>(definition: ResourceDefinition<I, O>): ResourceHandler {
  const stored = (old: StoredProperties): Stored<I, O> => ({
    id: old.id,
    inputs: parseStored(definition.storedInputs ?? definition.inputs, old.inputs, definition.type, 'inputs'),
    outputs: parseStored(definition.outputs, old.outputs, definition.type, 'outputs'),
  })
  const wanted = (news: PropertyMap): Known<I> => collapseUnknowns<I>(news)
  const inputs = (news: PropertyMap): I => parseInputs(definition.inputs, news, definition.type)
  const merged = (given: object, found: object): PropertyMap => ({ ...given, ...found }) as PropertyMap
  return {
    type: definition.type,
    description: definition.description,
    refreshBeforeUpdate: definition.refreshBeforeUpdate,
    check: (old, news) => checkInputs(definition, old, news),
    diff: (old, news) => definition.diff(stored(old), wanted(news)),
    previewCreate: async (news, call) => merged(news, await definition.previewCreate(wanted(news), call)),
    previewUpdate: async (old, news, call) => merged(news, await definition.previewUpdate(stored(old), wanted(news), call)),
    create: async (news, call) => {
      const given = inputs(news)
      const { id, outputs } = await definition.create(given, call)
      return { id, properties: merged(given, outputs) }
    },
    update: async (old, news, call) => {
      const given = inputs(news)
      return merged(given, await definition.update(stored(old), given, call))
    },
    read: async (old, call) => {
      const found = await definition.read(stored(old), call)
      return { inputs: found.inputs as PropertyMap, properties: merged(found.inputs, found.outputs) }
    },
    delete: (old, call) => definition.delete(stored(old), call),
  }
}

function checkInputs<I extends object, O extends object>(
  definition: ResourceDefinition<I, O>,
  old: PropertyMap | undefined,
  news: PropertyMap,
): { readonly inputs: PropertyMap; readonly refusals: readonly Refusal[] } {
  const unknowns = unknownPaths(news)
  const parsed = definition.inputs.safeParse(news)
  const problems = parsed.success ? [] : parsed.error.issues.filter((issue) => !unknowns.some((path) => concerns(issue.path, path)))
  const refusals = problems.map((issue) => ({ property: issue.path.reduce<string>(propertyPath, ''), reason: issue.message }))
  const before = old === undefined ? undefined : (definition.storedInputs ?? definition.inputs).safeParse(old)
  const refused = before?.success
    ? (definition.refuseChange?.(before.data, collapseUnknowns<I>(parsed.success ? (parsed.data as PropertyMap) : news)) ?? [])
    : []
  // defaults can be filled in only where everything is known; the update itself fills them in then
  return { inputs: parsed.success ? (parsed.data as PropertyMap) : news, refusals: [...refusals, ...refused] }
}

/** Whether a problem at `issue` may be due to the unknown at `unknown`: one of the paths leads to the other. */
function concerns(issue: readonly PropertyKey[], unknown: readonly PropertyKey[]): boolean {
  const shared = Math.min(issue.length, unknown.length)
  return issue.slice(0, shared).every((key, index) => key === unknown[index])
}

function collapseUnknowns<T extends object>(news: PropertyMap): Known<T> {
  const collapse = (value: PropertyValue): PropertyValue => (unknownPaths(value).length > 0 ? unknownValue : value)
  return Object.fromEntries(Object.entries(news).map(([name, value]) => [name, collapse(value)])) as Known<T>
}

function parseInputs<I>(schema: z.ZodType<I>, news: PropertyMap, type: string): I {
  const parsed = schema.safeParse(news)
  if (parsed.success) return parsed.data
  throw new KbgError('inputs', `The inputs of ${type} are not valid: ${problemsOf(parsed.error)}.`)
}

function parseStored<T>(schema: z.ZodType<T>, values: PropertyMap, type: string, what: 'inputs' | 'outputs'): T {
  const parsed = schema.safeParse(values)
  if (parsed.success) return parsed.data
  throw new KbgError('state', `Pulumi's state holds ${what} of ${type} that this version can't read: ${problemsOf(parsed.error)}.`, {
    remedy: 'Use the version of this project that wrote them. Importing isn’t possible: a resource is created, never adopted by its id.',
  })
}

function problemsOf(error: z.ZodError): string {
  return error.issues.map((issue) => `${issue.path.reduce<string>(propertyPath, '') || '(all)'}: ${issue.message}`).join('; ')
}
