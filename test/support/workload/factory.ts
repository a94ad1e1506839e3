import type { Colour } from '../../../engine/model/colour.ts'
import type { SendOutcome } from '../history/index.ts'

/**
 * The clients that a workload drives. Plain kafkajs (one colour, for baselines) and the routed client both fit, so that the same load and the same history
 * measure both. What a client says of colours is what the histories believe; everything else they see for themselves.
 */
export interface ClientFactory {
  producer(request: ProducerRequest): WorkloadProducer
  consumer(request: ConsumerRequest): WorkloadConsumer
}

export interface ProducerRequest {
  /** Names the instance, and makes up the transactional id. */
  readonly id: string
  readonly user: string
  /** Null for an idempotent producer without transactions. */
  readonly transactionalId: string | null
}

export interface ConsumerRequest {
  readonly groupId: string
  readonly instanceId: string
  readonly user: string
}

/** A record to send; the value and key are bytes already. */
export interface WorkloadRecord {
  readonly key: string | null
  readonly value: Buffer
  /** Where the record has to go; undefined leaves it to the partitioner. */
  readonly partition: number | undefined
}

/** Where the records of one partition of a call were appended. */
export interface PartitionAck {
  readonly colour: Colour
  readonly partition: number
  /** Null where the broker had the batch already and no longer says where. */
  readonly baseOffset: bigint | null
  /** When this part was acknowledged; undefined if only the call's end is known. */
  readonly ackedAtNs: number | undefined
}

/** Sends with acks=all. */
export interface WorkloadProducer {
  connect(): Promise<void>
  /** All records of one topic, in this order within each partition. Rejects when any partition was not acknowledged. */
  send(topic: string, records: readonly WorkloadRecord[]): Promise<readonly PartitionAck[]>
  begin(): Promise<WorkloadTransaction>
  disconnect(): Promise<void>
  /** What an error of `send` says of each partition of the call: an outcome is `denied` only if the client knows that nothing was appended. */
  outcomesOf(error: unknown, partitions: readonly number[]): SendOutcome[]
}

export interface WorkloadTransaction {
  send(topic: string, records: readonly WorkloadRecord[]): Promise<readonly PartitionAck[]>
  /** Resolves with the colour that holds the transaction. */
  commit(): Promise<Colour>
  abort(): Promise<void>
}

/** Records that a member was given, with the offset to commit when they are done. */
export interface WorkloadBatch {
  readonly colour: Colour
  readonly topic: string
  readonly partition: number
  readonly records: readonly { readonly offset: bigint; readonly key: Buffer | null; readonly value: Buffer | null }[]
  /** Kafka's position behind this batch: past markers and aborted records too. */
  readonly nextOffset: bigint
}

export interface TopicPartitionOffset {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
}

export interface AssignedPartitions {
  readonly topic: string
  readonly partitions: number[]
}

/** A member of a group that starts at the earliest record, reads committed records only and commits by hand. */
export interface WorkloadConsumer {
  connect(): Promise<void>
  subscribe(topics: readonly string[]): Promise<void>
  /** Several partitions' batches may be handled at once, those of one partition never. A rejection of `handle` means that the batch is given again. */
  run(handle: (batch: WorkloadBatch) => Promise<void>): Promise<void>
  commit(offsets: readonly TopicPartitionOffset[]): Promise<void>
  onAssignment(listener: (kind: 'assigned' | 'revoked', colour: Colour, partitions: readonly AssignedPartitions[]) => void): void
  pause(topics: readonly string[]): void
  resume(topics: readonly string[]): void
  disconnect(): Promise<void>
  /** Whether an error of `commit` is a definite no. */
  refused(error: unknown): boolean
}
