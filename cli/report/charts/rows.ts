import { type Html, html } from '../html.ts'
import { box, fitted, group, label, line } from '../svg.ts'

/** One row of bars on a time axis: its name at the left, its value at the right, its bar in between. */
export interface BarRow {
  readonly name: string
  readonly from: number
  readonly until: number
  readonly value: string
  readonly className: string
}

/** Where names, bars and values stand. */
export interface RowColumns {
  readonly width: number
  readonly left: number
  readonly right: number
}

export const rowHeight = 22

/** Rows below each other from `top` on: names and values have columns of their own, so nothing can overlap. */
export function barRows(rows: readonly BarRow[], columns: RowColumns, top: number, x: (value: number) => number): Html {
  return group(
    rows.map(({ name, from, until, value, className }, index) => {
      const y = top + index * rowHeight
      const start = Math.max(columns.left, Math.min(x(from), columns.right - 2))
      const bar =
        until > from
          ? box(start, y + 4, Math.max(2, Math.min(x(until), columns.right) - start), rowHeight - 8, className)
          : line(start, y + 6, start, y + rowHeight - 6, 'axis')
      return html`${line(columns.left, y + rowHeight, columns.right, y + rowHeight, 'grid')}${bar}
${label(0, y + 15.5, fitted(name, columns.left - 8))}${label(columns.width - 1, y + 15.5, value, 'end')}`
    }),
  )
}
