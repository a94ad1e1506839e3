/** `npm run bench -- preview`: how long `pulumi preview` takes as the catalog grows, beside as many resources that do nothing. */
import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { stringify } from 'yaml'
import { z } from 'zod'
import { initFleet } from '../../cli/init.ts'
import { systemClock } from '../../engine/ports/clock.ts'
import { mustRun } from '../../tools/process.ts'
import { type Checkout, copyCheckout } from './checkout.ts'
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
  interrupted,
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

/** What is previewed at each size. */
const kinds = ['colour', 'noop'] as const
type Kind = (typeof kinds)[number]
/** What both programs have and a plain one may not. */
const bothHave =
  "Both programs leave out the stack traces that Pulumi's SDK keeps of its promises (infra/index.ts), and have a cache of compiled JavaScript. " +
  "The colour's components are part of its time, and have nothing beside them."
type Arm = `${Kind}-${number}` | 'empty'
const kindText: Readonly<Record<Kind | 'empty', string>> = {
  colour: 'pulumi preview of a colour that does not stand yet',
  noop: 'pulumi preview of as many custom resources of a provider in Node that does nothing',
  empty: 'pulumi preview of a program without resources',
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
  await makeNoopStack(checkout)
  const resources = new Map<number, number>()
  for (const count of topics) resources.set(count, await countResources(checkout, fleet, count))
  const arms: readonly Arm[] = [...topics.flatMap((count) => kinds.map((kind) => `${kind}-${count}` as const)), 'empty']
  const values = await interleaved(arms, rounds, (arm) => timePreview(checkout, arm, resources))
  return findings(topics, resources, values)
}

function findings(topics: readonly number[], resources: ReadonlyMap<number, number>, values: Readonly<Record<Arm, readonly number[]>>): Findings {
  const counted = (arm: Arm) => afterWarmUp(values[arm] ?? [], warmUp).counted
  const totals = topics.map((count) =>
    rowOf({
      measure: `preview, ${count} topics (${resources.get(count)} custom resources)`,
      unit: 's',
      ours: medianOf(kindText.colour, counted(`colour-${count}`)),
      baseline: medianOf(kindText.noop, counted(`noop-${count}`)),
      limit: medianOf(kindText.empty, counted('empty')),
      goal: { of: 'ratio', to: 'baseline', atMost: goalRatio },
      paired: true,
    }),
  )
  const lineOf = (kind: Kind) => leastSquares(topics.flatMap((count) => counted(`${kind}-${count}`).map((y) => ({ x: resources.get(count) ?? 0, y }))))
  const arms = Object.entries(values)
  return {
    notes: [bothHave],
    // one size has no line
    rows: [...totals, ...(topics.length > 1 ? lineRows(lineOf('colour'), lineOf('noop')) : [])],
    samples: arms.map(([arm, seconds]) => armSamples(arm, `${textOf(arm)}, from the CLI's start to its end`, 's', seconds, afterWarmUp(seconds, warmUp))),
    histograms: arms.map(([arm, seconds]) =>
      histogramOfMs(
        arm,
        seconds.map((each) => each * 1_000),
      ),
    ),
  }
}

function textOf(arm: string): string {
  return kindText[arm === 'empty' ? 'empty' : arm.startsWith('colour') ? 'colour' : 'noop']
}

type Line = ReturnType<typeof leastSquares>

/** Seconds over custom resources, through every counted preview of every size. */
function lineRows(colour: Line, noop: Line): readonly Row[] {
  const compare = (measure: string, unit: string, pick: (line: Line) => number) =>
    rowOf({
      ...{ measure, unit },
      ours: single(`least squares over all sizes: ${kindText.colour}`, pick(colour)),
      baseline: single(`least squares over all sizes: ${kindText.noop}`, pick(noop)),
    })
  return [compare('slope', 'ms per custom resource', (line) => line.slope * 1_000), compare('intercept', 's', (line) => line.intercept)]
}

/** One timed preview, in seconds. What it previews is written before the time starts. */
async function timePreview(checkout: Checkout, arm: Arm, resources: ReadonlyMap<number, number>): Promise<number> {
  const count = Number(arm.split('-')[1] ?? 0)
  const colour = arm.startsWith('colour')
  if (colour) writeCatalog(checkout, count)
  else writeNoopConfig(checkout, resources.get(count) ?? 0)
  const startedMs = systemClock.monotonicMs()
  await (colour ? previewColour(checkout) : previewNoop(checkout))
  return (systemClock.monotonicMs() - startedMs) / 1_000
}

/** How many custom resources the colour of so many topics has. Its preview as JSON may have megabytes. */
export async function countResources(checkout: Checkout, fleet: string, topics: number): Promise<number> {
  writeCatalog(checkout, topics)
  const args = ['preview', '-s', `${fleet}-blue`, '--non-interactive', '--json']
  const options = { cwd: checkout.dir, env: checkout.env(), timeout: 180_000, maxBuffer: 2 ** 28, signal: interrupted }
  const { stdout } = await promisify(execFile)('pulumi', args, options)
  return customResources(JSON.parse(stdout))
}

/** Of what `pulumi preview --json` prints, what is counted. */
const Preview = z.object({
  steps: z.array(z.object({ op: z.string(), newState: z.object({ type: z.string(), custom: z.boolean() }) })),
})

/**
 * How many custom resources a preview would create: those for which a provider is asked. The stack and components aren't, and the providers themselves stand
 * beside the no-op resources too.
 *
 * @param preview what `pulumi preview --json` printed, parsed
 */
export function customResources(preview: unknown): number {
  return Preview.parse(preview).steps.filter(({ op, newState: { type, custom } }) => op === 'create' && custom && !type.startsWith('pulumi:providers:')).length
}

function previewColour(checkout: Checkout): Promise<string> {
  return preview(checkout, checkout.dir, `${fleet}-blue`)
}

const noopStack = 'noop'

function noopDir({ dir }: Checkout): string {
  return join(dir, 'test', 'bench', 'noop')
}

function previewNoop(checkout: Checkout): Promise<string> {
  return preview(checkout, noopDir(checkout), noopStack)
}

function preview(checkout: Checkout, cwd: string, stack: string): Promise<string> {
  return pulumi(checkout, cwd, ['preview', '-s', stack, '--non-interactive'])
}

function pulumi(checkout: Checkout, cwd: string, args: readonly string[]): Promise<string> {
  return mustRun('pulumi', args, { cwd, env: checkout.env(), deadlineSeconds: 180 })
}

async function makeNoopStack(checkout: Checkout): Promise<void> {
  writeNoopConfig(checkout, 0)
  await pulumi(checkout, noopDir(checkout), ['stack', 'init', noopStack, '--no-select', '--non-interactive'])
}

function writeNoopConfig(checkout: Checkout, count: number): void {
  writeFileSync(join(noopDir(checkout), `Pulumi.${noopStack}.yaml`), stringify({ config: { 'bench-noop:count': String(count) } }))
}

/** A catalog of so many topics, with a writer and a reader that may use all of them. */
export function writeCatalog(checkout: Checkout, topics: number): void {
  const names = Array.from({ length: topics }, (_, index) => `orders-${String(index).padStart(4, '0')}`)
  const acl = (user: string, operation: string) => ({
    ...{ principal: `User:${user}`, resourceType: 'Topic', resourceName: 'orders-', patternType: 'Prefixed', operation },
  })
  const catalog = {
    topics: Object.fromEntries(names.map((name) => [name, { partitions: 6, config: { 'retention.ms': 604_800_000 } }])),
    users: ['writer', 'reader'],
    acls: [acl('writer', 'Write'), acl('writer', 'Describe'), acl('reader', 'Read'), acl('reader', 'Describe')],
  }
  writeFileSync(join(checkout.dir, 'catalog.yaml'), stringify(catalog))
}
