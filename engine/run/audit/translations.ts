import type { PartitionFacts } from '../../audit/facts.ts'
import type { OffsetPair } from '../../audit/record.ts'
import { packPositions, type TranslateAnswer, type TranslateRequest } from '../../model/audit-wire.ts'
import { type Colour, colours, otherColour } from '../../model/colour.ts'
import type { GroupPosition } from '../../model/journal.ts'
import { nothingCompared, startsUnknown, unconfirmed } from '../../model/momentary-reason.ts'
import { offsetsFromJson } from '../../model/offset-json.ts'
import { type PartitionOffsets, parseTopicPartition, type TopicPartition, topicPartition } from '../../model/partition.ts'
import { nearestProven } from '../../offsets/nearest-proven.ts'
import type { OffsetMap } from '../../offsets/offset-map.ts'
import { exact } from '../../offsets/strategy.ts'
import { type MapEnds, translateAllByMap } from '../../offsets/translate-by-map.ts'
import type { LogFacts } from '../../ports/audit-reader.ts'
import type { PartitionAudit } from './partition-audit.ts'
import type { BothLogs } from './told-partition.ts'

/** One partition that a worker holds, as a translation needs it. */
export interface TranslatedPartition {
  /** @throws KbgError `offset-map-incomplete` */
  map(): OffsetMap
  /** What both leaders have confirmed of what was compared. */
  readonly watermark: OffsetPair
  /** Where both logs begin now. */
  readonly logStarts: OffsetPair
  readonly lastStableOffsets: OffsetPair
  /** Retention has emptied the source, as its leader has confirmed, and nothing was compared. */
  readonly isEmptied: boolean
  /** Why nothing that the map says of it may be believed; null when it may. */
  readonly unprovenBecause: string | null
}

/**
 * Positions of all groups on the partitions that a worker holds (pure but for the maps' blocks). Without ends, up to what the audit has come to now.
 *
 * @param known every partition that the audit knows of, held here or not
 */
export function translateRequest(
  { from, groups, ends, redeliver = [] }: TranslateRequest,
  held: ReadonlyMap<TopicPartition, TranslatedPartition>,
  known: readonly TopicPartition[],
): TranslateAnswer {
  const asked = ends === null ? null : { blue: offsetsFromJson(ends.blue), green: offsetsFromJson(ends.green) }
  const mapEnds = endsOf(from, held, asked)
  const maps = new Map([...held].filter(([, { unprovenBecause }]) => unprovenBecause === null).map(([partition, each]) => [partition, each.map()]))
  const named = new Set(redeliver)
  const offsets = Object.entries(groups).map(([groupId, committed]) => ({ groupId, committed: offsetsOf(committed) }))
  const positions = translateAllByMap(offsets, maps, from, mapEnds).flatMap((position): readonly GroupPosition[] => {
    const partition = held.get(topicPartition(position.topic, position.partition))
    if (partition === undefined) return [] // another worker's; a group without any commit is the asker's
    const emptied = partition.isEmptied ? atEmptiedEnd(position, from, partition.lastStableOffsets, asked) : null
    if (emptied !== null) return [emptied]
    const unprovenBecause = partition.unprovenBecause ?? (asked === null ? unseenBeginning(position, partition.lastStableOffsets[from]) : null)
    if (unprovenBecause !== null) return [notProven(position, unprovenBecause)]
    const map = maps.get(topicPartition(position.topic, position.partition))
    const isBefore = map !== undefined && position.verdict === 'not provable' && named.has(position.groupId)
    const found = isBefore ? before(position, map, from, mapEnds) : position
    return [isBeyond(found, from, partition.watermark) ? notProven(found, unconfirmed) : found]
  })
  return { positions: packPositions(positions), held: [...held.keys()], known: [...known] }
}

/** The topics that are asked for: a group's other partitions of them are translated too. */
export function topicsOf({ groups }: TranslateRequest): ReadonlySet<string> {
  const partitions = new Set(Object.values(groups).flatMap((committed) => Object.keys(committed)))
  return new Set([...partitions].map((partition) => parseTopicPartition(partition).topic))
}

function notProven(position: GroupPosition, reason: string): GroupPosition {
  return { ...position, targetOffset: null, verdict: 'not provable', reason }
}

/** Whether a position rests on what was compared after the leaders had been asked. */
function isBeyond({ verdict, sourceOffset, targetOffset }: GroupPosition, from: Colour, confirmed: OffsetPair): boolean {
  if (verdict === 'not provable' || targetOffset === null) return false
  return BigInt(sourceOffset) > confirmed[from] || BigInt(targetOffset) > confirmed[otherColour(from)]
}

/** Of a group that has read all that the source ever held nothing can be missing on the target, and whatever that holds is older; null: it hasn't, or that isn't the cut's end. */
function atEmptiedEnd(
  position: GroupPosition,
  from: Colour,
  lastStable: OffsetPair,
  asked: Readonly<Record<Colour, PartitionOffsets>> | null,
): GroupPosition | null {
  const partition = topicPartition(position.topic, position.partition)
  const end = (colour: Colour) => (asked === null ? lastStable[colour] : asked[colour].get(partition))
  const [sourceEnd, targetEnd] = [end(from), end(otherColour(from))]
  if (sourceEnd !== lastStable[from] || targetEnd === undefined || BigInt(position.sourceOffset) !== sourceEnd) return null
  return { ...position, ...exact(targetEnd, 0, 'nothing of it is left on the source') }
}

/** Without ends the watermark stands for the source's end, and at 0 that says nothing of whether there ever was a record. */
function unseenBeginning({ sourceOffset, verdict }: GroupPosition, lastStableOffset: bigint): string | null {
  if (BigInt(sourceOffset) >= 0n || verdict !== 'exact' || lastStableOffset === 0n) return null
  return `the group has committed other partitions of this topic but not this one, whose log has come to ${lastStableOffset}`
}

/** Whether a position on a partition may be proven, once both leaders have confirmed what is known of it. */
export function canConfirm(audit: PartitionAudit, logs: BothLogs | null, from: Colour): boolean {
  return doubtOf(audit.facts(), logs) === null || isEmptied(audit, logs, from)
}

/** @param confirmed the watermark that both leaders have confirmed; null: they haven't */
export function translatedPartition(audit: PartitionAudit, logs: BothLogs | null, confirmed: OffsetPair | null, from: Colour): TranslatedPartition {
  const of = (pick: (log: LogFacts) => bigint): OffsetPair => (logs === null ? noOffsets : { blue: pick(logs.blue), green: pick(logs.green) })
  return {
    map: () => audit.map(),
    watermark: confirmed ?? noOffsets,
    logStarts: of(({ logStartOffset }) => logStartOffset),
    lastStableOffsets: of(({ lastStableOffset }) => lastStableOffset),
    isEmptied: confirmed !== null && isEmptied(audit, logs, from),
    unprovenBecause: confirmed === null && canConfirm(audit, logs, from) ? unconfirmed : doubtOf(audit.facts(), logs),
  }
}

const noOffsets: OffsetPair = { blue: 0n, green: 0n }

function isEmptied(audit: PartitionAudit, logs: BothLogs | null, colour: Colour): boolean {
  return logs !== null && audit.emptiedSide(logs) === colour
}

/** Why nothing that the map says of a partition may be believed; null when it may. */
function doubtOf({ doubt, state, differences, watermark }: PartitionFacts, logs: BothLogs | null): string | null {
  if (doubt !== null) return doubt
  // Differences are in the map, with the positions that they touch; any other doubt is not.
  if (state.kind !== 'equal' && differences.total === 0) return state.reason
  if (logs === null) return startsUnknown
  const isBegun = watermark.blue > 0n || watermark.green > 0n
  const isEmpty = colours.every((colour) => logs[colour].lastStableOffset <= logs[colour].logStartOffset)
  return isBegun || isEmpty ? null : nothingCompared
}

/** The nearest proven place before a position that isn't provable; without a commit, before the beginning of what the source holds. */
function before(position: GroupPosition, map: OffsetMap, from: Colour, ends: MapEnds): GroupPosition {
  const partition = topicPartition(position.topic, position.partition)
  const of = (offsets: PartitionOffsets) => offsets.get(partition) ?? 0n
  const [sourceStart, committed] = [of(ends.sourceStarts), BigInt(position.sourceOffset)]
  const own = { sourceStart, sourceEnd: of(ends.sourceEnds), targetStart: of(ends.targetStarts), targetEnd: of(ends.targetEnds) }
  const place = nearestProven(map, from, committed < 0n ? sourceStart : committed, own)
  if ('reason' in place) return { ...position, targetOffset: null, reason: place.reason }
  const reason = `from source offset ${place.sourceOffset} on, at most ${place.mostRedelivered} records again: ${position.reason}`
  return { ...position, targetOffset: place.targetOffset.toString(), lagRecords: place.lagRecords, verdict: 'redeliver', reason }
}

function endsOf(from: Colour, held: ReadonlyMap<TopicPartition, TranslatedPartition>, asked: Readonly<Record<Colour, PartitionOffsets>> | null): MapEnds {
  const to = otherColour(from)
  const own = [...held]
  const ends = (colour: Colour): PartitionOffsets => {
    if (asked === null) return new Map(own.map(([partition, { watermark }]) => [partition, watermark[colour]]))
    return new Map([...asked[colour]].filter(([partition]) => held.has(partition)))
  }
  const starts = (colour: Colour): PartitionOffsets => new Map(own.map(([partition, { logStarts }]) => [partition, logStarts[colour]]))
  return { sourceStarts: starts(from), sourceEnds: ends(from), targetStarts: starts(to), targetEnds: ends(to) }
}

function offsetsOf(committed: Readonly<Record<string, string>>): PartitionOffsets {
  return new Map(Object.entries(committed).map(([partition, offset]) => [partition, BigInt(offset)]))
}
