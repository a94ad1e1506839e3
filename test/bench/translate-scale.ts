/** `npm run bench -- translate-scale`: many groups of many partitions translated by the audit's maps and written, beside the bare requests for the same groups. */
import { Catalog } from '../../engine/model/catalog.ts'
import type { Cut } from '../../engine/model/journal.ts'
import { offsetsFromJson } from '../../engine/model/offset-json.ts'
import { type PartitionOffsets, topicPartition } from '../../engine/model/partition.ts'
import { Deadline, systemClock } from '../../engine/ports/clock.ts'
import { findPositions } from '../../engine/run/find-positions.ts'
import { type GroupMove, translated, writeAll } from '../../engine/run/group-move.ts'
import type { Pair } from '../support/pair.ts'
import { fill } from './audit/fill.ts'
import {
  afterWarmUp,
  armSamples,
  type ConductedBench,
  conductBench,
  durationNoise,
  type Findings,
  interleaved,
  interleavedOrder,
  interrupted,
  medianOf,
  methodOf,
  rowOf,
  single,
  type WarmUpRule,
} from './harness/index.ts'
import { seededRandom } from './harness/statistics.ts'
import { cutAtRest } from './mirrored.ts'
import { onPair } from './on-pair.ts'
import { readSide, truePosition } from './translate-scale/true-positions.ts'

export interface TranslateScaleOptions {
  readonly groups: number
  readonly topics: number
  readonly partitionsOfTopic: number
  readonly recordsOfPartition: number
  readonly rounds: number
  /** A pair that stands, for runs that share one; it stays. */
  readonly pair?: Pair
  readonly outDir?: string
}

const fullRun: TranslateScaleOptions = { groups: 1_000, topics: 10, partitionsOfTopic: 10, recordsOfPartition: 2_000, rounds: 9 }
const warmUp: WarmUpRule = { kind: 'rounds', rounds: 2 }
const mostRatio = 2
const batchRecords = 20
const recordBytes = 100
const within = (seconds: number, what: string) => new Deadline(systemClock, seconds * 1_000, what, interrupted)

const bareWhat = 'one OffsetFetch on the source and one OffsetCommit on the target for each group, all at once, over the same connections'
const leastWhat = 'the same with the OffsetFetches of a hundred groups in one request, as ours has them'
const oursWhat =
  'the step of a switchover: offsets of every group fetched, translated by the maps of a real audit, written, read back, and every group seen to be still empty on the source'
const alreadyWhat = 'of that, until every position is found'

export async function benchTranslateScale(options: TranslateScaleOptions = fullRun): Promise<ConductedBench> {
  const { groups, topics, partitionsOfTopic, recordsOfPartition, rounds, outDir } = options
  const plan = {
    bench: 'translate-scale',
    question: 'How long does it take to move the offsets of many groups by the maps, beside the bare requests for them?',
    settings: { ...{ blue: '3.9.2', green: '4.3.1', groups, partitions: topics * partitionsOfTopic, recordsOfPartition, rounds }, mirror: 'exactly once' },
    method: methodOf(interleavedOrder, warmUp),
    noiseRule: durationNoise,
  }
  return await conductBench({ ...plan, ...(outDir === undefined ? {} : { outDir }) }, () => measure(options))
}

async function measure(options: TranslateScaleOptions): Promise<Findings> {
  const topic = { partitions: options.partitionsOfTopic, replicationFactor: 1 }
  const catalog = Catalog.parse({ topics: Object.fromEntries(topicsOf(options).map((name) => [name, topic])) })
  const spec = { fleet: 'bench-scale', versions: { blue: '3.9.2', green: '4.3.1' }, catalog, audit: true }
  return await onPair(options.pair, spec, (pair) => measureOn(pair, options))
}

function topicsOf({ topics }: TranslateScaleOptions): readonly string[] {
  return Array.from({ length: topics }, (_, index) => `scale-${index}`)
}

async function measureOn(pair: Pair, options: TranslateScaleOptions): Promise<Findings> {
  await pair.createRoute()
  const { partitionsOfTopic: partitions, recordsOfPartition } = options
  for (const topic of topicsOf(options)) {
    const filling = { topic, partitions, recordBytes, batchRecords }
    await fill([pair.wiring.clusters.blue], filling, recordsOfPartition * partitions, within(120, `${topic} to be filled`))
  }
  const cut = await cutAtRest(pair, topicsOf(options), 240)
  const committed = positionsOf(options, cut)
  await commitAll(pair.ports.clusters.blue, committed)
  console.log(`${committed.size} groups stand on ${offsetsFromJson(cut.sourceEnds).size} partitions`)
  const found: number[] = []
  const arms = ['ours', 'bare', 'least'] as const
  const seconds = await interleaved(arms, options.rounds, async (arm) => {
    const startedMs = systemClock.monotonicMs()
    if (arm === 'bare') await bareRequests(pair, committed)
    else if (arm === 'least') await leastRequests(pair, committed)
    else found.push(await translateAndWrite(pair, cut, committed))
    const tookSeconds = (systemClock.monotonicMs() - startedMs) / 1_000
    console.log(`${arm}: ${tookSeconds.toFixed(2)} s`)
    return tookSeconds
  })
  await translateAndWrite(pair, cut, committed) // what stands on the target now is ours
  return findings({ ...seconds, found }, await wrongPositions(pair, cut, committed), committed.size * options.topics * partitions)
}

/** Offsets of every group on every partition, anywhere from the beginning to the cut, markers' offsets among them. */
function positionsOf(options: TranslateScaleOptions, cut: Cut): ReadonlyMap<string, PartitionOffsets> {
  const ends = offsetsFromJson(cut.sourceEnds)
  const random = seededRandom(1)
  const partitions = topicsOf(options).flatMap((topic) => Array.from({ length: options.partitionsOfTopic }, (_, partition) => topicPartition(topic, partition)))
  return new Map(
    Array.from({ length: options.groups }, (_, index) => [
      `group-${String(index).padStart(4, '0')}`,
      new Map(partitions.map((partition) => [partition, BigInt(Math.floor(random() * (Number(ends.get(partition) ?? 0n) + 1)))])),
    ]),
  )
}

async function commitAll({ groups }: Pair['ports']['clusters']['blue'], committed: ReadonlyMap<string, PartitionOffsets>): Promise<void> {
  const deadline = within(60, 'every group to commit')
  await Promise.all([...committed].map(([groupId, offsets]) => groups.commit(groupId, offsets, deadline)))
}

async function bareRequests(pair: Pair, committed: ReadonlyMap<string, PartitionOffsets>): Promise<void> {
  const { blue, green } = pair.ports.clusters
  const deadline = within(60, 'the bare requests')
  await Promise.all(
    [...committed].map(async ([groupId]) => {
      await green.groups.commit(groupId, await blue.groups.committed(groupId, deadline), deadline)
    }),
  )
}

async function leastRequests(pair: Pair, committed: ReadonlyMap<string, PartitionOffsets>): Promise<void> {
  const { blue, green } = pair.ports.clusters
  const deadline = within(60, 'the bare requests')
  const offsets = await blue.groups.committedOfAll([...committed.keys()], deadline)
  await Promise.all([...offsets].map(([groupId, own]) => green.groups.commit(groupId, own, deadline)))
}

/** @returns seconds until every position was found @throws when a group can't be moved */
async function translateAndWrite(pair: Pair, cut: Cut, committed: ReadonlyMap<string, PartitionOffsets>): Promise<number> {
  const deadline = within(120, 'every group to be moved')
  const run = { ports: pair.ports, wiring: pair.wiring }
  const [source, target] = ['blue', 'green'] as const
  const tell = (text: string) => void console.log(text)
  const find: GroupMove['find'] = (own, redeliver, within) => findPositions(pair.ports, { source, target, cut, committed: own, redeliver }, tell, within)
  const startedMs = systemClock.monotonicMs()
  const { movable, refused } = await translated(run, { source, find }, [...committed.keys()], deadline)
  const foundSeconds = (systemClock.monotonicMs() - startedMs) / 1_000
  if (refused.length > 0) throw new Error(`${refused.length} groups can't be moved; the first: ${refused[0]?.groupId}, ${refused[0]?.reason}`)
  const failed = await writeAll(run, { source, target }, movable, deadline)
  if (failed.size > 0) throw new Error(`${failed.size} groups could not be written; the first: ${[...failed.values()][0]}`)
  return foundSeconds
}

/** How many of the offsets on the target aren't those of the next record's copy, as both logs say that were read whole. */
async function wrongPositions(pair: Pair, cut: Cut, committed: ReadonlyMap<string, PartitionOffsets>): Promise<number> {
  const { blue, green } = pair.wiring.clusters
  const deadline = within(240, 'both sides to be read')
  const [source, target] = await Promise.all([
    readSide(blue, offsetsFromJson(cut.sourceEnds), deadline),
    readSide(green, offsetsFromJson(cut.targetEnds), deadline),
  ])
  let wrong = 0
  for (const [groupId, offsets] of committed) {
    const written = await pair.ports.clusters.green.groups.committed(groupId, deadline)
    for (const [partition, offset] of offsets) if (written.get(partition) !== truePosition(source, target, partition, offset)) wrong += 1
  }
  return wrong
}

interface Times {
  readonly ours: readonly number[]
  readonly bare: readonly number[]
  readonly least: readonly number[]
  readonly found: readonly number[]
}

function findings({ ours, bare, least, found }: Times, wrong: number, positions: number): Findings {
  const counted = (values: readonly number[]) => afterWarmUp(values, warmUp).counted
  const [baseline, limit] = [medianOf(bareWhat, counted(bare)), medianOf(leastWhat, counted(least))]
  return {
    rows: [
      rowOf({
        ...{ measure: `${positions} positions moved`, unit: 's', ours: medianOf(oursWhat, counted(ours)), baseline, limit, paired: true },
        goal: { of: 'ratio', to: 'baseline', atMost: mostRatio },
      }),
      rowOf({ measure: 'of that, found', unit: 's', ours: medianOf(alreadyWhat, counted(found)), baseline, paired: true }),
      rowOf({
        ...{
          measure: 'wrong positions',
          unit: 'positions',
          ours: single("offsets on the target that aren't the next record's copy, by reading both sides whole", wrong),
        },
        goal: { of: 'ours', atMost: 0 },
      }),
    ],
    samples: [
      armSamples('ours', oursWhat, 's', ours, afterWarmUp(ours, warmUp)),
      armSamples('found', alreadyWhat, 's', found, afterWarmUp(found, warmUp)),
      armSamples('bare', bareWhat, 's', bare, afterWarmUp(bare, warmUp)),
      armSamples('least', leastWhat, 's', least, afterWarmUp(least, warmUp)),
    ],
    notes: [
      'The true positions come from both sides read whole with a plain kafkajs client, joined by place and content; what stands on the target is asked by the same port that wrote it.',
      'Ours fetches the offsets of each group three times and commits them once: it looks for foreign offsets on the target before it writes, and reads back what it wrote.',
    ],
  }
}
