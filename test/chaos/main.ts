/**
 * `npm run chaos -- audit [--long] [--seed N]`: faults that take their time, tried on one pair of clusters with mirror and audit. A line for each with what was injected, what was
 * observed, and how long it took; the last line is `N passed, N failed`. Ends with 0 when none failed.
 */
import { parseArgs } from 'node:util'
import { Catalog } from '../../engine/model/catalog.ts'
import { messageOf } from '../../engine/model/error.ts'
import { systemClock } from '../../engine/ports/clock.ts'
import { toolEnv } from '../../tools/paths.ts'
import { atLeastOnceKilled } from './audit/at-least-once-killed.ts'
import { exactlyOnceKilled } from './audit/exactly-once-killed.ts'
import { groupsBehind } from './audit/groups-behind.ts'
import { type Form, loadPartitions, type Scenario, topics } from './audit/scenario.ts'
import { ChaosPair } from './support/chaos-pair.ts'

/** In order: the last one damages what the others need. */
const scenarios: readonly Scenario[] = [exactlyOnceKilled, groupsBehind, atLeastOnceKilled]

const usage = 'npm run chaos -- audit [--long] [--seed N]'

function formOf(words: readonly string[]): Form | undefined {
  try {
    const { values, positionals } = parseArgs({
      args: [...words],
      allowPositionals: true,
      options: { long: { type: 'boolean', default: false }, seed: { type: 'string', default: '1' } },
    })
    const seed = Number(values.seed)
    return positionals.join() === 'audit' && Number.isSafeInteger(seed) ? { isLong: values.long, seed } : undefined
  } catch {
    return undefined // an unknown option: the usage says which there are
  }
}

async function main(form: Form): Promise<number> {
  process.env.PATH = toolEnv().PATH
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

const form = formOf(process.argv.slice(2))
if (form === undefined) {
  console.error(usage)
  process.exitCode = 2
} else {
  try {
    process.exitCode = await main(form)
  } catch (thrown) {
    console.error(messageOf(thrown))
    process.exitCode = 1
  }
}
