/** The audit: an honest comparison of what a read_committed consumer sees of both logs, and positions by it. */
import type { AuditedPartition, AuditFacts } from '../../../engine/model/audit-facts.ts'
import { type Colour, otherColour } from '../../../engine/model/colour.ts'
import type { GroupPosition } from '../../../engine/model/journal.ts'
import { offsetsFromJson } from '../../../engine/model/offset-json.ts'
import type { TopicPartition } from '../../../engine/model/partition.ts'
import { exact, notProvable, positionsOf } from '../../../engine/offsets/strategy.ts'
import { lastStable, leaderOf, logOf, valueAt, visibleOffsets } from './brokers.ts'
import { applicationPartitions, type World } from './world.ts'

type Ends = Readonly<Record<Colour, Readonly<Record<TopicPartition, string>>>>

/** The comparison of one partition up to where the shorter side ends. */
interface Compared {
  readonly partition: TopicPartition
  /** Offsets of the records that stand on both sides in the same place, in order. */
  readonly aligned: Readonly<Record<Colour, readonly number[]>>
  /** Below these offsets both sides agree. */
  readonly watermark: Readonly<Record<Colour, number>>
  readonly difference: string | null
  readonly isAtBothEnds: boolean
  /** Visible records that have no counterpart yet. */
  readonly unmatched: Readonly<Record<Colour, number>>
}

function compare(world: World, partition: TopicPartition): Compared {
  // Of a colour that is gone it has read what was there.
  for (const colour of ['blue', 'green'] as const) if (!isGone(world, colour)) leaderOf(world.clusters[colour], partition)
  const logs = { blue: logOf(world.clusters.blue, partition), green: logOf(world.clusters.green, partition) }
  const offsets = { blue: visibleOffsets(logs.blue, 0, logs.blue.records.length), green: visibleOffsets(logs.green, 0, logs.green.records.length) }
  const both = Math.min(offsets.blue.length, offsets.green.length)
  let count = 0
  while (count < both && valueAt(logs.blue, offsets.blue[count] ?? 0) === valueAt(logs.green, offsets.green[count] ?? 0)) count += 1
  const upTo = (colour: Colour) => offsets[colour][count] ?? lastStable(logs[colour])
  return {
    partition,
    aligned: { blue: offsets.blue.slice(0, count), green: offsets.green.slice(0, count) },
    watermark: { blue: upTo('blue'), green: upTo('green') },
    difference: count < both ? `other records behind ${count} equal ones` : null,
    unmatched: { blue: offsets.blue.length - count, green: offsets.green.length - count },
    isAtBothEnds: count === offsets.blue.length && count === offsets.green.length,
  }
}

function isGone(world: World, colour: Colour): boolean {
  return world.clusters[colour].brokers.every(({ state }) => state === 'dead')
}

function facts(world: World): AuditFacts {
  const partitions = applicationPartitions.map((partition): AuditedPartition => {
    const { aligned, watermark, difference, unmatched } = compare(world, partition)
    const side = { visible: aligned.blue.length, extra: 0, retention: 0, compacted: 0, digest: '' }
    return {
      ...{ partition, alignedRecords: aligned.blue.length, blue: side, green: side, watermarkAgeMs: 1, runs: 1, trouble: '', emptied: null },
      ...{ unmatched, lost: { blue: 0, green: 0 }, differences: { total: difference === null ? 0 : 1, shown: [] } },
      state: difference === null ? { kind: 'equal' } : { kind: 'differs', reason: difference },
      watermark: { blue: String(watermark.blue), green: String(watermark.green) },
    }
  })
  return { partitions, unreachable: [] }
}

/** null: not compared up to there yet. */
function prove(world: World, ends: Ends): { readonly partitions: number; readonly alignedRecords: number; readonly reasons: readonly string[] } | null {
  const compared = applicationPartitions.map((partition) => compare(world, partition))
  const reasons = compared.flatMap(({ partition, difference }) => (difference === null ? [] : [`${partition}: ${difference}`]))
  const isBehind = ({ partition, watermark }: Compared) =>
    (['blue', 'green'] as const).some((colour) => watermark[colour] < Number(ends[colour][partition] ?? 0))
  if (reasons.length === 0 && compared.some(isBehind)) return null
  return { partitions: compared.length, alignedRecords: compared.reduce((sum, { aligned }) => sum + aligned.blue.length, 0), reasons }
}

interface Translation {
  readonly from: Colour
  readonly committed: readonly (readonly [string, Readonly<Record<TopicPartition, number>>])[]
  /** null: as far as is compared now. */
  readonly ends: Ends | null
}

/** The target's offset of the first source record at or behind the committed one. */
function translate(world: World, { from, committed, ends }: Translation): readonly GroupPosition[] {
  const to = otherColour(from)
  const compared = new Map(applicationPartitions.map((partition) => [partition, compare(world, partition)]))
  const now = (colour: Colour) => Object.fromEntries([...compared].map(([partition, { watermark }]) => [partition, String(watermark[colour])]))
  const endsOf = (colour: Colour) => offsetsFromJson(ends?.[colour] ?? now(colour))
  const groups = committed.map(([groupId, offsets]) => ({
    groupId,
    committed: new Map(Object.entries(offsets).map(([partition, offset]) => [partition, BigInt(offset)])),
  }))
  const strategy = {
    method: 'map' as const,
    find: ({ partition, committed: offset }: { readonly partition: TopicPartition; readonly committed: bigint }) => {
      const known = compared.get(partition)
      if (known === undefined) return notProvable('it is not compared')
      if (Number(offset) > known.watermark[from]) return notProvable('beyond what is compared')
      const index = known.aligned[from].findIndex((aligned) => aligned >= Number(offset))
      if (index < 0) return exact(BigInt(known.watermark[to]), 0, 'at the end')
      return exact(BigInt(known.aligned[to][index] ?? 0), known.aligned[from].length - index, 'the same record')
    },
  }
  return positionsOf(strategy, groups, { sourceStarts: new Map(), sourceEnds: endsOf(from), targetEnds: endsOf(to) })
}

export const auditOperations = {
  'audit facts': (world: World, _request: Record<string, never>) => facts(world),
  'audit proof': (world: World, { ends }: { readonly ends: Ends }) => prove(world, ends),
  'audit translation': (world: World, request: Translation) => translate(world, request),
} as const
