import { z } from 'zod'
import { AuditWorkerAccess } from './audit-worker.ts'
import { CaFile, ClusterAccess } from './cluster-access.ts'
import { Colour } from './colour.ts'
import { FleetName } from './fleet.ts'
import { Hooks } from './hook.ts'
import { FailoverWord, type LossyMove } from './loss.ts'
import { MskConnectWorker } from './msk-connect-worker.ts'
import { RoutePublications } from './route-publication.ts'
import { WaveName, Waves } from './wave.ts'

const decidesNothing =
  'SSM can’t be the route store: it has no compare-and-set, no transaction, no lease and no watch. That takes etcd; the key routeParameter publishes the route in SSM'

/** How to reach the config store. The password stands in `credentialsFile` (mode 0600) under the user's name, in the form of a CredentialsFile. */
export const RouteStoreAccess = z.strictObject({
  endpoints: z
    .array(
      z
        .string()
        .min(1)
        .refine((endpoint) => !/^(arn:aws[a-z-]*:)?ssm:/.test(endpoint), decidesNothing),
    )
    .min(1),
  username: z.string().min(1),
  credentialsFile: z.string().min(1),
  caFile: CaFile.optional(),
})
export type RouteStoreAccess = z.infer<typeof RouteStoreAccess>

/** A value that a Connect worker looks up itself, by a ConfigProvider (KIP-297); never the value. */
const ConfigReference = z.string().regex(/^\$\{[^${}]+\}$/, 'a ConfigProvider reference: dollar sign, then provider:path:key in braces')

/** User of a worker's REST interface; its password stands in the credentials file. */
export const restUser = 'connect'

/** How to reach the Connect worker that stands beside a colour and copies into it. REST credentials are {@link restUser}'s of the file. */
export const WorkerAccess = z
  .strictObject({
    /** The colour that this worker copies into. */
    colour: Colour,
    restUrl: z.url(),
    groupId: z.string().min(1),
    credentialsFile: z.string().min(1),
    /** Where the worker finds its login (JAAS) at the source: a reference of a Connect ConfigProvider, `${file:<path>:<key>}`; Connect stores and shows only this. */
    sourceLogin: ConfigReference,
    targetLogin: ConfigReference,
    caFile: CaFile.optional(),
  })
  .refine(({ restUrl, caFile }) => restUrl.startsWith('https:') === (caFile !== undefined), {
    error: 'https needs a caFile, and a caFile https: there is no falling back from one to the other',
    path: ['restUrl'],
  })
export type WorkerAccess = z.infer<typeof WorkerAccess>

/** What makes connectors into a colour: a worker with Connect's REST, or MSK Connect (`kind`). */
export const MirrorWorker = z.union([WorkerAccess, MskConnectWorker])
export type MirrorWorker = z.infer<typeof MirrorWorker>

/**
 * What becomes of a group whose position can't be proven, because the operator names it. `stay`: it isn't moved, whatever its position. `redeliver`: it goes to
 * the nearest proven place before its own, reads again what lies between, and skips nothing.
 */
export const UnprovenGroups = z.record(z.string().min(1), z.enum(['stay', 'redeliver']))
export type UnprovenGroups = z.infer<typeof UnprovenGroups>

/** What the operator has named a group for; null: nothing. */
export function namedFor(unprovenGroups: UnprovenGroups, groupId: string): UnprovenGroups[string] | null {
  return Object.hasOwn(unprovenGroups, groupId) ? (unprovenGroups[groupId] ?? null) : null
}

/** Everything that a gate or a switchover of one fleet is wired to: addresses and references, no secret. */
export const Wiring = z
  .strictObject({
    fleet: FleetName,
    routeStore: RouteStoreAccess,
    clusters: z.strictObject({ blue: ClusterAccess, green: ClusterAccess }),
    workers: z.strictObject({ blue: MirrorWorker, green: MirrorWorker }),
    /** The workers that compare both sides. None: the cut rests on the last records of every partition and on Connect's offsets alone. */
    audit: z.array(AuditWorkerAccess).default([]),
    /** The colours that a guardian stands beside. None: what an orchestrator leaves open stays open until somebody acts, and nothing is watched behind a release. */
    guardians: z.array(Colour).default([]),
    /** The catalog's topics: what is mirrored and what a cut covers. */
    topics: z.array(z.string().min(1)).min(1),
    /** The catalog's groups. */
    groups: z.array(z.string().min(1)),
    /** The catalog's groups by wave. */
    waves: Waves.default({}),
    /** Groups that the operator has named, see {@link UnprovenGroups}. */
    unprovenGroups: UnprovenGroups.default({}),
    /** Commands and webhooks that are asked or told. */
    hooks: Hooks.default([]),
    /** Where the route is told to clients that can't reach the store. */
    publications: RoutePublications.default({}),
  })
  .check((context) => {
    const { blue, green } = context.value.clusters
    if (blue.clusterId === green.clusterId) {
      context.issues.push({ code: 'custom', message: `blue and green are the same cluster (${blue.clusterId})`, input: context.value, path: ['clusters'] })
    }
    const shared = blue.internalBootstrapServers.filter((server) => green.internalBootstrapServers.includes(server))
    if (shared.length > 0) {
      context.issues.push({ code: 'custom', message: `blue and green share the bootstrap server ${shared[0]}`, input: context.value, path: ['clusters'] })
    }
  })
export type Wiring = z.infer<typeof Wiring>

/** What the operator wants: plain data in the traffic stack's config. */
export const Intent = z.strictObject({
  live: Colour,
  /** Counted up to move again after a latch. */
  attempt: z.int().nonnegative().default(0),
  /** Waves that are to read somewhere else than on the live colour; the others follow it. */
  consumers: z.record(WaveName, Colour).default({}),
  /** The live colour is left although its mirror can't bring the rest: at most so many of its records may stay behind. */
  acceptLoss: z.int().nonnegative().optional(),
  /** The live colour is gone: the other one takes over without it. What is known to be lost, repeated. */
  failover: FailoverWord.optional(),
})
export type Intent = z.infer<typeof Intent>

/** Which move that leaves records behind an intent allows; null: none. */
export function lossyMoveOf({ acceptLoss, failover }: Intent): LossyMove | null {
  if (failover !== undefined) return 'failover'
  return acceptLoss === undefined ? null : 'forced'
}
