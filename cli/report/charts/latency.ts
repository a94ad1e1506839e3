import { scaleLog } from 'd3-scale'
import { line as lineOf } from 'd3-shape'
import type { LatencySeries, PerSecond } from '../evidence.ts'
import type { Figure } from '../figure.ts'
import { milliseconds, seconds } from '../format.ts'
import { type Html, html } from '../html.ts'
import type { RolloutReport } from '../report.ts'
import { type Drawing, group, label, path, valueAxis } from '../svg.ts'
import { type Bins, binName, binned, binsOf, largest } from './bins.ts'
import { drawRunAxis, type RunAxis, runAxis, switchMarks } from './run-axis.ts'

interface Panel {
  readonly heading: string
  readonly p50: readonly (number | null)[]
  readonly p99: readonly (number | null)[]
  readonly maximum: readonly (number | null)[]
}

/** Acknowledgement and end-to-end latency over the whole run, on a logarithmic axis, with the switchovers marked. */
export function latencyFigure(report: RolloutReport, perSecond: PerSecond): Figure {
  const total = perSecond.acked.blue.length
  const bins = binsOf(total)
  const panels = [panelOf('From due to acknowledged', perSecond.acknowledgement, bins), panelOf('From due to read by a group', perSecond.endToEnd, bins)]
  return {
    id: 'latency-figure',
    title: 'What a record waited, by the second in which it was due.',
    description: `Counted from the moment that the schedule wanted it sent, so that a hold shows in full. ${pointText(bins)}; the axis is logarithmic. Groups that stay behind on purpose are left out.`,
    legend: html`<ul class="legend"><li><i class="rule p50"></i>${medianName(bins)}</li><li><i class="rule thin p99"></i>${p99Name(bins)}</li><li><i class="rule thin most"></i>maximum</li></ul>`,
    draw: (width) => draw(report, panels, bins, total, width),
    table: {
      id: 'latency-numbers',
      caption: 'Latency of the records that were due from then on',
      phone: 'scroll',
      columns: [
        { heading: 'from', numeric: true },
        ...panels.flatMap(({ heading }) => [medianName(bins), p99Name(bins), 'maximum'].map((name) => ({ heading: `${heading}, ${name}`, numeric: true }))),
      ],
      rows: bins.starts.map((start, index) => [
        seconds(start),
        ...panels.flatMap((panel) => [panel.p50, panel.p99, panel.maximum].map((series) => milliseconds(series[index] ?? null))),
      ]),
    },
  }
}

/** A median of medians is no median of their records, so a picture of long bins says what it shows instead. */
function pointText(bins: Bins): string {
  const largestOf = ": of its seconds' medians, 99th percentiles and maxima the largest each, so that no peak is hidden"
  return `Each point is ${binName(bins)}${bins.secondsEach === 1 ? '' : largestOf}`
}

function medianName({ secondsEach }: Bins): string {
  return secondsEach === 1 ? 'median' : 'largest median of a second'
}

function p99Name({ secondsEach }: Bins): string {
  return secondsEach === 1 ? '99th percentile' : 'largest 99th percentile of a second'
}

/** Of several seconds the largest of each: a picture must not hide a peak. */
function panelOf(heading: string, series: LatencySeries, bins: Bins): Panel {
  return { heading, p50: binned(bins, series.p50Ms, largest), p99: binned(bins, series.p99Ms, largest), maximum: binned(bins, series.maximumMs, largest) }
}

function draw(report: RolloutReport, panels: readonly Panel[], bins: Bins, total: number, width: number): Drawing {
  const frame = { left: 54, right: width - 10, top: 0, bottom: 0 }
  const axis = runAxis(frame, total)
  const { rows } = switchMarks(report, frame, axis.x)
  const drawn: Html[] = []
  let y = rows * 18 + 6
  for (const panel of panels) {
    const plot = { ...frame, top: y + 22, bottom: y + 22 + (width > 600 ? 130 : 110) }
    drawn.push(label(0, y + 12, panel.heading, 'start', 'head'), lines(panel, plot, axis, bins))
    y = plot.bottom + 20
  }
  const whole = { ...frame, top: 0, bottom: y - 20 }
  return { height: y + 4, body: group(switchMarks(report, whole, axis.x).draw(0), drawn, drawRunAxis(whole, width, axis)) }
}

function lines(panel: Panel, plot: { left: number; right: number; top: number; bottom: number }, axis: RunAxis, bins: Bins): Html {
  const values = [...panel.p50, ...panel.p99, ...panel.maximum].filter((value) => value !== null)
  const powers = values.map((value) => Math.log10(Math.max(value, 0.1)))
  const lowest = Math.floor(Math.min(1, ...powers))
  const highest = Math.max(lowest + 2, Math.ceil(Math.max(lowest + 2, ...powers)))
  const y = scaleLog([10 ** lowest, 10 ** highest], [plot.bottom, plot.top]).clamp(true)
  const ticks = Array.from({ length: highest - lowest + 1 }, (_, index) => 10 ** (lowest + index)).map((ms) => ({ y: y(ms), text: tickText(ms) }))
  const draw = (series: readonly (number | null)[]) =>
    lineOf<number | null>()
      .defined((value) => value !== null)
      .x((_, index) => axis.x((bins.starts[index] ?? 0) + bins.secondsEach / 2))
      .y((value) => y(Math.max(value ?? 0, 10 ** lowest)))
      .digits(1)(series)
  return group(valueAxis(plot, ticks), path(draw(panel.maximum), 'most'), path(draw(panel.p99), 'p99'), path(draw(panel.p50), 'p50'))
}

function tickText(ms: number): string {
  return ms < 1_000 ? `${ms}\u00a0ms` : `${ms / 1_000}\u00a0s`
}
