import type { Colour } from '../model/colour.ts'
import type { ConnectorFacts } from '../model/facts.ts'
import type { PartitionOffsets } from '../model/partition.ts'
import type { Deadline } from './clock.ts'

export type { ConnectorFacts } from '../model/facts.ts'

/** A directed mirror edge: the MirrorSource connectors `source -> target`, on Kafka Connect beside `target`. */
export interface Mirror {
  readonly source: Colour
  readonly target: Colour
  /** How long a connector may take to start, or to stop, on this platform. */
  readonly changeMs: number
  /** Names of all connectors there, those of a worker that is starting too: nobody is told of fewer than are stored. */
  connectors(deadline: Deadline): Promise<readonly string[]>
  /** `absent` only where it is known not to be stored; else it throws. */
  facts(name: string, deadline: Deadline): Promise<ConnectorFacts>
  /** Creates the connector STOPPED from the template. An existing one of that name is refused: a name is used once. */
  createStopped(name: string, topics: readonly string[], deadline: Deadline): Promise<void>
  /** Last source offset that Connect has committed as copied, by partition. */
  copiedOffsets(name: string, deadline: Deadline): Promise<PartitionOffsets>
  /** Seeds a connector that has never run: offset = last source offset that must not be copied again. Partitions that aren't named start at the earliest record. */
  seed(name: string, lastCopied: PartitionOffsets, deadline: Deadline): Promise<void>
  resume(name: string, deadline: Deadline): Promise<void>
  stop(name: string, deadline: Deadline): Promise<void>
  /** Restarts the connector's failed tasks: after its transactional ids were fenced and the switchover aborted. */
  restartTasks(name: string, deadline: Deadline): Promise<void>
  delete(name: string, deadline: Deadline): Promise<void>
  /** The ids under which the connector's exactly-once tasks write (`<group.id>-<connector>-<task>`, Kafka Connect KIP-618). */
  transactionalIds(name: string, deadline: Deadline): Promise<readonly string[]>
  /** Ends what {@link copiedOffsets} has opened. */
  close(): Promise<void>
}
