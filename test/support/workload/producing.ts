import { Colour } from '../../../engine/model/colour.ts'
import { messageOf } from '../../../engine/model/error.ts'
import { encodeValue, type HistoryWriter, nowNs, type SendOutcome } from '../history/index.ts'
import type { ProducerLoad, TopicLoad } from './config.ts'
import type { PartitionAck, WorkloadProducer, WorkloadRecord, WorkloadTransaction } from './factory.ts'
import { type PlannedRecord, Schedule } from './schedule.ts'
import type { RunTally } from './tally.ts'

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

  async #transaction(due: readonly PlannedRecord[], abortEvery: number): Promise<boolean> {
    const { load, tally } = this.#parts
    const name = `${load.id}-${this.#transactions++}`
    const transaction = await this.#begin(name)
    if (!transaction) {
      tally.settledOtherwise(due.length) // stopped while it could not begin: these were never sent
      return false
    }
    const topics = byTopic(due)
    const sent = await Promise.all(topics.map(([topic, records]) => this.#send(topic, records, name, (values) => transaction.send(topic, values))))
    const allSent = sent.every(({ outcomes }) => outcomes.every((outcome) => outcome.outcome === 'acked'))
    const wanted = allSent && this.#transactions % abortEvery !== 0 ? 'commit' : 'abort'
    const colour = await this.#end(name, wanted, transaction)
    for (const [topic, records] of topics) {
      if (colour) tally.acked(colour, topic, records.length)
      else tally.settledOtherwise(records.length)
    }
    return allSent && (colour !== undefined || wanted === 'abort')
  }

  /** Tries until it begins or the load is stopped: its records are not sent before. */
  async #begin(name: string): Promise<WorkloadTransaction | undefined> {
    while (!this.#stopped.signal.aborted) {
      const transaction = await this.#step(name, 'begin', () => this.#parts.client.begin())
      if (transaction) return transaction
      await pause(pauseAfterFailureMs)
    }
    return undefined
  }

  /** Commits or aborts; a commit that failed is followed by an abort, as an application does. */
  async #end(name: string, action: 'commit' | 'abort', transaction: WorkloadTransaction) {
    if (action === 'commit') {
      const colour = await this.#step(name, 'commit', () => transaction.commit())
      if (colour) return colour
    }
    await this.#step(name, 'abort', async () => {
      await transaction.abort()
      return null
    })
    return undefined
  }

  async #step<T>(transaction: string, action: 'begin' | 'commit' | 'abort', work: () => Promise<T>): Promise<T | undefined> {
    const { load, history, tally, report } = this.#parts
    const invokedAtNs = nowNs()
    const base = { type: 'txn' as const, producer: load.id, transaction, action, invokedAtNs }
    try {
      const answer = await work()
      const parsed = Colour.safeParse(answer)
      const colour = parsed.success ? parsed.data : null
      history.write({ ...base, result: 'ok', error: null, colour, atNs: nowNs() })
      return answer
    } catch (error) {
      // Whether a failed commit took effect is known to nobody here; a transaction that never began has no records.
      history.write({ ...base, result: action === 'begin' ? 'failed' : 'unknown', error: messageOf(error), colour: null, atNs: nowNs() })
      tally.failed()
      report(`${load.id}: ${action}: ${messageOf(error)}`)
      return undefined
    }
  }

  async #send(
    topic: string,
    records: readonly PlannedRecord[],
    transaction: string | null,
    send: (records: WorkloadRecord[]) => Promise<readonly PartitionAck[]>,
  ): Promise<Sent> {
    const { load, history, client, tally, report } = this.#parts
    const call = this.#calls++
    const partitions = records.map((record) => record.partition)
    const columns = { seqs: records.map((record) => record.seq), keys: records.map((record) => record.key), partitions }
    const values = records.map((record) => this.#record(record))
    const intendedAtNs = records.map((record) => record.intendedAtNs)
    history.write({ type: 'send', producer: load.id, call, topic, transaction, ...columns, intendedAtNs, sentAtNs: nowNs() })
    let outcomes: SendOutcome[]
    let atNs: number
    try {
      const acks = await send(values)
      atNs = nowNs()
      outcomes = acks.map((ack) => ackOutcome(ack, atNs))
    } catch (error) {
      atNs = nowNs()
      outcomes = client.outcomesOf(error, [...new Set(partitions)])
      tally.failed()
      report(`${load.id}: send to ${topic}: ${messageOf(error)}`)
    }
    history.write({ type: 'sendResult', producer: load.id, call, atNs, outcomes })
    return { records, outcomes }
  }

  #record(record: PlannedRecord): WorkloadRecord {
    const value = encodeValue({ producer: this.#parts.load.id, seq: record.seq, key: record.key }, this.#parts.recordBytes)
    return { key: record.key, value, partition: record.explicitPartition ? record.partition : undefined }
  }
}

function ackOutcome(ack: PartitionAck, atNs: number): SendOutcome {
  const { colour, partition } = ack
  return { outcome: 'acked', colour, partition, baseOffset: ack.baseOffset?.toString() ?? null, ackedAtNs: Math.min(ack.ackedAtNs ?? atNs, atNs) }
}

function byTopic(records: readonly PlannedRecord[]): [topic: string, records: PlannedRecord[]][] {
  return [...Map.groupBy(records, (record) => record.topic)]
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
