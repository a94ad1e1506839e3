/** `npm run bench -- translate`: the records that consumer groups get again or never, by each way of finding their positions on the other side. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { KafkaMessage } from 'kafkajs'
import { observeWorker, startDeadWorker } from '../../engine/adapters/local/connect-worker.ts'
import type { Colour } from '../../engine/model/colour.ts'
import type { Cut, GroupPosition } from '../../engine/model/journal.ts'
import { offsetsFromJson } from '../../engine/model/offset-json.ts'
import { type PartitionOffsets, parseTopicPartition, type TopicPartition, topicPartition } from '../../engine/model/partition.ts'
import type { NotedPlace } from '../../engine/offsets/by-snapshot.ts'
import { Deadline, systemClock } from '../../engine/ports/clock.ts'
import { toolPaths } from '../../tools/paths.ts'
import type { Pair } from '../support/pair.ts'
import { restWorker } from '../support/rest-worker.ts'
import { WorkloadProcess } from '../support/workload/process.ts'
import { untilFree } from './address-free.ts'
import { type Filling, fill } from './audit/fill.ts'
import { type ConductedBench, cleaningUp, conductBench, type Findings, interrupted, methodOf, type NoiseRule } from './harness/index.ts'
import { cutAtRest } from './mirrored.ts'
import { onPair, quickGate } from './on-pair.ts'
import { ordersOnly } from './orders-only.ts'
import { movePastGate } from './past-gate.ts'
import { endCheckpoints, readCheckpoints, startCheckpoints, type ToldCheckpoints, untilBothRun } from './translate/checkpoints.ts'
import { findings, type GroupOutcome } from './translate/findings.ts'
import { GroundTruth, type SeenRecord } from './translate/ground-truth.ts'
import { readTopic } from './translate/read-topic.ts'
import { type BothSides, correlated, countedBack, type Moved, movedIn, partitionOf, restored, standing } from './translate/strategies.ts'

export interface TranslateOptions {
  /** So many records behind the end on every partition, when they were parked. */
  readonly parkedBehind: readonly number[]
  /** Records of each partition before the load begins: more than the farthest group is behind. */
  readonly filledOfPartition: number
  readonly recordsPerSecond: number
  /** How long the load runs before the groups are parked, between that and the restart of MirrorMaker's worker, and behind the restart. */
  readonly loadSeconds: readonly [number, number, number]
  /** A pair that stands, for runs that share one; it stays. */
  readonly pair?: Pair
  readonly outDir?: string
}

const fullRun: TranslateOptions = {
  parkedBehind: [0, 500, 2_000, 8_000, 100_000],
  filledOfPartition: 110_000,
  recordsPerSecond: 500,
  loadSeconds: [20, 20, 20],
}
const topic = 'orders'
const partitions = 4
const filling: Filling = { topic, partitions, recordBytes: 100, batchRecords: 100 }
const liveGroup = 'billing'
const windowRecords = 500
/** What is counted doesn't depend on how busy the machine is. */
const countsOnly: NoiseRule = { stallP99Ms: null, foreignShare: 1, stealShare: 1 }
const within = (seconds: number, what: string) => new Deadline(systemClock, seconds * 1_000, what, interrupted)
const quiet = (): void => undefined

export async function benchTranslate(options: TranslateOptions = fullRun): Promise<ConductedBench> {
  const { parkedBehind, filledOfPartition, recordsPerSecond, outDir } = options
  const plan = {
    bench: 'translate',
    question: 'How many records do groups get again, or never, when they move to the other side, by each way of finding their positions?',
    settings: {
      ...{ blue: '3.9.2', green: '4.3.1', mirror: 'exactly once', partitions, parkedBehind: parkedBehind.join(', '), filledOfPartition, recordsPerSecond },
      ...{ checkpointSeconds: 1, offsetLagMax: 100 },
    },
    method: methodOf(
      "one run: load, groups parked, MirrorMaker's worker killed and started again, its checkpoints read, then one switchover under the load; the other strategies over its cut",
      { kind: 'rounds', rounds: 0 },
    ),
    noiseRule: countsOnly,
  }
  return await conductBench({ ...plan, ...(outDir === undefined ? {} : { outDir }) }, () => measure(options))
}

async function measure(options: TranslateOptions): Promise<Findings> {
  const dir = mkdtempSync(join(tmpdir(), 'kbg-bench-translate-'))
  return await cleaningUp(
    async () => {
      const spec = { fleet: 'bench-translate', versions: { blue: '3.9.2', green: '4.3.1' }, catalog: ordersOnly(filling), audit: true }
      return await onPair(options.pair, spec, (pair) => measureOn(pair, dir, options))
    },
    () => rmSync(dir, { recursive: true, force: true }),
  )
}

const parkedGroup = (behind: number): string => `parked-${behind}`
const groupIdsOf = ({ parkedBehind }: TranslateOptions): readonly string[] => [...parkedBehind.map(parkedGroup), liveGroup]

async function measureOn(pair: Pair, dir: string, options: TranslateOptions): Promise<Findings> {
  await pair.createRoute()
  await commitBeginnings(pair, groupIdsOf(options))
  await startCheckpoints(pair, groupIdsOf(options)) // before the first record, as whoever relies on them has it
  await fill([pair.wiring.clusters.blue], filling, options.filledOfPartition * partitions, within(200, 'the topic to be filled'))
  const filled = await cutAtRest(pair, [topic], 300)
  const { blue } = pair.ports.clusters
  await blue.groups.commit(liveGroup, offsetsFromJson(filled.sourceEnds), within(20, 'the live group to begin at the end'))
  const load = await startLoad(pair, dir, options.recordsPerSecond)
  return await cleaningUp(
    async () => {
      const told = await underLoad(pair, load, options)
      await load.stopProducers()
      await load.end()
      return await judged(pair, options, filled, told)
    },
    () => load.kill(),
  )
}

/** Producers, one of them transactional with every fifth transaction aborted, and the live group; all routed. */
function startLoad(pair: Pair, dir: string, recordsPerSecond: number): Promise<WorkloadProcess> {
  const { endpoints, credentialsFile } = pair.wiring.routeStore
  const producer = { user: 'orders-app', topics: [topic], ratePerSecond: recordsPerSecond / 2, preloadRecords: 0 }
  const config = {
    ...{ version: 1 as const, historyDir: join(dir, 'history'), credentialsFile: pair.wiring.clusters.blue.credentialsFile },
    client: { kind: 'routed' as const, fleet: pair.wiring.fleet, routeStore: { endpoints, username: 'client' as const, credentialsFile } },
    ...{ recordBytes: filling.recordBytes, tickMs: 50, topics: [{ name: topic, partitions, keys: 300 }] },
    producers: [
      { ...producer, id: 'orders-web', transactions: null },
      { ...producer, id: 'orders-tx', transactions: { transactionalId: 'orders-app-bench', abortEvery: 5, everyMs: 100 } },
    ],
    groups: [{ groupId: liveGroup, user: 'billing-app', topics: [topic], members: 1, pauseAfterRecords: null }],
  }
  return WorkloadProcess.start(config, { node: toolPaths().node, clock: systemClock, dir })
}

/** Everything until the switchover is over. @returns what MirrorMaker made of the groups before it */
async function underLoad(pair: Pair, load: WorkloadProcess, options: TranslateOptions): Promise<ToldCheckpoints> {
  const [beforeParking, beforeRestart, behindRestart] = options.loadSeconds
  const groupIds = groupIdsOf(options)
  load.startLoad()
  await systemClock.sleep(beforeParking * 1_000, interrupted)
  await park(pair, options.parkedBehind)
  console.log(`parked: ${groupIds.join(', ')}`)
  await systemClock.sleep(beforeRestart * 1_000, interrupted)
  await restartMirrorMaker(pair)
  await systemClock.sleep(behindRestart * 1_000, interrupted)
  const told = await readCheckpoints(pair)
  await endCheckpoints(pair, groupIds)
  console.log(`MirrorMaker has checkpoints of ${told.size} groups`)
  await movePastGate(pair, 'green', { limits: quickGate })
  return told
}

/** MirrorMaker makes a task for groups only once they have committed something. */
async function commitBeginnings({ ports }: Pair, groupIds: readonly string[]): Promise<void> {
  const beginnings = new Map(Array.from({ length: partitions }, (_, partition) => [topicPartition(topic, partition), 0n]))
  const deadline = within(30, 'every group to commit')
  for (const groupId of groupIds) await ports.clusters.blue.groups.commit(groupId, beginnings, deadline)
}

/** Commits for groups without members, counted in visible records from the end as it is now. */
async function park(pair: Pair, behind: readonly number[]): Promise<void> {
  const { logs, groups } = pair.ports.clusters.blue
  const deadline = within(60, 'groups to be parked')
  const ends = new Map((await logs.ends([topic], deadline)).map((end) => [end.partition, end.lastStableOffset]))
  const last = await logs.lastVisibleOfAll(ends, Math.max(...behind), deadline)
  const offsetOf = (partition: TopicPartition, records: number) => (records === 0 ? undefined : last.get(partition)?.at(-records)?.offset)
  for (const records of behind) {
    const offsets = new Map([...ends].map(([partition, end]) => [partition, offsetOf(partition, records) ?? end]))
    await groups.commit(parkedGroup(records), offsets, deadline)
  }
}

async function restartMirrorMaker(pair: Pair): Promise<void> {
  const at = { projectRoot: pair.root, fleet: pair.wiring.fleet, colour: 'green' } as const
  process.kill(observeWorker(at).pid ?? 0, 'SIGKILL')
  await within(20, 'the worker to be gone').poll(50, async () => (observeWorker(at).pid === null ? true : undefined))
  await untilFree(restWorker(pair.wiring, 'green').restUrl, within(20, "the worker's address to be free"))
  await startDeadWorker(at, quiet, within(90, 'the worker to stand again'))
  await untilBothRun(pair)
}

async function judged(pair: Pair, options: TranslateOptions, filled: Cut, told: ToldCheckpoints): Promise<Findings> {
  const moved = movedIn(await pair.ports.store.history(within(20, 'the journal')))
  const truth = await groundTruth(pair, moved.cut)
  const sides = await bothSides(pair, moved.cut)
  const order = groupIdsOf(options)
  const by = (positions: readonly GroupPosition[]) => order.map((groupId) => outcomeOf(truth, groupId, positions))
  const outcomes = {
    'offset map': await Promise.all(order.map(async (groupId) => mapOutcome(pair, truth, moved, groupId))),
    'counting back': by(await countedBack(pair, moved, within(120, 'positions to be counted back'))),
    timestamps: by(correlated(sides, windowRecords, moved)),
    snapshot: by(restored(noted(filled), moved)),
    "MirrorMaker's checkpoints": order.map((groupId) => checkpointOutcome(truth, groupId, told)),
  }
  return findings(outcomes, [
    ...distances(moved, truth),
    `the switchover's own positions: ${[...new Set(moved.positions.map(({ method, verdict }) => `${method} ${verdict}`))].join(', ')}`,
    `offset map: parked groups are judged by what stands on green, which is what the journal says was written; ${liveGroup}, which reads on, by the journal`,
    `both logs read whole below the cut: ${truth.records} records`,
    'snapshot: the ends of both sides were noted when they stood still before the load, and their beginnings',
    `timestamps: windows of ${windowRecords} records to either side`,
    "MirrorMaker's checkpoints are its own (4.3.1), each second; judged by the committed offset that a checkpoint is of, and so without what the live group has committed since",
    'a position that a strategy calls not provable counts as it would have been written',
  ])
}

/** The places where nothing was missing on either side. */
function noted(filled: Cut): ReadonlyMap<TopicPartition, readonly NotedPlace[]> {
  const targetEnds = offsetsFromJson(filled.targetEnds)
  return new Map(
    [...offsetsFromJson(filled.sourceEnds)].map(([partition, sourceOffset]) => [
      partition,
      [{ sourceOffset: 0n, targetOffset: 0n }, { sourceOffset, targetOffset: targetEnds.get(partition) ?? 0n }], // biome-ignore format: one line
    ]),
  )
}

function outcomeOf(truth: GroundTruth, groupId: string, positions: readonly GroupPosition[]): GroupOutcome {
  const own = positions.filter((position) => position.groupId === groupId)
  const judgements = own.map((position) =>
    position.targetOffset === null ? null : truth.judge(partitionOf(position), BigInt(position.sourceOffset), BigInt(position.targetOffset)),
  )
  return { groupId, consequence: own.length === partitions ? summed(judgements) : null }
}

/** A parked group, which has no members, is judged by what stands on green; the live one has committed since, so by what the journal says was written. */
async function mapOutcome(pair: Pair, truth: GroundTruth, moved: Moved, groupId: string): Promise<GroupOutcome> {
  if (!moved.moved.has(groupId)) return { groupId, consequence: null }
  if (groupId === liveGroup) return outcomeOf(truth, groupId, moved.positions)
  const onTarget = await pair.ports.clusters.green.groups.committed(groupId, within(20, `what ${groupId} has committed on green`))
  return outcomeOf(truth, groupId, standing(moved, groupId, onTarget))
}

function checkpointOutcome(truth: GroundTruth, groupId: string, told: ToldCheckpoints): GroupOutcome {
  const own = told.get(groupId)
  const names = Array.from({ length: partitions }, (_, partition) => topicPartition(topic, partition))
  const judgements = names.map((partition) => {
    const checkpoint = own?.get(partition)
    return checkpoint === undefined ? null : truth.judge(partition, checkpoint.upstreamOffset, checkpoint.downstreamOffset)
  })
  return { groupId, consequence: summed(judgements) }
}

function summed(judgements: readonly (ReturnType<GroundTruth['judge']> | null)[]): GroupOutcome['consequence'] {
  return judgements.reduce<GroupOutcome['consequence']>(
    (sum, each) => (sum === null || each === null ? null : { redelivered: sum.redelivered + each.redelivered, skipped: sum.skipped + each.skipped }),
    { redelivered: 0, skipped: 0 },
  )
}

/** How far behind the cut each group was in the end, as its content says. */
function distances({ committed }: Moved, truth: GroundTruth): readonly string[] {
  const behind = [...committed].map(([groupId, offsets]) => {
    const unread = [...offsets].reduce((sum, [partition, offset]) => sum + truth.unread(partition, offset), 0)
    return `${groupId} ${unread}`
  })
  return [`records that each group still had to read at the cut, on ${partitions} partitions together: ${behind.join(', ')}`]
}

async function groundTruth(pair: Pair, cut: Cut): Promise<GroundTruth> {
  const [source, target] = [await seen(pair, 'blue'), await seen(pair, 'green')]
  return new GroundTruth(source, target, ofTopic(cut.sourceEnds))
}

async function seen(pair: Pair, colour: Colour): Promise<ReadonlyMap<TopicPartition, readonly SeenRecord[]>> {
  const records = new Map<TopicPartition, SeenRecord[]>()
  const take = (partition: TopicPartition, { offset, timestamp, key, value }: KafkaMessage): void => {
    const own = records.get(partition) ?? []
    if (own.length === 0) records.set(partition, own)
    own.push({ offset: BigInt(offset), content: `${timestamp} ${key?.toString('latin1') ?? ''} ${value?.toString('latin1', 0, 60) ?? ''}` })
  }
  await readTopic(pair.wiring.clusters[colour], topic, take, within(180, `${colour} to be read whole`))
  return records
}

function ofTopic(ends: Cut['sourceEnds']): PartitionOffsets {
  return new Map([...offsetsFromJson(ends)].filter(([partition]) => parseTopicPartition(partition).topic === topic))
}

/** What the strategies that read may read. */
async function bothSides(pair: Pair, { sourceEnds, targetEnds }: Cut): Promise<ReadonlyMap<TopicPartition, BothSides>> {
  const deadline = within(180, 'both sides to be read')
  const { blue, green } = pair.ports.clusters
  const to: PartitionOffsets = offsetsFromJson(targetEnds)
  const sides = new Map<TopicPartition, BothSides>()
  for (const [partition, end] of ofTopic(sourceEnds)) {
    const source = await blue.logs.visible(partition, 0n, end, deadline)
    sides.set(partition, { source, target: await green.logs.visible(partition, 0n, to.get(partition) ?? 0n, deadline) })
  }
  return sides
}
