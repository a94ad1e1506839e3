import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { OutputMap } from '@pulumi/pulumi/automation/index.js'
import { assess } from '../../engine/gate/assess.ts'
import { refusals } from '../../engine/gate/check.ts'
import { type Colour, otherColour } from '../../engine/model/colour.ts'
import { firstFive, KbgError, messageOf } from '../../engine/model/error.ts'
import type { StackRole } from '../../engine/model/fleet.ts'
import type { JournalEntry } from '../../engine/model/journal.ts'
import { Limits } from '../../engine/model/limits.ts'
import { Wiring } from '../../engine/model/wiring.ts'
import { Deadline, systemClock } from '../../engine/ports/clock.ts'
import { sampleLag } from '../../engine/run/lag.ts'
import { observe } from '../../engine/run/observe.ts'
import { withPorts } from '../../engine/run/ports.ts'
import { mirrorRecord } from '../../engine/switchover/journal-reading.ts'
import type { WorkloadStatus } from '../../test/support/workload/config.ts'
import type { WorkloadProcess } from '../../test/support/workload/process.ts'
import { projectDir, toolEnv } from '../../tools/paths.ts'
import { initFleet, pulumiEnv } from '../init.ts'
import { reportHtml } from '../report/page.ts'
import { RolloutReport } from '../report/report.ts'
import { type ClientVerdict, type DemoLoadSpec, judge, startLoad } from './demo-load.ts'
import { type GateEvidence, gateEvidence } from './gate-evidence.ts'
import { interruptedReport, makeReport, type RunFacts } from './make-report.ts'
import { type Screen, screenOn } from './screen.ts'
import { Stacks } from './stacks.ts'
import { summaryLines } from './summary.ts'

/** The demo's own fleet: its stacks are demo-blue, demo-green and demo-traffic, and their files are git-ignored. */
export const demoFleet = 'demo'
const versions = { blue: '3.9.2', green: '4.3.1' } as const
const load: DemoLoadSpec = { ratePerSecond: 1_100, preloadRecords: 0 }
const wantedLagRecords = 20_000
const wantedAckedRecords = 100_000
/** How long the load flows undisturbed before the first move, and between moves. */
const settleSeconds = 5
const laggingGroup = 'archive'
/** Forward, back, and forward again. */
const moves = ['green', 'blue', 'green'] as const satisfies readonly Colour[]
/** How often an update is tried that the gate refused: on a machine this small the load and Pulumi themselves make the mirror lag now and then. */
const gateTries = 5

interface RolloutOptions {
  /** Leaves everything running at the end, for a look around. */
  readonly keep: boolean
}

/** What a run has found so far, phase by phase. */
interface Run {
  readonly screen: Screen
  readonly stacks: Stacks
  readonly outDir: string
  readonly phases: { phase: string; seconds: number }[]
  readonly startedAt: Date
  readonly startedMs: number
  /** The gate of each switchover, in order. */
  readonly gates: (GateEvidence | null)[]
  phase: string
  workload: WorkloadProcess | null
  status: WorkloadStatus | null
  lagRecords: number
  loadStartedMs: number
  loadSeconds: number
}

/** `npm run rollout`: the six phases on the demo fleet, under live traffic; ends with what the clients saw and `out/rollout/report.json`. */
export async function runRollout(options: RolloutOptions): Promise<number> {
  const [startedAt, startedMs] = [systemClock.wallClock(), systemClock.monotonicMs()]
  const screen = screenOn(process.stdout)
  const env = toolEnv()
  process.env.PATH = env.PATH
  const outDir = join(projectDir, 'out', 'rollout')
  rmSync(outDir, { recursive: true, force: true })
  mkdirSync(outDir, { recursive: true })
  for (const { what, done } of await initFleet(demoFleet)) if (done === 'made') screen.event('set-up', what)
  const stacks = new Stacks(demoFleet, projectDir, pulumiEnv(projectDir), (stack, line) => screen.event(stack.replace(`${demoFleet}-`, ''), line))
  const none = { workload: null, status: null, lagRecords: 0, loadStartedMs: 0, loadSeconds: 0 }
  const run: Run = { screen, stacks, outDir, phases: [], startedAt, startedMs, gates: [], phase: 'set-up', ...none }
  let report: RolloutReport
  let failure: unknown
  try {
    await phase(run, 'validate', () => validate(run))
    const wiring = await phase(run, 'seed', () => seed(run))
    await phase(run, 'shadow', () => shadow(run, wiring))
    await phase(run, 'migrate', () => migrate(run))
    await phase(run, 'switch', () => switchThrice(run))
    const verdict = await phase(run, 'verify', () => verify(run, wiring))
    report = makeReport(factsOf(run), verdict, await journalOf(wiring))
  } catch (thrown) {
    failure = thrown
    report = interruptedReport(factsOf(run), run.phase, messageOf(thrown), run.status)
  } finally {
    await tearDown(run, options.keep)
  }
  writeReport(outDir, report)
  screen.close()
  console.log(['', ...summaryLines(report), '', 'The report is out/rollout/report.html, and for programs out/rollout/report.json'].join('\n'))
  if (failure !== undefined) throw failure
  return report.verdict === 'pass' ? 0 : 1
}

/** The report for programs, and the same as a page for people. */
function writeReport(outDir: string, report: RolloutReport): void {
  const parsed = RolloutReport.parse(report)
  writeFileSync(join(outDir, 'report.json'), `${JSON.stringify(parsed, null, 2)}\n`)
  writeFileSync(join(outDir, 'report.html'), reportHtml(parsed))
}

async function phase<T>(run: Run, name: string, work: () => Promise<T>): Promise<T> {
  const startedMs = systemClock.monotonicMs()
  const seconds = () => (systemClock.monotonicMs() - startedMs) / 1_000
  run.phase = name
  run.screen.event(name, 'begins')
  try {
    return await work()
  } finally {
    run.phases.push({ phase: name, seconds: seconds() })
    run.screen.event(name, `ended after ${seconds().toFixed(1)} s`)
  }
}

/** Static analysis of both sides: configuration, catalog, parity of the inventories; nothing is started. */
async function validate(run: Run): Promise<void> {
  await endLeftovers(run)
  // A demo ends with its live colour: `decommission` is the only way to do that, `retire` lifts the protection of what holds data.
  const end = { decommission: demoFleet }
  await run.stacks.setConfig('blue', { ...end, retire: 'true', kafkaVersion: versions.blue })
  await run.stacks.setConfig('green', { ...end, retire: 'true', kafkaVersion: versions.green })
  await run.stacks.setConfig('traffic', { ...end, live: 'blue', attempt: '0' })
  const [blue, green] = await Promise.all([run.stacks.preview('blue'), run.stacks.preview('green')])
  run.screen.event('validate', `plan: blue ${changes(blue)}, green ${changes(green)}`)
}

function changes(summary: Readonly<Record<string, number>>): string {
  return Object.entries(summary)
    .map(([operation, count]) => `${count} to ${operation}`)
    .join(', ')
}

/** A run that was killed leaves its fleet standing: it is ended first, so that every run starts from nothing. */
async function endLeftovers(run: Run): Promise<void> {
  const leftovers: StackRole[] = []
  for (const role of ['traffic', 'blue', 'green'] as const) {
    const stack = await run.stacks.select(role)
    if ((await stack.exportStack()).deployment?.resources?.length > 1) leftovers.push(role)
  }
  if (leftovers.length === 0) return
  run.screen.event('validate', `an earlier run left ${leftovers.join(', ')} standing; ending it first`)
  for (const role of leftovers) await endStack(run, role)
}

async function endStack(run: Run, role: StackRole): Promise<void> {
  const stack = await run.stacks.select(role)
  await stack.cancel().catch(() => undefined) // refused where nothing is locked; a killed run leaves its lock
  await run.stacks.destroy(role)
}

/** Both colours, then the traffic stack: route with blue live, mirror blue -> green; then the load starts on blue. */
async function seed(run: Run): Promise<Wiring> {
  await Promise.all([run.stacks.up('blue'), run.stacks.up('green')])
  const outputs = await run.stacks.up('traffic')
  const wiring = Wiring.parse(outputs.wiring?.value)
  run.screen.event('seed', `starting the load: ${load.ratePerSecond} records/s`)
  run.workload = await startLoad(
    wiring,
    run.outDir,
    load,
    (status) => {
      run.status = status
      run.screen.live(statusLine(status))
    },
    (text) => run.screen.event('load', text),
  )
  run.workload.startLoad()
  run.loadStartedMs = systemClock.monotonicMs()
  await lagReached(run)
  return wiring
}

function statusLine(status: WorkloadStatus): string {
  const lags = Object.entries(status.groups).map(([group, one]) => `${group} ${one.lagRecords}`)
  const acked = status.ackedRecords.blue + status.ackedRecords.green
  return `        writing ${status.writing ?? '-'}  ${status.ratePerSecond}/s  acked ${acked}  due ${status.dueUnackedRecords}  errors ${status.errors}  lag: ${lags.join(', ')}`
}

/** Waits until the lagging group is as far behind as it is to be. */
async function lagReached(run: Run): Promise<void> {
  const deadline = new Deadline(systemClock, 120_000, `${laggingGroup} to be ${wantedLagRecords} records behind`)
  await deadline.poll(250, async () => {
    const { status } = run
    if (!status) return undefined
    return (status.groups[laggingGroup]?.lagRecords ?? 0) >= wantedLagRecords && status.dueUnackedRecords < load.ratePerSecond ? true : undefined
  })
  run.screen.event('seed', `${laggingGroup} is ${run.status?.groups[laggingGroup]?.lagRecords} records behind`)
}

/** Short: green carries the production data without clients while the gate is asked, again and again, what would refuse a switch now. */
async function shadow(run: Run, wiring: Wiring): Promise<void> {
  const limits = Limits.parse({})
  const deadline = new Deadline(systemClock, 120_000, 'the gate to pass')
  await withPorts(wiring, systemClock, async (ports) => {
    for (;;) {
      const bound = deadline.within(60_000, 'both colours to be observed')
      const snapshot = await observe(ports, wiring, limits, { source: 'blue', target: 'green' }, limits.lagSamples, bound)
      const verdict = assess(snapshot, limits, 1, limits.lagSamples)
      if (verdict.verdict === 'pass') {
        run.screen.event('shadow', `the gate would pass: ${verdict.checks.map((check) => check.name).join(', ')}`)
        return
      }
      run.screen.event('shadow', `not yet: ${firstFive(refusals(verdict.checks).map((check) => `${check.name} ${check.verdict} (${check.observed})`))}`)
      deadline.check()
      await systemClock.sleep(1_000)
    }
  })
}

async function migrate(run: Run): Promise<void> {
  run.screen.event('migrate', 'no waves yet: groups move with the producers, right behind the release')
}

/** Forward, back, and forward again; records keep flowing all the time. */
async function switchThrice(run: Run): Promise<void> {
  for (const live of moves) {
    await systemClock.sleep(settleSeconds * 1_000)
    run.lagRecords = Math.max(run.lagRecords, run.status?.groups[laggingGroup]?.lagRecords ?? 0)
    await switchTo(run, live)
  }
  await systemClock.sleep(settleSeconds * 1_000)
  const deadline = new Deadline(systemClock, 300_000, `${wantedAckedRecords} acknowledged records`)
  await deadline.poll(500, async () => (ackedRecords(run.status) >= wantedAckedRecords ? true : undefined))
}

function ackedRecords(status: WorkloadStatus | null): number {
  return status === null ? 0 : status.ackedRecords.blue + status.ackedRecords.green
}

/** `pulumi config set live <colour>` and `pulumi up`, nothing else. */
async function switchTo(run: Run, live: Colour): Promise<void> {
  run.screen.event('switch', `pulumi config set live ${live} && pulumi up`)
  await run.stacks.setConfig('traffic', { live })
  const { outputs, updates } = await upPastGate(run)
  run.gates.push(gateEvidence((await (await run.stacks.select('traffic')).exportStack()).deployment, updates))
  const route = outputs.route?.value as { live?: string; epoch?: number } | undefined
  if (route?.live !== live) throw new KbgError('rollout', `The update succeeded, but the route says ${route?.live}.`, { facts: { wanted: live } })
  run.screen.event('switch', `${live} is live at epoch ${route.epoch}, ${otherColour(live)} is its standby`)
}

/** A gate that refuses has touched nothing, and the next update asks it afresh: what a person would do. Any other failure ends the run. */
async function upPastGate(run: Run): Promise<{ readonly outputs: OutputMap; readonly updates: number }> {
  for (let tries = 1; ; tries += 1) {
    try {
      return { outputs: await run.stacks.up('traffic'), updates: tries }
    } catch (thrown) {
      const refused = messageOf(thrown).includes('\ngate: ')
      if (!refused || tries === gateTries) throw thrown
      run.screen.event('switch', `refused, nothing was moved; asking again (${tries} of ${gateTries}): ${messageOf(thrown)}`)
    }
  }
}

/** Ends the load, lets every group read everything, and judges the histories. */
async function verify(run: Run, wiring: Wiring): Promise<ClientVerdict> {
  const { workload } = run
  if (!workload) throw new KbgError('rollout', 'There is no load to verify.')
  await workload.stopProducers()
  run.loadSeconds = (systemClock.monotonicMs() - run.loadStartedMs) / 1_000
  workload.resumeGroups()
  const lag = await workload.drain(120)
  const behind = Object.entries(lag).filter(([, records]) => records > 0)
  run.screen.event(
    'verify',
    behind.length === 0 ? 'every group has read everything' : `not read: ${behind.map(([group, records]) => `${group} ${records}`).join(', ')}`,
  )
  await workload.end()
  run.workload = null
  await standbyHasAll(wiring)
  const verdict = await judge(wiring, 'green', run.outDir)
  for (const line of verdict.lines) run.screen.event('verify', line)
  return verdict
}

/** The reverse mirror has to be at the end before both colours are read as a whole: a standby that is read too early lacks records. */
async function standbyHasAll(wiring: Wiring): Promise<void> {
  const deadline = new Deadline(systemClock, 60_000, 'the standby to hold everything')
  await withPorts(wiring, systemClock, async (ports) => {
    const { journal } = await ports.store.read(deadline)
    const mirror = mirrorRecord(journal, 'green')
    if (mirror === null) throw new KbgError('rollout', 'No mirror runs from green to blue.')
    const subject = {
      clock: systemClock,
      source: ports.clusters.green,
      target: ports.clusters.blue,
      mirror: ports.mirrors.green,
      connector: mirror.connector,
      topics: wiring.topics,
    }
    await deadline.poll(200, async () => ((await sampleLag(subject, 5_000)).kind === 'caught-up' ? true : undefined))
  })
}

async function journalOf(wiring: Wiring): Promise<readonly JournalEntry[]> {
  return await withPorts(wiring, systemClock, async (ports) => await ports.store.history(new Deadline(systemClock, 10_000, 'the journal')))
}

function factsOf(run: Run): RunFacts {
  const { startedAt, phases, lagRecords, gates } = run
  const loadSeconds = run.loadSeconds > 0 || run.loadStartedMs === 0 ? run.loadSeconds : (systemClock.monotonicMs() - run.loadStartedMs) / 1_000
  return {
    versions,
    load,
    wanted: { switchovers: moves.length, ackedRecords: wantedAckedRecords, lagRecords: wantedLagRecords, laggingGroup },
    durationSeconds: (systemClock.monotonicMs() - run.startedMs) / 1_000,
    ...{ startedAt, phases, loadSeconds, lagRecords, gates },
  }
}

/** Ends everything that the run started, also after a failure; with `keep` it says how to end it. */
async function tearDown(run: Run, keep: boolean): Promise<void> {
  run.workload?.kill()
  if (keep) {
    run.screen.event('end', `everything keeps running; end it with npm run rollout, or pulumi destroy of ${demoFleet}-traffic, -blue, -green`)
    return
  }
  const startedMs = systemClock.monotonicMs()
  for (const role of ['traffic', 'blue', 'green'] as const) {
    try {
      await endStack(run, role)
    } catch (thrown) {
      run.screen.event('end', `${role}: ${messageOf(thrown)}`)
      process.exitCode = 1
    }
  }
  run.screen.event('end', `everything stopped in ${((systemClock.monotonicMs() - startedMs) / 1_000).toFixed(1)} s`)
}
