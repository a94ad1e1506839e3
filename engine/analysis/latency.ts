import type { Limits } from '../model/limits.ts'
import type { Look, Measured } from './samples.ts'

/**
 * How long a canary may take: so many times as long as before, and always as long as the floor (pure). null: there is nothing to compare with, because it wasn't measured, or took no time at all,
 * which no append does.
 */
export function latencyLimitMs(baselineMs: number | null, limits: Limits): number | null {
  if (baselineMs === null || !Number.isFinite(baselineMs) || baselineMs <= 0) return null
  return Math.max(baselineMs * limits.latencyFactor, limits.latencyFloorMs)
}

/** One measured latency against its limit (pure); exactly the limit is good. Without a limit nothing is a failure: nobody knows whether it was so before. */
export function lookAtLatency(measured: Measured, limitMs: number | null): Look {
  if (measured === null) return { is: 'unknown', what: 'it could not be reached' }
  if (typeof measured !== 'number') return { is: limitMs === null ? 'unknown' : 'failed', what: measured.refused }
  if (limitMs === null || !Number.isFinite(measured) || measured < 0) return { is: 'unknown', what: limitMs === null ? 'no baseline' : 'no number' }
  return { is: measured <= limitMs ? 'good' : 'failed', what: `${Math.round(measured)} ms` }
}

/** The requirement in words. */
export function latencyRequired(limitMs: number | null, baselineMs: number | null): string {
  if (limitMs === null) return baselineMs === 0 ? 'a baseline above zero' : 'a baseline'
  return `at most ${Math.round(limitMs)} ms (before the switchover ${Math.round(baselineMs ?? 0)} ms)`
}
