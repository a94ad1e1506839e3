import type { ConnectorState } from '@aws-sdk/client-kafkaconnect'
import type { ClusterAccess } from '../../model/cluster-access.ts'
import { KbgError, messageOf } from '../../model/error.ts'
import type { ConnectorFacts } from '../../model/facts.ts'
import { configurationFor, type MskConnectWorker, requireApplied } from '../../model/msk-connect-worker.ts'
import type { PartitionOffsets } from '../../model/partition.ts'
import type { Deadline } from '../../ports/clock.ts'
import type { Mirror } from '../../ports/mirror.ts'
import { BrokerConnections } from '../kafka/connections.ts'
import { knownTransactionalIds } from '../kafka/transactions.ts'
import { type ListedConnector, MskConnectApi } from './msk-connect-api.ts'
import { OffsetsStore } from './offsets-store.ts'

/** How often a connector is looked at while waiting for it: MSK Connect tells nobody. */
const statePauseMs = 1_000
/** AWS gives no bound; creating takes ten minutes and more. */
const changeMs = 30 * 60_000

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
  readonly #api: MskConnectApi
  readonly #store: OffsetsStore
  readonly #brokers: BrokerConnections

  /** @throws KbgError `wrong-worker` */
  constructor(edge: MskMirrorEdge) {
    if (edge.worker.colour !== edge.target.colour) {
      throw new KbgError('wrong-worker', 'A mirror runs beside its target.', { facts: { observed: edge.worker.colour, required: edge.target.colour } })
    }
    this.#edge = edge
    this.#api = new MskConnectApi(edge.worker.region)
    this.#store = new OffsetsStore(edge.target)
    this.#brokers = new BrokerConnections(edge.target, 'operator')
  }

  get source() {
    return this.#edge.source.colour
  }

  get target() {
    return this.#edge.target.colour
  }

  async connectors(deadline: Deadline): Promise<readonly string[]> {
    const { namePrefix } = this.#edge.worker
    const [listed, declared] = await Promise.all([this.#listed(deadline), this.#store.declared(deadline)])
    return [...new Set([...listed.keys(), ...declared.keys()])].map((name) => name.slice(namePrefix.length))
  }

  async facts(name: string, deadline: Deadline): Promise<ConnectorFacts> {
    const found = await this.#find(name, deadline)
    const described = found === undefined ? undefined : await this.#api.describe(found.arn, deadline)
    if (described?.connectorState !== undefined) {
      return { name, state: states[described.connectorState], tasks: [], tasksUntold: true, config: described.connectorConfiguration ?? {} }
    }
    const topics = (await this.#store.declared(deadline)).get(this.#named(name))
    if (topics === undefined) return { name, state: 'absent', tasks: [], config: {} }
    return { name, state: 'STOPPED', tasks: [], config: configurationFor(this.#edge.worker.request, topics) }
  }

  async createStopped(name: string, topics: readonly string[], deadline: Deadline): Promise<void> {
    const { state } = await this.facts(name, deadline)
    if (state !== 'absent') {
      throw new KbgError('connector-exists', `Can't create connector ${name}.`, {
        facts: { observed: state },
        remedy: 'A connector name is used once: take a new one.',
      })
    }
    configurationFor(this.#edge.worker.request, topics) // refuses what can't be mirrored
    await this.#store.declare(this.#named(name), topics, deadline)
  }

  copiedOffsets(name: string, deadline: Deadline): Promise<PartitionOffsets> {
    return this.#store.committed(this.#named(name), this.source, deadline)
  }

  async seed(name: string, lastCopied: PartitionOffsets, deadline: Deadline): Promise<void> {
    const { state } = await this.facts(name, deadline)
    if (state !== 'STOPPED') throw new KbgError('bad-seed', `Connector ${name} can't be seeded now.`, { facts: { observed: state, required: 'STOPPED' } })
    await this.#store.seed(this.#named(name), this.source, lastCopied, deadline)
  }

  async resume(name: string, deadline: Deadline): Promise<void> {
    const real = this.#named(name)
    const topics = (await this.#store.declared(deadline)).get(real)
    if (topics === undefined) throw new KbgError('connector-absent', `Connector ${name} can't be resumed: nobody has created it.`)
    const before = await this.#find(name, deadline)
    // A failed one doesn't recover by itself, and the name of one that is ending isn't free yet.
    if (before?.state === 'FAILED' || before?.state === 'DELETING') await this.stop(name, deadline)
    const { request } = this.#edge.worker
    const connectorConfiguration = configurationFor(request, topics)
    if ((await this.#find(name, deadline)) === undefined) await this.#create(name, connectorConfiguration, deadline)
    const described = await this.#until(name, 'RUNNING', deadline, async (found) => {
      if (found?.state === 'FAILED') throw await this.#failed(name, found, deadline)
      return found?.state === 'RUNNING' ? await this.#api.describe(found.arn, deadline) : undefined
    })
    requireApplied(name, { ...request, connectorConfiguration: { ...connectorConfiguration } }, { ...described })
  }

  /** An answer that was lost, or was preceded by a try of the client's own that took effect, is answered by looking. */
  async #create(name: string, configuration: ReturnType<typeof configurationFor>, deadline: Deadline): Promise<void> {
    try {
      await this.#api.create(this.#named(name), this.#edge.worker.request, configuration, deadline)
    } catch (thrown) {
      const mayBeThere = thrown instanceof KbgError && ['connector-exists', 'outcome-unknown'].includes(thrown.code)
      if (!mayBeThere || (await this.#find(name, deadline)) === undefined) throw thrown
    }
  }

  async stop(name: string, deadline: Deadline): Promise<void> {
    await this.#until(name, 'gone', deadline, async (found) => {
      if (found === undefined) return true
      // MSK Connect refuses the end of what it is still making.
      if (found.state === 'RUNNING' || found.state === 'FAILED' || found.state === 'PAUSED') await this.#api.delete(found.arn, deadline)
      return undefined
    })
  }

  async restartTasks(name: string, deadline: Deadline): Promise<void> {
    await this.stop(name, deadline)
    await this.resume(name, deadline)
  }

  async delete(name: string, deadline: Deadline): Promise<void> {
    await this.stop(name, deadline)
    await this.#store.withdraw(this.#named(name), deadline)
  }

  /** MSK Connect names its workers' group itself, so the ids are looked for on the target: a task's ends with the connector's name and the task's number (`Worker.taskTransactionalId`). */
  async transactionalIds(name: string, deadline: Deadline): Promise<readonly string[]> {
    const end = `-${this.#named(name)}-`
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
    this.#api.close()
  }

  #named(name: string): string {
    return `${this.#edge.worker.namePrefix}${name}`
  }

  async #listed(deadline: Deadline): Promise<ReadonlyMap<string, ListedConnector>> {
    const all = await this.#api.list(this.#edge.worker.namePrefix, deadline)
    return new Map(all.map((each) => [each.name, each]))
  }

  async #find(name: string, deadline: Deadline): Promise<ListedConnector | undefined> {
    const real = this.#named(name)
    return (await this.#api.list(real, deadline)).find((each) => each.name === real)
  }

  async #failed(name: string, { arn }: ListedConnector, deadline: Deadline): Promise<KbgError> {
    const { code, message } = (await this.#api.describe(arn, deadline))?.stateDescription ?? {}
    return new KbgError('connector-failed', `Connector ${name} failed.`, {
      facts: { observed: 'FAILED', required: 'RUNNING', code: code ?? 'none', said: message ?? 'nothing' },
      remedy: 'The log of its workers says more.',
    })
  }

  async #until<T>(name: string, wanted: string, deadline: Deadline, reached: (found: ListedConnector | undefined) => Promise<T | undefined>): Promise<T> {
    let last = 'unknown'
    try {
      return await deadline.poll(statePauseMs, async () => {
        try {
          const found = await this.#find(name, deadline)
          last = found?.state ?? 'gone'
          return await reached(found)
        } catch (thrown) {
          if (!(thrown instanceof KbgError) || !thrown.retriable || thrown.code === 'deadline') throw thrown
          last = messageOf(thrown) // one answer less in a wait of minutes
          return undefined
        }
      })
    } catch (error) {
      if (!(error instanceof KbgError) || error.code !== 'deadline') throw error
      throw new KbgError('connector-state', `Connector ${name} didn't become ${wanted} in time.`, {
        retriable: true,
        facts: { observed: last, required: wanted, waitedMs: Math.round(deadline.totalMs) },
        cause: error,
      })
    }
  }
}

/** MSK Connect's states as Connect's: what is being made or ended isn't stopped. */
const states: Readonly<Record<ConnectorState, ConnectorFacts['state']>> = {
  ...{ RUNNING: 'RUNNING', FAILED: 'FAILED', PAUSING: 'PAUSED', PAUSED: 'PAUSED', CREATING: 'UNASSIGNED', DELETING: 'UNASSIGNED' },
  ...{ RESUMING: 'RESTARTING', RESTARTING: 'RESTARTING', UPDATING: 'RESTARTING' },
}
