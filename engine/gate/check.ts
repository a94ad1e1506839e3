import { z } from 'zod'

/** Only `pass` opens a gate. `inconclusive`: missing, stale or too little data. `error`: the check itself failed. */
export const CheckVerdict = z.enum(['pass', 'inconclusive', 'fail', 'error'])
export type CheckVerdict = z.infer<typeof CheckVerdict>

/** One check's answer with its evidence. */
export const Check = z.strictObject({
  name: z.string(),
  verdict: CheckVerdict,
  observed: z.string(),
  required: z.string(),
  remedy: z.string(),
})
export type Check = z.infer<typeof Check>

const severity: Readonly<Record<CheckVerdict, number>> = { pass: 0, inconclusive: 1, fail: 2, error: 3 }

/** The worse of two verdicts: an associative, commutative fold with `pass` as its unit. */
export function worst(a: CheckVerdict, b: CheckVerdict): CheckVerdict {
  return severity[a] >= severity[b] ? a : b
}

/** The verdict over several checks; over none it is `inconclusive`, because nothing was proven. */
export function verdictOf(checks: readonly Check[]): CheckVerdict {
  return checks.length === 0 ? 'inconclusive' : checks.map((check) => check.verdict).reduce(worst)
}

/** The checks that keep the gate shut. */
export function refusals(checks: readonly Check[]): readonly Check[] {
  return checks.filter((check) => check.verdict !== 'pass')
}

/** One line of a refusal, as it stands in errors, previews and reports. */
export function checkLine(check: Check): string {
  const remedy = check.verdict === 'pass' || check.remedy === '' ? '' : ` -> ${check.remedy}`
  return `${check.name}: ${check.verdict}; observed ${check.observed}; required ${check.required}${remedy}`
}

/** A check that has no remedy text unless it doesn't pass. */
export function judged(name: string, verdict: CheckVerdict, observed: string, required: string, remedy: string): Check {
  return { name, verdict, observed, required, remedy: verdict === 'pass' ? '' : remedy }
}
