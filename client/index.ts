/**
 * kafkajs for programs that follow a blue-green route: change the import from `kafkajs` to `@kafka-blue-green/client`, and name the fleet and its route store.
 */
import kafkajs from 'kafkajs'

export type * from 'kafkajs'
export { KbgError } from '../engine/model/error.ts'
export type { RoutedConsumer } from './consumer.ts'
export { BloomFilter, type BloomFilterOptions } from './deduplication/bloom-filter.ts'
export type { Deduplicator, SightedRecord, Sighting } from './deduplication/deduplicator.ts'
export { ExactWindow, type ExactWindowOptions } from './deduplication/exact-window.ts'
export type { HandOverCounts } from './deduplication/hand-over.ts'
export type { DualConsumer, DualConsumerConfig, DualConsumerRunConfig, DualEachMessagePayload, IdentifiedRecord, RecordIdSource } from './dual-consumer.ts'
export { Kafka } from './kafka.ts'
export type { RoutedKafkaConfig, RouteParameterOptions, RouteStoreOptions } from './options.ts'
export type { RoutedRecordMetadata } from './parcels.ts'
export type { RoutedProducer } from './producer.ts'
export type { RoutedConsumerRunConfig, RoutedEachBatchPayload, RoutedEachMessagePayload } from './routed-batches.ts'
export type { RoutedTransaction } from './transactions.ts'

/** kafkajs' own, so that one import changes and no other. */
export const {
  AclOperationTypes,
  AclPermissionTypes,
  AclResourceTypes,
  AssignerProtocol,
  CompressionCodecs,
  CompressionTypes,
  ConfigResourceTypes,
  ConfigSource,
  KafkaJSConnectionError,
  KafkaJSError,
  KafkaJSNonRetriableError,
  KafkaJSNumberOfRetriesExceeded,
  KafkaJSProtocolError,
  logLevel,
  PartitionAssigners,
  Partitioners,
  ResourcePatternTypes,
} = kafkajs
