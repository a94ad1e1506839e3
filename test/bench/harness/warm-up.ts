/** Which first values of an arm aren't counted: so many rounds. It is fixed before the run and said in the result. */
export interface WarmUpRule {
  readonly kind: 'rounds'
  readonly rounds: number
}

/** An arm's values after its warm-up. */
export interface Counted {
  readonly counted: readonly number[]
  readonly dropped: number
}

/** Applies the rule to one arm's values, in the order in which they were measured. Some value is always left where there was one. */
export function afterWarmUp(values: readonly number[], { rounds }: WarmUpRule): Counted {
  const dropped = Math.min(rounds, Math.max(0, values.length - 1))
  return { counted: values.slice(dropped), dropped }
}

/** The rule as a sentence. */
export function warmUpText({ rounds }: WarmUpRule): string {
  return rounds === 0 ? 'none: every round counts' : `the first ${rounds === 1 ? 'round' : `${rounds} rounds`} of every arm not counted`
}
