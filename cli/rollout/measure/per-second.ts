import type { LatencySeries, PerSecond } from '../../report/evidence.ts'
import { acknowledgementSamples, endToEndSamples, type LatencySample } from './latency.ts'
import { quantilesOf } from './quantiles.ts'
import type { GroupTrace, Traces } from './traces.ts'

/**
 * The load second by second (pure): acknowledgements of each colour, latencies, and how far each group was behind. The last second is the one of the last
 * acknowledgement.
 *
 * @param laggingGroups groups that stay behind on purpose: without them in the end-to-end latency
 */
export function perSecondOf(traces: Traces, laggingGroups: readonly string[]): PerSecond {
  const secondOf = (atNs: number) => Math.floor((atNs - traces.originNs) / 1e9)
  const seconds =
    1 + traces.producers.flatMap((trace) => trace.ackedAtNs).reduce((last, at) => (at > traces.originNs ? Math.max(last, secondOf(at)) : last), -1)
  const acked = { blue: zeros(seconds), green: zeros(seconds) }
  for (const trace of traces.producers) {
    trace.ackedAtNs.forEach((at, seq) => {
      const colour = trace.ackedBy[seq]
      if (colour !== undefined) count(acked[colour], secondOf(at))
    })
  }
  return {
    acked,
    acknowledgement: seriesOf(acknowledgementSamples(traces), seconds),
    endToEnd: seriesOf(endToEndSamples(traces, laggingGroups), seconds),
    groupLagRecords: Object.fromEntries(traces.groups.map((group) => [group.group, lagOf(group, traces, seconds, secondOf)])),
  }
}

function zeros(length: number): number[] {
  return Array.from({ length }, () => 0)
}

function count(seconds: number[], second: number): void {
  if (second < seconds.length) seconds[second] = (seconds[second] ?? 0) + 1
}

function seriesOf(samples: readonly LatencySample[], seconds: number): LatencySeries {
  const bySecond: number[][] = Array.from({ length: seconds }, () => [])
  for (const sample of samples) bySecond[Math.floor(sample.dueAtMs / 1_000)]?.push(sample.latencyMs)
  const quantiles = bySecond.map(quantilesOf)
  return { p50Ms: quantiles.map((one) => one.p50Ms), p99Ms: quantiles.map((one) => one.p99Ms), maximumMs: quantiles.map((one) => one.maximumMs) }
}

/** Acknowledged records of the group's topics up to the end of each second, less those that it had got by then. */
function lagOf(group: GroupTrace, traces: Traces, seconds: number, secondOf: (atNs: number) => number): number[] {
  const change = zeros(seconds)
  for (const trace of traces.producers) {
    const polled = group.firstPollAtNs.get(trace.producer) ?? []
    trace.ackedAtNs.forEach((ackedNs, seq) => {
      if (Number.isNaN(ackedNs) || !group.topics.includes(trace.topics[seq] ?? '')) return
      const acked = secondOf(ackedNs)
      const got = polled[seq] === undefined ? seconds : Math.max(acked, secondOf(polled[seq]))
      change[acked] = (change[acked] ?? 0) + 1
      if (got < seconds) change[got] = (change[got] ?? 0) - 1
    })
  }
  let lag = 0
  return change.map((by) => (lag += by))
}
