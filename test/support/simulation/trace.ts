/** The trace of a run: who did what, in order, at which virtual millisecond. */
import type { World } from './world.ts'

export interface TraceEntry {
  readonly atMs: number
  readonly who: string
  readonly what: string
  readonly args?: unknown
  readonly answer?: unknown
}

export type Trace = TraceEntry[]

const longestText = 140

/** A trace as a runbook: one line for each effect, and what was broken. Reads are left out unless everything is wanted. */
export function runbook(trace: readonly TraceEntry[], world: World, isShown: (entry: TraceEntry) => boolean = () => true): readonly string[] {
  const lines = trace
    .filter(isShown)
    .map(({ atMs, who, what, args, answer }) => ({ atMs, text: `${who.padEnd(14)} ${what}${textOf(args, '')}${textOf(answer, ' -> ')}` }))
  const broken = world.history.violations.map(({ atMs, invariant, text }) => ({ atMs, text: `*** ${invariant}: ${text}` }))
  return [...lines, ...broken].sort((a, b) => a.atMs - b.atMs).map(({ atMs, text }) => `${atMs.toFixed(1).padStart(10)}  ${text}`)
}

function textOf(value: unknown, before: string): string {
  if (value === undefined || value === '') return ''
  const text = JSON.stringify(value, (_, inner) => (typeof inner === 'bigint' ? inner.toString() : inner)) ?? ''
  return ` ${before}${text.length > longestText ? `${text.slice(0, longestText)}...` : text}`.replace('  ', ' ')
}
