import type { AuditFacts } from './audit-facts.ts'
import type { Colour } from './colour.ts'
import type { AclBinding, BrokerProbe, ClusterFacts, ConnectorFacts, GroupFacts, OpenTransaction, QuorumFacts, TopicFacts } from './facts.ts'
import type { JournalEntry } from './journal.ts'
import type { ClientRegistration, RouteDocument } from './route.ts'

/** One observation: a value, or why there is none. A missing value is never taken for a good one. */
export type Reading<T> = { readonly seen: true; readonly value: T } | { readonly seen: false; readonly why: string }

/** What was observed of one colour. */
export interface ColourSnapshot {
  readonly colour: Colour
  readonly expectedClusterId: string
  readonly cluster: Reading<ClusterFacts>
  readonly topics: Reading<readonly TopicFacts[]>
  readonly acls: Reading<readonly AclBinding[]>
  readonly quorum: Reading<QuorumFacts>
  readonly groups: Reading<readonly GroupFacts[]>
  readonly openTransactions: Reading<readonly OpenTransaction[]>
  readonly probes: Reading<readonly BrokerProbe[]>
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

export interface RouteSnapshot {
  readonly route: RouteDocument | null
  readonly journal: readonly JournalEntry[]
}

/** Everything that a gate judges, read-only and bounded in time. */
export interface Snapshot {
  readonly source: Colour
  readonly target: Colour
  readonly topics: readonly string[]
  readonly route: Reading<RouteSnapshot>
  readonly clients: Reading<readonly ClientRegistration[]>
  readonly colours: Readonly<Record<Colour, ColourSnapshot>>
  readonly mirror: MirrorSnapshot
  /** What the audit's workers say; null: the fleet has none. */
  readonly audit: Reading<AuditFacts> | null
  /** The exact bindings of a fence: parity ignores them. */
  readonly fenceBindings: readonly AclBinding[]
}
