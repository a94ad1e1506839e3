import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { showCommand } from '../support/show-command.ts'

const run = promisify(execFile)
const module = JSON.stringify(new URL('../support/show-command.ts', import.meta.url).href)

test('with a label each line of the program begins with it, its last one too, and its exit code is told', async () => {
  const script = `
    const { showCommand } = await import(${module})
    const end = await showCommand('sh', ['-c', 'echo one; echo two >&2; printf three; exit 3'], { env: process.env, deadlineSeconds: 10, label: 'lane' })
    console.log(end.description)`
  const { stdout, stderr } = await run(process.execPath, ['--input-type=module', '-e', script])
  expect([stdout.split('\n'), stderr.trim()]).toEqual([['lane: one', 'lane: three', 'exit code 3', ''], 'lane: two'])
})

test('at the deadline it ends, though a process that it left behind holds its output open', async () => {
  const end = await showCommand('sh', ['-c', 'setsid sleep 5 & sleep 60'], { env: process.env, deadlineSeconds: 0.3, label: 'lane' })
  expect(end).toEqual({ exitCode: undefined, description: 'did not end within 0.3 s' })
})
