import { scaleLinear } from 'd3-scale'
import type { AroundWindow } from '../evidence.ts'
import type { Figure } from '../figure.ts'
import { count, counted, milliseconds } from '../format.ts'
import { type Html, html } from '../html.ts'
import type { SwitchoverReport, WindowParts } from '../report.ts'
import { box, type Drawing, group, label, line, type Plot, path, round, textPx, ticksThatFit, timeAxis, valueAxis } from '../svg.ts'
import { type BarRow, barRows, rowHeight } from './rows.ts'

/** The parts of a window in their order: a name, and what happens in it. */
export const partNames = {
  beforeHoldMs: ['before hold', 'until the hold was published: nothing held the producer yet'],
  holdMs: ['hold', 'until every routed producer had flushed and acknowledged the hold'],
  fenceMs: ['fence', 'until every broker of the source refused writes'],
  drainMs: ['drain', 'until the target held all that the source held'],
  cutMs: ['cut', "until both sides' ends were read again, unchanged"],
  decideMs: ['decide', 'until the decision stood in the route store'],
  liftMs: ['lift', 'until every broker of the target accepted writes'],
  publishMs: ['publish', 'until the target stood in the route'],
  firstAckMs: ['first ack', "until the producer's first acknowledgement from the target"],
} as const satisfies Readonly<Record<keyof WindowParts, readonly [string, string]>>

const partOrder = Object.keys(partNames) as (keyof WindowParts)[]

/** What is shown of a window: a pause before the hold only where there was one, because an earlier version's report doesn't tell it from the hold. */
export function shownParts({ beforeHoldMs }: WindowParts): readonly (keyof WindowParts)[] {
  return partOrder.filter((part) => part !== 'beforeHoldMs' || beforeHoldMs > 0)
}

/** One switchover's write window: acknowledgements around it, every producer's pause, and the parts of the longest, on one time axis. */
export function windowFigure(one: SwitchoverReport, number: number): Figure {
  const parts = partRows(one)
  const slowest = one.producers.reduce<string | null>((name, producer, _, all) => {
    const longest = Math.max(...all.map((other) => other.windowMs))
    return name ?? (producer.windowMs === longest ? producer.producer : null)
  }, null)
  return {
    id: `window-${number}`,
    title: `Switchover ${number}, ${one.from} to ${one.to}: a write window of ${milliseconds(one.writeWindowMs)}.`,
    description: `From the last acknowledgement of ${one.from} to the first of ${one.to}, for the producer that waited longest${slowest === null ? '' : ` (${slowest})`}. ${longestParts(one)}`,
    legend: one.around === null ? null : legend,
    draw: (width) => draw(one, parts, slowest, width),
    table: {
      id: `window-${number}-numbers`,
      caption: `Switchover ${number}: the parts of the write window, then the pauses of producers and groups`,
      phone: 'stack',
      columns: [{ heading: 'part, producer or group' }, { heading: 'what it is' }, { heading: 'began', numeric: true }, { heading: 'took', numeric: true }],
      rows: tableRows(one, parts),
    },
  }
}

function tableRows(one: SwitchoverReport, parts: readonly BarRow[]): readonly (readonly string[])[] {
  return [
    ...shownParts(one.parts).map((part, index) => [
      ...[partNames[part][0], partNames[part][1]],
      ...[milliseconds(parts[index]?.from ?? 0), milliseconds(one.parts[part])],
    ]),
    ...one.producers.map((producer) => [
      producer.producer,
      `pause of this producer; ${counted(producer.dueInsideRecords, 'record')} were due in it`,
      milliseconds(producer.fromMs - (one.fromMs ?? 0)),
      milliseconds(producer.windowMs),
    ]),
    ...one.groupPauses.map(({ group, longestWithoutDeliveryMs }) => [
      group,
      'longest time without a delivery to this group',
      '–',
      longestWithoutDeliveryMs === null ? 'not observed' : milliseconds(longestWithoutDeliveryMs),
    ]),
  ]
}

const legend = html`<ul class="legend"><li><i class="fill-blue"></i>acknowledged by blue</li><li><i class="fill-green"></i>acknowledged by green</li><li><i class="pause"></i>the longest pause</li></ul>`

function longestParts(one: SwitchoverReport): string {
  const [first, second] = shownParts(one.parts).toSorted((a, b) => one.parts[b] - one.parts[a])
  if (!first || !second) return ''
  return `Most of it was ${partNames[first][0]} (${milliseconds(one.parts[first])}) and ${partNames[second][0]} (${milliseconds(one.parts[second])}).`
}

function partRows(one: SwitchoverReport): readonly BarRow[] {
  let begins = 0
  return shownParts(one.parts).map((part) => {
    const from = begins
    begins += one.parts[part]
    return { name: partNames[part][0], from, until: begins, value: milliseconds(one.parts[part]), className: 'fill-part' }
  })
}

function draw(one: SwitchoverReport, parts: readonly BarRow[], slowest: string | null, width: number): Drawing {
  const producers = producerRows(one)
  const columns: Columns = {
    width,
    left: width > 600 ? 150 : 92,
    right: width - Math.max(...[...parts, ...producers].map((row) => textPx(row.value) + 8)),
  }
  const x = scaleLinear(spanOf(one, producers, width > 600), [columns.left, columns.right])
  const panels: Html[] = [pauseLength(one, columns, x)]
  let y = 26
  if (one.around !== null) {
    const plot = { left: columns.left, right: columns.right, top: y + 24, bottom: y + 24 + (width > 600 ? 120 : 96) }
    const heading = `Acknowledged records per ${milliseconds(one.around.binMs)}`
    panels.push(label(0, y + 12, heading, 'start', 'head'), pause(one, columns, plot.top, plot.bottom, x), ackBars(one, one.around, plot, x))
    y = plot.bottom + 16
  }
  const addRows = (heading: string, rows: readonly BarRow[]) => {
    const [top, bottom] = [y + 20, y + 20 + rows.length * rowHeight + 2]
    panels.push(label(0, y + 12, heading, 'start', 'head'), pause(one, columns, top, bottom, x), barRows(rows, columns, top, x))
    y = bottom + 10
  }
  if (producers.length > 0) addRows('Pause of each producer', producers)
  addRows(slowest === null ? 'Parts of the longest pause' : 'Parts of the longest of them', parts)
  return { height: y + 14, body: group(panels, relativeAxis(columns, y - 10, width, x)) }
}

interface Columns {
  readonly width: number
  readonly left: number
  readonly right: number
}

/**
 * From when to when the picture goes, in milliseconds since the window began: all that was counted around it; where there is little room, only as much as
 * shows every pause.
 */
function spanOf(one: SwitchoverReport, producers: readonly BarRow[], hasRoom: boolean): [number, number] {
  const from = Math.min(0, ...producers.map((row) => row.from))
  const until = Math.max(1, one.writeWindowMs, ...producers.map((row) => row.until))
  if (one.around === null || one.fromMs === null) return [from, until]
  const countedFrom = one.around.fromMs - one.fromMs
  const countedUntil = countedFrom + one.around.binMs * one.around.blue.length
  if (hasRoom) return [Math.min(from, countedFrom), Math.max(until, countedUntil)]
  const beside = Math.max(150, (until - from) * 0.3)
  return [Math.min(from, Math.max(countedFrom, from - beside)), Math.max(until, Math.min(countedUntil, until + beside))]
}

function producerRows(one: SwitchoverReport): readonly BarRow[] {
  return one.producers.map((producer) => {
    const from = producer.fromMs - (one.fromMs ?? producer.fromMs)
    return { name: producer.producer, from, until: from + producer.windowMs, value: milliseconds(producer.windowMs), className: 'fill-ink' }
  })
}

function ackBars(one: SwitchoverReport, around: AroundWindow, plot: Plot, x: (ms: number) => number): Html {
  const sums = around.blue.map((blue, index) => blue + (around.green[index] ?? 0))
  const y = scaleLinear([0, Math.max(1, ...sums)], [plot.bottom, plot.top]).nice(3)
  const binPx = x(around.binMs) - x(0)
  const bars = sums.map((_, index) => {
    const at = x(around.fromMs - (one.fromMs ?? 0) + index * around.binMs)
    if (at < plot.left || at + binPx > plot.right + 1) return html``
    const [blue, green] = [around.blue[index] ?? 0, around.green[index] ?? 0]
    const bar = (from: number, records: number, className: string) =>
      records === 0 ? html`` : box(at, y(from + records), Math.max(0.8, binPx - 0.6), y(from) - y(from + records), className)
    return [bar(0, blue, 'fill-blue'), bar(blue, green, 'fill-green')]
  })
  const ticks = y.ticks(3).filter(Number.isInteger)
  return group(
    valueAxis(
      plot,
      ticks.map((value) => ({ y: y(value), text: count(value) })),
    ),
    bars,
    line(plot.left, plot.bottom, plot.right, plot.bottom, 'axis'),
  )
}

/** The longest pause as a band through one panel. */
function pause(one: SwitchoverReport, columns: Columns, top: number, bottom: number, x: (ms: number) => number): Html {
  const [from, until] = [x(0), Math.min(x(one.writeWindowMs), columns.right)]
  return group(box(from, top, until - from, bottom - top, 'pause'), line(from, top, from, bottom, 'mark'), line(until, top, until, bottom, 'mark'))
}

/** Its length above all panels, with a bracket as long as it is. */
function pauseLength(one: SwitchoverReport, columns: Columns, x: (ms: number) => number): Html {
  const [from, until] = [x(0), Math.min(x(one.writeWindowMs), columns.right)]
  const text = milliseconds(one.writeWindowMs)
  const half = textPx(text) / 2
  const middle = Math.min(Math.max((from + until) / 2, columns.left + half), columns.right - half)
  return group(label(middle, 12, text, 'middle', 'head'), path(`M${round(from)},22V18H${round(until)}V22`, 'bracket'))
}

function relativeAxis(
  columns: { readonly left: number; readonly right: number },
  bottom: number,
  width: number,
  x: ReturnType<typeof scaleLinear<number>>,
): Html {
  const ticks = ticksThatFit((wanted) => x.ticks(wanted).map((ms) => ({ x: x(ms), text: ms === 0 ? '0' : milliseconds(ms) })))
  return timeAxis({ left: columns.left, right: columns.right, top: 0, bottom }, width, ticks)
}
