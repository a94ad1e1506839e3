/** Connect workers: connectors that copy in transactions, commit how far they came with them, and are fenced by whoever takes their transactional id. */
import type { Colour } from '../../../engine/model/colour.ts'
import type { TopicPartition } from '../../../engine/model/partition.ts'
import { append, endTransaction, firstBroker, leaderOf, logOf, valueAt, visibleOffsets } from './brokers.ts'
import { after, Unanswered, type WorldEvent } from './events.ts'
import { between, type SimulatedConnector, type SimulatedTransaction, type SimulatedWorker, type World } from './world.ts'

/** Records of a partition in one transaction. */
const copiedRecords = 4
const retryMs = 50
/** Mirrors that loop would fill a log for ever, and the run would take minutes: one that holds so many records takes no more copies. Without a loop the longest runs come to half of that. */
const longestLog = 2_500

export function transactionalIdOf(connector: Pick<SimulatedConnector, 'name' | 'target'>): string {
  return `kbg-sim-${connector.target}-${connector.name}-0`
}

function transactionOf(world: World, colour: Colour, id: string): SimulatedTransaction {
  const { transactions } = world.clusters[colour]
  transactions[id] ??= { epoch: 0, open: null, partitions: [] }
  return transactions[id]
}

/** InitProducerId: what was open under the id is aborted, and its former owner is fenced. */
export function initProducerId(world: World, colour: Colour, id: string): number {
  const transaction = transactionOf(world, colour, id)
  if (transaction.open !== null) endTransaction(world, colour, transaction.open, transaction.partitions, false)
  transaction.open = null
  transaction.partitions = []
  transaction.epoch += 1
  return transaction.epoch
}

function partitionsOf(world: World, connector: SimulatedConnector): readonly TopicPartition[] {
  return Object.keys(world.clusters[connector.source].logs).filter((partition) => connector.topics.includes(partition.replace(/-\d+$/, '')))
}

/** Whoever reads this colour has something to look at. */
export function wakeConnectors(world: World, source: Colour): void {
  for (const [worker, { connectors }] of Object.entries(world.workers)) {
    for (const connector of Object.values(connectors)) {
      if (connector.source !== source || connector.task !== 'RUNNING' || connector.isCopying || connector.isMute) continue
      if (partitionsOf(world, connector).every((partition) => nextOffsets(world, connector, partition).length === 0)) continue
      connector.isCopying = true
      schedule(world, worker as Colour, connector, 'copy')
    }
  }
}

function schedule(world: World, worker: Colour, { name, generation }: SimulatedConnector, kind: 'copy' | 'copied', waitMs = 0): void {
  after(world, waitMs + between(world, world.habits.copy), { kind, worker, connector: name, generation })
}

function nextOffsets(world: World, connector: SimulatedConnector, partition: TopicPartition): readonly number[] {
  if (logOf(world.clusters[connector.target], partition).records.length >= longestLog) return []
  const log = logOf(world.clusters[connector.source], partition)
  return visibleOffsets(log, connector.positions[partition] ?? 0, log.records.length).slice(0, copiedRecords)
}

/** Takes up or gives up its task, as its wanted state says. */
export function changeConnector(world: World, connector: SimulatedConnector): void {
  const worker = world.workers[connector.target]
  if (connector.wanted === 'STOPPED') stopTask(world, worker, connector)
  else startTask(world, worker, connector)
  connector.state = connector.wanted
}

/** A clean stop ends with a commit of what was copied. */
function stopTask(world: World, worker: SimulatedWorker, connector: SimulatedConnector): void {
  if (connector.task === 'RUNNING' && connector.isCopying) commitCopied(world, worker, connector)
  connector.task = 'none'
  connector.isCopying = false
  connector.generation += 1
}

/** MirrorMaker goes on behind the offset that was committed; where there is none, with the earliest record. */
function startTask(world: World, worker: SimulatedWorker, connector: SimulatedConnector): void {
  if (connector.task === 'RUNNING') return
  firstBroker(world.clusters[connector.target])
  if (worker.isExactlyOnce) connector.epoch = initProducerId(world, connector.target, transactionalIdOf(connector))
  const committed = worker.offsets[connector.name] ?? {}
  connector.positions = Object.fromEntries(Object.entries(committed).map(([partition, offset]) => [partition, offset + 1]))
  connector.uncommitted = {}
  connector.task = 'RUNNING'
  connector.isCopying = false
  connector.generation += 1
  wakeConnectors(world, connector.source)
}

/** The worker's process dies and comes back: the tasks begin again, from what was committed. */
export function restartWorker(world: World, colour: Colour, ms: number): void {
  world.history.isFaulty = true
  world.workers[colour].upAtMs = Math.max(world.workers[colour].upAtMs, world.nowMs + ms)
  for (const connector of Object.values(world.workers[colour].connectors)) {
    if (connector.task === 'none') continue
    connector.task = 'none'
    connector.isCopying = false
    connector.generation += 1
    after(world, ms, { kind: 'connector', worker: colour, connector: connector.name, generation: connector.generation })
  }
}

/** Appends the next records to the target, in the task's transaction. */
function copy(world: World, worker: SimulatedWorker, connector: SimulatedConnector): void {
  const target = world.clusters[connector.target]
  const id = transactionalIdOf(connector)
  const transaction = transactionOf(world, connector.target, id)
  if (worker.isExactlyOnce && transaction.epoch !== connector.epoch) {
    fail(connector)
    return
  }
  const batches = partitionsOf(world, connector).map((partition) => [partition, nextOffsets(world, connector, partition)] as const)
  for (const [partition, offsets] of batches) if (offsets.length > 0) leaderOf(target, partition)
  const name = worker.isExactlyOnce ? `${id}#${transaction.epoch}#${world.sequence}` : null
  for (const [partition, offsets] of batches) {
    for (const offset of offsets) {
      const value = valueAt(logOf(world.clusters[connector.source], partition), offset)
      append(world, connector.target, partition, { kind: 'data', value, transaction: name, state: name === null ? 'committed' : 'open', sinceMs: world.nowMs })
      connector.positions[partition] = offset + 1
      connector.uncommitted[partition] = offset
    }
  }
  transaction.open = name
  transaction.partitions = name === null ? [] : batches.flatMap(([partition, offsets]) => (offsets.length > 0 ? [partition] : []))
  schedule(world, connector.target, connector, 'copied')
}

function fail(connector: SimulatedConnector): void {
  connector.task = 'FAILED' // ProducerFencedException
  connector.isCopying = false
}

/** Commits records and how far they came in one transaction, once all replicas have them. */
function copied(world: World, worker: SimulatedWorker, connector: SimulatedConnector): void {
  const transaction = transactionOf(world, connector.target, transactionalIdOf(connector))
  if (worker.isExactlyOnce && transaction.epoch !== connector.epoch) {
    fail(connector)
    return
  }
  const logs = transaction.partitions.map((partition) => logOf(world.clusters[connector.target], partition))
  if (logs.some(({ highWatermark, records }) => highWatermark < records.length)) {
    schedule(world, connector.target, connector, 'copied', retryMs / 10)
    return
  }
  commitCopied(world, worker, connector)
  connector.isCopying = false
  wakeConnectors(world, connector.source)
}

function commitCopied(world: World, worker: SimulatedWorker, connector: SimulatedConnector): void {
  const transaction = transactionOf(world, connector.target, transactionalIdOf(connector))
  if (worker.isExactlyOnce && transaction.epoch !== connector.epoch) return
  if (transaction.open !== null) endTransaction(world, connector.target, transaction.open, transaction.partitions, true)
  transaction.open = null
  transaction.partitions = []
  worker.offsets[connector.name] = { ...worker.offsets[connector.name], ...connector.uncommitted }
  connector.uncommitted = {}
}

type MirrorEvent = Extract<WorldEvent, { kind: 'copy' | 'copied' | 'connector' }>

export function performMirrorEvent(world: World, event: MirrorEvent): void {
  const worker = world.workers[event.worker]
  const connector = worker.connectors[event.connector]
  if (connector === undefined || connector.generation !== event.generation) return
  try {
    if (event.kind === 'connector') {
      changeConnector(world, connector)
      return
    }
    if (event.kind === 'copy') {
      copy(world, worker, connector)
      return
    }
    copied(world, worker, connector)
    return
  } catch (thrown) {
    if (!(thrown instanceof Unanswered)) throw thrown
    after(world, retryMs, event)
  }
}
