import type { AuditFacts } from './audit-facts.ts'
import type { Colour } from './colour.ts'
import type {
  AclBinding,
  AuthorizerFacts,
  BrokerProbe,
  ClusterFacts,
  CommitsHow,
  ConnectorFacts,
  GroupFacts,
  OpenTransaction,
  QuorumFacts,
  QuotaFacts,
  ScramUserFacts,
  TopicFacts,
} from './facts.ts'
import type { GuardianSight } from './guardian-sight.ts'
import type { GroupPosition, JournalEntry } from './journal.ts'
import type { Unmirrored } from './loss.ts'
import type { PartitionOffsets } from './partition.ts'
import type { ProducerIds } from './producer-ids.ts'
import type { ClientRegistration, RouteDocument } from './route.ts'
import type { UnprovenGroups } from './wiring.ts'

/** One observation: a value, or why there is none. A missing value is never taken for a good one. */
export type Reading<T> = { readonly seen: true; readonly value: T } | { readonly seen: false; readonly why: string }

/** The metadata quorum, looked at before and behind everything else of a snapshot: these are the later facts. */
export interface ObservedQuorum extends QuorumFacts {
  /** The leader's epoch at the first look. */
  readonly firstLeaderEpoch: number
}

/** What was observed of one colour. */
export interface ColourSnapshot {
  readonly colour: Colour
  readonly expectedClusterId: string
  readonly cluster: Reading<ClusterFacts>
  readonly topics: Reading<readonly TopicFacts[]>
  readonly acls: Reading<readonly AclBinding[]>
  readonly quotas: Reading<readonly QuotaFacts[]>
  readonly scramUsers: Reading<readonly ScramUserFacts[]>
  readonly authorizers: Reading<readonly AuthorizerFacts[]>
  readonly quorum: Reading<ObservedQuorum>
  readonly groups: Reading<readonly GroupFacts[]>
  readonly openTransactions: Reading<readonly OpenTransaction[]>
  readonly probes: Reading<readonly BrokerProbe[]>
  /** Of the catalog's topics. */
  readonly producers: Reading<ProducerIds>
}

/**
 * One sample of the mirror's lag, measured at both logs: the source's last visible records were noted, then waited for, first in Connect's committed
 * offsets, then as a record on the target.
 */
export type LagSample =
  | { readonly kind: 'caught-up'; readonly lagMs: number; readonly lagRecords: number }
  | { readonly kind: 'behind'; readonly waitedMs: number; readonly lagRecords: number; readonly where: readonly string[] }
  | { readonly kind: 'unseen'; readonly why: string }

export interface MirrorSnapshot {
  /** The connector that copies source -> target; null: the journal names none. */
  readonly forward: Reading<ConnectorFacts | null>
  /** Connectors on the source's worker that would copy target -> source and are not stopped. */
  readonly runningBackwards: Reading<readonly string[]>
  readonly lag: readonly LagSample[]
}

/** What one group has committed on both sides. The target's was read first: what a live group commits meanwhile can't make it look as if it were ahead there. */
export interface GroupCommits {
  readonly groupId: string
  readonly onTarget: Reading<PartitionOffsets>
  readonly onSource: Reading<PartitionOffsets>
}

/** The groups that the route has on the source, and where the audit's maps put them. */
export interface GroupsSnapshot {
  /** In order of their names; neither those that are left out by rule nor those that stay by name. */
  readonly commits: readonly GroupCommits[]
  /** Their positions on the target as of now; null: the fleet has no audit. */
  readonly positions: Reading<readonly GroupPosition[]> | null
  /** Up to where the audit had compared each partition a moment before. */
  readonly compared: ReadonlyMap<string, Readonly<Record<Colour, bigint>>>
}

export interface RouteSnapshot {
  readonly route: RouteDocument | null
  readonly journal: readonly JournalEntry[]
}

/** One place where the route is published. */
export interface PublicationFacts {
  readonly place: string
  /** The newest epoch that is told there; 0: none. */
  readonly epoch: Reading<number>
  /** Why the largest route of this move couldn't be told there; null: it can. */
  readonly unfit: string | null
}

/** Everything that a gate judges, read-only and bounded in time. */
export interface Snapshot {
  /** Milliseconds since 1970, by the observer's wall clock. */
  readonly observedAtMs: number
  readonly source: Colour
  readonly target: Colour
  readonly topics: readonly string[]
  readonly route: Reading<RouteSnapshot>
  readonly clients: Reading<readonly ClientRegistration[]>
  /** Where the route is published; empty: nowhere, or not asked. */
  readonly publications: readonly PublicationFacts[]
  readonly colours: Readonly<Record<Colour, ColourSnapshot>>
  readonly mirror: MirrorSnapshot
  /** What stands on the source only; null: the mirror keeps up, so that wasn't counted. */
  readonly unmirrored: Reading<Unmirrored> | null
  /** What the audit's workers say; null: the fleet has none. */
  readonly audit: Reading<AuditFacts> | null
  /** What guardians see of both colours' brokers; null: only a failover asks them. */
  readonly sights: Reading<readonly GuardianSight[]> | null
  /** The colours that a guardian is to stand beside. */
  readonly guardians: readonly Colour[]
  /** The catalog's groups, whether they are there or not. */
  readonly catalogGroups: readonly string[]
  /** Groups that the operator has named. */
  readonly unprovenGroups: UnprovenGroups
  /** Groups that waves of this move would take to the standby while the producers stay; none for a switchover. */
  readonly waveGroups: readonly string[]
  /** How those committed last on the source. */
  readonly waveCommits: Reading<ReadonlyMap<string, CommitsHow>>
  readonly groups: Reading<GroupsSnapshot>
  /** The exact bindings of a fence: parity ignores them. */
  readonly fenceBindings: readonly AclBinding[]
  /** Users that are no applications, by the colour that they exist on: parity ignores them and what is theirs. */
  readonly ownUsers: Readonly<Record<Colour, readonly string[]>>
}
