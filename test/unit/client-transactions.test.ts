/** When a routed producer runs a transaction again: kafkajs' producer stood in for, time virtual. */
import type { Producer, Transaction } from 'kafkajs'
import { expect, test } from 'vitest'
import { type TransactionalLane, type TransactionGate, Transactions } from '../../client/transactions.ts'
import type { Colour } from '../../engine/model/colour.ts'

/** What kafkajs says when a broker refuses for lack of the right to write. */
class Denied extends Error {
  readonly type = 'TOPIC_AUTHORIZATION_FAILED'
}

/** A colour whose brokers refuse while `isFenced` says so; `ended` tells what became of each transaction. */
function standIn(isFenced: () => boolean) {
  const ended: ('committed' | 'aborted')[] = []
  const transaction = () => {
    let isActive = true
    const end = (how: 'committed' | 'aborted') => async () => {
      isActive = false
      ended.push(how)
    }
    const send = async ({ topic }: { topic: string }) => {
      if (isFenced()) throw new Denied(topic)
      return [{ topicName: topic, partition: 0, errorCode: 0 }]
    }
    return { isActive: () => isActive, send, commit: end('committed'), abort: end('aborted') } as unknown as Transaction
  }
  const producer = { transaction: async () => transaction() } as unknown as Producer
  const lane = (colour: Colour): TransactionalLane => ({ colour, producer: async () => producer, replaceProducer: async () => undefined })
  return { ended, lanes: { blue: lane('blue'), green: lane('green') } }
}

/** A route that stays open on green at epoch 8; waiting takes virtual time. */
function steadyGate(): TransactionGate & { nowMs: number } {
  return {
    nowMs: 0,
    opened: (after) => (after < 8 ? { colour: 'green', epoch: 8 } : undefined),
    async whenOpen(_after, waitMs) {
      this.nowMs += waitMs ?? 0
    },
    monotonicMs() {
      return this.nowMs
    },
  }
}

const split = async (_topic: string, messages: readonly object[]) => new Map([[0, messages as never]])
const work = (topic: string) => (transaction: { send(record: { topic: string; messages: [] }): Promise<unknown> }) => transaction.send({ topic, messages: [] })

test('refused by a fence that landed late on the live colour, it is run again once that is lifted: the epoch doesn’t move for it', async () => {
  const gate = steadyGate()
  const { ended, lanes } = standIn(() => gate.nowMs < 2_000)
  await new Transactions(lanes, gate, split, () => undefined).run(work('payments'))
  expect(ended.at(-1)).toBe('committed')
  expect(ended.slice(0, -1).every((how) => how === 'aborted')).toBe(true)
  expect(gate.nowMs).toBeLessThan(2_500)
})

test('refused for good, it is told so after a minute', async () => {
  const gate = steadyGate()
  const { ended, lanes } = standIn(() => true)
  await expect(new Transactions(lanes, gate, split, () => undefined).run(work('payments'))).rejects.toThrow(Denied)
  expect(ended).not.toContain('committed')
  expect(gate.nowMs).toBeGreaterThan(59_000)
  expect(gate.nowMs).toBeLessThan(62_000)
})
