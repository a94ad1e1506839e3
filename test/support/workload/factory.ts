import type { Colour } from '../../../engine/model/colour.ts'
import type { SendOutcome } from '../history/index.ts'

/**
 * The clients that a workload drives. Plain kafkajs (one colour, for baselines) and the routed client both fit, so that the same load and the same history
 * measure both. What a client says of colours is what the histories believe; everything else they see for themselves.
 */
export interface ClientFactory {
  producer(request: ProducerRequest): WorkloadProducer
  consumer(request: ConsumerRequest): WorkloadConsumer
  /** Only where somebody else moves the clients: see `movable-clients.ts`. */
  readonly moves?: ClientMoves
}

/** Which clients are stopped or started: an operator restarts writers and readers apart. */
export type MovedClients = 'producers' | 'groups'

/** What an operator does to applications that follow no route. */
export interface ClientMoves {
  /** Stops the clients in good order: calls and batches under way are waited for. Those that are stopped already stay so. */
  leave(which: MovedClients): Promise<void>
  /** Starts new clients on that colour. */
  join(which: MovedClients, colour: Colour): Promise<void>
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
  /** Where Kafka's default partitioner puts it, or where it has to go. */
  readonly partition: number
  /** Whether the client is told the partition; else its own partitioner has to come to the same one. */
  readonly explicitPartition: boolean
}

/** Sends with acks=all. */
export interface WorkloadProducer {
  connect(): Promise<void>
  /**
   * All records of one topic, in this order within each partition. Answers for every partition, and never rejects: an outcome is
   * `denied` only if the client knows that nothing was appended.
   */
  send(topic: string, records: readonly WorkloadRecord[]): Promise<SendOutcome[]>
  /**
   * Runs `work` in a transaction and ends it as `work` says; a rejection of `work` aborts it. A client that replays a refused transaction calls `work` again.
   *
   * @returns the colour that holds it, or null when it was aborted as wanted
   */
  transact(work: (transaction: WorkloadTransaction) => Promise<'commit' | 'abort'>): Promise<Colour | null>
  disconnect(): Promise<void>
}

export interface WorkloadTransaction {
  send(topic: string, records: readonly WorkloadRecord[]): Promise<SendOutcome[]>
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
  /** The colour is null where the client does not say it at that moment. */
  onAssignment(listener: (kind: 'assigned' | 'revoked', colour: Colour | null, partitions: readonly AssignedPartitions[]) => void): void
  pause(topics: readonly string[]): void
  resume(topics: readonly string[]): void
  disconnect(): Promise<void>
  /** Whether an error of `commit` is a definite no. */
  refused(error: unknown): boolean
}
