/** `npm run bench -- policy`: what the policies add to a `pulumi preview` as the catalog grows. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
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
  interleaved,
  interleavedOrder,
  leastSquares,
  medianOf,
  methodOf,
  rowOf,
  single,
  type WarmUpRule,
} from './harness/index.ts'
import { countResources, writeCatalog } from './preview.ts'

export interface PolicyBenchOptions {
  readonly topics: readonly number[]
  readonly rounds: number
  readonly outDir?: string
}

const fullRun: PolicyBenchOptions = { topics: [10, 100, 1_000], rounds: 6 }
const fleet = 'bench-policy'
const warmUp: WarmUpRule = { kind: 'rounds', rounds: 1 }
const goals = { msPerResource: 1, startSeconds: 2 } as const

/** What judges a preview: this project's policies, nothing, or a pack without policies, which shows what Pulumi itself does for any pack. */
const packs = { policies: 'policy', none: null, empty: join('.kbg', 'empty-pack') } as const
type Pack = keyof typeof packs
type Arm = `${Pack}-${number}`
const packText: Readonly<Record<Pack, string>> = { policies: 'with the policies', none: 'without', empty: 'with a pack that has no policies' }

export async function benchPolicy(options: PolicyBenchOptions = fullRun): Promise<ConductedBench> {
  const { topics, rounds, outDir } = options
  const plan = {
    bench: 'policy',
    question: 'What do the policies add to pulumi preview as the catalog grows?',
    settings: { topics: topics.join(', '), rounds, partitionsPerTopic: 6, users: 2, acls: 4 },
    method: methodOf(interleavedOrder, warmUp),
    noiseRule: durationNoise,
  }
  return await conductBench({ ...plan, ...(outDir === undefined ? {} : { outDir }) }, async () => {
    using checkout = await copyCheckout()
    await initFleet(fleet, checkout.dir)
    writeEmptyPack(checkout)
    const resources = new Map<number, number>()
    for (const count of topics) resources.set(count, await countResources(checkout, fleet, count))
    const arms = topics.flatMap((count) => (Object.keys(packs) as Pack[]).map((pack): Arm => `${pack}-${count}`))
    return findings(topics, resources, await interleaved(arms, rounds, (arm) => timePreview(checkout, arm)))
  })
}

function findings(topics: readonly number[], resources: ReadonlyMap<number, number>, values: Readonly<Record<Arm, readonly number[]>>): Findings {
  const counted = (pack: Pack, count: number) => afterWarmUp(values[`${pack}-${count}`] ?? [], warmUp).counted
  const totals = topics.map((count) =>
    rowOf({
      measure: `preview, ${count} topics (${resources.get(count)} custom resources)`,
      unit: 's',
      ours: medianOf(`pulumi preview of a colour that does not stand yet, ${packText.policies}`, counted('policies', count)),
      baseline: medianOf(`the same ${packText.none}`, counted('none', count)),
      limit: medianOf(`the same ${packText.empty}`, counted('empty', count)),
      paired: true,
    }),
  )
  /** Seconds that a pack adds, over custom resources: of each round against the same round without one. */
  const added = (pack: Pack) =>
    leastSquares(
      topics.flatMap((count) =>
        counted(pack, count).map((seconds, round) => ({ x: resources.get(count) ?? 0, y: seconds - (counted('none', count)[round] ?? 0) })),
      ),
    )
  const [ours, empty] = [added('policies'), added('empty')]
  const what = 'least squares over all sizes, of each round’s difference to the same round without a pack'
  const lines = [
    rowOf({
      ...{ measure: 'added per resource', unit: 'ms' },
      ours: single(`${what}: ${packText.policies}`, ours.slope * 1_000),
      limit: single(`${what}: ${packText.empty}`, empty.slope * 1_000),
      goal: { of: 'ours', atMost: goals.msPerResource },
    }),
    rowOf({
      ...{ measure: 'added at the start', unit: 's' },
      ours: single(`${what}: ${packText.policies}`, ours.intercept),
      limit: single(`${what}: ${packText.empty}`, empty.intercept),
      goal: { of: 'ours', atMost: goals.startSeconds },
    }),
  ]
  return {
    rows: [...totals, ...(topics.length > 1 ? lines : [])], // one size has no line
    samples: Object.entries(values).map(([arm, seconds]) =>
      armSamples(arm, `pulumi preview ${packText[arm.split('-')[0] as Pack]}, from the CLI's start to its end`, 's', seconds, afterWarmUp(seconds, warmUp)),
    ),
  }
}

/** One timed preview, in seconds. What it previews is written before the time starts. */
async function timePreview(checkout: Checkout, arm: Arm): Promise<number> {
  const [name, count] = arm.split('-')
  const pack = packs[name as Pack]
  writeCatalog(checkout, Number(count))
  const args = ['preview', '-s', `${fleet}-blue`, '--non-interactive', ...(pack === null ? [] : ['--policy-pack', pack])]
  const startedMs = systemClock.monotonicMs()
  await mustRun('pulumi', args, { cwd: checkout.dir, env: checkout.env(), deadlineSeconds: 180 })
  return (systemClock.monotonicMs() - startedMs) / 1_000
}

function writeEmptyPack({ dir }: Checkout): void {
  const pack = join(dir, packs.empty)
  mkdirSync(pack)
  writeFileSync(join(pack, 'PulumiPolicy.yaml'), 'runtime: { name: nodejs, options: { typescript: false } }\n')
  writeFileSync(join(pack, 'package.json'), '{"name": "empty-pack", "version": "0.0.1", "type": "module", "main": "index.js"}\n')
  writeFileSync(join(pack, 'index.js'), "import { PolicyPack } from '@pulumi/policy'\n\nnew PolicyPack('empty', { policies: [] })\n")
}
