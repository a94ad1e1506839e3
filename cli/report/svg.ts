import { Html, type HtmlValue, html } from './html.ts'

/** A picture's inside at one width: its height and its elements. */
export interface Drawing {
  readonly height: number
  readonly body: Html
}

/** Draws the same picture at any width, so that text has the same size on a desk and on a phone. */
export type Draw = (width: number) => Drawing

/** The rectangle in which data is drawn. */
export interface Plot {
  readonly left: number
  readonly right: number
  readonly top: number
  readonly bottom: number
}

/** How wide a character of the pictures' text is, at most on average: DejaVu Sans at 12 px, the widest of the fonts in use. */
const characterPx = 7.5

/** The width that a text may take. */
export function textPx(text: string): number {
  return text.length * characterPx
}

/** The text, cut to a width and then ended by an ellipsis: the whole one stands in the picture's table. */
export function fitted(text: string, px: number): string {
  const most = Math.floor(px / characterPx)
  return [...text].length <= most ? text : `${[...text].slice(0, Math.max(1, most - 1)).join('')}…`
}

/** One line of text; `end` and `middle` say which part of it stands at x. */
export function label(x: number, y: number, text: string, anchor: 'start' | 'middle' | 'end' = 'start', className = ''): Html {
  return html`<text x="${round(x)}" y="${round(y)}" text-anchor="${anchor}" class="${className}">${text}</text>`
}

export function line(x1: number, y1: number, x2: number, y2: number, className: string): Html {
  return html`<line x1="${round(x1)}" y1="${round(y1)}" x2="${round(x2)}" y2="${round(y2)}" class="${className}"/>`
}

export function box(x: number, y: number, width: number, height: number, className: string): Html {
  return html`<rect x="${round(x)}" y="${round(y)}" width="${round(Math.max(0, width))}" height="${round(Math.max(0, height))}" class="${className}"/>`
}

export function path(d: string | null, className: string): Html {
  return d === null ? new Html('') : html`<path d="${d}" class="${className}"/>`
}

export function group(...children: readonly HtmlValue[]): Html {
  return html`${children}\n`
}

/** To a hundredth of a pixel. */
export function round(px: number): number {
  return Math.round(px * 100) / 100
}

/** Horizontal grid lines with their values to the left of the plot. */
export function valueAxis(plot: Plot, ticks: readonly { readonly y: number; readonly text: string }[]): Html {
  return group(ticks.map(({ y, text }) => [line(plot.left, y, plot.right, y, 'grid'), label(plot.left - 6, y + 4, text, 'end', 'tick')]))
}

/** Values below the plot; one that would run over the picture's edge is moved inside it. */
export function timeAxis(plot: Plot, width: number, ticks: readonly { readonly x: number; readonly text: string }[]): Html {
  const drawn = ticks.map(({ x, text }) => {
    const half = textPx(text) / 2
    return [line(x, plot.bottom, x, plot.bottom + 4, 'axis'), label(Math.min(Math.max(x, half), width - half), plot.bottom + 17, text, 'middle', 'tick')]
  })
  return group(line(plot.left, plot.bottom, plot.right, plot.bottom, 'axis'), drawn)
}

/** The most ticks, up to ten, whose texts leave room for each other: evenly spaced, because none is left out of its row. */
export function ticksThatFit<T extends { readonly x: number; readonly text: string }>(ticksOf: (wanted: number) => readonly T[]): readonly T[] {
  for (let wanted = 10; wanted > 1; wanted--) {
    const ticks = ticksOf(wanted)
    const fit = ticks.every((tick, index) => {
      const before = ticks[index - 1]
      return before === undefined || tick.x - before.x > (textPx(tick.text) + textPx(before.text)) / 2 + 10
    })
    if (fit) return ticks
  }
  return ticksOf(1).slice(0, 1)
}
