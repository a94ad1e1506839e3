/** What `npm test` makes of its stages: pure, so that it can be tested itself. */
import { z } from 'zod'
import type { CommandEnd } from './show-command.ts'

/** One stage of `npm test`. */
export interface StageResult {
  readonly stage: string
  readonly passed: number
  /** Name and message of every failure. */
  readonly failures: readonly string[]
  /** Names of tests that did not run. */
  readonly skipped: readonly string[]
  readonly seconds: number
}

const reportSchema = z.object({
  testResults: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      message: z.string().optional(),
      assertionResults: z.array(z.object({ fullName: z.string(), status: z.string(), failureMessages: z.array(z.string()).nullish() })),
    }),
  ),
})

/**
 * Reads vitest's JSON report. A missing report, a file that failed as a whole, an error outside every test and an empty
 * run each count as one failure.
 */
export function vitestResult(stage: string, reportText: string | undefined, end: CommandEnd, seconds: number): StageResult {
  if (reportText === undefined) {
    return { stage, passed: 0, failures: [`${stage}: vitest wrote no report (${end.description})`], skipped: [], seconds }
  }
  const files = reportSchema.parse(JSON.parse(reportText)).testResults
  const failures: string[] = []
  const skipped: string[] = []
  let passed = 0
  for (const file of files) {
    const before = failures.length
    for (const test of file.assertionResults) {
      if (test.status === 'passed') passed += 1
      else if (test.status === 'failed') failures.push(`${stage}: ${test.fullName}: ${messageLines(test.failureMessages?.[0])}`)
      else skipped.push(`${stage}: ${test.fullName}`)
    }
    if (file.status === 'failed' && failures.length === before) failures.push(`${stage}: ${file.name}: ${messageLines(file.message)}`)
  }
  if (failures.length === 0 && end.exitCode !== 0) failures.push(`${stage}: an error outside of every test (${end.description})`)
  if (failures.length === 0 && passed === 0) failures.push(`${stage}: no test ran`)
  return { stage, passed, failures, skipped, seconds }
}

/** What `npm test` prints at its end. The last line is exactly `N passed, N failed`. */
export function summaryLines(results: readonly StageResult[]): readonly string[] {
  const skipped = results.flatMap((result) => result.skipped)
  const failures = results.flatMap((result) => result.failures)
  const passed = results.reduce((sum, result) => sum + result.passed, 0)
  return [
    '',
    ...results.map(
      (result) => `${result.stage.padEnd(40)} ${`${result.seconds.toFixed(1)} s`.padStart(9)}  ${result.passed} passed, ${result.failures.length} failed`,
    ),
    ...(skipped.length > 0 ? ['', 'Skipped:', ...skipped.map((name) => `  ${name}`)] : []),
    ...(failures.length > 0 ? ['', 'Failed:', ...failures.map((name) => `  ${name}`)] : []),
    '',
    `${passed} passed, ${failures.length} failed`,
  ]
}

const longestMessage = 4_000

/** A message and where it was thrown, indented below its name; of a long one the two ends, since output says what went wrong at its end. */
function messageLines(text = 'no message'): string {
  const half = longestMessage / 2
  const short =
    text.length <= longestMessage ? text : `${text.slice(0, half)}\n... ${text.length - longestMessage} characters left out ...\n${text.slice(-half)}`
  return short.trimEnd().split('\n').join('\n    ')
}
