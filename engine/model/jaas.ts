/** The login modules of Kafka that this project configures. */
export const loginModules = {
  plain: 'org.apache.kafka.common.security.plain.PlainLoginModule',
  scram: 'org.apache.kafka.common.security.scram.ScramLoginModule',
  /** Of Connect's REST: users of a properties file. */
  propertyFile: 'org.apache.kafka.connect.rest.basic.auth.extension.PropertyFileLoginModule',
} as const

/**
 * One entry for `sasl.jaas.config`: `<module> required name="value" ...;`.
 *
 * @param options their values may hold any character but NUL
 */
export function jaasEntry(module: string, options: Readonly<Record<string, string>> = {}): string {
  return `${[module, 'required', ...Object.entries(options).map(([name, value]) => `${name}=${jaasQuote(value)}`)].join(' ')};`
}

/**
 * A JAAS value in quotes, as Kafka's own parser reads it (org.apache.kafka.common.security.JaasConfig, a java.io.StreamTokenizer):
 * backslash escapes as in Java, and octal ones. `$` goes as octal too, so that no ConfigProvider can take `${...}` in a password for a reference.
 */
export function jaasQuote(value: string): string {
  const escaped = [...value].map((character) => {
    if (character === '"' || character === '\\') return `\\${character}`
    const code = character.codePointAt(0) ?? 0
    return code < 0x20 || code === 0x7f || character === '$' ? `\\${code.toString(8).padStart(3, '0')}` : character
  })
  return `"${escaped.join('')}"`
}
