import type { ClusterAccess } from '../../../engine/model/cluster-access.ts'
import { type TopicPartition, topicPartition } from '../../../engine/model/partition.ts'
import { Deadline, systemClock } from '../../../engine/ports/clock.ts'
import { interrupted } from '../harness/index.ts'
import { Appender } from './appender.ts'
import { ReadyBatches } from './ready-batches.ts'

/** What a topic is filled with. */
export interface Filling {
  readonly topic: string
  readonly partitions: number
  readonly recordBytes: number
  /** Records of one batch; each partition gets one at a time. */
  readonly batchRecords: number
}

/** Requests under way on each side. */
const inFlight = 6

/**
 * Writes at least so many records, the same ones at the same offsets, to every side that is given.
 *
 * @returns how many were written to each: whole batches to every partition
 */
export async function fill(sides: readonly ClusterAccess[], filling: Filling, records: number, deadline: Deadline): Promise<number> {
  return await appending(sides, filling, async (round) => {
    const rounds = Math.ceil(records / recordsOfRound(filling))
    const underWay: Promise<void>[] = []
    for (let done = 0; done < rounds; done += 1) {
      interrupted.throwIfAborted()
      if (underWay.length >= inFlight) await underWay.shift()
      const sent = round(deadline)
      sent.catch(() => undefined) // it is awaited in its turn
      underWay.push(sent)
    }
    await Promise.all(underWay)
    return rounds * recordsOfRound(filling)
  })
}

/**
 * Writes at a steady rate until stopped: a round each time it is due, whatever became of the ones before.
 *
 * @returns how many records were written to each side
 */
export async function flow(sides: readonly ClusterAccess[], filling: Filling, recordsPerSecond: number, stop: AbortSignal): Promise<number> {
  return await appending(sides, filling, async (round) => {
    const everyMs = (recordsOfRound(filling) / recordsPerSecond) * 1_000
    const startedMs = systemClock.monotonicMs()
    let rounds = 0
    let failed: unknown
    const underWay = new Set<Promise<void>>()
    while (!stop.aborted && failed === undefined) {
      const waitMs = startedMs + rounds * everyMs - systemClock.monotonicMs()
      if (waitMs > 0) await systemClock.sleep(waitMs, stop).catch(() => undefined) // stopped: the loop ends
      if (stop.aborted) break
      const sent = round(new Deadline(systemClock, 30_000, 'a round of records to be appended'))
      underWay.add(sent)
      sent.then(
        () => underWay.delete(sent),
        (thrown: unknown) => (failed = thrown),
      )
      rounds += 1
    }
    await Promise.all(underWay)
    return rounds * recordsOfRound(filling)
  })
}

function recordsOfRound({ partitions, batchRecords }: Filling): number {
  return partitions * batchRecords
}

/** Runs with connections of its own; `round` appends one batch to every partition of every side. */
async function appending<T>(sides: readonly ClusterAccess[], filling: Filling, work: (round: (deadline: Deadline) => Promise<void>) => Promise<T>): Promise<T> {
  const appenders = sides.map((access) => new Appender(access))
  const batches = new ReadyBatches(filling.batchRecords, filling.recordBytes)
  const names = Array.from({ length: filling.partitions }, (_, partition) => topicPartition(filling.topic, partition))
  const round = async (deadline: Deadline): Promise<void> => {
    const own = new Map<TopicPartition, Buffer>(names.map((name) => [name, batches.next()]))
    await Promise.all(appenders.map((appender) => appender.append(own, deadline)))
  }
  try {
    return await work(round)
  } finally {
    for (const appender of appenders) appender.close()
  }
}
