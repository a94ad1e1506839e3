import type { Colour } from '../../../engine/model/colour.ts'
import type { StageLatency } from '../../report/evidence.ts'
import { quantilesOf } from './quantiles.ts'
import type { Traces } from './traces.ts'

/** One record's latency. */
export interface LatencySample {
  /** When the record was due. */
  readonly dueAtMs: number
  readonly latencyMs: number
}

/** Of every acknowledged record: due to acknowledged. Milliseconds since the load began (pure). */
export function acknowledgementSamples({ producers, originNs }: Traces): readonly LatencySample[] {
  return producers.flatMap((trace) =>
    trace.intendedAtNs.flatMap((dueNs, seq) => {
      const ackedNs = trace.ackedAtNs[seq] ?? Number.NaN
      return Number.isNaN(ackedNs) ? [] : [{ dueAtMs: (dueNs - originNs) / 1e6, latencyMs: (ackedNs - dueNs) / 1e6 }]
    }),
  )
}

/** Of every delivery of an acknowledged record to a group: due to first delivered. Groups that stay behind on purpose would only show that they do (pure). */
export function endToEndSamples({ producers, groups, originNs }: Traces, laggingGroups: readonly string[]): readonly LatencySample[] {
  return groups
    .filter((group) => !laggingGroups.includes(group.group))
    .flatMap((group) =>
      producers.flatMap((trace) => {
        const polled = group.firstPollAtNs.get(trace.producer) ?? []
        return trace.intendedAtNs.flatMap((dueNs, seq) => {
          const polledNs = polled[seq]
          if (polledNs === undefined || Number.isNaN(trace.ackedAtNs[seq] ?? Number.NaN)) return []
          return [{ dueAtMs: (dueNs - originNs) / 1e6, latencyMs: (polledNs - dueNs) / 1e6 }]
        })
      }),
    )
}

/**
 * When every group had read from the new colour, in milliseconds since the load began; groups that stay behind on purpose don't count, nor do those that never
 * did (pure).
 *
 * @param fromMs when the switchover began
 */
export function groupsReadFrom(colour: Colour, fromMs: number, { groups, originNs }: Traces, laggingGroups: readonly string[]): number {
  const firstReadings = groups
    .filter((group) => !laggingGroups.includes(group.group))
    .map((group) => {
      const times = group.readings.filter((reading) => reading.colour === colour).map((reading) => (reading.atNs - originNs) / 1e6)
      return Math.min(...times.filter((at) => at >= fromMs))
    })
  return Math.max(fromMs, ...firstReadings.filter(Number.isFinite))
}

/** A switchover's stretch of time, in milliseconds since the load began. */
export interface Stretch {
  readonly fromMs: number
  readonly untilMs: number
}

const besideMs = 5_000

/** Latency of the records that were due in the 5 s before a stretch, in it, and in the 5 s after it (pure). */
export function stageLatency(measure: StageLatency['measure'], samples: readonly LatencySample[], during: Stretch): readonly StageLatency[] {
  const stages = [
    { stage: 'before', fromMs: during.fromMs - besideMs, untilMs: during.fromMs },
    { stage: 'during', ...during },
    { stage: 'after', fromMs: during.untilMs, untilMs: during.untilMs + besideMs },
  ] as const
  return stages.map(({ stage, fromMs, untilMs }) => {
    const latencies = samples.filter((sample) => sample.dueAtMs >= fromMs && sample.dueAtMs < untilMs).map((sample) => sample.latencyMs)
    return { measure, stage, fromMs, untilMs, ...quantilesOf(latencies) }
  })
}
