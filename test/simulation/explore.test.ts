/** One switchover, killed before and behind each of its requests, with answers lost, pauses and outages: whatever comes, a rerun puts things right, and nothing is lost. */
import { expect, test } from 'vitest'
import { explore, type Reach } from '../support/simulation/explore.ts'
import { runbook } from '../support/simulation/trace.ts'

/** Every point is tried once; of what is more than that, as much as fits into some seconds. `npm run simulate -- --explore` tries all. */
const reaches: Readonly<Record<string, Reach>> = {
  'without an audit': {
    ...{ fleet: {}, isExhaustive: false, depth: 1 },
    ...{ crashEvery: 1, twoAtOnceEvery: 12, lostEvery: 9, pauseEvery: 9, outageEvery: 61 },
    ...{ guardedEvery: 9, besideEvery: 19, guardianFaultEvery: 31, resumeEvery: 19 },
  },
  'with an audit and transactions': {
    ...{ fleet: { hasAudit: true, hasTransactions: true }, isExhaustive: false, depth: 1 },
    ...{ crashEvery: 6, twoAtOnceEvery: 30, lostEvery: 14, pauseEvery: 14, outageEvery: 79 },
    ...{ guardedEvery: 33, besideEvery: 49, guardianFaultEvery: 97, resumeEvery: 49 },
  },
}

test.each(Object.entries(reaches))('%s', { timeout: 180_000 }, async (_, reach) => {
  const startedMs = performance.now()
  const { scenarios, states, requests, excepted, longestStallMs, failures } = await explore(reach)
  const seconds = ((performance.now() - startedMs) / 1_000).toFixed(1)
  const stall = `producers held for at most ${(longestStallMs / 1_000).toFixed(1)} s beside a guardian`
  console.log(`${scenarios} scenarios over ${requests} requests, ${states} states, ${excepted} late fence changes excepted, ${stall}, ${seconds} s`)
  const told = failures.map(({ scenario, simulation }) => `${scenario}\n${runbook(simulation.trace, simulation.world).join('\n')}`)
  expect(told[0] ?? '').toBe('')
  expect(requests).toBeGreaterThan(150)
  expect(states).toBeGreaterThan(100)
})
