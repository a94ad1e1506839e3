/** Text that is HTML already: what {@link html} made. */
export class Html {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

/** What may stand in a template: text and numbers are escaped, HTML isn't, lists are joined, null is nothing. */
export type HtmlValue = string | number | Html | null | readonly HtmlValue[]

/** A template whose values are escaped, wherever they stand: every value of a report goes through here. Attributes must be quoted. */
export function html(parts: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  return new Html(parts.reduce((text, part, index) => text + textOf(values[index - 1] ?? null) + part))
}

function textOf(value: HtmlValue): string {
  if (value === null) return ''
  if (value instanceof Html) return value.text
  if (typeof value === 'number') return String(value)
  if (typeof value === 'string') return escaped(value)
  return value.map(textOf).join('')
}

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

/**
 * A text as it may stand in elements and quoted attributes. Control characters, and those that turn the direction of writing round, are shown as U+FFFD:
 * they could make a page say something else than its source.
 */
export function escaped(text: string): string {
  return text
    .toWellFormed()
    .replaceAll(/[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, (character) => (character === '\n' || character === '\t' ? character : '\ufffd'))
    .replaceAll(/[&<>"']/g, (character) => entities[character] ?? character)
}
