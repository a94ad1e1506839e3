/**
 * `npm run bench -- window`: how long producers wait in a switchover, at the clients, beside the sum of its parts, each measured alone under the load, and
 * beside what users do today.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { judge, startLoad } from '../../cli/rollout/demo-load.ts'
import { type Colour, otherColour } from '../../engine/model/colour.ts'
import { KbgError } from '../../engine/model/error.ts'
import { Limits } from '../../engine/model/limits.ts'
import { Deadline, systemClock } from '../../engine/ports/clock.ts'
import { loadCatalog } from '../../infra/catalog.ts'
import { projectDir } from '../../tools/paths.ts'
import { type Pair, standPair } from '../support/pair.ts'
import type { WorkloadProcess } from '../support/workload/process.ts'
import {
  type ConductedBench,
  cleaningUp,
  conductBench,
  type Findings,
  interleavedOrder,
  interrupted,
  methodOf,
  saturatedNoise,
  type WarmUpRule,
} from './harness/index.ts'
import { movePastGate } from './past-gate.ts'
import { standbyHasAll } from './standby-has-all.ts'
import { type BaselineArm, measureBaselines } from './window/baselines.ts'
import { findings, type Ours } from './window/findings.ts'
import { measurePartsAlone, WatchProbe } from './window/parts-alone.ts'
import { measuredWindows } from './window/windows.ts'

export interface WindowBenchOptions {
  readonly switchovers: number
  /** Whether the audit runs beside, as it does in every fleet: what it costs the window is the difference of two runs. */
  readonly audit: boolean
  readonly recordsPerSecond: number
  /** How long the load runs before the first switchover. */
  readonly leadSeconds: number
  readonly settleSeconds: number
  /** What users do today, each so often. */
  readonly baselines: { readonly arms: readonly BaselineArm[]; readonly rounds: number }
  readonly outDir?: string
}

const fullRun: WindowBenchOptions = {
  switchovers: 30,
  audit: true,
  recordsPerSecond: 1_000,
  leadSeconds: 15,
  settleSeconds: 5,
  baselines: { arms: ['careful', 'hasty', 'restart'], rounds: 10 },
}
/** The first move each way meets cold virtual machines: both are shown, neither is counted. */
const warmUp: WarmUpRule = { kind: 'rounds', rounds: 2 }
const fleet = 'bench-window'

/** `--without-audit`; `--switchovers N` for that many and no baselines. @throws KbgError `bench` */
export function windowOptions(words: readonly string[]): WindowBenchOptions {
  const { values } = parseArgs({ args: [...words], options: { 'without-audit': { type: 'boolean' }, switchovers: { type: 'string' } } })
  const audit = values['without-audit'] !== true
  if (values.switchovers === undefined) return { ...fullRun, audit }
  const switchovers = Number(values.switchovers)
  if (!Number.isInteger(switchovers) || switchovers < 3) {
    throw new KbgError('bench', 'That is no number of switchovers.', { facts: { observed: values.switchovers, required: 'a whole number from 3' } })
  }
  return { ...fullRun, audit, switchovers, baselines: { arms: [], rounds: 0 } }
}

export async function benchWindow(options: WindowBenchOptions = fullRun): Promise<ConductedBench> {
  const { switchovers, recordsPerSecond, baselines, audit, outDir } = options
  const plan = {
    bench: 'window',
    question:
      'How long do producers wait when all traffic moves to the other colour, at the clients, beside the sum of its parts, each alone under the load, and beside what users do today?',
    settings: {
      switchovers,
      recordsPerSecond,
      recordBytes: 1024,
      blue: '3.9.2',
      green: '4.3.1',
      mirror: 'exactly once',
      audit,
      baselineRounds: baselines.rounds,
    },
    method: methodOf(
      `before every switchover each of its parts once, alone, under the same load; then the baselines, ${interleavedOrder}, of which every repetition counts`,
      warmUp,
    ),
    noiseRule: saturatedNoise,
  }
  return await conductBench({ ...plan, ...(outDir === undefined ? {} : { outDir }) }, () => measure(options))
}

async function measure(options: WindowBenchOptions): Promise<Findings> {
  const dir = mkdtempSync(join(tmpdir(), 'kbg-bench-window-'))
  return await cleaningUp(
    async () => {
      const catalog = loadCatalog(join(projectDir, 'catalog.yaml'))
      const pair = await standPair({ fleet, versions: { blue: '3.9.2', green: '4.3.1' }, catalog, audit: options.audit })
      return await cleaningUp(
        () => measureOn(pair, dir, options),
        () => pair.end(),
      )
    },
    () => rmSync(dir, { recursive: true, force: true }),
  )
}

async function measureOn(pair: Pair, dir: string, options: WindowBenchOptions): Promise<Findings> {
  await pair.createRoute()
  const problems: string[] = []
  const { live, ...moves } = await underLoad(pair, dir, options, problems)
  const journal = await pair.ports.store.history(new Deadline(systemClock, 20_000, 'the journal'))
  await standbyHasAll(pair, live, journal)
  const verdict = await judge(pair.wiring, live, dir)
  const windows = measuredWindows(verdict.windows, journal) // before the baselines: windows that can't be told end the bench
  const baselines = await measureBaselines(pair, live, { ...options, ...options.baselines, dir })
  return findings({ ...moves, windows, verdict, problems }, baselines, warmUp)
}

/** What the moves themselves came to, in their order, and where they ended. */
type Moves = Pick<Ours, 'partsAlone' | 'spans' | 'gateRefusals'> & { readonly live: Colour }

async function underLoad(pair: Pair, dir: string, { recordsPerSecond, ...options }: WindowBenchOptions, problems: string[]): Promise<Moves> {
  const store = new WatchProbe(pair.wiring.routeStore, fleet)
  return await cleaningUp(
    async () => {
      const spec = { ratePerSecond: recordsPerSecond, preloadRecords: 0 }
      const noStatus = (): void => undefined
      const load = await startLoad(pair.wiring, dir, spec, noStatus, (problem) => problems.push(problem))
      return await cleaningUp(
        () => moveToAndFro(pair, load, store, options),
        () => load.kill(),
      )
    },
    () => store.close(),
  )
}

/** The group that stays behind does so until the end, as in the baselines: what groups get twice is only comparable under one load. */
async function moveToAndFro(
  pair: Pair,
  load: WorkloadProcess,
  store: WatchProbe,
  { switchovers, leadSeconds, settleSeconds }: Pick<WindowBenchOptions, 'switchovers' | 'leadSeconds' | 'settleSeconds'>,
): Promise<Moves> {
  const moves = { partsAlone: [] as Ours['partsAlone'][number][], spans: [] as Ours['spans'][number][], gateRefusals: [] as number[] }
  let live: Colour = 'blue'
  load.startLoad()
  await systemClock.sleep(leadSeconds * 1_000)
  for (let number = 1; number <= switchovers; number += 1) {
    interrupted.throwIfAborted()
    moves.partsAlone.push(await measurePartsAlone(pair, live, store))
    const fromMs = systemClock.monotonicMs()
    moves.gateRefusals.push(await movePastGate(pair, otherColour(live), { limits: Limits.parse({}) }))
    live = otherColour(live)
    console.log(`switchover ${number} of ${switchovers}: ${live} is live`)
    await systemClock.sleep(settleSeconds * 1_000)
    moves.spans.push({ fromMs, toMs: systemClock.monotonicMs() })
  }
  await load.stopProducers()
  load.resumeGroups()
  await load.drain(120)
  await load.end()
  return { ...moves, live }
}
