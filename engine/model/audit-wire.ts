import { z } from 'zod'
import { AuditedPartition } from './audit-facts.ts'
import { Colour } from './colour.ts'
import { GroupPosition } from './journal.ts'
import { OffsetsJson, OffsetText } from './offset-json.ts'
import type { TopicPartition } from './partition.ts'

/** Answer of `GET /facts`. */
export const FactsAnswer = z.strictObject({ partitions: z.array(AuditedPartition) })
export type FactsAnswer = z.infer<typeof FactsAnswer>

/** Answer of `POST /hurry`. */
export const HurryAnswer = z.strictObject({ forMs: z.int().positive() })
export type HurryAnswer = z.infer<typeof HurryAnswer>

const EndsJson = z.strictObject({ blue: OffsetsJson, green: OffsetsJson })

/** `POST /prove`: answered when every partition that the worker holds is settled, or after `timeoutMs`. */
export const ProveRequest = z.strictObject({
  ...EndsJson.shape,
  /** The side that is copied from, if anybody knows. */
  source: Colour.optional(),
  timeoutMs: z.int().nonnegative().max(600_000),
})
export type ProveRequest = z.infer<typeof ProveRequest>

const Reasons = z.array(z.strictObject({ partition: z.string(), reason: z.string() }))

/** What became of each asked partition; each is named once. */
export const ProveAnswer = z.strictObject({
  /** Records that stand on both sides in the same place below the ends, by partition. */
  equal: z.record(z.string(), z.int().nonnegative()),
  /** Of these, the ones that retention has emptied on the source: nothing of them was compared, whatever the target holds. */
  emptied: z.array(z.string()).default([]),
  unproven: Reasons,
  /** Not settled within `timeoutMs`: how far it has come. */
  open: Reasons,
  /** Not held by this worker. */
  elsewhere: z.array(z.string()),
})
export type ProveAnswer = z.infer<typeof ProveAnswer>

/** `POST /translate`: committed offsets by group. */
export const TranslateRequest = z.strictObject({
  from: Colour,
  groups: z.record(z.string(), z.record(z.string(), z.string().regex(/^-?\d+$/))),
  ends: EndsJson.nullable(),
  /** Groups that go to the nearest proven place before their own where that isn't provable. */
  redeliver: z.array(z.string()).optional(),
})
export type TranslateRequest = z.infer<typeof TranslateRequest>

/** One position as a row: indexes of group and topic, partition, source offset, target offset, lag, index of the verdict, index of the reason. */
const PositionRow = z.tuple([
  z.int().nonnegative(),
  z.int().nonnegative(),
  z.int().nonnegative(),
  z.string(),
  OffsetText.nullable(),
  z.int().nonnegative().nullable(),
  z.int().nonnegative(),
  z.int().nonnegative(),
])

/** Positions by the offset map, in columns: a thousand groups of a hundred partitions are a few megabytes instead of tens. */
export const PackedPositions = z.strictObject({
  groups: z.array(z.string()),
  topics: z.array(z.string()),
  reasons: z.array(z.string()),
  rows: z.array(PositionRow),
})
export type PackedPositions = z.infer<typeof PackedPositions>

/** Answer of `POST /translate`: the positions on the partitions that the worker holds. */
export const TranslateAnswer = z.strictObject({
  positions: PackedPositions,
  held: z.array(z.string()),
  /** Every partition that the audit knows of, whichever worker holds it. */
  known: z.array(z.string()),
})
export type TranslateAnswer = z.infer<typeof TranslateAnswer>

const verdicts = GroupPosition.shape.verdict.options

/** Packs positions that were found by the map. */
export function packPositions(positions: readonly GroupPosition[]): PackedPositions {
  const [groups, topics, reasons] = [new Names(), new Names(), new Names()]
  const rows = positions.map((position): PackedPositions['rows'][number] => [
    groups.indexOf(position.groupId),
    topics.indexOf(position.topic),
    position.partition,
    position.sourceOffset,
    position.targetOffset,
    position.lagRecords,
    verdicts.indexOf(position.verdict),
    reasons.indexOf(position.reason),
  ])
  return { groups: groups.list, topics: topics.list, reasons: reasons.list, rows }
}

/** The inverse of {@link packPositions}. @throws RangeError when a row names what isn't there */
export function unpackPositions({ groups, topics, reasons, rows }: PackedPositions): readonly GroupPosition[] {
  return rows.map(([group, topic, partition, sourceOffset, targetOffset, lagRecords, verdict, reason]) => ({
    groupId: named(groups, group),
    topic: named(topics, topic),
    partition,
    sourceOffset,
    targetOffset,
    lagRecords,
    method: 'map',
    verdict: named(verdicts, verdict),
    reason: named(reasons, reason),
  }))
}

/** Both sides' ends of the partitions that are named on both. */
export function askedPairs({ blue, green }: z.infer<typeof EndsJson>): ReadonlyMap<TopicPartition, { readonly blue: bigint; readonly green: bigint }> {
  return new Map(
    Object.entries(blue).flatMap(([partition, offset]) => {
      const other = green[partition]
      return other === undefined ? [] : [[partition, { blue: BigInt(offset), green: BigInt(other) }] as const]
    }),
  )
}

/** Partitions of which only one side's end was asked: nothing can be proven of them. */
export function unpairedPartitions({ blue, green }: z.infer<typeof EndsJson>): readonly TopicPartition[] {
  return [...new Set(Object.keys(blue)).symmetricDifference(new Set(Object.keys(green)))]
}

/** Names in order of their first use. */
class Names {
  readonly list: string[] = []
  readonly #indexes = new Map<string, number>()

  indexOf(name: string): number {
    const known = this.#indexes.get(name)
    if (known !== undefined) return known
    this.#indexes.set(name, this.list.length)
    return this.list.push(name) - 1
  }
}

function named<T>(list: readonly T[], index: number): T {
  const name = list[index]
  if (name === undefined) throw new RangeError(`a row of positions names entry ${index} of ${list.length}`)
  return name
}
