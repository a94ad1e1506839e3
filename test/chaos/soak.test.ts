/** `npm run chaos -- --minutes N` in its short form: a few switchovers under load, each with one fault, judged by the clients' histories. */
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { projectDir, toolEnv, toolPaths } from '../../tools/paths.ts'

test('F54, F55, F89: switchovers back and forth, each with a fault, end with one writable colour and nothing lost', { timeout: 310_000 }, async () => {
  const out = mkdtempSync(join(tmpdir(), 'kbg-soak-'))
  try {
    const args = [
      'test/chaos/main.ts',
      '--minutes',
      '3',
      '--rounds',
      '3',
      '--kinds',
      'kill-orchestrator,late-fence,second-orchestrator',
      '--seed',
      '4',
      '--out',
      out,
    ]
    const { stdout } = await promisify(execFile)(toolPaths().node, args, { cwd: projectDir, env: toolEnv(), timeout: 300_000 })
    expect(stdout.trim().split('\n').at(-1)).toBe('3 passed, 0 failed')
    const report = JSON.parse(readFileSync(join(out, 'soak.json'), 'utf8'))
    expect(report).toMatchObject({ lost: 0, twoWriters: 0, stuck: 0, duplicates: [], reordered: 0, redeliveredAfterCommit: 0, found: [] })
    expect(report.acknowledged).toBeGreaterThan(1_000)
    expect(report.observations).toBeGreaterThan(20)
    expect(report.switchovers.finished + report.switchovers.takenBack).toBeGreaterThan(0)
  } finally {
    rmSync(out, { recursive: true, force: true })
  }
})
