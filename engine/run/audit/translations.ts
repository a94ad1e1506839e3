import type { OffsetPair } from '../../audit/record.ts'
import { packPositions, type TranslateAnswer, type TranslateRequest } from '../../model/audit-wire.ts'
import { type Colour, otherColour } from '../../model/colour.ts'
import type { GroupPosition } from '../../model/journal.ts'
import { offsetsFromJson } from '../../model/offset-json.ts'
import { type PartitionOffsets, type TopicPartition, topicPartition } from '../../model/partition.ts'
import { nearestProven } from '../../offsets/nearest-proven.ts'
import type { OffsetMap } from '../../offsets/offset-map.ts'
import { type MapEnds, translateAllByMap } from '../../offsets/translate-by-map.ts'

/** One partition that a worker holds, as a translation needs it. */
export interface TranslatedPartition {
  /** @throws KbgError `offset-map-incomplete` */
  map(): OffsetMap
  readonly watermark: OffsetPair
  /** Where both logs begin now. */
  readonly logStarts: OffsetPair
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
    const { unprovenBecause } = partition
    if (unprovenBecause !== null) return [{ ...position, targetOffset: null, verdict: 'not provable', reason: unprovenBecause }]
    const map = maps.get(topicPartition(position.topic, position.partition))
    return [map !== undefined && position.verdict === 'not provable' && named.has(position.groupId) ? before(position, map, from, mapEnds) : position]
  })
  return { positions: packPositions(positions), held: [...held.keys()], known: [...known] }
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
