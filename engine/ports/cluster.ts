import type { Colour } from '../model/colour.ts'
import type { PartitionOffsets, TopicPartition } from '../model/partition.ts'
import type { Deadline } from './clock.ts'

/** A colour's brokers as their controller knows them. */
export interface BrokerFacts {
  readonly brokerId: number
  readonly host: string
  readonly port: number
}

export interface ClusterFacts {
  readonly clusterId: string
  readonly controllerId: number
  readonly brokers: readonly BrokerFacts[]
}

export interface PartitionFacts {
  readonly partition: number
  readonly leader: number
  readonly leaderEpoch: number
  readonly replicas: readonly number[]
  readonly isr: readonly number[]
}

export interface TopicFacts {
  readonly topic: string
  readonly topicId: string
  readonly internal: boolean
  readonly partitions: readonly PartitionFacts[]
  /** Configs that differ from the broker's defaults (dynamic topic configs). */
  readonly config: Readonly<Record<string, string>>
  readonly minInsyncReplicas: number
}

export interface QuorumFacts {
  readonly leaderId: number
  readonly leaderEpoch: number
  /** DescribeQuorum: log end and how long ago the leader heard of each voter; null: never. */
  readonly voters: readonly { readonly nodeId: number; readonly logEndOffset: bigint; readonly lastFetchAgeMs: number | null }[]
}

/** Metadata: what exists on this colour. */
export interface Inventory {
  cluster(deadline: Deadline): Promise<ClusterFacts>
  /** All topics with partitions and configs. */
  topics(deadline: Deadline): Promise<readonly TopicFacts[]>
  quorum(deadline: Deadline): Promise<QuorumFacts>
  acls(deadline: Deadline): Promise<readonly AclBinding[]>
}

export interface AclBinding {
  readonly principal: string
  readonly host: string
  readonly resourceType: 'topic' | 'group' | 'cluster' | 'transactional-id' | 'delegation-token' | 'user'
  readonly resourceName: string
  readonly patternType: 'literal' | 'prefixed'
  readonly operation: string
  readonly permission: 'allow' | 'deny'
}

/** What one broker answered to the probe's produce request to a partition that doesn't exist (2147483000). */
export type ProbeAnswer = 'fenced' | 'open' | 'unreachable'

export interface BrokerProbe {
  readonly brokerId: number
  readonly answer: ProbeAnswer
  /** The error's text when unreachable. */
  readonly detail: string
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

/** The ends of one partition at one leader epoch. Fenced and drained means: all three ends are equal. */
export interface PartitionEnd {
  readonly partition: TopicPartition
  readonly leaderEpoch: number
  readonly logStartOffset: bigint
  /** The leader's log end, records beyond the high watermark included (ListOffsets with replica id -3 or OffsetForLeaderEpoch). */
  readonly logEndOffset: bigint
  readonly highWatermark: bigint
  readonly lastStableOffset: bigint
}

/** One record that a read_committed consumer sees. */
export interface VisibleRecord {
  readonly offset: bigint
  readonly timestamp: bigint
  /** Order-sensitive digest over key, value, headers and timestamp; lengths and nulls included. */
  readonly digest: string
}

/** Logs: ends and content, read as the operator. */
export interface Logs {
  ends(topics: readonly string[], deadline: Deadline): Promise<readonly PartitionEnd[]>
  /** The visible records with `from <= offset < to`, in order; control records and aborted ones left out. */
  visible(partition: TopicPartition, from: bigint, to: bigint, deadline: Deadline): Promise<readonly VisibleRecord[]>
  /** The last `count` visible records before `end` (fewer when the log has fewer), in order. Reads backwards in growing steps. */
  lastVisible(partition: TopicPartition, end: bigint, count: number, deadline: Deadline): Promise<readonly VisibleRecord[]>
  /** Appends one record to one of this project's own topics (`kbg.*`), acks=all; returns its offset. */
  append(partition: TopicPartition, value: string, deadline: Deadline): Promise<bigint>
}

export type GroupState = 'Empty' | 'Stable' | 'PreparingRebalance' | 'CompletingRebalance' | 'Dead' | 'Unknown'

export interface GroupFacts {
  readonly groupId: string
  readonly state: GroupState
  /** `classic`, `consumer` (KIP-848), `share` (KIP-932), or what the broker says. */
  readonly type: string
  readonly memberCount: number
}

/** Consumer groups, raw: OffsetCommit with generation -1, never by joining. */
export interface Groups {
  list(deadline: Deadline): Promise<readonly GroupFacts[]>
  committed(groupId: string, deadline: Deadline): Promise<PartitionOffsets>
  /** Commits for a group that is Empty; the broker refuses it otherwise. */
  commit(groupId: string, offsets: PartitionOffsets, deadline: Deadline): Promise<void>
  /** Deletes a group's offsets; used to clear a moved group's copy. */
  deleteGroup(groupId: string, deadline: Deadline): Promise<void>
}

export interface OpenTransaction {
  readonly transactionalId: string
  readonly producerId: bigint
  readonly state: string
  /** How long it has been open; null when the broker didn't say. */
  readonly ageMs: number | null
}

export interface Transactions {
  /** ListTransactions on every broker, those that are Ongoing, PrepareCommit or PrepareAbort. */
  open(deadline: Deadline): Promise<readonly OpenTransaction[]>
  /** InitProducerId for each id: bumps its epoch, aborts what it had open; its former owner gets ProducerFenced. */
  fenceIds(transactionalIds: readonly string[], deadline: Deadline): Promise<void>
}

/** One colour as the engine sees it. */
export interface Cluster {
  readonly colour: Colour
  readonly inventory: Inventory
  readonly fence: Fence
  readonly logs: Logs
  readonly groups: Groups
  readonly transactions: Transactions
  close(): Promise<void>
}
