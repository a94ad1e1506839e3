import { expect, test } from 'vitest'
import type { FetchByIdResponse, FetchedById, FetchTarget } from '../../engine/adapters/kafka/fetch-by-id.ts'
import { FetchSession, targetKey } from '../../engine/adapters/kafka/fetch-session.ts'

const target = (index: number, offset = 0n, more: Partial<FetchTarget> = {}): FetchTarget => ({
  topicId: 'id',
  index,
  leaderEpoch: 1,
  offset,
  lastFetchedEpoch: -1,
  maxBytes: 100,
  ...more,
})

const fetched = (index: number, lastStableOffset: bigint, errorCode = 0): FetchedById => ({
  topicId: 'id',
  index,
  errorCode,
  lastStableOffset,
  logStartOffset: 0n,
  diverged: false,
  aborted: [],
  records: Buffer.alloc(0),
})

const answer = (sessionId: number, ...partitions: readonly FetchedById[]): FetchByIdResponse => ({ throttleMs: 0, errorCode: 0, sessionId, partitions })
const ask = (session: FetchSession, ...targets: readonly FetchTarget[]) => session.request(targets, { maxWaitMs: 100, minBytes: 1, maxBytesPerFetch: 1_000 })

test('after the first fetch only changes are sent: another offset or epoch, newcomers, and those that left', () => {
  const session = new FetchSession()
  expect(ask(session, target(0), target(1))).toMatchObject({ sessionId: 0, sessionEpoch: 0, targets: [target(0), target(1)], forgotten: [] })
  session.accept(answer(7, fetched(0, 5n), fetched(1, 6n)))
  expect(ask(session, target(0), target(1))).toMatchObject({ sessionId: 7, sessionEpoch: 1, targets: [], forgotten: [] })
  session.accept(answer(7))
  const changed = [target(0, 5n), target(1, 0n, { leaderEpoch: 2 }), target(2)]
  expect(ask(session, ...changed)).toMatchObject({ sessionEpoch: 2, targets: changed, forgotten: [] })
  session.accept(answer(7))
  expect(ask(session, target(2), target(0, 5n, { lastFetchedEpoch: 4 }))).toMatchObject({
    sessionEpoch: 3,
    targets: [target(0, 5n, { lastFetchedEpoch: 4 })],
    forgotten: [changed[1]],
  })
})

test('what an answer leaves out is as it was; what it refuses, or what was forgotten, is unknown', () => {
  const session = new FetchSession()
  ask(session, target(0), target(1))
  session.accept(answer(7, fetched(0, 5n), fetched(1, 6n)))
  ask(session, target(0), target(1))
  session.accept(answer(7, fetched(1, -1n, 6)))
  expect(session.known(targetKey(target(0)))).toEqual({ lastStableOffset: 5n, logStartOffset: 0n })
  expect(session.known(targetKey(target(1)))).toBeUndefined()
  ask(session, target(1))
  session.accept(answer(7))
  ask(session, target(0), target(1))
  expect(session.known(targetKey(target(0)))).toBeUndefined()
})

test('without a session, or after it was lost, every fetch names all', () => {
  const session = new FetchSession()
  ask(session, target(0))
  session.accept(answer(0, fetched(0, 5n)))
  expect(ask(session, target(0))).toMatchObject({ sessionId: 0, sessionEpoch: 0, targets: [target(0)] })
  session.accept(answer(9, fetched(0, 5n)))
  session.reset()
  expect(ask(session, target(0))).toMatchObject({ sessionId: 0, sessionEpoch: 0, targets: [target(0)], forgotten: [] })
  expect(session.known(targetKey(target(0)))).toBeUndefined()
})
