/** Pulumi's property values: from the wire and back, with unknowns and secrets. */
import structPb from 'google-protobuf/google/protobuf/struct_pb.js'

/** A value that isn't known before the update: it stands where a preview has nothing to show. */
export const unknownValue: unique symbol = Symbol('unknown until the update')
export type Unknown = typeof unknownValue

/** A property value as this provider handles it. */
export type PropertyValue = Unknown | null | undefined | boolean | number | string | readonly PropertyValue[] | { readonly [name: string]: PropertyValue }
/** A resource's properties by name. */
export type PropertyMap = { readonly [name: string]: PropertyValue }

/** What one struct of a request held: values without their wrapping, and the names of top-level properties that hold a secret. */
export interface Decoded {
  readonly values: PropertyMap
  readonly secretNames: ReadonlySet<string>
}

// The sentinels of sdk/go/common/resource/plugin/rpc.go. The engine sends one per kind of value.
const unknownSentinels: ReadonlySet<string> = new Set([
  '1c4a061d-8072-4f0a-a4cb-0ff528b18fe7',
  '3eeb2bf0-c639-47a8-9e75-3b44932eb421',
  '04da6b54-80e4-46f7-96ec-b56ff0331ba9',
  '6a19a0b0-7e62-4c92-b797-7f8e31da9cc2',
  '030794c1-ac77-496b-92df-f27374a8bd58',
  'e48ece36-62e2-4504-bad9-02848725956a',
  'dd056dcd-154b-4c76-9bd3-c8f88648b5ff',
])
const unknownString = '04da6b54-80e4-46f7-96ec-b56ff0331ba9'
const signatureKey = '4dabf18193072939515e22adb298388d'
const secretSignature = '1b47061264138c4ac30d75fd1eb44270'

/** Reads a struct of a request; an absent one is empty. */
export function decodeProperties(struct: structPb.Struct | undefined): Decoded {
  const secretNames = new Set<string>()
  const values: Record<string, PropertyValue> = {}
  for (const [name, raw] of Object.entries(struct?.toJavaScript() ?? {})) {
    values[name] = unwrap(raw, () => secretNames.add(name))
  }
  return { values, secretNames }
}

function unwrap(raw: unknown, onSecret: () => void): PropertyValue {
  if (typeof raw === 'string') return unknownSentinels.has(raw) ? unknownValue : raw
  if (raw === null || typeof raw === 'boolean' || typeof raw === 'number') return raw
  if (Array.isArray(raw)) return raw.map((each) => unwrap(each, onSecret))
  if (typeof raw !== 'object') return undefined
  const entries = raw as Record<string, unknown>
  if (entries[signatureKey] === secretSignature) {
    onSecret()
    return unwrap(entries.value, onSecret)
  }
  return Object.fromEntries(Object.entries(entries).map(([name, value]) => [name, unwrap(value, onSecret)]))
}

/** Writes properties; those named in `secretNames` are marked secret, so that state holds them encrypted. */
export function encodeProperties(values: PropertyMap, secretNames: ReadonlySet<string> = new Set()): structPb.Struct {
  const plain: Record<string, structPb.JavaScriptValue> = {}
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined) continue
    const wrapped = wrap(value)
    plain[name] = secretNames.has(name) ? { [signatureKey]: secretSignature, value: wrapped } : wrapped
  }
  return structPb.Struct.fromJavaScript(plain)
}

function wrap(value: Exclude<PropertyValue, undefined>): structPb.JavaScriptValue {
  if (value === unknownValue) return unknownString
  if (value === null || typeof value === 'boolean' || typeof value === 'number' || typeof value === 'string') return value
  if (isList(value)) return value.map((each) => (each === undefined ? null : wrap(each)))
  const known = Object.entries(value).flatMap(([name, each]) => (each === undefined ? [] : [[name, wrap(each)] as const]))
  return Object.fromEntries(known)
}

function isList(value: PropertyValue): value is readonly PropertyValue[] {
  return Array.isArray(value)
}

/** Where the unknowns are, as paths from the top. */
export function unknownPaths(value: PropertyValue, at: readonly PropertyKey[] = []): readonly (readonly PropertyKey[])[] {
  if (value === unknownValue) return [at]
  if (isList(value)) return value.flatMap((each, index) => unknownPaths(each, [...at, index]))
  if (value !== null && typeof value === 'object') return Object.entries(value).flatMap(([name, each]) => unknownPaths(each, [...at, name]))
  return []
}
