import type { TopicPartition } from './partition.ts'

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

export interface AclBinding {
  readonly principal: string
  readonly host: string
  readonly resourceType: 'topic' | 'group' | 'cluster' | 'transactional-id' | 'delegation-token' | 'user'
  readonly resourceName: string
  readonly patternType: 'literal' | 'prefixed'
  readonly operation: string
  readonly permission: 'allow' | 'deny'
}

/** The limits of one quota entity: a user, a client id, an address, or a pair of them. */
export interface QuotaFacts {
  /** `user orders-app`, `user orders-app client-id loader`, `user <default>`. */
  readonly entity: string
  readonly limits: Readonly<Record<string, number>>
}

/** A SCRAM user as Kafka tells it: whose password was changed looks as before. */
export interface ScramUserFacts {
  readonly user: string
  readonly mechanisms: readonly string[]
}

/** Who decides on one broker what is allowed. */
export interface AuthorizerFacts {
  readonly brokerId: number
  /** `authorizer.class.name`; empty: nobody, everything is allowed. */
  readonly className: string
}

/** Whose batches a stretch of a log holds, as far as a log tells: neither the principal nor the client id is written down in it. */
export interface WriterFacts {
  /** null: a producer that isn't idempotent has none. */
  readonly producerId: bigint | null
  readonly producerEpoch: number
  /** Sequence number of its last batch's first record; -1 without a producer id. */
  readonly lastSequence: number
  /** Of its last batch, in ms: the producer's clock, or the broker's with LogAppendTime. */
  readonly lastTimestamp: bigint
  readonly transactional: boolean
  readonly records: number
}

/** What one broker answered to the probe's produce request to a partition that doesn't exist (2147483000). */
export type ProbeAnswer = 'fenced' | 'open' | 'unreachable'

export interface BrokerProbe {
  readonly brokerId: number
  readonly answer: ProbeAnswer
  /** The error's text when unreachable. */
  readonly detail: string
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
  /** Order-sensitive digest over key, value, headers and timestamp (not with LogAppendTime); lengths and nulls included. */
  readonly digest: string
}

/** A visible record with all that it is made of, so that it can be appended elsewhere byte for byte; null: a null key or value, a header without one. */
export interface RecordCopy extends VisibleRecord {
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  /** In order; a name may come twice. */
  readonly headers: readonly (readonly [name: Uint8Array, value: Uint8Array | null])[]
}

export type GroupState = 'Empty' | 'Stable' | 'PreparingRebalance' | 'CompletingRebalance' | 'Dead' | 'Unknown'

export interface GroupFacts {
  readonly groupId: string
  readonly state: GroupState
  /** `classic`, `consumer` (KIP-848), `share` (KIP-932), or what the broker says. */
  readonly type: string
  readonly memberCount: number
}

/** How a group committed last: through a producer's transaction (TxnOffsetCommit), or by itself; `unknown`: that could not be found in time. A transaction of more than a day ago may count as plain. */
export type CommitsHow = 'in transactions' | 'plainly' | 'unknown'

/** A member with a `group.instance.id` (KIP-345): the broker keeps it for its session timeout after its process is gone. */
export interface StaticMember {
  readonly memberId: string
  readonly groupInstanceId: string
  readonly clientId: string
}

export interface OpenTransaction {
  /** null: no coordinator knows it, so nothing will end it by itself. */
  readonly transactionalId: string | null
  readonly producerId: bigint
  readonly producerEpoch: number
  readonly state: string
  /** How long it has been open; null when the broker didn't say. */
  readonly ageMs: number | null
  /** What it has written to so far, in order of their names. */
  readonly partitions: readonly TopicPartition[]
}

/** A connector as Connect reports it; `absent` when there is none of that name. */
export interface ConnectorFacts {
  readonly name: string
  readonly state: 'RUNNING' | 'STOPPED' | 'PAUSED' | 'FAILED' | 'UNASSIGNED' | 'RESTARTING' | 'absent'
  readonly tasks: readonly { readonly id: number; readonly state: string; readonly trace: string }[]
  /** Set where the platform says nothing of tasks. */
  readonly tasksUntold?: true
  readonly config: Readonly<Record<string, string>>
}
