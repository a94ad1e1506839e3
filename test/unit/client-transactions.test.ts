/** When a routed producer runs a transaction again: kafkajs' producer stood in for, time virtual. */
import type { Producer, Transaction } from 'kafkajs'
import { expect, test } from 'vitest'
import type { RoutedTransaction } from '../../client/index.ts'
import { type TransactionalLane, type TransactionGate, Transactions } from '../../client/transactions.ts'
import type { Colour } from '../../engine/model/colour.ts'

/** What kafkajs says when a broker refuses for lack of the right to write. */
class Denied extends Error {
  readonly type = 'TOPIC_AUTHORIZATION_FAILED'
}

/** A colour whose brokers refuse while `isFenced` says so; `ended` tells what became of each transaction, and when its producer was replaced. */
function standIn(isFenced: () => boolean, answer: (topic: string) => Promise<void> = async () => undefined) {
  const ended: ('committed' | 'aborted' | 'replaced')[] = []
  const transaction = () => {
    let isActive = true
    const end = (how: 'committed' | 'aborted') => async () => {
      isActive = false
      ended.push(how)
    }
    const send = async ({ topic }: { topic: string }) => {
      if (isFenced()) throw new Denied(topic)
      await answer(topic)
      return [{ topicName: topic, partition: 0, errorCode: 0 }]
    }
    return { isActive: () => isActive, send, commit: end('committed'), abort: end('aborted') } as unknown as Transaction
  }
  const producer = { transaction: async () => transaction() } as unknown as Producer
  const lane = (colour: Colour): TransactionalLane => ({ colour, producer: async () => producer, replaceProducer: async () => void ended.push('replaced') })
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
  expect(ended.slice(0, -1)).not.toContain('committed')
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

test('a send that failed leaves the sequences in doubt: its transaction is aborted, and the next one has another producer', async () => {
  const { ended, lanes } = standIn(
    () => false,
    async (topic) => {
      if (topic === 'lost') throw new Error('the connection was closed')
    },
  )
  const transactions = new Transactions(lanes, steadyGate(), split, () => undefined)
  await expect(transactions.run(work('lost'))).rejects.toThrow('the connection was closed')
  expect(ended).toEqual(['aborted', 'replaced'])
  await transactions.run(work('payments'))
  expect(ended).toEqual(['aborted', 'replaced', 'committed'])
})

test('work that passes over a failed send is not committed', async () => {
  const failing = async () => Promise.reject(new Error('the connection was closed'))
  const { ended, lanes } = standIn(() => false, failing)
  const transactions = new Transactions(lanes, steadyGate(), split, () => undefined)
  const ignoring = (transaction: RoutedTransaction) => transaction.send({ topic: 'lost', messages: [] }).catch(() => undefined)
  await expect(transactions.run(ignoring)).rejects.toThrow('the connection was closed')
  expect(ended).toEqual(['aborted', 'replaced'])
  const transaction = await transactions.begin()
  await ignoring(transaction)
  await expect(transaction.commit()).rejects.toThrow(/can only be aborted/)
  await transaction.abort()
  expect(ended).toEqual(['aborted', 'replaced', 'aborted', 'replaced'])
})

test('sends to one partition go one after the other, and none behind a failed one: kafkajs would give it the same sequence', async () => {
  const asked: string[] = []
  const answers = Promise.withResolvers<void>()
  const { lanes } = standIn(
    () => false,
    async (topic) => {
      asked.push(topic)
      await answers.promise
    },
  )
  const transaction = await new Transactions(lanes, steadyGate(), split, () => undefined).begin()
  const sends = [1, 2].map(() => transaction.send({ topic: 'payments', messages: [] }))
  await new Promise((resolve) => setImmediate(resolve))
  expect(asked).toEqual(['payments'])
  answers.reject(new Error('the connection was closed'))
  expect((await Promise.allSettled(sends)).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  expect(asked).toEqual(['payments'])
})
