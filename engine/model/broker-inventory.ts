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
  /** Server properties that the colour's stack adds. */
  config: z.record(z.string(), z.string()),
  /** Server properties that decide who may do what and what replication promises, as the brokers run with them. */
  promises: z.record(z.string(), z.string()).nullable(),
  /** `protocol, mechanisms` by the name of the listener. */
  listeners: z.record(z.string(), z.string()).nullable(),
  /** Whether every listener is on a loopback address: then nothing that it says leaves the machine. */
  isLoopbackOnly: z.boolean().nullable(),
  /** None: the platform gives them out, and nobody can keep them apart. */
  brokerIds: z.array(z.int().nonnegative()).nullable(),
  /** Networks that its hosts are in, for example `10.20.16.0/20`; none: the platform doesn't separate colours by network. */
  subnets: z.array(Cidr).nullable(),
})
export type BrokerInventory = z.infer<typeof BrokerInventory>

/** What may be unknown of brokers, and is compared. */
const compared = ['instanceClass', 'storage', 'promises', 'listeners'] as const

/** Those of {@link BrokerInventory} that are compared and of which one side says nothing. */
export function unknownOfBrokers(...brokers: readonly BrokerInventory[]): readonly string[] {
  return compared.filter((name) => brokers.some((each) => each[name] === null))
}

/**
 * What of two colours' brokers is to be the same, by name; versions are compared by their order, networks have to differ. The platform itself is none of it: what another one means stands
 * under the other names.
 *
 * @param except names that one side doesn't know
 */
export function brokerProperties(brokers: BrokerInventory, except: readonly string[] = []): Readonly<Record<string, string>> {
  const flat = (prefix: string, values: Readonly<Record<string, string>>) =>
    Object.fromEntries(Object.entries(values).map(([key, value]) => [`${prefix}.${key}`, value]))
  const told = compared.filter((name) => !except.includes(name))
  const values = told.map((name) => {
    const value = brokers[name]
    if (value === null) return {}
    return typeof value === 'string' ? { [name]: value } : flat(name, value)
  })
  return Object.assign({ count: String(brokers.count), ...flat('config', brokers.config) }, ...values) as Record<string, string>
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
