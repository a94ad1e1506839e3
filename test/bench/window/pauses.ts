import type { Traces } from '../../../cli/rollout/measure/traces.ts'

/** From when to when an arm did what it measures, its calm afterwards included. Milliseconds of CLOCK_MONOTONIC. */
export interface Span {
  readonly fromMs: number
  readonly toMs: number
}

/**
 * The longest time in which a producer had no send acknowledged, the maximum over producers: of all pauses that reach into the span, each in its whole length.
 *
 * @param endedMs when the load ended: a producer that has no acknowledgement after its last one waited until then
 */
export function longestPauseMs(producers: Traces['producers'], span: Span, endedMs: number): number {
  return Math.max(0, ...producers.map((producer) => pauseOf(ackTimesMs(producer), span, endedMs)))
}

function ackTimesMs({ ackedAtNs }: Traces['producers'][number]): readonly number[] {
  return ackedAtNs
    .filter((at) => Number.isFinite(at))
    .map((at) => at / 1e6)
    .sort((a, b) => a - b)
}

function pauseOf(acksMs: readonly number[], { fromMs, toMs }: Span, endedMs: number): number {
  const starts = acksMs.length === 0 ? [fromMs] : acksMs
  return starts.reduce((longest, startMs, index) => {
    const endMs = starts[index + 1] ?? Math.max(startMs, endedMs)
    return endMs >= fromMs && startMs <= toMs ? Math.max(longest, endMs - startMs) : longest
  }, 0)
}
