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

/**
 * The picture at two widths (a style shows one of them), with a title and a description for screen readers and the same numbers as a table. Where the wide one
 * has too little room it is moved sideways, also with the keyboard: text in it is never smaller than it was drawn.
 */
export function figureHtml(figure: Figure): Html {
  return html`<figure id="${figure.id}">
<figcaption><strong>${figure.title}</strong> ${figure.description}</figcaption>
${figure.legend}
<div class="picture" role="group" tabindex="0" aria-label="Picture: ${figure.title}">${svgHtml(figure, 'wide', wideWidth)}</div>
${svgHtml(figure, 'narrow', narrowWidth)}
<details><summary>Numbers: ${summaryName(figure)}</summary>
${tableHtml(figure.table)}
</details>
</figure>`
}

/** The title as the rest of a sentence: each picture's numbers have a name of their own. */
function summaryName({ title }: Figure): string {
  return `${title.charAt(0).toLowerCase()}${title.slice(1).replace(/\.$/, '')}`
}

function svgHtml({ id, title, description, draw }: Figure, variant: 'wide' | 'narrow', width: number): Html {
  const { height, body } = draw(width)
  const name = `${id}-${variant}`
  return html`<svg class="${variant}" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="${name}-title ${name}-desc">
<title id="${name}-title">${title}</title><desc id="${name}-desc">${description} The numbers are in the table below.</desc>
${body}</svg>`
}
