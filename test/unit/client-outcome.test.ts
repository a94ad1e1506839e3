import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Attempt, endsProducerId, errorCodes, judge, nextSequence } from '../../client/outcome.ts'

const answered = (errorCode: number): Attempt => ({ kind: 'answered', errorCode })

describe('what a try means', () => {
  test.each([
    ['an acknowledgement', answered(errorCodes.none), 'written', 'written'],
    ['the answer to a repetition that had been written', answered(errorCodes.duplicateSequence), 'written', 'written'],
    ['the fence', answered(errorCodes.topicAuthorizationFailed), 'held', 'unknown'],
    ['a leader that moved', answered(6), 'again', 'in-doubt'],
    ['too few replicas in sync', answered(19), 'again', 'in-doubt'],
    ['appended, but not by enough replicas', answered(errorCodes.notEnoughReplicasAfterAppend), 'in-doubt', 'in-doubt'],
    ['a time-out at the leader', answered(errorCodes.requestTimedOut), 'in-doubt', 'in-doubt'],
    ['a record that is too large', answered(10), 'refused', 'unknown'],
    ['a producer id that the broker forgot', answered(errorCodes.unknownProducerId), 'again', 'unknown'],
    ['no answer', { kind: 'lost' }, 'in-doubt', 'in-doubt'],
    ['no connection', { kind: 'not-sent', retriable: true }, 'again', 'in-doubt'],
    ['a request that can not be built', { kind: 'not-sent', retriable: false }, 'refused', 'unknown'],
  ] satisfies [string, Attempt, string, string][])('%s: first try, and a try while an earlier one is in doubt', (_what, attempt, first, later) => {
    expect(judge(attempt, false)).toBe(first)
    expect(judge(attempt, true)).toBe(later)
  })

  test('whatever an earlier try may have written is never sent to another place', () => {
    fc.assert(
      fc.property(fc.integer({ min: -1, max: 130 }), (errorCode) => {
        expect(['written', 'in-doubt', 'unknown']).toContain(judge(answered(errorCode), true))
      }),
    )
  })

  test('a producer id ends when its sequence may have been used, or when the broker lost it', () => {
    expect(endsProducerId({ kind: 'lost' }, 'unknown')).toBe(true)
    expect(endsProducerId(answered(errorCodes.outOfOrderSequence), 'again')).toBe(true)
    expect(endsProducerId(answered(errorCodes.topicAuthorizationFailed), 'held')).toBe(false)
  })
})

test('sequences wrap as int32 does in Kafka', () => {
  expect(nextSequence(0, 5)).toBe(5)
  expect(nextSequence(2_147_483_647, 1)).toBe(0)
  expect(nextSequence(2_147_483_640, 10)).toBe(2)
})
