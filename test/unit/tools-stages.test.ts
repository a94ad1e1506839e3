import { describe, expect, test } from 'vitest'
import { summaryLines, vitestResult } from '../support/stages.ts'

const ok = { exitCode: 0, description: 'exit code 0' }
const failed = { exitCode: 1, description: 'exit code 1' }
const report = (...files: { status: string; message?: string; tests: [string, string, string?][] }[]): string =>
  JSON.stringify({
    testResults: files.map(({ status, message, tests }) => ({
      name: 'a.test.ts',
      status,
      message,
      assertionResults: tests.map(([fullName, state, failure]) => ({ fullName, status: state, failureMessages: failure === undefined ? [] : [failure] })),
    })),
  })

describe('a stage of npm test', () => {
  test('counts what passed and failed, and names what was skipped', () => {
    const text = report({
      status: 'failed',
      tests: [
        ['adds', 'passed'],
        ['subtracts', 'failed', 'expected 1\nto be 2'],
        ['divides', 'skipped'],
        ['roots', 'todo'],
      ],
    })
    expect(vitestResult('unit', text, failed, 1)).toEqual({
      stage: 'unit',
      passed: 1,
      failures: ['unit: subtracts: expected 1\n    to be 2'],
      skipped: ['unit: divides', 'unit: roots'],
      seconds: 1,
    })
  })

  test('a long message keeps both of its ends', () => {
    const text = report({ status: 'failed', tests: [['says much', 'failed', `begins${'-'.repeat(9_000)}ends`]] })
    const [failure = ''] = vitestResult('unit', text, failed, 1).failures
    expect(failure).toMatch(/begins-+\n +\.\.\. 5010 characters left out \.\.\.\n +-+ends$/)
    expect(failure.length).toBeLessThan(4_200)
  })

  test.each([
    ['a file that failed as a whole', report({ status: 'failed', message: 'no such module', tests: [] }), failed, /a\.test\.ts: no such module/],
    ['a hook that failed, its tests not run', report({ status: 'failed', message: 'broker died', tests: [['x', 'skipped']] }), failed, /broker died/],
    ['an error outside of every test', report({ status: 'passed', tests: [['x', 'passed']] }), failed, /outside of every test/],
    ['only skipped tests', report({ status: 'passed', tests: [['x', 'skipped']] }), ok, /no test ran/],
    ['an empty run', report(), ok, /no test ran/],
    ['no report', undefined, failed, /wrote no report \(exit code 1\)/],
  ])('%s is one failure', (_, text, end, why) => {
    const { failures } = vitestResult('unit', text, end, 1)
    expect(failures).toHaveLength(1)
    expect(failures[0]).toMatch(why)
  })
})

describe('the summary', () => {
  test('ends with the counts of all stages, after skips and failures by name', () => {
    const lines = summaryLines([
      { stage: 'check: tsc', passed: 1, failures: [], skipped: [], seconds: 9 },
      { stage: 'unit', passed: 41, failures: ['unit: x: no'], skipped: ['unit: y'], seconds: 1 },
    ])
    expect(lines.at(-1)).toBe('42 passed, 1 failed')
    expect(lines).toContain('  unit: x: no')
    expect(lines).toContain('  unit: y')
  })

  test('a clean run says nothing of skips and failures', () => {
    expect(summaryLines([{ stage: 'unit', passed: 2, failures: [], skipped: [], seconds: 1 }]).join('\n')).not.toMatch(/Skipped|Failed/)
  })
})
