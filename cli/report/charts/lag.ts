import { scaleLinear } from 'd3-scale'
import { area, curveStepAfter, line as lineOf } from 'd3-shape'
import type { PerSecond } from '../evidence.ts'
import type { Figure } from '../figure.ts'
import { count, counted, seconds } from '../format.ts'
import { type Html, html } from '../html.ts'
import type { RolloutReport } from '../report.ts'
import { type Drawing, fitted, group, label, path, valueAxis } from '../svg.ts'
import { type Bins, binName, binned, binsOf, largest } from './bins.ts'
import { drawRunAxis, movesText, type RunAxis, runAxis, switchMarks } from './run-axis.ts'

const mostGroups = 12
/** `200K`, `1.5M`: for the axis, where the exact number has no room. */
const short = new Intl.NumberFormat('en-US', { notation: 'compact', maximumSignificantDigits: 3 })

interface GroupLag {
  readonly name: string
  readonly lag: readonly number[]
  readonly most: number
}

/** How far each group was behind over the whole run, each on its own scale, with the switchovers marked; null when there is no group. */
export function lagFigure(report: RolloutReport, perSecond: PerSecond): Figure | null {
  const total = perSecond.acked.blue.length
  const bins = binsOf(total)
  const all = Object.entries(perSecond.groupLagRecords).map(([name, seconds]): GroupLag => {
    const lag = binned(bins, seconds, (values) => largest(values) ?? 0)
    return { name, lag, most: Math.max(0, ...lag) }
  })
  if (all.length === 0) return null
  const groups = all.toSorted((a, b) => b.most - a.most).slice(0, mostGroups)
  const unseen = all.length > groups.length ? ` The ${groups.length} groups that were furthest behind of ${all.length}.` : ''
  return {
    id: 'lag-figure',
    title: 'How far each group was behind, in records.',
    description: `Acknowledged records that it had not read yet; each step is ${binName(bins)}. Every group has its own scale. ${movesText(report)}${unseen}`,
    legend: null,
    draw: (width) => draw(report, groups, bins, total, width),
    table: {
      id: 'lag-numbers',
      caption: 'Records behind, by group',
      phone: 'scroll',
      columns: [{ heading: 'from', numeric: true }, ...groups.map(({ name }) => ({ heading: name, numeric: true }))],
      rows: bins.starts.map((start, index) => [seconds(start), ...groups.map(({ lag }) => count(lag[index] ?? 0))]),
    },
  }
}

function draw(report: RolloutReport, groups: readonly GroupLag[], bins: Bins, total: number, width: number): Drawing {
  const frame = { left: 60, right: width - 10, top: 0, bottom: 0 }
  const axis = runAxis(frame, total)
  const { rows } = switchMarks(report, frame, axis.x)
  const drawn: Html[] = []
  let y = rows * 18 + 6
  for (const one of groups) {
    const most = `at most ${counted(one.most, 'record')}`
    const plot = { ...frame, top: y + 24, bottom: y + 24 + 52 }
    drawn.push(label(0, y + 12, fitted(one.name, width - 10 - most.length * 7.5 - 16), 'start', 'head'), label(width - 10, y + 12, most, 'end', 'soft'))
    drawn.push(panel(one, plot, axis, bins, total))
    y = plot.bottom + 18
  }
  const whole = { ...frame, top: 0, bottom: y - 18 }
  return { height: y + 6, body: group(switchMarks(report, whole, axis.x).draw(0), drawn, drawRunAxis(whole, width, axis)) }
}

function panel(one: GroupLag, plot: { left: number; right: number; top: number; bottom: number }, axis: RunAxis, bins: Bins, total: number): Html {
  const y = scaleLinear([0, Math.max(1, one.most)], [plot.bottom, plot.top]).nice(2)
  const points = [...bins.starts.map((start, index) => ({ start, lag: one.lag[index] ?? 0 })), { start: total, lag: one.lag.at(-1) ?? 0 }]
  const filled = area<{ start: number; lag: number }>()
    .x(({ start }) => axis.x(start))
    .y0(plot.bottom)
    .y1(({ lag }) => y(lag))
    .curve(curveStepAfter)
    .digits(1)(points)
  const edge = lineOf<{ start: number; lag: number }>()
    .x(({ start }) => axis.x(start))
    .y(({ lag }) => y(lag))
    .curve(curveStepAfter)
    .digits(1)(points)
  const ticks = [0, y.domain()[1] ?? 1].map((value) => ({ y: y(value), text: short.format(value) }))
  return html`${valueAxis(plot, ticks)}${path(filled, 'fill-soft')}${path(edge, 'lag')}`
}
