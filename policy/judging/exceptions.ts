import { z } from 'zod'
import type { Finding } from './rule.ts'

const IsoDate = z.string().regex(/^\d{4}-\d{2}-\d{2}$/, 'a date, YYYY-MM-DD')

/** A difference that a team has decided to live with for a while: for what, why, and until when. */
export const Exception = z.strictObject({
  /** The resource, exactly as the violation names it. */
  where: z.string().min(1),
  /** The property, exactly as the violation names it; `*`: all of that resource. */
  property: z.string().min(1),
  reason: z.string().min(10, 'a reason of at least 10 characters'),
  /** The last day (UTC) on which it holds. */
  expires: IsoDate,
})
export type Exception = z.infer<typeof Exception>

/** What is left of the findings when declared exceptions are taken off; one whose exception has expired says so. */
export function withoutExcepted(findings: readonly Finding[], exceptions: readonly Exception[], today: string): readonly Finding[] {
  return findings.flatMap((finding) => {
    const declared = exceptions.filter(({ where, property }) => where === finding.where && (property === '*' || property === finding.property))
    if (declared.some(({ expires }) => expires >= today)) return []
    const expired = declared
      .map(({ expires }) => expires)
      .sort()
      .at(-1)
    return [expired === undefined ? finding : { ...finding, observed: `${finding.observed} (its exception expired on ${expired})` }]
  })
}
