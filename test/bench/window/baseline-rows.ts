import type { ClientStatistics } from '../../support/history/index.ts'
import { type ArmSamples, afterWarmUp, armSamples, type Goal, medianOf, type Row, rowOf, shortened, single, type WarmUpRule } from '../harness/index.ts'
import type { BaselineArm, BaselineRun, Baselines } from './baselines.ts'
import { syncSeconds } from './mirrormaker.ts'

/** What is set beside the baselines. */
export interface OursBesideBaselines {
  /** The longest time without an acknowledged send of each switchover, measured over its histories as the baselines' is. */
  readonly pausesMs: readonly number[]
  /** Over all switchovers together. */
  readonly statistics: ClientStatistics
  readonly moves: number
}

const whatPause = 'longest time without an acknowledged send around one move, the slowest of three producers'

/** Each arm's name in the table, what it was, and what ours has to be of it. */
const descriptions: Readonly<Record<BaselineArm, { readonly name: string; readonly what: string; readonly goal: Goal | undefined }>> = {
  careful: {
    name: 'MirrorMaker with care',
    what: `by script: stop producers, wait for mirror lag 0 and for the group offsets after it (checkpoints and their sync every ${syncSeconds} s), stop consumers, connect all to the other cluster; no process starts`,
    goal: { of: 'ratio', to: 'baseline', atMost: 0.1 },
  },
  hasty: {
    name: 'MirrorMaker in haste',
    what: 'by script: stop producers, stop consumers, connect all to the other cluster; no process starts',
    goal: { of: 'ratio', to: 'baseline', atMost: 0.1 },
  },
  restart: { name: 'rolling restart', what: "a cluster's three brokers restarted one after the other, each when all replicas were in sync", goal: undefined },
}

const arms = ['careful', 'hasty', 'restart'] as const satisfies readonly BaselineArm[]
/** What clients may suffer, in the order in which it is told. */
export const faults = ['lost', 'duplicated', 'redelivered', 'reordered', 'errors'] as const satisfies readonly (keyof ClientStatistics)[]
/** The brokers and clients that the baselines run on have been warm since the switchovers before them. */
const everyRound: WarmUpRule = { kind: 'rounds', rounds: 0 }

/** What is counted of a fault: errors are calls that failed, whatever number of records was in them. */
export function faultUnit(fault: (typeof faults)[number]): string {
  return fault === 'errors' ? 'calls' : 'records'
}

/**
 * The rows that set ours beside each baseline that ran: the pause by median, faults for each move (the numbers of moves differ); and whether every repetition
 * had a verdict.
 *
 * @param warmUp of ours; of the baselines every repetition counts
 */
export function baselineRows(ours: OursBesideBaselines, { runs, failed }: Pick<Baselines, 'runs' | 'failed'>, warmUp: WarmUpRule): Row[] {
  const ran = arms.filter((arm) => runs[arm].length > 0)
  const pauses = ran.map((arm) => {
    const { name, what, goal } = descriptions[arm]
    const sides = { ours: medianOf(whatPause, afterWarmUp(ours.pausesMs, warmUp).counted), baseline: medianOf(`${what}: ${whatPause}`, pausesOf(runs[arm])) }
    return rowOf({ measure: `no acknowledged send, ${name}`, unit: 'ms', ...sides, ...(goal ? { goal } : {}) })
  })
  if (ran.length + failed === 0) return []
  const withoutVerdict = single('over all baselines, those that were not begun included; the notes say why', failed)
  return [
    ...pauses,
    ...ran.flatMap((arm) => faults.map((fault) => faultRow(ours, runs[arm], arm, fault))),
    rowOf({ measure: 'baselines without a verdict', unit: 'repetitions', ours: withoutVerdict, goal: { of: 'ours', atMost: 0 } }),
  ]
}

function faultRow(ours: OursBesideBaselines, runs: readonly BaselineRun[], arm: BaselineArm, fault: (typeof faults)[number]): Row {
  const sum = runs.reduce((total, run) => total + run.statistics[fault], 0)
  return rowOf({
    measure: `${fault}, ${descriptions[arm].name}`,
    unit: `${faultUnit(fault)} per move`,
    ours: single(`by the history checker: ${ours.statistics[fault]} ${fault} in ${ours.moves} switchovers`, ours.statistics[fault] / ours.moves),
    baseline: single(`by the history checker: ${sum} ${fault} in ${runs.length} repetitions of ${descriptions[arm].name}`, sum / runs.length),
  })
}

/** Every repetition's pause, by arm. */
export function baselineSamples(ours: OursBesideBaselines, runs: Baselines['runs'], warmUp: WarmUpRule): ArmSamples[] {
  const ran = arms.filter((arm) => runs[arm].length > 0)
  const samples = (arm: string, what: string, values: readonly number[], rule: WarmUpRule) => armSamples(arm, what, 'ms', values, afterWarmUp(values, rule))
  if (ran.length === 0) return []
  return [
    samples('ours, no acknowledged send', whatPause, ours.pausesMs, warmUp),
    ...ran.map((arm) => samples(descriptions[arm].name, `${descriptions[arm].what}: ${whatPause}`, pausesOf(runs[arm]), everyRound)),
  ]
}

/** For each arm how many records were acknowledged, and the first repetition in which the checker found something, as it says it. */
export function baselineNotes({ runs, notes }: Baselines): string[] {
  const said = arms.flatMap((arm) => {
    const found = runs[arm].find(({ statistics }) => faults.some((fault) => statistics[fault] > 0))
    if (runs[arm].length === 0) return []
    const acked = runs[arm].reduce((total, run) => total + run.statistics.acked, 0)
    return [
      `${descriptions[arm].name}: ${acked} records acknowledged${found ? `; the first with faults: ${withoutExamples(found.lines).join('; ')}` : ', no fault'}`,
    ]
  })
  return [...said, ...shortened(notes)]
}

/** The checker's lines without single records; of errors the most frequent one, because it tells why. The line before says how many there are. */
export function withoutExamples(lines: readonly string[]): readonly string[] {
  return lines.filter((line, index) => !line.startsWith('  ') || lines[index - 1]?.startsWith('errors of')).map((line) => line.trim())
}

function pausesOf(runs: readonly BaselineRun[]): readonly number[] {
  return runs.map(({ pauseMs }) => pauseMs)
}
