/**
 * Faults on real clusters that take their time. The last line is `N passed, N failed`; ends with 0 when none failed.
 *
 * `npm run chaos -- audit [--long] [--seed N]`: the mirror and the audit. A line for each fault with what was injected, what was observed, and how long it took.
 *
 * `npm run chaos -- pulumi [--cells N] [--write-docs]`: kill -9 of the Pulumi CLI and of its provider at each step of a switchover by `pulumi up`.
 *
 * `npm run chaos -- --minutes N [--seed N] [--rounds N] [--kinds a,b] [--out DIRECTORY] [--write-docs]`: switchovers back and forth under load, each with one fault of the seed's choice; writes `out/chaos/soak.json`, and with
 * `--write-docs` its part of `docs/faults.md`.
 */
import { join } from 'node:path'
import { messageOf } from '../../engine/model/error.ts'
import { projectDir, toolEnv } from '../../tools/paths.ts'
import { stopOnInterrupt } from '../bench/harness/interrupt.ts'
import { auditChaos } from './audit/script.ts'
import { type Order, orderOf, usage } from './order.ts'
import { pulumiChaos } from './pulumi/script.ts'
import { enterNamespace, isInNamespace, namespaceProblem } from './soak/network.ts'
import { runSoak } from './soak/script.ts'

/** In a namespace of its own where the machine has one: faults of network and disk can then meet nothing but this run. */
async function carryOut(order: Order): Promise<number> {
  process.env.PATH = toolEnv().PATH
  if (order.what === 'audit') return await auditChaos(order)
  if (order.what === 'pulumi') {
    stopOnInterrupt()
    return await pulumiChaos(order, console.log)
  }
  if (!isInNamespace()) {
    const problem = namespaceProblem()
    if (problem === null) {
      stopOnInterrupt() // the run itself hears it too, and ends what it started
      return enterNamespace(process.argv.slice(1))
    }
    console.log(`no namespace of its own: ${problem}`)
  }
  stopOnInterrupt()
  return await runSoak(order, console.log)
}

const order = orderOf(process.argv.slice(2), join(projectDir, 'out', 'chaos'))
if (order === undefined) {
  console.error(usage)
  process.exitCode = 2
} else {
  try {
    process.exitCode = await carryOut(order)
  } catch (thrown) {
    console.error(messageOf(thrown))
    process.exitCode = 1
  }
}
