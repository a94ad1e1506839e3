import type { Colour } from '../model/colour.ts'
import type {
  AclBinding,
  AuthorizerFacts,
  BrokerProbe,
  ClusterFacts,
  CommitsHow,
  GroupFacts,
  OpenTransaction,
  PartitionEnd,
  QuorumFacts,
  QuotaFacts,
  RecordCopy,
  ScramUserFacts,
  StaticMember,
  TopicFacts,
  VisibleRecord,
  WriterFacts,
} from '../model/facts.ts'
import type { PartitionOffsets, TopicPartition } from '../model/partition.ts'
import type { ProducerIds } from '../model/producer-ids.ts'
import type { Deadline } from './clock.ts'

export type {
  AclBinding,
  AuthorizerFacts,
  BrokerFacts,
  BrokerProbe,
  ClusterFacts,
  CommitsHow,
  GroupFacts,
  GroupState,
  OpenTransaction,
  PartitionEnd,
  PartitionFacts,
  ProbeAnswer,
  QuorumFacts,
  QuotaFacts,
  RecordCopy,
  ScramUserFacts,
  StaticMember,
  TopicFacts,
  VisibleRecord,
  WriterFacts,
} from '../model/facts.ts'

/** Metadata: what exists on this colour. */
export interface Inventory {
  cluster(deadline: Deadline): Promise<ClusterFacts>
  /** All topics with partitions and configs. */
  topics(deadline: Deadline): Promise<readonly TopicFacts[]>
  quorum(deadline: Deadline): Promise<QuorumFacts>
  acls(deadline: Deadline): Promise<readonly AclBinding[]>
  quotas(deadline: Deadline): Promise<readonly QuotaFacts[]>
  scramUsers(deadline: Deadline): Promise<readonly ScramUserFacts[]>
  /** Every registered broker's own word: one without an authorizer lets everything pass. */
  authorizers(deadline: Deadline): Promise<readonly AuthorizerFacts[]>
}

/**
 * The fence of a colour: DENY Write, Create, Alter and Delete on Topic `*` and Create on Cluster for `User:*`, in one request.
 * Super users (mirror, operator) pass it; readers don't notice it.
 */
export interface Fence {
  /** The exact bindings that raise creates and lift deletes; journaled before the effect. */
  readonly bindings: readonly AclBinding[]
  /** Sends the bindings, then two throw-away metadata records right behind, so that brokers learn of it at once. No proof. */
  raise(deadline: Deadline): Promise<void>
  /** Deletes exactly the bindings. No proof. */
  lift(deadline: Deadline): Promise<void>
  /** Asks every registered broker, as the probe principal. Nothing can be appended by it. */
  probe(deadline: Deadline): Promise<readonly BrokerProbe[]>
  /** Writes one canary record to each partition of this colour's canary topic as the probe principal, acks=all: real appends are accepted. */
  canary(deadline: Deadline): Promise<void>
}

/** Logs: ends and content, read as the operator. */
export interface Logs {
  ends(topics: readonly string[], deadline: Deadline): Promise<readonly PartitionEnd[]>
  /** The visible records with `from <= offset < to`, in order; control records and aborted ones left out. */
  visible(partition: TopicPartition, from: bigint, to: bigint, deadline: Deadline): Promise<readonly VisibleRecord[]>
  /** The last `count` visible records before `end` (fewer when the log has fewer), in order. Reads backwards in growing steps. */
  lastVisible(partition: TopicPartition, end: bigint, count: number, deadline: Deadline): Promise<readonly VisibleRecord[]>
  /**
   * {@link lastVisible} for many partitions at once, in few requests for each leader: what the drain step compares on both sides.
   * @returns an entry for every asked partition, empty where nothing is visible before its end
   */
  lastVisibleOfAll(ends: PartitionOffsets, count: number, deadline: Deadline): Promise<ReadonlyMap<TopicPartition, readonly VisibleRecord[]>>
  /** Who wrote what a partition holds with `from <= offset < to`, one entry for each producer id and epoch; what is visible to nobody yet is left out. */
  writers(partition: TopicPartition, from: bigint, to: bigint, deadline: Deadline): Promise<readonly WriterFacts[]>
  /** Appends one record to one of this project's own topics (`kbg.*`), acks=all; returns its offset. */
  append(partition: TopicPartition, value: string, deadline: Deadline): Promise<bigint>
  /** {@link visible}, with all that the records are made of. */
  copies(partition: TopicPartition, from: bigint, to: bigint, deadline: Deadline): Promise<readonly RecordCopy[]>
  /**
   * Appends these records to a partition as they are, in one batch: all of them or none, acks=all; key, value, headers and, where the topic keeps it, timestamp byte for byte.
   * @returns the first one's offset
   * @throws KbgError `outcome-unknown` when the answer was lost: look before it is tried again
   */
  appendCopies(partition: TopicPartition, records: readonly RecordCopy[], deadline: Deadline): Promise<bigint>
}

/** Consumer groups, raw: OffsetCommit with generation -1, never by joining. */
export interface Groups {
  list(deadline: Deadline): Promise<readonly GroupFacts[]>
  committed(groupId: string, deadline: Deadline): Promise<PartitionOffsets>
  /** {@link committed} of many groups, in few requests for each coordinator. @returns an entry for every asked group */
  committedOfAll(groupIds: readonly string[], deadline: Deadline): Promise<ReadonlyMap<string, PartitionOffsets>>
  /** How each of these groups committed last; at worst it reads back in their coordinators' logs. @returns an entry for every asked group */
  commitsHow(groupIds: readonly string[], deadline: Deadline): Promise<ReadonlyMap<string, CommitsHow>>
  /** Commits for a group that is Empty; the broker refuses it otherwise. */
  commit(groupId: string, offsets: PartitionOffsets, deadline: Deadline): Promise<void>
  /** Deletes a group's offsets; used to clear a moved group's copy. */
  deleteGroup(groupId: string, deadline: Deadline): Promise<void>
  /** The members of a classic group that have an instance id; none of a group that isn't there. */
  staticMembers(groupId: string, deadline: Deadline): Promise<readonly StaticMember[]>
  /**
   * Makes these members leave (LeaveGroup v3 and later, KIP-345). Each goes only as the member that was seen: one that is gone, or has joined again under its
   * instance id meanwhile, is left alone.
   */
  removeStaticMembers(groupId: string, members: readonly StaticMember[], deadline: Deadline): Promise<void>
}

export interface Transactions {
  /** ListTransactions on every broker, those that are Ongoing, PrepareCommit or PrepareAbort. */
  open(deadline: Deadline): Promise<readonly OpenTransaction[]>
  /** ListTransactions on every broker: the transactional ids behind these producer ids; those without one, or whose id has expired, are left out. */
  idsOf(producerIds: readonly bigint[], deadline: Deadline): Promise<ReadonlyMap<bigint, string>>
  /** Those that hold these partitions' last stable offsets back, by the partitions' leaders: also such as no coordinator knows. */
  holding(partitions: readonly TopicPartition[], deadline: Deadline): Promise<readonly OpenTransaction[]>
  /** InitProducerId for each id: bumps its epoch, aborts what it had open; its former owner gets ProducerFenced. */
  fenceIds(transactionalIds: readonly string[], deadline: Deadline): Promise<void>
}

export interface Producers {
  /** The producers whose state the leaders of these topics keep, and the least id that this colour may still give out. Asking takes an id from every broker. */
  ids(topics: readonly string[], deadline: Deadline): Promise<ProducerIds>
}

/** One colour as the engine sees it. */
export interface Cluster {
  readonly colour: Colour
  readonly inventory: Inventory
  readonly fence: Fence
  readonly logs: Logs
  readonly groups: Groups
  readonly transactions: Transactions
  readonly producers: Producers
  /** Opens every connection and learns every leader, so that the switch's critical path doesn't pay for it. */
  warmUp(deadline: Deadline): Promise<void>
  close(): Promise<void>
}
