/** Transactional producers: one record to each partition, then a commit or an abort; a refused transaction is replayed whole. A fence doesn't end what is open. */
import type { Colour } from '../../../engine/model/colour.ts'
import { endTransaction, firstBroker } from './brokers.ts'
import { after, Unanswered, type WorldEvent } from './events.ts'
import { acknowledgeHold, pump, send } from './sending.ts'
import { applicationPartitions, between, chance, type SimulatedProducer, type World } from './world.ts'

const replayPauseMs = 50
const retryMs = 100

/** Begins one when there is something to send and none is open. */
export function beginTransaction(world: World, producer: SimulatedProducer, colour: Colour): void {
  if (producer.transaction !== null) return
  const values = applicationPartitions.flatMap((partition) => {
    const value = producer.waiting[partition]?.shift()
    return value === undefined ? [] : [[partition, value] as const]
  })
  if (values.length === 0) return
  producer.transactions += 1
  producer.transaction = { name: `${producer.clientId}-${producer.transactions}`, startedAtMs: world.nowMs, colour, values, isRefused: false, isEnding: false }
  for (const [partition, value] of values) send(world, producer, partition, { value, colour, attempt: 0, offset: null, isInDoubt: false })
}

/** All records are written: it is committed, or aborted by the application. */
export function advanceTransaction(world: World, producer: SimulatedProducer): void {
  const { transaction } = producer
  if (transaction === null || transaction.isEnding || Object.keys(producer.underWay).length > 0) return
  transaction.isEnding = true
  const commit = !transaction.isRefused && !chance(world, world.habits.aborts)
  after(world, between(world, world.habits.transaction), { kind: 'end-transaction', clientId: producer.clientId, name: transaction.name, commit })
}

export function transactionDenied(world: World, producer: SimulatedProducer): void {
  if (producer.transaction !== null) producer.transaction.isRefused = true
  advanceTransaction(world, producer)
}

type EndEvent = Extract<WorldEvent, { kind: 'end-transaction' }>

/** EndTxn needs no right on topics: what was written before the fence can be committed behind it. */
export function performEnd(world: World, event: EndEvent): void {
  const producer = world.producers[event.clientId]
  const transaction = producer?.transaction
  if (producer === undefined || transaction === undefined || transaction === null || transaction.name !== event.name) return
  try {
    firstBroker(world.clusters[transaction.colour])
  } catch (thrown) {
    if (!(thrown instanceof Unanswered)) throw thrown
    after(world, thrown.untilMs === undefined ? retryMs : thrown.untilMs - world.nowMs, event)
    return
  }
  const written = transaction.values.filter(([partition, value]) =>
    world.clusters[transaction.colour].logs[partition]?.records.some(
      (record) => record.kind === 'data' && record.value === value && record.transaction === event.name,
    ),
  )
  endTransaction(
    world,
    transaction.colour,
    transaction.name,
    written.map(([partition]) => partition),
    event.commit,
  )
  producer.transaction = null
  if (event.commit) for (const [, value] of transaction.values) world.history.acknowledged[value] = transaction.colour
  else if (transaction.isRefused) replay(world, producer, transaction.values)
  else world.history.aborted.push(...transaction.values.map(([, value]) => value))
  acknowledgeHold(world, producer)
  if (transaction.isRefused) after(world, replayPauseMs, { kind: 'pump', clientId: producer.clientId })
  else pump(world, producer)
}

/** The same records again, under a name of their own. */
function replay(_world: World, producer: SimulatedProducer, values: NonNullable<SimulatedProducer['transaction']>['values']): void {
  for (const [partition, value] of values) {
    const waiting = producer.waiting[partition] ?? []
    producer.waiting[partition] = waiting
    waiting.unshift(value)
  }
}
