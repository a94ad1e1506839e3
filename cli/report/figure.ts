import { type Html, html } from './html.ts'
import type { Draw } from './svg.ts'
import { type Table, tableHtml } from './table.ts'

/** A picture with its words and its numbers. */
export interface Figure {
  readonly id: string
  readonly title: string
  /** What the picture shows, for who reads it and for who can't see it. */
  readonly description: string
  /** What the marks mean; null where labels say it. */
  readonly legend: Html | null
  readonly draw: Draw
  readonly table: Table
}

const wideWidth = 960
const narrowWidth = 358

/** The picture at two widths (a style shows one of them), with a title and a description for screen readers and the same numbers as a table. */
export function figureHtml(figure: Figure): Html {
  return html`<figure id="${figure.id}">
<figcaption><strong>${figure.title}</strong> ${figure.description}</figcaption>
${figure.legend}
${svgHtml(figure, 'wide', wideWidth)}
${svgHtml(figure, 'narrow', narrowWidth)}
<details><summary>The numbers of this picture</summary>
${tableHtml(figure.table)}
</details>
</figure>`
}

function svgHtml({ id, title, description, draw }: Figure, variant: 'wide' | 'narrow', width: number): Html {
  const { height, body } = draw(width)
  const name = `${id}-${variant}`
  return html`<svg class="${variant}" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="${name}-title ${name}-desc">
<title id="${name}-title">${title}</title><desc id="${name}-desc">${description} The numbers are in the table below.</desc>
${body}</svg>`
}
