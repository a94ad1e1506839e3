import { IntColumn, Names } from './columns.ts'
import type { EventOf, SendOutcome } from './events.ts'

/**
 * What may and must be seen of a value, from what its sender was told.
 *
 * `acked`: once. `unknown`: never or once. `aborted`, `denied`: never. `unsent`: nobody sent it, never.
 */
export type Fate = 'acked' | 'unknown' | 'aborted' | 'denied' | 'unsent'

/** How a send call, or the transaction that it belongs to, ended; bits, because a value may be sent again. */
const bit = { acked: 1, unknown: 2, aborted: 4, denied: 8 } as const
const commitBit = { ok: bit.acked, failed: bit.aborted, unknown: bit.unknown } as const
const noTransaction = -1
const noPlace = -1
const severalPlaces = -2

/** How the ledger numbers a value: an index into its columns. */
export type ValueNumber = number

/** All values that anybody sent or saw, with what became of each according to its sender. */
export class Ledger {
  readonly #ids = new Names()
  readonly topics = new Names()
  readonly #orders = new Names()
  readonly #transactions = new Names()

  // one entry for each value
  readonly #topic = new IntColumn()
  readonly #order = new IntColumn()
  readonly #place = new IntColumn()
  readonly #fate = new IntColumn()

  // one entry for each attempt to send a value
  readonly #attemptValue = new IntColumn()
  readonly #attemptTransaction = new IntColumn()
  readonly #attemptOutcome = new IntColumn()

  readonly #transactionOutcome: number[] = []
  readonly #openCalls = new Map<string, { first: number; partitions: readonly number[]; transactional: boolean }>()
  readonly sendErrors = new Map<string, number>()
  readonly transactionErrors = new Map<string, number>()

  /** The number of the value with this id; an id that was never sent gets one too. */
  number(id: string): ValueNumber {
    const number = this.#ids.number(id)
    if (number === this.#topic.length) {
      this.#topic.push(-1)
      this.#order.push(-1)
      this.#place.push(noPlace)
      this.#fate.push(0)
    }
    return number
  }

  id(value: ValueNumber): string {
    return this.#ids.name(value)
  }

  /** How many values there are; numbers are below it. */
  get size(): number {
    return this.#topic.length
  }

  /** How many orders there are: see {@link orderOf}. */
  get orders(): number {
    return this.#orders.size
  }

  /** The topic that the value was sent to; -1 when it was not sent. */
  topicOf(value: ValueNumber): number {
    return this.#topic.at(value)
  }

  /** The sequence that the value belongs to: same producer, topic and key (or partition, without a key). -1 when it was not sent. */
  orderOf(value: ValueNumber): number {
    return this.#order.at(value)
  }

  /**
   * When the value was sent, as a number that grows with each record that its producer sent. Negative when it has no place in its order, because the application sent
   * it more than once with an effect, or because it should not be visible at all.
   */
  placeOf(value: ValueNumber): number {
    return this.#place.at(value)
  }

  /** The value that was sent at this place. */
  valueAt(place: number): ValueNumber {
    return this.#attemptValue.at(place)
  }

  send(event: EventOf<'send'>): void {
    const topic = this.topics.number(event.topic)
    const transaction = event.transaction === null ? noTransaction : this.#transaction(event.producer, event.transaction)
    this.#openCalls.set(`${event.producer} ${event.call}`, {
      first: this.#attemptValue.length,
      partitions: event.partitions,
      transactional: event.transaction !== null,
    })
    event.seqs.forEach((seq, index) => {
      const value = this.number(`${event.producer}:${seq}`)
      const place = event.keys[index] ?? `#${event.partitions[index]}`
      this.#topic.set(value, topic)
      this.#order.set(value, this.#orders.number(`${event.producer}\n${event.topic}\n${place}`))
      this.#attemptValue.push(value)
      this.#attemptTransaction.push(transaction)
      this.#attemptOutcome.push(bit.unknown) // until the result says otherwise: the process may have died in between
    })
  }

  sendResult(event: EventOf<'sendResult'>): void {
    const call = `${event.producer} ${event.call}`
    const open = this.#openCalls.get(call)
    if (!open) {
      this.#countError(this.sendErrors, `a result without a call: ${call}`)
      return
    }
    this.#openCalls.delete(call)
    const byPartition = new Map(event.outcomes.map((outcome) => [outcome.partition, outcome]))
    open.partitions.forEach((partition, index) => {
      const outcome = byPartition.get(partition) ?? byPartition.get(null)
      this.#attemptOutcome.set(open.first + index, outcome ? outcomeBit(outcome) : bit.unknown)
      if (open.transactional) return // an error inside a transaction is one only if the transaction's own end says so: it may have been run again
      if (outcome === undefined) this.#countError(this.sendErrors, `no outcome for partition ${partition} of ${call}`)
      else if (outcome.outcome !== 'acked') this.#countError(this.sendErrors, `${outcome.outcome}: ${outcome.error}`)
    })
  }

  transaction(event: EventOf<'txn'>): void {
    const number = this.#transaction(event.producer, event.transaction)
    if (event.result !== 'ok') this.#countError(this.transactionErrors, `${event.action} ${event.result}: ${event.error ?? 'no reason'}`)
    const before = this.#transactionOutcome[number]
    if (event.action === 'commit') this.#transactionOutcome[number] = commitBit[event.result]
    // An abort that failed may still come; without a commit nobody else can commit it. After a commit of unknown outcome only a done abort decides.
    if (event.action === 'abort' && (event.result === 'ok' || before === undefined)) this.#transactionOutcome[number] = bit.aborted
  }

  /** Draws the sum of all attempts. To be called when every event has been added. */
  settle(): void {
    for (let attempt = 0; attempt < this.#attemptValue.length; attempt++) {
      const value = this.#attemptValue.at(attempt)
      const outcome = this.#settledOutcome(attempt)
      this.#fate.set(value, this.#fate.at(value) | outcome)
      if (outcome === bit.acked || outcome === bit.unknown) this.#place.set(value, this.#place.at(value) === noPlace ? attempt : severalPlaces)
    }
  }

  /** What may and must be seen of the value. */
  fateOf(value: ValueNumber): Fate {
    const fate = this.#fate.at(value)
    if (fate & bit.acked) return 'acked'
    if (fate & bit.unknown) return 'unknown'
    if (fate & bit.aborted) return 'aborted'
    return fate & bit.denied ? 'denied' : 'unsent'
  }

  /** Transactions whose outcome nobody knows, each with its values: they must be visible as a whole or not at all. */
  unknownTransactions(): ReadonlyMap<string, readonly ValueNumber[]> {
    const found = new Map<string, ValueNumber[]>()
    for (let attempt = 0; attempt < this.#attemptValue.length; attempt++) {
      const transaction = this.#attemptTransaction.at(attempt)
      if (transaction === noTransaction || this.#outcomeOf(transaction) !== bit.unknown) continue
      const name = this.#transactions.name(transaction)
      const values = found.get(name) ?? []
      found.set(name, values)
      values.push(this.#attemptValue.at(attempt))
    }
    return found
  }

  #settledOutcome(attempt: number): number {
    const outcome = this.#attemptOutcome.at(attempt)
    const transaction = this.#attemptTransaction.at(attempt)
    if (transaction === noTransaction || outcome === bit.denied) return outcome
    const decided = this.#outcomeOf(transaction)
    return decided === bit.acked ? outcome : decided
  }

  #outcomeOf(transaction: number): number {
    return this.#transactionOutcome[transaction] ?? bit.unknown
  }

  #transaction(producer: string, name: string): number {
    return this.#transactions.number(`${producer} ${name}`)
  }

  #countError(errors: Map<string, number>, text: string): void {
    errors.set(text, (errors.get(text) ?? 0) + 1)
  }
}

function outcomeBit(outcome: SendOutcome): number {
  return bit[outcome.outcome]
}
