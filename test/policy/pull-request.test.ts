import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { documentFile, keptComment, pullRequestDocument } from './pull-request/document.ts'
import { scenarios } from './pull-request/scenarios.ts'

test.each(scenarios)('$name: its comment, from the logs of real previews', (scenario) => {
  const { markdown, isGreen } = keptComment(scenario)
  expect(isGreen).toBe(scenario.isGreen)
  for (const said of scenario.says) expect(markdown).toMatch(said)
})

test('docs/pull-request.md has the comments as they are rendered now', () => {
  expect(readFileSync(documentFile, 'utf8')).toBe(pullRequestDocument())
})
