/** What an orchestrator asks of a Connect worker over REST, and of its offsets topic. */
import type { Colour } from '../../../engine/model/colour.ts'
import { KbgError } from '../../../engine/model/error.ts'
import type { ConnectorFacts } from '../../../engine/model/facts.ts'
import type { TopicPartition } from '../../../engine/model/partition.ts'
import { after, Unanswered } from './events.ts'
import { changeConnector } from './mirror.ts'
import { between, type SimulatedConnector, type World } from './world.ts'

interface OfConnector {
  /** The colour that is copied into. */
  readonly worker: Colour
  readonly name: string
}

type Offsets = Readonly<Record<TopicPartition, number>>

/** @throws Unanswered while it starts: a worker is asked again until it knows, or isn't believed */
function connectorsOf(world: World, worker: Colour): Record<string, SimulatedConnector> {
  const { connectors, upAtMs } = world.workers[worker]
  if (world.nowMs < upAtMs) throw new Unanswered('refused')
  return connectors
}

function connectorOf(world: World, { worker, name }: OfConnector): SimulatedConnector {
  const connector = connectorsOf(world, worker)[name]
  if (connector === undefined) throw new KbgError('connect', `404: there is no connector ${name}.`)
  return connector
}

/** Connect writes down what is wanted; its worker acts on it a moment later. */
function want(world: World, connector: SimulatedConnector, wanted: SimulatedConnector['wanted']): void {
  connector.wanted = wanted
  after(world, between(world, world.habits.connector), {
    kind: 'connector',
    worker: connector.target,
    connector: connector.name,
    generation: connector.generation,
  })
}

export const mirrorOperations = {
  connectors: (world: World, { worker }: Pick<OfConnector, 'worker'>): readonly string[] => Object.keys(connectorsOf(world, worker)),
  'connector facts': (world: World, { worker, name }: OfConnector): ConnectorFacts => {
    const connector = connectorsOf(world, worker)[name]
    if (connector === undefined) return { name, state: 'absent', tasks: [], config: {} }
    const tasks = connector.task === 'none' ? [] : [{ id: 0, state: connector.task, trace: connector.task === 'FAILED' ? 'ProducerFencedException' : '' }]
    return { name, state: connector.state, tasks, config: {} }
  },
  'create connector': (world: World, { worker, name, source, topics }: OfConnector & { readonly source: Colour; readonly topics: readonly string[] }): void => {
    const connectors = connectorsOf(world, worker)
    if (connectors[name] !== undefined) throw new KbgError('connect', `409: connector ${name} is there already.`)
    connectors[name] = {
      ...{ name, source, target: worker, topics, state: 'STOPPED', wanted: 'STOPPED', task: 'none', generation: 0, epoch: 0 },
      ...{ positions: {}, uncommitted: {}, isCopying: false, isMute: false },
    }
  },
  'committed as copied': (world: World, { worker, name }: OfConnector): Offsets => ({ ...world.workers[worker].offsets[name] }),
  'seed connector': (world: World, request: OfConnector & { readonly offsets: Offsets }): void => {
    if (connectorOf(world, request).state !== 'STOPPED') throw new KbgError('connect', `400: ${request.name} is not STOPPED.`)
    world.workers[request.worker].offsets[request.name] = { ...world.workers[request.worker].offsets[request.name], ...request.offsets }
  },
  'resume connector': (world: World, request: OfConnector): void => want(world, connectorOf(world, request), 'RUNNING'),
  'stop connector': (world: World, request: OfConnector): void => want(world, connectorOf(world, request), 'STOPPED'),
  'delete connector': (world: World, request: OfConnector): void => {
    const connectors = connectorsOf(world, request.worker)
    const connector = connectors[request.name]
    if (connector === undefined) return
    connector.wanted = 'STOPPED'
    changeConnector(world, connector)
    delete connectors[request.name]
  },
} as const
