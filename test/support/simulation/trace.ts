/** The trace of a run: who did what, in order, at which virtual millisecond. */
import { routeKeys } from '../../../engine/model/route.ts'
import type { StoreOperation, TransactionAnswer } from './etcd.ts'
import { fleet } from './names.ts'
import { isEffect, type OperationName, operations } from './operations.ts'
import type { World } from './world.ts'

export interface TraceEntry {
  readonly atMs: number
  readonly who: string
  readonly what: string
  readonly args?: unknown
  readonly answer?: unknown
}

export type Trace = TraceEntry[]

const keys = routeKeys(fleet)
const longestText = 160

/** A trace as a runbook: one line for each effect, each fault and each broken invariant. Reads are left out unless everything is wanted. */
export function runbook(trace: readonly TraceEntry[], world: World, isEverything = false): readonly string[] {
  const shown = trace.filter(({ what, args, answer }) => isEverything || (answer !== false && !isRead(what, args)))
  const lines = shown.map(({ atMs, who, what, args, answer }) => ({ atMs, text: `${who.padEnd(14)} ${textOf(what, args, answer)}` }))
  const broken = world.history.violations.map(({ atMs, invariant, text }) => ({ atMs, text: `*** ${invariant}: ${text}` }))
  return [...lines, ...broken].sort((a, b) => a.atMs - b.atMs).map(({ atMs, text }) => `${atMs.toFixed(1).padStart(10)}  ${text}`)
}

function isRead(what: string, args: unknown): boolean {
  if (what === 'etcd keep alive') return true
  return Object.hasOwn(operations, what) && !isEffect(what as OperationName, args)
}

function textOf(what: string, args: unknown, answer: unknown): string {
  if (what.includes('etcd transaction'))
    return storeText(what, args as { readonly success: readonly StoreOperation[] }, answer as TransactionAnswer | undefined)
  const parts = [what, short(args), answer === undefined ? '' : `-> ${short(answer)}`]
  return parts.filter((part) => part !== '').join(' ')
}

/** What a transaction of the store writes, in the words of route and journal. */
function storeText(what: string, { success }: { readonly success: readonly StoreOperation[] }, answer: TransactionAnswer | undefined): string {
  const written = success.flatMap((operation) => (operation.kind === 'put' ? [writtenText(operation.key, operation.value)] : []))
  const outcome = answer === undefined || answer.succeeded ? '' : ' -> a comparison failed, nothing is written'
  return `${what}: ${written.filter((text) => text !== '').join('; ') || 'reads'}${outcome}`
}

function writtenText(key: string, value: string): string {
  if (key === keys.lock) return 'takes the lock'
  if (!key.startsWith(keys.journalPrefix) && key !== keys.route) return ''
  const { number, kind, step, what, outcome, source, colour, connector, epoch, state, live, groups } = JSON.parse(value)
  if (key === keys.route) return `route: ${state}, live ${live}, epoch ${epoch}, groups ${short(groups)}`
  return `entry ${number}: ${[kind, step, what, outcome, source ?? colour, connector].filter((part) => part !== undefined).join(' ')}`
}

function short(value: unknown): string {
  if (value === undefined || value === '') return ''
  const text = JSON.stringify(value, (_, inner) => (typeof inner === 'bigint' ? inner.toString() : inner)) ?? ''
  return text.length > longestText ? `${text.slice(0, longestText)}...` : text
}
