/**
 * The text of a Java properties file, as java.util.Properties.load reads it: ISO 8859-1 with backslash and \uXXXX escapes.
 * The entries keep their order.
 */
export function propertiesText(properties: Readonly<Record<string, string>>): string {
  return Object.entries(properties)
    .map(([key, value]) => `${escapeKey(key)}=${escapeValue(value)}\n`)
    .join('')
}

function escapeKey(key: string): string {
  return escapeAll(key).replaceAll(/[ =:#!]/g, (character) => `\\${character}`)
}

/** In a value only leading blanks would be lost. */
function escapeValue(value: string): string {
  return escapeAll(value).replace(/^ +/, (blanks) => '\\ '.repeat(blanks.length))
}

const named: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t', '\f': '\\f' }

/** By UTF-16 code unit, since that is what \uXXXX names. */
function escapeAll(text: string): string {
  return text
    .split('')
    .map((unit) => {
      const code = unit.charCodeAt(0)
      return named[unit] ?? (code < 0x20 || code > 0x7e ? `\\u${code.toString(16).padStart(4, '0')}` : unit)
    })
    .join('')
}
