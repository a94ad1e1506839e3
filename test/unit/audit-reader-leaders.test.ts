import { describe, expect, test } from 'vitest'
import type { FetchByIdResponse } from '../../engine/adapters/kafka/fetch-by-id.ts'
import { type FetchHost, LeaderFetcher } from '../../engine/adapters/kafka/leader-fetcher.ts'
import { ReadingPartition } from '../../engine/adapters/kafka/reading-partition.ts'
import { systemClock } from '../../engine/ports/clock.ts'

const topicId = '00000000-0000-0000-0000-000000000001'

function reading(): ReadingPartition {
  const state = new ReadingPartition('t-0', { offset: 5n, topicId, epoch: 0, keys: false, timestamps: true })
  state.leader = { brokerId: 1, epoch: 0 }
  return state
}

/** One Fetch of broker 1, in the midst of which something happens. */
async function fetchOnce(state: ReadingPartition, meanwhile: () => void): Promise<void> {
  const stopping = new AbortController()
  const bounds = { lastStableOffset: 5n, logStartOffset: 0n, diverged: false, aborted: [], records: Buffer.alloc(0) }
  const answer: FetchByIdResponse = { throttleMs: 0, errorCode: 0, sessionId: 0, partitions: [{ topicId, index: 0, errorCode: 0, ...bounds }] }
  const request = async () => {
    meanwhile()
    stopping.abort(new Error('once'))
    return answer
  }
  const host: FetchHost = {
    clock: systemClock,
    limits: { minBytes: 1, maxWaitMs: 0, tailPauseMs: 0, maxBytesPerPartition: 1_000, maxBytesPerFetch: 1_000 },
    stop: stopping.signal,
    broker: async () => ({ request: request as never }),
    ledBy: () => [state],
    arrived: () => undefined,
    refused: () => undefined,
    gone: () => undefined,
  }
  await new LeaderFetcher(1, host).run()
}

describe('an answer', () => {
  test('of the leader confirms what was read', async () => {
    const state = reading()
    await fetchOnce(state, () => undefined)
    expect(state.facts?.confirmedUpTo).toBe(5n)
  })

  test('of a broker that leads it no longer confirms nothing', async () => {
    const state = reading()
    await fetchOnce(state, () => {
      state.leader = { brokerId: 2, epoch: 1 }
    })
    expect(state.facts).toBeUndefined()
  })

  test('that was asked for before the log was found to be another one confirms nothing', async () => {
    const state = reading()
    await fetchOnce(state, () => {
      state.doubt(systemClock.monotonicMs())
    })
    expect(state.facts).toBeUndefined()
  })
})
