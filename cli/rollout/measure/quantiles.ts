/** Quantiles of a set of latencies; null where there is none. */
export interface Quantiles {
  readonly records: number
  readonly p50Ms: number | null
  readonly p99Ms: number | null
  readonly maximumMs: number | null
}

/** The median, the 99th percentile (nearest rank) and the maximum of latencies in milliseconds, to a tenth of one (pure). */
export function quantilesOf(latenciesMs: readonly number[]): Quantiles {
  const sorted = Float64Array.from(latenciesMs).sort()
  const at = (share: number) => (sorted.length === 0 ? null : tenth(sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0))
  return { records: sorted.length, p50Ms: at(0.5), p99Ms: at(0.99), maximumMs: at(1) }
}

/** To a tenth of a millisecond: what a report shows, and short in JSON. */
export function tenth(ms: number): number {
  return Math.round(ms * 10) / 10
}
