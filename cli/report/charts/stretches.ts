import { scaleLinear } from 'd3-scale'
import type { Figure } from '../figure.ts'
import { type Drawing, textPx } from '../svg.ts'
import { type BarRow, barRows, rowHeight } from './rows.ts'

/** A named stretch of time. `from` and `until` are in the picture's unit, from its beginning. */
export interface Stretch {
  readonly name: string
  /** What happens in it. */
  readonly what: string
  readonly from: number
  readonly until: number
}

/** What a picture of stretches says beside them. */
interface StretchesText {
  /** The picture's id is `<id>-figure`, its table's `<id>-numbers`. */
  readonly id: string
  readonly title: string
  readonly description: string
  readonly caption: string
  /** What a row of the table is, as its heading. */
  readonly heading: string
  /** A length, or a moment, with its unit. */
  readonly format: (length: number) => string
}

/** Stretches of time below each other, on one time axis. */
export function stretchesFigure(text: StretchesText, stretches: readonly Stretch[]): Figure {
  const { id, title, description, caption, heading, format } = text
  const rows = stretches.map(({ name, from, until }): BarRow => ({ name, from, until, value: format(until - from), className: 'fill-part' }))
  return {
    id: `${id}-figure`,
    title,
    description,
    legend: null,
    draw: (width): Drawing => {
      const columns = { width, left: 84, right: width - Math.max(60, ...rows.map((row) => textPx(row.value) + 10)) }
      const x = scaleLinear([0, Math.max(1, ...stretches.map(({ until }) => until))], [columns.left, columns.right])
      return { height: rows.length * rowHeight + 4, body: barRows(rows, columns, 0, x) }
    },
    table: {
      id: `${id}-numbers`,
      caption,
      phone: 'stack',
      columns: [{ heading }, { heading: 'what it does' }, { heading: 'began after', numeric: true }, { heading: 'took', numeric: true }],
      rows: stretches.map(({ name, what, from, until }) => [name, what, format(from), format(until - from)]),
    },
  }
}
