/**
 * Faults on real clusters that take their time. The last line is `N passed, N failed`; ends with 0 when none failed.
 *
 * `npm run chaos -- audit [--long] [--seed N]`: the mirror and the audit. A line for each fault with what was injected, what was observed, and how long it took.
 *
 * `npm run chaos -- --minutes N [--seed N] [--rounds N] [--kinds a,b] [--out DIRECTORY] [--write-docs]`: switchovers back and forth under load, each with one fault of the seed's choice; writes `out/chaos/soak.json`, and with
 * `--write-docs` its part of `docs/faults.md`.
 */
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { messageOf } from '../../engine/model/error.ts'
import { projectDir, toolEnv } from '../../tools/paths.ts'
import { stopOnInterrupt } from '../bench/harness/interrupt.ts'
import { auditChaos } from './audit/script.ts'
import { enterNamespace, isInNamespace, namespaceProblem } from './soak/network.ts'
import { type FaultKind, faultKinds } from './soak/plan.ts'
import { runSoak, type SoakOrder } from './soak/script.ts'

const usage = `npm run chaos -- audit [--long] [--seed N]
npm run chaos -- --minutes N [--seed N] [--rounds N] [--kinds ${Object.keys(faultKinds).slice(0, 2).join(',')},...] [--out DIRECTORY] [--write-docs]`

type Order = { readonly what: 'audit'; readonly isLong: boolean; readonly seed: number } | ({ readonly what: 'soak' } & SoakOrder)

function orderOf(words: readonly string[]): Order | undefined {
  try {
    const { values, positionals } = parseArgs({
      args: [...words],
      allowPositionals: true,
      options: {
        long: { type: 'boolean' },
        seed: { type: 'string', default: '1' },
        minutes: { type: 'string' },
        rounds: { type: 'string' },
        kinds: { type: 'string' },
        out: { type: 'string' },
        'write-docs': { type: 'boolean' },
      },
    })
    const seed = Number(values.seed)
    if (!Number.isSafeInteger(seed)) return undefined
    const { minutes, rounds, kinds, long, out } = values
    const isSoaks = [minutes, rounds, kinds, out, values['write-docs']].some((value) => value !== undefined)
    if (positionals.join() === 'audit' && !isSoaks) return { what: 'audit', isLong: long ?? false, seed }
    const wanted = kinds === undefined ? null : kinds.split(',').filter((kind): kind is FaultKind => kind in faultKinds)
    const isKnown = wanted === null || (wanted.length > 0 && wanted.length === kinds?.split(',').length)
    if (positionals.length > 0 || long !== undefined || !isPositive(minutes) || !(rounds === undefined || isPositive(rounds)) || !isKnown) return undefined
    const form = { minutes: Number(minutes), seed, rounds: rounds === undefined ? null : Number(rounds), kinds: wanted }
    return { what: 'soak', form, outDir: resolve(out ?? join(projectDir, 'out', 'chaos')), writeDocs: values['write-docs'] ?? false }
  } catch {
    return undefined // an unknown option: the usage says which there are
  }
}

function isPositive(text: string | undefined): boolean {
  return text !== undefined && Number(text) > 0 && Number.isFinite(Number(text))
}

/** In a namespace of its own where the machine has one: faults of network and disk can then meet nothing but this run. */
async function carryOut(order: Order): Promise<number> {
  process.env.PATH = toolEnv().PATH
  if (order.what === 'audit') return await auditChaos(order)
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

const order = orderOf(process.argv.slice(2))
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
