import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { systemClock } from '../../../engine/ports/clock.ts'
import { projectDir } from '../../../tools/paths.ts'
import type { NamedHistogram } from './histogram.ts'
import { thisMachine } from './machine.ts'
import { startNoiseProbe } from './machine-noise.ts'
import { type NoiseRule, tooNoisy } from './noise.ts'
import { type ArmSamples, BenchResult } from './result.ts'
import type { Row } from './row.ts'
import { tableLines } from './table.ts'

/** What is fixed before a bench runs. */
export interface BenchPlan {
  /** The file's name and what `npm run bench --` calls it. */
  readonly bench: string
  readonly question: string
  readonly settings: BenchResult['settings']
  readonly method: BenchResult['method']
  readonly noiseRule: NoiseRule
  /** Where the result goes; `out/bench` of the checkout when left out. */
  readonly outDir?: string
}

/** What a bench found. */
export interface Findings {
  readonly rows: readonly Row[]
  readonly samples: readonly ArmSamples[]
  readonly histograms?: readonly NamedHistogram[]
  readonly notes?: readonly string[]
}

/** A bench that has run. */
export interface ConductedBench {
  readonly result: BenchResult
  /** `NAME.json`, or `NAME.refused.json` for a run that was too noisy: that one doesn't take the place of an earlier good one. */
  readonly file: string
}

/**
 * Runs a bench beside the noise probe, writes its result, and prints the table. A run that was too noisy is written with its reasons, and none of
 * its rows says whether a goal holds.
 *
 * @param measure does the work; what it throws ends the bench, and nothing is written
 */
export async function conductBench(plan: BenchPlan, measure: () => Promise<Findings>): Promise<ConductedBench> {
  const machine = await thisMachine()
  const startedMs = systemClock.monotonicMs()
  const probe = await startNoiseProbe()
  const [work, stop] = await settledThen(measure, () => probe.stop())
  if (work.status === 'rejected') throw work.reason
  const refused = tooNoisy(stop, plan.noiseRule)
  const { rows, samples, histograms = [], notes = [] } = work.value
  const result = BenchResult.parse({
    ...{ version: 1, bench: plan.bench, question: plan.question, date: systemClock.wallClock().toISOString() },
    ...{ durationSeconds: (systemClock.monotonicMs() - startedMs) / 1_000, machine, settings: plan.settings, method: plan.method },
    ...{ noise: { rule: plan.noiseRule, observed: stop }, refused },
    rows: refused.length === 0 ? rows : rows.map((row) => ({ ...row, holds: null })),
    ...{ samples, histograms, notes },
  })
  const file = writeResult(plan.outDir ?? join(projectDir, 'out', 'bench'), result)
  console.log(['', ...tableLines(result)].join('\n'))
  return { result, file }
}

/** The probe is ended whether the work succeeded or not. */
async function settledThen<T, S>(work: () => Promise<T>, after: () => Promise<S>): Promise<[PromiseSettledResult<T>, S]> {
  const [settled] = await Promise.allSettled([work()])
  return [settled, await after()]
}

function writeResult(dir: string, result: BenchResult): string {
  mkdirSync(dir, { recursive: true })
  const refusedFile = join(dir, `${result.bench}.refused.json`)
  const file = result.refused.length > 0 ? refusedFile : join(dir, `${result.bench}.json`)
  rmSync(refusedFile, { force: true })
  writeFileSync(file, `${JSON.stringify(result, null, 2)}\n`)
  return file
}

/** 0: every goal holds; 1: one doesn't; 3: the machine was too noisy to tell. */
export function exitCodeOf(result: BenchResult): number {
  if (result.refused.length > 0) return 3
  return result.rows.some((row) => row.holds === false) ? 1 : 0
}
