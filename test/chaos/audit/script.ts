/** `npm run chaos -- audit`: faults that take their time, tried on one pair of clusters with mirror and audit. */
import { Catalog } from '../../../engine/model/catalog.ts'
import { messageOf } from '../../../engine/model/error.ts'
import { systemClock } from '../../../engine/ports/clock.ts'
import { ChaosPair } from '../support/chaos-pair.ts'
import { atLeastOnceKilled } from './at-least-once-killed.ts'
import { exactlyOnceKilled } from './exactly-once-killed.ts'
import { groupsBehind } from './groups-behind.ts'
import { type Form, loadPartitions, type Scenario, topics } from './scenario.ts'

/** In order: the last one damages what the others need. */
const scenarios: readonly Scenario[] = [exactlyOnceKilled, groupsBehind, atLeastOnceKilled]

/** A line for each scenario, and the sum. @returns the exit code: 0 when none failed */
export async function auditChaos(form: Form): Promise<number> {
  const catalog = Catalog.parse({
    topics: {
      [topics.load]: { partitions: loadPartitions },
      [topics.deep]: { partitions: 1 },
      [topics.transactions]: { partitions: 1 },
      [topics.empty]: { partitions: 1 },
    },
  })
  console.log(`chaos audit, ${form.isLong ? 'long' : 'short'} form, seed ${form.seed}`)
  const chaos = await ChaosPair.stand(`b-chaos${process.pid}`, catalog)
  let failed = 0
  try {
    for (const scenario of scenarios) {
      const startedMs = systemClock.monotonicMs()
      const result = await scenario.run(chaos, form).then(
        ({ injected, observed }) => `passed  ${scenario.faults}: ${injected} -> ${observed}`,
        (thrown: unknown) => {
          failed += 1
          return `failed  ${scenario.faults}: ${messageOf(thrown).slice(0, 4_000)}`
        },
      )
      console.log(`${result} (${((systemClock.monotonicMs() - startedMs) / 1_000).toFixed(1)} s)`)
    }
  } finally {
    await chaos.end()
  }
  console.log(`${scenarios.length - failed} passed, ${failed} failed`)
  return failed === 0 ? 0 : 1
}
