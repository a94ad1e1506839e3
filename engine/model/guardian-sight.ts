import { z } from 'zod'
import { Colour } from './colour.ts'

/** Which brokers of a colour answered, in words: `broker 2 (open)`. Empty: none did. */
const Reached = z.array(z.string().min(1))

/**
 * What a guardian saw of both colours' brokers at its newest look. It stands in the route store under the lease of the guardian's registration, so that one that has ended says nothing, and is written anew
 * when it changes.
 */
export const GuardianSight = z.strictObject({
  version: z.literal(1),
  instanceId: z.string().min(1),
  /** The colour that it stands beside. */
  beside: Colour,
  reaches: z.strictObject({ blue: Reached, green: Reached }),
})
export type GuardianSight = z.infer<typeof GuardianSight>

/** Who reaches a colour, and what of it, in words; empty: nobody who looks (pure). */
export function reachedBy(sights: readonly GuardianSight[], colour: Colour): readonly string[] {
  return sights.flatMap(({ beside, instanceId, reaches }) =>
    reaches[colour].length === 0 ? [] : [`the guardian beside ${beside} (${instanceId}) reaches ${reaches[colour].join(', ')}`],
  )
}
