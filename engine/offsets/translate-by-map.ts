import { type Colour, otherColour } from '../model/colour.ts'
import { KbgError } from '../model/error.ts'
import type { GroupPosition } from '../model/journal.ts'
import { beyondReason } from '../model/momentary-reason.ts'
import type { PartitionOffsets, TopicPartition } from '../model/partition.ts'
import { ambiguousAt, differencesFrom, lastDifference, type MapDifference } from './map-coverage.ts'
import type { MapPlace, OffsetMap } from './offset-map.ts'
import { type CutEnds, exact, type Finding, type GroupOffsets, notProvable, positionsOf, refusal, type Strategy } from './strategy.ts'

/**
 * The cut, or for a wave, which has none, the pair up to which the audit has come; and where both logs begin.
 */
export interface MapEnds extends CutEnds {
  readonly targetStarts: PartitionOffsets
}

/** {@link MapEnds} of one partition. */
export interface PartitionMapEnds {
  readonly sourceStart: bigint
  readonly sourceEnd: bigint
  readonly targetStart: bigint
  readonly targetEnd: bigint
}

/**
 * Translates one committed offset by the offset map: to the target's copy of the first visible source record at or behind it, or, where none is left, to the
 * target's end at the cut. Never by a run's difference extended into a gap: markers, aborted data and compaction holes mean the next record.
 *
 * `not provable` where the map says nothing (retention, not audited, inside a block of equal neighbours with a gap) and where the group would
 * still come upon a difference. A position behind the cut, on what the reverse mirror brought, is exact as soon as the audit has passed it.
 *
 * @param from the side that the offset was committed on; the same map serves both
 * @throws what the map's BlockSource throws; a damaged block is `not provable`
 */
export function translateByMap(map: OffsetMap, from: Colour, committed: bigint, ends: PartitionMapEnds): Finding {
  const refused = outsideMap(map, from, committed, ends) ?? unprovenBehind(map, from, committed)
  if (refused !== null) return notProvable(refused)
  try {
    const [place, atCut] = [map.place(from, committed), map.place(from, ends.sourceEnd)]
    const lagRecords = committed < ends.sourceEnd ? Number(atCut.recordsBefore - place.recordsBefore) : 0
    const insideGap = lastDifferenceInGap(map, from, committed, place)
    if (insideGap !== null) return notProvable(insideGap, lagRecords)
    return located(place, from, committed, ends, map, lagRecords)
  } catch (thrown) {
    if (thrown instanceof KbgError && thrown.code === 'offset-map-damaged') return notProvable(thrown.message)
    throw thrown
  }
}

/** Why the map has nothing to say of a position, wherever the records lie; null when it has. */
function outsideMap({ coverage }: OffsetMap, from: Colour, committed: bigint, ends: PartitionMapEnds): string | null {
  const { auditedFrom, auditedUpTo } = coverage
  const to = otherColour(from)
  if (committed < ends.sourceStart) return `committed offset ${committed} lies below the log start ${ends.sourceStart}: retention passed it`
  if (committed < auditedFrom[from]) return `the audit has compared ${from} from offset ${auditedFrom[from]} on, committed is ${committed}`
  if (auditedUpTo[from] < ends.sourceEnd || auditedUpTo[to] < ends.targetEnd) {
    const [observed, required] = [`${from} ${auditedUpTo[from]}, ${to} ${auditedUpTo[to]}`, `${from} ${ends.sourceEnd}, ${to} ${ends.targetEnd}`]
    return `the audit has come to ${observed}, the cut is at ${required}`
  }
  if (committed > auditedUpTo[from]) return beyondReason(committed, from, auditedUpTo[from])
  return null
}

/** Why what a group still has to read isn't the same on both sides; null when it is. */
function unprovenBehind({ coverage }: OffsetMap, from: Colour, committed: bigint): string | null {
  const [first, ...more] = differencesFrom(coverage, from, committed)
  if (first !== undefined) return `the group would still read where the sides differ: ${text(first)}${more.length === 0 ? '' : ` and ${more.length} more`}`
  const range = ambiguousAt(coverage, from, committed)
  if (range === undefined) return null
  return `the position lies among equal records with a gap between them (${from} ${range.from[from]} to ${range.to[from]}): which one it is can't be told`
}

/**
 * A position without a record of its own, in the same gap between two runs as the last difference: a record of that difference may lie behind it.
 * Earlier differences need no such look, because the last one is behind their gaps.
 */
function lastDifferenceInGap(map: OffsetMap, from: Colour, committed: bigint, place: MapPlace): string | null {
  if (place.next?.[from] === committed || committed >= map.coverage.auditedUpTo[from]) return null
  const last = lastDifference(map.coverage, from)
  const at = last?.[from] ?? null
  if (last === undefined || at === null || map.place(from, at).recordsBefore !== place.recordsBefore) return null
  return `no equal record lies between the position and a difference: ${text(last)}`
}

function located(place: MapPlace, from: Colour, committed: bigint, ends: PartitionMapEnds, map: OffsetMap, lagRecords: number): Finding {
  const to = otherColour(from)
  if (committed > ends.sourceEnd) {
    return exact(place.next?.[to] ?? map.coverage.auditedUpTo[to], 0, 'beyond the cut, and the audit has compared both sides up to there')
  }
  if (place.next === null || place.next[from] >= ends.sourceEnd) return exact(ends.targetEnd, 0, 'nothing left to read before the cut')
  const targetOffset = place.next[to]
  if (targetOffset >= ends.targetEnd)
    return notProvable(`map and cut contradict each other: the next record's copy has offset ${targetOffset}, the cut is at ${ends.targetEnd}`)
  if (targetOffset < ends.targetStart) {
    return notProvable(
      `the next record's copy had offset ${targetOffset}, and the target's log begins at ${ends.targetStart}: retention passed it there`,
      lagRecords,
    )
  }
  return exact(targetOffset, lagRecords, `the audit has compared this record and the ${lagRecords - 1} behind it up to the cut`)
}

function text({ kind, blue, green }: MapDifference): string {
  return `${kind} at blue ${blue ?? 'end'}, green ${green ?? 'end'}`
}

/** Translation by offset maps as one of the strategies. */
export function byMap(maps: ReadonlyMap<TopicPartition, OffsetMap>, from: Colour, ends: MapEnds): Strategy {
  return {
    method: 'map',
    find: ({ partition, committed }) => {
      const map = maps.get(partition)
      if (map === undefined) return notProvable('no audit has compared this partition')
      const [sourceEnd, targetEnd] = [ends.sourceEnds.get(partition) ?? 0n, ends.targetEnds.get(partition) ?? 0n]
      const [sourceStart, targetStart] = [ends.sourceStarts.get(partition) ?? 0n, ends.targetStarts.get(partition) ?? 0n]
      return translateByMap(map, from, committed, { sourceStart, sourceEnd, targetStart, targetEnd })
    },
  }
}

/**
 * Every group's positions by the offset maps, in the form and order of {@link positionsOf}. Each partition's offsets are looked up in ascending order
 * and each once, so that a block is decoded once, however many groups there are.
 *
 * @throws what the maps' BlockSource throws
 */
export function translateAllByMap(
  groups: readonly GroupOffsets[],
  maps: ReadonlyMap<TopicPartition, OffsetMap>,
  from: Colour,
  ends: MapEnds,
): readonly GroupPosition[] {
  const strategy = byMap(maps, from, ends)
  const found = new Map<TopicPartition, ReadonlyMap<bigint, Finding>>()
  for (const [partition, offsets] of asked(groups, ends)) {
    const ascending = [...offsets].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
    found.set(partition, new Map(ascending.map((committed) => [committed, strategy.find({ groupId: '', partition, committed })])))
  }
  const remembered: Strategy = {
    method: strategy.method,
    find: (position) => found.get(position.partition)?.get(position.committed) ?? strategy.find(position),
  }
  return positionsOf(remembered, groups, ends)
}

function asked(groups: readonly GroupOffsets[], ends: CutEnds): ReadonlyMap<TopicPartition, ReadonlySet<bigint>> {
  const offsets = new Map<TopicPartition, Set<bigint>>()
  for (const { committed } of groups) {
    for (const [partition, offset] of committed) {
      if (offset < 0n || refusal(partition, offset, ends) !== null) continue
      const own = offsets.get(partition)
      if (own === undefined) offsets.set(partition, new Set([offset]))
      else own.add(offset)
    }
  }
  return offsets
}
