import { expect, test } from 'vitest'
import type { BrokerConnection } from '../../engine/adapters/kafka/broker-connection.ts'
import { produceCopies } from '../../engine/adapters/kafka/produce.ts'
import type { Effect } from '../../engine/adapters/kafka/refusal.ts'
import { topicPartition } from '../../engine/model/partition.ts'
import { Deadline, systemClock } from '../../engine/ports/clock.ts'

test('copies of late records are sent as what must not be repeated: a lost answer is looked for, not sent again', async () => {
  const effects: Effect[] = []
  const broker = {
    request: async (_what: string, _api: unknown, _args: unknown, effect: Effect) => {
      effects.push(effect)
      return { responses: [] }
    },
  } as unknown as BrokerConnection
  const record = { key: null, value: Buffer.from('late'), headers: [], timestamp: 1n, offset: 7n, digest: '' }
  await produceCopies(broker, topicPartition('orders', 0), [record], new Deadline(systemClock, 1_000, 'the copies'))
  expect(effects).toEqual(['once'])
})
