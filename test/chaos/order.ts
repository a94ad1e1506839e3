/** What `npm run chaos` is told to do. Pure. */
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import type { Form } from './audit/scenario.ts'
import { updateCells } from './pulumi/moments.ts'
import type { PulumiOrder } from './pulumi/script.ts'
import { type FaultKind, faultKinds } from './soak/plan.ts'
import type { SoakOrder } from './soak/script.ts'

export const usage = `npm run chaos -- audit [--long] [--seed N]
npm run chaos -- pulumi [--cells N] [--write-docs]
npm run chaos -- --minutes N [--seed N] [--rounds N] [--kinds kills,${Object.keys(faultKinds).slice(5, 7).join(',')},...] [--out DIRECTORY] [--write-docs]`

export type Order = ({ readonly what: 'audit' } & Form) | ({ readonly what: 'pulumi' } & PulumiOrder) | ({ readonly what: 'soak' } & SoakOrder)

const seed = { type: 'string', default: '1' } as const
const text = { type: 'string' } as const
const flag = { type: 'boolean', default: false } as const

/** undefined: an unknown word or option, or a number that is none; the usage says which there are. */
export function orderOf(words: readonly string[], defaultOut: string): Order | undefined {
  try {
    const [what, ...rest] = words
    if (what === 'audit') return auditOrder(rest)
    if (what === 'pulumi') return pulumiOrder(rest)
    return soakOrder(words, defaultOut)
  } catch {
    return undefined
  }
}

function auditOrder(args: readonly string[]): Order {
  const { values } = parseArgs({ args: [...args], options: { long: flag, seed } })
  return { what: 'audit', isLong: values.long, seed: whole(values.seed) }
}

function pulumiOrder(args: readonly string[]): Order {
  const { values } = parseArgs({ args: [...args], options: { cells: { ...text, default: String(updateCells.length) }, 'write-docs': flag } })
  return { what: 'pulumi', cells: whole(values.cells, 1, updateCells.length), writeDocs: values['write-docs'] }
}

function soakOrder(args: readonly string[], defaultOut: string): Order {
  const options = { minutes: { ...text, default: '' }, seed, rounds: text, kinds: text, out: { ...text, default: defaultOut }, 'write-docs': flag }
  const { values } = parseArgs({ args: [...args], options })
  const minutes = Number(values.minutes)
  if (!(minutes > 0 && minutes < 10_000)) throw new RangeError(values.minutes)
  const rounds = values.rounds === undefined ? null : whole(values.rounds, 1)
  const form = { minutes, seed: whole(values.seed), rounds, kinds: values.kinds === undefined ? null : values.kinds.split(',').flatMap(kindsOf) }
  return { what: 'soak', form, outDir: resolve(values.out), writeDocs: values['write-docs'] }
}

/** `kills` stands for all of them. */
function kindsOf(word: string): readonly FaultKind[] {
  if (word === 'kills') return (Object.keys(faultKinds) as FaultKind[]).filter((kind) => kind.startsWith('kill-'))
  if (word in faultKinds) return [word as FaultKind]
  throw new RangeError(word)
}

function whole(word: string, least = 0, most = Number.MAX_SAFE_INTEGER): number {
  const number = word === '' ? Number.NaN : Number(word)
  if (Number.isSafeInteger(number) && number >= least && number <= most) return number
  throw new RangeError(word)
}
