import { z } from 'zod'
import type { ClusterAccess } from '../../model/cluster-access.ts'
import { KbgError } from '../../model/error.ts'
import type { ConnectorFacts } from '../../model/facts.ts'
import { connectOffsetsTopic, connectorConfig } from '../../model/mirror-template.ts'
import type { PartitionOffsets } from '../../model/partition.ts'
import type { WorkerAccess } from '../../model/wiring.ts'
import type { Deadline } from '../../ports/clock.ts'
import type { Mirror } from '../../ports/mirror.ts'
import { ConnectRest } from './connect-rest.ts'
import { copiedOffsetsOf, OffsetsAnswer, requireOffsets, seedable, seedBody } from './offsets-body.ts'
import { OffsetsTopic } from './offsets-topic.ts'

/** How often a connector's state is read while waiting for it: Connect has no notification. */
const statePauseMs = 25

const State = z.enum(['RUNNING', 'STOPPED', 'PAUSED', 'FAILED', 'UNASSIGNED', 'RESTARTING'])
const StatusAnswer = z.object({
  connector: z.object({ state: State, trace: z.string().optional() }),
  tasks: z.array(z.object({ id: z.int().nonnegative(), state: z.string(), trace: z.string().optional() })),
})
const ConfigAnswer = z.record(z.string(), z.string())
const WorkerAnswer = z.object({ kafka_cluster_id: z.string() })

/** The two colours of an edge and the worker that copies. */
export interface MirrorEdge {
  readonly source: ClusterAccess
  readonly target: ClusterAccess
  /** It stands beside `target`. */
  readonly worker: WorkerAccess
}

/**
 * The mirror edge `source -> target` over the REST interface of the target's Connect worker. Opens nothing before the first call.
 *
 * @throws KbgError `wrong-worker` when the worker stands beside another colour
 */
export function connectMirror(edge: MirrorEdge): Mirror {
  if (edge.worker.colour !== edge.target.colour) {
    throw new KbgError('wrong-worker', 'A mirror runs on the worker beside its target.', {
      facts: { observed: edge.worker.colour, required: edge.target.colour },
    })
  }
  return new ConnectMirror(edge)
}

class ConnectMirror implements Mirror {
  readonly changeMs = 30_000
  readonly #edge: MirrorEdge
  readonly #rest: ConnectRest
  readonly #offsetsTopic: OffsetsTopic

  constructor(edge: MirrorEdge) {
    this.#edge = edge
    this.#rest = new ConnectRest(edge.worker)
    this.#offsetsTopic = new OffsetsTopic(edge.target, connectOffsetsTopic(edge.target.colour))
  }

  get source() {
    return this.#edge.source.colour
  }

  get target() {
    return this.#edge.target.colour
  }

  connectors(deadline: Deadline): Promise<readonly string[]> {
    const refusal = "Can't list the connectors."
    return this.#rest.complete(refusal, () => this.#rest.ask({ method: 'GET', path: '/connectors', refusal }, z.array(z.string()), deadline), deadline)
  }

  /** Whoever takes a connector for gone lets the other direction run: that one isn't there is asked behind the worker's word that it knows. */
  async facts(name: string, deadline: Deadline): Promise<ConnectorFacts> {
    const told = await this.#told(name, deadline)
    return told.state === 'absent' ? this.#rest.complete(`Can't read connector ${name}.`, () => this.#told(name, deadline), deadline) : told
  }

  async #told(name: string, deadline: Deadline): Promise<ConnectorFacts> {
    const refusal = `Can't read connector ${name}.`
    // In this order: the configuration is told once the worker has read what it has stored, a status also while it is half read.
    const config = await this.#rest.find({ method: 'GET', path: `${pathOf(name)}/config`, refusal }, ConfigAnswer, deadline)
    if (config === undefined) return { name, state: 'absent', tasks: [], config: {} }
    const status = await this.#rest.find({ method: 'GET', path: `${pathOf(name)}/status`, refusal }, StatusAnswer, deadline)
    // Its config is stored, but no worker has taken it up yet.
    if (status === undefined) return { name, state: 'UNASSIGNED', tasks: [], config }
    return {
      name,
      state: status.connector.state,
      tasks: status.tasks.map((task) => ({ id: task.id, state: task.state, trace: firstLines(task.trace) })),
      config,
    }
  }

  async createStopped(name: string, topics: readonly string[], deadline: Deadline): Promise<void> {
    const refusal = `Can't create connector ${name}.`
    await this.#requireOwnWorker(deadline)
    const config = connectorConfig({ source: this.#edge.source, target: this.#edge.target, worker: this.#edge.worker, topics })
    const body = JSON.stringify({ name, config, initial_state: 'STOPPED' })
    await this.#rest.ask({ method: 'POST', path: '/connectors', body, refusal }, z.object({ name: z.literal(name) }), deadline)
    await this.#until(name, 'STOPPED', isStopped, deadline)
  }

  copiedOffsets(name: string, deadline: Deadline): Promise<PartitionOffsets> {
    return this.#offsetsTopic.committed(name, this.source, deadline)
  }

  async seed(name: string, lastCopied: PartitionOffsets, deadline: Deadline): Promise<void> {
    const required = seedable(lastCopied)
    const before = await this.#offsetsInConnect(name, deadline)
    if (before.size > 0) {
      // A rerun after the seed was written but before that was journaled finds its own offsets; anything else has run before.
      requireOffsets(name, 'has run or been seeded before', required, before)
      return
    }
    if (required.size > 0) {
      const body = seedBody(this.source, required)
      await this.#rest.ask({ method: 'PATCH', path: `${pathOf(name)}/offsets`, body, refusal: `Can't seed connector ${name}.` }, z.unknown(), deadline)
    }
    requireOffsets(name, 'was not seeded as told', required, await this.#offsetsInConnect(name, deadline))
  }

  /** Connect's own reading of its offsets, slow and thorough: what a task will start from. */
  async #offsetsInConnect(name: string, deadline: Deadline): Promise<PartitionOffsets> {
    const request = { method: 'GET', path: `${pathOf(name)}/offsets`, refusal: `Can't read the offsets of connector ${name}.` } as const
    return copiedOffsetsOf(await this.#rest.ask(request, OffsetsAnswer, deadline), this.source)
  }

  async resume(name: string, deadline: Deadline): Promise<void> {
    await this.#rest.ask({ method: 'PUT', path: `${pathOf(name)}/resume`, refusal: `Can't resume connector ${name}.` }, z.unknown(), deadline)
    await this.#until(name, 'RUNNING', isRunning, deadline)
  }

  async stop(name: string, deadline: Deadline): Promise<void> {
    await this.#rest.ask({ method: 'PUT', path: `${pathOf(name)}/stop`, refusal: `Can't stop connector ${name}.` }, z.unknown(), deadline)
    await this.#until(name, 'STOPPED', isStopped, deadline)
  }

  /**
   * Stops and resumes. Connect's own restart only helps a task that has noticed; a task that was fenced while it had nothing to copy is still
   * shown as RUNNING, and fails with its next record. This way a task's absence in between has been seen.
   */
  async restartTasks(name: string, deadline: Deadline): Promise<void> {
    await this.stop(name, deadline)
    await this.resume(name, deadline)
  }

  async delete(name: string, deadline: Deadline): Promise<void> {
    const refusal = `Can't delete connector ${name}.`
    await this.#rest.find({ method: 'DELETE', path: pathOf(name), refusal }, z.unknown(), deadline)
    await deadline.poll(statePauseMs, async () => ((await this.connectors(deadline)).includes(name) ? undefined : true))
  }

  async transactionalIds(name: string, deadline: Deadline): Promise<readonly string[]> {
    const request = { method: 'GET', path: `${pathOf(name)}/config`, refusal: `Can't read the configuration of connector ${name}.` } as const
    const tasks = Number((await this.#rest.ask(request, ConfigAnswer, deadline))['tasks.max'] ?? 1)
    // Worker.taskTransactionalId. All ids that the connector can ever have, not only those of tasks that run now.
    return Array.from({ length: tasks }, (_, task) => `${this.#edge.worker.groupId}-${name}-${task}`)
  }

  async close(): Promise<void> {
    this.#offsetsTopic.close()
  }

  async #requireOwnWorker(deadline: Deadline): Promise<void> {
    const { kafka_cluster_id: observed } = await this.#rest.ask(
      { method: 'GET', path: '/', refusal: "Can't ask the Connect worker who it is." },
      WorkerAnswer,
      deadline,
    )
    if (observed === this.#edge.target.clusterId) return
    throw new KbgError('wrong-worker', `The Connect worker at ${this.#edge.worker.restUrl} doesn't stand beside ${this.target}.`, {
      facts: { observed, required: this.#edge.target.clusterId },
      remedy: 'With exactly-once the worker has to use the target as its own Kafka cluster.',
    })
  }

  async #until(name: string, wanted: string, reached: (facts: ConnectorFacts) => boolean, deadline: Deadline): Promise<void> {
    let last: ConnectorFacts | undefined
    try {
      await deadline.poll(statePauseMs, async () => {
        last = await this.facts(name, deadline)
        refuseFailed(last, wanted)
        return reached(last) ? true : undefined
      })
    } catch (error) {
      if (!(error instanceof KbgError) || error.code !== 'deadline' || last === undefined) throw error
      throw new KbgError('connector-state', `Connector ${name} didn't become ${wanted} in time.`, {
        retriable: true,
        facts: { observed: describe(last), required: wanted, waitedMs: Math.round(deadline.totalMs) },
        cause: error,
      })
    }
  }
}

function isStopped(facts: ConnectorFacts): boolean {
  return facts.state === 'STOPPED' && facts.tasks.length === 0
}

function isRunning(facts: ConnectorFacts): boolean {
  return facts.state === 'RUNNING' && facts.tasks.length > 0 && facts.tasks.every((task) => task.state === 'RUNNING')
}

/** A failed task never recovers by itself, so waiting for it would only cost time. Stopping one is fine. */
function refuseFailed(facts: ConnectorFacts, wanted: string): void {
  const failed = facts.tasks.filter((task) => task.state === 'FAILED')
  if (wanted !== 'RUNNING' || (facts.state !== 'FAILED' && failed.length === 0)) return
  throw new KbgError('connector-failed', `Connector ${facts.name} failed.`, {
    facts: { observed: describe(facts), required: wanted, trace: failed.map((task) => task.trace) },
    remedy: 'The worker log says more.',
  })
}

function describe(facts: ConnectorFacts): string {
  return `${facts.state}, tasks ${facts.tasks.map((task) => `${task.id}: ${task.state}`).join(', ') || 'none'}`
}

function pathOf(name: string): string {
  return `/connectors/${encodeURIComponent(name)}`
}

/** A Java stack trace's message and causes, without its frames. */
function firstLines(trace: string | undefined): string {
  return (trace ?? '')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('\tat ') && !line.startsWith('\t...'))
    .join(' ')
    .slice(0, 1_000)
}
