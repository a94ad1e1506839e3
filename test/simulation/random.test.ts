/** Switchovers with faults drawn at random: any seed that fails says how to repeat it. */
import { expect, test } from 'vitest'
import { runSeed } from '../support/simulation/random.ts'
import { seedText } from '../support/simulation/seed-text.ts'

const seeds = 100

test(`${seeds} seeds of random faults break no invariant`, { timeout: 180_000 }, async () => {
  let faulty = 0
  for (let seed = 1; seed <= seeds; seed += 1) {
    const run = await runSeed(seed)
    if (run.simulation.world.history.isFaulty) faulty += 1
    expect(run.simulation.world.history.violations.length === 0 ? '' : seedText(seed, run)).toBe('')
  }
  expect(faulty).toBeGreaterThan(seeds / 4)
})

test('a seed is the same run each time', async () => {
  const [one, other] = [await runSeed(7), await runSeed(7)]
  expect(seedText(7, one)).toBe(seedText(7, other))
})
