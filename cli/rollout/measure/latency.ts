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

/** Acknowledged records of its topics that each group never got, where there are any; without groups that stay behind on purpose, as above (pure). */
export function neverDelivered(
  { producers, groups }: Traces,
  laggingGroups: readonly string[],
): readonly { readonly group: string; readonly records: number }[] {
  return groups
    .filter((group) => !laggingGroups.includes(group.group))
    .map((group) => {
      const missing = producers.map((trace) => {
        const polled = group.firstPollAtNs.get(trace.producer) ?? []
        const isMissing = (ackedNs: number, seq: number) =>
          !Number.isNaN(ackedNs) && group.topics.includes(trace.topics[seq] ?? '') && polled[seq] === undefined
        return trace.ackedAtNs.filter(isMissing).length
      })
      return { group: group.group, records: missing.reduce((sum, records) => sum + records, 0) }
    })
    .filter(({ records }) => records > 0)
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
