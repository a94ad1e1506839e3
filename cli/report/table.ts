import { type Html, type HtmlValue, html } from './html.ts'

/** A column: its heading, and whether it holds numbers (which stand at the right). */
export interface Column {
  readonly heading: string
  readonly numeric?: boolean
}

/** A table. The first cell of a row is its heading. */
export interface Table {
  readonly id: string
  readonly caption: string
  readonly columns: readonly Column[]
  readonly rows: readonly (readonly HtmlValue[])[]
  /** On a phone, `stack` shows each row as a block of its own, for long text; `scroll` (numbers) lets the table be moved sideways. */
  readonly phone: 'stack' | 'scroll'
}

/**
 * A table that can be reached and scrolled with the keyboard. What it holds is said in front of it, so that it stays in sight when the table is scrolled. A stacked one says its roles although they are its elements' own: a browser forgets them where
 * a style shows rows as blocks.
 */
export function tableHtml(table: Table): Html {
  const { id, caption, columns, rows, phone } = table
  return html`<p class="caption" id="${id}-caption">${caption}</p>
<div class="table ${phone}" role="region" tabindex="0" aria-labelledby="${id}-caption"><table${role(table, 'table')} id="${id}" aria-labelledby="${id}-caption">
<thead${role(table, 'rowgroup')}><tr${role(table, 'row')}>${columns.map((column) => html`<th${role(table, 'columnheader')} scope="col"${numeric(column)}>${column.heading}</th>`)}</tr></thead>
<tbody${role(table, 'rowgroup')}>
${rows.map((cells) => html`<tr${role(table, 'row')}>${columns.map((column, index) => cell(table, column, cells[index] ?? '', index))}</tr>\n`)}</tbody>
</table></div>`
}

function cell(table: Table, column: Column, value: HtmlValue, index: number): Html {
  const name = table.phone === 'stack' ? html` data-label="${column.heading}"` : null
  if (index === 0) return html`<th${role(table, 'rowheader')} scope="row"${numeric(column)}${name}>${value}</th>`
  return html`<td${role(table, 'cell')}${numeric(column)}${name}>${value}</td>`
}

function role({ phone }: Table, name: string): Html | null {
  return phone === 'stack' ? html` role="${name}"` : null
}

function numeric(column: Column): Html | null {
  return column.numeric ? html` class="number"` : null
}
