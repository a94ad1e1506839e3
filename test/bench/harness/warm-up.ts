import { median } from './statistics.ts'

/** Which first values of an arm aren't counted. It is fixed before the run and said in the result. */
export type WarmUpRule =
  /** So many first rounds of every arm. */
  | { readonly kind: 'rounds'; readonly rounds: number }
  /** Rounds until the median of the next `window` values differs from the median of all that follow them by at most `tolerance` (a share). */
  | { readonly kind: 'until steady'; readonly window: number; readonly tolerance: number }

/** An arm's values after its warm-up. */
export interface Counted {
  readonly counted: readonly number[]
  readonly dropped: number
  /** False: it never became steady; then nothing but the first half was dropped, and the result says so. */
  readonly steady: boolean
}

/** Applies the rule to one arm's values, in the order in which they were measured. Some value is always left where there was one. */
export function afterWarmUp(values: readonly number[], rule: WarmUpRule): Counted {
  switch (rule.kind) {
    case 'rounds': {
      const dropped = Math.min(rule.rounds, Math.max(0, values.length - 1))
      return { counted: values.slice(dropped), dropped, steady: true }
    }
    case 'until steady': {
      const half = Math.floor(values.length / 2)
      for (let dropped = 0; dropped <= half; dropped += 1) {
        if (isSteadyFrom(values, dropped, rule)) return { counted: values.slice(dropped), dropped, steady: true }
      }
      return { counted: values.slice(half), dropped: half, steady: false }
    }
  }
}

/** What follows has to be at least as long as the window: a median of one or two values says nothing. */
function isSteadyFrom(values: readonly number[], start: number, { window, tolerance }: { window: number; tolerance: number }): boolean {
  const next = values.slice(start, start + window)
  const rest = values.slice(start + window)
  if (next.length < window || rest.length < window) return false
  return Math.abs(median(next) - median(rest)) <= tolerance * median(rest)
}

/** The rule as a sentence. */
export function warmUpText(rule: WarmUpRule): string {
  switch (rule.kind) {
    case 'rounds':
      return rule.rounds === 0 ? 'none: every round counts' : `the first ${rule.rounds === 1 ? 'round' : `${rule.rounds} rounds`} of every arm not counted`
    case 'until steady':
      return `not counted until the median of the next ${rule.window} is within ${rule.tolerance * 100} % of the median of all that follow, at most half`
  }
}
