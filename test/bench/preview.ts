/** `npm run bench -- preview`: how long `pulumi preview` takes as the catalog grows, beside as many resources that do nothing. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { initFleet, pulumiEnv } from '../../cli/init.ts'
import { KbgError } from '../../engine/model/error.ts'
import { systemClock } from '../../engine/ports/clock.ts'
import { toolEnv } from '../../tools/paths.ts'
import { mustRun } from '../../tools/process.ts'
import { copyCheckout } from './checkout.ts'
import {
  afterWarmUp,
  armSamples,
  type ConductedBench,
  conductBench,
  durationNoise,
  type Findings,
  histogramOfMs,
  interleaved,
  interleavedOrder,
  leastSquares,
  medianOf,
  methodOf,
  type Row,
  rowOf,
  single,
  type WarmUpRule,
} from './harness/index.ts'

export interface PreviewBenchOptions {
  readonly topics: readonly number[]
  readonly rounds: number
  readonly outDir?: string
}

const fullRun: PreviewBenchOptions = { topics: [10, 100, 1_000], rounds: 6 }
const fleet = 'bench-preview'
const warmUp: WarmUpRule = { kind: 'rounds', rounds: 1 }
/** A colour's preview may cost so much of the same number of resources that do nothing. */
const goalRatio = 1.3

/** What is previewed: the colour, as many resources of a trivial provider, as many components. */
const kinds = ['colour', 'custom', 'component'] as const
type Kind = (typeof kinds)[number]
const kindText: Readonly<Record<Kind, string>> = {
  colour: 'pulumi preview of a colour that does not stand yet',
  custom: 'pulumi preview of as many resources of a provider in Node that does nothing',
  component: 'pulumi preview of as many component resources, which no provider sees',
}

export async function benchPreview(options: PreviewBenchOptions = fullRun): Promise<ConductedBench> {
  const { topics, rounds, outDir } = options
  const plan = {
    bench: 'preview',
    question: 'How long does pulumi preview take as the catalog grows, beside as many resources that do nothing?',
    settings: { topics: topics.join(', '), rounds, partitionsPerTopic: 6, users: 2, acls: 4, policyPack: 'none' },
    method: methodOf(interleavedOrder, warmUp),
    noiseRule: durationNoise,
  }
  return await conductBench({ ...plan, ...(outDir === undefined ? {} : { outDir }) }, () => measure(topics, rounds))
}

async function measure(topics: readonly number[], rounds: number): Promise<Findings> {
  using checkout = await copyCheckout()
  await initFleet(fleet, checkout.dir)
  await makeNoopStack(checkout.dir)
  const resources = new Map<number, number>()
  for (const count of topics) resources.set(count, await countResources(checkout.dir, count))
  const arms = topics.flatMap((count) => kinds.map((kind) => `${kind}-${count}` as const))
  const values = await interleaved(arms, rounds, async (arm) => {
    const [kind, count] = arm.split('-') as [Kind, string]
    return await timePreview(checkout.dir, kind, Number(count), resources.get(Number(count)) ?? 0)
  })
  return findings(topics, resources, (kind, count) => values[`${kind}-${count}` as const] ?? [])
}

type ValuesOf = (kind: Kind, topics: number) => readonly number[]

function findings(topics: readonly number[], resources: ReadonlyMap<number, number>, valuesOf: ValuesOf): Findings {
  const counted = (kind: Kind, count: number) => afterWarmUp(valuesOf(kind, count), warmUp)
  const totals = topics.map((count) =>
    rowOf({
      measure: `preview, ${count} topics (${resources.get(count)} resources)`,
      unit: 's',
      ours: medianOf(kindText.colour, counted('colour', count).counted),
      baseline: medianOf(kindText.custom, counted('custom', count).counted),
      limit: medianOf(kindText.component, counted('component', count).counted),
      goal: { of: 'ratio', to: 'baseline', atMost: goalRatio },
    }),
  )
  const lines = new Map(kinds.map((kind) => [kind, lineOf(topics, resources, (count) => counted(kind, count).counted)]))
  const arms = kinds.flatMap((kind) => topics.map((count) => ({ kind, count, values: valuesOf(kind, count) })))
  return {
    rows: [...totals, ...lineRows(lines)],
    samples: arms.map(({ kind, count, values }) =>
      armSamples(`${kind}-${count}`, `${kindText[kind]}, from the CLI's start to its end`, 's', values, afterWarmUp(values, warmUp)),
    ),
    histograms: arms.map(({ kind, count, values }) =>
      histogramOfMs(
        `${kind}-${count}`,
        values.map((seconds) => seconds * 1_000),
      ),
    ),
  }
}

type Line = { readonly slope: number; readonly intercept: number } | undefined

/** Seconds over resources, through every counted preview. One size has no line. */
function lineOf(topics: readonly number[], resources: ReadonlyMap<number, number>, counted: (count: number) => readonly number[]): Line {
  if (topics.length < 2) return undefined
  return leastSquares(topics.flatMap((count) => counted(count).map((y) => ({ x: resources.get(count) ?? 0, y }))))
}

function lineRows(lines: ReadonlyMap<Kind, Line>): Row[] {
  const [colour, custom, component] = kinds.map((kind) => lines.get(kind))
  if (!colour || !custom || !component) return []
  const compare = (measure: string, unit: string, pick: (line: NonNullable<Line>) => number) =>
    rowOf({
      ...{ measure, unit },
      ours: single(`least squares over all sizes: ${kindText.colour}`, pick(colour)),
      baseline: single(`least squares over all sizes: ${kindText.custom}`, pick(custom)),
      limit: single(`least squares over all sizes: ${kindText.component}`, pick(component)),
    })
  return [compare('slope', 'ms per resource', (line) => line.slope * 1_000), compare('intercept', 's', (line) => line.intercept)]
}

/** One timed preview, in seconds. What it previews is written before the time starts. */
async function timePreview(root: string, kind: Kind, topics: number, resources: number): Promise<number> {
  if (kind === 'colour') writeCatalog(root, topics)
  else writeNoopConfig(root, kind, resources)
  const startedMs = systemClock.monotonicMs()
  await (kind === 'colour' ? previewColour(root) : previewNoop(root))
  return (systemClock.monotonicMs() - startedMs) / 1_000
}

/** How many resources the colour of so many topics has, the stack not counted. */
async function countResources(root: string, topics: number): Promise<number> {
  writeCatalog(root, topics)
  const said = await previewColour(root)
  const created = /\+ (\d+) to create/.exec(said)?.[1]
  if (created === undefined) throw new KbgError('bench', `The preview said nothing of what it would create: ${said.trim().slice(-500)}`)
  return Number(created) - 1
}

function previewColour(root: string): Promise<string> {
  return preview(root, root, `${fleet}-blue`)
}

const noopStack = 'noop'

function previewNoop(root: string): Promise<string> {
  return preview(root, join(root, 'test', 'bench', 'noop'), noopStack)
}

function preview(root: string, cwd: string, stack: string): Promise<string> {
  return pulumi(root, cwd, ['preview', '-s', stack, '--non-interactive'])
}

function pulumi(root: string, cwd: string, args: readonly string[]): Promise<string> {
  return mustRun('pulumi', args, { cwd, env: { ...toolEnv(), ...pulumiEnv(root) }, deadlineSeconds: 180 })
}

async function makeNoopStack(root: string): Promise<void> {
  writeNoopConfig(root, 'custom', 1)
  await pulumi(root, join(root, 'test', 'bench', 'noop'), ['stack', 'init', noopStack, '--no-select', '--non-interactive'])
}

function writeNoopConfig(root: string, kind: Kind, count: number): void {
  const dir = join(root, 'test', 'bench', 'noop')
  mkdirSync(dir, { recursive: true })
  writeFileSync(join(dir, `Pulumi.${noopStack}.yaml`), stringify({ config: { 'bench-noop:count': String(count), 'bench-noop:kind': kind } }))
}

/** A catalog of so many topics, with a writer and a reader that may use all of them. */
function writeCatalog(root: string, topics: number): void {
  const names = Array.from({ length: topics }, (_, index) => `orders-${String(index).padStart(4, '0')}`)
  const acl = (user: string, operation: string) => ({
    ...{ principal: `User:${user}`, resourceType: 'Topic', resourceName: 'orders-', patternType: 'Prefixed', operation },
  })
  const catalog = {
    topics: Object.fromEntries(names.map((name) => [name, { partitions: 6, config: { 'retention.ms': 604_800_000 } }])),
    users: ['writer', 'reader'],
    acls: [acl('writer', 'Write'), acl('writer', 'Describe'), acl('reader', 'Read'), acl('reader', 'Describe')],
  }
  writeFileSync(join(root, 'catalog.yaml'), stringify(catalog))
}
