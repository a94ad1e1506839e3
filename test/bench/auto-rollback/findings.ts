/** What an auto-rollback bench says: rows, samples and notes of its rounds. Pure. */
import type { ClientVerdict } from '../../../cli/rollout/demo-load.ts'
import type { ProducerTrace } from '../../../cli/rollout/measure/traces.ts'
import type { Limits } from '../../../engine/model/limits.ts'
import { longestStallMs } from '../../../engine/switchover/stall.ts'
import { type ArmSamples, armSamples, type Findings, maximumOf, medianOf, type Row, rowOf, shortened, single } from '../harness/index.ts'
import { howInjected, type RegressionKind, regressionKinds } from './regressions.ts'
import type { Round } from './rounds.ts'

/** What the rounds came to, in their order. */
export interface Rounds {
  readonly rounds: readonly Round[]
  readonly limits: Limits
  readonly verdict: Pick<ClientVerdict, 'statistics' | 'checked' | 'lines' | 'traces'>
  /** Kinds that could not be tried here, and why, in a sentence each. */
  readonly missing: readonly string[]
  readonly problems: readonly string[]
}

/** A round that went back by itself: milliseconds from the injection on. */
interface Back {
  readonly kind: RegressionKind
  readonly failedMs: number
  readonly heldMs: number
  /** Until the first acknowledgement of any producer on blue, and until every producer has one. */
  readonly firstWriteMs: number
  readonly allWriteMs: number
}

const whatFrom = 'from the injection on green'

export function findings({ rounds, limits, verdict, missing, problems }: Rounds): Findings {
  const backs = rounds.flatMap((round, index) => backOf(round, rounds[index + 1]?.injectedAtMs ?? Number.POSITIVE_INFINITY, verdict.traces.producers) ?? [])
  const kinds = regressionKinds.filter((kind) => backs.some((back) => back.kind === kind))
  return {
    rows: [...kinds.flatMap((kind) => kindRows(kind, backs, limits)), ...heldRows(backs, limits), ...countedRows(rounds, backs, verdict)],
    samples: kinds.flatMap((kind) => samplesOf(kind, backs)),
    notes: [
      ...missing,
      ...regressionKinds.filter((kind) => rounds.some((round) => round.kind === kind)).map((kind) => `${kind}: ${howInjected[kind]}`),
      ...rounds.map(roundLine),
      `without a watch nobody moves before a person has seen it: the application's own errors, then \`pulumi up\` with the other colour`,
      ...verdict.lines.filter((line) => !line.startsWith('  ')),
      ...shortened(problems),
    ],
  }
}

function backOf({ kind, outcome, injectedAtMs, failedAtMs, heldAtMs }: Round, nextAtMs: number, producers: readonly ProducerTrace[]): Back | null {
  if (outcome !== 'moved back') return null
  if (failedAtMs === null || heldAtMs === null) throw new Error(`a way back without its failure or its hold in the journal: ${failedAtMs}, ${heldAtMs}`)
  const firsts = producers.map((trace) => firstOnBlueMs(trace, injectedAtMs, nextAtMs))
  return {
    ...{ kind, failedMs: failedAtMs - injectedAtMs, heldMs: heldAtMs - injectedAtMs },
    firstWriteMs: Math.min(...firsts) - injectedAtMs,
    allWriteMs: Math.max(...firsts) - injectedAtMs,
  }
}

/** The moment of a producer's first acknowledgement on blue; infinite when there is none, which no result can hold. */
function firstOnBlueMs({ ackedAtNs, ackedBy }: ProducerTrace, fromMs: number, toMs: number): number {
  const own = ackedAtNs.flatMap((at, seq) => (ackedBy[seq] === 'blue' && at / 1e6 > fromMs && at / 1e6 < toMs ? [at / 1e6] : []))
  return own.reduce((first, at) => Math.min(first, at), Number.POSITIVE_INFINITY)
}

function kindRows(kind: RegressionKind, backs: readonly Back[], limits: Limits): readonly Row[] {
  const own = backs.filter((back) => back.kind === kind)
  const least = single(
    `${limits.watchFailures} samples, ${limits.watchSampleIntervalMs} ms apart: no watch fails sooner`,
    limits.watchFailures * limits.watchSampleIntervalMs,
  )
  const row = (measure: string, what: string, values: readonly number[]) =>
    rowOf({ measure: `${kind}: ${measure}`, unit: 'ms', ours: medianOf(`${whatFrom} ${what}`, values), limit: least })
  const rows: readonly [string, string, readonly number[]][] = [
    ['watch failed', 'until the journal says that the watch has failed', own.map(({ failedMs }) => failedMs)],
    ['held', 'until producers were held on green for the way back', own.map(({ heldMs }) => heldMs)],
    ['first write on blue', 'until any producer had an acknowledgement of blue', own.map(({ firstWriteMs }) => firstWriteMs)],
    ['all write on blue', 'until every producer had one', own.map(({ allWriteMs }) => allWriteMs)],
  ]
  return rows.map(([measure, what, values]) => row(measure, what, values))
}

function heldRows(backs: readonly Back[], limits: Limits): readonly Row[] {
  const heldMs = backs.map((back) => back.firstWriteMs - back.heldMs)
  if (backs.length === 0) return []
  const whole = backs.map(({ firstWriteMs }) => firstWriteMs)
  const limit = single('longestStallMs: how long producers are held at most', longestStallMs(limits))
  const longest = rowOf({ measure: 'first write on blue, maximum', unit: 'ms', ours: maximumOf(`${whatFrom}, of all rounds that went back`, whole) })
  return [
    longest,
    rowOf({
      measure: 'held until first write, maximum',
      unit: 'ms',
      ours: maximumOf('from the hold on green to the first acknowledgement on blue', heldMs),
      limit,
      goal: { of: 'ratio', to: 'limit', atMost: 1 },
    }),
  ]
}

function countedRows(rounds: readonly Round[], backs: readonly Back[], { statistics, checked: { redeliveredAfterCommit } }: Rounds['verdict']): readonly Row[] {
  const none = { of: 'ours', atMost: 0 } as const
  const checked = 'by the history checker, over the whole run'
  return [
    rowOf({
      measure: 'rounds that did not go back by themselves',
      unit: 'rounds',
      ours: single(`of ${rounds.length}`, rounds.length - backs.length),
      goal: none,
    }),
    ...(['lost', 'duplicated', 'reordered'] as const).map((fault) =>
      rowOf({ measure: fault, unit: 'records', ours: single(`${checked}, of ${statistics.acked} acknowledged`, statistics[fault]), goal: none }),
    ),
    rowOf({
      measure: 'redelivered',
      unit: 'records',
      ours: single(`${checked}: to a group more than once; a sick broker takes no commits`, statistics.redelivered),
    }),
    rowOf({
      measure: 'redelivered behind a commit',
      unit: 'records',
      ours: single(`${checked}: of these, what the group had committed before`, redeliveredAfterCommit),
      goal: none,
    }),
    rowOf({ measure: 'errors', unit: 'errors', ours: single(`${checked}: what clients were told, mostly by the regression itself`, statistics.errors) }),
  ]
}

function samplesOf(kind: RegressionKind, backs: readonly Back[]): readonly ArmSamples[] {
  const own = backs.filter((back) => back.kind === kind)
  const all = { counted: [], dropped: 0 }
  const arms: readonly [string, string, readonly number[]][] = [
    ['watch failed', 'until the journal says so', own.map(({ failedMs }) => failedMs)],
    ['held', 'until producers were held', own.map(({ heldMs }) => heldMs)],
    ['first write on blue', 'until any producer had an acknowledgement of blue', own.map(({ firstWriteMs }) => firstWriteMs)],
  ]
  return arms.map(([arm, what, values]) => armSamples(`${kind}: ${arm}`, `${whatFrom} ${what}`, 'ms', values, all))
}

/** A round as a line, for people. */
export function roundLine({ kind, outcome, reason, injectedAtMs, failedAtMs, heldAtMs }: Round, index: number): string {
  const seconds = (atMs: number | null) => (atMs === null ? 'never' : `${((atMs - injectedAtMs) / 1_000).toFixed(1)} s`)
  const why = reason === '' ? '' : `: ${reason}`
  return `round ${index + 1}, ${kind}: ${outcome} (failed ${seconds(failedAtMs)}, held ${seconds(heldAtMs)})${outcome === 'moved back' ? '' : why}`
}
