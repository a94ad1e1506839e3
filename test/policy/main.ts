/**
 * `npm run test:policy [-- --write-docs]`: the policies in real previews. Without a broker: nothing to say of the examples as they are, and each violation that was planted, as tables. On a pair that stands: every
 * stack judged whole, then the pull request's own workflow for five changes; with `--write-docs` their logs are kept and `docs/pull-request.md` is written. Ends with 0 when all is as it has to be.
 */
import { messageOf } from '../../engine/model/error.ts'
import { toolEnv } from '../../tools/paths.ts'
import { stopOnInterrupt } from '../bench/harness/index.ts'
import { Checkout } from '../support/checkout.ts'
import { kubernetesPreviews } from './planted/kubernetes-run.ts'
import { plantedPreviews } from './planted/run.ts'
import { pullRequests } from './pull-request/run.ts'

/** One thing that was tried. */
export interface Tried {
  readonly what: string
  /** Why it isn't as it has to be; empty: it is. */
  readonly problem: string
}

const usage = 'npm run test:policy [-- --write-docs]'

async function inCopy(name: string, work: (copy: Checkout) => Promise<readonly Tried[]>): Promise<readonly Tried[]> {
  const copy = new Checkout(name)
  try {
    await copy.run('npx kbg init')
    return await work(copy)
  } finally {
    await copy.remove()
  }
}

async function main(words: readonly string[]): Promise<number> {
  if (words.some((word) => word !== '--write-docs')) {
    console.error(usage)
    return 2
  }
  process.env.PATH = toolEnv().PATH
  stopOnInterrupt()
  const tried = [
    ...(await inCopy('policies', (copy) => plantedPreviews(copy, console.log))),
    ...(await inCopy('kubernetes', (copy) => kubernetesPreviews(copy, console.log))),
    ...(await inCopy('pull-requests', (copy) => pullRequests(copy, words.includes('--write-docs'), console.log))),
  ]
  const failed = tried.filter(({ problem }) => problem !== '')
  for (const { what, problem } of failed) console.log(`FAILED  ${what}\n${problem}\n`)
  console.log(`${tried.length - failed.length} passed, ${failed.length} failed`)
  return failed.length === 0 ? 0 : 1
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (thrown) {
  console.error(messageOf(thrown))
  process.exitCode = 1
}
