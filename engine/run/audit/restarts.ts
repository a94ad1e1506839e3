const window = { ms: 600_000, restarts: 5 } as const
const firstPauseMs = 500
const longestPauseMs = 8_000

/**
 * How long to wait before a worker that has ended is started again (pure): twice as long each time, and not at all after five within ten minutes: what ends so often isn't mended by a start.
 *
 * @param endsAtMs when it has ended before, in order, this time included
 * @returns null: not again
 */
export function restartAfterMs(endsAtMs: readonly number[]): number | null {
  const last = endsAtMs.at(-1) ?? 0
  const recent = endsAtMs.filter((atMs) => last - atMs < window.ms).length
  return recent > window.restarts ? null : Math.min(firstPauseMs * 2 ** (recent - 1), longestPauseMs)
}
