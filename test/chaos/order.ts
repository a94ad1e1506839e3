/** What `npm run chaos` is told to do. Pure. */
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import type { Form } from './audit/scenario.ts'
import { type FaultKind, faultKinds } from './soak/plan.ts'
import type { SoakOrder } from './soak/script.ts'

export const usage = `npm run chaos -- audit [--long] [--seed N]
npm run chaos -- --minutes N [--seed N] [--rounds N] [--kinds ${Object.keys(faultKinds).slice(0, 2).join(',')},...] [--out DIRECTORY] [--write-docs]`

export type Order = ({ readonly what: 'audit' } & Form) | ({ readonly what: 'soak' } & SoakOrder)

const seed = { type: 'string', default: '1' } as const
const text = { type: 'string' } as const
const flag = { type: 'boolean', default: false } as const

/** undefined: an unknown word or option, or a number that is none; the usage says which there are. */
export function orderOf(words: readonly string[], defaultOut: string): Order | undefined {
  try {
    const [what, ...rest] = words
    if (what === 'audit') return auditOrder(rest)
    return soakOrder(words, defaultOut)
  } catch {
    return undefined
  }
}

function auditOrder(args: readonly string[]): Order {
  const { values } = parseArgs({ args: [...args], options: { long: flag, seed } })
  return { what: 'audit', isLong: values.long, seed: whole(values.seed) }
}

function soakOrder(args: readonly string[], defaultOut: string): Order {
  const options = { minutes: { ...text, default: '' }, seed, rounds: text, kinds: text, out: { ...text, default: defaultOut }, 'write-docs': flag }
  const { values } = parseArgs({ args: [...args], options })
  const minutes = Number(values.minutes)
  if (!(minutes > 0 && minutes < 10_000)) throw new RangeError(values.minutes)
  const rounds = values.rounds === undefined ? null : whole(values.rounds, 1)
  const form = { minutes, seed: whole(values.seed), rounds, kinds: values.kinds === undefined ? null : values.kinds.split(',').map(kindOf) }
  return { what: 'soak', form, outDir: resolve(values.out), writeDocs: values['write-docs'] }
}

function kindOf(word: string): FaultKind {
  if (word in faultKinds) return word as FaultKind
  throw new RangeError(word)
}

function whole(word: string, least = 0): number {
  const number = word === '' ? Number.NaN : Number(word)
  if (Number.isSafeInteger(number) && number >= least) return number
  throw new RangeError(word)
}
