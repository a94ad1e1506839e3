import { z } from 'zod'
import { kafkaVersions } from '../../../tools/paths.ts'
import { localNodeCount } from '../../model/addresses.ts'
import { platformUsers } from '../../model/cluster-access.ts'
import { Colour, otherColour } from '../../model/colour.ts'
import { KbgError } from '../../model/error.ts'
import { FleetName } from '../../model/fleet.ts'
import { isOwnedKey } from './broker-config.ts'

/** Users that only this project's own processes log in as; SCRAM users of these names would be super users or keep the store. */
const reservedUsers: readonly string[] = ['broker', ...Object.values(platformUsers), 'connect', 'kbg', 'client', 'etcd-root', 'ANONYMOUS']

/** What a local colour is made of: three combined KRaft nodes of one Kafka version. */
export const LocalClusterSpec = z.strictObject({
  fleet: FleetName,
  colour: Colour,
  kafkaVersion: z.enum(kafkaVersions),
  nodes: z.literal(localNodeCount),
  /** Whether every listener speaks TLS only, with certificates of the fleet's own authority; else plaintext. */
  tls: z.boolean().default(false),
  /** Additions to `server.properties`. Keys that the platform owns (listeners, logins, authorizer, replication safety) are refused. */
  brokerConfig: z
    .record(z.string().regex(/^[a-z][a-z0-9.-]*$/, 'a Kafka broker configuration name'), z.string())
    .default({})
    .superRefine((config, context) => {
      for (const key of Object.keys(config).filter(isOwnedKey)) {
        context.addIssue({ code: 'custom', path: [key], message: 'the local platform sets this one itself; remove it' })
      }
    }),
  /** Users of the catalog; each gets a SCRAM-SHA-512 login, the same on both colours. */
  applicationUsers: z
    .array(
      z
        .string()
        .regex(/^[a-zA-Z0-9._-]{1,64}$/, '1 to 64 letters, digits, dots, underscores and dashes')
        .refine((user) => !reservedUsers.includes(user), { error: (issue) => `${String(issue.input)} is a user of this project itself; take another name` }),
    )
    .default([]),
})
export type LocalClusterSpec = z.infer<typeof LocalClusterSpec>

/** One difference between what was provisioned and what is wanted now. */
export interface SpecChange {
  readonly field: string
  readonly provisioned: string
  readonly wanted: string
}

/** @throws KbgError `cluster-spec` with every problem on a line of its own */
export function parseClusterSpec(input: unknown): LocalClusterSpec {
  const parsed = LocalClusterSpec.safeParse(input)
  if (parsed.success) return parsed.data
  const problems = parsed.error.issues.map((issue) => `\n  ${issue.path.map(String).join('.') || '(whole)'}: ${issue.message}`)
  throw new KbgError('cluster-spec', `The local cluster can't be made like this:${problems.join('')}`)
}

/**
 * What differs between two specs of one colour in a way that running brokers can't follow; empty: nothing.
 * Application users aren't part of it: they are added to a running colour.
 */
export function changeOf(provisioned: LocalClusterSpec, wanted: LocalClusterSpec): readonly SpecChange[] {
  const plain = (['fleet', 'colour', 'kafkaVersion', 'nodes', 'tls'] as const).map((field) => ({
    field,
    provisioned: String(provisioned[field]),
    wanted: String(wanted[field]),
  }))
  const keys = [...new Set([...Object.keys(provisioned.brokerConfig), ...Object.keys(wanted.brokerConfig)])].sort()
  const config = keys.map((key) => ({
    field: `brokerConfig.${key}`,
    provisioned: provisioned.brokerConfig[key] ?? '(default)',
    wanted: wanted.brokerConfig[key] ?? '(default)',
  }))
  return [...plain, ...config].filter((change) => change.provisioned !== change.wanted)
}

/** What both colours, the store and the applications have to agree on is no matter of one colour. */
const fleetRemedy = 'Take this back: `tls` is decided when a fleet is made. To change it, make a new fleet.'

/** What to do instead of changing a colour under its clients. */
export function wayToChange(field: string, colour: Colour): string {
  const other = otherColour(colour)
  return field === 'tls' ? fleetRemedy : `Take this back and make the change on ${other}: provision ${other} with it, switch, retire ${colour}.`
}

/** @throws KbgError `cluster-change` when a provisioned colour would have to become another one */
export function refuseChange(provisioned: LocalClusterSpec, wanted: LocalClusterSpec): void {
  const changes = changeOf(provisioned, wanted)
  if (changes.length === 0) return
  throw new KbgError('cluster-change', `${provisioned.colour} is provisioned and doesn't change under its clients.`, {
    facts: { changed: changes.map((change) => `${change.field} ${change.provisioned} -> ${change.wanted}`) },
    remedy: [...new Set(changes.map(({ field }) => wayToChange(field, provisioned.colour)))].join(' '),
  })
}
