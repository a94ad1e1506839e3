import { scaleLog } from 'd3-scale'
import { curveStepAfter, line as lineOf } from 'd3-shape'
import type { AuditSamples } from '../audit-evidence.ts'
import type { Figure } from '../figure.ts'
import { count, milliseconds, seconds } from '../format.ts'
import type { RolloutReport } from '../report.ts'
import { type Drawing, group, path, valueAxis } from '../svg.ts'
import { type Bins, binName, binned, binsOf, largest } from './bins.ts'
import { drawRunAxis, movesText, runAxis, switchMarks } from './run-axis.ts'

/** The looks of one second; it has none where the audit was not asked or gave no answer. */
interface Second {
  readonly ageMs: number | null
  readonly records: number | null
  readonly notEqual: number | null
}

/** How old the oldest watermark of all partitions was over the whole run, on a logarithmic axis, with the moves marked. */
export function watermarkFigure(report: RolloutReport, samples: AuditSamples): Figure {
  const looked = bySecond(samples, report.perSecond?.acked.blue.length ?? 0)
  const bins = binsOf(looked.length)
  const ages = binned(bins, looked, (own) => largest(own.map(({ ageMs }) => ageMs)))
  return {
    id: 'watermark-figure',
    title: 'How old the audit’s watermark was.',
    description: `How long ago everything that stood in both logs then had been compared, of all partitions the oldest; each step is ${binName(bins)}, and the axis is logarithmic. Where the line is broken it is not known. ${movesText(report)}`,
    legend: null,
    draw: (width) => draw(report, ages, bins, looked.length, width),
    table: {
      id: 'watermark-numbers',
      caption: 'The audit over the run',
      phone: 'scroll',
      columns: ['from', 'oldest watermark', 'records on both sides', 'partitions not equal'].map((heading) => ({ heading, numeric: true })),
      rows: bins.starts.map((start, index) => {
        const own = looked.slice(start, start + bins.secondsEach)
        return [seconds(start), milliseconds(ages[index] ?? null), known(own.map(({ records }) => records)), known(own.map(({ notEqual }) => notEqual))]
      }),
    },
  }
}

function known(values: readonly (number | null)[]): string {
  const most = largest(values)
  return most === null ? '–' : count(most)
}

/** Of the looks of one second the oldest watermark and the last counts, over all seconds of the run. */
function bySecond({ atMs, watermarkAgeMs, alignedRecords, notEqual }: AuditSamples, runSeconds: number): readonly Second[] {
  const length = Math.max(runSeconds, Math.ceil(((atMs.at(-1) ?? 0) + 1) / 1_000))
  const found: Second[] = Array.from({ length }, () => ({ ageMs: null, records: null, notEqual: null }))
  for (const [index, at] of atMs.entries()) {
    const second = Math.floor(at / 1_000)
    found[second] = {
      ageMs: largest([found[second]?.ageMs ?? null, watermarkAgeMs[index] ?? null]),
      records: alignedRecords[index] ?? null,
      notEqual: notEqual[index] ?? null,
    }
  }
  return found
}

function draw(report: RolloutReport, ages: readonly (number | null)[], bins: Bins, total: number, width: number): Drawing {
  const frame = { left: 54, right: width - 10, top: 0, bottom: 0 }
  const axis = runAxis(frame, total)
  const { rows } = switchMarks(report, frame, axis.x)
  const top = rows * 18 + 8
  const plot = { ...frame, top, bottom: top + 96 }
  const powers = ages.filter((age) => age !== null).map((age) => Math.log10(Math.max(age, 1)))
  const lowest = Math.floor(Math.min(2, ...powers))
  const highest = Math.max(lowest + 1, Math.ceil(Math.max(lowest + 1, ...powers)))
  const y = scaleLog([10 ** lowest, 10 ** highest], [plot.bottom, plot.top]).clamp(true)
  const ticks = Array.from({ length: highest - lowest + 1 }, (_, index) => 10 ** (lowest + index)).map((ms) => ({ y: y(ms), text: tickText(ms) }))
  const points = [...ages.map((age, index) => ({ at: bins.starts[index] ?? 0, age })), { at: total, age: ages.at(-1) ?? null }]
  const drawn = lineOf<{ at: number; age: number | null }>()
    .defined(({ age }) => age !== null)
    .x(({ at }) => axis.x(at))
    .y(({ age }) => y(Math.max(age ?? 0, 10 ** lowest)))
    .curve(curveStepAfter)
    .digits(1)(points)
  const body = group(valueAxis(plot, ticks), path(drawn, 'p50'), switchMarks(report, plot, axis.x).draw(0), drawRunAxis(plot, width, axis))
  return { height: plot.bottom + 24, body }
}

function tickText(ms: number): string {
  return ms < 1_000 ? `${ms}\u00a0ms` : `${count(ms / 1_000)}\u00a0s`
}
