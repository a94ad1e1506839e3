import { describe, expect, test } from 'vitest'
import { type CoordinatedCluster, type CoordinatorBroker, steadyCoordinator } from '../../client/transaction-coordinator.ts'

const transaction = { groupId: 'tx', coordinatorType: 1 }
const add = (...partitions: number[]) => ({ transactionalId: 'tx', producerId: '7', producerEpoch: 0, topics: [{ topic: 'payments', partitions }] })

class ProtocolError extends Error {
  readonly type: string
  constructor(type: string) {
    super(type)
    this.type = type
  }
}

/** Brokers that write down what they are asked; each lookup gives the next one, the last one again and again. */
function clusterOf(...brokers: (Partial<CoordinatorBroker> & { readonly asked?: unknown[] })[]) {
  const lookups: unknown[] = []
  const cluster: CoordinatedCluster = {
    findGroupCoordinator: async (args) => {
      lookups.push(args)
      const broker = brokers[Math.min(lookups.length, brokers.length) - 1]
      const asked = broker?.asked ?? []
      return {
        isConnected: () => true,
        addPartitionsToTxn: async (request) => void asked.push(request),
        endTxn: async (request) => void asked.push(request),
        ...broker,
      }
    },
  }
  steadyCoordinator(cluster)
  return { cluster, lookups }
}

async function addTo(cluster: CoordinatedCluster, ...partitions: number[]) {
  return (await cluster.findGroupCoordinator(transaction)).addPartitionsToTxn(add(...partitions))
}

describe('partitions that join a transaction', () => {
  test('share a request when they come together, and each partition is named once', async () => {
    const asked: unknown[] = []
    const { cluster, lookups } = clusterOf({ asked })
    await Promise.all([addTo(cluster, 0), addTo(cluster, 1, 2), addTo(cluster, 2)])
    expect(asked).toEqual([add(0, 1, 2)])
    expect(lookups.length).toBeLessThanOrEqual(3)
  })

  test('that come while a request is under way wait for it', async () => {
    const asked: unknown[] = []
    let answer: (() => void) | undefined
    const addPartitionsToTxn = (request: unknown) =>
      new Promise<void>((resolve) => {
        asked.push(request)
        answer = resolve
      })
    const { cluster } = clusterOf({ addPartitionsToTxn })
    const first = addTo(cluster, 0)
    await expect.poll(() => asked.length).toBe(1)
    const second = addTo(cluster, 1)
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(asked).toEqual([add(0)])
    answer?.()
    await first
    await expect.poll(() => asked.length).toBe(2)
    answer?.()
    await second
    expect(asked).toEqual([add(0), add(1)])
  })

  test('are all refused when the request is, and the next one asks for the coordinator again', async () => {
    const refusal = new ProtocolError('TOPIC_AUTHORIZATION_FAILED')
    const { cluster, lookups } = clusterOf({ addPartitionsToTxn: async () => Promise.reject(refusal) }, { asked: [] })
    await addTo(cluster, 0).catch(() => undefined)
    const refused = await Promise.allSettled([addTo(cluster, 0)])
    expect(refused.map(({ status }) => status)).toEqual(['fulfilled'])
    expect(lookups).toHaveLength(2)
  })
})

describe('the coordinator', () => {
  test('is looked up once for a transaction, and again for the next one', async () => {
    const { cluster, lookups } = clusterOf({ asked: [] })
    await addTo(cluster, 0)
    await addTo(cluster, 1)
    await (await cluster.findGroupCoordinator(transaction)).endTxn({})
    expect(lookups).toHaveLength(1)
    await addTo(cluster, 0)
    expect(lookups).toHaveLength(2)
  })

  test('that has moved did not end the transaction: its successor is asked', async () => {
    const asked: unknown[] = []
    const { cluster } = clusterOf({ endTxn: async () => Promise.reject(new ProtocolError('NOT_COORDINATOR_FOR_GROUP')) }, { asked })
    await (await cluster.findGroupCoordinator(transaction)).endTxn({ transactionResult: true })
    expect(asked).toEqual([{ transactionResult: true }])
  })

  test('whose answer was lost is not asked again: the outcome is unknown', async () => {
    const asked: unknown[] = []
    const { cluster } = clusterOf({ endTxn: async () => Promise.reject(new ProtocolError('REQUEST_TIMED_OUT')) }, { asked })
    await expect((await cluster.findGroupCoordinator(transaction)).endTxn({})).rejects.toThrow('REQUEST_TIMED_OUT')
    expect(asked).toEqual([])
  })

  test('without a connection is looked up again; of groups always', async () => {
    const { cluster, lookups } = clusterOf({ isConnected: () => false }, { asked: [] })
    await cluster.findGroupCoordinator(transaction)
    await cluster.findGroupCoordinator(transaction)
    expect(lookups).toHaveLength(2)
    await cluster.findGroupCoordinator({ groupId: 'g' })
    await cluster.findGroupCoordinator({ groupId: 'g' })
    expect(lookups).toHaveLength(4)
  })
})
