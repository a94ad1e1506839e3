import type { SeenTopic } from '../../adapters/audit/topic-watch.ts'
import { isApplicationTopic } from '../../gate/catalog-parity.ts'
import { type TopicPartition, topicPartition } from '../../model/partition.ts'
import type { PartitionModes, TopicIds } from './partition-state.ts'

/** What is to be done with one partition: compared, or told why it can't be. */
export type PlannedPartition =
  | { readonly kind: 'compared'; readonly topicIds: TopicIds; readonly modes: PartitionModes; readonly notes: readonly string[] }
  | { readonly kind: 'one-sided'; readonly reason: string }

/**
 * Every partition that the audit covers, as both sides' topics are now (pure).
 *
 * @param wanted topics that must be there, so that a side without one is told; null: every application topic that both sides have
 */
export function planPartitions(
  blue: readonly SeenTopic[],
  green: readonly SeenTopic[],
  wanted: readonly string[] | null,
): ReadonlyMap<TopicPartition, PlannedPartition> {
  const [onBlue, onGreen] = [byName(blue), byName(green)]
  const names = wanted ?? blue.filter((topic) => isApplicationTopic(topic) && onGreen.has(topic.topic)).map(({ topic }) => topic)
  return new Map(names.flatMap((name) => planTopic(name, onBlue.get(name), onGreen.get(name))))
}

function planTopic(name: string, blue: SeenTopic | undefined, green: SeenTopic | undefined): readonly (readonly [TopicPartition, PlannedPartition])[] {
  const partitions = Math.max(blue?.partitions ?? 0, green?.partitions ?? 0)
  return Array.from({ length: partitions }, (_, index) => [topicPartition(name, index), planPartition(index, blue, green)] as const)
}

function planPartition(index: number, blue: SeenTopic | undefined, green: SeenTopic | undefined): PlannedPartition {
  const [isOnBlue, isOnGreen] = [index < (blue?.partitions ?? 0), index < (green?.partitions ?? 0)]
  if (!blue || !green || !isOnBlue || !isOnGreen) return { kind: 'one-sided', reason: `only ${isOnBlue ? 'blue' : 'green'} has this partition` }
  const stamping = (['blue', 'green'] as const).filter((colour) => ({ blue, green })[colour].logAppendTime)
  const notes = stamping.length === 0 ? [] : [`timestamps are left out: ${stamping.join(' and ')} ${stamping.length === 1 ? 'has' : 'have'} LogAppendTime`]
  return {
    kind: 'compared',
    topicIds: { blue: blue.topicId, green: green.topicId },
    modes: { compacted: blue.compacted || green.compacted, timestamps: stamping.length === 0 },
    notes,
  }
}

function byName(topics: readonly SeenTopic[]): ReadonlyMap<string, SeenTopic> {
  return new Map(topics.map((topic) => [topic.topic, topic]))
}
