import { z } from 'zod'
import { ClusterAccess } from './cluster-access.ts'

/** What the process that fences a new colour is started with. No secret. */
export const BirthConfig = z.strictObject({
  access: ClusterAccess,
  /** Brokers that have to refuse. */
  brokers: z.int().positive(),
  deadlineSeconds: z.int().min(1).max(3_600),
})
export type BirthConfig = z.infer<typeof BirthConfig>
