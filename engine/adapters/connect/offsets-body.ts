import { z } from 'zod'
import type { Colour } from '../../model/colour.ts'
import { KbgError } from '../../model/error.ts'
import { type PartitionOffsets, parseTopicPartition, topicPartition } from '../../model/partition.ts'

/** Body of `GET /connectors/<name>/offsets` of a MirrorSourceConnector (KIP-875; keys of `MirrorUtils.wrapPartition` and `wrapOffset`). */
export const OffsetsAnswer = z.object({
  offsets: z.array(
    z.object({
      partition: z.object({ cluster: z.string(), topic: z.string(), partition: z.int().nonnegative() }),
      offset: z.object({ offset: z.union([z.int(), z.bigint()]) }).nullable(),
    }),
  ),
})
export type OffsetsAnswer = z.infer<typeof OffsetsAnswer>

/**
 * Last copied source offset by partition.
 * @throws KbgError `foreign-offsets` when the connector has offsets of another source
 */
export function copiedOffsetsOf(answer: OffsetsAnswer, source: Colour): PartitionOffsets {
  const foreign = answer.offsets.filter(({ partition }) => partition.cluster !== source)
  if (foreign.length > 0) {
    throw new KbgError('foreign-offsets', 'A mirror connector holds offsets of another source.', {
      facts: { observed: [...new Set(foreign.map(({ partition }) => partition.cluster))], required: source },
      remedy: 'A connector name is used for one direction only: delete this connector, and let the switchover create one of a new name.',
    })
  }
  return new Map(
    answer.offsets.flatMap(({ partition, offset }) =>
      offset === null ? [] : [[topicPartition(partition.topic, partition.partition), BigInt(offset.offset)] as const],
    ),
  )
}

/** Body of `PATCH /connectors/<name>/offsets`. Written by hand because JSON's numbers as JavaScript writes them lose int64. */
export function seedBody(source: Colour, lastCopied: PartitionOffsets): string {
  const entries = [...lastCopied].map(([name, offset]) => {
    const { topic, partition } = parseTopicPartition(name)
    return `{"partition":${JSON.stringify({ cluster: source, topic, partition })},"offset":{"offset":${offset}}}`
  })
  return `{"offsets":[${entries.join(',')}]}`
}

/**
 * What of a seed Connect has to be told: a partition of which nothing is copied (-1) is left out, because Connect refuses
 * negative offsets and MirrorMaker reads a partition without an offset from its earliest record.
 * @throws KbgError `bad-seed` below -1
 */
export function seedable(lastCopied: PartitionOffsets): PartitionOffsets {
  const bad = [...lastCopied].filter(([, offset]) => offset < -1n)
  if (bad.length > 0) {
    throw new KbgError('bad-seed', 'A last copied offset is -1 (nothing) or more.', { facts: { observed: bad.map(([name, offset]) => `${name}: ${offset}`) } })
  }
  return new Map([...lastCopied].filter(([, offset]) => offset >= 0n))
}

/** Differences between what should be there and what is, one line each: empty when equal. */
export function offsetDifferences(required: PartitionOffsets, observed: PartitionOffsets): readonly string[] {
  const names = [...new Set([...required.keys(), ...observed.keys()])].sort()
  return names.flatMap((name) => {
    const [wanted, found] = [required.get(name), observed.get(name)]
    return wanted === found ? [] : [`${name}: observed ${found ?? 'none'}, required ${wanted ?? 'none'}`]
  })
}

/** @throws KbgError `bad-seed` when they aren't equal */
export function requireOffsets(name: string, refused: string, required: PartitionOffsets, observed: PartitionOffsets): void {
  const differences = offsetDifferences(required, observed)
  if (differences.length === 0) return
  throw new KbgError('bad-seed', `Connector ${name} ${refused}.`, {
    facts: { differences },
    remedy: 'A connector is seeded once, before it ever runs. Delete it; the next attempt creates one of a new name.',
  })
}
