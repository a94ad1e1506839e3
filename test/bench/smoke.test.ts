/** Every bench in its smallest form: it runs to its end, and its result has the form and the rows that readers rely on. Nothing is said of speed. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { toolEnv } from '../../tools/paths.ts'
import { benchFresh } from './fresh.ts'
import { BenchResult, type ConductedBench } from './harness/index.ts'
import { benchPreview } from './preview.ts'
import { benchProvision } from './provision.ts'
import { benchWindow } from './window.ts'

let outDir = ''
beforeAll(() => {
  process.env.PATH = toolEnv().PATH
  outDir = mkdtempSync(join(tmpdir(), 'kbg-bench-smoke-'))
})
afterAll(() => rmSync(outDir, { recursive: true, force: true }))

function measuresOf({ file }: ConductedBench): readonly string[] {
  const result = BenchResult.parse(JSON.parse(readFileSync(file, 'utf8')))
  expect(result.samples.every((arm) => arm.values.length > 0)).toBe(true)
  expect(result.noise.observed.stalls.count).toBeGreaterThan(0)
  return result.rows.map((row) => row.measure)
}

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

// Two clusters, two moves and a baseline: a busy machine takes two minutes for them.
test('window: total, parts, the same parts alone, and no fault of the clients', { timeout: 400_000 }, async () => {
  const bench = await benchWindow({ switchovers: 2, recordsPerSecond: 200, settleSeconds: 2, baselines: { arms: ['hasty'], rounds: 1 }, outDir })
  const measures = measuresOf(bench)
  for (const measure of ['write window, median', 'write window, maximum', 'part: drain', 'alone: mirrorHop', 'gate refusals'])
    expect(measures).toContain(measure)
  const ofOurs = (name: string) => bench.result.rows.find((row) => row.measure === name)?.ours
  expect(['lost', 'duplicated', 'redelivered', 'reordered', 'errors'].map(ofOurs)).toEqual([0, 0, 0, 0, 0])
  const beside = bench.result.rows.filter((row) => row.baseline !== null).map(({ measure }) => measure)
  const inHaste = ['no acknowledged send', 'lost', 'duplicated', 'redelivered', 'reordered', 'errors'].map((name) => `${name}, MirrorMaker in haste`)
  expect(beside).toEqual(inHaste)
  expect(bench.result.rows.find((row) => row.measure === 'baselines without a verdict')?.ours).toBe(0)
})

test('fresh: a clone is set up', async () => {
  const bench = await benchFresh({ runs: ['warm'], script: 'setup', outDir })
  expect(measuresOf(bench)[0]).toBe('npm run setup, warm')
})
