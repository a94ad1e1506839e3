import { describe, expect, test } from 'vitest'
import type { PartitionEnd } from '../../engine/model/facts.ts'
import type { Clock } from '../../engine/ports/clock.ts'
import type { Cluster } from '../../engine/ports/cluster.ts'
import type { Mirror } from '../../engine/ports/mirror.ts'
import { sampleLag } from '../../engine/run/lag.ts'

const last = { offset: 24n, timestamp: 0n, digest: 'last' }

/** One sample of a partition whose source ends with a record that Connect has committed as copied; `held` is what the target still has of it. Time passes by sleeping alone. */
async function sample(target: { readonly starts: bigint; readonly ends: bigint; readonly held: readonly (typeof last)[] }, isAudited: boolean) {
  let nowMs = 0
  const sleep = async (ms: number) => {
    nowMs += ms
  }
  const clock: Clock = { monotonicMs: () => nowMs, wallClock: () => new Date(0), sleep }
  const side = (starts: bigint, ends: bigint, held: readonly (typeof last)[]) => {
    const end: PartitionEnd = { partition: 'orders-0', leaderEpoch: 0, logStartOffset: starts, logEndOffset: ends, highWatermark: ends, lastStableOffset: ends }
    return { logs: { ends: async () => [end], lastVisibleOfAll: async () => new Map([['orders-0', held]]) } } as unknown as Cluster
  }
  const mirror = { copiedOffsets: async () => new Map([['orders-0', 24n]]) } as unknown as Mirror
  const sides = { source: side(0n, 25n, [last]), target: side(target.starts, target.ends, target.held) }
  return (await sampleLag({ clock, ...sides, mirror, connector: 'mirror', topics: ['orders'], isAudited }, 500)).kind
}

/** One sample of a partition whose mark is copied as it is noted, while so many records come to the target from one question to the next. */
async function sampleOfBusy(recordsMeanwhile: bigint) {
  let nowMs = 0
  const sleep = async (ms: number) => {
    nowMs += ms
  }
  const clock: Clock = { monotonicMs: () => nowMs, wallClock: () => new Date(0), sleep }
  const depths: number[] = []
  let [end, copiedTo] = [1_000n, 0n]
  const come = () => {
    end += recordsMeanwhile
  }
  const endAt = (offset: bigint) => ({
    partition: 'orders-0',
    leaderEpoch: 0,
    logStartOffset: 0n,
    logEndOffset: offset,
    highWatermark: offset,
    lastStableOffset: offset,
  })
  const noted = async () => {
    copiedTo = end
    end += 1n
    come()
    return new Map([['orders-0', [last]]])
  }
  const source = { logs: { ends: async () => [endAt(25n)], lastVisibleOfAll: noted } } as unknown as Cluster
  const target = {
    logs: {
      ends: async () => {
        const answer = [endAt(end)]
        come()
        return answer
      },
      lastVisibleOfAll: async (ends: ReadonlyMap<string, bigint>, count: number) => {
        depths.push(count)
        return new Map([['orders-0', copiedTo >= (ends.get('orders-0') ?? 0n) - BigInt(count) ? [last] : []]])
      },
    },
  } as unknown as Cluster
  const mirror = { copiedOffsets: async () => new Map([['orders-0', 24n]]) } as unknown as Mirror
  const { kind } = await sampleLag({ clock, source, target, mirror, connector: 'mirror', topics: ['orders'] }, 500)
  return { kind, depths }
}

describe('the lag of a mirror', () => {
  // Behind the mark come the records of one question; since the target's end was asked, before it, those of two, and the mark.
  test.each([
    [0n, [40]],
    [39n, [40]],
    [40n, [40, 128]],
    [1_000n, [40, 2_048]],
    [20_000n, [40, 65_536]],
  ])('is over though %s records came behind the last one meanwhile: about as many are searched', async (records, depths) => {
    expect(await sampleOfBusy(records)).toEqual({ kind: 'caught-up', depths })
  })

  test('is not searched for without an end: more records than that while it is measured are a mirror that is behind', async () => {
    const { kind, depths } = await sampleOfBusy(1_000_000n)
    expect([kind, Math.max(...depths)]).toEqual(['behind', 100_000])
  })

  test('is over when Connect has committed the last record and the target holds it', async () => {
    expect(await sample({ starts: 0n, ends: 30n, held: [last] }, false)).toBe('caught-up')
  })

  test('is not over by the word of Connect alone', async () => {
    for (const isAudited of [true, false]) expect(await sample({ starts: 0n, ends: 30n, held: [] }, isAudited)).toBe('behind')
  })

  test('is over where retention has emptied the target since, if an audit compares what went by', async () => {
    expect(await sample({ starts: 40n, ends: 40n, held: [] }, true)).toBe('caught-up')
    expect(await sample({ starts: 40n, ends: 40n, held: [] }, false)).toBe('behind')
    expect(await sample({ starts: 40n, ends: 41n, held: [] }, true)).toBe('behind')
  })
})
