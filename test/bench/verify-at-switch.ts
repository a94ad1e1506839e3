/** `npm run bench -- verify-at-switch`: how long a switchover takes from the proven fence to the proven cut, by how much the topics hold. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { otherColour } from '../../engine/model/colour.ts'
import { KbgError } from '../../engine/model/error.ts'
import type { JournalEntry } from '../../engine/model/journal.ts'
import { Deadline, systemClock } from '../../engine/ports/clock.ts'
import type { PartitionEnd } from '../../engine/ports/cluster.ts'
import { sampleLag } from '../../engine/run/lag.ts'
import { mirrorRecord } from '../../engine/switchover/journal-reading.ts'
import { toolPaths } from '../../tools/paths.ts'
import type { Pair } from '../support/pair.ts'
import { WorkloadProcess } from '../support/workload/process.ts'
import { type Filling, fill } from './audit/fill.ts'
import { type ConductedBench, cleaningUp, conductBench, type Findings, interrupted, methodOf, saturatedNoise, type WarmUpRule } from './harness/index.ts' // biome-ignore format: one line
import { onPair, quickGate } from './on-pair.ts'
import { ordersOnly } from './orders-only.ts'
import { movePastGate } from './past-gate.ts'
import { findings, type SizeTimes, switchTimes } from './verify-at-switch/findings.ts'

export interface VerifyAtSwitchOptions {
  /** Records that the topic holds on each side, ascending. */
  readonly records: readonly number[]
  /** Moves at each size, to and fro: even, so that blue is live when the topic is filled up. */
  readonly moves: number
  /** Moves before the first size, which count nowhere: it would be measured on brokers and a worker that have never moved. Even. */
  readonly warmUpMoves: number
  readonly recordsPerSecond: number
  /** A pair that stands, for runs that share one; it stays. */
  readonly pair?: Pair
  readonly outDir?: string
}

const fullRun: VerifyAtSwitchOptions = { records: [10_000, 100_000, 1_000_000, 10_000_000], moves: 12, warmUpMoves: 6, recordsPerSecond: 200 }
const filling: Filling = { topic: 'orders', partitions: 4, recordBytes: 100, batchRecords: 250 }
const warmUp: WarmUpRule = { kind: 'rounds', rounds: 2 }
const within = (seconds: number, what: string) => new Deadline(systemClock, seconds * 1_000, what, interrupted)

/** `--records 10000,100000` for other sizes than the full run's. @throws KbgError `bench` */
export function verifyAtSwitchOptions(words: readonly string[]): VerifyAtSwitchOptions {
  const { values } = parseArgs({ args: [...words], options: { records: { type: 'string' } } })
  if (values.records === undefined) return fullRun
  const records = values.records.split(',').map(Number)
  const isAscending = records.every((count, index) => Number.isInteger(count) && count > (records[index - 1] ?? 0))
  if (!isAscending)
    throw new KbgError('bench', 'That is no list of sizes.', { facts: { observed: values.records, required: 'ascending numbers, for example 10000,100000' } })
  return { ...fullRun, records }
}

export async function benchVerifyAtSwitch(options: VerifyAtSwitchOptions = fullRun): Promise<ConductedBench> {
  const { records, moves, warmUpMoves, recordsPerSecond, outDir } = options
  const plan = {
    bench: 'verify-at-switch',
    question: 'How long does a switchover take from the proven fence to the proven cut, by how much the topics hold?',
    settings: {
      ...{
        records: records.join(', '),
        moves,
        warmUpMoves,
        recordsPerSecond,
        recordBytes: filling.recordBytes,
        partitions: filling.partitions,
        replicationFactor: 1,
      },
      ...{ blue: '3.9.2', green: '4.3.1', mirror: 'exactly once' },
    },
    method: methodOf(
      `${warmUpMoves} moves that count nowhere; then sizes ascending, on one pair that is filled up in between; the moves of a size to and fro`,
      warmUp,
    ),
    noiseRule: saturatedNoise,
  }
  return await conductBench({ ...plan, ...(outDir === undefined ? {} : { outDir }) }, () => measure(options))
}

async function measure(options: VerifyAtSwitchOptions): Promise<Findings> {
  const dir = mkdtempSync(join(tmpdir(), 'kbg-bench-verify-'))
  return await cleaningUp(
    async () => {
      const spec = { fleet: 'bench-verify', versions: { blue: '3.9.2', green: '4.3.1' }, catalog: ordersOnly(filling), audit: true }
      return await onPair(options.pair, spec, async (pair) => findings(await measureOn(pair, dir, options), warmUp))
    },
    () => rmSync(dir, { recursive: true, force: true }),
  )
}

async function measureOn(pair: Pair, dir: string, options: VerifyAtSwitchOptions): Promise<readonly SizeTimes[]> {
  await pair.createRoute()
  const load = await startLoad(pair, dir, options.recordsPerSecond)
  return await cleaningUp(
    async () => {
      load.startLoad()
      await moveToAndFro(pair, options.warmUpMoves)
      const sizes: SizeTimes[] = []
      for (const records of options.records) sizes.push(await measureSize(pair, records, options.moves))
      await load.stopProducers()
      await load.end()
      return sizes
    },
    () => load.kill(),
  )
}

/** A light load of routed producers, so that there is something to be held, fenced and drained. */
function startLoad(pair: Pair, dir: string, ratePerSecond: number): Promise<WorkloadProcess> {
  const { endpoints, credentialsFile } = pair.wiring.routeStore
  const config = {
    ...{ version: 1 as const, historyDir: join(dir, 'history'), credentialsFile: pair.wiring.clusters.blue.credentialsFile },
    client: { kind: 'routed' as const, fleet: pair.wiring.fleet, routeStore: { endpoints, username: 'client' as const, credentialsFile } },
    ...{ recordBytes: filling.recordBytes, tickMs: 50, groups: [], topics: [{ name: filling.topic, partitions: filling.partitions, keys: 100 }] },
    producers: [{ id: 'orders-web', user: 'orders-app', topics: [filling.topic], ratePerSecond, preloadRecords: 0, transactions: null }],
  }
  return WorkloadProcess.start(config, { node: toolPaths().node, clock: systemClock, dir })
}

async function measureSize(pair: Pair, records: number, moves: number): Promise<SizeTimes> {
  const copiedPerSecond = await fillUpTo(pair, records)
  const before = (await history(pair)).length
  await moveToAndFro(pair, moves)
  const times = switchTimes((await history(pair)).slice(before))
  const held = (await ends(pair)).reduce((sum, end) => sum + end.logEndOffset - end.logStartOffset, 0n)
  console.log(`${records} records: ${times.map(({ verifyMs }) => verifyMs.toFixed(0)).join(', ')} ms`)
  return { records, held: Number(held), copiedPerSecond, times }
}

async function moveToAndFro(pair: Pair, moves: number): Promise<void> {
  for (let move = 0; move < moves; move += 1) {
    interrupted.throwIfAborted()
    await movePastGate(pair, move % 2 === 0 ? 'green' : 'blue', { limits: quickGate })
  }
}

/** Fills blue, and waits until mirror and audit have come to its end. @returns how fast the mirror copied what was filled in; null where that was too little to tell */
async function fillUpTo(pair: Pair, records: number): Promise<number | null> {
  const present = (await ends(pair)).reduce((sum, { logEndOffset }) => sum + logEndOffset, 0n)
  const missing = records - Number(present)
  const startedMs = systemClock.monotonicMs()
  if (missing > 0) await fill([pair.wiring.clusters.blue], filling, missing, within(300, `${missing} records to be written`))
  const connector = mirrorRecord(await history(pair), 'blue')?.connector ?? ''
  const { clusters, mirrors } = pair.ports
  const lag = { clock: systemClock, source: clusters.blue, target: clusters[otherColour('blue')], mirror: mirrors.blue, connector, topics: [filling.topic] }
  const deadline = within(900, 'the mirror to copy everything')
  await deadline.poll(500, async () => ((await sampleLag(lag, 5_000)).kind === 'caught-up' ? true : undefined))
  const tookSeconds = (systemClock.monotonicMs() - startedMs) / 1_000
  console.log(`${records} records: the mirror has them after ${tookSeconds.toFixed(0)} s`)
  await within(300, 'the audit to compare everything').poll(500, async () => {
    const facts = await pair.ports.audit?.facts(within(10, 'the audit'))
    return facts?.partitions.every(({ watermarkAgeMs }) => watermarkAgeMs !== null && watermarkAgeMs < 2_000) ? true : undefined
  })
  return missing >= 100_000 ? missing / tookSeconds : null
}

function ends(pair: Pair): Promise<readonly PartitionEnd[]> {
  return pair.ports.clusters.blue.logs.ends([filling.topic], within(20, 'the ends of the logs'))
}

function history(pair: Pair): Promise<readonly JournalEntry[]> {
  return pair.ports.store.history(within(20, 'the journal'))
}
