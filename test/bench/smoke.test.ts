/** Benches in their smallest form: they run to their end, and their results have the form and the rows that readers rely on. Nothing is said of speed. Those that take minutes, because they need two colours or many previews, are test/bench-long. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { toolEnv } from '../../tools/paths.ts'
import { benchFresh } from './fresh.ts'
import { benchPreview } from './preview.ts'
import { benchProvision } from './provision.ts'
import { measuresOf } from './smallest-form.ts'

let outDir = ''
beforeAll(() => {
  process.env.PATH = toolEnv().PATH
  outDir = mkdtempSync(join(tmpdir(), 'kbg-bench-smoke-'))
})
afterAll(() => rmSync(outDir, { recursive: true, force: true }))

test('preview: totals of each size, slope and intercept', async () => {
  const bench = await benchPreview({ topics: [1, 5], rounds: 1, outDir })
  expect(measuresOf(bench)).toEqual(['preview, 1 topics (9 custom resources)', 'preview, 5 topics (13 custom resources)', 'slope', 'intercept'])
  expect(bench.result.rows.every((row) => row.baseline !== null)).toBe(true)
  expect(bench.result.rows.slice(0, 2).every((row) => (row.limit ?? 0) > 0)).toBe(true)
})

test('provision: brokers, and the whole colour, beside raw starts', async () => {
  const bench = await benchProvision({ versions: ['4.3.1'], rounds: 1, withPulumi: false, outDir })
  expect(measuresOf(bench)).toEqual(['brokers ready, 4.3.1', 'colour ready and fenced, 4.3.1'])
  expect(bench.result.rows.every((row) => (row.baseline ?? 0) > 0)).toBe(true)
})

test('fresh: a clone is set up', async () => {
  const bench = await benchFresh({ runs: ['warm'], script: 'setup', outDir })
  expect(measuresOf(bench)[0]).toBe('npm run setup, warm')
})
