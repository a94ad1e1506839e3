/** What the smallest forms of benches are looked at for. */
import { readFileSync } from 'node:fs'
import { expect } from 'vitest'
import { BenchResult, type ConductedBench } from './harness/index.ts'

/** The measures of a result that has its form: samples of every arm, and what else the machine did meanwhile. */
export function measuresOf({ file }: ConductedBench): readonly string[] {
  const result = BenchResult.parse(JSON.parse(readFileSync(file, 'utf8')))
  expect(result.samples.every((arm) => arm.values.length > 0)).toBe(true)
  expect(result.noise.observed.stalls.count).toBeGreaterThan(0)
  return result.rows.map((row) => row.measure)
}

export const rowsOf = ({ result }: ConductedBench) => new Map(result.rows.map((row) => [row.measure, row]))
