import { describe, expect, test } from 'vitest'
import { KbgError } from '../../engine/model/error.ts'
import type { PartitionEnd } from '../../engine/model/facts.ts'
import { type Clock, Deadline } from '../../engine/ports/clock.ts'
import type { Cluster } from '../../engine/ports/cluster.ts'
import { differingPartitions, type LastVisible, settledEnds } from '../../engine/run/steps/drain.ts'
import { transaction } from '../support/sample-snapshot.ts'

const end = (lastStableOffset: bigint): PartitionEnd => ({
  ...{ partition: 'orders-0', leaderEpoch: 0, logStartOffset: 0n, logEndOffset: 9n, highWatermark: 9n, lastStableOffset },
})

/** Ends of a log whose reading takes a tenth of the deadline each time; the last one doesn't come back in time. */
function slow(ends: PartitionEnd, holding: Cluster['transactions']['holding'] = async () => [transaction()]) {
  let nowMs = 0
  const clock: Clock = { monotonicMs: () => nowMs, wallClock: () => new Date(0), sleep: async () => undefined }
  const deadline = new Deadline(clock, 1_000, 'both sides to stand still')
  const read = async () => {
    nowMs += 105
    if (deadline.over) throw new KbgError('deadline', 'The ends were not read in time.')
    return [ends]
  }
  return { deadline, cluster: { colour: 'blue', logs: { ends: read }, transactions: { holding } } as unknown as Cluster }
}

describe('settled ends', () => {
  test('are told when every end is the same', async () => {
    const { cluster, deadline } = slow(end(9n))
    expect(await settledEnds(cluster, ['orders'], deadline)).toEqual([end(9n)])
  })

  test('that never come are refused by the partition that is open, also when the time ends in the middle of a reading', async () => {
    const { cluster, deadline } = slow(end(3n))
    await expect(settledEnds(cluster, ['orders'], deadline)).rejects.toMatchObject({
      code: 'not-settled',
      message: expect.stringContaining('orders-0 end 9 high watermark 9 last stable 3'),
    })
  })

  const refusal = (ends: PartitionEnd, holding?: Cluster['transactions']['holding']) => {
    const { cluster, deadline } = slow(ends, holding)
    return settledEnds(cluster, ['orders'], deadline).catch((thrown: KbgError) => thrown.facts['open transactions'])
  }

  test('name who holds them open, the first five, also such as no coordinator knows', async () => {
    const all = [transaction({ transactionalId: null, state: 'hanging' }), ...Array.from({ length: 5 }, () => transaction())]
    expect(await refusal(end(3n), async () => all)).toMatch(
      /^a transaction that no coordinator knows \(producer 7 epoch 2, hanging for 40 ms, writing to orders-0\), t \(.* and 1 more$/,
    )
  })

  test('say so when nobody can be named: not asked in time, not answered, or only a follower that lags', async () => {
    const asked: (readonly string[])[] = []
    const told = async () => Promise.reject(new Error('no coordinator'))
    expect(await refusal(end(3n), told)).toBe("they can't be named: no coordinator")
    expect(await refusal(end(3n), () => new Promise(() => undefined))).toBe('who holds them was not answered in time')
    const lagging = async (partitions: readonly string[]) => {
      asked.push(partitions)
      return []
    }
    expect(await refusal({ ...end(5n), highWatermark: 5n }, lagging)).toBe('none: a follower lags')
    expect(await refusal(end(3n), lagging)).toBe('none was found there a moment before')
    expect(asked).toEqual([['orders-0']])
  })

  test('that were never read are refused by the deadline', async () => {
    const { cluster, deadline } = slow(end(3n))
    const silent = { ...cluster, logs: { ends: async () => Promise.reject(deadline.error()) } } as unknown as Cluster
    await expect(settledEnds(silent, ['orders'], deadline)).rejects.toMatchObject({ code: 'deadline' })
  })
})

describe('last visible records', () => {
  const record = (digest: string): LastVisible => ({ offset: 4n, timestamp: 0n, digest })
  const differ = (source: LastVisible, target: LastVisible, isAudited = true) =>
    differingPartitions(new Map([['orders-0', source]]), new Map([['orders-0', target]]), isAudited).length > 0

  test('are the same record, or none on both sides', () => {
    expect([differ(record('a'), record('a')), differ(null, null)]).toEqual([false, false])
    expect([differ(record('a'), record('b')), differ(record('a'), null), differ(null, record('a'))]).toEqual([true, true, true])
  })

  test('of a source that was emptied are nothing that the target must hold, whatever it still has', () => {
    for (const isAudited of [true, false]) {
      expect(['emptied' as const, record('a'), null].map((target) => differ('emptied', target, isAudited))).toEqual([false, false, false])
    }
  })

  test('of a target that was emptied are believed only where an audit compares', () => {
    expect([differ(record('a'), 'emptied'), differ(record('a'), 'emptied', false)]).toEqual([false, true])
  })
})
