/** Transactions of a routed producer: they wait while held, end before a hold is acknowledged, and are replayed whole when the fence met them. */
import type { Message, Offsets, Producer, ProducerBatch, ProducerRecord, RecordMetadata, Transaction } from 'kafkajs'
import type { Colour } from '../engine/model/colour.ts'
import { KbgError } from '../engine/model/error.ts'
import type { RoutedRecordMetadata } from './parcels.ts'

/** A kafkajs transaction on one colour. */
export interface RoutedTransaction extends Transaction {
  readonly colour: Colour
  send(record: ProducerRecord): Promise<RoutedRecordMetadata[]>
  sendBatch(batch: ProducerBatch): Promise<RoutedRecordMetadata[]>
}

/** A colour's kafkajs producer with its transactional id; replaced when a transaction left it in a state that kafkajs can't leave, or its sequences in doubt. */
export interface TransactionalLane {
  readonly colour: Colour
  producer(): Promise<Producer>
  replaceProducer(): Promise<void>
}

/** What transactions need of the routed producer. */
export interface TransactionGate {
  /** The colour that is open now, in an epoch behind `after`; undefined while there is none. */
  opened(after: number): OpenEpoch | undefined
  /** Resolves when {@link opened} may answer, after `waitMs` at the latest; null: waits for as long as it takes. @throws KbgError `producer-disconnected` */
  whenOpen(after: number, waitMs: number | null): Promise<void>
  monotonicMs(): number
}

/** A transaction that is refused again and again for this long is refused for another reason than a fence: its application lacks the right. */
const denialPatienceMs = 60_000
/** Denied while open: a fence that landed late is lifted again, or the hold is on its way. Running again is harmless: what was refused is aborted. */
const denialPauseMs = 250

/** An epoch in which a colour is open. */
export interface OpenEpoch {
  readonly colour: Colour
  readonly epoch: number
}

/** Says which partition each message goes to, as the producer's partitioner decides. */
export type Split = (topic: string, messages: readonly Message[]) => Promise<ReadonlyMap<number, readonly Message[]>>

/** Begins transactions when a colour is open, and counts those that are open. */
export class Transactions {
  readonly #lanes: Readonly<Record<Colour, TransactionalLane>>
  readonly #gate: TransactionGate
  readonly #split: Split
  readonly #onEnd: () => void
  #open = 0

  constructor(lanes: Readonly<Record<Colour, TransactionalLane>>, gate: TransactionGate, split: Split, onEnd: () => void) {
    this.#lanes = lanes
    this.#gate = gate
    this.#split = split
    this.#onEnd = onEnd
  }

  /** Transactions that have begun and not ended. */
  get openCount(): number {
    return this.#open
  }

  /** Begins a transaction as kafkajs does, as soon as a colour is open. */
  async begin(): Promise<FencedTransaction> {
    let opened = this.#gate.opened(0)
    while (opened === undefined) {
      await this.#gate.whenOpen(0, null)
      opened = this.#gate.opened(0)
    }
    this.#open += 1 // in the same turn in which the gate was open: a hold that comes now waits for this transaction
    const { colour, epoch } = opened
    const lane = this.#lanes[colour]
    const ended = () => {
      this.#open -= 1
      this.#onEnd()
    }
    try {
      const producer = await lane.producer()
      return new FencedTransaction(await producer.transaction(), { colour, epoch, lane, split: this.#split, ended })
    } catch (error) {
      ended()
      throw error
    }
  }

  /**
   * Runs `work` in a transaction and commits it. Refused by the fence, it is aborted and run again, whole, on the colour that is open next, or on the same one once a fence that landed there
   * late is lifted; so `work` must have no effect but its sends.
   *
   * @throws what `work` throws (after aborting); KbgError `outcome-unknown` when the commit's answer was lost; kafkajs' error when the denial is no fence's
   */
  async run<T>(work: (transaction: RoutedTransaction) => Promise<T>): Promise<T> {
    const denials = new Denials()
    for (;;) {
      const transaction = await this.begin()
      let result: T
      try {
        result = await work(transaction)
      } catch (error) {
        await transaction.abortIfActive()
        if (!isDenial(transaction.failure?.error)) throw error
        await this.#afterDenial(transaction, denials)
        continue
      }
      const { failure } = transaction
      if (failure === undefined) {
        await transaction.commit()
        return result
      }
      await transaction.abortIfActive() // the work ignored a failed send: committing the rest would tear it apart
      if (!isDenial(failure.error)) throw failure.error
      await this.#afterDenial(transaction, denials)
    }
  }

  /** Waits for another epoch, or a moment. @throws the denial when it has lasted for too long in one epoch */
  async #afterDenial({ epoch, failure }: FencedTransaction, denials: Denials): Promise<void> {
    if (denials.lastForMs(epoch, this.#gate.monotonicMs()) > denialPatienceMs) throw failure?.error
    await this.#gate.whenOpen(epoch, denialPauseMs)
  }
}

/** Since when one epoch has refused a transaction. */
class Denials {
  #epoch = 0
  #sinceMs = 0

  lastForMs(epoch: number, nowMs: number): number {
    if (epoch !== this.#epoch) this.#sinceMs = nowMs
    this.#epoch = epoch
    return nowMs - this.#sinceMs
  }
}

/** kafkajs' transaction, watched for the fence. */
export class FencedTransaction implements RoutedTransaction {
  readonly colour: Colour
  readonly epoch: number
  readonly #inner: Transaction
  readonly #lane: TransactionalLane
  readonly #split: Split
  readonly #ended: () => void
  /** By partition: settles with the last send to it. */
  readonly #lastSends = new Map<string, Promise<unknown>>()
  #over = false
  #failure: Failure | undefined

  constructor(inner: Transaction, parts: OpenEpoch & { readonly lane: TransactionalLane; readonly split: Split; readonly ended: () => void }) {
    this.#inner = inner
    this.colour = parts.colour
    this.epoch = parts.epoch
    this.#lane = parts.lane
    this.#split = parts.split
    this.#ended = parts.ended
  }

  /** Why a send of it failed, a denial before anything else: it can only be aborted then. */
  get failure(): Failure | undefined {
    return this.#failure
  }

  isActive(): boolean {
    return !this.#over && this.#inner.isActive()
  }

  send(record: ProducerRecord): Promise<RoutedRecordMetadata[]> {
    const { topic, messages, ...options } = record
    return this.sendBatch({ ...options, topicMessages: [{ topic, messages }] })
  }

  /**
   * One kafkajs send for each partition. kafkajs retries a send as soon as one of its brokers refused, while its requests to the others are still on
   * their way, and then sends those once more under new sequence numbers: the brokers take both (measured: 4 % of all records, while brokers answered
   * CONCURRENT_TRANSACTIONS). With one partition there is nothing else on its way.
   *
   * Those to one partition go one after the other, and none after one that failed: kafkajs gives the sequence of a send whose answer was lost to the next one,
   * and a broker that has those records takes others of the same number for a copy of them: acknowledged, and not written.
   */
  sendBatch(batch: ProducerBatch): Promise<RoutedRecordMetadata[]> {
    const { topicMessages, ...options } = batch
    return this.#watched(async () => {
      const parts = await Promise.all((topicMessages ?? []).map(async ({ topic, messages }) => ({ topic, split: await this.#split(topic, messages) })))
      const sends = parts.flatMap(({ topic, split }) =>
        [...split].map(([partition, messages]) =>
          this.#inTurn(`${topic}-${partition}`, () =>
            this.#inner.send({ ...options, topic, messages: messages.map((message) => ({ ...message, partition })) }),
          ),
        ),
      )
      const results = await Promise.allSettled(sends) // all of them: an abort must not overtake one that is still on its way
      return results.flatMap((result) => {
        if (result.status === 'rejected') throw result.reason
        return result.value
      })
    })
  }

  async sendOffsets(offsets: Offsets & { consumerGroupId: string }): Promise<void> {
    try {
      await this.#inner.sendOffsets(offsets)
    } catch (error) {
      throw this.#failed(error)
    }
  }

  /** @throws KbgError `transaction-failed` when one of its sends had failed, as Kafka's own client: it is to be aborted; `outcome-unknown` when the answer was lost */
  async commit(): Promise<void> {
    if (this.#failure !== undefined && this.isActive()) {
      throw new KbgError('transaction-failed', 'This transaction can only be aborted: one of its sends failed.', {
        facts: { colour: this.colour },
        cause: this.#failure.error,
      })
    }
    await this.#end(
      () => this.#inner.commit(),
      (cause) =>
        new KbgError('outcome-unknown', 'Whether this transaction was committed is unknown.', {
          facts: { colour: this.colour },
          remedy: 'Running it again may write its records twice.',
          cause,
        }),
    )
  }

  async abort(): Promise<void> {
    await this.#end(
      () => this.#inner.abort(),
      (cause) => cause,
    )
  }

  /** Aborts; an abort that fails ends the producer instead, whose successor aborts what is left open. */
  async abortIfActive(): Promise<void> {
    if (this.isActive()) await this.abort().catch(() => undefined) // #end has replaced the producer, which is the stronger abort
  }

  async #watched(send: () => Promise<RecordMetadata[]>): Promise<RoutedRecordMetadata[]> {
    try {
      return (await send()).map((metadata) => ({ ...metadata, colour: this.colour }))
    } catch (error) {
      throw this.#failed(error)
    }
  }

  #failed(error: unknown): unknown {
    if (this.#failure === undefined || !isDenial(this.#failure.error)) this.#failure = { error }
    return error
  }

  /** One send to a partition at a time, and none behind a failed one. */
  async #inTurn(partition: string, send: () => Promise<RecordMetadata[]>): Promise<RecordMetadata[]> {
    const previous = this.#lastSends.get(partition) ?? Promise.resolve()
    const sent = previous.then(() => send())
    this.#lastSends.set(partition, sent)
    return await sent
  }

  /**
   * kafkajs can't leave its committing or aborting state after an error: a new producer with the same id takes over, and aborts what is open. One takes over too
   * when a send has failed: with another epoch its sequences begin anew, as in Kafka's own client (KIP-360).
   */
  async #end(end: () => Promise<void>, failure: (cause: unknown) => unknown): Promise<void> {
    if (this.#over) return end() // refused by kafkajs: it has ended already
    try {
      await end()
    } catch (error) {
      await this.#replaceProducer()
      this.#isOver()
      throw failure(error)
    }
    // Replaced in the same turn in which it ends: whoever begins next meets the new one. A hold needn't wait for it, since nothing is open any more.
    const replaced = this.#failure === undefined ? undefined : this.#replaceProducer()
    this.#isOver()
    await replaced
  }

  #isOver(): void {
    this.#over = true
    this.#ended()
  }

  async #replaceProducer(): Promise<void> {
    await this.#lane.replaceProducer().catch(() => undefined) // the next transaction meets, and tells, the obstacle
  }
}

/** Why a transaction can only be aborted. */
interface Failure {
  readonly error: unknown
}

/** AddPartitionsToTxn and Produce refuse with TOPIC_AUTHORIZATION_FAILED; the other partitions of such a request with OPERATION_NOT_ATTEMPTED. */
function isDenial(error: unknown): error is Error {
  for (let each = error; each instanceof Error; each = each.cause) {
    const type = 'type' in each ? each.type : undefined
    if (type === 'TOPIC_AUTHORIZATION_FAILED' || type === 'OPERATION_NOT_ATTEMPTED') return true
  }
  return false
}
