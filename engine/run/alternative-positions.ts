import type { Colour } from '../model/colour.ts'
import { messageOf } from '../model/error.ts'
import type { Cut, GroupPosition, JournalEntry } from '../model/journal.ts'
import { offsetsFromJson, offsetsToJson } from '../model/offset-json.ts'
import { type PartitionOffsets, type TopicPartition, topicPartition } from '../model/partition.ts'
import type { GroupsSnapshot } from '../model/snapshot.ts'
import { bySnapshot, type NotedPlace } from '../offsets/by-snapshot.ts'
import { byTimestamp, type RecordWindow, type TimestampReading } from '../offsets/by-timestamp.ts'
import { positionsOf, type Strategy } from '../offsets/strategy.ts'
import type { Deadline } from '../ports/clock.ts'
import type { Logs } from '../ports/cluster.ts'
import type { Ports } from './ports.ts'
import { translateGroups } from './translate-groups.ts'

/** Records read around a position: three neighbours are compared, and those of the same timestamp have to be seen whole. */
const before = 50
const behind = 500n
/** What counting back reads of one partition at most. */
const mostCountedBack = 200_000n

/** What another way of finding positions would have done, against the audit's. */
export interface Alternative {
  readonly method: 'timestamp' | 'checkpoint' | 'snapshot' | 'count-back'
  /** Processed records that the group would have read again, and unprocessed ones that it would have skipped; null: not looked at. */
  readonly worth: { readonly redelivered: number; readonly skipped: number; readonly partitions: number } | null
  /** Why it wasn't looked at, or of how many partitions nothing can be said. */
  readonly note: string
}
export type AlternativesOfGroup = readonly Alternative[]

interface Subject {
  readonly source: Colour
  readonly target: Colour
  readonly groups: GroupsSnapshot
  readonly costly: boolean
}

type Method = Alternative['method']
/** What each method would have written, or why nobody looked. */
type Proposals = Readonly<Record<Method, readonly GroupPosition[] | string>>

/**
 * What the alternatives would have done with each group whose positions the audit has proven: the same positions found their way, and the difference counted in
 * records by the offset map. Notes of former cuts cost nothing; timestamps and counting back read records, and only with `costly`.
 */
export async function alternativesOf(ports: Ports, subject: Subject, deadline: Deadline): Promise<ReadonlyMap<string, AlternativesOfGroup>> {
  const { groups } = subject
  const exact = groups.positions?.seen ? groups.positions.value.filter(({ verdict, sourceOffset }) => verdict === 'exact' && !sourceOffset.startsWith('-')) : []
  if (exact.length === 0 || ports.audit === null) return new Map()
  const byGroup = Map.groupBy(exact, ({ groupId }) => groupId)
  const committed = new Map(
    [...byGroup].map(([groupId, own]) => [groupId, new Map(own.map((each) => [partitionOf(each), BigInt(each.sourceOffset)]))] as const),
  )
  const proposals = await proposed(ports, subject, committed, exact, deadline)
  const lags = await lagsOf(ports, subject.target, exact, proposals, deadline)
  const methods = Object.keys(proposals) as Method[]
  return new Map([...byGroup].map(([groupId, own]) => [groupId, methods.map((method) => worthOf(method, proposals[method], groupId, own, lags))]))
}

async function proposed(
  ports: Ports,
  subject: Subject,
  committed: ReadonlyMap<string, PartitionOffsets>,
  exact: readonly GroupPosition[],
  deadline: Deadline,
): Promise<Proposals> {
  const cut = cutAt(subject)
  const ends = { sourceStarts: new Map<string, bigint>(), sourceEnds: offsetsFromJson(cut.sourceEnds), targetEnds: offsetsFromJson(cut.targetEnds) }
  const asked = [...committed].map(([groupId, offsets]) => ({ groupId, committed: offsets }))
  const by = (strategy: Strategy) => positionsOf(strategy, asked, ends)
  const unasked = 'not looked at: it has to read records (--alternatives)'
  return {
    timestamp: subject.costly ? await orWhy(async () => by(byTimestamp(ends, await windows(ports, subject, exact, deadline)))) : unasked,
    checkpoint: "not looked at: this fleet's mirror writes no offset syncs",
    snapshot: await orWhy(async () => by(bySnapshot(notedPlaces(await ports.store.history(deadline), subject.source)))),
    'count-back': subject.costly ? await orWhy(() => countedBack(ports, subject, cut, committed, deadline)) : unasked,
  }
}

async function orWhy(look: () => Promise<readonly GroupPosition[]>): Promise<readonly GroupPosition[] | string> {
  try {
    return await look()
  } catch (thrown) {
    return `not looked at: ${messageOf(thrown)}`
  }
}

/** The pair up to which the audit had compared: as good as a cut for positions before it. */
function cutAt({ source, target, groups }: Subject): Cut {
  const of = (side: Colour) => offsetsToJson(new Map([...groups.compared].map(([partition, pair]) => [partition, pair[side]])))
  return { source, target, sourceEnds: of(source), targetEnds: of(target) }
}

/** The ends at former cuts, as places of both sides. */
function notedPlaces(journal: readonly JournalEntry[], source: Colour): ReadonlyMap<TopicPartition, readonly NotedPlace[]> {
  const places = journal.flatMap((entry) => {
    if (entry.kind !== 'decided' || entry.cut === null) return []
    const { sourceEnds, targetEnds } = entry.cut
    const [own, other] = entry.cut.source === source ? [sourceEnds, targetEnds] : [targetEnds, sourceEnds]
    return [...offsetsFromJson(own)].flatMap(([partition, sourceOffset]) => {
      const targetOffset = other[partition]
      return targetOffset === undefined ? [] : [{ partition, place: { sourceOffset, targetOffset: BigInt(targetOffset) } }]
    })
  })
  return new Map([...Map.groupBy(places, ({ partition }) => partition)].map(([partition, own]) => [partition, own.map(({ place }) => place)]))
}

async function countedBack(
  ports: Ports,
  { source, target }: Subject,
  cut: Cut,
  committed: ReadonlyMap<string, PartitionOffsets>,
  deadline: Deadline,
): Promise<readonly GroupPosition[]> {
  const ends = offsetsFromJson(cut.sourceEnds)
  const isNear = ([partition, offset]: readonly [string, bigint]) =>
    (ends.get(partition) ?? offset) - offset <= mostCountedBack && offset <= (ends.get(partition) ?? 0n)
  const near = new Map([...committed].map(([groupId, offsets]) => [groupId, new Map([...offsets].filter(isNear))]))
  return await translateGroups({ source: ports.clusters[source], target: ports.clusters[target], cut, committed: near }, deadline)
}

/** What lies around each position on both sides: on the source where it is committed, on the target where the audit says that it goes on. */
async function windows(
  ports: Ports,
  { source, target, groups }: Subject,
  exact: readonly GroupPosition[],
  deadline: Deadline,
): Promise<ReadonlyMap<TopicPartition, ReadonlyMap<bigint, TimestampReading>>> {
  const found = new Map<TopicPartition, Map<bigint, TimestampReading>>()
  for (const position of exact) {
    const [partition, committed, translated] = [partitionOf(position), BigInt(position.sourceOffset), BigInt(position.targetOffset ?? 0)]
    const [own, ends] = [found.get(partition) ?? new Map<bigint, TimestampReading>(), groups.compared.get(partition)]
    if (own.has(committed) || ends === undefined) continue
    const [here, there] = await Promise.all([
      windowAround(ports.clusters[source].logs, partition, committed, ends[source], deadline),
      windowAround(ports.clusters[target].logs, partition, translated, ends[target], deadline),
    ])
    found.set(partition, own.set(committed, { source: here, target: there }))
  }
  return found
}

async function windowAround(logs: Logs, partition: TopicPartition, at: bigint, end: bigint, deadline: Deadline): Promise<RecordWindow> {
  const to = at + behind < end ? at + behind : end
  const [earlier, later] = await Promise.all([
    logs.lastVisible(partition, at, before, deadline),
    at < to ? logs.visible(partition, at, to, deadline) : Promise.resolve([]),
  ])
  return { records: [...earlier, ...later], fromStart: earlier.length < before, toEnd: to === end }
}

/** For each proposed target offset how many records lie behind it, by the map; the proven ones are asked for with them, so that both are of one moment. */
async function lagsOf(
  ports: Ports,
  target: Colour,
  exact: readonly GroupPosition[],
  proposals: Proposals,
  deadline: Deadline,
): Promise<ReadonlyMap<TopicPartition, ReadonlyMap<string, number>>> {
  const all = [...exact, ...Object.values(proposals).flatMap((found) => (typeof found === 'string' ? [] : found))]
  const offsets = Map.groupBy(
    all.filter(({ targetOffset }) => targetOffset !== null),
    partitionOf,
  )
  // One asker for each distinct offset of a partition: the n-th of every partition are one group's.
  const askers = new Map<string, Map<TopicPartition, bigint>>()
  for (const [partition, own] of offsets) {
    for (const [index, offset] of [...new Set(own.map(({ targetOffset }) => targetOffset))].entries()) {
      const name = `offset ${index}`
      askers.set(name, (askers.get(name) ?? new Map<TopicPartition, bigint>()).set(partition, BigInt(offset ?? 0)))
    }
  }
  const answers = (await ports.audit?.translate(target, askers, null, deadline).catch(() => [])) ?? []
  const told = answers.filter(({ lagRecords, verdict, sourceOffset }) => lagRecords !== null && verdict === 'exact' && !sourceOffset.startsWith('-'))
  return new Map(
    [...Map.groupBy(told, partitionOf)].map(([partition, own]) => [
      partition,
      new Map(own.map(({ sourceOffset, lagRecords }) => [sourceOffset, lagRecords ?? 0])),
    ]),
  )
}

function worthOf(
  method: Method,
  proposal: readonly GroupPosition[] | string,
  groupId: string,
  exact: readonly GroupPosition[],
  lags: ReadonlyMap<TopicPartition, ReadonlyMap<string, number>>,
): Alternative {
  if (typeof proposal === 'string') return { method, worth: null, note: proposal }
  const own = new Map(proposal.filter((position) => position.groupId === groupId).map((position) => [partitionOf(position), position]))
  let [redelivered, skipped, partitions] = [0, 0, 0]
  for (const position of exact) {
    const known = lags.get(partitionOf(position))
    const [right, other] = [known?.get(position.targetOffset ?? ''), known?.get(own.get(partitionOf(position))?.targetOffset ?? '')]
    if (right === undefined || other === undefined) continue
    partitions++
    redelivered += Math.max(0, other - right)
    skipped += Math.max(0, right - other)
  }
  const open = exact.length - partitions
  const note = open === 0 ? '' : `${open} partitions without a position of this kind`
  return partitions === 0 ? { method, worth: null, note: `no position: ${note}` } : { method, worth: { redelivered, skipped, partitions }, note }
}

function partitionOf({ topic, partition }: GroupPosition): TopicPartition {
  return topicPartition(topic, partition)
}
