import { z } from 'zod'
import { Colour } from './colour.ts'
import { parseTopicPartition, topicPartition } from './partition.ts'

const none = '-'

/** What the audit has shown of a cut. */
export const CutAudit = z.strictObject({
  partitions: z.int().nonnegative(),
  alignedRecords: z.string().regex(/^\d+$/),
  /** Of these, the ones that retention had emptied on the source: nothing of them was compared, whatever the target held. */
  emptied: z.array(z.string()).default([]),
})
export type CutAudit = z.infer<typeof CutAudit>

/**
 * A cut as it is stored: each topic's name once, then `<source end>:<target end>` for partition 0, 1, 2 and so on; `-` where a side has no end. Ten thousand
 * partitions take about 0.25 MB and their topics' names; with both names written out for each partition it would be 1 MB and more, and an etcd request ends at 1.5.
 */
export const PackedCut = z.strictObject({
  source: Colour,
  target: Colour,
  ends: z.record(z.string(), z.array(z.string().regex(/^(\d+|-):(\d+|-)$/, '<source end>:<target end>'))),
  audit: CutAudit.optional(),
})
export type PackedCut = z.infer<typeof PackedCut>

/** What is packed: ends by `<topic>-<partition>`, as decimal text. */
interface CutEnds {
  readonly source: Colour
  readonly target: Colour
  readonly sourceEnds: Readonly<Record<string, string>>
  readonly targetEnds: Readonly<Record<string, string>>
  readonly audit?: CutAudit | undefined
}

/** @throws KbgError `topic-partition` when a name isn't `<topic>-<partition>` */
export function packCut(cut: CutEnds): PackedCut {
  const pairs = new Map<string, string[]>()
  for (const name of new Set([...Object.keys(cut.sourceEnds), ...Object.keys(cut.targetEnds)])) {
    const { topic, partition } = parseTopicPartition(name)
    const own = pairs.get(topic) ?? []
    own[partition] = `${cut.sourceEnds[name] ?? none}:${cut.targetEnds[name] ?? none}`
    pairs.set(topic, own)
  }
  // Array.from also visits the holes of a topic whose partitions aren't all in the cut.
  const ends = Object.fromEntries([...pairs].map(([topic, own]) => [topic, Array.from(own, (pair) => pair ?? `${none}:${none}`)]))
  return { source: cut.source, target: cut.target, ends, ...(cut.audit ? { audit: cut.audit } : {}) }
}

/** The inverse of {@link packCut}. */
export function unpackCut(packed: PackedCut): {
  source: Colour
  target: Colour
  sourceEnds: Record<string, string>
  targetEnds: Record<string, string>
  audit?: CutAudit
} {
  const sourceEnds: Record<string, string> = {}
  const targetEnds: Record<string, string> = {}
  for (const [topic, pairs] of Object.entries(packed.ends)) {
    for (const [partition, pair] of pairs.entries()) {
      const [source = none, target = none] = pair.split(':')
      if (source !== none) sourceEnds[topicPartition(topic, partition)] = source
      if (target !== none) targetEnds[topicPartition(topic, partition)] = target
    }
  }
  return { source: packed.source, target: packed.target, sourceEnds, targetEnds, ...(packed.audit ? { audit: packed.audit } : {}) }
}
