import { KbgError } from '../../../engine/model/error.ts'
import { afterWarmUp, armSamples, type Findings, medianOf, type Row, rowOf, single, type WarmUpRule } from '../harness/index.ts'

/** One topic that the audit and two consumers have read in turn: records of both sides for each second, by round. */
export interface Reading {
  readonly topic: string
  readonly recordBytes: number
  readonly records: number
  readonly audit: readonly number[]
  readonly consumers: readonly number[]
}

/** What a worker took under a steady load, by window. */
export interface Steady {
  readonly wantedPerSecond: number
  /** Of one side, as the worker compared them. */
  readonly comparedPerSecond: number
  /** With a lower share of the wanted rate nothing can be said of it. */
  readonly leastOfWanted: number
  readonly cores: readonly number[]
  readonly agesMs: readonly number[]
}

/** What each of these holds: a number of records, or what was measured with so many. */
export interface BySize<T> {
  /** Too few to fill what a worker buffers, so it is told beside the others and compared with neither. */
  readonly few: T
  /** Enough to fill the buffers. */
  readonly many: T
  /** As many as would show that memory grows with the topic: ten times those. */
  readonly tenfold: T
}

export interface TopicMemory {
  readonly records: number
  readonly peakMiB: number
}

export interface Measurements {
  readonly read: readonly Reading[]
  readonly memory: BySize<TopicMemory>
  readonly steady: Steady
}

const leastShare = 0.6
/** Flat: ten times the records, and at most so much of the memory. */
const mostMemory = 1.5
const mib = 1024 * 1024
const audit = 'the audit worker, from the first records that it had compared to the last, records of both sides'
const consumers = "two of Kafka's ConsumerPerformance at the same time, one on each side, by the fetch time that the slower one tells"

/** Rows and samples (pure). @throws KbgError `bench` when the steady load was not the wanted one */
export function findings({ read, memory, steady }: Measurements, warmUp: WarmUpRule): Findings {
  return {
    rows: [...read.flatMap((reading) => readingRows(reading, warmUp)), ...memoryRows(memory), ...steadyRows(steady)],
    samples: [
      ...read.flatMap((reading) => [
        armSamples(`audit, ${reading.topic}`, audit, 'records/s', reading.audit, afterWarmUp(reading.audit, warmUp)),
        armSamples(`consumers, ${reading.topic}`, consumers, 'records/s', reading.consumers, afterWarmUp(reading.consumers, warmUp)),
      ]),
      armSamples('cores', 'by window', 'cores', steady.cores, { counted: steady.cores, dropped: 0 }),
      armSamples('watermark age', 'the oldest partition, at the end of each window', 'ms', steady.agesMs, { counted: steady.agesMs, dropped: 0 }),
    ],
    notes: [
      'The same records stand at the same offsets on both sides, uncompressed, in batches of 250 (50 under the steady load).',
      "ConsumerPerformance reads uncommitted data with Kafka's own defaults, and neither hashes nor compares.",
      "Ours counts from the first records compared, which leaves out the worker's cold start; the time in which ConsumerPerformance fetched contains the virtual machine's cold code. That flatters ours, the more the smaller the topic.",
      "memory: by its own bounds a worker between clusters of three brokers holds 272 MiB of fetched data and 60 MB of records at most, less with four partitions; Node's own comes on top",
      `steady load: ${Math.round(steady.comparedPerSecond)} records/s compared of each side, ${steady.wantedPerSecond} wanted`,
    ],
  }
}

function readingRows({ recordBytes, audit: ours, consumers: theirs }: Reading, warmUp: WarmUpRule): readonly Row[] {
  const [own, other] = [afterWarmUp(ours, warmUp).counted, afterWarmUp(theirs, warmUp).counted]
  const megabytes = (rates: readonly number[]) => rates.map((rate) => (rate * recordBytes) / mib)
  return [
    rowOf({
      ...{ measure: `both sides, ${recordBytes} B`, unit: 'records/s', ours: medianOf(audit, own), baseline: medianOf(consumers, other), paired: true },
      goal: { of: 'share', to: 'baseline', atLeast: leastShare },
    }),
    rowOf({
      ...{
        measure: `both sides, ${recordBytes} B, values`,
        unit: 'MiB/s',
        ours: medianOf(audit, megabytes(own)),
        baseline: medianOf(consumers, megabytes(other)),
      },
      paired: true,
    }),
  ]
}

function memoryRows({ few, many, tenfold }: Measurements['memory']): readonly Row[] {
  const what = "the most memory that a fresh worker's process had until it had compared the topic (VmHWM)"
  const of = ({ records, peakMiB }: TopicMemory) => single(`${what}, ${records} records`, peakMiB)
  return [
    rowOf({ measure: `memory, ${few.records} records (too few to fill the buffers)`, unit: 'MiB', ours: of(few) }),
    rowOf({
      ...{ measure: `memory, ${tenfold.records} records`, unit: 'MiB', ours: of(tenfold), baseline: of(many) },
      goal: { of: 'ratio', to: 'baseline', atMost: mostMemory },
    }),
  ]
}

/** @throws KbgError `bench` when the load was not the wanted one */
export function requireWanted({ wantedPerSecond, comparedPerSecond, leastOfWanted }: Steady): void {
  const least = leastOfWanted * wantedPerSecond
  if (comparedPerSecond >= least) return
  throw new KbgError('bench', 'The steady load was not the wanted one, so nothing can be said of it.', {
    facts: { observed: `${Math.round(comparedPerSecond)} records/s compared`, required: `at least ${Math.round(least)} records/s` },
    remedy: 'Measure on a machine that is not busy with other work.',
  })
}

function steadyRows(steady: Steady): readonly Row[] {
  requireWanted(steady)
  const { wantedPerSecond, cores, agesMs } = steady
  const at = `at ${wantedPerSecond} records/s`
  return [
    rowOf({
      ...{ measure: `processor, ${at}`, unit: 'cores', ours: medianOf("processor time of the worker's process for each second", cores) },
      goal: { of: 'ours', atMost: 1 },
    }),
    rowOf({ measure: `watermark age, ${at}`, unit: 'ms', ours: medianOf("the oldest partition's watermark, looked at after each window", agesMs) }),
  ]
}
