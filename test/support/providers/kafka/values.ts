/**
 * Property values as Pulumi's engine sends them: plain JSON in which a secret is an object with a signature and an unknown
 * value is a fixed text (sdk/go/common/resource/plugin/rpc.go).
 */
const signatureKey = '4dabf18193072939515e22adb298388d'
const secretSignature = '1b47061264138c4ac30d75fd1eb44270'
const unknownTexts: ReadonlySet<unknown> = new Set([
  '1c4a061d-8072-4f0a-a4cb-0ff528b18fe7', // bool
  '3eeb2bf0-c639-47a8-9e75-3b44932eb421', // number
  '04da6b54-80e4-46f7-96ec-b56ff0331ba9', // string
  '6a19a0b0-7e62-4c92-b797-7f8e31da9cc2', // array
  '030794c1-ac77-496b-92df-f27374a8bd58', // asset
  'e48ece36-62e2-4504-bad9-02848725956a', // archive
  'dd056dcd-154b-4c76-9bd3-c8f88648b5ff', // object
])

/** The properties of one resource, by name. */
export type Properties = Readonly<Record<string, unknown>>

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The value with everything secret in it opened. */
export function reveal(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reveal)
  if (!isObject(value)) return value
  if (value[signatureKey] === secretSignature) return reveal(value.value)
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, reveal(each)]))
}

/** The same for all properties of a resource. */
export function revealAll(properties: Properties): Properties {
  return Object.fromEntries(Object.entries(properties).map(([key, value]) => [key, reveal(value)]))
}

/** Names of the properties that hold a secret anywhere inside. */
export function secretKeys(properties: Properties): ReadonlySet<string> {
  return new Set(Object.keys(properties).filter((key) => holdsSecret(properties[key])))
}

function holdsSecret(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(holdsSecret)
  if (!isObject(value)) return false
  return value[signatureKey] === secretSignature || Object.values(value).some(holdsSecret)
}

/** Marks the named properties as secret, so that the engine encrypts them in its state. */
export function seal(properties: Properties, keys: ReadonlySet<string>): Properties {
  return Object.fromEntries(
    Object.entries(properties).map(([key, value]) => [key, keys.has(key) && !holdsSecret(value) ? { [signatureKey]: secretSignature, value } : value]),
  )
}

/** Whether a value is, or holds, something that is known only after an update. */
export function isUnknown(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(isUnknown)
  return isObject(value) ? Object.values(value).some(isUnknown) : unknownTexts.has(value)
}
