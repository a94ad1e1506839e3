import { z } from 'zod'
import { KbgError } from './error.ts'

/** Where a fleet's names are published: a private zone of Route 53. */
export const RouteNamesSpec = z.strictObject({
  account: z.string().regex(/^\d{12}$/, "an account's 12 digits, in quotes"),
  region: z.string().regex(/^[a-z]{2}(?:-[a-z]+)+-\d$/, 'a region, for example eu-central-1'),
  /** A zone of its own. */
  zone: z
    .string()
    .max(200)
    .regex(/^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$/, 'a domain name in lower case, for example shop.kafka.internal'),
  /** Networks that may resolve it. */
  vpcIds: z.array(z.string().regex(/^vpc-[0-9a-f]{8,17}$/, 'the id of a VPC')).min(1),
})
export type RouteNamesSpec = z.infer<typeof RouteNamesSpec>

/** Longest time, in seconds, that a resolver keeps an answer: for so long a client that asks anew may be sent to the colour that was left, whose fence refuses it. */
export const routeNameTtlSeconds = 30

/** The class of traffic of applications that write, and of groups without a wave. */
export const producersClass = 'producers'

/** Bytes that one text of a TXT record may have (RFC 1035). */
const mostBytes = 255

/**
 * What the name of a class of traffic answers, as TXT: where it is, and the brokers' own addresses there.
 *
 * No CNAME: over TLS a client compares the name that it asked for with those in the broker's certificate, and MSK's carry MSK's names only.
 * @param where a colour; `held` or `mixed` while a wave is at no one place, then there are no addresses
 * @throws KbgError `route-name` when an address is too long for a record
 */
export function routeValues(where: string, bootstrapServers: readonly string[]): readonly string[] {
  const values = [`at=${where}`, ...bootstrapServers.map((server) => `server=${server}`)]
  const long = values.filter((value) => value.length > mostBytes)
  if (long.length === 0) return values
  throw new KbgError('route-name', 'A broker’s address is too long for a record.', {
    facts: { observed: long.map(({ length }) => `${length} bytes`), required: mostBytes },
  })
}
