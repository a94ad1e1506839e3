/** Faults at chosen moments of a simulated switchover: how each ends, and that no invariant is broken, whatever happens. */
import { describe, expect, test } from 'vitest'
import { runScenario } from '../support/simulation/scenario.ts'
import { scenarios } from '../support/simulation/scenarios.ts'
import { runbook } from '../support/simulation/trace.ts'

describe('a switchover during which', () => {
  test.each(Object.entries(scenarios))('%s', async (_, scenario) => {
    const { simulation, ended } = await runScenario(scenario)
    const { world, trace } = simulation
    const { violations } = world.history
    expect(violations, violations.length > 0 ? runbook(trace, world).join('\n') : '').toEqual([])
    expect(scenario.expected.ends).toContain(ended)
  })
})
