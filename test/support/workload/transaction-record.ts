import type { Colour } from '../../../engine/model/colour.ts'
import { type EventOf, type HistoryWriter, nowNs } from '../history/index.ts'
import type { ProducerLoad } from './config.ts'

type Action = EventOf<'txn'>['action']
type Result = EventOf<'txn'>['result']

/** Writes what happens to a transaction into the history. A client may run it several times: each try is a transaction of its own, and all but the last are aborted. */
export class TransactionRecord {
  readonly #history: HistoryWriter
  readonly #producer: string
  readonly #name: string
  #tries = 0
  #phase: 'before' | 'sending' | 'ending' = 'before'
  #wanted: 'commit' | 'abort' = 'commit'
  #sinceNs = nowNs()

  constructor(parts: { readonly history: HistoryWriter; readonly load: ProducerLoad }, name: string) {
    this.#history = parts.history
    this.#producer = parts.load.id
    this.#name = name
  }

  /** Whether anything may have been sent. */
  get began(): boolean {
    return this.#phase !== 'before'
  }

  /** @returns the name of this try */
  begin(): string {
    if (this.began) this.#write('abort', 'ok', null, null) // the client runs it again, so it has aborted the try before
    this.#tries++
    this.#phase = 'sending'
    this.#write('begin', 'ok', null, null)
    return this.#triesName()
  }

  /** Everything was sent; the client is about to end it. */
  ending(wanted: 'commit' | 'abort'): void {
    this.#phase = 'ending'
    this.#wanted = wanted
    this.#sinceNs = nowNs()
  }

  ended(colour: Colour | null): void {
    this.#write(this.#wanted, 'ok', null, colour)
  }

  /** A commit that failed may have taken effect; without a commit the transaction is aborted, by the client or by the broker. */
  failed(error: string): void {
    if (this.#phase === 'before') this.#write('begin', 'failed', error, null)
    else if (this.#phase === 'ending' && this.#wanted === 'commit') this.#write('commit', 'unknown', error, null)
    else this.#write('abort', 'failed', error, null)
  }

  #write(action: Action, result: Result, error: string | null, colour: Colour | null): void {
    const names = { producer: this.#producer, transaction: this.#triesName() }
    const atNs = nowNs()
    this.#history.write({ type: 'txn', ...names, action, result, error, colour, invokedAtNs: this.#sinceNs, atNs })
    this.#sinceNs = atNs
  }

  #triesName(): string {
    return `${this.#name}.${this.#tries}`
  }
}
