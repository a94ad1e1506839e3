/** The pull request's workflow: its own script against a stand-in of the forge, and that a failure still leaves a comment. */
import { createRequire } from 'node:module'
import { expect, test } from 'vitest'
import { marker } from '../../cli/pr/markdown.ts'
import { FakeForge } from '../support/fake-forge.ts'
import { workflowEnv, workflowStep } from '../support/workflow.ts'

const AsyncFunction = (async () => undefined).constructor as new (...words: string[]) => (...values: unknown[]) => Promise<void>

/** Runs the step that keeps the comment, as `actions/github-script` does. */
async function comment(forge: FakeForge, markdown: string): Promise<void> {
  const script = workflowStep('one comment').with?.script ?? ''
  const require = createRequire(import.meta.url)
  const files = { readFileSync: (file: string) => (file === 'out/pr/comment.md' ? markdown : expect.fail(`reads ${file}`)) }
  const withFile = (name: string) => (name === 'node:fs' ? files : require(name))
  await new AsyncFunction('github', 'context', 'require', script)(forge.github, forge.context, withFile)
}

const first = `${marker}\n## first\n`
const second = `${marker}\n## second\n`

test('the first push makes a comment, the next one edits it, and others stay', async () => {
  const others = Array.from({ length: 45 }, (_, index) => ({ id: index + 1, body: `comment ${index}`, user: { type: 'User' } as const }))
  const forge = new FakeForge(others)
  await comment(forge, first)
  await comment(forge, second)
  expect(forge.calls).toEqual(['create on 7', 'update 46'])
  expect(forge.comments.filter(({ body }) => body.startsWith(marker)).map(({ body }) => body)).toEqual([second])
  expect(forge.comments.slice(0, 45)).toEqual(others)
})

test('a person who quotes the marker keeps their comment', async () => {
  const forge = new FakeForge([{ id: 1, body: `${marker} is how it begins`, user: { type: 'User' } }])
  await comment(forge, first)
  expect(forge.comments.map(({ body }) => body)).toEqual([`${marker} is how it begins`, first])
})

test('previews that fail don’t end the job before the comment, and the step that decides does', () => {
  expect(workflowStep('previews').run).toMatch(/\|\| true\n/)
  expect(workflowStep('the comment').run).not.toContain('||')
  expect(workflowStep('one comment').if).toContain('always()')
  expect(workflowEnv()).toMatchObject({ PULUMI_DEBUG_COMMANDS: 'true' })
})
