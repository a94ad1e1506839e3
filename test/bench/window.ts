/**
 * `npm run bench -- window`: how long producers wait in a switchover, at the clients, beside the floor that its parts have when each is measured alone, and
 * beside what users do today.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ClientVerdict, judge, startLoad } from '../../cli/rollout/demo-load.ts'
import { type Colour, otherColour } from '../../engine/model/colour.ts'
import { messageOf } from '../../engine/model/error.ts'
import type { JournalEntry } from '../../engine/model/journal.ts'
import { Deadline, systemClock } from '../../engine/ports/clock.ts'
import { sampleLag } from '../../engine/run/lag.ts'
import { mirrorRecord } from '../../engine/switchover/journal-reading.ts'
import { loadCatalog } from '../../infra/catalog.ts'
import { projectDir } from '../../tools/paths.ts'
import { type Pair, standPair } from '../support/pair.ts'
import {
  afterWarmUp,
  armSamples,
  type ConductedBench,
  conductBench,
  durationNoise,
  type Findings,
  histogramOfMs,
  interleavedOrder,
  interrupted,
  maximumOf,
  medianOf,
  methodOf,
  rowOf,
  single,
  type WarmUpRule,
} from './harness/index.ts'
import { baselineNotes, baselineRows, baselineSamples, type OursBesideBaselines } from './window/baseline-rows.ts'
import { type BaselineArm, type Baselines, measureBaselines } from './window/baselines.ts'
import { type FloorParts, measureFloor, WatchProbe } from './window/floor.ts'
import { longestPauseMs, type Span } from './window/pauses.ts'
import { type MeasuredWindow, measuredWindows, partNames } from './window/windows.ts'

export interface WindowBenchOptions {
  readonly switchovers: number
  readonly recordsPerSecond: number
  readonly settleSeconds: number
  /** What users do today, each so often. */
  readonly baselines: { readonly arms: readonly BaselineArm[]; readonly rounds: number }
  readonly outDir?: string
}

const fullRun: WindowBenchOptions = {
  switchovers: 30,
  recordsPerSecond: 1_000,
  settleSeconds: 5,
  baselines: { arms: ['careful', 'hasty', 'restart'], rounds: 10 },
}
/** The first move each way meets cold virtual machines: both are shown, neither is counted. */
const warmUp: WarmUpRule = { kind: 'rounds', rounds: 2 }
const fleet = 'bench-window'

export async function benchWindow(options: WindowBenchOptions = fullRun): Promise<ConductedBench> {
  const { switchovers, recordsPerSecond, baselines, outDir } = options
  const plan = {
    bench: 'window',
    question:
      'How long do producers wait when all traffic moves to the other colour, at the clients, and how far is that from what its parts need and from what users do today?',
    settings: { switchovers, recordsPerSecond, recordBytes: 1024, blue: '3.9.2', green: '4.3.1', mirror: 'exactly once', baselineRounds: baselines.rounds },
    method: methodOf(`before every switchover each part of the floor once, alone, under the same load; then the baselines, ${interleavedOrder}`, warmUp),
    noiseRule: durationNoise,
  }
  return await conductBench({ ...plan, ...(outDir === undefined ? {} : { outDir }) }, () => measure(options))
}

async function measure(options: WindowBenchOptions): Promise<Findings> {
  const dir = mkdtempSync(join(tmpdir(), 'kbg-bench-window-'))
  const catalog = loadCatalog(join(projectDir, 'catalog.yaml'))
  const pair = await standPair({ fleet, versions: { blue: '3.9.2', green: '4.3.1' }, catalog })
  try {
    const { ours, live } = await underLoad(pair, dir, options)
    const baselines = await measureBaselines(pair, live, { ...options, ...options.baselines, dir })
    return findings(ours, baselines)
  } finally {
    await pair.end()
    rmSync(dir, { recursive: true, force: true })
  }
}

/** What the switchovers came to. */
interface Ours {
  readonly windows: readonly MeasuredWindow[]
  readonly floors: readonly FloorParts[]
  readonly spans: readonly Span[]
  readonly verdict: ClientVerdict
  readonly problems: readonly string[]
}

async function underLoad(pair: Pair, dir: string, options: WindowBenchOptions): Promise<{ readonly ours: Ours; readonly live: Colour }> {
  await pair.createRoute()
  const problems: string[] = []
  const load = await startLoad(
    pair.wiring,
    dir,
    { ratePerSecond: options.recordsPerSecond, preloadRecords: 0 },
    () => undefined,
    (problem) => problems.push(problem),
  )
  const store = new WatchProbe(pair.wiring.routeStore, fleet)
  const floors: FloorParts[] = []
  const spans: Span[] = []
  let live: Colour = 'blue'
  try {
    load.startLoad()
    await systemClock.sleep(15_000)
    load.resumeGroups() // the group that stays behind is for the rollout: here it would only make each round longer
    for (let number = 0; number < options.switchovers; number += 1) {
      interrupted.throwIfAborted()
      floors.push(await measureFloor(pair, live, store))
      const fromMs = systemClock.monotonicMs()
      await movePastGate(pair, otherColour(live))
      live = otherColour(live)
      console.log(`switchover ${number + 1} of ${options.switchovers}: ${live} is live`)
      await systemClock.sleep(options.settleSeconds * 1_000)
      spans.push({ fromMs, toMs: systemClock.monotonicMs() })
    }
    await load.stopProducers()
    await load.drain(120)
    await load.end()
  } finally {
    store.close()
    load.kill()
  }
  const journal = await pair.ports.store.history(new Deadline(systemClock, 20_000, 'the journal'))
  await standbyHasAll(pair, live, journal)
  const verdict = await judge(pair.wiring, live, dir)
  return { ours: { windows: measuredWindows(verdict.windows, journal), floors, spans, verdict, problems }, live }
}

/** A gate that refuses has moved nothing; on a machine this small the mirror lags for a moment now and then. */
async function movePastGate(pair: Pair, live: Colour): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      await pair.moveTo(live)
      return
    } catch (thrown) {
      if (!messageOf(thrown).startsWith('gate: ') || tries === 10) throw thrown
      await systemClock.sleep(1_000)
    }
  }
}

async function standbyHasAll(pair: Pair, live: Colour, journal: readonly JournalEntry[]): Promise<void> {
  const connector = mirrorRecord(journal, live)?.connector ?? ''
  const { clusters, mirrors } = pair.ports
  const subject = {
    clock: systemClock,
    source: clusters[live],
    target: clusters[otherColour(live)],
    mirror: mirrors[live],
    connector,
    topics: pair.wiring.topics,
  }
  await new Deadline(systemClock, 60_000, 'the standby to hold everything').poll(200, async () =>
    (await sampleLag(subject, 5_000)).kind === 'caught-up' ? true : undefined,
  )
}

const floorParts = ['fenceMs', 'mirrorHopMs', 'liftMs', 'watchMs', 'ackMs'] as const satisfies readonly (keyof FloorParts)[]

function besideBaselines({ spans, verdict }: Ours): OursBesideBaselines {
  const pausesMs = spans.map((span) => longestPauseMs(verdict.traces.producers, span, span.toMs))
  return { pausesMs, statistics: verdict.statistics, moves: spans.length }
}

function findings(ours: Ours, baselines: Baselines): Findings {
  const { windows, floors, verdict, problems } = ours
  const beside = besideBaselines(ours)
  const counted = (values: readonly number[]) => afterWarmUp(values, warmUp).counted
  const totals = windows.map((window) => window.totalMs)
  const floorTotals = floors.map((floor, index) => floorParts.reduce((sum, part) => sum + floor[part], windows[index]?.flushMs ?? 0))
  const whatOurs = 'last acknowledgement on the source to first on the target, the slowest of three producers'
  const whatFloor =
    'flush, fence, mirror hop, lift, store watch and one acknowledgement on every leader, each measured alone (the flush in the switchover itself), added up'
  const limit = medianOf(whatFloor, counted(floorTotals))
  const faults = Object.entries(verdict.statistics).filter(([name]) => name !== 'acked')
  const rows = [
    rowOf({ measure: 'write window, median', unit: 'ms', ours: medianOf(whatOurs, counted(totals)), limit, goal: { of: 'ratio', to: 'limit', atMost: 2 } }),
    rowOf({ measure: 'write window, median', unit: 'ms', ours: medianOf(whatOurs, counted(totals)), goal: { of: 'ours', atMost: 300 } }),
    rowOf({ measure: 'write window, maximum', unit: 'ms', ours: maximumOf(whatOurs, counted(totals)), limit, goal: { of: 'ratio', to: 'limit', atMost: 4 } }),
    ...partNames.map((part) =>
      rowOf({
        measure: `part: ${part.replace(/Ms$/, '')}`,
        unit: 'ms',
        ours: medianOf(`part of the window, in the order in which they pass`, counted(windows.map((window) => window.parts[part]))),
      }),
    ),
    ...floorParts.map((part) =>
      rowOf({ measure: `floor: ${part.replace(/Ms$/, '')}`, unit: 'ms', ours: medianOf('measured alone', counted(floors.map((floor) => floor[part]))) }),
    ),
    rowOf({
      measure: 'floor: flush',
      unit: 'ms',
      ours: medianOf(
        "from the hold's publication to the last acknowledgement of any producer, in the switchover itself",
        counted(windows.map((window) => window.flushMs)),
      ),
    }),
    ...faults.map(([name, count]) =>
      rowOf({ measure: name, unit: 'records', ours: single('by the history checker, over the whole run', count), goal: { of: 'ours', atMost: 0 } }),
    ),
    ...baselineRows(beside, baselines, warmUp),
  ]
  return {
    rows,
    samples: [
      armSamples('ours', whatOurs, 'ms', totals, afterWarmUp(totals, warmUp)),
      armSamples('floor', whatFloor, 'ms', floorTotals, afterWarmUp(floorTotals, warmUp)),
      ...baselineSamples(beside, baselines.runs, warmUp),
    ],
    histograms: [histogramOfMs('write window', counted(totals))],
    notes: [
      `${verdict.statistics.acked} records acknowledged; ${windows.filter((window) => window.graceful).length} of ${windows.length} switchovers graceful; sends were due all through ${windows.filter((window) => window.dueThroughout).length}`,
      ...verdict.lines.slice(0, 1),
      ...problems.slice(0, 5),
      ...baselineNotes(baselines),
    ],
  }
}
