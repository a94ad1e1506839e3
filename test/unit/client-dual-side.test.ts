/** The life of one colour of a dual consumer, with a kafkajs consumer that the test crashes. */
import type { Consumer } from 'kafkajs'
import { expect, test } from 'vitest'
import { DualSide } from '../../client/dual-side.ts'
import type { Timing } from '../../client/timing.ts'

const turns: Timing = {
  monotonicMs: () => 0,
  sleep: () => new Promise((resolve) => setImmediate(resolve)),
}

function stand(connect: () => Promise<void> = async () => undefined) {
  const calls: string[] = []
  const listeners = new Map<string, Set<(event: object) => void>>()
  const note = (call: string) => async () => void calls.push(call)
  const logger = () => ({ error: () => undefined, debug: () => undefined })
  const consumer = {
    connect: async () => {
      await connect()
      calls.push('connect')
    },
    ...{ subscribe: note('subscribe'), run: note('run'), disconnect: note('disconnect'), logger },
    on: (event: string, listener: (event: object) => void) => {
      const all = listeners.get(event) ?? new Set()
      listeners.set(event, all.add(listener))
      return () => all.delete(listener)
    },
  } as unknown as Consumer
  const emit = (event: string, payload: object) => {
    for (const listener of listeners.get(event) ?? []) listener({ payload })
  }
  const side = new DualSide('blue', consumer, turns)
  side.start({ subscriptions: [{ topics: ['orders'] }], partitionsConsumedConcurrently: undefined, eachMessage: async () => undefined })
  return { side, calls, emit, settled: () => someTurns() }
}

async function someTurns(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await turns.sleep(0)
}

const life = ['connect', 'subscribe', 'run']

test('a crash ends reading, and it begins again by itself', async () => {
  const { side, calls, emit, settled } = stand()
  await settled()
  emit('consumer.group_join', { memberAssignment: { orders: [0, 2] } })
  expect([calls, side.partitions]).toEqual([life, ['orders-0', 'orders-2']])
  emit('consumer.crash', { error: new Error('the brokers are gone') })
  expect(side.partitions).toBe(null)
  await settled()
  expect(calls).toEqual([...life, 'disconnect', ...life])
  await side.close()
  expect(calls.filter((call) => call === 'run').length).toBe(2)
})

test('a colour that is away is tried until it is there', async () => {
  let tries = 0
  const { side, calls, settled } = stand(async () => {
    tries += 1
    if (tries < 4) throw new Error('refused')
  })
  await settled()
  expect([tries, calls.filter((call) => call !== 'disconnect')]).toEqual([4, life])
  await side.close()
})

test('closing does not wait for a colour that is away, and leaves nothing open when it comes back', async () => {
  const { promise: reachable, resolve: comeBack } = Promise.withResolvers<void>()
  const { side, calls, settled } = stand(() => reachable)
  await settled()
  await side.close()
  expect(calls).not.toContain('connect')
  comeBack()
  await settled()
  expect(calls.slice(calls.indexOf('connect'))).toEqual(['connect', 'disconnect'])
})
