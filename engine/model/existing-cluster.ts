import type { AclBinding, AuthorizerFacts, BrokerFacts, CommitsHow, GroupFacts, QuorumFacts, QuotaFacts, ScramUserFacts, TopicFacts } from './facts.ts'
import type { Reading } from './snapshot.ts'

/** One consumer group of a cluster that is to be adopted, as two looks at its offsets show it. */
export interface ExistingGroup extends GroupFacts {
  /** Topics on which it has committed, sorted. */
  readonly topics: readonly string[]
  /** Records between its offsets and the high watermarks. */
  readonly lagRecords: number
  /** What it commits in a second; 0 also where it stood still while it was looked at. */
  readonly recordsPerSecond: number
  readonly commits: CommitsHow
}

/** A request that this project sends and a broker doesn't answer at that version. */
export interface UnspokenApi {
  readonly brokerId: number
  /** Kafka's name, for example `ListTransactions`. */
  readonly api: string
  readonly required: number
  /** The versions that it speaks, `none` or `0-8`. */
  readonly observed: string
}

/** One broker's own configuration, as far as a colour depends on it. */
export interface BrokerSettings {
  readonly brokerId: number
  /** Names of the listeners for clients, without the controllers'. */
  readonly clientListeners: readonly string[]
  readonly autoCreatesTopics: boolean
  readonly electsUncleanLeaders: boolean
  /** Server properties that its topics inherit where they say nothing themselves, as far as they are set: not Kafka's defaults. */
  readonly topicDefaults: Readonly<Record<string, string>>
}

/** All that is read of a cluster that is to be adopted. What couldn't be read says why: it is unknown, and never taken for good. */
export interface ExistingCluster {
  readonly clusterId: string
  readonly brokers: readonly BrokerFacts[]
  /** The user that asked; null: nobody had to log in. */
  readonly askedAs: string | null
  readonly unspokenApis: readonly UnspokenApi[]
  readonly topics: readonly TopicFacts[]
  readonly settings: Reading<readonly BrokerSettings[]>
  readonly authorizers: Reading<readonly AuthorizerFacts[]>
  readonly quorum: Reading<QuorumFacts>
  readonly acls: Reading<readonly AclBinding[]>
  readonly quotas: Reading<readonly QuotaFacts[]>
  readonly scramUsers: Reading<readonly ScramUserFacts[]>
  readonly groups: Reading<readonly ExistingGroup[]>
}
