import type { ColourInventory } from './inventory.ts'

/** Kafka's default of `segment.bytes`. */
const defaultSegmentBytes = 1_073_741_824

/** What a colour keeps when every topic holds as much as its retention lets it: bytes of all replicas on all brokers. */
export interface Retained {
  readonly bytes: number
  /** Topics that no number of bytes bounds, so how much they hold is unknown. */
  readonly unbounded: readonly string[]
}

/**
 * A log is shortened by whole segments, and only while it stays at `retention.bytes` or above it, so it holds up to one segment more. Time alone bounds no bytes, and a log that is only compacted keeps a record
 * for each key. Source: org.apache.kafka.storage.internals.log.UnifiedLog.deleteRetentionSizeBreachedSegments.
 *
 * @param measured bytes of one replica of all partitions, by topic, for topics that nothing else bounds
 */
export function retainedBytes({ topics }: Pick<ColourInventory, 'topics'>, measured: Readonly<Record<string, number>> = {}): Retained {
  const ofEach = Object.entries(topics).map(([topic, spec]) => ({ topic, bytes: oneReplica(spec, measured[topic]), replicationFactor: spec.replicationFactor }))
  return {
    bytes: ofEach.reduce((sum, { bytes, replicationFactor }) => sum + (bytes ?? 0) * replicationFactor, 0),
    unbounded: ofEach.flatMap(({ topic, bytes }) => (bytes === null ? [topic] : [])),
  }
}

/** All partitions of a topic once; null: unknown. What is declared counts before what was measured once. */
function oneReplica({ partitions, config }: ColourInventory['topics'][string], measured: number | undefined): number | null {
  const retention = Number(config['retention.bytes'] ?? -1)
  const isDeleted = (config['cleanup.policy'] ?? 'delete').split(',').some((policy) => policy.trim() === 'delete')
  if (isDeleted && retention >= 0) return partitions * (retention + Number(config['segment.bytes'] ?? defaultSegmentBytes))
  return measured ?? null
}
