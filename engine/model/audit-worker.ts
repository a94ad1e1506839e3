import { z } from 'zod'
import { CaFile, ClusterAccess, platformUsers } from './cluster-access.ts'
import { FleetName } from './fleet.ts'

/** How to reach one audit worker. It speaks HTTP; asker and worker prove to each other that they know the password of user `audit` in the credentials file (mode 0600, a CredentialsFile). */
export const AuditWorkerAccess = z
  .strictObject({
    url: z.url(),
    credentialsFile: z.string().min(1),
    caFile: CaFile.optional(),
  })
  .refine(({ url, caFile }) => url.startsWith('https:') === (caFile !== undefined), { error: 'https needs a caFile, and a caFile https', path: ['url'] })
export type AuditWorkerAccess = z.infer<typeof AuditWorkerAccess>

/** The user that the workers' HTTP service knows. */
export const auditUser = platformUsers.audit

/** Where a worker's service listens: in plain HTTP on loopback, with a certificate (PEM) anywhere. */
export const AuditListen = z
  .strictObject({
    host: z.string().min(1),
    port: z.int().positive().max(65_535),
    tls: z.strictObject({ certificateFile: z.string().min(1), keyFile: z.string().min(1) }).optional(),
  })
  .refine(({ host, tls }) => tls !== undefined || /^127(\.\d{1,3}){3}$/.test(host), { error: 'an address of 127.0.0.0/8, or a certificate', path: ['host'] })
export type AuditListen = z.infer<typeof AuditListen>

/** What one audit worker is started with: addresses and references, no secret. */
export const AuditWorkerConfig = z
  .strictObject({
    fleet: FleetName,
    /** Who reads: a user that may do nothing else, where both colours have it. */
    as: z.enum(['operator', 'audit']).default('operator'),
    clusters: z.strictObject({ blue: ClusterAccess, green: ClusterAccess }),
    /** Topics that are compared; null: every application topic that both sides have. */
    topics: z.array(z.string().min(1)).nullable(),
    /** Absolute; shared by the workers of one machine. */
    stateDirectory: z.string().min(1),
    listen: AuditListen,
    /** Holds the password of user `audit`. */
    credentialsFile: z.string().min(1),
    /** Names the sources that it runs: of another version, it is started again. */
    code: z.string().min(1),
    /** How many workers are declared. One holds every partition; more share them as members of {@link auditGroupId}. */
    workers: z.int().positive().max(64).default(1),
  })
  .check(({ value, issues }) => {
    if (value.clusters.blue.clusterId !== value.clusters.green.clusterId) return
    issues.push({ code: 'custom', message: `blue and green are the same cluster (${value.clusters.blue.clusterId})`, input: value, path: ['clusters'] })
  })
export type AuditWorkerConfig = z.infer<typeof AuditWorkerConfig>

/** The consumer group on blue in which a fleet's workers share partitions. It commits nothing, and no switchover moves it. */
export function auditGroupId(fleet: string): string {
  return `kbg-audit-${fleet}`
}
