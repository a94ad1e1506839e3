import { describe, expect, test } from 'vitest'
import type { FetchByIdResponse } from '../../engine/adapters/kafka/fetch-by-id.ts'
import { type FetchHost, LeaderFetcher } from '../../engine/adapters/kafka/leader-fetcher.ts'
import { settleLeader } from '../../engine/adapters/kafka/partition-leader.ts'
import { ReadingPartition } from '../../engine/adapters/kafka/reading-partition.ts'
import type { KbgError } from '../../engine/model/error.ts'
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

describe('a leader that metadata names', () => {
  function settled(state: ReadingPartition, brokerId: number, leaderEpoch: number, nowMs = 0): KbgError | undefined {
    const refusals: KbgError[] = []
    const unexpected = () => expect.unreachable()
    const topic = { errorCode: 0, name: 't', topicId, partitions: [{ errorCode: 0, partitionIndex: 0, leaderId: brokerId, leaderEpoch }] }
    state.leader = undefined
    const clock = { ...systemClock, monotonicMs: () => nowMs }
    settleLeader(state, topic as never, { clock, arrived: unexpected, gone: unexpected, refused: (_state, error) => refusals.push(error) })
    return refusals[0]
  }

  test('is taken in the epoch that was seen, and in newer ones', () => {
    const state = reading()
    for (const [brokerId, epoch] of [
      [1, 0],
      [2, 3],
      [2, 3],
    ] as const) {
      // biome-ignore format: one line
      expect(settled(state, brokerId, epoch)).toBeUndefined()
      expect(state.leader).toEqual({ brokerId, epoch })
    }
  })

  test('is refused in an older epoch than one that was seen, and asked for again', () => {
    const state = reading()
    settled(state, 2, 3)
    expect(settled(state, 1, 2)).toMatchObject({ retriable: true, facts: { observed: 2, required: 'at least 3' } })
    expect(state.leader).toBeUndefined()
    expect(settled(state, 1, 4)).toBeUndefined()
  })

  test('is refused in an older epoch than the saved one for some seconds; then the leader itself is asked whether that log is gone', () => {
    const state = new ReadingPartition('t-0', { offset: 5n, topicId, epoch: 7, keys: false, timestamps: true })
    const error = settled(state, 1, 6)
    expect(error).toMatchObject({ retriable: true, facts: { observed: 6, required: 'at least 7' } })
    if (error !== undefined) state.trouble = { sinceMs: 0, error }
    expect(settled(state, 1, 6, 2_999)).toMatchObject({ retriable: true })
    expect(settled(state, 1, 6, 3_000)).toBeUndefined()
    expect(settled(state, 1, 5, 9_000)).toMatchObject({ retriable: true }) // what this reading has seen itself stays
  })
})
