import type { OffsetPair } from '../../audit/record.ts'
import { packPositions, type TranslateAnswer, type TranslateRequest } from '../../model/audit-wire.ts'
import { type Colour, otherColour } from '../../model/colour.ts'
import type { GroupPosition } from '../../model/journal.ts'
import { offsetsFromJson } from '../../model/offset-json.ts'
import { type PartitionOffsets, type TopicPartition, topicPartition } from '../../model/partition.ts'
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
  { from, groups, ends }: TranslateRequest,
  held: ReadonlyMap<TopicPartition, TranslatedPartition>,
  known: readonly TopicPartition[],
): TranslateAnswer {
  const asked = ends === null ? null : { blue: offsetsFromJson(ends.blue), green: offsetsFromJson(ends.green) }
  const mapEnds = endsOf(from, held, asked)
  const maps = new Map([...held].filter(([, { unprovenBecause }]) => unprovenBecause === null).map(([partition, each]) => [partition, each.map()]))
  const offsets = Object.entries(groups).map(([groupId, committed]) => ({ groupId, committed: offsetsOf(committed) }))
  const positions = translateAllByMap(offsets, maps, from, mapEnds).flatMap((position): readonly GroupPosition[] => {
    const partition = held.get(topicPartition(position.topic, position.partition))
    if (partition === undefined) return [] // another worker's; a group without any commit is the asker's
    const { unprovenBecause } = partition
    return [unprovenBecause === null ? position : { ...position, targetOffset: null, verdict: 'not provable', reason: unprovenBecause }]
  })
  return { positions: packPositions(positions), held: [...held.keys()], known: [...known] }
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
