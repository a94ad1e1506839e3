import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { messageOf } from '../../engine/model/error.ts'
import { systemClock } from '../../engine/ports/clock.ts'
import { projectDir, toolEnv } from '../../tools/paths.ts'
import { initFleet, pulumiEnv } from '../init.ts'
import { reportHtml } from '../report/page.ts'
import { RolloutReport } from '../report/report.ts'
import { aims } from './aims.ts'
import { afterTearDown, interruptedReport, makeReport, type RunFacts } from './make-report.ts'
import { migrate, switchThrice } from './moves.ts'
import { seed, shadow, validate } from './prepare.ts'
import { phase, type Run } from './run.ts'
import { screenOn } from './screen.ts'
import { Stacks } from './stacks.ts'
import { summaryLines } from './summary.ts'
import { tearDown } from './tear-down.ts'
import { journalOf, verify } from './verify.ts'

/** The demo's own fleet: its stacks are demo-blue, demo-green and demo-traffic, and their files are git-ignored. */
export const demoFleet = 'demo'

interface RolloutOptions {
  /** Leaves everything running at the end, for a look around. */
  readonly keep: boolean
}

/**
 * `npm run rollout`: the six phases on the demo fleet, under live traffic; ends with what the clients saw and `out/rollout/report.json`.
 *
 * @param root where `out/` is
 * @returns 0 only when the report passed and everything that was started could be ended
 */
export async function runRollout(options: RolloutOptions, root: string = projectDir): Promise<number> {
  const outDir = join(root, 'out', 'rollout')
  const run = await begin(outDir)
  const { report, failure } = await throughPhases(run)
  await run.auditWatch?.end(0)
  const whole = afterTearDown(report, await tearDown(run, options.keep))
  writeReport(outDir, whole)
  run.screen.close()
  console.log(['', ...summaryLines(whole), '', 'The report is out/rollout/report.html, and for programs out/rollout/report.json'].join('\n'))
  if (failure !== undefined) throw failure
  return whole.verdict === 'pass' ? 0 : 1
}

async function begin(outDir: string): Promise<Run> {
  const [startedAt, startedMs] = [systemClock.wallClock(), systemClock.monotonicMs()]
  const screen = screenOn(process.stdout)
  const env = toolEnv()
  Object.assign(process.env, env)
  rmSync(outDir, { recursive: true, force: true })
  mkdirSync(outDir, { recursive: true })
  for (const { what, done } of await initFleet(demoFleet)) if (done === 'made') screen.event('set-up', what)
  const stacks = new Stacks(demoFleet, projectDir, pulumiEnv(projectDir), (stack, line) => screen.event(stack.replace(`${demoFleet}-`, ''), line))
  const none = { workload: null, auditWatch: null, status: null, lagRecords: 0, loadStartedMs: 0, loadSeconds: 0 }
  return { screen, stacks, outDir, phases: [], startedAt, startedMs, gates: [], phase: 'set-up', ...none }
}

/** The six phases. One that fails ends them, and the report says so; nothing is thrown, because what was started must be ended first. */
async function throughPhases(run: Run): Promise<{ readonly report: RolloutReport; readonly failure?: unknown }> {
  try {
    await phase(run, 'validate', () => validate(run))
    const wiring = await phase(run, 'seed', () => seed(run))
    await phase(run, 'shadow', () => shadow(run, wiring))
    await phase(run, 'migrate', () => migrate(run))
    await phase(run, 'switch', () => switchThrice(run))
    const verdict = await phase(run, 'verify', () => verify(run, wiring))
    return { report: makeReport(factsOf(run), verdict, await journalOf(wiring)) }
  } catch (failure) {
    return { report: interruptedReport(factsOf(run), run.phase, messageOf(failure), run.status), failure }
  }
}

/** The report for programs, and the same as a page for people. */
function writeReport(outDir: string, report: RolloutReport): void {
  const parsed = RolloutReport.parse(report)
  writeFileSync(join(outDir, 'report.json'), `${JSON.stringify(parsed, null, 2)}\n`)
  writeFileSync(join(outDir, 'report.html'), reportHtml(parsed))
}

function factsOf(run: Run): RunFacts {
  const { startedAt, phases, lagRecords, gates } = run
  const loadSeconds = run.loadSeconds > 0 || run.loadStartedMs === 0 ? run.loadSeconds : (systemClock.monotonicMs() - run.loadStartedMs) / 1_000
  return {
    versions: aims.versions,
    load: aims.load,
    wanted: { switchovers: aims.moves.length, ackedRecords: aims.ackedRecords, lagRecords: aims.lagRecords, laggingGroup: aims.laggingGroup },
    durationSeconds: (systemClock.monotonicMs() - run.startedMs) / 1_000,
    ...{ startedAt, phases, loadSeconds, lagRecords, gates },
    audit: run.auditWatch?.seen ?? null,
  }
}
