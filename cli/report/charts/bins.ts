/** Seconds taken together so that a long run still has room in a picture. */
export interface Bins {
  readonly secondsEach: number
  readonly starts: readonly number[]
}

const mostBins = 320

/** Bins over so many seconds, each of 1 s as long as that gives no more than a picture can show (pure). */
export function binsOf(totalSeconds: number): Bins {
  const secondsEach = Math.max(1, Math.ceil(totalSeconds / mostBins))
  return { secondsEach, starts: Array.from({ length: Math.ceil(totalSeconds / secondsEach) }, (_, index) => index * secondsEach) }
}

/** What `fold` makes of the values of each bin (pure). */
export function binned<T, R>(bins: Bins, values: readonly T[], fold: (values: readonly T[]) => R): readonly R[] {
  return bins.starts.map((start) => fold(values.slice(start, start + bins.secondsEach)))
}

export function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length
}

/** The largest of those that are there; null: none is. */
export function largest(values: readonly (number | null)[]): number | null {
  return values.reduce<number | null>((most, value) => (value === null ? most : Math.max(most ?? value, value)), null)
}

/** `one second` or, for longer bins, `5 seconds`. */
export function binName({ secondsEach }: Bins): string {
  return secondsEach === 1 ? 'one second' : `${secondsEach}\u00a0seconds`
}
