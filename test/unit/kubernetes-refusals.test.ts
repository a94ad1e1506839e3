import { expect, test } from 'vitest'
import { documentedRows, refusals } from '../support/kubernetes-refusals.ts'

test.each(refusals.map((refusal) => [refusal.wrong, refusal] as const))('%s is refused by this project, in the words of docs/testing.md', (wrong, { ours }) => {
  const rows = documentedRows().filter((row) => row.startsWith(`| ${wrong} |`))
  expect(ours).toBeDefined()
  expect(rows.map((row) => row.endsWith(` | ${ours?.replaceAll('|', '\\|')} |`))).toEqual([true])
})

test('docs/testing.md has no row of anything else', () => {
  expect(documentedRows()).toHaveLength(refusals.length)
})
