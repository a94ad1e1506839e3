import { join } from 'node:path'
import { systemClock } from '../../../engine/ports/clock.ts'
import { projectDir } from '../../../tools/paths.ts'
import type { NamedHistogram } from './histogram.ts'
import { thisMachine } from './machine.ts'
import { startNoiseProbe } from './machine-noise.ts'
import { type NoiseRule, tooNoisy } from './noise.ts'
import { type ArmSamples, BenchResult } from './result.ts'
import { refusalsBefore, writeResult } from './result-file.ts'
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
  const outDir = plan.outDir ?? join(projectDir, 'out', 'bench')
  const result = BenchResult.parse({
    ...{ version: 1, bench: plan.bench, question: plan.question, date: systemClock.wallClock().toISOString() },
    ...{ durationSeconds: (systemClock.monotonicMs() - startedMs) / 1_000, machine, settings: plan.settings, method: plan.method },
    ...{ noise: { rule: plan.noiseRule, observed: stop }, refused, refusedBefore: refusalsBefore(outDir, plan.bench) },
    rows: refused.length === 0 ? rows : rows.map((row) => ({ ...row, holds: null, open: null })),
    ...{ samples, histograms, notes },
  })
  const file = writeResult(outDir, result)
  console.log(['', ...tableLines(result)].join('\n'))
  return { result, file }
}

/** The probe is ended whether the work succeeded or not. */
async function settledThen<T, S>(work: () => Promise<T>, after: () => Promise<S>): Promise<[PromiseSettledResult<T>, S]> {
  const [settled] = await Promise.allSettled([work()])
  return [settled, await after()]
}

/**
 * 0: every goal holds; 1: one doesn't; 3: nothing can be told, because the machine was too noisy, or of a goal, because there was nothing to compare with. A
 * goal that holds and is open counts as one that holds: the result and the table say that it is open.
 */
export function exitCodeOf(result: BenchResult): number {
  if (result.refused.length > 0) return 3
  const withGoal = result.rows.filter((row) => row.goal !== null)
  if (withGoal.some((row) => row.holds === false)) return 1
  return withGoal.some((row) => row.holds === null) ? 3 : 0
}
