import type { Limits } from '../model/limits.ts'
import type { WatchBaseline, WatchMeasure } from '../model/watch.ts'
import { flowLooks, judgeFlow } from './flow.ts'
import { judgeGroups } from './group-progress.ts'
import { latencyLimitMs, latencyRequired, lookAtLatency } from './latency.ts'
import { failingNow, judgeLooks, type WatchSample } from './samples.ts'

/** Producers that also consume begin again within this. */
const longestWritesGraceMs = 5_000

/** What a watch has shown so far. */
export interface WatchVerdict {
  /** `fail` when one measure fails; else `inconclusive` when one is; else `pass`. */
  readonly verdict: WatchMeasure['verdict']
  readonly measures: readonly WatchMeasure[]
  /** The most failed samples in a row that any measure ends with now. */
  readonly failing: number
}

/**
 * Compares what was seen behind a release with what was seen before it (pure).
 *
 * @param baseline null: none was taken, so nothing is a failure
 * @param moved the groups that the switchover moved
 */
export function judgeWatch(baseline: WatchBaseline | null, moved: ReadonlySet<string>, samples: readonly WatchSample[], limits: Limits): WatchVerdict {
  const failures = limits.watchFailures
  const latencies = (['append', 'endToEnd'] as const).map((what) => {
    const baselineMs = baseline?.[`${what}Ms`] ?? null
    const limitMs = latencyLimitMs(baselineMs, limits)
    const looks = samples.map((sample) => lookAtLatency(sample[what], limitMs))
    const name = what === 'append' ? 'canary accepted' : 'canary visible'
    return { looks, measure: judgeLooks(name, looks, failures, latencyRequired(limitMs, baselineMs)) }
  })
  const graceMs = Math.min(longestWritesGraceMs, limits.watchWindowMs / 6)
  const flow = { looks: flowLooks(Object.keys(baseline?.flows ?? {}), samples, graceMs), measure: judgeFlow(baseline, samples, failures, graceMs) }
  const groups = toldOnly(judgeGroups(baseline, moved, samples, limits))
  const all = [...latencies, flow, ...(groups === null ? [] : [groups])]
  const measures = all.map(({ measure }) => measure)
  return { verdict: worstOf(measures), measures, failing: Math.max(...all.map(({ looks }) => failingNow(looks))) }
}

/** Groups that don't read on tell of their applications, or of what these write to, as much as of the colour: a person is told, and nothing moves by itself for that. */
function toldOnly(groups: ReturnType<typeof judgeGroups>): ReturnType<typeof judgeGroups> {
  if (groups === null || groups.measure.verdict !== 'fail') return groups
  return { looks: [], measure: { ...groups.measure, verdict: 'inconclusive' } }
}

function worstOf(measures: readonly WatchMeasure[]): WatchMeasure['verdict'] {
  const has = (verdict: WatchMeasure['verdict']) => measures.some((measure) => measure.verdict === verdict)
  return has('fail') ? 'fail' : has('inconclusive') ? 'inconclusive' : 'pass'
}

/** One measure as a line, for progress, status and reasons. */
export function measureLine({ name, verdict, observed, required }: WatchMeasure): string {
  return `${name}: ${verdict}; observed ${observed}; required ${required}`
}
