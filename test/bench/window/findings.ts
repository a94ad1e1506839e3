/** What a window bench says: the rows, samples and notes of its measurements. Pure. */
import type { ClientVerdict } from '../../../cli/rollout/demo-load.ts'
import {
  afterWarmUp,
  armSamples,
  type Findings,
  histogramOfMs,
  maximumOf,
  medianOf,
  type Row,
  rowOf,
  shortened,
  single,
  type WarmUpRule,
} from '../harness/index.ts'
import { baselineNotes, baselineRows, baselineSamples, faults, faultUnit, type OursBesideBaselines, withoutExamples } from './baseline-rows.ts'
import type { Baselines } from './baselines.ts'
import type { PartsAlone } from './parts-alone.ts'
import { longestPauseMs, type Span } from './pauses.ts'
import { type MeasuredWindow, partNames } from './windows.ts'

/** What the switchovers came to, each list in their order. */
export interface Ours {
  readonly windows: readonly MeasuredWindow[]
  readonly partsAlone: readonly PartsAlone[]
  readonly spans: readonly Span[]
  /** How often the gate refused before each switchover. */
  readonly gateRefusals: readonly number[]
  readonly verdict: Pick<ClientVerdict, 'statistics' | 'lines' | 'traces'>
  /** What clients were told instead of success. */
  readonly problems: readonly string[]
}

const aloneNames = ['fenceMs', 'mirrorHopMs', 'liftMs', 'watchMs', 'ackMs'] as const satisfies readonly (keyof PartsAlone)[]

const whatWindow = 'last acknowledgement on the source to first on the target, the slowest of three producers'
const whatSum =
  'sum of its parts, each alone under the load: fence, mirror hop, lift, store watch and one acknowledgement on every leader, measured just before the switchover, ' +
  'and the flush, measured in it. No bound: the later parts of a switchover run while producers wait, and some overlap'
const whatGateRefused =
  'how often a move ended at the gate; nothing has then moved, and the bench begins it again a second later. Not counted: that the gate looks again by itself while only a lag refuses'

/** The counted values of the rounds, which are the same for every list: that is what makes pairs of them. */
type CountedOf = (values: readonly number[]) => readonly number[]

/** Rows, samples, histogram and notes. @param warmUp of ours; of the baselines every repetition counts */
export function findings(ours: Ours, baselines: Baselines, warmUp: WarmUpRule): Findings {
  const { windows, gateRefusals } = ours
  const counted: CountedOf = (values) => afterWarmUp(values, warmUp).counted
  const beside = besideBaselines(ours)
  const totals = windows.map((window) => window.totalMs)
  const sums = sumsOfParts(ours)
  return {
    rows: [...totalRows(totals, sums, counted), ...partRows(ours, counted), ...countedRows(ours), ...baselineRows(beside, baselines, warmUp)],
    samples: [
      armSamples('ours', whatWindow, 'ms', totals, afterWarmUp(totals, warmUp)),
      armSamples('parts alone', whatSum, 'ms', sums, afterWarmUp(sums, warmUp)),
      armSamples('gate refusals', whatGateRefused, 'refusals', gateRefusals, { counted: gateRefusals, dropped: 0 }),
      ...baselineSamples(beside, baselines.runs, warmUp),
    ],
    histograms: [histogramOfMs('write window', counted(totals))],
    notes: [...notes(ours, totals.slice(0, afterWarmUp(totals, warmUp).dropped)), ...baselineNotes(baselines)],
  }
}

function besideBaselines({ spans, verdict }: Ours): OursBesideBaselines {
  const pausesMs = spans.map((span) => longestPauseMs(verdict.traces.producers, span, span.toMs))
  return { pausesMs, statistics: verdict.statistics, moves: spans.length }
}

function sumsOfParts({ windows, partsAlone }: Ours): readonly number[] {
  return windows.map(({ flushMs }, index) => aloneNames.reduce((sum, part) => sum + (partsAlone[index]?.[part] ?? Number.NaN), flushMs))
}

function totalRows(totals: readonly number[], sums: readonly number[], counted: CountedOf): readonly Row[] {
  const ours = medianOf(whatWindow, counted(totals))
  const limit = medianOf(whatSum, counted(sums))
  const largest = maximumOf(`${whatWindow}; of all ${totals.length}, those of the warm-up included`, totals)
  return [
    rowOf({ measure: 'write window, median', unit: 'ms', ours, limit, goal: { of: 'ratio', to: 'limit', atMost: 2 }, paired: true }),
    rowOf({ measure: 'write window, median', unit: 'ms', ours, goal: { of: 'ours', atMost: 300 } }),
    rowOf({ measure: 'write window, maximum', unit: 'ms', ours: largest, limit, goal: { of: 'ratio', to: 'limit', atMost: 4 } }),
  ]
}

function partRows({ windows, partsAlone }: Ours, counted: CountedOf): readonly Row[] {
  const addUp = "medians of parts don't add up to the median of the whole"
  const row = (measure: string, what: string, values: readonly number[]) =>
    rowOf({ measure: measure.replace(/Ms$/, ''), unit: 'ms', ours: medianOf(what, counted(values)) })
  const flushes = windows.map(({ flushMs }) => flushMs)
  return [
    ...partNames.map((part) =>
      row(
        `part: ${part}`,
        `part of the window, in the order in which they pass; ${addUp}`,
        windows.map(({ parts }) => parts[part]),
      ),
    ),
    ...aloneNames.map((part) =>
      row(
        `alone: ${part}`,
        `measured alone, under the load; ${addUp}`,
        partsAlone.map((alone) => alone[part]),
      ),
    ),
    row('flush', "from the hold's publication to the last acknowledgement of any producer, in the switchover itself", flushes),
  ]
}

function countedRows({ verdict, gateRefusals }: Ours): readonly Row[] {
  const refused = gateRefusals.reduce((sum, count) => sum + count, 0)
  const most = Math.max(0, ...gateRefusals)
  const whatRefused = `${whatGateRefused}; in ${gateRefusals.length} moves together, at most ${most} before one of them`
  return [
    ...faults.map((fault) => {
      const ours = single('by the history checker, over the whole run', verdict.statistics[fault])
      return rowOf({ measure: fault, unit: faultUnit(fault), ours, goal: { of: 'ours', atMost: 0 } })
    }),
    rowOf({ measure: 'gate refusals', unit: 'refusals', ours: single(whatRefused, refused) }),
  ]
}

function notes({ windows, verdict, problems }: Ours, droppedMs: readonly number[]): readonly string[] {
  const graceful = windows.filter((window) => window.graceful).length
  const due = windows.filter((window) => window.dueThroughout).length
  const cold = droppedMs.map((ms) => `${ms.toFixed(0)} ms`).join(' and ')
  return [
    `${verdict.statistics.acked} records acknowledged; ${graceful} of ${windows.length} switchovers graceful; sends were due all through ${due}`,
    ...(droppedMs.length > 0 ? [`write windows of the warm-up, in no median: ${cold}`] : []),
    "the noise is that of the whole run, the baselines and their broker restarts included; the bench's own load takes the processors, so part of every number is waiting for them",
    ...withoutExamples(verdict.lines),
    ...shortened(problems),
  ]
}
