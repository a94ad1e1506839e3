/** `npm run bench -- audit`: what it costs to compare both sides, beside Kafka's own consumers on the same topics; memory over the size; and the processor at a steady load. */
import { createTopics } from '../../engine/adapters/kafka/admin.ts'
import { Catalog } from '../../engine/model/catalog.ts'
import { colours } from '../../engine/model/colour.ts'
import { Deadline, systemClock } from '../../engine/ports/clock.ts'
import type { Pair } from '../support/pair.ts'
import { consumerPerformance, requireConsumerPerformance } from './audit/consumer-performance.ts'
import { type Filling, fill, flow } from './audit/fill.ts'
import { type BySize, findings, type Measurements, type Reading, requireWanted, type Steady, type TopicMemory } from './audit/findings.ts'
import { auditOnce, processorSeconds, withWorker } from './audit/worker-run.ts'
import { type ConductedBench, cleaningUp, conductBench, durationNoise, type Findings, interleaved, interleavedOrder, interrupted, methodOf, type WarmUpRule } from './harness/index.ts' // biome-ignore format: one line
import { onPair } from './on-pair.ts'

export interface AuditBenchOptions {
  /** Topics that both the audit and ConsumerPerformance read, in turn. */
  readonly readings: readonly { readonly recordBytes: number; readonly records: number }[]
  readonly rounds: number
  /** Records of 100 bytes in a topic: a worker of its own compares each once, and its memory is looked at. */
  readonly memoryRecords: BySize<number>
  readonly steady: SteadyLoad
  /** A pair that stands, for runs that share one; it stays, without its audit. */
  readonly pair?: Pair
  readonly outDir?: string
}

interface SteadyLoad {
  readonly recordsPerSecond: number
  readonly recordBytes: number
  /** How long it flows before the first window. */
  readonly leadSeconds: number
  readonly windows: number
  readonly windowSeconds: number
  /** With a lower share of that rate compared the bench refuses. */
  readonly leastOfWanted: number
}

const fullRun: AuditBenchOptions = {
  readings: [
    { recordBytes: 100, records: 2_000_000 },
    { recordBytes: 1_024, records: 500_000 },
  ],
  rounds: 6,
  memoryRecords: { few: 100_000, many: 1_000_000, tenfold: 10_000_000 },
  steady: { recordsPerSecond: 10_000, recordBytes: 100, leadSeconds: 5, windows: 6, windowSeconds: 10, leastOfWanted: 0.98 },
}
const warmUp: WarmUpRule = { kind: 'rounds', rounds: 1 }
const partitions = 4
const batchRecords = 250
const memoryRecordBytes = 100
const within = (seconds: number, what: string) => new Deadline(systemClock, seconds * 1_000, what, interrupted)

export async function benchAudit(options: AuditBenchOptions = fullRun): Promise<ConductedBench> {
  const { readings, rounds, memoryRecords, steady, outDir } = options
  const plan = {
    bench: 'audit',
    question:
      "What does it cost to compare both sides, beside two of Kafka's own consumers at the same time on the same topics, and what does it keep in memory?",
    settings: {
      ...{ blue: '3.9.2', green: '4.3.1', partitions, replicationFactor: 1, rounds },
      ...{ readings: readings.map((each) => `${each.records} x ${each.recordBytes} B`).join(', '), memoryRecords: Object.values(memoryRecords).join(', ') },
      ...{ steadyRecordsPerSecond: steady.recordsPerSecond, steadyRecordBytes: steady.recordBytes },
    },
    method: methodOf(`the steady load; then ${interleavedOrder}; then memory by size, ascending`, warmUp),
    noiseRule: durationNoise,
  }
  await requireConsumerPerformance()
  return await conductBench({ ...plan, ...(outDir === undefined ? {} : { outDir }) }, () => measure(options))
}

async function measure(options: AuditBenchOptions): Promise<Findings> {
  const catalog = Catalog.parse({ topics: { unused: { partitions: 1 } } })
  const spec = { fleet: 'bench-audit', versions: { blue: '3.9.2', green: '4.3.1' }, catalog }
  return await onPair(options.pair, spec, async (pair) => findings(await measureOn(pair, options), warmUp))
}

async function measureOn(pair: Pair, { readings, rounds, memoryRecords, steady }: AuditBenchOptions): Promise<Measurements> {
  const steadily = await underSteadyLoad(pair, steady)
  requireWanted(steadily) // before the rest is measured in vain
  const read: Reading[] = []
  for (const { recordBytes, records } of readings) read.push(await readInTurn(pair, { topic: `read-${recordBytes}`, recordBytes }, records, rounds))
  const few = await memoryWith(pair, memoryRecords.few)
  const many = await memoryWith(pair, memoryRecords.many)
  const tenfold = await memoryWith(pair, memoryRecords.tenfold)
  return { read, memory: { few, many, tenfold }, steady: steadily }
}

async function memoryWith(pair: Pair, wanted: number): Promise<TopicMemory> {
  const topic = `memory-${wanted}`
  const records = await filled(pair, { topic, recordBytes: memoryRecordBytes }, wanted)
  const { peakMiB } = (await auditOnce(pair, topic, records, 300)).memory
  console.log(`memory, ${records} records: ${peakMiB.toFixed(0)} MiB`)
  return { records, peakMiB }
}

type Arm = 'audit' | 'consumers'

async function readInTurn(pair: Pair, topic: Pick<Filling, 'topic' | 'recordBytes'>, wanted: number, rounds: number): Promise<Reading> {
  const records = await filled(pair, topic, wanted)
  const arms: readonly Arm[] = ['audit', 'consumers']
  const rates = await interleaved(arms, rounds, async (arm) => {
    const rate = arm === 'audit' ? (await auditOnce(pair, topic.topic, records, 120)).recordsPerSecond : await consumersRate(pair, topic.topic, records)
    console.log(`${topic.topic}, ${arm}: ${Math.round(rate)} records/s`)
    return rate
  })
  return { ...topic, records, audit: rates.audit, consumers: rates.consumers }
}

/** Both at once; each one's own count of the time in which it fetched, the slower one's for both. */
async function consumersRate(pair: Pair, topic: string, records: number): Promise<number> {
  const runs = await Promise.all(colours.map((colour) => consumerPerformance(pair.wiring.clusters[colour], topic, records)))
  return (runs.reduce((sum, run) => sum + run.records, 0) * 1_000) / Math.max(...runs.map((run) => run.fetchMs))
}

async function underSteadyLoad(pair: Pair, load: SteadyLoad): Promise<Steady> {
  const { recordsPerSecond, recordBytes, leadSeconds, windows, windowSeconds, leastOfWanted } = load
  const filling = { topic: 'steady', partitions, recordBytes, batchRecords: 50 }
  await made(pair, filling)
  const stop = new AbortController()
  const flowing = flow(Object.values(pair.wiring.clusters), filling, recordsPerSecond, stop.signal)
  flowing.catch(() => undefined) // it is awaited below
  return await cleaningUp(
    () =>
      withWorker(pair, filling.topic, async (audit, pid) => {
        await systemClock.sleep(leadSeconds * 1_000, interrupted)
        const cores: number[] = []
        const agesMs: number[] = []
        const recordsBefore = await compared()
        const startedMs = systemClock.monotonicMs()
        for (let window = 0; window < windows; window += 1) {
          const [fromMs, fromSeconds] = [systemClock.monotonicMs(), processorSeconds(pid)]
          await systemClock.sleep(windowSeconds * 1_000, interrupted)
          cores.push(((processorSeconds(pid) - fromSeconds) * 1_000) / (systemClock.monotonicMs() - fromMs))
          agesMs.push(
            Math.max(...(await audit.facts(within(5, 'the audit'))).partitions.map(({ watermarkAgeMs }) => watermarkAgeMs ?? Number.POSITIVE_INFINITY)),
          )
        }
        const comparedPerSecond = (((await compared()) - recordsBefore) * 1_000) / (systemClock.monotonicMs() - startedMs)
        return { wantedPerSecond: recordsPerSecond, comparedPerSecond, leastOfWanted, cores, agesMs }

        async function compared(): Promise<number> {
          return (await audit.facts(within(5, 'the audit'))).partitions.reduce((sum, { alignedRecords }) => sum + alignedRecords, 0)
        }
      }),
    () => stop.abort(),
    () => flowing,
  )
}

async function filled(pair: Pair, topic: Pick<Filling, 'topic' | 'recordBytes'>, records: number): Promise<number> {
  const filling = { ...topic, partitions, batchRecords }
  await made(pair, filling)
  const startedMs = systemClock.monotonicMs()
  const written = await fill(Object.values(pair.wiring.clusters), filling, records, within(300, `${records} records to be written`))
  console.log(`${topic.topic}: ${written} records on both sides in ${((systemClock.monotonicMs() - startedMs) / 1_000).toFixed(1)} s`)
  return written
}

async function made(pair: Pair, { topic }: Pick<Filling, 'topic'>): Promise<void> {
  for (const colour of colours) {
    await createTopics(pair.wiring.clusters[colour], [{ topic, partitions, replicationFactor: 1, config: {} }], within(30, `topic ${topic} on ${colour}`))
    // Its leaders learn of it a moment later, and would refuse the first batches.
    await pair.ports.clusters[colour].logs.ends([topic], within(30, `the leaders of ${topic} on ${colour}`))
  }
}
