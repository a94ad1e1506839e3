import type { Deadline } from '../../ports/clock.ts'
import type { FetchByIdRequest } from './fetch-by-id.ts'
import { fetchV13 } from './fetch-by-id.ts'
import { boundsOf, targetKey } from './fetch-session.ts'
import { type FetchHost, isPassing, truncated } from './leader-fetcher.ts'
import type { ReadingPartition } from './reading-partition.ts'
import { errorName, kafkaRefusal } from './refusal.ts'

/** KIP-227: a full Fetch outside any session. */
const noSession = { sessionId: 0, sessionEpoch: -1, forgotten: [] } as const

/**
 * Asks the leaders of these partitions, all at once and by a Fetch that waits for nothing, whether their logs go on from what was handed out: topic id, offset and the epoch of the last batch are
 * compared by the broker. A leader that doesn't answer in time leaves its partitions as they were; the reading finds out by itself.
 *
 * @param host its `broker` opens connections of their own: one that waits for records would answer after its wait
 */
export async function confirmReading(
  states: readonly ReadingPartition[],
  host: Omit<FetchHost, 'limits' | 'ledBy' | 'arrived'>,
  deadline: Deadline,
): Promise<void> {
  const byLeader = Map.groupBy(states.filter(({ over }) => !over), ({ leader }) => leader?.brokerId) // biome-ignore format: one line
  await Promise.allSettled([...byLeader].map(([brokerId, led]) => (brokerId === undefined ? undefined : confirmOn(brokerId, led, host, deadline))))
}

async function confirmOn(
  brokerId: number,
  led: readonly ReadingPartition[],
  host: Omit<FetchHost, 'limits' | 'ledBy' | 'arrived'>,
  deadline: Deadline,
): Promise<void> {
  const broker = await host.broker(brokerId, deadline)
  const asked = led.flatMap((state) => {
    const target = state.confirmation()
    return target === undefined ? [] : [{ state, target }]
  })
  const targets = asked.map(({ target }) => target)
  const askedAtMs = host.clock.monotonicMs()
  const request: FetchByIdRequest = { ...noSession, maxWaitMs: 0, minBytes: 0, maxBytes: 1, targets }
  const answer = await broker.request('Fetch', fetchV13, [request], 'none', deadline)
  const answeredAtMs = host.clock.monotonicMs()
  const answered = new Map(answer.partitions.map((fetched) => [targetKey(fetched), fetched]))
  for (const { state, target } of asked) {
    const fetched = answered.get(targetKey(target))
    if (!fetched || state.over || state.leader?.brokerId !== brokerId) continue
    const bounds = boundsOf(fetched)
    const refusal = kafkaRefusal(`Can't read ${state.partition}.`, fetched.errorCode)
    if (bounds) state.saw({ ...bounds, askedAtMs, answeredAtMs, confirmedUpTo: target.offset })
    else if (fetched.diverged) host.gone(state, truncated(state))
    else if (errorName(fetched.errorCode) !== 'OFFSET_OUT_OF_RANGE' && isPassing(refusal, fetched.errorCode)) host.refused(state, refusal)
  }
}
