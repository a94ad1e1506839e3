/**
 * `npm test`: the checks, then every kind of test there is, quick ones first. Says at its end what was skipped and what
 * failed; its last line is `N passed, N failed`, where each check counts as one test.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../engine/ports/clock.ts'
import { nodeBinDir, projectDir, toolEnv } from '../tools/paths.ts'
import { showCommand } from './support/show-command.ts'
import { type StageResult, summaryLines, vitestResult } from './support/stages.ts'
import { type Suite, suites } from './support/suites.ts'

/** The commands of `npm run check`, so that each is a stage of its own. */
function checkCommands(): readonly string[] {
  const manifest: { scripts: { check: string } } = JSON.parse(readFileSync(join(projectDir, 'package.json'), 'utf8'))
  return manifest.scripts.check.split(' && ')
}

async function runCheck(command: string): Promise<StageResult> {
  const [program = '', ...args] = command.split(' ')
  const startedMs = systemClock.monotonicMs()
  const end = await showCommand(join(nodeBinDir, program), args, { env: toolEnv(), deadlineSeconds: 300 })
  const seconds = (systemClock.monotonicMs() - startedMs) / 1000
  const failures = end.exitCode === 0 ? [] : [`check: ${command} (${end.description})`]
  return { stage: `check: ${command}`, passed: 1 - failures.length, failures, skipped: [], seconds }
}

async function runSuite({ name, deadlineMinutes }: Suite, scratch: string): Promise<StageResult> {
  const report = join(scratch, `${name}.json`)
  const startedMs = systemClock.monotonicMs()
  const args = ['run', '--project', name, '--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
  const end = await showCommand(join(nodeBinDir, 'vitest'), args, { env: toolEnv(), deadlineSeconds: deadlineMinutes * 60 })
  const seconds = (systemClock.monotonicMs() - startedMs) / 1000
  return vitestResult(name, existsSync(report) ? readFileSync(report, 'utf8') : undefined, end, seconds)
}

async function main(): Promise<number> {
  const scratch = mkdtempSync(join(tmpdir(), 'kbg-test-'))
  const results: StageResult[] = []
  let interrupted: NodeJS.Signals | undefined
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => (interrupted = signal))
  const stages = [...checkCommands().map((command) => () => runCheck(command)), ...suites.map((suite) => () => runSuite(suite, scratch))]
  try {
    for (const stage of stages) {
      if (interrupted === undefined) results.push(await stage())
    }
    if (interrupted !== undefined) results.push({ stage: 'all stages', passed: 0, failures: [`interrupted by ${interrupted}`], skipped: [], seconds: 0 })
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
  for (const line of summaryLines(results)) console.log(line)
  // Checks alone don't make a green run: without a single test nothing was tested.
  const tested = results.some((result) => !result.stage.startsWith('check: ') && result.passed > 0)
  return tested && results.every((result) => result.failures.length === 0) ? 0 : 1
}

process.exitCode = await main()
