import { messageOf } from '../../../engine/model/error.ts'
import { type Clock, Deadline } from '../../../engine/ports/clock.ts'
import { decodeValue, type HistoryWriter, nowNs } from '../history/index.ts'
import type { GroupLoad } from './config.ts'
import type { TopicPartitionOffset, WorkloadBatch, WorkloadConsumer } from './factory.ts'
import type { RunTally } from './tally.ts'

/** What a member of a group works with. */
export interface ConsumingParts {
  readonly group: GroupLoad
  readonly client: WorkloadConsumer
  readonly history: HistoryWriter
  readonly tally: RunTally
  readonly report: (problem: string) => void
}

/** Offsets that wait for the next commit, with whom to tell. */
interface PendingCommit {
  readonly batch: WorkloadBatch
  readonly done: () => void
  readonly failed: (error: unknown) => void
}

/**
 * One member of a group. It processes a batch, commits what follows it and only then takes the next of that partition, as a careful application does.
 * Batches of several partitions that wait at the same time share a commit: one request for each would keep small brokers busy.
 */
export class ConsumingMember {
  readonly #parts: ConsumingParts
  #pending: PendingCommit[] = []
  #committing = false
  #polled = 0
  #paused = false
  #busy = 0
  #assigned = new Set<string>()
  readonly #seen = new Set<string>()

  constructor(parts: ConsumingParts) {
    this.#parts = parts
    const { client, group, history } = parts
    client.onAssignment((type, colour, partitions) => {
      if (type === 'assigned') this.#assigned = new Set(partitions.flatMap((one) => one.partitions.map((partition) => `${one.topic}-${partition}`)))
      history.write({ type, group: group.groupId, colour, partitions: partitions.map((one) => ({ ...one })), atNs: nowNs() })
    })
  }

  async start(): Promise<void> {
    const { client, group } = this.#parts
    await client.connect()
    await client.subscribe(group.topics)
    await client.run((batch) => this.#handle(batch))
  }

  /** A member that paused goes on; another one does not notice. */
  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#polled = Number.NEGATIVE_INFINITY // it has stayed behind once, that was all
    this.#parts.client.resume(this.#parts.group.topics)
  }

  /** Leaves the group. Batches that are being handled are waited for, so that the history knows of every poll and commit. */
  async stop(clock: Clock, timeoutMs: number): Promise<void> {
    await this.#parts.client.disconnect()
    await new Deadline(clock, timeoutMs, `the batches that ${this.#parts.group.groupId} handles`).poll(10, async () => (this.#busy === 0 ? true : undefined))
  }

  async #handle(batch: WorkloadBatch): Promise<void> {
    const atNs = nowNs()
    this.#busy++
    try {
      this.#record(batch, atNs)
      this.#pauseWhenEnough()
      await this.#commit(batch)
    } finally {
      this.#busy--
    }
  }

  #record(batch: WorkloadBatch, atNs: number): void {
    const { group, history, tally } = this.#parts
    const values = batch.records.map((record) => decodeValue(record.key, record.value))
    const firstOffset = batch.records[0]?.offset ?? 0n
    const offsetDeltas = batch.records.map((record) => Number(record.offset - firstOffset))
    const { colour, topic, partition } = batch
    history.write({ type: 'poll', group: group.groupId, colour, topic, partition, firstOffset: firstOffset.toString(), offsetDeltas, values, atNs })
    tally.polled(group.groupId, colour, values)
    this.#polled += values.length
    this.#seen.add(`${topic}-${partition}`)
  }

  /**
   * A member that stays behind does so with a commit in each of its partitions: one that it never committed is one whose position nobody can know.
   * A routed member has a new client after its group moved, so it is paused again with every batch that still comes.
   */
  #pauseWhenEnough(): void {
    const { group, client } = this.#parts
    if (group.pauseAfterRecords === null || this.#polled < group.pauseAfterRecords) return
    if (![...this.#assigned].every((partition) => this.#seen.has(partition))) return
    this.#paused = true
    client.pause(group.topics)
  }

  #commit(batch: WorkloadBatch): Promise<void> {
    return new Promise<void>((done, failed) => {
      this.#pending.push({ batch, done, failed })
      if (!this.#committing) void this.#commitPending()
    })
  }

  async #commitPending(): Promise<void> {
    this.#committing = true
    while (this.#pending.length > 0) {
      const together = this.#pending
      this.#pending = []
      const byColour = Map.groupBy(together, (one) => one.batch.colour)
      for (const [colour, commits] of byColour) await this.#commitTogether(colour, commits)
    }
    this.#committing = false
  }

  async #commitTogether(colour: WorkloadBatch['colour'], commits: readonly PendingCommit[]): Promise<void> {
    const { group, client, history, tally, report } = this.#parts
    const offsets = commits.map(({ batch }): TopicPartitionOffset => ({ topic: batch.topic, partition: batch.partition, offset: batch.nextOffset }))
    const base = { type: 'commit' as const, group: group.groupId, colour, offsets: offsets.map((one) => ({ ...one, offset: one.offset.toString() })) }
    try {
      await client.commit(offsets)
      history.write({ ...base, result: 'ok', error: null, atNs: nowNs() })
      for (const one of commits) one.done()
    } catch (error) {
      history.write({ ...base, result: client.refused(error) ? 'failed' : 'unknown', error: messageOf(error), atNs: nowNs() })
      tally.failed()
      report(`${group.groupId}: commit: ${messageOf(error)}`)
      for (const one of commits) one.failed(error)
    }
  }
}
