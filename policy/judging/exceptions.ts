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

/** Findings apart: what is left when declared exceptions are taken off, first those whose exception has expired, which say so, and what is excepted, in words. */
export function sortExcepted(
  findings: readonly Finding[],
  exceptions: readonly Exception[],
  today: string,
): { readonly left: readonly Finding[]; readonly excepted: readonly string[] } {
  const left: Finding[] = []
  const expired: Finding[] = []
  const excepted: string[] = []
  for (const finding of findings) {
    const { where, property, observed } = finding
    const declared = exceptions.filter((each) => each.where === where && (each.property === '*' || each.property === property))
    const last = declared.toSorted((a, b) => a.expires.localeCompare(b.expires)).at(-1)
    if (last === undefined) left.push(finding)
    else if (last.expires < today) expired.push({ ...finding, observed: `${observed} (its exception expired on ${last.expires})` })
    else excepted.push(`${where}: ${property} is ${observed}, until ${last.expires}: ${last.reason}.`)
  }
  return { left: [...expired, ...left], excepted } // only the first ones are shown, and an expired exception must be seen
}
