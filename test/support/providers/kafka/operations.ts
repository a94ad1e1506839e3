import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import type { Brokers } from './brokers.ts'
import type { ResourceType } from './resource.ts'
import { isUnknown, type Properties, revealAll, seal, secretKeys } from './values.ts'

/** One property that a program gave wrongly. */
export interface CheckFailure {
  readonly property: string
  readonly reason: string
}

/** How one property differs. */
export interface PropertyChange {
  readonly key: string
  /** The property itself, or the entry of a map in it, in Pulumi's path notation. */
  readonly path: string
  readonly kind: 'add' | 'delete' | 'update'
  readonly replaces: boolean
}

/** What Pulumi keeps of a resource. */
export interface ResourceState {
  readonly id: string
  readonly properties: Properties
}

/** What can be done with one kind of resource, on properties as the engine sends and stores them (secrets sealed, unknowns marked). */
export interface Operations {
  readonly token: string
  /** The program's properties completed with defaults and a made-up name, and everything that is wrong with them. */
  check(olds: Properties, news: Properties, resourceName: string, suffix: string): { readonly inputs: Properties; readonly failures: readonly CheckFailure[] }
  diff(olds: Properties, news: Properties): readonly PropertyChange[]
  /** What Kafka says now; undefined when it isn't there. */
  read(id: string, known: Properties, brokers: Brokers): Promise<Properties | undefined>
  create(inputs: Properties, brokers: Brokers): Promise<ResourceState>
  update(olds: Properties, news: Properties, brokers: Brokers): Promise<Properties>
  delete(olds: Properties, brokers: Brokers): Promise<void>
}

/** Puts a resource type behind the operations that the engine asks for. */
export function operationsOf<Inputs extends Properties>(type: ResourceType<Inputs>): Operations {
  // What the engine hands back was checked by `check` before, or made by `read`.
  const parse = (properties: Properties): Inputs => type.schema.parse(revealAll(properties)) as Inputs
  const outputs = (inputs: Inputs, from: Properties): Properties => seal(inputs, new Set([...type.secrets, ...secretKeys(from)]))
  const what = (verb: string, id: string): string => `${verb} ${type.token.split(':').at(-1)} ${id}`
  return {
    token: type.token,
    check: (olds, news, resourceName, suffix) => check(type, olds, news, resourceName, suffix),
    diff: (olds, news) => diff(type, olds, news),
    read: async (id, known, brokers) => {
      const found = await type.read(id, revealAll(known) as Partial<Inputs>, brokers, brokers.deadline(what('reading', id)))
      return found && outputs(found, known)
    },
    create: async (properties, brokers) => {
      const inputs = parse(properties)
      const id = type.id(inputs)
      await type.create(inputs, brokers, brokers.deadline(what('creating', id)))
      return { id, properties: outputs(inputs, properties) }
    },
    update: async (olds, news, brokers) => {
      const inputs = parse(news)
      await type.update(parse(olds), inputs, brokers, brokers.deadline(what('updating', type.id(inputs))))
      return outputs(inputs, news)
    },
    delete: async (olds, brokers) => {
      const inputs = parse(olds)
      await type.delete(inputs, brokers, brokers.deadline(what('deleting', type.id(inputs))))
    },
  }
}

function check<Inputs extends Properties>(type: ResourceType<Inputs>, olds: Properties, given: Properties, resourceName: string, suffix: string) {
  const { autoNamed } = type
  const name = autoNamed === undefined ? {} : { [autoNamed]: given[autoNamed] ?? olds[autoNamed] ?? `${resourceName}-${suffix}` }
  const news: Properties = { ...given, ...name }
  // What is known only later is checked later.
  const later = Object.keys(news).filter((key) => isUnknown(news[key]))
  const known = Object.fromEntries(Object.entries(news).filter(([key, value]) => value !== null && !later.includes(key)))
  const schema = z.strictObject(Object.fromEntries(Object.entries(type.schema.shape).filter(([key]) => !later.includes(key))))
  const parsed = schema.safeParse(revealAll(known))
  if (!parsed.success) return { inputs: news, failures: parsed.error.issues.flatMap(failuresOf) }
  const sealed = seal(parsed.data, new Set([...type.secrets, ...secretKeys(news)]))
  return { inputs: { ...sealed, ...Object.fromEntries(later.map((key) => [key, news[key]])) }, failures: [] }
}

function failuresOf(issue: z.core.$ZodIssue): CheckFailure[] {
  const path = issue.path.map(String).join('.')
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => ({ property: key, reason: 'there is no such property' }))
  return [{ property: path, reason: issue.message }]
}

function diff<Inputs extends Properties>(type: ResourceType<Inputs>, sealedOlds: Properties, sealedNews: Properties): PropertyChange[] {
  const [olds, news] = [revealAll(sealedOlds), revealAll(sealedNews)]
  const keys = [...new Set([...Object.keys(olds), ...Object.keys(news)])].filter((key) => key in type.schema.shape)
  return keys.flatMap((key) => {
    const [was, is] = [meant(olds[key]), meant(news[key])]
    if (isDeepStrictEqual(was, is)) return []
    // Unknown: it may become anything, but a map or a count that is only computed late is no reason to announce a replacement.
    const replaces = type.replaces(key, olds as Inputs, news as Inputs) && !(isUnknown(is) && key === 'partitions')
    if (isRecord(was) && isRecord(is)) return entriesOf(key, was, is).map((change) => ({ ...change, replaces }))
    return [{ key, path: key, kind: was === undefined ? ('add' as const) : is === undefined ? ('delete' as const) : ('update' as const), replaces }]
  })
}

function entriesOf(key: string, was: Record<string, unknown>, is: Record<string, unknown>): Omit<PropertyChange, 'replaces'>[] {
  return [...new Set([...Object.keys(was), ...Object.keys(is)])]
    .filter((entry) => was[entry] !== is[entry])
    .map((entry) => ({ key, path: `${key}["${entry}"]`, kind: !(entry in was) ? 'add' : !(entry in is) ? 'delete' : 'update' }))
}

/** An empty map and none at all are the same to Kafka. */
function meant(value: unknown): unknown {
  return value === null || (isRecord(value) && Object.keys(value).length === 0) ? undefined : value
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
