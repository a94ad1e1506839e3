import { firstFive } from '../model/error.ts'
import type { WatchBaseline, WatchMeasure } from '../model/watch.ts'
import { judgeLooks, type Look, type WatchSample } from './samples.ts'

const name = 'writes'

/**
 * Do writes flow (pure)? Only topics that grew in every look of the baseline are asked, because a lull is no fault; and only when none of them grows any more while producers are registered,
 * is that a failure. One topic that stands still while others grow may have lost its producer: that is told, and moves nothing.
 */
export function judgeFlow(baseline: WatchBaseline | null, samples: readonly WatchSample[], failures: number, graceMs: number): WatchMeasure {
  const required = 'records come into topics that they came into before'
  const topics = Object.keys(baseline?.flows ?? {})
  if (topics.length === 0) return { name, verdict: 'inconclusive', observed: 'no topic grew steadily before the switchover', required }
  const measure = judgeLooks(name, flowLooks(topics, samples, graceMs), failures, required)
  if (measure.verdict !== 'pass') return measure
  const still = topics.filter((topic) => !samples.some(({ flows }) => (flows?.get(topic) ?? 0) > 0))
  if (still.length === 0) return measure
  return { ...measure, verdict: 'inconclusive', observed: `nothing came into ${firstFive(still)}, while others grew: nothing shows whose fault that is` }
}

/** Every sample behind the grace, and but the first, which has nothing before it; none where no topic is asked. Applications that also consume have just joined: what they write begins a moment later. */
export function flowLooks(topics: readonly string[], samples: readonly WatchSample[], graceMs: number): readonly Look[] {
  if (topics.length === 0) return []
  const firstMs = samples[0]?.atMs ?? 0
  return samples
    .slice(1)
    .filter(({ atMs }) => atMs - firstMs >= graceMs)
    .map(({ flows, producers }): Look => {
      const rates = topics.flatMap((topic) => flows?.get(topic) ?? []).filter(Number.isFinite)
      if (rates.length < topics.length) return { is: 'unknown', what: 'the ends were not read' }
      const total = Math.round(rates.reduce((sum, rate) => sum + rate, 0))
      if (rates.some((rate) => rate > 0)) return { is: 'good', what: `${total} records per second` }
      if (producers === null || producers === 0) return { is: 'unknown', what: 'nothing came, and no producer is known to be there' }
      return { is: 'failed', what: `nothing came into ${firstFive(topics)}, though ${producers} routed producers are there` }
    })
}
