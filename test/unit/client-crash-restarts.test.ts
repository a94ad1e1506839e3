import { describe, expect, test } from 'vitest'
import { CrashRestarts, type RestartOnFailure } from '../../client/crash-restarts.ts'

describe('a callback that says whether a crashed consumer is started again', () => {
  test.each<[string, RestartOnFailure | undefined, boolean]>([
    ['is not there', undefined, true],
    ['says yes', async () => true, true],
    ['says no', async () => false, false],
    ['says no at once, as JavaScript may', (() => false) as unknown as RestartOnFailure, false],
    ['is rejected', () => Promise.reject(new Error('a bug')), true],
    [
      'throws at once',
      () => {
        throw new Error('a bug')
      },
      true,
    ],
  ])('that %s: kafkajs itself never restarts', async (_what, wanted, isRestarted) => {
    const pauses: number[] = []
    const error = Object.assign(new Error('out of retries'), { retryTime: 7 })
    expect(await new CrashRestarts(wanted).instead((pauseMs) => pauses.push(pauseMs))(error)).toBe(false)
    expect(pauses).toEqual(isRestarted ? [7] : [])
  })
})

test('where the error tells no pause, the consumer’s own first one counts', async () => {
  const pauses: number[] = []
  await new CrashRestarts(undefined, 40).instead((pauseMs) => pauses.push(pauseMs))(new Error('out of retries'))
  expect(pauses).toEqual([40])
})

test('kafkajs gets the answer of a listener, so that one whose promise is rejected ends in its log and not the process', async () => {
  const listener = new CrashRestarts().telling(async () => Promise.reject(new Error('a bug')))
  await expect(Promise.resolve(listener({ type: 'consumer.heartbeat' }))).rejects.toThrow('a bug')
})
