/** Producers: one value of a partition under way at a time, a denial is a definite no, and an answer that was lost is asked for again under the same sequence. */
import type { Colour } from '../../../engine/model/colour.ts'
import type { TopicPartition } from '../../../engine/model/partition.ts'
import { writableColour } from '../../../engine/model/route.ts'
import { answering, append, brokerOf, logOf } from './brokers.ts'
import { register } from './clients.ts'
import { after, Unanswered, type WorldEvent } from './events.ts'
import { noteAppend } from './invariants.ts'
import { wakeConnectors } from './mirror.ts'
import { advanceTransaction, beginTransaction, transactionDenied } from './transactions.ts'
import { applicationPartitions, between, type Sending, type SimulatedCluster, type SimulatedProducer, type World } from './world.ts'

/** A denied send is tried again after this while the route is open: the fence is being lifted. */
const denialPauseMs = 50
const retryMs = 100

function producerOf(world: World, clientId: string): SimulatedProducer {
  const producer = world.producers[clientId]
  if (producer === undefined) throw new Error(`no producer ${clientId}`)
  return producer
}

/** The colour that a producer writes to now; null while held. */
function openColour({ follows }: SimulatedProducer): Colour | null {
  return follows.route === null ? null : writableColour(follows.route)
}

export function isBusy(producer: SimulatedProducer): boolean {
  return Object.keys(producer.underWay).length > 0 || producer.transaction !== null
}

/** Acts on a newer route: holds, or goes on where it says. */
export function followProducer(world: World, producer: SimulatedProducer): void {
  if (openColour(producer) === null) {
    acknowledgeHold(world, producer)
    return
  }
  register(world, producer, 'running', producer.follows.epoch)
  pump(world, producer)
}

/** A hold is acknowledged when nothing is on its way any more. */
export function acknowledgeHold(world: World, producer: SimulatedProducer): void {
  if (producer.follows.route === null || openColour(producer) !== null || isBusy(producer)) return
  register(world, producer, 'held', producer.follows.epoch)
}

function produceNext(world: World, producer: SimulatedProducer): void {
  if (producer.left <= 0) return
  producer.left -= 1
  for (const partition of applicationPartitions) {
    const number = producer.next[partition] ?? 0
    producer.next[partition] = number + 1
    const waiting = producer.waiting[partition] ?? []
    producer.waiting[partition] = waiting
    waiting.push(`${producer.clientId}:${partition}:${number}`)
  }
  pump(world, producer)
  after(world, between(world, world.habits.produceEvery), { kind: 'produce-next', clientId: producer.clientId })
}

/** Starts what can be started; nothing while held. */
export function pump(world: World, producer: SimulatedProducer): void {
  const colour = openColour(producer)
  if (colour === null) return
  if (producer.kind === 'transactional-producer') {
    beginTransaction(world, producer, colour)
    return
  }
  for (const partition of applicationPartitions) {
    if (producer.underWay[partition] !== undefined) continue
    const value = producer.waiting[partition]?.shift()
    if (value !== undefined) send(world, producer, partition, { value, colour, attempt: 0, offset: null, isInDoubt: false })
  }
}

export function send(world: World, producer: SimulatedProducer, partition: TopicPartition, sending: Sending, waitMs = 0): void {
  producer.attempts += 1
  sending.attempt = producer.attempts
  producer.underWay[partition] = sending
  const { clientId } = producer
  after(world, waitMs + between(world, world.habits.request), { kind: 'produce', clientId, partition, attempt: sending.attempt })
}

/** The request stands before its leader: permission first, then the sequence, then the log. */
function arrive(world: World, producer: SimulatedProducer, partition: TopicPartition, sending: Sending): void {
  const cluster = world.clusters[sending.colour]
  const log = logOf(cluster, partition)
  const broker = answering(brokerOf(cluster, log.leader))
  if (broker.isFenced) {
    denied(world, producer, partition, sending)
    return
  }
  if (world.straggleMs !== null) {
    straggle(world, producer, partition, sending)
    return
  }
  const known = log.records.findIndex((record) => record.kind === 'data' && record.value === sending.value && record.state !== 'aborted')
  if (known >= 0) sending.offset = known
  else appendOwn(world, producer, partition, sending)
  if (log.highWatermark > (sending.offset ?? 0)) noteWatermark(world, cluster, partition)
}

/** It is past its permission check, and waits before the log. */
function straggle(world: World, { clientId }: SimulatedProducer, partition: TopicPartition, { attempt }: Sending): void {
  after(world, world.straggleMs ?? 0, { kind: 'append-late', clientId, partition, attempt })
  world.straggleMs = null
}

function appendOwn(world: World, producer: SimulatedProducer, partition: TopicPartition, sending: Sending): void {
  const transaction = producer.transaction?.name ?? null
  const state = transaction === null ? 'committed' : 'open'
  sending.offset = append(world, sending.colour, partition, { kind: 'data', value: sending.value, transaction, state, sinceMs: world.nowMs })
  noteAppend(world, sending.colour, sending.value)
}

/** Surely not written, unless an earlier try was: then nobody can tell any more. */
function denied(world: World, producer: SimulatedProducer, partition: TopicPartition, sending: Sending): void {
  delete producer.underWay[partition]
  if (producer.transaction !== null) transactionDenied(world, producer)
  else if (sending.isInDoubt || sending.offset !== null) world.history.unknown.push(sending.value)
  else {
    const waiting = producer.waiting[partition] ?? []
    producer.waiting[partition] = waiting
    waiting.unshift(sending.value)
    after(world, denialPauseMs, { kind: 'pump', clientId: producer.clientId })
  }
  acknowledgeHold(world, producer)
}

/** More is committed in a partition: acknowledgements go out, and whoever reads it is woken. */
export function noteWatermark(world: World, cluster: SimulatedCluster, partition: TopicPartition): void {
  const { highWatermark } = logOf(cluster, partition)
  for (const { clientId, underWay } of Object.values(world.producers)) {
    const sending = underWay[partition]
    if (sending === undefined || sending.colour !== cluster.colour || sending.offset === null || sending.offset >= highWatermark) continue
    after(world, between(world, world.habits.request), { kind: 'acknowledge', clientId, partition, attempt: sending.attempt })
  }
  wakeConnectors(world, cluster.colour)
}

function acknowledged(world: World, producer: SimulatedProducer, partition: TopicPartition, sending: Sending): void {
  delete producer.underWay[partition]
  if (producer.transaction !== null) {
    advanceTransaction(world, producer)
    return
  }
  world.history.acknowledged[sending.value] = sending.colour
  pump(world, producer)
  acknowledgeHold(world, producer)
}

/** A leader is gone: what was sent to it is asked for again, and may have been written. */
export function askAgain(world: World, cluster: SimulatedCluster, brokerId: number): void {
  for (const producer of Object.values(world.producers)) {
    for (const [partition, sending] of Object.entries(producer.underWay)) {
      if (sending.colour !== cluster.colour || logOf(cluster, partition).leader !== brokerId) continue
      sending.isInDoubt ||= sending.offset !== null
      sending.offset = null
      send(world, producer, partition, sending, retryMs)
    }
  }
}

type ProducerEvent = Extract<WorldEvent, { kind: 'produce-next' | 'pump' | 'produce' | 'acknowledge' | 'append-late' }>

export function performProducerEvent(world: World, event: ProducerEvent): void {
  const producer = producerOf(world, event.clientId)
  if (!('partition' in event)) {
    if (event.kind === 'pump') pump(world, producer)
    else produceNext(world, producer)
    return
  }
  const sending = producer.underWay[event.partition]
  if (sending === undefined || sending.attempt !== event.attempt) return
  if (event.kind === 'acknowledge') {
    acknowledged(world, producer, event.partition, sending)
    return
  }
  if (event.kind === 'append-late') {
    const cluster = world.clusters[sending.colour]
    const isFenced = brokerOf(cluster, logOf(cluster, event.partition).leader).isFenced
    if (isFenced && cluster.isMirrorFenced) world.history.late.push(sending.value)
    appendOwn(world, producer, event.partition, sending)
    return
  }
  try {
    arrive(world, producer, event.partition, sending)
  } catch (thrown) {
    if (!(thrown instanceof Unanswered)) throw thrown
    // A paused broker looks at it when it goes on, a new leader when there is one.
    if (thrown.untilMs !== undefined) after(world, thrown.untilMs - world.nowMs, event)
    else send(world, producer, event.partition, sending, retryMs)
  }
}
