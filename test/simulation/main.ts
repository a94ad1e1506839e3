/**
 * `npm run simulate -- [--seeds N] [--from SEED] [--explore] [--scenario NAME]`: simulated switchovers for longer than the tests take. A run that breaks an invariant is printed as
 * a runbook, with the command that repeats it; the last line is `N passed, N failed`. Ends with 0 when none failed.
 */
import { parseArgs } from 'node:util'
import { systemClock } from '../../engine/ports/clock.ts'
import { explore, farthest } from '../support/simulation/explore.ts'
import type { FleetOptions } from '../support/simulation/fleet.ts'
import { runSeed } from '../support/simulation/random.ts'
import { runScenario } from '../support/simulation/scenario.ts'
import { scenarios } from '../support/simulation/scenarios.ts'
import { seedText } from '../support/simulation/seed-text.ts'
import { runbook } from '../support/simulation/trace.ts'

const usage = 'npm run simulate -- [--seeds N] [--from SEED] [--explore] [--scenario NAME]'

interface Count {
  readonly passed: number
  readonly failed: number
}

async function simulateSeeds(from: number, seeds: number): Promise<Count> {
  let failed = 0
  for (let seed = from; seed < from + seeds; seed += 1) {
    const run = await runSeed(seed)
    if (run.simulation.world.history.violations.length === 0) continue
    failed += 1
    console.log(seedText(seed, run))
  }
  return { passed: seeds - failed, failed }
}

async function exploreAll(): Promise<Count> {
  const fleets: readonly FleetOptions[] = [{}, { hasAudit: true }, { hasTransactions: true }, { hasAudit: true, hasTransactions: true }, { isPublished: true }]
  let count: Count = { passed: 0, failed: 0 }
  for (const fleet of fleets) {
    const startedMs = systemClock.monotonicMs()
    const { scenarios: tried, states, excepted, longestStallMs, failures } = await explore({ fleet, ...farthest })
    for (const { scenario, simulation } of failures) console.log([scenario, ...runbook(simulation.trace, simulation.world)].join('\n'))
    const seconds = ((systemClock.monotonicMs() - startedMs) / 1_000).toFixed(1)
    console.log(
      [
        `${JSON.stringify(fleet)}: ${tried} scenarios, ${states} states, ${excepted} late fence changes excepted`,
        `producers held for at most ${(longestStallMs / 1_000).toFixed(1)} s beside a guardian, ${failures.length} failed`,
        `${seconds} s, ${(Number(seconds) / tried).toFixed(3)} s each`,
      ].join(', '),
    )
    count = { passed: count.passed + tried - failures.length, failed: count.failed + failures.length }
  }
  return count
}

async function simulateScenario(name: string): Promise<Count> {
  const scenario = scenarios[name]
  if (scenario === undefined) throw new Error(`no scenario "${name}"; there are: ${Object.keys(scenarios).join('; ')}`)
  const { simulation, ended } = await runScenario(scenario)
  const isRight = simulation.world.history.violations.length === 0 && scenario.expected.ends.includes(ended)
  if (!isRight) console.log([...runbook(simulation.trace, simulation.world), `ended: ${ended}; expected: ${scenario.expected.ends.join(' or ')}`].join('\n'))
  return isRight ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 }
}

function chosen(): (() => Promise<Count>) | undefined {
  try {
    const { values } = parseArgs({
      options: {
        ...{ seeds: { type: 'string', default: '1000' }, from: { type: 'string', default: '1' } },
        ...{ explore: { type: 'boolean', default: false }, scenario: { type: 'string' } },
      },
    })
    const [seeds, from] = [Number(values.seeds), Number(values.from)]
    if (!Number.isSafeInteger(seeds) || seeds < 1 || !Number.isSafeInteger(from)) return undefined
    const { scenario } = values
    if (scenario !== undefined) return () => simulateScenario(scenario)
    return values.explore ? exploreAll : () => simulateSeeds(from, seeds)
  } catch {
    return undefined // an unknown option: the usage says which there are
  }
}

const work = chosen()
if (work === undefined) {
  console.error(usage)
  process.exitCode = 2
} else {
  const { passed, failed } = await work()
  console.log(`${passed} passed, ${failed} failed`)
  process.exitCode = failed === 0 ? 0 : 1
}
