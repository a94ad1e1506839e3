import { z } from 'zod'
import { Colour } from './colour.ts'
import { Limits } from './limits.ts'
import { Wiring } from './wiring.ts'

/** What a guardian's process is started with. No secret. */
export const GuardianConfig = z.strictObject({
  wiring: Wiring,
  limits: Limits,
  /** The colour that it stands beside. */
  colour: Colour,
  /** Digest of the sources that it runs: other sources, another guardian. */
  code: z.string().min(1),
})
export type GuardianConfig = z.infer<typeof GuardianConfig>
