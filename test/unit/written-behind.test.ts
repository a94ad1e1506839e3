import { describe, expect, test } from 'vitest'
import { KbgError, messageOf } from '../../engine/model/error.ts'
import type { PartitionEnd, WriterFacts } from '../../engine/model/facts.ts'
import { Deadline } from '../../engine/ports/clock.ts'
import type { Execution } from '../../engine/run/execution.ts'
import { grownPartitions, namingWriters } from '../../engine/run/steps/written-behind.ts'
import { VirtualClock } from '../support/virtual-clock.ts'

const end = (partition: string, logEndOffset: bigint): PartitionEnd => ({
  ...{ partition, leaderEpoch: 0, logStartOffset: 0n, logEndOffset, highWatermark: logEndOffset, lastStableOffset: logEndOffset },
})
const writer: WriterFacts = {
  ...{ producerId: 4_001n, producerEpoch: 1, lastSequence: 7, lastTimestamp: 1_767_225_600_000n, transactional: true, records: 3 },
}
const moved = new KbgError('cut-moved', 'The logs moved.')

/** A run whose source has these ends now, and these writers on every partition that has grown. */
function runOf(ends: readonly PartitionEnd[], writers: readonly WriterFacts[] | KbgError, ids = new Map([[4_001n, 'loader']])): Execution {
  const clock = new VirtualClock()
  const blue = {
    logs: { ends: async () => ends, writers: async () => (writers instanceof KbgError ? Promise.reject(writers) : writers) },
    transactions: { idsOf: async () => ids },
  }
  const signals = { cancelled: new AbortController().signal, lock: { lost: new AbortController().signal } }
  const run = {
    ...signals,
    wiring: { topics: ['orders'] },
    ports: { clusters: { blue } },
    untilCancelled: (ms: number, what: string) => new Deadline(clock, ms, what),
  }
  return run as unknown as Execution
}

describe('a failure behind the proven fence', () => {
  test('names where somebody writes on, how much, and by which producers, and keeps its cause', async () => {
    const ends = [end('orders-0', 5n), end('orders-1', 12n)]
    const named = await namingWriters(runOf(ends, [writer]), 'blue', [end('orders-0', 5n), end('orders-1', 9n)], moved)
    expect(named).toMatchObject({ code: 'written-behind-fence', cause: moved })
    expect(messageOf(named)).toContain(
      'orders-1 3 from 9 by producer 4001 epoch 1 (3 records, last sequence 7 at 2026-01-01T00:00:00.000Z, transactional id loader)',
    )
    expect(messageOf(named)).toMatch(/Kafka tells neither principal nor client.*super\.users.*<- cut-moved/)
  })

  test('says what a producer doesn’t tell', async () => {
    const telling = async (facts: Partial<WriterFacts>) =>
      messageOf(await namingWriters(runOf([end('orders-0', 6n)], [{ ...writer, ...facts }], new Map()), 'blue', [end('orders-0', 5n)], moved))
    expect(await telling({ producerId: null, records: 1 })).toContain('by a producer without an id (1 record, last at 2026-01-01T00:00:00.000Z)')
    expect(await telling({ transactional: false })).toContain('transactional id none')
    expect(await telling({})).toContain('transactional id one that is forgotten')
    expect(await telling({ lastTimestamp: 9_223_372_036_854_775_807n })).toContain('at 9223372036854775807')
  })

  test('stays as it is when nothing has grown, when only markers came, and when it has another cause', async () => {
    expect(await namingWriters(runOf([end('orders-0', 5n)], [writer]), 'blue', [end('orders-0', 5n)], moved)).toBe(moved)
    expect(await namingWriters(runOf([end('orders-0', 6n)], []), 'blue', [end('orders-0', 5n)], moved)).toBe(moved)
    const other = new KbgError('deadline', 'Connect was not asked.')
    expect(await namingWriters(runOf([end('orders-0', 6n)], [writer]), 'blue', [end('orders-0', 5n)], other)).toBe(other)
  })

  test('stays told when the writers can not be read', async () => {
    const named = await namingWriters(runOf([end('orders-0', 6n)], new KbgError('kafka', 'No answer.')), 'blue', [end('orders-0', 5n)], moved)
    expect(named).toMatchObject({ code: 'cut-moved', message: expect.stringContaining('No answer'), cause: moved })
  })

  test('counts growth only', () => {
    const before = [end('orders-0', 5n), end('orders-1', 9n)]
    expect(grownPartitions(before, [end('orders-0', 4n), end('orders-1', 9n), end('orders-2', 3n)])).toEqual([])
    expect(grownPartitions(before, [end('orders-0', 8n)])).toEqual([{ partition: 'orders-0', from: 5n, to: 8n }])
  })
})
