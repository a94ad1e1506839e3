import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ruleTable } from '../../policy/document.ts'
import { rules } from '../../policy/pack.ts'
import { projectDir } from '../../tools/paths.ts'

test('docs/policies.md has the table of all rules, as they say it themselves', () => {
  const document = readFileSync(join(projectDir, 'docs', 'policies.md'), 'utf8')
  expect(/<!-- rules -->\n([\s\S]*)\n<!-- \/rules -->/.exec(document)?.[1]).toBe(ruleTable(rules))
})
