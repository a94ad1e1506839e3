import type { Rule } from './judging/rule.ts'

/** The rules as a table for docs/policies.md. */
export function ruleTable(rules: readonly Rule[]): string {
  const rows = rules.map(({ name, severity, level, description, remedy, settings }) => {
    const own = Object.keys(settings)
    return `| \`${name}\` | ${severity}, ${level} | ${description} | ${remedy} | ${own.length === 0 ? '' : own.map((key) => `\`${key}\``).join(', ')} |`
  })
  return ['| policy | | what | remedy | settings |', '|---|---|---|---|---|', ...rows].join('\n')
}
