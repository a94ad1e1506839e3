/** What a soak has shown: as lines, as JSON, and as its part of `docs/faults.md`. Pure. */
import { moments, momentText } from '../../support/moments.ts'
import { type FaultKind, faultKinds, killTargets } from './plan.ts'
import type { RoundResult } from './round.ts'
import type { SoakForm } from './soak.ts'
import type { SoakVerdict } from './verdict.ts'

/** A round, with what its clients felt. */
export interface FeltRound extends RoundResult {
  /** The longest time without an acknowledgement of any producer from the fault to the rest, in milliseconds. */
  readonly stallMs: number
  /** From the fault until every producer was acknowledged again behind its longest pause, in milliseconds; 0: nobody paused for a second. */
  readonly writingAgainMs: number
}

export interface SoakReport {
  readonly seed: number
  readonly minutes: number
  readonly tookMinutes: number
  readonly rounds: readonly FeltRound[]
  readonly switchovers: { readonly finished: number; readonly takenBack: number; readonly untouched: number }
  readonly kinds: readonly { readonly kind: FaultKind; readonly rounds: number; readonly notHere: string | null }[]
  readonly acknowledged: number
  readonly lost: number
  readonly twoWriters: number
  readonly observations: number
  readonly stuck: number
  readonly longestStallMs: Readonly<Record<string, number>>
  readonly boundMs: number
  readonly duplicates: readonly string[]
  readonly unknown: number
  readonly unknownVisible: number
  readonly redelivered: number
  readonly redeliveredAfterCommit: number
  readonly reordered: number
  readonly late: number
  /** What a person did, because the product leaves it to one. */
  readonly operator: readonly string[]
  /** What speaks against it; empty: passed. */
  readonly found: readonly string[]
  readonly verdictLines: readonly string[]
}

/** A producer that is acknowledged at least so often has gone on. */
const pauseMs = 1_000
/** What is demanded of a run that is long enough for it. */
const wholeRun = { minutes: 40, switchovers: 60, ofEachKind: 3 } as const

export function soakReport(of: {
  readonly form: SoakForm
  readonly rounds: readonly RoundResult[]
  readonly tookMs: number
  readonly boundMs: number
  readonly found: readonly string[]
  readonly verdict: SoakVerdict | null
  readonly notHere: ReadonlyMap<FaultKind, string>
  readonly observations: number
  readonly twoWriters: number
  readonly operator: readonly string[]
  readonly late: number
}): SoakReport {
  const { form, verdict } = of
  const rounds = of.rounds.map((round) => felt(round, verdict?.acks ?? new Map()))
  const count = (outcome: RoundResult['outcome']) => rounds.filter((round) => round.outcome === outcome).length
  const switchovers = { finished: count('finished'), takenBack: count('taken back'), untouched: count('untouched') }
  const kinds = (Object.keys(faultKinds) as FaultKind[]).map((kind) => ({
    ...{ kind, rounds: rounds.filter((round) => round.kind === kind).length, notHere: of.notHere.get(kind) ?? null },
  }))
  const isWhole = form.minutes >= wholeRun.minutes
  const begun = switchovers.finished + switchovers.takenBack
  const rare = kinds.filter(({ kind, rounds: met, notHere }) => notHere === null && form.kinds?.includes(kind) !== false && met < wholeRun.ofEachKind)
  const short = [
    ...(isWhole && begun < wholeRun.switchovers ? [`${begun} switchovers, ${wholeRun.switchovers} are asked for`] : []),
    ...(isWhole ? rare.map(({ kind, rounds: met }) => `${kind} only ${met} times, ${wholeRun.ofEachKind} are asked for`) : []),
  ]
  return {
    ...{ seed: form.seed, minutes: form.minutes, tookMinutes: Math.round(of.tookMs / 6_000) / 10, rounds, switchovers, kinds },
    ...{ acknowledged: verdict?.statistics.acked ?? 0, lost: verdict?.statistics.lost ?? 0, reordered: verdict?.statistics.reordered ?? 0 },
    ...{ redelivered: verdict?.statistics.redelivered ?? 0, redeliveredAfterCommit: verdict?.redeliveredAfterCommit ?? 0 },
    ...{ twoWriters: of.twoWriters, observations: of.observations, stuck: of.found.filter((each) => each.startsWith('stuck')).length },
    ...{ longestStallMs: verdict?.longestStallMs ?? {}, boundMs: of.boundMs, duplicates: verdict?.duplicates ?? [] },
    ...{ unknown: verdict?.unknown ?? 0, unknownVisible: verdict?.unknownVisible ?? 0, late: of.late, operator: of.operator },
    ...{ found: [...of.found, ...short], verdictLines: verdict?.lines ?? [] },
  }
}

function felt(round: RoundResult, acks: ReadonlyMap<string, readonly number[]>): FeltRound {
  const { injectedAtMs, restAtMs } = round
  const pauses = [...acks.values()].map((times) => {
    const before = times.findLast((at) => at <= injectedAtMs) ?? injectedAtMs
    const inside = [before, ...times.filter((at) => at > injectedAtMs && at <= restAtMs)]
    return inside.reduce(
      (longest, at, index) => {
        const ms = index === 0 ? 0 : at - (inside[index - 1] ?? at)
        return ms > Math.max(longest.ms, pauseMs) ? { ms, endsAtMs: at } : longest
      },
      { ms: 0, endsAtMs: injectedAtMs },
    )
  })
  const most = (numbers: readonly number[]) => Math.round(Math.max(0, ...numbers))
  return { ...round, stallMs: most(pauses.map(({ ms }) => ms)), writingAgainMs: most(pauses.map(({ endsAtMs }) => endsAtMs - injectedAtMs)) }
}

/** A round as it is told while the soak runs. */
export function roundLine({ number, kind, moment, met, notes, from, to, outcome, ended, recoveryMs }: RoundResult): string {
  const more = notes.length === 0 ? '' : `; ${notes.join('; ')}`
  return `${String(number).padStart(3)}  ${from} -> ${to}  ${kind} ${moment} (${met}): ${outcome} (${ended}), at rest after ${seconds(recoveryMs)}${more}`
}

/** The figures that a run is judged by. */
export function summaryFigures(report: SoakReport): readonly string[] {
  const { switchovers } = report
  return [
    `${report.rounds.length} rounds in ${report.tookMinutes} minutes, seed ${report.seed}: ${switchovers.finished} switchovers finished, ${switchovers.takenBack} taken back, ${switchovers.untouched} ended before they began.`,
    `Acknowledged ${report.acknowledged}, lost ${report.lost}, two-writer moments ${report.twoWriters} in ${report.observations} observations, stuck ${report.stuck}.`,
    `Longest without an acknowledgement: ${stalls(report)}; bound ${seconds(report.boundMs)}.`,
    `Sends of unknown outcome ${report.unknown}, of which ${report.unknownVisible} are there; records that are there twice ${report.duplicates.length}${report.duplicates.map((each) => `; ${each}`).join('')}.`,
    `Redelivered ${report.redelivered}, of which ${report.redeliveredAfterCommit} were committed before; out of order ${report.reordered}; carried over as late ${report.late}; restarts of a mirror's FAILED tasks by hand ${report.operator.length}.`,
  ]
}

export function summaryLines(report: SoakReport): readonly string[] {
  return [
    ...report.kinds.map(({ kind, rounds, notHere }) => `  ${kind}: ${notHere === null ? `${rounds} times` : `not here (${notHere})`}`),
    ...killTable(report),
    ...report.verdictLines,
    ...summaryFigures(report),
    ...report.operator.map((each) => `an operator's hand: ${each}`),
    ...report.found.map((each) => `failed  ${each}`),
  ]
}

/** kill -9 of each target before and after each step: outcome, until rest, and until everybody wrote again; empty: not met in this run. */
export function killTable({ rounds }: Pick<SoakReport, 'rounds'>): readonly string[] {
  const cell = (target: string, moment: string) =>
    rounds
      .filter((round) => round.kind === `kill-${target}` && round.moment === moment)
      .map(({ outcome, recoveryMs, writingAgainMs }) => `${outcome}, ${seconds(recoveryMs)}, ${seconds(writingAgainMs)}`)
      .join('; ')
  const met = new Set(rounds.filter(({ kind }) => kind.startsWith('kill-')).map(({ kind, moment }) => `${kind} ${moment}`))
  return [
    `${met.size} of ${killTargets.length * moments.length} cells met. Outcome, until all was at rest, longest pause of a producer over; 0.0 s: nobody paused for a second.`,
    '',
    `| kill -9 | ${killTargets.join(' | ')} |`,
    `|---${'|---'.repeat(killTargets.length)}|`,
    ...moments.map((moment) => `| ${momentText(moment)} | ${killTargets.map((target) => cell(target, momentText(moment))).join(' | ')} |`),
  ]
}

function stalls({ longestStallMs }: SoakReport): string {
  return Object.entries(longestStallMs)
    .map(([producer, ms]) => `${producer} ${seconds(ms)}`)
    .join(', ')
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`
}
