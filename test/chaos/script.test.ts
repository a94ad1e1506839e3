/** `npm run chaos -- audit` in its short form: what takes longer than the other files may (workers killed under load, far groups, exactly-once off). */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { projectDir, toolEnv, toolPaths } from '../../tools/paths.ts'
import { usage } from './order.ts'

const run = (args: readonly string[]) =>
  promisify(execFile)(toolPaths().node, ['test/chaos/main.ts', ...args], { cwd: projectDir, env: toolEnv(), timeout: 600_000 }).then(
    ({ stdout }) => ({ exitCode: 0, output: stdout }),
    (thrown: { readonly code: unknown; readonly stdout: string; readonly stderr: string }) => ({
      exitCode: thrown.code,
      output: thrown.stdout + thrown.stderr,
    }),
  )

test('F6, F25, F26, F41, F48: every fault of the script is survived, or found and refused', { timeout: 610_000 }, async () => {
  const { exitCode, output } = await run(['audit', '--seed', '7'])
  const lines = output.trim().split('\n')
  expect(lines.filter((line) => line.startsWith('failed'))).toEqual([])
  expect(lines.at(-1)).toBe('3 passed, 0 failed')
  expect(exitCode).toBe(0)
})

test('says how it is used, and tries nothing, when it is asked for something else', async () => {
  expect(await run(['clusters'])).toEqual({ exitCode: 2, output: `${usage}\n` })
})
