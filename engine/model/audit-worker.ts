import { z } from 'zod'

/** How to reach one audit worker. It speaks HTTP with Basic authentication: user `audit` of the credentials file (mode 0600, a CredentialsFile). */
export const AuditWorkerAccess = z.strictObject({
  url: z.url(),
  credentialsFile: z.string().min(1),
})
export type AuditWorkerAccess = z.infer<typeof AuditWorkerAccess>

/** The user that the workers' HTTP service knows. */
export const auditUser = 'audit'
