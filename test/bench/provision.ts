/** `npm run bench -- provision`: how long until a colour's brokers are ready, beside the bare processes, and what Pulumi adds to it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { initFleet } from '../../cli/init.ts'
import { destroyCluster, provisionCluster } from '../../engine/adapters/local/cluster.ts'
import type { Colour } from '../../engine/model/colour.ts'
import { KbgError } from '../../engine/model/error.ts'
import { stackName } from '../../engine/model/fleet.ts'
import { Deadline, systemClock } from '../../engine/ports/clock.ts'
import { loadCatalog } from '../../infra/catalog.ts'
import { projectName } from '../../infra/config.ts'
import { projectFile } from '../../infra/project.ts'
import type { KafkaVersion } from '../../tools/paths.ts'
import { mustRun } from '../../tools/process.ts'
import { type Checkout, copyCheckout } from './checkout.ts'
import {
  afterWarmUp,
  armSamples,
  type ConductedBench,
  cleaningUp,
  conductBench,
  durationNoise,
  type Findings,
  histogramOfMs,
  interleaved,
  interleavedOrder,
  interrupted,
  median,
  medianOf,
  methodOf,
  type Row,
  rowOf,
  single,
  type WarmUpRule,
} from './harness/index.ts'
import { endRawBrokers, layOutRawBrokers, startRawBrokers } from './raw-brokers.ts'

export interface ProvisionBenchOptions {
  readonly versions: readonly KafkaVersion[]
  readonly rounds: number
  /** Also times `pulumi up` of a colour, of the last of the versions. */
  readonly withPulumi: boolean
  readonly outDir?: string
}

const fullRun: ProvisionBenchOptions = { versions: ['3.9.2', '4.3.1'], rounds: 7, withPulumi: true }
const fleet = 'bench-provision'
const warmUp: WarmUpRule = { kind: 'rounds', rounds: 1 }
/** The brokers alone may take so much of the bare processes. The fence and the users, which those don't have, are told and have no goal. */
const goalRatio = 1.2
/** As in the stack files that `kbg init` writes. */
const colourOf: Readonly<Record<KafkaVersion, Colour>> = { '3.9.2': 'blue', '4.3.1': 'green' }

type Arm = `raw ${KafkaVersion}` | `colour ${KafkaVersion}` | `pulumi ${KafkaVersion}`

const raw = 'three broker processes from formatted directories, until each answers ApiVersions'
const colour = 'a colour of the local platform: directories, three brokers, fence, users, canary topics, until every broker refuses application writes'
const brokers = 'of that, until each broker knows all three as registered and unfenced'
const pulumi = 'pulumi up of that colour with the catalog of the checkout (3 topics, 18 ACLs, 3 users, 1 quota)'

export async function benchProvision(options: ProvisionBenchOptions = fullRun): Promise<ConductedBench> {
  const { versions, rounds, withPulumi, outDir } = options
  const plan = {
    bench: 'provision',
    question: "How long until a colour's brokers are ready, beside raw starts of the same processes, and what does Pulumi add?",
    settings: { kafka: versions.join(', '), nodes: 3, rounds, pulumi: withPulumi },
    method: methodOf(interleavedOrder, warmUp),
    noiseRule: durationNoise,
  }
  return await conductBench({ ...plan, ...(outDir === undefined ? {} : { outDir }) }, () => measure(options))
}

async function measure({ versions, rounds, withPulumi }: ProvisionBenchOptions): Promise<Findings> {
  using checkout = await copyCheckout()
  const pulumiVersion = withPulumi ? versions.at(-1) : undefined
  if (pulumiVersion !== undefined) await prepareStack(checkout.dir, pulumiVersion)
  const arms: readonly Arm[] = [
    ...versions.flatMap((version) => [`raw ${version}`, `colour ${version}`] as const),
    ...(pulumiVersion === undefined ? [] : [`pulumi ${pulumiVersion}` as const]),
  ]
  /** By version, of each round: seconds until the brokers knew each other. */
  const brokersReady = new Map<KafkaVersion, number[]>(versions.map((version) => [version, []]))
  const values = await interleaved(arms, rounds, async (arm) => {
    const [kind, version] = arm.split(' ') as ['raw' | 'colour' | 'pulumi', KafkaVersion]
    switch (kind) {
      case 'raw':
        return await timeRaw(version)
      case 'colour': {
        const times = await timeColour(checkout.dir, version)
        brokersReady.get(version)?.push(times.brokersReady)
        return times.total
      }
      case 'pulumi':
        return await timeUp(checkout, version)
    }
  })
  return findings({ versions, pulumiVersion, valuesOf: (arm) => values[arm] ?? [], brokersReady })
}

/** All times of a run, in seconds, in the order of the rounds. */
interface Times {
  readonly versions: readonly KafkaVersion[]
  readonly pulumiVersion: KafkaVersion | undefined
  readonly valuesOf: (arm: Arm) => readonly number[]
  readonly brokersReady: ReadonlyMap<KafkaVersion, readonly number[]>
}

function counted(values: readonly number[]): readonly number[] {
  return afterWarmUp(values, warmUp).counted
}

function findings(times: Times): Findings {
  const { versions, pulumiVersion } = times
  const series = seriesOf(times)
  return {
    rows: [...versions.flatMap((version) => colourRows(times, version)), ...(pulumiVersion === undefined ? [] : pulumiRows(times, pulumiVersion))],
    samples: series.map(({ arm, what, values }) => armSamples(arm, what, 's', values, afterWarmUp(values, warmUp))),
    histograms: series.map(({ arm, values }) =>
      histogramOfMs(
        arm,
        values.map((seconds) => seconds * 1_000),
      ),
    ),
  }
}

function seriesOf({
  versions,
  pulumiVersion,
  valuesOf,
  brokersReady,
}: Times): readonly { readonly arm: string; readonly what: string; readonly values: readonly number[] }[] {
  return [
    ...versions.flatMap((version) => [
      { arm: `raw ${version}`, what: raw, values: valuesOf(`raw ${version}`) },
      { arm: `colour ${version}`, what: colour, values: valuesOf(`colour ${version}`) },
      { arm: `brokers ${version}`, what: brokers, values: brokersReady.get(version) ?? [] },
    ]),
    ...(pulumiVersion === undefined ? [] : [{ arm: `pulumi ${pulumiVersion}`, what: pulumi, values: valuesOf(`pulumi ${pulumiVersion}`) }]),
  ]
}

function colourRows({ valuesOf, brokersReady }: Times, version: KafkaVersion): readonly Row[] {
  const baseline = medianOf(raw, counted(valuesOf(`raw ${version}`)))
  const part = medianOf(brokers, counted(brokersReady.get(version) ?? []))
  const whole = medianOf(colour, counted(valuesOf(`colour ${version}`)))
  const row = { unit: 's', baseline, paired: true }
  return [
    rowOf({ ...row, measure: `brokers ready, ${version}`, ours: part, goal: { of: 'ratio', to: 'baseline', atMost: goalRatio } }),
    rowOf({ ...row, measure: `colour ready and fenced, ${version}`, ours: whole }),
  ]
}

function pulumiRows({ valuesOf }: Times, version: KafkaVersion): readonly Row[] {
  const up = counted(valuesOf(`pulumi ${version}`))
  const alone = counted(valuesOf(`colour ${version}`))
  return [
    rowOf({ measure: `pulumi up of a colour, ${version}`, unit: 's', ours: medianOf(pulumi, up), baseline: medianOf(colour, alone), paired: true }),
    rowOf({ measure: `what Pulumi and the catalog add, ${version}`, unit: 's', ours: single('difference of the two medians', median(up) - median(alone)) }),
  ]
}

function within(seconds: number, what: string, cancelled?: AbortSignal): Deadline {
  return new Deadline(systemClock, seconds * 1_000, what, cancelled)
}

async function timeRaw(version: KafkaVersion): Promise<number> {
  const directory = mkdtempSync(join(tmpdir(), 'kbg-bench-raw-'))
  const where = colourOf[version]
  return await cleaningUp(
    async () => {
      await layOutRawBrokers(directory, fleet, where, version, within(60, 'the raw brokers to be laid out'))
      const startedMs = systemClock.monotonicMs()
      await startRawBrokers(directory, fleet, where, version, within(120, 'the raw brokers to answer', interrupted))
      return (systemClock.monotonicMs() - startedMs) / 1_000
    },
    () => endRawBrokers(directory, fleet, where),
    () => rmSync(directory, { recursive: true, force: true }),
  )
}

/** Seconds until the brokers knew each other, and until the colour was fenced and had its users. */
async function timeColour(root: string, version: KafkaVersion): Promise<{ readonly brokersReady: number; readonly total: number }> {
  const where = colourOf[version]
  const spec = { fleet, colour: where, kafkaVersion: version, nodes: 3, brokerConfig: {}, applicationUsers: loadCatalog(projectFile('catalog.yaml')).users }
  const quiet = (): void => undefined
  return await cleaningUp(
    async () => {
      let brokersReady = Number.NaN
      const startedMs = systemClock.monotonicMs()
      const seconds = () => (systemClock.monotonicMs() - startedMs) / 1_000
      const note = (line: string): void => {
        if (line.startsWith('fencing')) brokersReady = seconds()
      }
      await provisionCluster(root, spec, note, within(240, `${where} to stand`, interrupted))
      if (Number.isNaN(brokersReady)) throw new KbgError('bench', `The provisioning of ${where} didn't say when its brokers were ready.`)
      return { brokersReady, total: seconds() }
    },
    () => destroyCluster(root, fleet, where, quiet, within(60, `${where} to end`)),
  )
}

/** One `pulumi up` of a colour that doesn't stand yet, in seconds; it is destroyed again, untimed. */
async function timeUp(checkout: Checkout, version: KafkaVersion): Promise<number> {
  return await cleaningUp(
    async () => {
      const startedMs = systemClock.monotonicMs()
      await runPulumi(checkout, 'up', version)
      return (systemClock.monotonicMs() - startedMs) / 1_000
    },
    () => runPulumi(checkout, 'destroy', version),
  )
}

function runPulumi(checkout: Checkout, command: 'up' | 'destroy', version: KafkaVersion): Promise<string> {
  const args = [command, '-s', stackName({ fleet, role: colourOf[version] }), '--yes', '--skip-preview', '--non-interactive']
  return mustRun('pulumi', args, { cwd: checkout.dir, env: checkout.env(), deadlineSeconds: 300 })
}

/** A stack that may be destroyed at once: its brokers have never served anybody. */
async function prepareStack(root: string, version: KafkaVersion): Promise<void> {
  const config = { kafkaVersion: version, retire: 'true', decommission: fleet }
  const named = Object.fromEntries(Object.entries(config).map(([key, value]) => [`${projectName}:${key}`, value]))
  writeFileSync(join(root, `Pulumi.${stackName({ fleet, role: colourOf[version] })}.yaml`), stringify({ config: named }))
  await initFleet(fleet, root)
}
