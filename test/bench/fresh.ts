/** `npm run bench -- fresh`: a machine that has nothing of this project yet, from the clone to a finished rollout, and the same once more. */
import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { demoFleet } from '../../cli/rollout/rollout.ts'
import { destroyCluster } from '../../engine/adapters/local/cluster.ts'
import { destroyWorker } from '../../engine/adapters/local/connect-worker.ts'
import { destroyRouteStore } from '../../engine/adapters/local/etcd-process.ts'
import { colours } from '../../engine/model/colour.ts'
import { KbgError } from '../../engine/model/error.ts'
import { Deadline, systemClock } from '../../engine/ports/clock.ts'
import { projectDir, toolsDir } from '../../tools/paths.ts'
import { mustRun, runCommand } from '../../tools/process.ts'
import { armSamples, type ConductedBench, cleaningUp, conductBench, durationNoise, type Findings, methodOf, type Row, rowOf, single } from './harness/index.ts'
import { stepsOf, type TimedStep } from './rollout-output.ts'

/** Whether the run starts with empty caches, or with the packages and tools of this checkout. */
type Caches = 'cold' | 'warm'

export interface FreshBenchOptions {
  /** Runs in one clone, one after the other. */
  readonly runs: readonly Caches[]
  /** The npm script that is timed. */
  readonly script: 'rollout' | 'setup'
  readonly outDir?: string
}

const fullRun: FreshBenchOptions = { runs: ['cold', 'warm'], script: 'rollout' }
/** Seconds that a run may take: the goals of the project. */
const goalSeconds: Readonly<Record<Caches, number>> = { cold: 720, warm: 180 }
const deadlineSeconds = 2_400

export async function benchFresh(options: FreshBenchOptions = fullRun): Promise<ConductedBench> {
  const { runs, script, outDir } = options
  const plan = {
    bench: 'fresh',
    question: `How long does npm run ${script} take in a fresh clone?`,
    settings: { runs: runs.join(', '), script },
    method: methodOf('one after the other in one clone: a cold run can only be the first', { kind: 'rounds', rounds: 0 }),
    noiseRule: durationNoise,
  }
  return await conductBench({ ...plan, ...(outDir === undefined ? {} : { outDir }) }, () => measure(options))
}

interface TimedRun {
  readonly caches: Caches
  readonly seconds: number
  readonly steps: readonly TimedStep[]
}

async function measure({ runs, script }: FreshBenchOptions): Promise<Findings> {
  const home = mkdtempSync(join(tmpdir(), 'kbg-bench-fresh-'))
  const clone = join(home, 'clone')
  return await cleaningUp(
    async () => {
      await mustRun('git', ['clone', '--quiet', '--no-hardlinks', projectDir, clone], { deadlineSeconds: 120 })
      if (runs[0] === 'warm') await lendTools(clone)
      const timed: TimedRun[] = []
      for (const caches of runs) timed.push(await timeRun(caches, clone, script, freshEnv(home)))
      return findings(timed, script)
    },
    ...endDemo(clone),
    () => makeWritable(home),
    () => rmSync(home, { recursive: true, force: true }),
  )
}

function findings(runs: readonly TimedRun[], script: string): Findings {
  const rows = runs.flatMap(({ caches, seconds, steps }): Row[] => [
    rowOf({
      measure: `npm run ${script}, ${caches}`,
      unit: 's',
      ours: single(whatOf(caches, script), seconds),
      goal: { of: 'ours', atMost: goalSeconds[caches] },
    }),
    ...steps.map((step) => rowOf({ measure: `  ${caches}, ${step.step}`, unit: 's', ours: single('as the run itself printed it', step.seconds) })),
  ])
  return {
    rows,
    samples: runs.map(({ caches, seconds }) => armSamples(caches, whatOf(caches, script), 's', [seconds], { counted: [seconds], dropped: 0 })),
    notes: ['Steps of set-up run in two lanes at the same time, so they add up to more than the whole.'],
  }
}

function whatOf(caches: Caches, script: string): string {
  const before =
    caches === 'cold' ? 'no npm packages, Kafka, etcd or Pulumi CLI anywhere: home, npm, Maven and Go caches empty' : 'packages and tools are set up'
  return `npm run ${script} from its start to its end, in a clone; ${before}`
}

/** @throws KbgError `bench` when the script fails, with the end of what it said */
async function timeRun(caches: Caches, clone: string, script: string, env: NodeJS.ProcessEnv): Promise<TimedRun> {
  const startedMs = systemClock.monotonicMs()
  const { exitCode, output } = await runCommand('npm', ['run', script], { cwd: clone, env, deadlineSeconds })
  const seconds = (systemClock.monotonicMs() - startedMs) / 1_000
  if (exitCode === 0) return { caches, seconds, steps: stepsOf(output) }
  throw new KbgError('bench', `npm run ${script} failed in the clone (${caches}).`, {
    facts: { exitCode: exitCode ?? 'none', seconds: Math.round(seconds), lastWords: output.trim().slice(-2_000) },
  })
}

/**
 * An environment whose caches are all below `home`. What says *from where* things are fetched is kept: the user's npm, Maven and Go settings, proxies.
 * Where Go's toolchain comes with the machine it stays the machine's, as Java, Maven and npm do.
 */
function freshEnv(home: string): NodeJS.ProcessEnv {
  const user = homedir()
  const ifThere = (name: string, file: string) => (existsSync(file) ? { [name]: file } : {})
  const ownSettings = /^(npm_(?!config_registry$)|PULUMI_|NODE_(ENV|OPTIONS|COMPILE_CACHE)$|INIT_CWD$|GO(PATH|CACHE|MODCACHE|BIN)$)/
  const keep = Object.entries(process.env).filter(([name]) => !ownSettings.test(name))
  const path = (process.env.PATH ?? '').split(':').filter((dir) => !dir.startsWith(projectDir))
  return {
    ...Object.fromEntries(keep),
    ...{ PATH: path.join(':'), HOME: home, XDG_CACHE_HOME: join(home, '.cache'), PULUMI_HOME: join(home, '.pulumi') },
    ...{
      npm_config_cache: join(home, '.npm'),
      GOPATH: join(home, 'go'),
      GOMODCACHE: join(home, 'go', 'pkg', 'mod'),
      GOCACHE: join(home, '.cache', 'go-build'),
    },
    MAVEN_OPTS: [process.env.MAVEN_OPTS, `-Dmaven.repo.local=${join(home, '.m2', 'repository')}`].filter(Boolean).join(' '),
    ...ifThere('npm_config_userconfig', process.env.npm_config_userconfig ?? join(user, '.npmrc')),
    ...ifThere('GOENV', process.env.GOENV ?? join(user, '.config', 'go', 'env')),
  }
}

/** What a first warm run finds: this checkout's tools, and a copy of its packages (set-up may install into that directory, so it isn't shared). */
async function lendTools(clone: string): Promise<void> {
  mkdirSync(join(clone, '.kbg'))
  symlinkSync(toolsDir, join(clone, '.kbg', '.tools'))
  await mustRun('cp', ['-a', join(projectDir, 'node_modules'), clone], { deadlineSeconds: 300 })
  const lockFile = (root: string) => readFileSync(join(root, 'package-lock.json'))
  // Set-up's own stamp: the packages were installed for this lock file, so it has nothing to install.
  if (lockFile(projectDir).equals(lockFile(clone))) copyFileSync(join(clone, 'package-lock.json'), join(clone, 'node_modules', '.kbg-package-lock.json'))
}

/** A rollout that failed or was killed leaves its brokers, workers and store running: they are ended, each by itself, by what they wrote down in the clone. */
function endDemo(clone: string): readonly (() => Promise<unknown>)[] {
  const quiet = (): void => undefined
  const within = () => new Deadline(systemClock, 60_000, 'the demo in the clone to end')
  return [
    ...colours.map((colour) => () => destroyWorker({ projectRoot: clone, fleet: demoFleet, colour }, quiet, within())),
    ...colours.map((colour) => () => destroyCluster(clone, demoFleet, colour, quiet, within())),
    () => destroyRouteStore({ projectRoot: clone, fleet: demoFleet, subnets: process.platform === 'linux' }, 'remove', within()),
  ]
}

/** Go's module cache is read-only, directories too, which would keep it from being removed. */
function makeWritable(dir: string): void {
  execFileSync('chmod', ['-R', 'u+w', dir])
}
