/**
 * `npm run bench -- auto-rollback`: how long it takes from a regression on green, right behind a switchover, until writes flow on blue again, by the guardians alone; and what
 * clients lost by it.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { judge, startLoad } from '../../cli/rollout/demo-load.ts'
import { KbgError } from '../../engine/model/error.ts'
import { Limits } from '../../engine/model/limits.ts'
import { Deadline, systemClock } from '../../engine/ports/clock.ts'
import { longestStallMs } from '../../engine/switchover/stall.ts'
import { loadCatalog } from '../../infra/catalog.ts'
import { projectDir } from '../../tools/paths.ts'
import { type Pair, standPair } from '../support/pair.ts'
import type { WorkloadProcess } from '../support/workload/process.ts'
import { findings, roundLine } from './auto-rollback/findings.ts'
import { type Regression, type RegressionKind, refusedWrites, regressionKinds, risingLatency, slowDisk } from './auto-rollback/regressions.ts'
import { oneRound, type Round } from './auto-rollback/rounds.ts'
import { compileSlowDisk, preloadSlowDisk } from './auto-rollback/slow-disk.ts'
import { type ConductedBench, cleaningUp, conductBench, type Findings, interrupted, methodOf, type NoiseRule } from './harness/index.ts'
import { standbyHasAll } from './standby-has-all.ts'

export interface AutoRollbackOptions {
  /** What goes wrong in each round, in turn. */
  readonly rounds: readonly RegressionKind[]
  readonly recordsPerSecond: number
  /** The guardians' bounds. */
  readonly limits: Limits
  readonly soundMs: number
  readonly restMs: number
  readonly outDir?: string
}

const inTurn = (rounds: number, kinds: readonly RegressionKind[] = regressionKinds) =>
  Array.from({ length: rounds }, (_, round) => kinds[round % kinds.length] ?? 'refused writes')

/** The product's bounds, but for the one that lets it go back by itself. Writes that don't flow are judged from 5 s behind the release on. */
const fullRun: AutoRollbackOptions = {
  rounds: inTurn(10),
  recordsPerSecond: 200,
  limits: Limits.parse({ maxAutomaticRollbacks: 1 }),
  soundMs: 6_000,
  restMs: 3_000,
}
const fleet = 'bench-back'
/** The application that produces. */
const user = 'orders-app'
/** A round is some ten seconds of waiting for samples and proofs. Other processes only lengthen it, and what is asked of it is a bound. */
const noiseRule: NoiseRule = { stallP99Ms: null, foreignShare: 0.5, stealShare: 0.05 }

/** `--rounds N`; `--kind 'slow disk'` for one kind alone. @throws KbgError `bench` */
export function autoRollbackOptions(words: readonly string[]): AutoRollbackOptions {
  const { values } = parseArgs({ args: [...words], options: { rounds: { type: 'string' }, kind: { type: 'string' } } })
  const kinds = regressionKinds.filter((kind) => values.kind === undefined || kind === values.kind)
  const rounds = Number(values.rounds ?? fullRun.rounds.length)
  if (kinds.length === 0 || !Number.isInteger(rounds) || rounds < 1) {
    throw new KbgError('bench', 'Those are no rounds of this bench.', {
      facts: { observed: words, required: `--rounds with a whole number from 1, --kind with one of: ${regressionKinds.join(', ')}` },
    })
  }
  return { ...fullRun, rounds: inTurn(rounds, kinds) }
}

export async function benchAutoRollback(options: AutoRollbackOptions = fullRun): Promise<ConductedBench> {
  const { rounds, recordsPerSecond, limits, soundMs, outDir } = options
  const plan = {
    bench: 'auto-rollback',
    question: 'How long does it take from a regression on green behind a switchover until writes flow on blue again by themselves, and is anything lost?',
    settings: {
      ...{ rounds: rounds.length, recordsPerSecond, recordBytes: 1024, blue: '3.9.2', green: '4.3.1', guardians: 2, audit: true },
      ...{ watchSampleIntervalMs: limits.watchSampleIntervalMs, watchFailures: limits.watchFailures, watchWindowMs: limits.watchWindowMs },
      ...{ latencyFloorMs: limits.latencyFloorMs, windowDeadlineMs: limits.windowDeadlineMs, longestStallMs: longestStallMs(limits) },
      soundMs,
    },
    method: methodOf(
      `kinds in turn on one pair: traffic to green, ${soundMs} ms in good health, the regression until blue is live again, green mended; mirror and groups go back behind that`,
      {
        kind: 'rounds',
        rounds: 0,
      },
    ),
    noiseRule,
  }
  return await conductBench({ ...plan, ...(outDir === undefined ? {} : { outDir }) }, () => measure(options))
}

async function measure(options: AutoRollbackOptions): Promise<Findings> {
  const dir = mkdtempSync(join(tmpdir(), 'kbg-bench-back-'))
  return await cleaningUp(
    async () => {
      const catalog = loadCatalog(join(projectDir, 'catalog.yaml'))
      const pair = await standPair({ fleet, versions: { blue: '3.9.2', green: '4.3.1' }, catalog, audit: true, guardians: options.limits })
      return await cleaningUp(
        () => measureOn(pair, dir, options),
        () => pair.end(),
      )
    },
    () => rmSync(dir, { recursive: true, force: true }),
  )
}

type Regressions = ReadonlyMap<RegressionKind, Regression>

async function measureOn(pair: Pair, dir: string, options: AutoRollbackOptions): Promise<Findings> {
  const { regressions, missing } = await prepared(pair, dir, options.rounds)
  await pair.createRoute()
  const problems: string[] = []
  const load = await startLoad(
    pair.wiring,
    dir,
    { ratePerSecond: options.recordsPerSecond, preloadRecords: 0, staysBehind: 'none' }, // a group that stands still by itself is one of which no watch can say whether it reads on
    () => undefined,
    (problem) => problems.push(problem),
  )
  const rounds = await cleaningUp(
    () => roundsUnderLoad(pair, load, regressions, options),
    () => load.kill(),
  )
  await standbyHasAll(pair, 'blue', await pair.ports.store.history(new Deadline(systemClock, 20_000, 'the journal')))
  return findings({ rounds, limits: options.limits, verdict: await judge(pair.wiring, 'blue', dir), missing, problems })
}

/** What this machine can do of what is asked for; the rest is told, and has no row. */
async function prepared(pair: Pair, dir: string, kinds: readonly RegressionKind[]): Promise<{ regressions: Regressions; missing: readonly string[] }> {
  const regressions = new Map<RegressionKind, Regression>([
    ['refused writes', refusedWrites(pair, user)],
    ['rising latency', risingLatency(pair)],
  ])
  if (!kinds.includes('slow disk')) return { regressions, missing: [] }
  const compiled = await compileSlowDisk(dir)
  if ('missing' in compiled) return { regressions, missing: [compiled.missing] }
  regressions.set('slow disk', slowDisk(await preloadSlowDisk(pair, compiled.library, dir)))
  return { regressions, missing: [] }
}

async function roundsUnderLoad(pair: Pair, load: WorkloadProcess, regressions: Regressions, options: AutoRollbackOptions): Promise<readonly Round[]> {
  const rounds: Round[] = []
  load.startLoad()
  await systemClock.sleep(options.restMs, interrupted)
  for (const [index, kind] of options.rounds.entries()) {
    const regression = regressions.get(kind)
    if (regression === undefined) continue
    // Two attempts for each round: one that is halted is taken back under the second.
    const round = await oneRound(pair, { ...options, kind, regression, attempt: 2 * index })
    rounds.push(round)
    console.log(`${roundLine(round, index)} (${options.rounds.length} in all)`)
  }
  await load.stopProducers()
  await load.drain(120)
  await load.end()
  return rounds
}
