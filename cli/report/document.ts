import { type Html, html } from './html.ts'
import { style } from './style.ts'

/** One section of a page. */
export interface Section {
  readonly id: string
  readonly heading: string
  readonly body: Html
}

/** A page without its frame. */
export interface Page {
  /** What stands in the window's title. */
  readonly title: string
  readonly heading: string
  /** When, what and how long, in one line. */
  readonly facts: string
  readonly verdict: { readonly text: string; readonly tone: 'good' | 'bad' | '' }
  /** The first one is what the first key leads to. */
  readonly sections: readonly Section[]
  readonly footer: Html
}

/**
 * The frame that all pages share (pure): it loads nothing, runs no script, and every value is escaped. Light and dark, phone and print, with the keyboard and
 * with a screen reader.
 */
export function documentHtml({ title, heading, facts, verdict, sections, footer }: Page): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>${title}</title>
<style>${style}</style>
</head>
<body>
<a class="skip" href="#${sections[0]?.id ?? ''}">Skip to what happened</a>
<header>
<h1>${heading}</h1>
<p class="facts">${facts}</p>
<p class="verdict ${verdict.tone}">${verdict.text}</p>
</header>
<nav aria-label="Sections"><ul>${sections.map(({ id, heading }) => html`<li><a href="#${id}">${heading}</a></li>`)}</ul></nav>
<p class="on-paper">On paper the tables of numbers under the pictures and the lists of all positions and partitions are left out; the page has them.</p>
<main>
${sections.map(({ id, heading, body }) => html`<section id="${id}" aria-labelledby="${id}-heading"><h2 id="${id}-heading">${heading}</h2>\n${body}\n</section>\n`)}</main>
<footer><p>${footer}</p></footer>
</body>
</html>
`.text
}

/** A few numbers, large: each with its name. */
export function tilesHtml(tiles: readonly (readonly [value: string, name: string])[]): Html {
  return html`<ul class="tiles">${tiles.map(([value, name]) => html`<li><b>${value}</b><span>${name}</span></li>`)}</ul>`
}

/** What nobody looked at. */
export function unseenHtml(notObserved: readonly string[]): Html {
  return html`<p>No number on this page says anything about these.</p>\n<ul class="unseen">${notObserved.map((text) => html`<li>${text}</li>`)}</ul>`
}
