import { z } from 'zod'
import { Limits } from './limits.ts'
import { Intent, Wiring } from './wiring.ts'

/** What an orchestrator's own process is started with. No secret. */
export const OrchestratorConfig = z.strictObject({
  wiring: Wiring,
  /** Where traffic is wanted. */
  intent: Intent,
  limits: Limits,
  /** What it runs: other sources, another orchestrator. */
  code: z.string().min(1),
})
export type OrchestratorConfig = z.infer<typeof OrchestratorConfig>
