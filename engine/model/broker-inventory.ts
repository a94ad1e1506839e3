import { z } from 'zod'
import { Cidr } from './aws-network.ts'

/** What a colour's brokers are declared to be, whatever they stand on. All of it follows from the checkout; null: it says nothing of that, so it is unknown, and nothing is shown by it. */
export const BrokerInventory = z.strictObject({
  platform: z.enum(['local', 'aws', 'kubernetes', 'external']),
  kafkaVersion: z.string(),
  /** Brokers, on every platform. */
  count: z.int().positive(),
  /** What a broker runs on: an instance type, a size; `process` on the local platform. */
  instanceClass: z.string().nullable(),
  /** Storage of a broker in the platform's own words. */
  storage: z.string().nullable(),
  /** The same as a number: what one broker has at least. What an older release has deployed doesn't say it. */
  storageBytes: z.number().positive().nullable().default(null),
  /** Server properties that the colour's stack adds. */
  config: z.record(z.string(), z.string()),
  /** Server properties that decide who may do what and what replication promises, as the brokers run with them. */
  promises: z.record(z.string(), z.string()).nullable(),
  /** `protocol, mechanisms` by the name of the listener. */
  listeners: z.record(z.string(), z.string()).nullable(),
  /** Whether every listener is on a loopback address: then nothing that it says leaves the machine. */
  isLoopbackOnly: z.boolean().nullable(),
  /** null, too: the platform gives them out. */
  brokerIds: z.array(z.int().nonnegative()).nullable(),
  /** Networks that its hosts are in, for example `10.20.16.0/20`; none: the platform separates its colours by other means. */
  subnets: z.array(Cidr).nullable(),
})
export type BrokerInventory = z.infer<typeof BrokerInventory>

/** What may be unknown of brokers, and is compared. */
const compared = ['instanceClass', 'storage', 'promises', 'listeners'] as const

/** What every platform says in words of its own: between two platforms nothing is shown by equal or different ones. */
const ownWords: readonly string[] = ['instanceClass', 'storage', 'listeners']

/** What of two colours' brokers is to be the same and isn't, by name, and what can't be compared, each with why. */
export interface BrokerComparison {
  readonly differing: readonly { readonly property: string; readonly blue: string | undefined; readonly green: string | undefined }[]
  readonly unknown: readonly string[]
}

/**
 * Versions are none of it, which are compared by their order, nor networks, which have to differ. The platform itself isn't either: what another one means stands under the other names, as far as
 * both say it.
 */
export function compareBrokers(blue: BrokerInventory, green: BrokerInventory): BrokerComparison {
  const isOnePlatform = blue.platform === green.platform
  const undeclared: readonly string[] = compared.filter((area) => blue[area] === null || green[area] === null)
  const foreign = isOnePlatform ? [] : ownWords.filter((area) => !undeclared.includes(area))
  const [onBlue, onGreen] = [propertiesOf(blue), propertiesOf(green)]
  const told = [...new Set([...Object.keys(onBlue), ...Object.keys(onGreen)])].toSorted().filter((property) => {
    const area = areaOf(property)
    return !undeclared.includes(area) && !foreign.includes(area)
  })
  const isOneSided = (property: string) =>
    !isOnePlatform && areaOf(property) === 'promises' && (onBlue[property] === undefined || onGreen[property] === undefined)
  return {
    differing: told
      .filter((property) => onBlue[property] !== onGreen[property] && !isOneSided(property))
      .map((property) => ({ property, blue: onBlue[property], green: onGreen[property] })),
    unknown: [
      ...undeclared.map((area) => `${area} of the brokers: one colour doesn't declare it`),
      ...foreign.map((area) => `${area} of the brokers: ${blue.platform} and ${green.platform} say it in words of their own`),
      ...told
        .filter(isOneSided)
        .map((property) => `${property} of the brokers: said by ${onBlue[property] === undefined ? green.platform : blue.platform} only`),
    ],
  }
}

function areaOf(property: string): string {
  return property.split('.')[0] ?? property
}

/** What is known and compared, flat. */
function propertiesOf(brokers: BrokerInventory): Readonly<Record<string, string>> {
  const flat = (prefix: string, values: Readonly<Record<string, string>>) =>
    Object.fromEntries(Object.entries(values).map(([key, value]) => [`${prefix}.${key}`, value]))
  const values = compared.map((name) => {
    const value = brokers[name]
    if (value === null) return {}
    return typeof value === 'string' ? { [name]: value } : flat(name, value)
  })
  return Object.assign({ count: String(brokers.count), ...flat('config', brokers.config) }, ...values) as Record<string, string>
}

/** `3.9.x.kraft`: which of its line's versions runs is up to the platform. */
export function isWholeLine(version: string): boolean {
  return version.split('.')[2] === 'x'
}

/** Below zero: `a` is the older version. Numbers part by part; what isn't a number counts as 0. */
export function compareVersions(a: string, b: string): number {
  const parts = (version: string) => version.split('.').map((part) => Number.parseInt(part, 10) || 0)
  const [left, right] = [parts(a), parts(b)]
  const length = Math.max(left.length, right.length)
  for (let index = 0; index < length; index += 1) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}
