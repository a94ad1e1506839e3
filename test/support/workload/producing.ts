import type { Colour } from '../../../engine/model/colour.ts'
import { KbgError, messageOf } from '../../../engine/model/error.ts'
import { encodeValue, type HistoryWriter, nowNs, type SendOutcome } from '../history/index.ts'
import type { ProducerLoad, TopicLoad } from './config.ts'
import type { WorkloadProducer, WorkloadRecord } from './factory.ts'
import { type PlannedRecord, Schedule } from './schedule.ts'
import type { RunTally } from './tally.ts'
import { TransactionRecord } from './transaction-record.ts'

/** More than this is never sent in one call, however long the client was held. */
const mostRecordsOfACall = 1_000
/** After a failed call the loop waits so long before the next, or a refused client would be called thousands of times a second. */
const pauseAfterFailureMs = 50

/** What a producer of the load works with. */
export interface ProducingParts {
  readonly load: ProducerLoad
  readonly topics: readonly TopicLoad[]
  readonly recordBytes: number
  readonly tickMs: number
  readonly client: WorkloadProducer
  readonly history: HistoryWriter
  readonly tally: RunTally
  readonly report: (problem: string) => void
}

/** What came of the records of one partition of a call. */
type Sent = { readonly records: readonly PlannedRecord[]; readonly outcomes: readonly SendOutcome[] }

/**
 * One producer of the open-loop load. It has one round of calls under way; what becomes due meanwhile is sent with the next round, so a held client delays
 * acknowledgements, never the schedule.
 */
export class ProducingLoop {
  readonly #parts: ProducingParts
  readonly #stopped = new AbortController()
  #schedule: Schedule | undefined
  #calls = 0
  #transactions = 0
  #running: Promise<void> | undefined

  constructor(parts: ProducingParts) {
    this.#parts = parts
  }

  /** Starts the schedule at `startNs`. */
  start(startNs: number): void {
    this.#schedule = new Schedule(this.#parts.load, this.#parts.topics, startNs)
    this.#running = this.#run(this.#schedule)
  }

  /** How many records are due so far. */
  due(): number {
    return this.#schedule?.dueBy(nowNs()) ?? 0
  }

  /** Sends nothing new; resolves when the calls under way have ended. Records that were due but not sent are no part of the run. */
  async stop(): Promise<void> {
    this.#stopped.abort()
    await this.#running
  }

  async #run(schedule: Schedule): Promise<void> {
    const { load, tickMs } = this.#parts
    const everyMs = load.transactions?.everyMs ?? tickMs
    while (!this.#stopped.signal.aborted) {
      const startedNs = nowNs()
      const due = schedule.takeDue(startedNs, mostRecordsOfACall)
      const ok = due.length === 0 || (await (load.transactions ? this.#transaction(due, load.transactions.abortEvery) : this.#plain(due)))
      const tookMs = (nowNs() - startedNs) / 1e6
      await pause(ok ? Math.max(0, everyMs - tookMs) : pauseAfterFailureMs)
    }
  }

  async #plain(due: readonly PlannedRecord[]): Promise<boolean> {
    const { client, tally } = this.#parts
    const sent = await Promise.all(byTopic(due).map(([topic, records]) => this.#send(topic, records, null, (values) => client.send(topic, values))))
    for (const { records, outcomes } of sent) {
      for (const outcome of outcomes) {
        const count = records.filter((record) => outcome.partition === null || record.partition === outcome.partition).length
        if (outcome.outcome === 'acked') tally.acked(outcome.colour, records[0]?.topic ?? '', count)
        else tally.settledOtherwise(count)
      }
    }
    return sent.every(({ outcomes }) => outcomes.every((outcome) => outcome.outcome === 'acked'))
  }

  /** Sends what is due in a transaction and ends it; one that can't begin is tried again until the load is stopped, with the same records. */
  async #transaction(due: readonly PlannedRecord[], abortEvery: number): Promise<boolean> {
    const { tally } = this.#parts
    const wanted = ++this.#transactions % abortEvery === 0 ? 'abort' : 'commit'
    const topics = byTopic(due)
    for (;;) {
      const record = new TransactionRecord(this.#parts, `${this.#parts.load.id}-${this.#transactions}`)
      const colour = await this.#tryTransaction(topics, wanted, record)
      if (record.began) {
        for (const [topic, records] of topics) {
          if (colour) tally.acked(colour, topic, records.length)
          else tally.settledOtherwise(records.length)
        }
        return colour !== undefined
      }
      if (this.#stopped.signal.aborted) {
        tally.settledOtherwise(due.length) // stopped while it could not begin: these were never sent
        return false
      }
      await pause(pauseAfterFailureMs)
    }
  }

  /** @returns where it was committed, null when it was aborted as wanted, undefined when it failed */
  async #tryTransaction(topics: ReturnType<typeof byTopic>, wanted: 'commit' | 'abort', record: TransactionRecord): Promise<Colour | null | undefined> {
    const { load, client, tally, report } = this.#parts
    try {
      const colour = await client.transact(async (transaction) => {
        const name = record.begin()
        const sent = await Promise.all(topics.map(([topic, records]) => this.#send(topic, records, name, (values) => transaction.send(topic, values))))
        const refused = sent.flatMap(({ outcomes }) => outcomes).find((outcome) => outcome.outcome !== 'acked')
        if (refused) throw new KbgError('send-refused', `A send of ${name} failed.`, { facts: { error: 'error' in refused ? refused.error : '' } })
        record.ending(wanted)
        return wanted
      })
      record.ended(colour)
      return colour
    } catch (error) {
      record.failed(messageOf(error))
      tally.failed()
      report(`${load.id}: transaction: ${messageOf(error)}`)
      return undefined
    }
  }

  async #send(
    topic: string,
    records: readonly PlannedRecord[],
    transaction: string | null,
    send: (records: WorkloadRecord[]) => Promise<SendOutcome[]>,
  ): Promise<Sent> {
    const { load, history, tally, report } = this.#parts
    const call = this.#calls++
    const partitions = records.map((record) => record.partition)
    const columns = { seqs: records.map((record) => record.seq), keys: records.map((record) => record.key), partitions }
    const values = records.map((record) => this.#record(record))
    const intendedAtNs = records.map((record) => record.intendedAtNs)
    history.write({ type: 'send', producer: load.id, call, topic, transaction, ...columns, intendedAtNs, sentAtNs: nowNs() })
    const outcomes = await send(values)
    history.write({ type: 'sendResult', producer: load.id, call, atNs: nowNs(), outcomes })
    for (const outcome of outcomes) {
      if (outcome.outcome === 'acked' || transaction !== null) continue // what came of a transaction is said by its end
      tally.failed()
      report(`${load.id}: send to ${topic}: ${outcome.outcome}: ${outcome.error}`)
    }
    return { records, outcomes }
  }

  #record({ seq, key, partition, explicitPartition }: PlannedRecord): WorkloadRecord {
    return { key, value: encodeValue({ producer: this.#parts.load.id, seq, key }, this.#parts.recordBytes), partition, explicitPartition }
  }
}

function byTopic(records: readonly PlannedRecord[]): [topic: string, records: PlannedRecord[]][] {
  return [...Map.groupBy(records, (record) => record.topic)]
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
