import { KbgError } from '../../../engine/model/error.ts'
import type { JournalEntry, TimelineMark } from '../../../engine/model/journal.ts'
import { afterWarmUp, armSamples, type Findings, medianOf, type Row, rowOf, single, type WarmUpRule } from '../harness/index.ts'
import { leastSquares, median } from '../harness/statistics.ts'

/** One switchover, in milliseconds between the orchestrator's marks. */
export interface SwitchTimes {
  /** From the fence's proof to the proven cut. */
  readonly verifyMs: number
  /** Of that, behind the drain: ends read again, and the audit's proof over them. */
  readonly cutMs: number
}

/** The switchovers at one size, in their order. */
export interface SizeTimes {
  /** Wanted on each side. */
  readonly records: number
  /** Offsets that blue's logs span at the end of these moves: records and markers. */
  readonly held: number
  /** How fast the mirror copied what was filled in; null where that was too little to tell. */
  readonly copiedPerSecond: number | null
  readonly times: readonly SwitchTimes[]
}

/** Flat: a thousand times the records, and at most so much of the time. */
const mostRatio = 1.5
const verifyWhat = "from the last broker's proof of the fence to the proven cut: drained, ends read again, every record below them proven equal by the audit"
const cutWhat = "of that, from the drain's end on"

/** The times of the switchovers in a journal (pure). @throws KbgError `bench` when one didn't switch, has no proof by the audit, or lacks a mark */
export function switchTimes(journal: readonly JournalEntry[]): readonly SwitchTimes[] {
  const unproven = journal.filter((entry) => entry.kind === 'decided' && entry.cut?.audit === undefined)
  const closed = journal.flatMap((entry) => (entry.kind === 'closed' ? [entry] : []))
  const failed = closed.filter(({ outcome }) => outcome !== 'switched')
  if (failed.length > 0) throw new KbgError('bench', 'A switchover was taken back.', { facts: { observed: failed.map(({ reason }) => reason) } })
  if (unproven.length > 0) throw new KbgError('bench', 'A cut was decided without the audit.', { facts: { cuts: unproven.length } })
  return closed.map(({ timeline }) => ({ verifyMs: between(timeline, 'fenced', 'cut'), cutMs: between(timeline, 'drained', 'cut') }))
}

function between(timeline: readonly TimelineMark[], from: TimelineMark['mark'], to: TimelineMark['mark']): number {
  const [start, end] = [from, to].map((name) => timeline.find(({ mark }) => mark === name)?.atMonotonicMs)
  if (start !== undefined && end !== undefined) return end - start
  throw new KbgError('bench', 'A switchover does not say when it was where.', {
    facts: { observed: timeline.map(({ mark }) => mark), required: `${from}, ${to}` },
  })
}

/** Rows and samples (pure). */
export function findings(sizes: readonly SizeTimes[], warmUp: WarmUpRule): Findings {
  const [smallest] = sizes
  if (smallest === undefined) throw new KbgError('bench', 'No size was measured.')
  const counted = (size: SizeTimes, pick: (times: SwitchTimes) => number) => afterWarmUp(size.times.map(pick), warmUp).counted
  const rows = (name: string, what: string, pick: (times: SwitchTimes) => number, withGoal: boolean): readonly Row[] =>
    sizes.map((size) =>
      rowOf({
        ...{ measure: `${name}, ${size.records} records`, unit: 'ms', ours: medianOf(what, counted(size, pick)) },
        ...(size === smallest ? {} : { baseline: medianOf(`${what}, ${smallest.records} records`, counted(smallest, pick)) }),
        ...(withGoal && size !== smallest ? { goal: { of: 'ratio', to: 'baseline', atMost: mostRatio } as const } : {}),
      }),
    )
  const verify = (times: SwitchTimes) => times.verifyMs
  return {
    rows: [...rows('fence to proven cut', verifyWhat, verify, true), ...rows('drain to proven cut', cutWhat, (times) => times.cutMs, false), ...slope(sizes, (size) => median(counted(size, verify)))], // biome-ignore format: one line
    samples: sizes.map((size) => armSamples(`${size.records} records`, verifyWhat, 'ms', size.times.map(verify), afterWarmUp(size.times.map(verify), warmUp))),
    notes: sizes.flatMap(({ records, held, copiedPerSecond }) => [
      `${records} records: blue's logs spanned ${held} offsets behind the last of these moves${copiedPerSecond === null ? '' : `; the exactly-once mirror copied ${Math.round(copiedPerSecond)} records/s`}`,
    ]),
  }
}

function slope(sizes: readonly SizeTimes[], of: (size: SizeTimes) => number): readonly Row[] {
  if (sizes.length < 2) return []
  const line = leastSquares(sizes.map((size) => ({ x: Math.log10(size.records), y: of(size) })))
  return [
    rowOf({
      measure: 'added by ten times the records',
      unit: 'ms',
      ours: single('slope of the line through the medians over the logarithm of the records', line.slope),
    }),
  ]
}
