/** Numbers as a report shows them: always with their unit, joined by a space that doesn't break. */
const space = '\u00a0'
const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 })
const oneDigit = new Intl.NumberFormat('en-US', { minimumFractionDigits: 1, maximumFractionDigits: 1 })

/** `267,451` */
export function count(number: number): string {
  return whole.format(number)
}

/** `1 record`, `267,451 records` */
export function counted(number: number, one: string, many = `${one}s`): string {
  return `${count(number)}${space}${number === 1 ? one : many}`
}

/** `0.4 ms`, `243 ms`, `1,233 ms`, `12.3 s`; a dash where there is none. */
export function milliseconds(ms: number | null): string {
  if (ms === null) return '–'
  if (Math.abs(ms) >= 10_000) return seconds(ms / 1_000)
  return `${ms !== 0 && Math.abs(ms) < 10 ? oneDigit.format(ms) : whole.format(ms)}${space}ms`.replace('-', '−')
}

/** `9.4 s`, `318 s`, `12 min 3 s`, `24 h 0 min` */
export function seconds(number: number): string {
  if (number >= 6_000) return `${whole.format(Math.floor(number / 3_600))}${space}h ${whole.format(Math.floor((number % 3_600) / 60))}${space}min`
  if (number >= 600) return `${whole.format(Math.floor(number / 60))}${space}min ${whole.format(Math.floor(number % 60))}${space}s`
  return `${number < 100 ? oneDigit.format(number) : whole.format(number)}${space}s`
}

/** `22 November 2026, 20:39 UTC` */
export function dateAndTime(iso: string): string {
  const date = new Date(iso)
  const day = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'long', year: 'numeric', timeZone: 'UTC' }).format(date)
  return `${day}, ${date.toISOString().slice(11, 16)} UTC`
}

/** `a`, `a and b`, `a, b and c` */
export function listed(items: readonly string[]): string {
  return items.length < 2 ? (items[0] ?? '') : `${items.slice(0, -1).join(', ')} and ${items.at(-1)}`
}

/** A reason's first line, with the next one when it only announces that. */
export function firstLine(reason: string | undefined): string {
  const [line = '', next = ''] = (reason ?? 'no reason was given').split('\n')
  return (line.endsWith(':') ? `${line} ${next.trim()}` : line).replace(/[.:\s]+$/, '')
}
