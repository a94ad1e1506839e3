import { describeTransactionsV0, initProducerIdV5, listTransactionsV1 } from '@platformatic/kafka'
import { KbgError } from '../../model/error.ts'
import { type TopicPartition, topicPartition } from '../../model/partition.ts'
import type { Clock, Deadline } from '../../ports/clock.ts'
import type { OpenTransaction, Transactions } from '../../ports/cluster.ts'
import type { BrokerConnection } from './broker-connection.ts'
import type { BrokerConnections } from './connections.ts'
import { Coordinators } from './coordinators.ts'
import type { KafkaProducers } from './producers.ts'
import { errorName, persistently, requireNone } from './refusal.ts'
import type { Scope } from './scope.ts'

/** States in which a transaction still holds the last stable offset back (TransactionState). */
const openStates = ['Ongoing', 'PrepareCommit', 'PrepareAbort', 'PrepareEpochFence'] as const
/** The fenced producer's next transaction could last that long; there will be none. */
const transactionTimeoutMs = 60_000
/** Between two attempts while the coordinator writes abort markers, which takes some ten milliseconds; a switchover waits for it. */
const fencePauseMs = 5

/** {@link Transactions} by ListTransactions on every broker, DescribeProducers and InitProducerId. */
export class KafkaTransactions implements Transactions {
  readonly #connections: BrokerConnections
  readonly #coordinators: Coordinators
  readonly #producers: KafkaProducers
  readonly #clock: Clock
  readonly #scope: Scope

  constructor(connections: BrokerConnections, producers: KafkaProducers, clock: Clock, scope: Scope) {
    this.#scope = scope
    this.#connections = connections
    this.#producers = producers
    this.#clock = clock
    this.#coordinators = new Coordinators(connections, 'transaction')
  }

  /** Every broker lists the transactions that it coordinates: all must answer. A transaction that no coordinator knows shows only in the last stable offset. */
  async open(deadline: Deadline): Promise<readonly OpenTransaction[]> {
    return persistently(deadline, async () => {
      const metadata = await this.#connections.metadata([], deadline)
      const lists = metadata.brokers.map(async ({ nodeId }) => openOn(await this.#connections.broker(nodeId, deadline), this.#clock, deadline))
      return (await Promise.all(lists)).flat().filter(({ transactionalId }) => this.#scope.transactionalId(transactionalId ?? ''))
    })
  }

  async idsOf(producerIds: readonly bigint[], deadline: Deadline): Promise<ReadonlyMap<bigint, string>> {
    const wanted = [...producerIds]
    return persistently(deadline, async () => {
      const metadata = await this.#connections.metadata([], deadline)
      const lists = metadata.brokers.map(async ({ nodeId }) => {
        const broker = await this.#connections.broker(nodeId, deadline)
        const listed = await broker.request('ListTransactions', listTransactionsV1.api, [[], wanted, -1n, null], 'none', deadline)
        requireNone(listed.errorCode, "Can't list the transactions.")
        return listed.transactionStates.map(({ producerId, transactionalId }) => [producerId, transactionalId] as const)
      })
      return new Map((await Promise.all(lists)).flat())
    })
  }

  /** A producer that a leader holds for open and no coordinator lists hangs: its age is then that of its last record there. */
  async holding(partitions: readonly TopicPartition[], deadline: Deadline): Promise<readonly OpenTransaction[]> {
    const [listed, active] = await Promise.all([this.open(deadline), this.#producers.states(partitions, deadline)])
    const known = new Map(listed.map((transaction) => [transaction.producerId, transaction]))
    const nowMs = this.#clock.wallClock().getTime()
    const open = active.filter(({ currentTxnStartOffset }) => currentTxnStartOffset >= 0n)
    return [...Map.groupBy(open, ({ producerId }) => producerId)].map(([producerId, own]) => {
      const told = known.get(producerId)
      if (told) return told
      const lastMs = own.reduce((last, { lastTimestamp }) => (lastTimestamp > last ? lastTimestamp : last), -1n)
      const where = own.map(({ partition }) => partition).sort()
      return { transactionalId: null, producerId, producerEpoch: own[0]?.producerEpoch ?? -1, state: 'hanging', ageMs: ageMs(lastMs, nowMs), partitions: where }
    })
  }

  async fenceIds(transactionalIds: readonly string[], deadline: Deadline): Promise<void> {
    await Promise.all(transactionalIds.map((id) => this.#fence(id, deadline)))
  }

  /** While the coordinator aborts what was open it answers CONCURRENT_TRANSACTIONS; when it answers with an epoch, that has ended. */
  async #fence(transactionalId: string, deadline: Deadline): Promise<void> {
    const args: [string, number, bigint, number] = [transactionalId, transactionTimeoutMs, -1n, -1]
    const attempt = async (coordinator: BrokerConnection): Promise<void> => {
      const answer = await coordinator.request('InitProducerId', initProducerIdV5.api, args, 'repeatable', deadline)
      requireNone(answer.errorCode, `Can't fence the transactional id ${transactionalId}.`)
    }
    await this.#coordinators.ask(transactionalId, deadline, attempt, () => fencePauseMs)
  }
}

/** Every transactional id that a coordinator knows, in whichever state. */
export async function knownTransactionalIds(connections: BrokerConnections, deadline: Deadline): Promise<readonly string[]> {
  return persistently(deadline, async () => {
    const lists = (await connections.brokerIds(deadline)).map(async (brokerId) => {
      const broker = await connections.broker(brokerId, deadline)
      const listed = await broker.request('ListTransactions', listTransactionsV1.api, [[], [], -1n, null], 'none', deadline)
      requireNone(listed.errorCode, "Can't list the transactional ids.")
      return listed.transactionStates.map(({ transactionalId }) => transactionalId)
    })
    return (await Promise.all(lists)).flat()
  })
}

async function openOn(broker: BrokerConnection, clock: Clock, deadline: Deadline): Promise<readonly OpenTransaction[]> {
  const listed = await broker.request('ListTransactions', listTransactionsV1.api, [[...openStates], [], -1n, null], 'none', deadline)
  requireNone(listed.errorCode, "Can't list the transactions.")
  if (listed.transactionStates.length === 0) return []
  const ids = listed.transactionStates.map(({ transactionalId }) => transactionalId)
  const described = await broker.request('DescribeTransactions', describeTransactionsV0.api, [ids], 'none', deadline)
  const nowMs = clock.wallClock().getTime()
  return listed.transactionStates.flatMap(({ transactionalId, producerId, transactionState }) => {
    const facts = described.transactionStates.find((state) => state.transactionalId === transactionalId)
    if (!facts) throw new KbgError('kafka', `Nothing was said about the transaction of ${transactionalId}.`, { facts: { error: 'NONE' } })
    if (errorName(facts.errorCode) === 'TRANSACTIONAL_ID_NOT_FOUND') return [] // ended and expired since it was listed
    requireNone(facts.errorCode, `Can't describe the transaction of ${transactionalId}.`)
    const partitions = facts.topics.flatMap(({ topic, partitions: own }) => own.map((partition) => topicPartition(topic, partition))).sort()
    const age = ageMs(facts.transactionStartTimeMs, nowMs)
    return [{ transactionalId, producerId, producerEpoch: facts.producerEpoch, state: transactionState, ageMs: age, partitions }]
  })
}

/** The start is the broker's wall clock, so the age is as good as the two clocks agree; null when it can't be true. */
function ageMs(startMs: bigint, nowMs: number): number | null {
  if (startMs < 0n) return null
  const age = nowMs - Number(startMs)
  return age < 0 ? null : age
}
