import { KbgError } from '../../../engine/model/error.ts'
import type { PartitionOffsets, TopicPartition } from '../../../engine/model/partition.ts'

/** A record as a plain consumer saw it. `content` is different for every record of a partition. */
export interface SeenRecord {
  readonly offset: bigint
  readonly content: string
}

/** What a position on the target makes of a group. */
export interface Consequence {
  /** Records that it had read and gets again. */
  readonly redelivered: number
  /** Records that it hadn't read and never gets. */
  readonly skipped: number
}

/** Both logs of every partition as far as the cut, joined by what the records are: no map, no counting, no digest of the engine. */
export class GroundTruth {
  readonly #copies = new Map<TopicPartition, readonly { readonly source: bigint; readonly target: bigint }[]>()

  /** @throws KbgError `bench` when a record is there twice, or has no copy: then positions can't be judged */
  constructor(
    source: ReadonlyMap<TopicPartition, readonly SeenRecord[]>,
    target: ReadonlyMap<TopicPartition, readonly SeenRecord[]>,
    sourceEnds: PartitionOffsets,
  ) {
    for (const [partition, end] of sourceEnds) {
      const copies = new Map((target.get(partition) ?? []).map(({ content, offset }) => [content, offset]))
      const own = (source.get(partition) ?? []).filter(({ offset }) => offset < end)
      const distinct = new Set(own.map(({ content }) => content)).size
      if (distinct !== own.length) throw new KbgError('bench', 'Records are there twice.', { facts: { partition, records: own.length, distinct } })
      this.#copies.set(
        partition,
        own.map(({ content, offset }) => ({ source: offset, target: copyOf(copies, content, partition) })),
      )
    }
  }

  get records(): number {
    return [...this.#copies.values()].reduce((sum, copies) => sum + copies.length, 0)
  }

  /** Records below the cut that a group which committed here hasn't read. */
  unread(partition: TopicPartition, committed: bigint): number {
    return (this.#copies.get(partition) ?? []).filter(({ source }) => source >= committed).length
  }

  /** Of all records below the cut: which ones a group gets again and which never, that had committed here and goes on there. */
  judge(partition: TopicPartition, committed: bigint, target: bigint): Consequence {
    let [redelivered, skipped] = [0, 0]
    for (const copy of this.#copies.get(partition) ?? []) {
      const wasRead = copy.source < committed
      const isRead = copy.target >= target
      if (wasRead && isRead) redelivered += 1
      if (!wasRead && !isRead) skipped += 1
    }
    return { redelivered, skipped }
  }
}

function copyOf(copies: ReadonlyMap<string, bigint>, content: string, partition: TopicPartition): bigint {
  const offset = copies.get(content)
  if (offset === undefined) throw new KbgError('bench', 'A record below the cut has no copy.', { facts: { partition, content: content.slice(0, 80) } })
  return offset
}
