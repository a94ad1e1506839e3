import type { ClusterAccess } from '../../model/cluster-access.ts'
import { KbgError } from '../../model/error.ts'
import type { ConnectorFacts } from '../../model/facts.ts'
import type { MskConnectWorker } from '../../model/msk-connect-worker.ts'
import type { PartitionOffsets } from '../../model/partition.ts'
import type { Deadline } from '../../ports/clock.ts'
import type { Mirror } from '../../ports/mirror.ts'
import { BrokerConnections } from '../kafka/connections.ts'
import { knownTransactionalIds } from '../kafka/transactions.ts'
import { MskConnectors } from './msk-connectors.ts'
import { OffsetsStore } from './offsets-store.ts'

/** AWS gives no bound; creating takes ten minutes and more. */
export const changeMs = 30 * 60_000

/** A mirror edge on MSK Connect. */
export interface MskMirrorEdge {
  readonly source: ClusterAccess
  readonly target: ClusterAccess
  readonly worker: MskConnectWorker
}

/**
 * The mirror edge `source -> target` on MSK Connect, where each connector has workers of its own, there is no REST, and the end of a connector is its only stop. What is created here STOPPED, or
 * was stopped, is a declaration in Connect's offsets topic on the target; resuming makes the connector under the same name, which goes on at the offsets that the topic holds for that name.
 */
export class MskMirror implements Mirror {
  readonly changeMs = changeMs
  readonly #edge: MskMirrorEdge
  readonly #connectors: MskConnectors
  readonly #store: OffsetsStore
  readonly #brokers: BrokerConnections

  /** @throws KbgError `wrong-worker` */
  constructor(edge: MskMirrorEdge) {
    if (edge.worker.colour !== edge.target.colour) {
      throw new KbgError('wrong-worker', 'A mirror runs beside its target.', { facts: { observed: edge.worker.colour, required: edge.target.colour } })
    }
    this.#edge = edge
    this.#store = new OffsetsStore(edge.target)
    this.#connectors = new MskConnectors(edge.worker, this.#store)
    this.#brokers = new BrokerConnections(edge.target, 'operator')
  }

  get source() {
    return this.#edge.source.colour
  }

  get target() {
    return this.#edge.target.colour
  }

  connectors(deadline: Deadline): Promise<readonly string[]> {
    return this.#connectors.names(deadline)
  }

  facts(name: string, deadline: Deadline): Promise<ConnectorFacts> {
    return this.#connectors.facts(name, deadline)
  }

  createStopped(name: string, topics: readonly string[], deadline: Deadline): Promise<void> {
    return this.#connectors.declare(name, topics, deadline)
  }

  copiedOffsets(name: string, deadline: Deadline): Promise<PartitionOffsets> {
    return this.#store.committed(this.#connectors.named(name), this.source, deadline)
  }

  async seed(name: string, lastCopied: PartitionOffsets, deadline: Deadline): Promise<void> {
    const { state } = await this.facts(name, deadline)
    if (state !== 'STOPPED') throw new KbgError('bad-seed', `Connector ${name} can't be seeded now.`, { facts: { observed: state, required: 'STOPPED' } })
    await this.#store.seed(this.#connectors.named(name), this.source, lastCopied, deadline)
  }

  resume(name: string, deadline: Deadline): Promise<void> {
    return this.#connectors.run(name, deadline)
  }

  stop(name: string, deadline: Deadline): Promise<void> {
    return this.#connectors.end(name, deadline)
  }

  async restartTasks(name: string, deadline: Deadline): Promise<void> {
    await this.stop(name, deadline)
    await this.resume(name, deadline)
  }

  delete(name: string, deadline: Deadline): Promise<void> {
    return this.#connectors.remove(name, deadline)
  }

  /** MSK Connect names its workers' group itself, so the ids are looked for on the target: a task's ends with the connector's name and the task's number (`Worker.taskTransactionalId`). */
  async transactionalIds(name: string, deadline: Deadline): Promise<readonly string[]> {
    const end = `-${this.#connectors.named(name)}-`
    const ids = (await knownTransactionalIds(this.#brokers, deadline)).filter((id) => id.replace(/\d+$/, '').endsWith(end) && /\d$/.test(id))
    if (ids.length > 0) return ids
    throw new KbgError('transactional-id', `No transactional id of connector ${name} is known on ${this.target}.`, {
      facts: { required: `one that ends with ${end}0` },
      remedy: 'Without it the mirror could not be kept from writing: it has never run there, or not with exactly-once.',
    })
  }

  async close(): Promise<void> {
    this.#store.close()
    this.#brokers.close()
    this.#connectors.close()
  }
}
