import { scaleLinear } from 'd3-scale'
import { area, curveStepAfter } from 'd3-shape'
import type { PerSecond } from '../evidence.ts'
import type { Figure } from '../figure.ts'
import { count, seconds } from '../format.ts'
import { html } from '../html.ts'
import type { RolloutReport } from '../report.ts'
import { type Drawing, group, path, valueAxis } from '../svg.ts'
import { binName, binned, binsOf, mean } from './bins.ts'
import { drawRunAxis, liveLane, movesText, runAxis, switchMarks } from './run-axis.ts'

/** Acknowledged records per second of each colour over the whole run, with the switchovers marked. */
export function throughputFigure(report: RolloutReport, perSecond: PerSecond): Figure {
  const total = perSecond.acked.blue.length
  const bins = binsOf(total)
  const blue = binned(bins, perSecond.acked.blue, mean)
  const green = binned(bins, perSecond.acked.green, mean)
  const series: Series = { starts: bins.starts, secondsEach: bins.secondsEach, total, blue, green }
  return {
    id: 'throughput-figure',
    title: 'Acknowledged records per second, by the colour that acknowledged them.',
    description: `${movesText(report)} The lane below says where writes went. Each step is ${binName(bins)}.`,
    legend: html`<ul class="legend"><li><i class="fill-blue"></i>acknowledged by blue</li><li><i class="fill-green"></i>acknowledged by green</li></ul>`,
    draw: (width) => draw(report, series, width),
    table: {
      id: 'throughput-numbers',
      caption: 'Acknowledged records per second',
      phone: 'scroll',
      columns: [
        { heading: 'from', numeric: true },
        { heading: 'blue, records/s', numeric: true },
        { heading: 'green, records/s', numeric: true },
      ],
      rows: bins.starts.map((start, index) => [seconds(start), count(blue[index] ?? 0), count(green[index] ?? 0)]),
    },
  }
}

interface Series {
  readonly starts: readonly number[]
  readonly secondsEach: number
  readonly total: number
  readonly blue: readonly number[]
  readonly green: readonly number[]
}

function draw(report: RolloutReport, series: Series, width: number): Drawing {
  const frame = { left: 54, right: width - 10, top: 0, bottom: 0 }
  const axis = runAxis(frame, series.total)
  const { rows } = switchMarks(report, frame, axis.x)
  const top = rows * 18 + 8
  const plot = { ...frame, top, bottom: top + (width > 600 ? 190 : 150) }
  const most = Math.max(1, ...series.starts.map((_, index) => (series.blue[index] ?? 0) + (series.green[index] ?? 0)))
  const y = scaleLinear([0, most], [plot.bottom, plot.top]).nice(4)
  const points = [...series.starts.map((start, index) => ({ start, index })), { start: series.total, index: series.starts.length - 1 }]
  const stacked = (floor: (index: number) => number, roof: (index: number) => number) =>
    area<{ start: number; index: number }>()
      .x(({ start }) => axis.x(start))
      .y0(({ index }) => y(floor(index)))
      .y1(({ index }) => y(roof(index)))
      .curve(curveStepAfter)
      .digits(1)(points)
  const blueAt = (index: number) => series.blue[index] ?? 0
  const bothAt = (index: number) => blueAt(index) + (series.green[index] ?? 0)
  const body = group(
    valueAxis(
      plot,
      y.ticks(4).map((value) => ({ y: y(value), text: count(value) })),
    ),
    path(
      stacked(() => 0, blueAt),
      'fill-blue',
    ),
    path(stacked(blueAt, bothAt), 'fill-green'),
    switchMarks(report, plot, axis.x).draw(0),
    drawRunAxis(plot, width, axis),
    liveLane(report, plot, plot.bottom + 26, axis.x, series.total),
  )
  return { height: plot.bottom + 48, body }
}
